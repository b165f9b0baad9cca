"""Shares on a mask: what lies outside neither adds nor dilutes, and asking for some points changes none of them."""

from __future__ import annotations

import numpy as np
import pytest

from ssc_hrct.core.grid import Grid
from ssc_hrct.measure.coarse import Blocks
from ssc_hrct.measure.shares import Shares

FINE = Grid((24, 30, 32), (1.25, 1.5, 1.5))
ROUGH = Blocks(FINE, (2, 2, 2))


def mask() -> np.ndarray:
    """A slab with a ragged border: half of each ball about its surface lies outside."""
    out = np.zeros(FINE.shape, np.bool_)
    out[4:20, 6:24, 8:26] = True
    out &= np.random.default_rng(5).random(FINE.shape) < 0.8
    return out


@pytest.mark.parametrize("radius_mm", [5.0, 12.0])
def test_a_part_that_is_everywhere_the_same_keeps_its_share_up_to_the_border(radius_mm):
    shares = Shares(mask(), ROUGH)
    told = shares.share(np.float32(0.3) * shares.weight, radius_mm)
    assert told[shares.weight > 0] == pytest.approx(0.3, abs=1e-5)


def test_far_from_the_mask_the_share_is_nothing():
    corner = np.zeros(FINE.shape, np.bool_)
    corner[:4, :4, :4] = True
    shares = Shares(corner, ROUGH)
    told = shares.share(shares.weight, 3.0)
    assert told[0, 0, 0] == pytest.approx(1)
    assert told[-1, -1, -1] == 0


def test_points_asked_for_are_those_of_the_whole_map_in_array_order():
    near = np.random.default_rng(6).random(ROUGH.shape) < 0.4
    quantity = ROUGH.mean(mask() & (np.random.default_rng(7).random(FINE.shape) < 0.5))
    whole, some = Shares(mask(), ROUGH), Shares(mask(), ROUGH, near)
    for radius_mm in (5.0, 8.0, 5.0):
        assert np.array_equal(some.share(quantity, radius_mm), whole.share(quantity, radius_mm)[near])


def test_a_mask_given_as_parts_of_the_rough_voxels_is_the_same_mask():
    bools, parts = Shares(mask(), ROUGH), Shares(ROUGH.mean(mask()), ROUGH)
    assert np.array_equal(bools.weight, parts.weight)
    assert np.array_equal(bools.share(bools.weight, 8.0), parts.share(parts.weight, 8.0))
