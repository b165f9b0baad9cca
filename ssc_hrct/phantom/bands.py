"""Random fields of one scale, evaluated at any point: the raw material of the renderer "sheets".

A field is a periodic block of filtered noise, sampled linearly along turned (and, if asked, stretched) axes, so that
its period does not show. Where a field is nought lies a sheet; where two are nought, a winding tube.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from ssc_hrct.phantom.lattice import FloatArray, Lattice

_NODES = 80
_NODES_PER_WAVE = 8
_CHUNK = 60_000


@dataclass(frozen=True, slots=True)
class Band:
    """A periodic field. values: float32 [n + 1] * 3, the last planes repeat the first; turn [3, 3] and shift [3]
    bring points (z, y, x) in mm to its nodes."""

    values: FloatArray
    turn: FloatArray
    shift: FloatArray
    cell_mm: float

    def at(self, points_zyx_mm: FloatArray) -> FloatArray:
        """Values at points [n, 3]."""
        out = np.empty(len(points_zyx_mm), dtype=np.float32)
        nodes = len(self.values) - 1
        for first in range(0, len(out), _CHUNK):
            place = self.turn @ points_zyx_mm[first : first + _CHUNK].T + self.shift[:, None]
            low = np.floor(place)
            place -= low
            out[first : first + _CHUNK] = _between(self.values, low.astype(np.int32) % nodes, place)
        return out


def band(rng: np.random.Generator, wave_mm: float, *, spread: float = 0.3, stretch: float = 1.0) -> Band:
    """Noise of mean 0 and SD 1 whose waves are about `wave_mm` long, `spread` of that more or less (SD).

    stretch: so many times longer along one random direction. Sheets where it is nought have 2.3 / wave_mm mm2 per
    mm3 (Rice 1945, isotropic).
    """
    cell = wave_mm / _NODES_PER_WAVE
    peak = 1.0 / wave_mm
    gain = np.exp(-0.5 * ((_frequency(cell) - peak) / (spread * peak)) ** 2)
    return _made(rng, gain, cell, stretch)


def fractal(rng: np.random.Generator, longest_mm: float, shortest_mm: float, roughness: float) -> Band:
    """Noise of many scales, mean 0, SD 1: power falls with frequency to the power -2 `roughness` - 1 (of a line)."""
    cell = shortest_mm / 3
    f = _frequency(cell)
    gain = (f**2 + longest_mm**-2) ** (-(2 * roughness + 3) / 4) * np.exp(-((f * shortest_mm) ** 2))
    gain[0, 0, 0] = 0
    return _made(rng, gain, cell, 1.0)


def away_mm(field: Band) -> Band:
    """Signed distance in mm from the field's zero sheet, to first order: value over slope."""
    inner = field.values[:-1, :-1, :-1]
    square = np.zeros_like(inner)
    for axis in range(3):
        slope = (np.roll(inner, -1, axis) - np.roll(inner, 1, axis)) / np.float32(2 * field.cell_mm)
        square += slope * slope
    # Where the slope nearly vanishes the first order fails; a fifth of the usual slope is the least.
    away = inner / np.sqrt(square + np.float32(0.04 * float(square.mean())))
    return replace(field, values=_wrapped(away))


def between_nodes(lattice: Lattice, coarse: FloatArray, points_zyx_mm: FloatArray) -> FloatArray:
    """Values of a lattice's field at points [n, 3] inside it, linear in between."""
    start = np.array([lattice.z[0], lattice.y[0], lattice.x[0]], dtype=np.float32)
    most = np.array(coarse.shape, dtype=np.float32)[:, None] - np.float32(1.001)
    out = np.empty(len(points_zyx_mm), dtype=np.float32)
    for first in range(0, len(out), _CHUNK):
        place = (points_zyx_mm[first : first + _CHUNK] - start).T / np.float32(lattice.step_mm)
        place = np.clip(place, 0, most)
        low = place.astype(np.int32)
        out[first : first + _CHUNK] = _between(coarse, low, place - low)
    return out


def covered(depth_mm: FloatArray, voxel_mm: float) -> FloatArray:
    """Share of a voxel inside a body whose surface lies `depth_mm` away (positive inside)."""
    return np.asarray(np.clip(np.float32(0.5) + depth_mm / np.float32(voxel_mm), 0, 1), dtype=np.float32)


def sheet(away: FloatArray, thick_mm: FloatArray | float, voxel_mm: float) -> FloatArray:
    """Share of a voxel taken by a sheet `thick_mm` thick whose middle is `away` mm from its centre."""
    thick = np.asarray(thick_mm, dtype=np.float32)
    reach = (thick + np.float32(voxel_mm)) / 2 - np.abs(away)
    share = np.asarray(np.clip(reach, 0, np.minimum(thick, np.float32(voxel_mm))), dtype=np.float32)
    return share / np.float32(voxel_mm)


def _frequency(cell_mm: float) -> NDArray[np.float64]:
    full, half = np.fft.fftfreq(_NODES, cell_mm), np.fft.rfftfreq(_NODES, cell_mm)
    return np.asarray(np.sqrt(full[:, None, None] ** 2 + full[None, :, None] ** 2 + half[None, None, :] ** 2))


def _made(rng: np.random.Generator, gain: NDArray[np.float64], cell_mm: float, stretch: float) -> Band:
    white = rng.standard_normal((_NODES,) * 3, dtype=np.float32)
    inner = fft.irfftn(fft.rfftn(white, workers=1) * gain.astype(np.float32), s=white.shape, workers=1)
    inner = np.asarray(inner - inner.mean(), dtype=np.float32)
    inner /= float(inner.std())
    axes = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    axes[0] /= stretch
    turn = (axes / cell_mm).astype(np.float32)
    return Band(_wrapped(inner), turn, rng.uniform(0, _NODES, 3).astype(np.float32), cell_mm)


def _wrapped(inner: NDArray[np.floating]) -> FloatArray:
    return np.pad(np.asarray(inner, dtype=np.float32), ((0, 1),) * 3, mode="wrap")


def _between(values: FloatArray, low: NDArray[np.int32], share: NDArray[np.floating]) -> FloatArray:
    """Linear in between: low [3, n] nodes, share [3, n] of the way to the next."""
    flat = values.reshape(-1)
    up_z, up_y = values.shape[1] * values.shape[2], values.shape[2]
    corner = low[0] * up_z + low[1] * up_y + low[2]
    z, y, x = share.astype(np.float32)

    def edge(at: NDArray[np.int32]) -> FloatArray:
        first = flat[at]
        return np.asarray(first + x * (flat[at + 1] - first), dtype=np.float32)

    near, far = edge(corner), edge(corner + up_z)
    near += y * (edge(corner + up_y) - near)
    far += y * (edge(corner + (up_z + up_y)) - far)
    return np.asarray(near + z * (far - near), dtype=np.float32)
