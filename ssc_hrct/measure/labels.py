"""From patterns on a coarse lattice to one label for each voxel of lung: once, alike for every engine.

In: patterns and how abnormal each lattice voxel is. Out: labels on the full grid. The border of territory follows the
interpolated value, and is not a staircase.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import both_lungs
from ssc_hrct.core.patterns import PATTERN_NAMES, Pattern
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.volume import LabelMap
from ssc_hrct.measure.coarse import Blocks
from ssc_hrct.measure.shapes import Mask, without_small
from ssc_hrct.measure.threads import in_slabs

Box = tuple[slice, slice, slice]


def label_map(
    regions: NDArray[np.uint8], grid: Grid, box: Box, blocks: Blocks, patterns: NDArray[np.uint8],
    abnormal: NDArray[np.float32], *, limit: float, smallest_island_ml: float,
    progress: Progress = SILENT,
) -> LabelMap:
    """`Pattern` on `grid`, 0 outside the lungs.

    regions: `Region` [z, y, x] on the grid. box: what the lattice covers of it. patterns: `Pattern` on the lattice of
    `blocks`. abnormal: float32 on the lattice; territory is what is at least `limit` in between, and islands of it
    under smallest_island_ml fall again on the full grid.
    """
    labels = np.zeros(grid.shape, np.uint8)
    part = labels[box]
    _write(part, regions[box], patterns, abnormal, blocks, limit, progress)
    smallest = max(1, int(np.ceil(smallest_island_ml / grid.voxel_ml)))
    ill = territory(part)
    part[ill & ~without_small(ill, smallest)] = Pattern.NORMAL
    return LabelMap(labels, grid, PATTERN_NAMES)


def territory(patterns: NDArray[np.uint8]) -> Mask:
    """Everything abnormal but emphysema."""
    return np.asarray((patterns >= Pattern.GROUND_GLASS) & (patterns <= Pattern.CONSOLIDATION), np.bool_)


def _write(
    labels: NDArray[np.uint8], regions: NDArray[np.uint8], patterns: NDArray[np.uint8], abnormal: NDArray[np.float32],
    blocks: Blocks, limit: float, progress: Progress,
) -> None:
    """Where the border reaches past the lattice's territory a voxel takes the strongest neighbour's pattern (the order
    of `Pattern` up to honeycombing is the order in which labels win)."""
    ill = territory(patterns)
    # What fell as an island on the lattice must not come back between points.
    value = np.where(ill, abnormal, np.minimum(abnormal, np.float32(limit * 0.98)))
    nearest = _strongest_near(np.where(ill, patterns, 0))

    def draw(offset: int, start: int, end: int) -> None:
        z, stop = offset + start, offset + end
        lung = both_lungs(regions[z:stop])
        rest = blocks.repeat(np.where(ill, np.uint8(Pattern.NORMAL), patterns), z, stop)
        found = np.maximum(rest, np.uint8(Pattern.NORMAL))
        rows = slice(max(0, z // blocks.factors[0] - 2), stop // blocks.factors[0] + 2)
        if ill[rows].any():
            inside = blocks.linear(value, z, stop) >= limit
            pattern = blocks.repeat(nearest, z, stop)
            found = np.where(inside & (pattern > 0), pattern, found)
        labels[z:stop] = np.where(lung, found, Pattern.OUTSIDE)

    depth, slab = labels.shape[0], 4 * blocks.factors[0]
    for z in range(0, depth, 2 * slab):
        progress.step("drawing patterns", z, depth)
        in_slabs(partial(draw, z), min(2 * slab, depth - z), slab)


def _strongest_near(patterns: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Own pattern where there is one, else the highest of the 26 neighbours."""
    high = patterns
    for axis in range(3):
        moved = np.moveaxis(high, axis, 0)
        grown = moved.copy()
        np.maximum(grown[1:], moved[:-1], out=grown[1:])
        np.maximum(grown[:-1], moved[1:], out=grown[:-1])
        high = np.moveaxis(grown, 0, axis)
    return np.where(patterns > 0, patterns, high)
