"""Zones and rings: thirds of each lung by volume, and depth from the chest-wall pleura."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.lungs import Region, Ring, Zone, both_lungs
from ssc_hrct.measure.coarse import SLAB, Blocks
from ssc_hrct.measure.shapes import Mask, Spacing, bounds, close_roughly, distance_mm
from ssc_hrct.measure.threads import in_slabs

RING_MM = (10.0, 20.0)
"""Our choice: the outer ring is about one secondary lobule deep (10 to 25 mm)."""
HILAR_GAP_MM = 15.0
"""A notch that a ball of this radius cannot enter is no chest wall (docs/decisions.md, 12). Our choice."""
BESIDE = 4
"""So many voxels of the lattice around the lungs have a depth: the fine border reaches two beyond the coarse one, and
the next is asked in between. Even, as closing looks at every other voxel."""


def thirds(regions: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`Zone` per voxel: each lung cut into three equal counts of voxels, from the top.

    regions: uint8 [z, y, x] of `Region`, z from feet to head. Within the slice that holds a cut,
    voxels go in the order of y, then x, so that thirds differ by one voxel at most.
    """
    zones = np.zeros(regions.shape, np.uint8)
    sides = ((Region.RIGHT_LUNG, Zone.RIGHT_UPPER), (Region.LEFT_LUNG, Zone.LEFT_UPPER))
    per_slice = np.zeros((len(sides), len(regions)), np.int64)

    def count(start: int, stop: int) -> None:
        for z in range(start, stop):
            for side, (region, _) in enumerate(sides):
                per_slice[side, z] = np.count_nonzero(regions[z] == region)

    in_slabs(count, len(regions), SLAB)
    above = np.cumsum(per_slice[:, ::-1], axis=1)[:, ::-1] - per_slice
    total = per_slice.sum(axis=1)

    def write(start: int, stop: int) -> None:
        for z in range(start, stop):
            names = np.zeros(len(Region), np.uint8)
            for side, (region, upper) in enumerate(sides):
                here, over = int(per_slice[side, z]), int(above[side, z])
                cuts = (int(total[side]) // 3, 2 * int(total[side]) // 3)
                first, last = (int(np.searchsorted(cuts, n, side="right")) for n in (over, over + max(here, 1) - 1))
                names[region] = upper + first
                if first != last:
                    order = over + np.arange(here)
                    zones[z][regions[z] == region] = upper + np.searchsorted(cuts, order, side="right")
                    names[region] = 0
            if per_slice[:, z].any():
                zones[z] |= names.take(regions[z])

    in_slabs(write, len(regions), SLAB)
    return zones


def medial(lung: Mask, is_right: bool) -> Mask:
    """Voxels nearer to the midline than all of the lung in their row (z, y): mediastinum."""
    facing = lung if is_right else lung[:, :, ::-1]
    reach = facing.shape[2] - np.argmax(facing[:, :, ::-1], axis=2)
    reach[~facing.any(axis=2)] = facing.shape[2]
    beyond = np.arange(facing.shape[2]) >= reach[:, :, None]
    return np.asarray(beyond if is_right else beyond[:, :, ::-1], np.bool_)


def chest_wall_depth_mm(right: Mask, left: Mask, spacing_mm: Spacing) -> NDArray[np.float32]:
    """Distance of each lung voxel from the costal and diaphragmatic surface, in mm; 0 outside of that surface.

    The surface toward the midline does not count (see `medial`), nor do the hilum's notches: gaps
    that a ball of HILAR_GAP_MM cannot enter. Depth goes on into both, so that what lies between a lung's last voxel
    and the next one is as deep as they are. The surface runs between two middles of voxels: half a voxel is taken off.
    """
    depth, both = np.zeros(right.shape, np.float32), right | left
    for lung, is_right in ((right, True), (left, False)):
        box = bounds(lung, [BESIDE] * 3)
        part = lung[box]
        inside = close_roughly(part | medial(part, is_right), HILAR_GAP_MM, spacing_mm)
        away = distance_mm(inside, spacing_mm) - np.float32((spacing_mm[1] + spacing_mm[2]) / 4)
        np.maximum(depth[box], away, out=depth[box], where=inside & (part | ~both[box]))
    return depth


def write_rings(
    rings: NDArray[np.uint8], regions: NDArray[np.uint8], depth_mm: NDArray[np.float32], blocks: Blocks
) -> None:
    """`Ring` per voxel of lung into `rings`, from the coarse depth (linear in between).

    rings, regions: uint8 [z, y, x] on the grid of `blocks`.
    """

    def write(start: int, stop: int) -> None:
        part = regions[start:stop]
        deep = blocks.linear(depth_mm, start, stop)
        found = (deep > RING_MM[0]).view(np.uint8) + (deep > RING_MM[1]).view(np.uint8)
        found += np.uint8(Ring.TO_10_MM)
        found *= both_lungs(part)
        rings[start:stop] = found

    in_slabs(write, regions.shape[0], SLAB)
