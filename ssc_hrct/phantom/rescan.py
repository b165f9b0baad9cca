"""One scan acquired again, in another way: more noise, softer or sharper, thicker, mirrored, with less air.

In: a Volume and what is to differ. Out: a new Volume; `rescan_labels` and `rescan_lungs` bring what is known of the
old one to the new one's grid. So few real lungs become many acquisitions. Same seed, same bytes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Lungs, Region
from ssc_hrct.core.stats import FWHM_PER_SIGMA
from ssc_hrct.core.volume import HIGHEST_HU, LOWEST_HU, PADDING_HU, LabelMap, Volume
from ssc_hrct.phantom.acquisition import KERNELS, NoiseMaker
from ssc_hrct.phantom.lattice import FloatArray, smoothstep

_TISSUE_HU = 1050.0
_UNSHARP_MM = 0.7
"""Sigma of the blur that sharpening subtracts: it lifts 0.3 cycles per mm and more, as sharp kernels do."""


def rescan(
    volume: Volume, *, seed: int, noise_hu: float = 0.0, noise_kernel: str = "standard", blur_mm: float = 0.0,
    sharpen: float = 0.0, slices_per: int = 1, stride: int = 1, mirror: bool = False, hu_offset: float = 0.0,
    inspiration: float = 1.0, lungs: Lungs | None = None,
) -> Volume:
    """The volume as another acquisition would show it.

    noise_hu: SD of noise added after everything else, with the spectrum of `noise_kernel` (soft, standard, sharp).
    blur_mm: width at half height of a further in-plane Gaussian. sharpen: so many times what differs from a blur of
    0.7 mm is added. slices_per: neighbouring slices averaged to one; stride: from one to the next new slice. mirror:
    voxels change sides, the grid stays. inspiration: new lung volume against the old (0.5 to 1.3); the shape stays,
    but tissue of the lungs (needed then) becomes 1 / inspiration times as dense; vessels keep their density.

    Padding stays padding. The new volume has no source frames. Raises ValueError for what makes no sense.
    """
    _check(volume, noise_hu, noise_kernel, blur_mm, sharpen, slices_per, stride, inspiration, lungs)
    lung = lungs.mask() if lungs is not None and inspiration != 1.0 else None
    grid = _grid(volume.grid, slices_per, stride)
    pixel = (grid.spacing_mm[1], grid.spacing_mm[2])
    before = volume.acquisition
    thickness = before.slice_thickness_mm or volume.grid.spacing_mm[0]
    thickness += (slices_per - 1) * volume.grid.spacing_mm[0]
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, 13))))
    noise = NoiseMaker(rng, grid.shape[1:], pixel, KERNELS[noise_kernel], thickness, grid.spacing_mm[0])
    hu = np.empty(grid.shape, dtype=np.int16)
    recent: deque[tuple[FloatArray, NDArray[np.bool_]]] = deque(maxlen=slices_per)
    for k in range((grid.shape[0] - 1) * stride + slices_per):
        j, late = divmod(k - (slices_per - 1), stride)
        plane, padded = volume.hu[k].astype(np.float32), volume.hu[k] <= PADDING_HU
        if lung is not None:
            plane = _denser(plane, lung[k], inspiration)
        plane = _shown(np.where(padded, np.float32(-1000), plane), pixel, blur_mm, sharpen)
        recent.append((plane, padded))
        if j < 0 or late:
            continue
        mean = np.asarray(sum(p for p, _ in recent) / np.float32(slices_per), dtype=np.float32)
        if noise_hu > 0:
            mean = mean + np.float32(noise_hu) * noise.plane()
        out = np.rint(np.clip(mean + np.float32(hu_offset), LOWEST_HU, HIGHEST_HU)).astype(np.int16)
        out[np.any([p for _, p in recent], axis=0)] = PADDING_HU
        hu[j] = out[:, ::-1] if mirror else out
    facts = replace(
        before, slices=grid.shape[0], slice_thickness_mm=thickness, slice_spacing_mm=grid.spacing_mm[0],
        length_mm=(grid.shape[0] - 1) * grid.spacing_mm[0],
    )
    return Volume(hu, grid, facts)


def rescan_labels(labels: LabelMap, *, slices_per: int = 1, stride: int = 1, mirror: bool = False) -> LabelMap:
    """Labels on the grid of a `rescan` with the same slices, stride and mirror: those of the middle slice of each
    average (the upper one of two)."""
    return LabelMap(
        _moved(labels.labels, slices_per, stride, mirror), _grid(labels.grid, slices_per, stride), labels.names
    )


def rescan_lungs(lungs: Lungs, *, slices_per: int = 1, stride: int = 1, mirror: bool = False) -> Lungs:
    """Lungs on the grid of a `rescan` with the same slices, stride and mirror; mirrored, right and left change
    names, in zones as well."""
    regions = rescan_labels(lungs.regions, slices_per=slices_per, stride=stride, mirror=mirror)
    zones, rings = (_moved(a, slices_per, stride, mirror) for a in (lungs.zones, lungs.rings))
    if mirror:
        sides = np.arange(256, dtype=np.uint8)
        sides[[Region.RIGHT_LUNG, Region.LEFT_LUNG]] = Region.LEFT_LUNG, Region.RIGHT_LUNG
        regions = LabelMap(sides[regions.labels], regions.grid, regions.names)
        thirds = np.arange(256, dtype=np.uint8)
        thirds[1:7] = 4, 5, 6, 1, 2, 3
        zones = thirds[zones]
    return Lungs(regions, zones, rings)


def _check(
    volume: Volume, noise_hu: float, noise_kernel: str, blur_mm: float, sharpen: float, slices_per: int, stride: int,
    inspiration: float, lungs: Lungs | None,
) -> None:
    if noise_kernel not in KERNELS:
        raise ValueError(f"noise_kernel must be one of {', '.join(KERNELS)}")
    if min(noise_hu, blur_mm, sharpen) < 0:
        raise ValueError("noise, blur and sharpening must not be negative")
    if min(slices_per, stride) < 1 or slices_per > volume.grid.shape[0]:
        raise ValueError("slices_per and stride must be at least 1, and no more slices averaged than there are")
    if not 0.5 <= inspiration <= 1.3:
        raise ValueError("inspiration must lie within 0.5 to 1.3")
    if inspiration != 1.0 and lungs is None:
        raise ValueError("another inspiration needs the lungs")
    if lungs is not None and not lungs.grid.same_place(volume.grid):
        raise ValueError("the lungs lie on another grid than the volume")


def _grid(grid: Grid, slices_per: int, stride: int) -> Grid:
    """The new slices lie in the middle of what they average."""
    count = (grid.shape[0] - slices_per) // stride + 1
    x, y, z = grid.to_lps_mm(((slices_per - 1) / 2, 0.0, 0.0))
    dz, dy, dx = grid.spacing_mm
    return replace(
        grid, shape=(count, *grid.shape[1:]), spacing_mm=(dz * stride, dy, dx),
        origin_mm=(float(x), float(y), float(z)),
    )


def _moved(labels: NDArray[np.uint8], slices_per: int, stride: int, mirror: bool) -> NDArray[np.uint8]:
    count = (len(labels) - slices_per) // stride + 1
    middle = labels[slices_per // 2 :: stride][:count]
    return np.ascontiguousarray(middle[:, :, ::-1] if mirror else middle)


def _denser(plane: FloatArray, lung: NDArray[np.bool_], inspiration: float) -> FloatArray:
    """Tissue t of lung as t / inspiration up to t 0.35; what is denser than t 0.75 (vessels, walls) as it is."""
    tissue = np.clip((plane + 1000) / _TISSUE_HU, 0, None)
    more = tissue * (1 / inspiration - 1) * smoothstep(0.75, 0.35, tissue)
    return np.asarray(np.where(lung, plane + np.float32(_TISSUE_HU) * more, plane), dtype=np.float32)


def _shown(plane: FloatArray, pixel_mm: tuple[float, float], blur_mm: float, sharpen: float) -> FloatArray:
    if blur_mm > 0:
        plane = _soft(plane, blur_mm / FWHM_PER_SIGMA, pixel_mm)
    if sharpen > 0:
        plane = plane + np.float32(sharpen) * (plane - _soft(plane, _UNSHARP_MM, pixel_mm))
    return plane


def _soft(plane: FloatArray, sigma_mm: float, pixel_mm: tuple[float, float]) -> FloatArray:
    sigma = [sigma_mm / d for d in pixel_mm]
    return np.asarray(ndimage.gaussian_filter(plane, sigma, truncate=3.0, mode="nearest"), dtype=np.float32)
