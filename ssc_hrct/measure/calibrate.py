"""What one volume says of itself: noise, sharpness, air, blood, motion, and the patient's own normal lung.

In: a volume and its lungs. Out: `ImageStats`. Measures only; `quality` judges. Each part has a file of its own:
`windpipe`, `blood`, `own_normal`, `posture`, `coverage`, `motion`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Lungs, Region, both_lungs
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.stats import ImageStats
from ssc_hrct.core.volume import LOWEST_HU, PADDING_HU, Volume
from ssc_hrct.measure.blood import blood
from ssc_hrct.measure.coarse import blocks_of
from ssc_hrct.measure.coverage import cut_off_percents, view_percent
from ssc_hrct.measure.motion import moved_slices
from ssc_hrct.measure.own_normal import own_normal
from ssc_hrct.measure.posture import table_behind
from ssc_hrct.measure.windpipe import Windpipe, windpipe

LOW_DENSITY_HU = -970
GRAVITY_SEEN_HU_PER_MM = 0.08
"""A gradient over this tells which way the patient lay. lidc-0001, lidc-0002 and 4dlung-113 on the back have 0.23 to
0.32, six made-up chests 0.15 to 0.28 (0.15 with ground glass); where that was taken away again 0.05 at most is left."""

TISSUE_HU = -300
"""In front of the lungs: what is emptier is air, clothes or foam, also where all values lie 300 HU too high."""
AROUND_SLICES = 24
LEAST_AROUND = 2000


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
    in_lung = both_lungs(part)
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
    heart = blood(volume, box, hu, lung, blocks, part, pipe.air_hu) if len(air_slices) else None
    noise_in_blood = pipe.noise_hu is None and heart is not None and heart.noise_hu is not None
    progress.step("measuring the image", 3, 4)
    cut_off_percent, cut_off_lesser_percent = cut_off_percents(counts.right + counts.left)
    return ImageStats(
        lung_ml=(right + left) * ml,
        right_share=right / (right + left),
        airways_ml=int(counts.airways.sum()) * ml,
        noise_hu=heart.noise_hu if heart is not None and noise_in_blood else pipe.noise_hu,
        air_hu=pipe.air_hu,
        blood_hu=None if heart is None else heart.hu,
        fwhm_mm=pipe.fwhm_mm,
        normal_mode_hu=normal.mode_hu,
        normal_width_hu=normal.width_hu,
        normal_share=normal.share,
        gravity_hu_per_mm=min(gravity, 0.0) if supine is False else max(gravity, 0.0),
        cut_off_percent=cut_off_percent,
        cut_off_lesser_percent=cut_off_lesser_percent,
        view_percent=view_percent(volume, regions, box),
        low_density_percent=100.0 * float(np.mean(hu[lung] < LOW_DENSITY_HU)),
        supine=supine,
        table_behind=behind,
        density_supine=density_supine,
        normal_predicted=normal.predicted,
        windpipe_bow_mm=pipe.bow_mm,
        moved_slices=moved_slices(volume, in_lung, box, hu, share, blocks),
        noise_in_blood=noise_in_blood,
        air_around_hu=air_around_hu(volume, box) if pipe.air_hu is None else None,
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


def air_around_hu(volume: Volume, lungs: tuple[slice, slice, slice]) -> float | None:
    """Median HU of the air in front of the patient, in the columns of the lungs; None where too little is seen.

    A windpipe is looked for where it is emptier than -850 HU, so that values which lie far too high have none. This
    air is at -1010, -992 and -1000 HU in lidc-0001, lidc-0002 and 4dlung-113, and moves with all values.
    """
    z, y, x = lungs
    slices = np.unique(np.linspace(z.start, z.stop - 1, AROUND_SLICES).astype(np.intp))
    before = volume.hu[slices, : y.start, x]
    air = before[(before != PADDING_HU) & (before < TISSUE_HU)]
    return float(np.median(air)) if air.size >= LEAST_AROUND else None


def _told(volume: Volume) -> bool | None:
    """Supine or prone as the header says."""
    position = volume.acquisition.patient_position
    if position is None or len(position) != 3:
        return None
    return {"S": True, "P": False}.get(position[2].upper())


def _seen_by_density(gravity_hu_per_mm: float) -> bool | None:
    return None if abs(gravity_hu_per_mm) < GRAVITY_SEEN_HU_PER_MM else gravity_hu_per_mm > 0
