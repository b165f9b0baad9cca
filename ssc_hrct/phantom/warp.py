"""One scan of a chest of slightly other shape: every place moved a little, smoothly, by random.

In: a Volume with its Lungs, voxels that carry a mark, and a seed. Out: the same moved, on the same grid. Same seed,
same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Lungs
from ssc_hrct.core.volume import PADDING_HU, LabelMap, Volume
from ssc_hrct.phantom.lattice import FloatArray, Lattice, lattice_over, smooth_noise

MOST_WARP_MM = 6.0
_STEP_MM = 5.0
_STILL_MM = 30.0
"""Nearer to a face of the volume than this, what moves across it moves less, on the face hardly: nothing comes from
outside."""


@dataclass(frozen=True, slots=True)
class Warped:
    """marks: bool [z, y, x]."""

    volume: Volume
    lungs: Lungs
    marks: NDArray[np.bool_]


def warp(volume: Volume, lungs: Lungs, marks: NDArray[np.bool_], *, seed: int, most_mm: float = MOST_WARP_MM) -> Warped:
    """The scan with every place moved by at most `most_mm`, in grains of 60 to 120 mm. marks: bool [z, y, x].

    Voxels first move along z, then in the plane. HU are linear between them, which softens a little: of white noise
    about half of the SD stays, of a scanner's, alike between neighbours, more. Noise is to be added afterwards
    (`rescan`). Labels and marks are those of the nearest voxel; padding stays padding. Raises ValueError where the
    lungs or the marks lie on another grid, or where `most_mm` is not within 0 to 10 (more might fold tissue over).
    """
    grid = volume.grid
    if not lungs.grid.same_place(grid) or marks.shape != grid.shape:
        raise ValueError("the lungs or the marks lie on another grid than the volume")
    if not 0 <= most_mm <= 10:
        raise ValueError("most_mm must lie within 0 to 10")
    lattice = lattice_over(Grid(grid.shape, grid.spacing_mm), _STEP_MM)
    moves = displacement(lattice, seed, most_mm)
    padded = volume.hu <= PADDING_HU
    source = np.where(padded, np.int16(-1000), volume.hu) if padded.any() else volume.hu
    kept = [lungs.regions.labels, lungs.zones, lungs.rings, marks, *([padded] if padded.any() else [])]
    moved = [np.empty_like(labels) for labels in kept]
    hu = np.empty_like(volume.hu)
    rows, columns = (np.arange(n, dtype=np.float32) for n in grid.shape[1:])
    for k in range(grid.shape[0]):
        away = [lattice.up(move, k) / np.float32(d) for move, d in zip(moves, grid.spacing_mm, strict=True)]
        z = _place(np.float32(k) + away[0], grid.shape[0])
        y, x = _place(rows[:, None] + away[1], grid.shape[1]), _place(columns[None, :] + away[2], grid.shape[2])
        hu[k] = np.rint(_in_plane(_between_planes(source, z), y, x))
        at = y.nearest * np.int32(grid.shape[2]) + x.nearest
        height = z.nearest.reshape(-1)[at]
        flat = height * np.int64(at.size) + at
        for new, old in zip(moved, kept, strict=True):
            new[k] = old.reshape(-1)[flat]
    if padded.any():
        hu[moved[4]] = PADDING_HU
    regions = LabelMap(moved[0], lungs.regions.grid, lungs.regions.names)
    return Warped(Volume(hu, grid, volume.acquisition), Lungs(regions, moved[1], moved[2]), moved[3])


def displacement(lattice: Lattice, seed: int, most_mm: float) -> FloatArray:
    """From where each node takes what lies there: mm along z, y, x, float32 [3, *lattice.shape]. The longest along z
    and the longest in plane are together `most_mm`; across the volume's faces it is nearly nought."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, 17))))
    moves = np.stack([
        smooth_noise(rng, lattice.shape, lattice.step_mm, float(rng.uniform(60, 120))) for _ in range(3)
    ])
    for axis, (nodes, fine) in enumerate(
        ((lattice.z, lattice.fine_z), (lattice.y, lattice.fine_y), (lattice.x, lattice.fine_x))
    ):
        view = [1, 1, 1]
        view[axis] = len(nodes)
        inward = np.minimum(nodes - fine[0], fine[-1] - nodes)
        moves[axis] *= np.clip(inward / np.float32(_STILL_MM), 0, 1).reshape(view)
    longest = float(np.sqrt((moves[0] ** 2).max() + (moves[1:] ** 2).sum(axis=0).max()))
    return np.asarray(moves * np.float32(most_mm / max(longest, 1e-6)), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where along an axis [y, x]: the voxel before, the share of the way to the next, the nearest voxel."""

    before: NDArray[np.int32]
    share: FloatArray
    nearest: NDArray[np.int32]


def _place(at: FloatArray, count: int) -> _Place:
    """at: in voxels of an axis of `count`, two at least."""
    before = np.clip(at, 0, count - 2).astype(np.int32)
    share = np.clip(at - before, 0, 1, dtype=np.float32)
    return _Place(before, share, before + (share >= np.float32(0.5)))


def _between_planes(source: NDArray[np.int16], z: _Place) -> FloatArray:
    """A plane [y, x] whose voxels lie at their own heights, linear in between."""
    voxels = source.reshape(-1)
    count = z.before.size
    at = z.before * np.int64(count) + np.arange(count).reshape(z.before.shape)
    low = voxels.take(at).astype(np.float32)
    return np.asarray(low + z.share * (voxels.take(at + count) - low), dtype=np.float32)


def _in_plane(plane: FloatArray, y: _Place, x: _Place) -> FloatArray:
    pixels, width = plane.reshape(-1), np.int32(plane.shape[1])
    at = y.before * width + x.before
    near, far = (pixels.take(at + row) for row in (np.int32(0), width))
    near += x.share * (pixels.take(at + np.int32(1)) - near)
    far += x.share * (pixels.take(at + width + np.int32(1)) - far)
    return np.asarray(near + y.share * (far - near), dtype=np.float32)
