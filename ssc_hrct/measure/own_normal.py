"""The patient's own normal lung: the mode and width of its densities, its share, and the rise with gravity.

In: densities and lung on a lattice of about 1.5 mm. Out: `OwnNormal`. Disease is looked for as what is denser than
this, so it must not follow the disease: it starts from the least dense lung, takes gravity away,
and then looks at all lung near that start. Where almost nothing is left to look at, the density that tissue of the
usual mass has in lungs of this volume stands in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.volume import LOWEST_HU
from ssc_hrct.measure.coarse import Blocks, ball_mean, blocks_of
from ssc_hrct.measure.shapes import Mask

ROUGH_MM = 3.0
START_SHARE = (0.02, 0.25)
"""The search starts in lung whose 10 mm mean lies between these ranks. With 60 percent of diffuse ground glass the
top of this range is still normal lung."""
EMPTIEST_HU = -945.0
"""Lung whose 10 mm mean is emptier is emphysema and no start."""
NEAR_HU = 60.0
"""Lung whose 10 mm mean is this near is looked at again; made-up ground glass adds 128 HU at least ("sheets")."""
NORMAL_REACH_HU = 90.0
"""Lung whose 10 mm mean is within this above the mode looks normal."""
GRAVITY_MOST_HU = 60.0
"""Cap of the gravity gradient over the height of the lungs: 190 mm of 0.32 HU per mm, the most in three real scans."""
TISSUE_ML = 550.0
"""Tissue in normal lung, (HU + 1000) / 1000 x volume, which a breath does not change: 386, 453 and
570 ml in lidc-0001, 4dlung-113 and lidc-0002, 496 to 655 in six made-up chests."""
PREDICTED_HU = (-920.0, -650.0)
USUAL_AIR_HU = -980.0
"""Of the windpipe; scans whose air lies elsewhere are shifted as a whole."""
BELIEVED_HU = 100.0
"""A measured mode further over the predicted one than this is disease, not lung. In the scans and chests named above
the measured mode lies between 65 HU under and 55 HU over the predicted one; ground glass begins at 110 over."""
LEAST_SHARE = 0.06
"""Less of the lung than this near the measured mode says nothing of it."""


@dataclass(frozen=True, slots=True)
class OwnNormal:
    """mode_hu at mid height, width_hu: SD; share: part of the lung that looks normal; gravity_hu_per_mm: rise along y.

    predicted: the mode was not measured but follows from the volume.
    """

    mode_hu: float
    width_hu: float
    share: float
    gravity_hu_per_mm: float
    predicted: bool


def own_normal(
    hu: NDArray[np.float32], lung: Mask, blocks: Blocks, *, lung_ml: float, air_hu: float | None = None
) -> OwnNormal:
    """hu, lung: [z, y, x] on `blocks`, lung without its blurred border and never empty; lung_ml: volume of both;
    air_hu: of the windpipe.
    """
    rough = blocks_of(Grid(blocks.shape, blocks.spacing_mm), ROUGH_MM)
    weight = rough.mean(lung)
    inside = rough.mean(np.where(lung, hu, 0))
    around = ball_mean(weight, 5.0, rough.spacing_mm)
    local = ball_mean(inside, 5.0, rough.spacing_mm) / np.maximum(around, 1e-3)
    inner = (weight > 0.5) & (around > 0.6)
    if int(inner.sum()) < 60:
        inner = weight > 0
    rows = np.flatnonzero(lung.any(axis=(0, 2)))
    height = _rows_mm(rough, blocks, float(rows[0] + rows[-1]) / 2)
    shift = 0.0 if air_hu is None else air_hu - USUAL_AIR_HU
    predicted = float(np.clip(1000.0 * TISSUE_ML / lung_ml - 1000.0, *PREDICTED_HU)) + shift
    mode, slope = _start(local, inner), 0.0
    most = GRAVITY_MOST_HU / max(float(rows[-1] - rows[0]) * blocks.spacing_mm[1], 1.0)
    cell = inside / np.maximum(weight, 1e-3)
    for _ in range(3):
        near = inner & (np.abs(local - mode - slope * height[None, :, None]) < NEAR_HU)
        slope = _slope(cell, near, height, most)
        mode, width = _mode(hu, lung, near, slope, height, rough)
    looks_normal = inner & (local - slope * height[None, :, None] < mode + NORMAL_REACH_HU)
    share = float(looks_normal.sum() / inner.sum())
    if mode > predicted + BELIEVED_HU or float(near.sum() / inner.sum()) < LEAST_SHARE:
        close = inner & (local < predicted + NORMAL_REACH_HU)
        return OwnNormal(predicted, min(width, 40.0), float(close.sum() / inner.sum()), slope, True)
    return OwnNormal(mode, width, share, slope, False)


def _rows_mm(rough: Blocks, blocks: Blocks, middle: float) -> NDArray[np.float32]:
    """Place of the rough rows in mm from the lungs' mid height; middle: that as an index of the finer lattice."""
    factor = rough.factors[1]
    fine = (np.arange(rough.shape[1]) + 0.5) * factor - 0.5
    return np.asarray((fine - middle) * blocks.spacing_mm[1], np.float32)


def _start(local: NDArray[np.floating], inner: Mask) -> float:
    """Density of the least dense lung that is no emphysema."""
    values = local[inner]
    filled = values[values > EMPTIEST_HU]
    values = filled if filled.size > 0.2 * values.size else values
    low, high = np.quantile(values, START_SHARE)
    chosen = values[(values >= low) & (values <= high)]
    return float(np.median(chosen))


def _slope(cell: NDArray[np.floating], near: Mask, height: NDArray[np.float32], most: float) -> float:
    """HU per mm along y by which normal lung grows denser, within the cap either way; 0 where too little is seen."""
    counts = near.sum(axis=(0, 2))
    rows = np.flatnonzero(counts >= 25)
    if len(rows) < 6 or height[rows[-1]] - height[rows[0]] < 40.0:
        return 0.0
    # The 40th percentile, because vessels lie above.
    middles = [float(np.percentile(cell[:, y][near[:, y]], 40)) for y in rows]
    slope = float(np.polyfit(height[rows], middles, 1, w=np.sqrt(counts[rows]))[0])
    return float(np.clip(slope, -most, most))


def _mode(
    hu: NDArray[np.float32], lung: Mask, near: Mask, slope: float, height: NDArray[np.float32], rough: Blocks
) -> tuple[float, float]:
    """Mode of the smoothed histogram of lung near the start, gravity taken away; SD from the half below it."""
    chosen = lung & rough.repeat(near)
    fine_rows = np.repeat(height, rough.factors[1])
    rows = np.concatenate([fine_rows, np.full(max(0, hu.shape[1] - len(fine_rows)), height[-1])])[: hu.shape[1]]
    values = (hu - np.float32(slope) * rows[None, :, None])[chosen]
    edges = np.arange(LOWEST_HU - 76, 100, 4)
    counts, _ = np.histogram(values, edges)
    smooth = ndimage.gaussian_filter1d(counts.astype(np.float64), 2.5)
    at = int(np.clip(np.argmax(smooth), 1, len(smooth) - 2))
    low, top, high = smooth[at - 1 : at + 2]
    bend = low - 2 * top + high
    mode = float(edges[at] + 2 + (4 * 0.5 * (low - high) / bend if bend < 0 else 0))
    below = values[values < mode]
    width = float(np.sqrt(np.mean((below - mode) ** 2))) if below.size > 50 else 30.0
    return mode, width
