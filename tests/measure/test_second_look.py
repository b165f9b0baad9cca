"""Where a territory ends is asked again, by what was said around and by the step in density, not by density itself."""

from __future__ import annotations

import numpy as np
import pytest

from ssc_hrct.core.grid import Grid
from ssc_hrct.measure.coarse import Blocks
from ssc_hrct.measure.features import NAMES, Features
from ssc_hrct.measure.second_look import KEPT, MOST_MM, SecondLook, second_look
from ssc_hrct.measure.second_look import NAMES as SECOND

SPACING_MM = 3.0
SHAPE = (20, 20, 30)
DISTANCE_MM = (np.arange(SHAPE[2]) - 14.5) * SPACING_MM
"""From a flat border along x; negative is inside."""


def seen(mean_hu: np.ndarray) -> Features:
    """A block of lung in which `mean_5` is as given along x, and every other feature its own number."""
    values = np.tile(np.arange(len(NAMES), dtype=np.float32), (int(np.prod(SHAPE)), 1))
    values[:, NAMES.index("mean_5")] = np.broadcast_to(mean_hu, SHAPE).ravel()
    grid = Grid(SHAPE, (SPACING_MM,) * 3)
    box = (slice(0, SHAPE[0]), slice(0, SHAPE[1]), slice(0, SHAPE[2]))
    return Features(box, Blocks(grid, (1, 1, 1)), np.ones(SHAPE, np.bool_), np.ones(SHAPE, np.float32), values)


def blurred(height: float, *, beside: float = 0.0) -> np.ndarray:
    return beside + (height - beside) / (1 + np.exp(DISTANCE_MM / 2.0))


def column(look: SecondLook, name: str) -> np.ndarray:
    """Along x, in the middle of the block; NaN where it was not asked."""
    out = np.full(look.asked.shape, np.nan, np.float32)
    out[look.asked] = look.values[:, SECOND.index(name)]
    return out.reshape(SHAPE)[10, 10]


@pytest.mark.parametrize("height", [110.0, 200.0, 420.0])
@pytest.mark.parametrize("beside", [0.0, 40.0])
def test_half_of_the_step_is_reached_at_the_border_however_dense_the_inside_is(height: float, beside: float) -> None:
    look = second_look(seen(blurred(height, beside=beside)), np.broadcast_to(blurred(0.98), SHAPE).ravel())
    step = np.interp(0.0, DISTANCE_MM, column(look, "step_10"))
    assert step == pytest.approx(0.5, abs=0.06)
    assert np.nanmean(column(look, "inside_hu")[:8]) == pytest.approx(height, rel=0.05)


def test_a_faint_call_is_part_of_the_most_that_is_said_nearby() -> None:
    look = second_look(seen(blurred(120.0)), np.broadcast_to(blurred(0.5), SHAPE).ravel())
    assert column(look, "part_of_most")[2] == pytest.approx(1.0, abs=0.02)
    assert column(look, "most")[14] == pytest.approx(0.47, abs=0.04)


def test_only_near_what_was_said_it_is_asked_again() -> None:
    said = np.zeros(SHAPE, np.float32)
    said[:, :, :10] = 0.9
    asked = second_look(seen(blurred(200.0)), said.ravel()).asked.reshape(SHAPE)
    reach = int(MOST_MM / SPACING_MM) + 1
    assert asked[:, :, : 10 + reach - 1].all()
    assert not asked[:, :, 10 + reach :].any()
    assert not second_look(seen(blurred(200.0)), np.full(said.size, 0.1, np.float32)).asked.any()


def test_rows_are_named_in_whole_steps_and_keep_what_the_first_look_saw() -> None:
    look = second_look(seen(blurred(200.0)), np.broadcast_to(blurred(0.9), SHAPE).ravel())
    assert look.values.shape == (int(look.asked.sum()), len(SECOND))
    assert look.values.dtype == np.float32
    for name in KEPT:
        if name != "mean_5":
            assert look.values[:, SECOND.index(name)] == pytest.approx(NAMES.index(name))
    told = look.values[:, SECOND.index("told_4")]
    assert np.allclose(told * 1000, np.rint(told * 1000), atol=1e-3)
