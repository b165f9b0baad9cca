"""How a scanner would show the tissue: in-plane blur by kernel, slice profile, noise with the kernel's spectrum.

Figures are those usual of chest kernels, measured on no scanner: half of the contrast is left at 0.35 (soft), 0.45
(standard), 0.75 (sharp) cycles per mm; noise of soft kernels is coarse, of sharp ones fine, and noise is alike in
slices that share tissue.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from ssc_hrct.core.stats import FWHM_PER_SIGMA
from ssc_hrct.phantom.lattice import FloatArray

FINEST_PLANE_MM = 1.3
"""Planes are drawn no further apart than this and averaged to thicker slices."""
_MOST_PLANES = 3


@dataclass(frozen=True, slots=True)
class Sampling:
    """offsets_mm: the planes of one slice, along z from its middle, of which it is the mean. voxel_mm: the width over
    which an edge drawn in one of them is softened."""

    offsets_mm: tuple[float, ...]
    voxel_mm: float


def sampling(spacing_mm: tuple[float, float, float], thickness_mm: float) -> Sampling:
    """How slices `thickness_mm` thick are drawn: one, two or three planes evenly within each, no more than
    FINEST_PLANE_MM apart up to 3.9 mm. thickness_mm: 0 where planes of `spacing_mm` are still to be averaged."""
    if thickness_mm <= 0:
        return Sampling((0.0,), float(np.prod(spacing_mm)) ** (1 / 3))
    count = int(np.clip(np.ceil(thickness_mm / FINEST_PLANE_MM - 1e-6), 1, _MOST_PLANES))
    apart = thickness_mm / count
    offsets = tuple((i - (count - 1) / 2) * apart for i in range(count))
    return Sampling(offsets, (apart * spacing_mm[1] * spacing_mm[2]) ** (1 / 3))


def averaged(planes: Iterable[FloatArray | None], count: int) -> FloatArray | None:
    """The mean of `count` arrays of one shape, None standing for nought; None where all are."""
    drawn = [plane for plane in planes if plane is not None]
    if not drawn:
        return None
    total = drawn[0]
    for plane in drawn[1:]:
        total += plane
    return total if count == 1 else total / np.float32(count)


@dataclass(frozen=True, slots=True)
class Kernel:
    """sigma_mm: Gaussian blur in plane. overshoot: edge enhancement, 0 none.

    noise_peak_per_mm: where the noise has most power, cycles per mm.
    """

    sigma_mm: float
    overshoot: float
    noise_peak_per_mm: float

    @property
    def fwhm_mm(self) -> float:
        return self.sigma_mm * FWHM_PER_SIGMA


KERNELS = {
    "soft": Kernel(0.535, 0.0, 0.22),
    "standard": Kernel(0.42, 0.0, 0.33),
    "sharp": Kernel(0.33, 0.45, 0.68),
}
"""Half contrast of a Gaussian lies at 0.187 / sigma; "sharp" reaches 0.75 per mm with its overshoot."""


def blur_in_plane(plane: FloatArray, kernel: Kernel, pixel_mm: tuple[float, float]) -> FloatArray:
    """One slice [y, x] as the kernel shows it. The pixel's own box, already in the drawing, is taken off the blur."""
    sigma = [float(np.sqrt(max(kernel.sigma_mm**2 - d * d / 12, 0.0)) / d) for d in pixel_mm]
    soft = _gauss(plane, sigma)
    if kernel.overshoot <= 0:
        return soft
    wide = _gauss(soft, [0.55 / d for d in pixel_mm])
    return np.asarray(soft + np.float32(kernel.overshoot) * (soft - wide), dtype=np.float32)


def _gauss(plane: FloatArray, sigma: list[float]) -> FloatArray:
    if max(sigma) < 0.15:
        return plane
    return np.asarray(ndimage.gaussian_filter(plane, sigma, truncate=3.0, mode="nearest"), dtype=np.float32)


def slice_weights(thickness_mm: float, step_mm: float) -> NDArray[np.float64]:
    """Weights of neighbouring internal planes (odd count) that make one slice of a box profile.

    step_mm: distance of internal planes, each already a box of that width.
    """
    reach = max(0, int(np.ceil((thickness_mm / step_mm - 1) / 2)))
    places = np.arange(-reach, reach + 1) * step_mm
    low = np.maximum(places - step_mm / 2, -thickness_mm / 2)
    high = np.minimum(places + step_mm / 2, thickness_mm / 2)
    weights = np.clip(high - low, 0, None)
    return np.asarray(weights / weights.sum())


class NoiseMaker:
    """Noise planes one after another: unit SD, the kernel's spectrum, alike between neighbours by overlap."""

    def __init__(
        self, rng: np.random.Generator, shape: tuple[int, int], pixel_mm: tuple[float, float], kernel: Kernel,
        thickness_mm: float, spacing_mm: float,
    ) -> None:
        self._rng = rng
        self._shape = shape
        fy = np.fft.fftfreq(shape[0], pixel_mm[0])[:, None]
        fx = np.fft.rfftfreq(shape[1], pixel_mm[1])[None, :]
        f = np.hypot(fy, fx)
        # Ramp times roll-off: rises with f, peaks at the kernel's frequency.
        gain = np.sqrt(f + 0.012) * np.exp(-0.25 * (f / kernel.noise_peak_per_mm) ** 2)
        double = np.full(gain.shape, 2.0)
        double[:, 0] = 1.0
        if shape[1] % 2 == 0:
            double[:, -1] = 1.0
        power = float((gain**2 * double).sum() / (shape[0] * shape[1]))
        self._gain = (gain / np.sqrt(power)).astype(np.float32)
        shared = max(1, round(thickness_mm / spacing_mm))
        self._recent: list[FloatArray] = [self._white() for _ in range(shared)]

    def _white(self) -> FloatArray:
        return self._rng.standard_normal(self._shape, dtype=np.float32)

    def plane(self) -> FloatArray:
        """The next plane [y, x], SD 1."""
        total = np.sum(self._recent, axis=0) / np.float32(np.sqrt(len(self._recent)))
        self._recent = [*self._recent[1:], self._white()]
        spectrum = fft.rfft2(total, workers=1) * self._gain
        return np.asarray(fft.irfft2(spectrum, s=self._shape, workers=1), dtype=np.float32)
