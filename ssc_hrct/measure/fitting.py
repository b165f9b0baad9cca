"""A label map of another lattice brought onto a grid, by places in patient space alone.

In: a `LabelMap` whose axes may run in any order and direction, and a grid. Out: labels on that grid. Where the
voxels of both are the same ones, they are turned and cut exactly; else each voxel takes the label of the nearest.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.volume import LabelMap, read_only

NO_VOXEL = 255
"""Stands where the label map has no voxel."""
SAME_VOXEL = 0.1
"""Centres so near, in voxels of the map, are one voxel: NIfTI keeps places in 32 bits (0.005 voxels over 512)."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """labels: uint8 [z, y, x] on the grid, read-only, NO_VOXEL where the map has none.

    resampled: the lattices differ. lost_percent: part of what was labelled, by volume, that is not on the grid.
    """

    labels: NDArray[np.uint8]
    resampled: bool
    lost_percent: float

    def __post_init__(self) -> None:
        read_only(self.labels)


def fit(labels: LabelMap, grid: Grid, *, progress: Progress = SILENT) -> Fitted:
    """Labels on `grid`. Labels stay under 255. Raises HrctError(MASK_REFUSED) where the map has no extent."""
    turn, start = _indices(labels.grid, grid)
    whole, first = np.rint(turn), np.rint(start)
    corners = np.array(list(product(*((0, n - 1) for n in grid.shape))), np.float64)
    off = np.abs(corners @ (turn - whole) + (start - first)).max()
    is_turn = bool((np.abs(whole).sum(axis=0) == 1).all() and (np.abs(whole).sum(axis=1) == 1).all())
    same = is_turn and off <= SAME_VOXEL
    moved = (
        _turned(labels.labels, whole.astype(np.intp), first.astype(np.intp), grid.shape)
        if same
        else _nearest(labels.labels, turn, start, grid.shape, progress)
    )
    given = int(np.count_nonzero(labels.labels))
    there = int(np.count_nonzero((moved > 0) & (moved < NO_VOXEL)))
    of_theirs = there if same else there * grid.voxel_ml / labels.grid.voxel_ml
    return Fitted(moved, not same, max(0.0, 100.0 * (1.0 - of_theirs / given)) if given else 0.0)


def _indices(source: Grid, target: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """turn, start: index in source = index in target @ turn + start."""
    steps = [np.asarray(g.direction) * np.asarray(g.spacing_mm)[:, None] for g in (source, target)]
    if abs(float(np.linalg.det(steps[0]))) < 1e-9:
        raise HrctError("MASK_REFUSED", "The axes of the label map do not span a space.")
    back = np.linalg.inv(steps[0])
    between = np.asarray(target.origin_mm) - np.asarray(source.origin_mm)
    return steps[1] @ back, between @ back


def _turned(
    labels: NDArray[np.uint8], turn: NDArray[np.intp], start: NDArray[np.intp], shape: tuple[int, int, int]
) -> NDArray[np.uint8]:
    """Axes swapped and reversed, then cut or filled to shape; no label is looked for anywhere else."""
    order = [int(np.flatnonzero(row)[0]) for row in turn]
    source = labels.transpose(order)
    out = np.full(shape, NO_VOXEL, np.uint8)
    to, of = [], []
    for axis, theirs in enumerate(order):
        n, offset = source.shape[axis], int(start[theirs])
        if turn[axis, theirs] < 0:
            source, offset = np.flip(source, axis), n - 1 - offset
        low, high = max(0, -offset), min(shape[axis], n - offset)
        to.append(slice(low, max(low, high)))
        of.append(slice(low + offset, max(low, high) + offset))
    out[tuple(to)] = source[tuple(of)]
    return out


def _nearest(
    labels: NDArray[np.uint8], turn: NDArray[np.float64], start: NDArray[np.float64], shape: tuple[int, int, int],
    progress: Progress,
) -> NDArray[np.uint8]:
    """The label of the nearest voxel of the map, slice by slice of the grid."""
    out = np.empty(shape, np.uint8)
    y, x = np.arange(shape[1])[:, None], np.arange(shape[2])
    in_slice = [start[c] + y * turn[1, c] + x * turn[2, c] + 0.5 for c in range(3)]
    for z in range(shape[0]):
        place = [np.floor(in_slice[c] + z * turn[0, c]).astype(np.intp) for c in range(3)]
        inside = np.ones(shape[1:], np.bool_)
        for axis, n in zip(place, labels.shape, strict=True):
            inside &= (axis >= 0) & (axis < n)
            np.clip(axis, 0, n - 1, out=axis)
        out[z] = np.where(inside, labels[place[0], place[1], place[2]], NO_VOXEL)
        if z % 16 == 0:
            progress.step("bringing the lung mask to the scan", z, shape[0])
    return out
