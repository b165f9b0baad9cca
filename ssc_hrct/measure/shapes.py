"""Shapes on a coarse lattice: parts, balls, fillings. bool [z, y, x] in and out.

A ball of r mm is a bundle of rods, each of which is added to the mask as a whole; distances in mm are `edt`'s.
"""

from __future__ import annotations

from typing import Literal

import cc3d
import edt
import numpy as np
from numpy.typing import NDArray

from ssc_hrct.measure.threads import THREADS, in_slabs

Mask = NDArray[np.bool_]
Spacing = tuple[float, float, float]


def distance_mm(inside: Mask, spacing_mm: Spacing) -> NDArray[np.float32]:
    """Distance in mm of each inside voxel's centre to the nearest outside voxel's; 0 outside."""
    mask = np.require(inside, requirements=["C", "W"])  # edt asks for a writeable buffer and writes nothing
    return np.asarray(edt.edt(mask, anisotropy=spacing_mm, parallel=THREADS), np.float32)


def grow(mask: Mask) -> Mask:
    """The mask and its face neighbours: one voxel further along each axis."""
    out = mask.copy()
    for axis in range(3):
        low, high = [slice(None)] * 3, [slice(None)] * 3
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        out[tuple(high)] |= mask[tuple(low)]
        out[tuple(low)] |= mask[tuple(high)]
    return out


def shrink(mask: Mask) -> Mask:
    """Voxels of the mask whose face neighbours all belong to it; the array's faces do not shrink it."""
    return ~grow(~mask)


def dilate(mask: Mask, radius_mm: float, spacing_mm: Spacing) -> Mask:
    """All voxels within radius_mm of the mask, between middles.

    A ball is a bundle of rods along x: the mask is widened along x once for each length of rod, then moved along
    z and y and added. Ten times quicker than a distance map for balls of a few voxels.
    """
    dz, dy, dx = spacing_mm
    square = radius_mm * radius_mm * (1 + 1e-6)
    high, wide = int(np.sqrt(square) / dz), int(np.sqrt(square) / dy)
    rods: dict[int, list[tuple[int, int]]] = {}
    for k in range(-high, high + 1):
        for j in range(-wide, wide + 1):
            left = square - (k * dz) ** 2 - (j * dy) ** 2
            if left >= 0:
                rods.setdefault(int(np.sqrt(left) / dx), []).append((k, j))
    out = np.empty(mask.shape, np.bool_)

    def write(start: int, stop: int) -> None:
        first = max(0, start - high)
        part = np.array(mask[first : stop + high], np.bool_)
        plain, grown = part.copy(), out[start:stop]
        grown[:] = mask[start:stop]
        reach = 0
        for half in sorted(rods):
            for step in range(reach + 1, min(half, mask.shape[2] - 1) + 1):
                part[:, :, step:] |= plain[:, :, :-step]
                part[:, :, :-step] |= plain[:, :, step:]
            reach = half
            for k, j in rods[half]:
                _add_moved(grown, part, start - first - k, j)

    in_slabs(write, mask.shape[0], 16)
    return out


def _add_moved(grown: Mask, part: Mask, k: int, j: int) -> None:
    """grown[z, y] |= part[z + k, y + j] where both are."""
    z_from, z_to = max(0, -k), min(len(grown), len(part) - k)
    y_from, y_to = max(0, -j), min(grown.shape[1], part.shape[1] - j)
    if z_from < z_to and y_from < y_to:
        grown[z_from:z_to, y_from:y_to] |= part[z_from + k : z_to + k, y_from + j : y_to + j]


def erode(mask: Mask, radius_mm: float, spacing_mm: Spacing) -> Mask:
    """Voxels of the mask further than radius_mm from its outside; the array's faces do not erode."""
    return ~dilate(~mask, radius_mm, spacing_mm)


def close_ball(mask: Mask, radius_mm: float, spacing_mm: Spacing) -> Mask:
    """Closing by a ball, padded so that the array's faces do not count as outside."""
    pad = [int(np.ceil(radius_mm / d)) + 1 for d in spacing_mm]
    padded = np.pad(mask, [(p, p) for p in pad])
    grown = dilate(padded, radius_mm, spacing_mm)
    closed = erode(grown, radius_mm, spacing_mm)
    inner = tuple(slice(p, p + n) for p, n in zip(pad, mask.shape, strict=True))
    return mask | closed[inner]


def close_roughly(mask: Mask, radius_mm: float, spacing_mm: Spacing) -> Mask:
    """Closing by a wide ball on every other voxel of fine axes.

    Each voxel takes the answer of the nearest one; as that may lie a voxel further out, the outermost
    voxel of what is added is left away.
    """
    steps = [2 if d < 2.0 else 1 for d in spacing_mm]
    thinned = mask[:: steps[0], :: steps[1], :: steps[2]]
    coarse = (spacing_mm[0] * steps[0], spacing_mm[1] * steps[1], spacing_mm[2] * steps[2])
    closed = close_ball(thinned, radius_mm, coarse)
    z, y, x = (np.minimum((np.arange(n) + s // 2) // s, m - 1)
               for n, s, m in zip(mask.shape, steps, closed.shape, strict=True))
    return mask | shrink(closed[z][:, y][:, :, x])


def open_ball(mask: Mask, radius_mm: float, spacing_mm: Spacing) -> Mask:
    """Opening by a ball: what a ball of that radius inside the mask can reach."""
    core = erode(mask, radius_mm, spacing_mm)
    return mask & dilate(core, radius_mm, spacing_mm) if core.any() else np.zeros_like(mask)


def parts(mask: Mask, connectivity: Literal[6, 18, 26] = 6) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Connected parts: labels from 1, and the voxel count of each label (index 0: outside)."""
    labels = np.asarray(cc3d.connected_components(np.ascontiguousarray(mask), connectivity=connectivity), np.uint32)
    return labels, np.bincount(labels.ravel())


def reached(mask: Mask, seed: Mask) -> Mask:
    """The parts of the mask that touch the seed, which belongs to it."""
    labels = cc3d.connected_components(mask | seed, connectivity=6)
    hit = np.zeros(int(labels.max()) + 1, np.bool_)
    hit[labels[seed]] = True
    return np.asarray(hit[labels])


def largest(mask: Mask) -> Mask:
    """The largest part; empty in, empty out."""
    labels, counts = parts(mask)
    if counts.size < 2:
        return np.zeros_like(mask)
    return np.asarray(labels == int(np.argmax(counts[1:])) + 1)


def without_small(mask: Mask, smallest_voxels: int, connectivity: Literal[6, 18, 26] = 6) -> Mask:
    """The mask without parts under so many voxels."""
    labels, counts = parts(mask, connectivity)
    keep = counts >= smallest_voxels
    keep[0] = False
    return np.asarray(keep[labels])


def fill_gaps(mask: Mask, within: Mask, largest_voxels: int) -> Mask:
    """The mask and what of `within` lies beside it in pieces of under so many voxels; a crumb that touches nothing
    is no gap."""
    rest = within & ~mask
    small = rest & ~without_small(rest, largest_voxels)
    if not small.any():
        return mask
    labels, counts = parts(small)
    touched = np.zeros(counts.shape, np.bool_)
    touched[labels[grow(mask) & small]] = True
    touched[0] = False
    return mask | touched[labels]


def fill_slices(mask: Mask) -> Mask:
    """Holes closed within each axial slice. Empty layers between the slices keep them apart."""
    apart = np.zeros((2 * mask.shape[0], mask.shape[1] + 2, mask.shape[2] + 2), np.bool_)
    apart[::2] = np.pad(~mask, ((0, 0), (1, 1), (1, 1)), constant_values=True)
    labels, counts = parts(apart)
    outside = np.zeros(counts.size, np.bool_)
    outside[labels[::2, 0, 0]] = True
    return np.asarray(~outside[labels[::2, 1:-1, 1:-1]])


def fill_holes(mask: Mask) -> Mask:
    """Holes closed in 3D: outside is what reaches the array's side faces; top and bottom do not count."""
    labels, counts = parts(~mask)
    faces = (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1])
    edge = np.concatenate([face.ravel() for face in faces])
    outside = np.zeros(counts.size, np.bool_)
    outside[np.unique(edge)] = True
    outside[0] = False
    return np.asarray(~outside[labels])


def bounds(mask: Mask, margin: list[int] | None = None) -> tuple[slice, slice, slice]:
    """Box of the mask with a margin in voxels per axis, inside the array. The mask holds something."""
    box = []
    for axis in range(3):
        hit = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        more = margin[axis] if margin else 0
        box.append(slice(max(0, int(hit[0]) - more), min(mask.shape[axis], int(hit[-1]) + 1 + more)))
    return box[0], box[1], box[2]
