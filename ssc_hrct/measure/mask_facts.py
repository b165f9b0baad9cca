"""What the lung mask's shape says of itself, in numbers for the named checks.

In: a volume and its lungs, found or given. Out: `MaskFacts`. Works on samples about 3 mm apart. Measures only;
`quality` judges.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.lungs import Lungs, Region, both_lungs
from ssc_hrct.core.mask_facts import MaskFacts
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.volume import Volume
from ssc_hrct.measure.coarse import Blocks, blocks_of
from ssc_hrct.measure.missed import SAMPLE_MM, label_samples, missed_ml
from ssc_hrct.measure.shapes import Spacing, fill_holes, parts

LARGE_PART_ML = 20.0
STEP_MM = 2.0
NATURAL_STEP_PER_MM = 0.045
"""Part of its area by which the outline changes by nature for every mm that slices are further apart than STEP_MM: at
2.5, 5, 3 and 6 mm the largest step of lidc-0001 and 4dlung-113 is 0.14, 0.25, 0.20 and 0.29. It is taken off."""
STEP_SPAN = (0.1, 0.9)
"""Steps are looked for in this part of the lungs' height: at apex and base the area changes by nature."""
HEART_SPAN = (0.15, 0.5)
HEART_MM = (-8.0, 3.0)
"""The gap between the lungs lies at least this far to the left of the airways where the heart is; under the first
number it lies to the right. In lidc-0001, lidc-0002, 4dlung-113 and six made-up chests it lay 8 to 27 mm to the left,
in the three scans mirrored 8 (not told) to 27 mm to the right."""


def mask_facts(lungs: Lungs, volume: Volume, *, progress: Progress = SILENT) -> MaskFacts:
    """Measure one mask. The lungs hold something on both sides."""
    progress.step("checking the outline", 0, 4)
    whole = blocks_of(volume.grid, SAMPLE_MM)
    regions = label_samples(lungs.regions.labels, whole)
    lung = both_lungs(regions)
    _, counts = parts(lung)
    known = lung | (regions == Region.AIRWAYS)
    holes = int(np.count_nonzero(fill_holes(known) & ~known))
    progress.step("checking the outline", 1, 4)
    swapped = _sides_swapped(regions, whole.spacing_mm)
    progress.step("checking the outline", 2, 4)
    step = _largest_step(lungs.regions.labels, whole)
    progress.step("checking the outline", 3, 4)
    return MaskFacts(
        parts_over_20_ml=int(np.count_nonzero(counts[1:] * whole.voxel_ml > LARGE_PART_ML)),
        holes_ml=holes * whole.voxel_ml,
        sides_swapped=swapped,
        largest_step=step,
        missed_ml=missed_ml(volume, lungs),
    )


def _largest_step(regions: NDArray[np.uint8], blocks: Blocks) -> float:
    step = max(1, round(STEP_MM / blocks.full.spacing_mm[0]))
    layers = regions[::step, :: blocks.factors[1], :: blocks.factors[2]]
    areas = both_lungs(layers).sum(axis=(1, 2)).astype(np.float64)
    held = np.flatnonzero(areas)
    if held.size < 3:
        return 0.0
    height = held[-1] - held[0]
    middle = areas[held[0] + round(STEP_SPAN[0] * height) : held[0] + round(STEP_SPAN[1] * height) + 1]
    if middle.size < 2:
        return 0.0
    apart_mm = step * blocks.full.spacing_mm[0]
    largest = float(np.max(np.abs(np.diff(middle)) / np.maximum(np.maximum(middle[1:], middle[:-1]), 1)))
    return max(0.0, largest - NATURAL_STEP_PER_MM * max(0.0, apart_mm - STEP_MM))


def _sides_swapped(regions: NDArray[np.uint8], spacing_mm: Spacing) -> bool | None:
    """By the order of the sides, then by the heart: the gap between the lungs against the airways' middle."""
    x = np.arange(regions.shape[2])
    right, left = regions == Region.RIGHT_LUNG, regions == Region.LEFT_LUNG
    middles = [float(np.average(x, weights=side.sum(axis=(0, 1)))) for side in (right, left)]
    if middles[0] > middles[1]:
        return True
    airways = regions == Region.AIRWAYS
    if not airways.any():
        return None
    height = np.flatnonzero((right | left).any(axis=(1, 2)))
    low, high = (height[0] + round(share * (height[-1] - height[0])) for share in HEART_SPAN)
    upper = airways[(low + high) // 2 :]
    if high <= low or not upper.any():
        return None
    here, there = right[low:high], left[low:high]
    both = here.any(axis=2) & there.any(axis=2)
    front = np.flatnonzero(both.any(axis=0))
    if front.size < 4:
        return None
    both[:, (front[0] + front[-1]) // 2 :] = False
    last = here.shape[2] - 1 - np.argmax(here[:, :, ::-1], axis=2)
    first = np.argmax(there, axis=2)
    wide = both & (first - last > 30.0 / spacing_mm[2])
    if not wide.any():
        return None
    trunk = float(np.average(x, weights=upper.sum(axis=(0, 1))))
    beside_mm = (float(np.mean((first + last)[wide])) / 2 - trunk) * spacing_mm[2]
    return True if beside_mm < HEART_MM[0] else False if beside_mm > HEART_MM[1] else None
