"""Two egg-shaped lungs in soft tissue, small enough to write disease into in a moment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.acquisition import Acquisition, SeriesKind
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import REGION_NAMES, Lungs, Region
from ssc_hrct.core.volume import LabelMap


def eggs(
    grid: Grid, *, middles_x_mm: tuple[float, float], middle_y_mm: float, half_mm: tuple[float, float, float]
) -> tuple[NDArray[np.int16], Lungs]:
    """HU (-870 inside, 40 outside) and the lungs, right and left at middles_x_mm, 49 mm up. half_mm: axes z, y, x."""
    z, y, x = (np.arange(n) * d for n, d in zip(grid.shape, grid.spacing_mm, strict=True))
    regions = np.zeros(grid.shape, dtype=np.uint8)
    for middle, region in zip(middles_x_mm, (Region.RIGHT_LUNG, Region.LEFT_LUNG), strict=True):
        egg = ((z[:, None, None] - 49) / half_mm[0]) ** 2 + ((y[None, :, None] - middle_y_mm) / half_mm[1]) ** 2
        regions[egg + ((x[None, None, :] - middle) / half_mm[2]) ** 2 < 1] = region
    empty = np.zeros(grid.shape, dtype=np.uint8)
    return (np.where(regions > 0, -870, 40).astype(np.int16),
            Lungs(LabelMap(regions, grid, REGION_NAMES), empty, empty.copy()))


def facts_of(grid: Grid, thickness_mm: float | None) -> Acquisition:
    return Acquisition(
        "1", "2", "CT", SeriesKind.AXIAL, grid.shape[0], slice_thickness_mm=thickness_mm,
        slice_spacing_mm=grid.spacing_mm[0], pixel_spacing_mm=grid.spacing_mm[1:],
    )
