"""Maps that do not lie on the lungs' grid cannot become `Lungs`."""

from __future__ import annotations

import numpy as np
import pytest

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import REGION_NAMES, Lungs
from ssc_hrct.core.volume import LabelMap

SHAPE = (3, 4, 5)
REGIONS = LabelMap(np.ones(SHAPE, np.uint8), Grid(SHAPE, (1.0, 1.0, 1.0)), REGION_NAMES)
GOOD = {"zones": np.ones(SHAPE, np.uint8), "rings": np.ones(SHAPE, np.uint8)}


def test_maps_of_the_grid_are_taken_and_cannot_be_written() -> None:
    lungs = Lungs(REGIONS, **GOOD)
    assert lungs.mask().all()
    assert not lungs.zones.flags.writeable
    assert not lungs.rings.flags.writeable


@pytest.mark.parametrize("name", ["zones", "rings"])
@pytest.mark.parametrize("bad", [np.ones((3, 5, 4), np.uint8), np.ones(SHAPE, np.int16)])
def test_a_map_of_another_shape_or_type_is_a_fault_of_the_program(name: str, bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match=name):
        Lungs(REGIONS, **(GOOD | {name: bad}))
