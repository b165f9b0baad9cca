"""What one volume says of itself: noise, sharpness, air, blood, and the patient's own normal lung.

In: a volume and its lungs. Out: `ImageStats`. Measures only; `quality` judges.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Lungs, Region
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.stats import ImageStats
from ssc_hrct.core.volume import LOWEST_HU, PADDING_HU, Volume
from ssc_hrct.measure.coarse import Blocks, ball_mean, blocks_of
from ssc_hrct.measure.shapes import Mask, bounds, erode

MODE_SHARE = (0.05, 0.45)
"""Own normal lung is looked for in lung whose 10 mm mean lies between these ranks (science.md 3.3)."""
NORMAL_REACH_HU = 90.0
"""Lung whose 10 mm mean is within this above the mode looks normal."""
GRAVITY_MOST_HU = 60.0
"""Cap of the gravity gradient over the height of the lungs (science.md 3.3)."""
FWHM_PER_SIGMA = 2.3548
EMPTY_HU = -970


def calibrate(volume: Volume, lungs: Lungs, *, progress: Progress = SILENT) -> ImageStats:
    """Measure one volume. Never fails: what cannot be measured is None."""
    progress.step("measuring the image", 0, 3)
    regions = lungs.regions.labels
    ml = volume.grid.voxel_ml
    counts = np.bincount(regions.ravel(), minlength=len(Region))
    right, left = int(counts[Region.RIGHT_LUNG]), int(counts[Region.LEFT_LUNG])
    air_hu, noise_hu, fwhm_mm = _trachea(volume, regions)
    progress.step("measuring the image", 1, 3)
    box = bounds((regions == Region.RIGHT_LUNG) | (regions == Region.LEFT_LUNG))
    part = regions[box]
    blocks = blocks_of(Grid((part.shape[0], part.shape[1], part.shape[2]), volume.grid.spacing_mm))
    hu = blocks.mean(np.maximum(volume.hu[box], LOWEST_HU))
    lung = blocks.mean(((part == Region.RIGHT_LUNG) | (part == Region.LEFT_LUNG)).view(np.uint8)) > 0.99
    air = blocks.mean((part == Region.AIRWAYS).view(np.uint8)) > 0.5
    mode, width, share, gravity = _normal_lung(hu, lung, blocks, _gravity_sign(volume))
    progress.step("measuring the image", 2, 3)
    return ImageStats(
        lung_ml=(right + left) * ml,
        right_share=right / (right + left),
        airways_ml=int(counts[Region.AIRWAYS]) * ml,
        noise_hu=noise_hu,
        air_hu=air_hu,
        blood_hu=_blood(hu, lung, air, blocks),
        fwhm_mm=fwhm_mm,
        normal_mode_hu=mode,
        normal_width_hu=width,
        normal_share=share,
        gravity_hu_per_mm=gravity,
        cut_off_percent=_cut_off_percent(regions, box),
        view_percent=_view_percent(volume, regions, box),
        low_density_percent=100.0 * float(np.mean(hu[lung] < EMPTY_HU)),
        supine=_supine(volume),
    )


def _supine(volume: Volume) -> bool | None:
    position = volume.acquisition.patient_position
    if position is None or len(position) != 3:
        return None
    return {"S": True, "P": False}.get(position[2].upper())


def _gravity_sign(volume: Volume) -> int:
    """+1: gravity points to the back (supine, or unknown), -1: to the front."""
    return -1 if _supine(volume) is False else 1


def _trachea(volume: Volume, regions: NDArray[np.uint8]) -> tuple[float | None, float | None, float | None]:
    """Air in HU, noise (SD scaled to 1 mm slices) and FWHM in mm from the trachea; None without one.

    Noise is the 84th minus the 50th percentile, so that clipping at -1024 does not hide it.
    """
    airways = regions == Region.AIRWAYS
    if not airways.any():
        return None, None, None
    box = bounds(airways)
    upper = slice((box[0].start + box[0].stop) // 2, box[0].stop)
    z, y, x = upper, box[1], box[2]
    core = erode(np.ascontiguousarray(airways[z, y, x]), 5.0, volume.grid.spacing_mm)
    hu = volume.hu[z, y, x]
    core &= hu < -700
    values = hu[core]
    if values.size < 200:
        return None, None, None
    middle, high = (float(v) for v in np.percentile(values, (50.0, 84.13)))
    thickness = volume.acquisition.slice_thickness_mm or volume.grid.spacing_mm[0]
    return middle, (high - middle) * float(np.sqrt(thickness)), _edge_fwhm_mm(hu, core, volume.grid.spacing_mm[1:])


def _edge_fwhm_mm(hu: NDArray[np.int16], core: Mask, pixel_mm: tuple[float, float]) -> float | None:
    """Width of the point spread from the steepest rise of rays out of the lumen.

    A step of height A blurred by a Gaussian has the slope A / (sigma sqrt(2 pi)) at its middle.
    """
    sigmas = []
    out_mm = np.arange(0.0, 16.0, 0.2)
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    for k in range(0, core.shape[0], max(1, core.shape[0] // 24)):
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
    return FWHM_PER_SIGMA * float(np.median(sigmas)) if len(sigmas) >= 40 else None


def _normal_lung(
    hu: NDArray[np.float32], lung: Mask, blocks: Blocks, gravity_sign: int
) -> tuple[float, float, float, float]:
    """Mode and SD of own normal lung (HU at mid height), its share, and the gradient in HU per mm."""
    near = ball_mean(np.where(lung, hu, 0), 5.0, blocks.spacing_mm)
    weight = ball_mean(lung.astype(np.float32), 5.0, blocks.spacing_mm)
    inner = lung & (weight > 0.6)
    if int(inner.sum()) < 500:
        inner = lung
    local = near / np.maximum(weight, 1e-3)
    low, high = np.quantile(local[inner], MODE_SHARE)
    calm = inner & (local >= low) & (local <= high)
    mode, width = _mode(hu[calm])
    gravity = _gravity(hu, inner & (local < mode + NORMAL_REACH_HU), mode, blocks, gravity_sign)
    share = float(np.mean(local[inner] < mode + NORMAL_REACH_HU))
    return mode, width, share, gravity


def _mode(values: NDArray[np.float32]) -> tuple[float, float]:
    """Mode of the smoothed histogram, and SD from the half below it (disease lies above)."""
    edges = np.arange(LOWEST_HU, 0, 4)
    counts, _ = np.histogram(values, edges)
    smooth = ndimage.gaussian_filter1d(counts.astype(np.float64), 2.5)
    at = int(np.argmax(smooth))
    mode = float(edges[at] + 2)
    below = values[values < mode]
    width = float(np.sqrt(np.mean((below - mode) ** 2))) if below.size > 50 else 30.0
    return mode, width


def _gravity(hu: NDArray[np.float32], normal: Mask, mode: float, blocks: Blocks, sign: int) -> float:
    """HU per mm along y (back positive) by which normal lung grows denser, within 0 and the cap."""
    rows = [y for y in range(hu.shape[1]) if int(normal[:, y].sum()) > 200]
    if len(rows) < 10:
        return 0.0
    middles = np.array([float(np.percentile(hu[:, y][normal[:, y]], 40)) for y in rows])
    at = np.array(rows) * blocks.spacing_mm[1]
    slope = float(np.polyfit(at, middles, 1)[0])
    most = GRAVITY_MOST_HU / (at[-1] - at[0])
    return float(np.clip(slope * sign, 0.0, most)) * sign


def _blood(hu: NDArray[np.float32], lung: Mask, air: Mask, blocks: Blocks) -> float | None:
    """Median HU of the heart: tissue between the lungs, in front of the airways, 8 mm deep."""
    if not air.any():
        return None
    box = bounds(lung)
    height = box[0].stop - box[0].start
    z = slice(box[0].start + height // 4, box[0].start + (3 * height) // 5)
    back = int(np.average(np.arange(hu.shape[1]), weights=air.sum(axis=(0, 2))))
    part_lung, part = lung[z, :back], hu[z, :back]
    if not part.size:
        return None
    x = np.arange(lung.shape[2])
    first = np.where(part_lung.any(axis=2), np.argmax(part_lung, axis=2), lung.shape[2])
    last = lung.shape[2] - 1 - np.argmax(part_lung[:, :, ::-1], axis=2)
    between = (x > first[:, :, None]) & (x < last[:, :, None]) & (part > -20) & (part < 600)
    deep = part[erode(between, 8.0, blocks.spacing_mm)]
    return float(np.median(deep)) if deep.size > 300 else None


def _cut_off_percent(regions: NDArray[np.uint8], box: tuple[slice, slice, slice]) -> float:
    """Part of the lungs estimated beyond the first or last slice: the area runs on as it tapered."""
    area = np.array([
        np.count_nonzero((layer == Region.RIGHT_LUNG) | (layer == Region.LEFT_LUNG)) for layer in regions
    ], np.float64)
    missing = 0.0
    for profile, touches in ((area, box[0].start == 0), (area[::-1], box[0].stop == len(area))):
        if not touches:
            continue
        reach = max(2, len(profile) // 20)
        slope = max((profile[reach] - profile[0]) / reach, profile[0] / len(profile))
        missing += profile[0] ** 2 / (2 * max(slope, 1.0))
    return 100.0 * missing / float(area.sum() + missing)


def _view_percent(volume: Volume, regions: NDArray[np.uint8], box: tuple[slice, slice, slice]) -> float:
    """Part of the lungs' outline (in axial slices) that lies at the edge of the field of view."""
    y, x = (slice(max(0, s.start - 2), min(n, s.stop + 2)) for s, n in zip(box[1:], regions.shape[1:], strict=True))
    outline = at_edge = 0
    for z in range(box[0].start, box[0].stop, 2):
        lung = (regions[z, y, x] == Region.RIGHT_LUNG) | (regions[z, y, x] == Region.LEFT_LUNG)
        outline += int((lung & ~ndimage.binary_erosion(lung)).sum())
        unseen = np.pad(volume.hu[z] == PADDING_HU, 1, constant_values=True)
        unseen = unseen[y.start : y.stop + 2, x.start : x.stop + 2]
        if unseen.any():
            beside = ndimage.binary_dilation(unseen, iterations=2)[1:-1, 1:-1]
            at_edge += int((lung & beside).sum())
    return 100.0 * min(1.0, at_edge / (2 * max(outline, 1)))
