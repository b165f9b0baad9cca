"""Zones and rings: thirds of each lung by volume, and depth from the chest-wall pleura."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.lungs import Region, Ring, Zone
from ssc_hrct.measure.coarse import Blocks
from ssc_hrct.measure.shapes import Mask, Spacing, bounds, close_roughly, distance_mm

RING_MM = (10.0, 20.0)
HILUM_MM = 15.0


def thirds(regions: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`Zone` per voxel: each lung cut into three equal counts of voxels, from the top.

    regions: uint8 [z, y, x] of `Region`, z from feet to head. Within the slice that holds a cut,
    voxels go in the order of y, then x, so that thirds differ by one voxel at most.
    """
    zones = np.zeros(regions.shape, np.uint8)
    for region, upper in ((Region.RIGHT_LUNG, Zone.RIGHT_UPPER), (Region.LEFT_LUNG, Zone.LEFT_UPPER)):
        per_slice = np.array([int(np.count_nonzero(layer == region)) for layer in regions])
        total = int(per_slice.sum())
        cuts = (total // 3, 2 * total // 3)
        above = 0
        for z in range(regions.shape[0] - 1, -1, -1):
            here = int(per_slice[z])
            if not here:
                continue
            inside = regions[z] == region
            first, last = (int(np.searchsorted(cuts, n, side="right")) for n in (above, above + here - 1))
            if first == last:
                zones[z][inside] = upper + first
            else:
                order = above + np.arange(here)
                zones[z][inside] = upper + np.searchsorted(cuts, order, side="right")
            above += here
    return zones


def medial(lung: Mask, is_right: bool) -> Mask:
    """Voxels nearer to the midline than all of the lung in their row (z, y): mediastinum."""
    facing = lung if is_right else lung[:, :, ::-1]
    reach = facing.shape[2] - np.argmax(facing[:, :, ::-1], axis=2)
    reach[~facing.any(axis=2)] = facing.shape[2]
    beyond = np.arange(facing.shape[2]) >= reach[:, :, None]
    return np.asarray(beyond if is_right else beyond[:, :, ::-1], np.bool_)


def chest_wall_depth_mm(right: Mask, left: Mask, spacing_mm: Spacing) -> NDArray[np.float32]:
    """Distance of each lung voxel from the costal and diaphragmatic surface, in mm; 0 outside.

    The surface toward the midline does not count (see `medial`), nor do the hilum's notches: gaps
    that a ball of HILUM_MM cannot enter.
    """
    depth = np.zeros(right.shape, np.float32)
    for lung, is_right in ((right, True), (left, False)):
        box = bounds(lung, [2, 2, 2])
        part = lung[box]
        inside = close_roughly(part | medial(part, is_right), HILUM_MM, spacing_mm)
        away = distance_mm(inside, spacing_mm)
        depth[box][part] = away[part]
    return depth


def write_rings(
    rings: NDArray[np.uint8], regions: NDArray[np.uint8], depth_mm: NDArray[np.float32], blocks: Blocks
) -> None:
    """`Ring` per voxel of lung into `rings`, from the coarse depth (linear in between).

    rings, regions: uint8 [z, y, x] on the grid of `blocks`.
    """
    for z in range(0, regions.shape[0], 32):
        stop = min(z + 32, regions.shape[0])
        lung = (regions[z:stop] == Region.RIGHT_LUNG) | (regions[z:stop] == Region.LEFT_LUNG)
        deep = blocks.linear(depth_mm, z, stop)
        rings[z:stop][lung] = np.searchsorted(RING_MM, deep[lung], side="left") + int(Ring.TO_10_MM)
