"""What the windpipe tells: air, noise, sharpness, and whether its back wall is bowed forward.

In: a volume and its regions. Out: `Windpipe`; None stands for what could not be measured. Measures only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ssc_hrct.core.lungs import Region
from ssc_hrct.core.stats import FWHM_PER_SIGMA
from ssc_hrct.core.volume import Volume
from ssc_hrct.measure.shapes import Mask, bounds, erode

CORE_MM = 5.0
"""Air further than this from the wall (with its 2 mm) is free of it."""
LEAST_VOXELS = 200
CLIPPED_HU = -1015.0
"""A slice whose median air is emptier is clipped too far to show its noise."""
EDGE_SLICES = 24
LUMEN_HU = -700
LUMEN_MM2 = (60.0, 600.0)
BACK_SHARE = 0.85
"""The back wall is taken to this part of the half width; beyond are the side walls."""


@dataclass(frozen=True, slots=True)
class Windpipe:
    """air_hu: median of the lumen. noise_hu: SD, scaled to slices of 1 mm. fwhm_mm: width of the point spread in
    plane. bow_mm: how far the middle of the back wall lies in front of its sides, by a parabola through the wall,
    median over the slices (negative: behind them, as in a round windpipe).
    """

    air_hu: float | None = None
    noise_hu: float | None = None
    fwhm_mm: float | None = None
    bow_mm: float | None = None


def windpipe(volume: Volume, regions: NDArray[np.uint8], slices: slice) -> Windpipe:
    """slices: from the first to the last slice that holds airways; its upper half is looked at."""
    upper = slice((slices.start + slices.stop) // 2, slices.stop)
    airways = regions[upper] == Region.AIRWAYS
    if not airways.any():
        return Windpipe()
    box = bounds(airways)
    airways = np.ascontiguousarray(airways[box])
    hu = volume.hu[upper][box]
    pixel_mm = volume.grid.spacing_mm[1:]
    bow_mm = _bow_mm(airways & (hu < LUMEN_HU), pixel_mm)
    core = erode(airways, CORE_MM, volume.grid.spacing_mm) & (hu < LUMEN_HU)
    values = hu[core]
    if values.size < LEAST_VOXELS:
        return Windpipe(bow_mm=bow_mm)
    thickness = volume.acquisition.slice_thickness_mm or volume.grid.spacing_mm[0]
    noise = _noise_hu(hu, core)
    return Windpipe(
        air_hu=float(np.median(values)),
        noise_hu=None if noise is None else noise * float(np.sqrt(thickness)),
        fwhm_mm=_edge_fwhm_mm(hu, core, pixel_mm),
        bow_mm=bow_mm,
    )


def _noise_hu(hu: NDArray[np.int16], core: Mask) -> float | None:
    """SD of air about the median of its own slice, from the upper half alone: clipping at -1024 hides the lower.

    Air drifts along a real windpipe (from -1022 to -948 HU in one scan), which doubles an SD over all slices at once.
    """
    apart = []
    for layer, inside in zip(hu, core, strict=True):
        values = layer[inside]
        if values.size >= 12 and (middle := float(np.median(values))) > CLIPPED_HU:
            apart.append(values - middle)
    return float(np.percentile(np.concatenate(apart), 84.13)) if len(apart) >= 5 else None


def _edge_fwhm_mm(hu: NDArray[np.int16], core: Mask, pixel_mm: tuple[float, float]) -> float | None:
    """Width of the point spread from the steepest rise of rays out of the lumen.

    A step of height A blurred by a Gaussian has the slope A / (sigma sqrt(2 pi)) at its middle. Reading between
    pixels blurs as well, by about the variance of a pixel, d^2 / 12, which is taken off: then the kernels of made-up
    chests are met within 10 percent, at pixels of 0.5 to 1 mm.
    """
    sigmas = []
    out_mm = np.arange(0.0, 16.0, 0.2)
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    for k in range(0, core.shape[0], max(1, core.shape[0] // EDGE_SLICES)):
        if core[k].sum() < 20:
            continue
        middle = ndimage.center_of_mass(core[k])
        rays = np.stack([
            middle[0] + np.outer(np.sin(angles), out_mm) / pixel_mm[0],
            middle[1] + np.outer(np.cos(angles), out_mm) / pixel_mm[1],
        ])
        lines = ndimage.map_coordinates(hu[k].astype(np.float32), rays, order=1, mode="nearest")
        for line in lines:
            rise = np.diff(line) / 0.2
            at = int(np.argmax(line > -500))
            if at < 5:
                continue
            near = slice(max(0, at - 10), at + 10)
            height = float(line[at : at + 15].max() - np.median(line[: max(5, at - 10)]))
            steepest = float(rise[near].max())
            if height > 500 and steepest > 0:
                sigmas.append(height / (steepest * np.sqrt(2 * np.pi)))
    if len(sigmas) < 40:
        return None
    pixel = float(np.sqrt(pixel_mm[0] * pixel_mm[1]))
    sigma = float(np.median(sigmas))
    return FWHM_PER_SIGMA * float(np.sqrt(max(sigma**2 - pixel**2 / 12, 0.25 * sigma**2)))


def _bow_mm(lumen: Mask, pixel_mm: tuple[float, float]) -> float | None:
    """Median over slices with one lumen of a windpipe's size; None under ten of them.

    lidc-0001 and lidc-0002, at full inspiration: -4.8 and -3.5 mm, -5.3 to -3.5 acquired again with noise of 30 and
    60 HU, softer or thicker; 4dlung-113, in free breathing: -0.5; six made-up chests -4.3 to -3.6.
    """
    bows = []
    for layer in lumen:
        labels, count = ndimage.label(layer)
        if not count:
            continue
        sizes = np.bincount(labels.ravel())[1:]
        tube = labels == int(np.argmax(sizes)) + 1
        area = float(sizes.max()) * pixel_mm[0] * pixel_mm[1]
        if not LUMEN_MM2[0] <= area <= LUMEN_MM2[1] or sizes.max() < 0.8 * sizes.sum():
            continue
        columns = np.flatnonzero(tube.any(axis=0))
        back = tube.shape[0] - 1 - np.argmax(tube[::-1, columns], axis=0)
        aside = np.linspace(-1, 1, len(columns))
        wall = np.abs(aside) < BACK_SHARE
        if np.count_nonzero(wall) >= 6:
            bows.append(float(np.polyfit(aside[wall], back[wall], 2)[0]) * pixel_mm[0])
    return float(np.median(bows)) if len(bows) >= 10 else None
