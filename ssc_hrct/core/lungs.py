"""Lungs as found: right, left, airways; zones and rings as maps of their own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.volume import LabelMap, read_only


class Region(IntEnum):
    """Labels of `Lungs.regions`. Airways (trachea, main and lobar bronchi) are not lung."""

    OUTSIDE = 0
    RIGHT_LUNG = 1
    LEFT_LUNG = 2
    AIRWAYS = 3


REGION_NAMES = {int(r): r.name.lower() for r in Region}


class Zone(IntEnum):
    """Labels of `Lungs.zones`: thirds of each lung by volume. 0 is outside."""

    RIGHT_UPPER = 1
    RIGHT_MIDDLE = 2
    RIGHT_LOWER = 3
    LEFT_UPPER = 4
    LEFT_MIDDLE = 5
    LEFT_LOWER = 6

    @property
    def word(self) -> str:
        return self.name.lower()


class Ring(IntEnum):
    """Labels of `Lungs.rings`: depth from the chest-wall pleura. 0 is outside."""

    TO_10_MM = 1
    TO_20_MM = 2
    OVER_20_MM = 3


def both_lungs(regions: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """bool, of the same shape: right or left lung. regions: of `Region`."""
    lung: NDArray[np.bool_] = (regions == Region.RIGHT_LUNG) | (regions == Region.LEFT_LUNG)
    return lung


@dataclass(frozen=True, slots=True)
class Lungs:
    """regions: `Region` per voxel; zones, rings: uint8 [z, y, x] of `Zone` and `Ring`."""

    regions: LabelMap
    zones: NDArray[np.uint8]
    rings: NDArray[np.uint8]

    def __post_init__(self) -> None:
        for name, array in (("zones", self.zones), ("rings", self.rings)):
            if array.dtype != np.uint8 or array.shape != self.regions.grid.shape:
                raise ValueError(f"{name} must be uint8 of the grid's shape")
            read_only(array)

    @property
    def grid(self) -> Grid:
        return self.regions.grid

    def mask(self) -> NDArray[np.bool_]:
        """bool [z, y, x]: both lungs, the denominator of every percent."""
        return both_lungs(self.regions.labels)
