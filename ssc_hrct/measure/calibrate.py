"""What one volume says of itself: noise, sharpness, air, blood, motion, and the patient's own normal lung.

In: a volume and its lungs. Out: `ImageStats`. Measures only; `quality` judges. Each part has a file of its own:
`windpipe`, `own_normal`, `posture`, `coverage`, `motion`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Lungs, Region
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.stats import ImageStats
from ssc_hrct.core.volume import LOWEST_HU, Volume
from ssc_hrct.measure.coarse import Blocks, blocks_of
from ssc_hrct.measure.coverage import cut_off_percent, view_percent
from ssc_hrct.measure.motion import moved_slices
from ssc_hrct.measure.own_normal import USUAL_AIR_HU, own_normal
from ssc_hrct.measure.posture import table_behind
from ssc_hrct.measure.shapes import Mask, erode
from ssc_hrct.measure.windpipe import Windpipe, windpipe

EMPTY_HU = -970
BLOOD_HU = (-20.0, 600.0)
"""Fat is under, bone and thick contrast medium over what may be blood."""
GRAVITY_SEEN_HU_PER_MM = 0.08
"""A gradient over this tells which way the patient lay; four real scans on the back have 0.18 to 0.32."""


@dataclass(frozen=True, slots=True)
class _Counts:
    """Voxels in each slice: right and left lung, airways; box: of both lungs, slices of the full array."""

    right: NDArray[np.int64]
    left: NDArray[np.int64]
    airways: NDArray[np.int64]
    box: tuple[slice, slice, slice]


def calibrate(volume: Volume, lungs: Lungs, *, progress: Progress = SILENT) -> ImageStats:
    """Measure one volume. Never fails: what cannot be measured is None."""
    progress.step("measuring the image", 0, 4)
    regions = lungs.regions.labels
    ml = volume.grid.voxel_ml
    counts = _count(regions)
    right, left = int(counts.right.sum()), int(counts.left.sum())
    air_slices = np.flatnonzero(counts.airways)
    pipe = windpipe(volume, regions, slice(air_slices[0], air_slices[-1] + 1)) if len(air_slices) else Windpipe()
    progress.step("measuring the image", 1, 4)
    box = counts.box
    part = regions[box]
    blocks = blocks_of(Grid((part.shape[0], part.shape[1], part.shape[2]), volume.grid.spacing_mm))
    hu = blocks.mean(np.maximum(volume.hu[box], LOWEST_HU))
    in_lung = (part == Region.RIGHT_LUNG) | (part == Region.LEFT_LUNG)
    share = blocks.mean(in_lung)
    lung = share > 0.99
    if not lung.any():
        lung = share >= share.max()
    progress.step("measuring the image", 2, 4)
    normal = own_normal(hu, lung, blocks, lung_ml=(right + left) * ml, air_hu=pipe.air_hu)
    behind = table_behind(volume, box)
    density_supine = _seen_by_density(normal.gravity_hu_per_mm)
    supine = next((told for told in (behind, _told(volume), density_supine) if told is not None), None)
    gravity = normal.gravity_hu_per_mm
    progress.step("measuring the image", 3, 4)
    return ImageStats(
        lung_ml=(right + left) * ml,
        right_share=right / (right + left),
        airways_ml=int(counts.airways.sum()) * ml,
        noise_hu=pipe.noise_hu,
        air_hu=pipe.air_hu,
        blood_hu=_blood(hu, lung, blocks, part, pipe.air_hu) if len(air_slices) else None,
        fwhm_mm=pipe.fwhm_mm,
        normal_mode_hu=normal.mode_hu,
        normal_width_hu=normal.width_hu,
        normal_share=normal.share,
        gravity_hu_per_mm=min(gravity, 0.0) if supine is False else max(gravity, 0.0),
        cut_off_percent=cut_off_percent(counts.right + counts.left),
        view_percent=view_percent(volume, regions, box),
        low_density_percent=100.0 * float(np.mean(hu[lung] < EMPTY_HU)),
        supine=supine,
        table_behind=behind,
        density_supine=density_supine,
        normal_predicted=normal.predicted,
        windpipe_bow_mm=pipe.bow_mm,
        moved_slices=moved_slices(volume, in_lung, box, hu, share, blocks),
    )


def _count(regions: NDArray[np.uint8]) -> _Counts:
    """One pass, slice by slice. There is lung."""
    counts = np.zeros((3, len(regions)), np.int64)
    rows, columns = np.zeros(regions.shape[1], np.bool_), np.zeros(regions.shape[2], np.bool_)
    for k, layer in enumerate(regions):
        if not layer.any():
            continue
        right, left = layer == Region.RIGHT_LUNG, layer == Region.LEFT_LUNG
        counts[:, k] = np.count_nonzero(right), np.count_nonzero(left), np.count_nonzero(layer == Region.AIRWAYS)
        right |= left
        rows |= right.any(axis=1)
        columns |= right.any(axis=0)
    z, y, x = (slice(int(hit[0]), int(hit[-1]) + 1)
               for hit in map(np.flatnonzero, (counts[0] + counts[1], rows, columns)))
    return _Counts(counts[0], counts[1], counts[2], (z, y, x))


def _told(volume: Volume) -> bool | None:
    """Supine or prone as the header says."""
    position = volume.acquisition.patient_position
    if position is None or len(position) != 3:
        return None
    return {"S": True, "P": False}.get(position[2].upper())


def _seen_by_density(gravity_hu_per_mm: float) -> bool | None:
    return None if abs(gravity_hu_per_mm) < GRAVITY_SEEN_HU_PER_MM else gravity_hu_per_mm > 0


def _blood(
    hu: NDArray[np.float32], lung: Mask, blocks: Blocks, regions: NDArray[np.uint8], air_hu: float | None
) -> float | None:
    """Median HU of the heart: tissue between the lungs, in front of the airways, 8 mm deep.

    On means of about 3 mm, so that noise does not break the tissue up. Where air lies too low, so may blood.
    """
    lowest = BLOOD_HU[0] + min(0.0, (air_hu or USUAL_AIR_HU) - USUAL_AIR_HU)
    air = blocks.mean(regions == Region.AIRWAYS) > 0.5
    if not air.any():
        return None
    factors = tuple(max(1, round(3.0 / d)) for d in blocks.spacing_mm)
    rough = Blocks(Grid(blocks.shape, blocks.spacing_mm), (factors[0], factors[1], factors[2]))
    if min(rough.shape) < 3:
        return None
    tissue, lungs = rough.mean(hu), rough.mean(lung) > 0.1
    back = int(np.average(np.arange(hu.shape[1]), weights=air.sum(axis=(0, 2)))) // rough.factors[1]
    heights = np.flatnonzero(lungs.any(axis=(1, 2)))
    if not len(heights) or back < 2:
        return None
    low, high = int(heights[0]), int(heights[-1]) + 1
    z = slice(low + (high - low) // 4, low + (3 * (high - low)) // 5)
    beside, part = lungs[z, :back], tissue[z, :back]
    x = np.arange(lungs.shape[2])
    seen = beside.any(axis=2)
    first = np.where(seen, np.argmax(beside, axis=2), lungs.shape[2])
    last = np.where(seen, lungs.shape[2] - 1 - np.argmax(beside[:, :, ::-1], axis=2), -1)
    between = (x > first[:, :, None]) & (x < last[:, :, None]) & (part > lowest) & (part < BLOOD_HU[1])
    deep = part[erode(between, 8.0, rough.spacing_mm)] if between.any() else part[:0]
    return float(np.median(deep)) if deep.size * rough.voxel_ml > 1.0 else None
