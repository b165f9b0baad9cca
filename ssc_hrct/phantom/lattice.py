"""Coarse fields over a fine grid: smooth things are computed every few millimetres and brought up slice by slice.

Coordinates are (z, y, x) in mm of the phantom's own frame, which is also the LPS frame of its volume:
x grows to the patient's left, y to the back, z to the head.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ssc_hrct.core.grid import Grid

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Lattice:
    """A coarse grid of `step_mm` whose nodes cover all voxel centres of a fine one.

    z, y, x: node positions in mm; fine_z, fine_y, fine_x: voxel centres in mm.
    """

    z: FloatArray
    y: FloatArray
    x: FloatArray
    fine_z: FloatArray
    fine_y: FloatArray
    fine_x: FloatArray
    step_mm: float

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.z), len(self.y), len(self.x)

    def nodes(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """z, y, x of the nodes, shaped to broadcast over [z, y, x]."""
        return self.z[:, None, None], self.y[None, :, None], self.x[None, None, :]

    def up(self, field: FloatArray, k: int, offset_mm: float = 0.0) -> FloatArray:
        """Fine slice `k` of a coarse field, or so many mm above it, linear in between. float32 [y, x]."""
        z0, wz = _weights(self.fine_z[k : k + 1] + np.float32(offset_mm), self.z)
        plane = field[z0[0]] * (1 - wz[0]) + field[z0[0] + 1] * wz[0]
        x0, wx = _weights(self.fine_x, self.x)
        columns = np.take(plane, x0, axis=1) * (1 - wx) + np.take(plane, x0 + 1, axis=1) * wx
        y0, wy = _weights(self.fine_y, self.y)
        out = columns[y0]
        out += (columns[y0 + 1] - out) * wy[:, None]
        return np.asarray(out, dtype=np.float32)

    def at(self, field: FloatArray, points_zyx_mm: NDArray[np.floating]) -> FloatArray:
        """Values of a coarse field at points [n, 3], linear in between, ends held."""
        start = np.array([self.z[0], self.y[0], self.x[0]], dtype=np.float32)
        index = (np.asarray(points_zyx_mm, dtype=np.float32) - start) / np.float32(self.step_mm)
        return np.asarray(ndimage.map_coordinates(field, index.T, order=1, mode="nearest"), dtype=np.float32)


def lattice_over(grid: Grid, step_mm: float) -> Lattice:
    """The coarse lattice of an unrotated grid."""
    fine = tuple(centres(grid, axis) for axis in range(3))
    nodes = []
    for axis in fine:
        count = int(np.ceil((axis[-1] - axis[0]) / step_mm)) + 2
        nodes.append((axis[0] + step_mm * np.arange(max(2, count))).astype(np.float32))
    return Lattice(nodes[0], nodes[1], nodes[2], fine[0], fine[1], fine[2], step_mm)


def centres(grid: Grid, axis: int) -> FloatArray:
    """Positions in mm of voxel centres along an axis (0 z, 1 y, 2 x) in the frame of the grid's own axes."""
    origin = grid.origin_mm[2 - axis]
    return (origin + grid.spacing_mm[axis] * np.arange(grid.shape[axis])).astype(np.float32)


def _weights(at: FloatArray, nodes: FloatArray) -> tuple[IntArray, FloatArray]:
    place = (at - nodes[0]) / (nodes[1] - nodes[0])
    first = np.clip(np.floor(place).astype(np.intp), 0, len(nodes) - 2)
    return first, np.clip(place - first, 0, 1).astype(np.float32)


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int, int], step_mm: float, size_mm: float) -> FloatArray:
    """Gaussian noise of mean 0 and SD 1 whose grains are about `size_mm` across. float32 [z, y, x]."""
    sigma = size_mm / 2.5 / step_mm
    coarse = max(1, int(sigma / 1.2))
    small = tuple(n // coarse + 3 for n in shape)
    white = rng.standard_normal(small, dtype=np.float32)
    soft = ndimage.gaussian_filter(white, max(0.5, sigma / coarse), mode="reflect")
    if coarse > 1:
        soft = _stretch(soft, shape, coarse)
    soft = soft[: shape[0], : shape[1], : shape[2]]
    return np.asarray((soft - soft.mean()) / max(float(soft.std()), 1e-6), dtype=np.float32)


def _stretch(field: FloatArray, shape: tuple[int, int, int], factor: int) -> FloatArray:
    """Linear blow-up by an integer factor, axis by axis."""
    for axis, length in enumerate(shape):
        place = np.arange(length, dtype=np.float32) / factor
        first = np.floor(place).astype(np.intp)
        weight = (place - first).astype(np.float32)
        view = [1, 1, 1]
        view[axis] = length
        weight = weight.reshape(view)
        field = np.take(field, first, axis=axis) * (1 - weight) + np.take(field, first + 1, axis=axis) * weight
    return field


def smoothstep(low: float, high: float, value: NDArray[np.floating] | float) -> FloatArray:
    """0 below `low`, 1 above `high`, smooth between; `low` may exceed `high`, then it falls."""
    t = np.clip((np.asarray(value, dtype=np.float32) - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)
