"""What the neighbourhood of each point in the lungs is made of, relative to own normal lung.

In: volume, lungs and stats. Out: `Neighbourhoods`, maps on a coarse lattice in the lungs' box.
A rim of one voxel under the pleura and dense strands (vessels) are left out of every share, so that
partial volume and vessels do not look like disease.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Lungs, both_lungs
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.stats import ImageStats
from ssc_hrct.core.volume import LOWEST_HU, Volume
from ssc_hrct.measure.coarse import Blocks, ball_mean, blocks_of
from ssc_hrct.measure.features import EMPTY_HU, STRAND_HU, normal_hu
from ssc_hrct.measure.shapes import Mask, bounds, grow, open_ball, shrink, without_small
from ssc_hrct.measure.shares import FloatMap, Shares

RAISED_HU = 90.0
"""Over own normal lung: half of what counts as ground glass at least, so that its border is met."""
LOW_HU = -30.0
"""Under own normal lung: lumen of cysts and airways."""
DENSE_HU = -250.0
SOLID_RADIUS_MM = 5.0
"""Consolidation holds a ball of this radius; vessels inside the lungs do not."""


@dataclass(frozen=True, slots=True)
class Neighbourhoods:
    """float32 [z, y, x] on `blocks`, a lattice of about 3 mm over `box` (slices of the full array).

    near: any of the block is lung; middle: its middle is. depth: `Ring` of the block's middle (0
    outside the lungs). thin: part of the block that is thin tissue (lung without rim and strands);
    raised: part that lies, besides, over own normal lung by RAISED_HU. raised_5, raised_8: raised per
    thin within 5 and 8 mm. strands_8: share of strands. low_5: share of lumen. empty_5: share under
    EMPTY_HU. roughness_hu: SD of thin tissue about its 3 mm mean, within 5 mm. solid: inside a piece
    of lung denser than DENSE_HU that holds a ball of SOLID_RADIUS_MM.
    """

    box: tuple[slice, slice, slice]
    blocks: Blocks
    near: Mask
    middle: Mask
    depth: NDArray[np.uint8]
    raised_5: FloatMap
    raised_8: FloatMap
    thin: FloatMap
    raised: FloatMap
    strands_8: FloatMap
    low_5: FloatMap
    empty_5: FloatMap
    roughness_hu: FloatMap
    solid: Mask


def neighbourhoods(
    volume: Volume, lungs: Lungs, stats: ImageStats, *, progress: Progress = SILENT
) -> Neighbourhoods:
    """Maps for a classifier. The lungs hold at least one voxel."""
    regions = lungs.regions.labels
    margin = [round(12.0 / d) for d in volume.grid.spacing_mm]
    box = bounds(both_lungs(regions), margin)
    part = regions[box]
    fine = blocks_of(Grid((part.shape[0], part.shape[1], part.shape[2]), volume.grid.spacing_mm))
    hu = fine.mean(np.maximum(volume.hu[box], LOWEST_HU))
    share = fine.mean(both_lungs(part).view(np.uint8))
    lung = share > 0.5
    inner = shrink(lung)
    over = np.where(lung, hu - normal_hu(lung, stats, fine), 0).astype(np.float32)
    thin = inner & (over < STRAND_HU)
    progress.step("looking at neighbourhoods", 0, 3)

    weight = np.maximum(ball_mean(thin.astype(np.float32), 3.0, fine.spacing_mm), 1e-3)
    smooth = ball_mean(np.where(thin, over, 0), 3.0, fine.spacing_mm) / weight
    square = np.where(thin, (over - smooth) ** 2, 0)
    progress.step("looking at neighbourhoods", 1, 3)

    pairs = [2 if d < 2.0 else 1 for d in fine.spacing_mm]
    rough = Blocks(Grid(fine.shape, fine.spacing_mm), (pairs[0], pairs[1], pairs[2]))
    factors = [f * p for f, p in zip(fine.factors, pairs, strict=True)]
    blocks = Blocks(fine.full, (factors[0], factors[1], factors[2]))
    inner_of, thin_of = Shares(inner, rough), Shares(thin, rough)
    depth = _middles(lungs.rings[box], blocks)
    raised = rough.mean((over > RAISED_HU) & thin)
    progress.step("looking at neighbourhoods", 2, 3)
    return Neighbourhoods(
        box=box,
        blocks=blocks,
        near=rough.mean(share) > 0,
        middle=depth > 0,
        depth=depth,
        raised_5=thin_of.share(raised, 5.0),
        raised_8=thin_of.share(raised, 8.0),
        thin=thin_of.weight,
        raised=raised,
        strands_8=np.clip(1 - inner_of.share(thin_of.weight, 8.0), 0, 1),
        low_5=inner_of.share(rough.mean((over < LOW_HU) & inner), 5.0),
        empty_5=inner_of.share(rough.mean((hu < EMPTY_HU) & inner), 5.0),
        roughness_hu=np.sqrt(np.maximum(thin_of.share(rough.mean(square), 5.0), 0)),
        solid=_solid((hu > DENSE_HU) & lung, rough),
    )


def _solid(dense: Mask, rough: Blocks) -> Mask:
    """On the rough lattice: dense lung that holds a ball, grown by a voxel over its blurred border."""
    fine = rough.full
    smallest = round(4.19 * SOLID_RADIUS_MM**3 / 1000.0 / fine.voxel_ml)
    large = without_small(dense, max(1, smallest))
    if not large.any():
        return np.zeros(rough.shape, np.bool_)
    box = bounds(large, [4, 4, 4])
    large[box] = grow(open_ball(large[box], SOLID_RADIUS_MM, fine.spacing_mm))
    return rough.mean(large) > 0.5


def _middles(labels: NDArray[np.uint8], blocks: Blocks) -> NDArray[np.uint8]:
    """The label at the middle of each block."""
    z, y, x = (f // 2 + f * np.arange(n) for f, n in zip(blocks.factors, blocks.shape, strict=True))
    return labels[z][:, y][:, :, x]
