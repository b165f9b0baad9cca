"""Right from left on two balls of air."""

from __future__ import annotations

import numpy as np
import pytest

from ssc_hrct.measure.parting import part_lungs

SPACING_MM = (3.0, 2.5, 2.0)
SHAPE = (48, 56, 130)


def ball(middle_x_mm: float, radius_mm: float = 50.0) -> np.ndarray:
    """A ball with its middle so far to the left (x positive) of the array's middle."""
    z, y, x = ((np.arange(n) - (n - 1) / 2) * d for n, d in zip(SHAPE, SPACING_MM, strict=True))
    return np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + (x - middle_x_mm) ** 2) < radius_mm


MIDDLE_X = (SHAPE[2] - 1) / 2


def test_two_parts_are_named_by_their_place():
    sides = part_lungs(ball(-62) | ball(58), MIDDLE_X, SPACING_MM)
    assert np.array_equal(sides.right, ball(-62))
    assert np.array_equal(sides.left, ball(58))


def test_a_small_part_goes_to_the_side_it_lies_on():
    crumb = np.zeros(SHAPE, np.bool_)
    crumb[44:46, 50:53, 80:83] = True
    sides = part_lungs(ball(-62) | ball(58) | crumb, MIDDLE_X, SPACING_MM)
    assert sides.left[crumb].all()
    assert not sides.right[crumb].any()


@pytest.mark.parametrize("neck_mm", [-14.0, 0.0, 14.0])
def test_touching_balls_are_parted_near_their_neck(neck_mm):
    """The neck may lie beside the midline: the lung's shape decides, not the midline."""
    right, left = ball(neck_mm - 46), ball(neck_mm + 46)
    sides = part_lungs(right | left, MIDDLE_X, SPACING_MM)
    assert np.array_equal(sides.right | sides.left, right | left), "all of the air is given to a side"
    assert not (sides.right & sides.left).any()
    x_mm = (np.arange(SHAPE[2]) - MIDDLE_X) * SPACING_MM[2]
    assert np.broadcast_to(x_mm, SHAPE)[sides.right].max() < neck_mm + 5
    assert np.broadcast_to(x_mm, SHAPE)[sides.left].min() > neck_mm - 5


def test_a_mirrored_chest_swaps_sides():
    air = ball(-46) | ball(46, 46)
    sides, mirrored = part_lungs(air, MIDDLE_X, SPACING_MM), part_lungs(air[:, :, ::-1], MIDDLE_X, SPACING_MM)
    assert (sides.right != mirrored.left[:, :, ::-1]).sum() < 0.002 * air.sum()


@pytest.mark.parametrize("middle_mm", [-62.0, 62.0])
def test_one_side_alone_is_not_two_lungs(middle_mm):
    assert part_lungs(ball(middle_mm), MIDDLE_X, SPACING_MM) is None


def test_a_side_under_100_ml_is_not_a_lung():
    """A ball of 27 mm holds 82 ml, one of 31 mm 125 ml."""
    assert part_lungs(ball(-62) | ball(62, 27), MIDDLE_X, SPACING_MM) is None
    assert part_lungs(ball(-62) | ball(62, 31), MIDDLE_X, SPACING_MM) is not None


def test_no_air_is_not_two_lungs():
    assert part_lungs(np.zeros(SHAPE, np.bool_), MIDDLE_X, SPACING_MM) is None
