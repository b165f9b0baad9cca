"""Thirds by volume and rings by depth, on made-up lungs whose answer can be written down."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Region, Ring, Zone
from ssc_hrct.measure.coarse import Blocks
from ssc_hrct.measure.zones import chest_wall_depth_mm, medial, thirds, write_rings

RIGHT = (Zone.RIGHT_UPPER, Zone.RIGHT_MIDDLE, Zone.RIGHT_LOWER)
LEFT = (Zone.LEFT_UPPER, Zone.LEFT_MIDDLE, Zone.LEFT_LOWER)

some_regions = hnp.arrays(
    np.uint8, hnp.array_shapes(min_dims=3, max_dims=3, max_side=6), elements=st.integers(0, len(Region) - 1)
)


@given(some_regions)
@settings(deadline=None, max_examples=100)
def test_every_voxel_of_lung_has_one_zone_of_its_side_and_nothing_else_has(regions):
    zones = thirds(regions)
    assert zones.shape == regions.shape
    assert np.isin(zones[regions == Region.RIGHT_LUNG], RIGHT).all()
    assert np.isin(zones[regions == Region.LEFT_LUNG], LEFT).all()
    assert not zones[(regions == Region.OUTSIDE) | (regions == Region.AIRWAYS)].any()


@given(some_regions)
@settings(deadline=None, max_examples=100)
def test_thirds_are_equal_to_one_voxel(regions):
    zones = thirds(regions)
    for names in (RIGHT, LEFT):
        sizes = [int((zones == name).sum()) for name in names]
        assert max(sizes) - min(sizes) <= 1


@given(some_regions)
@settings(deadline=None, max_examples=100)
def test_upper_lies_above_middle_above_lower_and_a_shared_slice_is_cut_by_y(regions):
    zones = thirds(regions)
    for names in (RIGHT, LEFT):
        for upper, lower in pairwise(names):
            above, below = np.argwhere(zones == upper), np.argwhere(zones == lower)
            if len(above) and len(below):
                lowest, highest = above[:, 0].min(), below[:, 0].max()
                assert lowest >= highest
                if lowest == highest:
                    front, back = above[above[:, 0] == lowest], below[below[:, 0] == highest]
                    assert front[:, 1].max() <= back[:, 1].min()


def test_a_slab_of_nine_slices_is_cut_after_three_and_six():
    regions = np.full((9, 4, 4), Region.LEFT_LUNG, np.uint8)
    wanted = [Zone.LEFT_LOWER] * 3 + [Zone.LEFT_MIDDLE] * 3 + [Zone.LEFT_UPPER] * 3
    assert (thirds(regions) == np.array(wanted)[:, None, None]).all()


def test_the_mediastinum_lies_beyond_each_lung_s_inner_face_in_its_row():
    lung = np.zeros((1, 2, 8), np.bool_)
    lung[0, 0, 1:4] = True
    assert np.flatnonzero(medial(lung, True)[0, 0]).tolist() == [4, 5, 6, 7]
    assert np.flatnonzero(medial(lung, False)[0, 0]).tolist() == [0]
    assert not medial(lung, True)[0, 1].any(), "a row without lung has no mediastinum"
    assert not medial(lung, False)[0, 1].any()


def slabs() -> tuple[np.ndarray, np.ndarray]:
    """A right and a left lung that fill the array but for the chest wall (5 voxels) and 10 voxels between them."""
    right, left = np.zeros((6, 8, 60), np.bool_), np.zeros((6, 8, 60), np.bool_)
    right[:, :, 5:25], left[:, :, 35:55] = True, True
    return right, left


def test_depth_grows_from_the_chest_wall_and_the_medial_side_does_not_count():
    right, left = slabs()
    depth = chest_wall_depth_mm(right, left, (3.0, 1.4, 1.5))
    from_wall = 1.5 * (np.arange(20) + 0.5)
    assert np.allclose(depth[:, :, 5:25], from_wall, atol=0.03), "the wall is where voxels meet, not a voxel's middle"
    assert np.allclose(depth[:, :, 35:55], from_wall[::-1], atol=0.03)
    assert not depth[:, :, :5].any()
    assert not depth[:, :, 55:].any(), "beyond the chest wall there is none"
    assert (depth[:, :, 25:28] > 30).all(), "and toward the midline it goes on"


def test_the_diaphragm_counts_for_depth():
    right, left = slabs()
    right[:2] = False
    depth = chest_wall_depth_mm(right, left, (1.6, 1.4, 1.5))
    assert depth[2, 4, 20] == pytest.approx(0.8, abs=0.1)
    assert depth[4, 4, 20] == pytest.approx(4.0, abs=0.1)


@pytest.mark.parametrize("beyond", [1, 2, 4])
def test_what_the_fine_border_adds_at_the_mediastinum_is_deep(beyond):
    """The fine lung reaches up to two blocks of two voxels past the coarse one, 30 mm from the chest wall."""
    right, left = slabs()
    blocks = Blocks(Grid((12, 16, 120), (0.75, 0.75, 0.75)), (2, 2, 2))
    regions = np.zeros((12, 16, 120), np.uint8)
    regions[:, :, 10 : 50 + beyond], regions[:, :, 70 - beyond : 110] = Region.RIGHT_LUNG, Region.LEFT_LUNG
    rings = np.zeros_like(regions)
    write_rings(rings, regions, chest_wall_depth_mm(right, left, blocks.spacing_mm), blocks)
    assert (rings[:, :, 50 - 4 : 50 + beyond] == Ring.OVER_20_MM).all()
    assert (rings[:, :, 70 - beyond : 70 + 4] == Ring.OVER_20_MM).all()
    assert (rings[:, :, 10:23] == Ring.TO_10_MM).all(), "at the chest wall nothing moves"


def test_lungs_that_touch_keep_their_own_depth():
    right, left = slabs()
    apart = chest_wall_depth_mm(right, left, (3.0, 1.4, 1.5))
    right, left = right[:, :, :25], left[:, :, 35:]
    both = [np.concatenate([a, np.zeros_like(b)], axis=2) for a, b in ((right, left), (left[:, :, ::-1], right))]
    depth = chest_wall_depth_mm(both[0], both[1][:, :, ::-1], (3.0, 1.4, 1.5))
    assert np.array_equal(depth[:, :, 5:25], apart[:, :, 5:25])
    assert np.array_equal(depth[:, :, 25:45], apart[:, :, 35:55])


@pytest.mark.parametrize("factors", [(1, 1, 1), (1, 2, 2), (2, 3, 2)])
def test_rings_of_a_half_space_are_right_to_a_tenth_of_a_coarse_voxel(factors):
    """The chest wall is a plane: depth is known everywhere."""
    coarse_mm = 1.5
    right, left = slabs()
    shape = tuple(n * f + (f - 1) for n, f in zip(right.shape, factors, strict=True))
    spacing = tuple(coarse_mm / f for f in factors)
    blocks = Blocks(Grid((shape[0], shape[1], shape[2]), (spacing[0], spacing[1], spacing[2])), factors)
    regions = np.zeros(shape, np.uint8)
    regions[blocks.repeat(right)], regions[blocks.repeat(left)] = Region.RIGHT_LUNG, Region.LEFT_LUNG
    rings = np.zeros(shape, np.uint8)
    write_rings(rings, regions, chest_wall_depth_mm(right, left, blocks.spacing_mm), blocks)
    assert ((rings > 0) == (regions > 0)).all()
    x = (np.arange(shape[2]) + 0.5) * spacing[2]
    for region, depth in ((Region.RIGHT_LUNG, x - 5 * coarse_mm), (Region.LEFT_LUNG, 55 * coarse_mm - x)):
        here = np.broadcast_to(depth, shape)[regions == region]
        found = rings[regions == region]
        assert set(found) == set(Ring), "the slab is deep enough for all three"
        slack = 0.1 * coarse_mm
        assert (found[here < 10 - slack] == Ring.TO_10_MM).all()
        assert (found[(here > 10 + slack) & (here < 20 - slack)] == Ring.TO_20_MM).all()
        assert (found[here > 20 + slack] == Ring.OVER_20_MM).all()
