"""A coarser lattice for the slow steps: block means of the volume, and the way back.

In: a full array [z, y, x] and its grid. Out: an array about 1.5 to 2 mm apart whose voxel [k, j, i]
is the mean of a whole block of the full array. A remainder at the far end joins no block; the way
back repeats the last block over it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.volume import LOWEST_HU, Volume
from ssc_hrct.measure.threads import in_slabs

T = TypeVar("T", bound=np.generic)
WORK_MM = 1.5
"""Spacing aimed at: most filters cost 10 times less than at 0.7 mm."""
SLAB = 16
"""Slices of the full grid that are worked on at a time: what is read twice should still be at hand."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """factors: voxels of the full grid per block along z, y, x, no more than there are."""

    full: Grid
    factors: tuple[int, int, int]

    @property
    def shape(self) -> tuple[int, int, int]:
        z, y, x = (n // f for n, f in zip(self.full.shape, self.factors, strict=True))
        return z, y, x

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        z, y, x = (d * f for d, f in zip(self.full.spacing_mm, self.factors, strict=True))
        return z, y, x

    @property
    def voxel_ml(self) -> float:
        z, y, x = self.spacing_mm
        return z * y * x / 1000.0

    def mean(
        self, full: NDArray[np.integer | np.floating | np.bool_], *, at_least: int | None = None
    ) -> NDArray[np.float32]:
        """Block means as float32. full: [z, y, x] on the full grid, of at_least this (None: as it is)."""
        nz, ny, nx = self.shape
        fz, fy, fx = self.factors
        kind = np.float32 if np.issubdtype(full.dtype, np.floating) else np.int32
        out = np.empty(self.shape, np.float32)

        def write(start: int, stop: int) -> None:
            slab = full[start * fz : stop * fz, : ny * fy, : nx * fx]
            if at_least is not None:
                slab = np.maximum(slab, at_least, dtype=full.dtype)
            summed = slab.astype(kind) if fz == 1 else np.add(slab[::fz], slab[1::fz], dtype=kind)
            for k in range(2, fz):
                summed += slab[k::fz]
            rows = summed[:, ::fy] if fy == 1 else summed[:, ::fy] + summed[:, 1::fy]
            for j in range(2, fy):
                rows += summed[:, j::fy]
            columns = rows[:, :, ::fx] if fx == 1 else rows[:, :, ::fx] + rows[:, :, 1::fx]
            for i in range(2, fx):
                columns += rows[:, :, i::fx]
            np.divide(columns, np.float32(fz * fy * fx), out=out[start:stop], casting="unsafe")

        in_slabs(write, nz, max(1, SLAB // fz))
        return out

    def repeat(self, coarse: NDArray[T], z_from: int = 0, z_to: int | None = None) -> NDArray[T]:
        """Nearest values on the full grid's slices z_from to z_to (not included)."""
        depth, height, width = self.full.shape
        stop = depth if z_to is None else z_to
        fz, fy, fx = self.factors
        nz, ny, nx = self.shape
        z = np.minimum(np.arange(z_from, stop) // fz, nz - 1)
        y = np.minimum(np.arange(height) // fy, ny - 1)
        rows = coarse[z][:, y]
        out = np.empty((*rows.shape[:2], width), coarse.dtype)
        for i in range(fx):
            out[:, :, i : nx * fx : fx] = rows
        out[:, :, nx * fx :] = rows[:, :, -1:]
        return out

    def linear(self, coarse: NDArray[np.float32], z_from: int, z_to: int) -> NDArray[np.float32]:
        """Linear interpolation between block centres on the full grid's slices z_from to z_to."""
        out: NDArray[np.float32] = coarse
        for axis, (lo, hi) in enumerate(zip((z_from, 0, 0), (z_to, *self.full.shape[1:]), strict=True)):
            f, n = self.factors[axis], self.shape[axis]
            place = np.clip((np.arange(lo, hi) + 0.5) / f - 0.5, 0, n - 1)
            low = np.minimum(place.astype(np.intp), max(n - 2, 0))
            high = np.minimum(low + 1, n - 1)
            weight = (place - low).astype(np.float32)
            sides = [1, 1, 1]
            sides[axis] = -1
            weight = weight.reshape(sides)
            out = np.take(out, low, axis) * (1 - weight) + np.take(out, high, axis) * weight
        return out


def blocks_of(grid: Grid, work_mm: float = WORK_MM) -> Blocks:
    """Whole factors that bring each axis nearest to `work_mm`."""
    z, y, x = (min(n, max(1, round(work_mm / d))) for n, d in zip(grid.shape, grid.spacing_mm, strict=True))
    return Blocks(grid, (z, y, x))


def coarse_hu(volume: Volume, blocks: Blocks) -> NDArray[np.float32]:
    """Block means of HU with padding as air (-1024)."""
    return blocks.mean(volume.hu, at_least=LOWEST_HU)


def ball_mean(
    array: NDArray[np.float32], radius_mm: float, spacing_mm: tuple[float, float, float]
) -> NDArray[np.float32]:
    """Mean over about a ball: a Gaussian of the ball's variance, r^2 / 5 along each axis.

    Box means would jump with the spacing (a box has a whole number of voxels); outside the array is 0. Line by line
    the same as `ndimage.gaussian_filter`, on two threads.
    """
    out = np.asarray(array, np.float32)
    for axis in range(3):
        out = _along(out, axis, radius_mm / np.sqrt(5.0) / spacing_mm[axis])
    return out


def _along(array: NDArray[np.float32], axis: int, sigma: float) -> NDArray[np.float32]:
    across = 1 if axis == 0 else 0
    out = np.empty_like(array)

    def write(start: int, stop: int) -> None:
        part: list[slice] = [slice(None)] * 3
        part[across] = slice(start, stop)
        ndimage.gaussian_filter1d(
            array[tuple(part)], sigma, axis, mode="constant", truncate=2.5, output=out[tuple(part)]
        )

    in_slabs(write, array.shape[across], max(SLAB, array.shape[across] // 4 + 1))
    return out
