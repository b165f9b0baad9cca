"""What the neighbourhood of each point in the lungs is made of, relative to own normal lung.

In: volume, lungs and stats. Out: `Neighbourhoods`, maps on a coarse lattice in the lungs' box.
A rim of one voxel under the pleura and dense strands (vessels) are left out of every share, so that
partial volume and vessels do not look like disease (science.md 3.2, 10).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Lungs, Region
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.stats import ImageStats
from ssc_hrct.core.volume import LOWEST_HU, Volume
from ssc_hrct.measure.coarse import Blocks, ball_mean, blocks_of
from ssc_hrct.measure.shapes import Mask, bounds, distance_mm
from ssc_hrct.measure.zones import chest_wall_depth_mm

RAISED_HU = 90.0
"""Over own normal lung: half of what counts as ground glass at least, so that its border is met."""
STRAND_HU = 420.0
"""Over own normal lung: vessels, thick walls and other dense strands."""
LOW_HU = -30.0
"""Under own normal lung: lumen of cysts and airways."""
EMPTY_HU = -950.0
DENSE_HU = -250.0

FloatMap = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Neighbourhoods:
    """float32 [z, y, x] on `blocks` (a coarse lattice of `box`, slices of the full array).

    hu: block means. lung: more than half of the block is lung; near: any of it is.
    depth_mm: from the chest wall. raised_5, raised_8: share of thin tissue (no strands) that is over
    own normal lung by RAISED_HU, within 5 and 8 mm. strands_8: share of strands. low_5: share of
    lumen. roughness_hu: SD of thin tissue about its 3 mm mean, within 5 mm.
    """

    box: tuple[slice, slice, slice]
    blocks: Blocks
    hu: FloatMap
    lung: Mask
    near: Mask
    depth_mm: FloatMap
    raised_5: FloatMap
    raised_8: FloatMap
    strands_8: FloatMap
    low_5: FloatMap
    roughness_hu: FloatMap


def neighbourhoods(
    volume: Volume, lungs: Lungs, stats: ImageStats, *, progress: Progress = SILENT
) -> Neighbourhoods:
    """Maps for a classifier. The lungs hold at least one voxel."""
    regions = lungs.regions.labels
    margin = [round(12.0 / d) for d in volume.grid.spacing_mm]
    box = bounds((regions == Region.RIGHT_LUNG) | (regions == Region.LEFT_LUNG), margin)
    part = regions[box]
    blocks = blocks_of(Grid((part.shape[0], part.shape[1], part.shape[2]), volume.grid.spacing_mm))
    hu = blocks.mean(np.maximum(volume.hu[box], LOWEST_HU))
    right, left = (blocks.mean((part == side).view(np.uint8)) for side in (Region.RIGHT_LUNG, Region.LEFT_LUNG))
    lung, near = right + left > 0.5, right + left > 0
    spacing = blocks.spacing_mm
    inner = distance_mm(lung, spacing) > 1.3 * max(spacing)
    progress.step("looking at neighbourhoods", 0, 3)

    over = np.where(lung, hu - _normal_hu(lung, stats, blocks), 0).astype(np.float32)
    thin = inner & (over < STRAND_HU)
    inner_8, thin_3, thin_5, thin_8 = (
        np.maximum(ball_mean(mask.astype(np.float32), radius, spacing), 1e-3)
        for mask, radius in ((inner, 8.0), (thin, 3.0), (thin, 5.0), (thin, 8.0))
    )
    progress.step("looking at neighbourhoods", 1, 3)
    raised = ((over > RAISED_HU) & thin).astype(np.float32)
    raised_5, raised_8 = ball_mean(raised, 5.0, spacing) / thin_5, ball_mean(raised, 8.0, spacing) / thin_8
    low_5 = ball_mean(((over < LOW_HU) & inner).astype(np.float32), 5.0, spacing)
    low_5 /= np.maximum(ball_mean(inner.astype(np.float32), 5.0, spacing), 1e-3)
    progress.step("looking at neighbourhoods", 2, 3)
    smooth = ball_mean(np.where(thin, over, 0), 3.0, spacing) / thin_3
    square = np.where(thin, (over - smooth) ** 2, 0).astype(np.float32)
    return Neighbourhoods(
        box=box,
        blocks=blocks,
        hu=hu,
        lung=lung,
        near=near,
        depth_mm=chest_wall_depth_mm(right > 0.5, left > 0.5, spacing),
        raised_5=raised_5,
        raised_8=raised_8,
        strands_8=np.clip(1 - thin_8 / inner_8, 0, 1),
        low_5=low_5,
        roughness_hu=np.sqrt(np.maximum(ball_mean(square, 5.0, spacing), 0) / thin_5),
    )


def _normal_hu(lung: Mask, stats: ImageStats, blocks: Blocks) -> FloatMap:
    """Density of own normal lung by row, [1, y, 1]: the mode at mid height and gravity's gradient."""
    rows = np.flatnonzero(lung.any(axis=(0, 2)))
    middle = (rows[0] + rows[-1]) / 2
    y = (np.arange(lung.shape[1]) - middle) * blocks.spacing_mm[1]
    return np.asarray(stats.normal_mode_hu + stats.gravity_hu_per_mm * y, np.float32)[None, :, None]
