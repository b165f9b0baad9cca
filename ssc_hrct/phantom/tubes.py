"""Tubes on a grid: vessels, bronchi, ribs. Rasterised in small boxes, anti-aliased, thinner than a voxel allowed.

A tube thinner than a voxel keeps its volume: it is drawn one voxel wide and fainter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.grid import Grid
from ssc_hrct.phantom.lattice import FloatArray

FULL = 255
"""Coverage is kept as uint8: 255 is a voxel wholly inside."""
_CHUNK_VOXELS = 3_000_000


@dataclass(frozen=True, slots=True)
class Tubes:
    """Straight pieces with round ends. start, end: float32 [n, 3] (z, y, x) in mm; radius_mm: float32 [n, 2]."""

    start: FloatArray
    end: FloatArray
    radius_mm: FloatArray

    def __len__(self) -> int:
        return len(self.start)


def polyline(points_zyx_mm: NDArray[np.floating], radius_mm: NDArray[np.floating] | float) -> Tubes:
    """Tubes along a chain of points [n, 3] with a radius at each point (or one for all)."""
    points = np.asarray(points_zyx_mm, dtype=np.float32)
    radii = np.broadcast_to(np.asarray(radius_mm, dtype=np.float32), (len(points),))
    return Tubes(points[:-1], points[1:], np.stack([radii[:-1], radii[1:]], axis=1))


def curve(points_zyx_mm: NDArray[np.floating], count: int) -> FloatArray:
    """A smooth curve (Catmull-Rom) through points [n, 3], as `count` points."""
    points = np.asarray(points_zyx_mm, dtype=np.float32)
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    place = np.linspace(0, len(points) - 1, count)
    first = np.minimum(place.astype(np.intp), len(points) - 2)
    t = (place - first).astype(np.float32)[:, None]
    a, b, c, d = (padded[first + i] for i in range(4))
    return np.asarray(
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3),
        dtype=np.float32,
    )


def joined(parts: list[Tubes]) -> Tubes:
    """All pieces in one."""
    return Tubes(
        np.concatenate([p.start for p in parts]),
        np.concatenate([p.end for p in parts]),
        np.concatenate([p.radius_mm for p in parts]),
    )


def paint(cover: NDArray[np.uint8], grid: Grid, tubes: Tubes, width_mm: float | None = None) -> None:
    """Raise `cover` [z, y, x] to the share of each voxel that lies inside a tube. Changes `cover`.

    width_mm: over which edges are softened; None for that of a voxel.
    """
    if not len(tubes):
        return
    spacing = np.asarray(grid.spacing_mm, dtype=np.float32)
    origin = np.asarray(grid.origin_mm[::-1], dtype=np.float32)
    width = float(np.prod(spacing)) ** (1 / 3) if width_mm is None else width_mm
    pieces = _short(tubes, width)
    middle = (pieces.start + pieces.end) / 2
    reach = np.abs(pieces.end - pieces.start) / 2 + pieces.radius_mm.max(axis=1, keepdims=True) + width
    half = np.ceil(reach / spacing).astype(np.int32)
    index = np.round((middle - origin) / spacing).astype(np.int32)
    shape = np.asarray(cover.shape, dtype=np.int32)
    seen = ((index + half >= 0) & (index - half < shape)).all(axis=1)
    kinds, group = np.unique(half[seen], axis=0, return_inverse=True)
    seen_at = np.flatnonzero(seen)
    for number, box in enumerate(kinds):
        members = seen_at[group.ravel() == number]
        per_piece = int(np.prod(2 * box + 1))
        step = max(1, _CHUNK_VOXELS // per_piece)
        for first in range(0, len(members), step):
            chosen = members[first : first + step]
            _paint_boxes(cover, origin, spacing, width, pieces, chosen, index[chosen], box)


def _short(tubes: Tubes, width: float) -> Tubes:
    """The same tubes cut so that no piece is much longer than it is wide."""
    length = np.linalg.norm(tubes.end - tubes.start, axis=1)
    limit = np.maximum(2.0 * tubes.radius_mm.max(axis=1), 3.5 * width)
    count = np.maximum(1, np.ceil(length / limit)).astype(np.intp)
    owner = np.repeat(np.arange(len(tubes)), count)
    order = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    low = (order / count[owner]).astype(np.float32)[:, None]
    high = ((order + 1) / count[owner]).astype(np.float32)[:, None]
    start, way = tubes.start[owner], (tubes.end - tubes.start)[owner]
    r0, grow = tubes.radius_mm[owner, :1], (tubes.radius_mm[:, 1:] - tubes.radius_mm[:, :1])[owner]
    return Tubes(start + low * way, start + high * way, np.concatenate([r0 + low * grow, r0 + high * grow], axis=1))


def _paint_boxes(
    cover: NDArray[np.uint8],
    origin: FloatArray,
    spacing: FloatArray,
    width: float,
    pieces: Tubes,
    chosen: NDArray[np.intp],
    index: NDArray[np.int32],
    half: NDArray[np.int32],
) -> None:
    """One batch of pieces that share a box size. Distance to the piece's axis, then the share inside."""
    start, end = pieces.start[chosen], pieces.end[chosen]
    way = end - start
    square = np.maximum((way**2).sum(axis=1), 1e-9)
    along = np.zeros((len(chosen), *(2 * half + 1)), dtype=np.float32)
    offsets = []
    for axis in range(3):
        steps = np.arange(-half[axis], half[axis] + 1, dtype=np.int32)
        at = origin[axis] + spacing[axis] * (index[:, axis, None] + steps) - start[:, axis, None]
        view = [len(chosen), 1, 1, 1]
        view[axis + 1] = len(steps)
        offsets.append(at.astype(np.float32).reshape(view))
        along += offsets[axis] * (way[:, axis] / square)[:, None, None, None].astype(np.float32)
    np.clip(along, 0, 1, out=along)
    far = np.zeros_like(along)
    for axis in range(3):
        part = offsets[axis] - along * way[:, axis, None, None, None]
        far += part * part
    radius = pieces.radius_mm[chosen]
    drawn = np.maximum(radius, width / 2)
    r = drawn[:, 0, None, None, None] + along * (drawn[:, 1] - drawn[:, 0])[:, None, None, None]
    faint = ((radius / drawn) ** 2).mean(axis=1)[:, None, None, None]
    share = np.clip(0.5 + (r - np.sqrt(far)) / width, 0, 1) * faint
    hit = np.nonzero(share > 1 / 512)
    where = [index[hit[0], axis] + hit[axis + 1].astype(np.int32) - half[axis] for axis in range(3)]
    inside = np.ones(len(hit[0]), dtype=bool)
    for axis in range(3):
        inside &= (where[axis] >= 0) & (where[axis] < cover.shape[axis])
    flat = (where[0].astype(np.int64) * cover.shape[1] + where[1]) * cover.shape[2] + where[2]
    value = np.rint(share[hit] * FULL).astype(np.uint8)
    np.maximum.at(cover.reshape(-1), flat[inside], value[inside])
