"""What the lung mask's shape says of itself, in numbers for the named checks (science.md 2.4).

In: a volume and its lungs, found or given. Out: `MaskFacts`. Works on samples about 3 mm apart. Measures only;
`quality` judges.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Lungs, Region
from ssc_hrct.core.mask_facts import MaskFacts
from ssc_hrct.core.volume import LOWEST_HU, Volume
from ssc_hrct.measure.coarse import Blocks, blocks_of
from ssc_hrct.measure.shapes import Mask, Spacing, bounds, fill_holes, open_ball, parts, without_small

SAMPLE_MM = 3.0
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
WALL_MM = 45.0
BONE_HU = 160.0
SECTORS = 72
HULL_Z_MM, HULL_SECTORS = 12.0, 1
HULL_MARGIN_MM = 4.0
"""Pleura and what lies under it, between the ribs' inner face and the lung."""
APEX_SHARE = 0.8
"""Above this part of the lungs' height the girdle's bones and muscles are in the way."""
TISSUE_HU = (-20.0, 120.0)
THICK_MM = 10.0
MISSED_PART_ML = 2.0
OTHER_SIDE_MM = 25.0
"""Behind the middle, a direction without lung counts where the other side has so much lung in it."""


def mask_facts(lungs: Lungs, volume: Volume) -> MaskFacts:
    """Measure one mask. The lungs hold something on both sides."""
    whole = blocks_of(volume.grid, SAMPLE_MM)
    regions = _samples(lungs.regions.labels, whole)
    lung = (regions == Region.RIGHT_LUNG) | (regions == Region.LEFT_LUNG)
    _, counts = parts(lung)
    known = lung | (regions == Region.AIRWAYS)
    return MaskFacts(
        parts_over_20_ml=int(np.count_nonzero(counts[1:] * whole.voxel_ml > LARGE_PART_ML)),
        holes_ml=float(np.count_nonzero(fill_holes(known) & ~known)) * whole.voxel_ml,
        sides_swapped=_sides_swapped(regions, whole.spacing_mm),
        largest_step=_largest_step(lungs.regions.labels, whole),
        missed_ml=missed_ml(volume, lungs),
    )


def _samples(full: NDArray[np.uint8], blocks: Blocks) -> NDArray[np.uint8]:
    """The label in the middle of each block."""
    z, y, x = (slice(f // 2, f // 2 + (n - 1) * f + 1, f) for f, n in zip(blocks.factors, blocks.shape, strict=True))
    return np.ascontiguousarray(full[z, y, x])


def _largest_step(regions: NDArray[np.uint8], blocks: Blocks) -> float:
    step = max(1, round(STEP_MM / blocks.full.spacing_mm[0]))
    layers = regions[::step, :: blocks.factors[1], :: blocks.factors[2]]
    areas = ((layers == Region.RIGHT_LUNG) | (layers == Region.LEFT_LUNG)).sum(axis=(1, 2)).astype(np.float64)
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


@dataclass(frozen=True, slots=True)
class _Around:
    """A slice in directions from the middle of the chest. sector, radius_mm: [y, x]; behind: [sector], to the back
    or the sides; mirrored: [sector], the sector across the midline."""

    sector: NDArray[np.intp]
    radius_mm: NDArray[np.float32]
    behind: Mask
    mirrored: NDArray[np.intp]


def missed_ml(volume: Volume, lungs: Lungs) -> float | None:
    """Homogeneous soft tissue over 10 mm thick between the mask and the ribs, in ml: consolidation or fluid that was
    left out (science.md 2.3, step 7). None where no ribs are seen.

    Looked for behind and beside the middle of the chest, up to the girdle: in each direction outward of the
    outermost lung, up to the ribs' inner hull; behind the middle also where there is no lung at all but the other
    side has over 25 mm of it.
    """
    whole = blocks_of(volume.grid, SAMPLE_MM)
    regions = _samples(lungs.regions.labels, whole)
    lung = (regions == Region.RIGHT_LUNG) | (regions == Region.LEFT_LUNG)
    spacing = whole.spacing_mm
    box = bounds(lung, [0, *(int(WALL_MM / d) for d in spacing[1:])])
    lung = lung[box]
    hu = _thin_hu(volume, whole, box)
    around = _around(lung, spacing)
    outermost = _extreme(lung, around, largest=True)
    bone = _beyond(hu > BONE_HU, around, outermost)
    hull = _hull(_extreme(bone, around, largest=False), spacing) - HULL_MARGIN_MM
    if not np.isfinite(hull).any():
        return None
    nearest = _from_other_side(lung, around, outermost)
    nearest[round(APEX_SHARE * len(lung)) :] = np.inf
    nearest[:, ~around.behind] = np.inf
    rows = np.arange(len(lung))[:, None, None]
    band = (around.radius_mm > nearest[rows, around.sector]) & (around.radius_mm < hull[rows, around.sector])
    band &= ~lung & (regions[box] == Region.OUTSIDE)
    solid = band & (hu > TISSUE_HU[0]) & (hu < TISSUE_HU[1])
    thick = open_ball(solid, THICK_MM / 2 - 0.5, spacing)
    return float(without_small(thick, max(1, round(MISSED_PART_ML / whole.voxel_ml))).sum()) * whole.voxel_ml


def _thin_hu(volume: Volume, blocks: Blocks, box: tuple[slice, slice, slice]) -> NDArray[np.float32]:
    """Means in the plane of one slice per block, within a box of the blocks."""
    fz, fy, fx = blocks.factors
    z, y, x = box
    part = volume.hu[z.start * fz + fz // 2 : (z.stop - 1) * fz + fz // 2 + 1 : fz,
                     y.start * fy : y.stop * fy, x.start * fx : x.stop * fx]
    depth, height, width = part.shape
    return Blocks(Grid((depth, height, width), blocks.full.spacing_mm), (1, fy, fx)).mean(part, at_least=LOWEST_HU)


def _around(lung: Mask, spacing_mm: Spacing) -> _Around:
    per_y, per_x = lung.sum(axis=(0, 2)), lung.sum(axis=(0, 1))
    columns, rows = np.flatnonzero(per_x), np.flatnonzero(per_y)
    y = (np.arange(lung.shape[1]) - (rows[0] + rows[-1]) / 2)[:, None] * spacing_mm[1]
    x = (np.arange(lung.shape[2]) - (columns[0] + columns[-1]) / 2)[None, :] * spacing_mm[2]
    turn = np.arctan2(x, y) / (2 * np.pi) % 1.0  # 0 to the back, a quarter to the left, a half to the front
    sector = (turn * SECTORS).astype(np.intp) % SECTORS
    middles = (np.arange(SECTORS) + 0.5) / SECTORS
    behind = (middles < 0.28) | (middles > 0.72)
    return _Around(sector, np.hypot(y, x).astype(np.float32), behind, SECTORS - 1 - np.arange(SECTORS))


def _extreme(mask: Mask, around: _Around, *, largest: bool) -> NDArray[np.float64]:
    """Largest or smallest radius of the mask per slice and sector; -inf or inf where there is none."""
    out = np.full((len(mask), SECTORS), -np.inf if largest else np.inf)
    z, y, x = np.nonzero(mask)
    at = (z, around.sector[y, x])
    (np.maximum if largest else np.minimum).at(out, at, around.radius_mm[y, x])
    return out


def _beyond(bone: Mask, around: _Around, outermost: NDArray[np.float64]) -> Mask:
    rows = np.arange(len(bone))[:, None, None]
    return np.asarray(bone & (around.radius_mm > np.maximum(outermost, 0)[rows, around.sector]))


def _hull(inner: NDArray[np.float64], spacing_mm: Spacing) -> NDArray[np.float64]:
    """Ribs lie aslant: the smallest radius over neighbouring slices and sectors; -inf where no rib is near."""
    reach = int(HULL_Z_MM / spacing_mm[0])
    hull = inner.copy()
    for k in range(-reach, reach + 1):
        for s in range(-HULL_SECTORS, HULL_SECTORS + 1):
            moved = np.roll(inner, s, axis=1)
            if k > 0:
                hull[k:] = np.minimum(hull[k:], moved[:-k])
            elif k < 0:
                hull[:k] = np.minimum(hull[:k], moved[-k:])
            else:
                hull = np.minimum(hull, moved)
    return np.where(np.isfinite(hull), hull, -np.inf)


def _from_other_side(lung: Mask, around: _Around, outermost: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the search starts: at the outermost lung; without any, behind, where lung begins on the other side."""
    innermost = _extreme(lung, around, largest=False)
    there, begins = outermost[:, around.mirrored], innermost[:, around.mirrored]
    like = np.isfinite(there) & (there - begins > OTHER_SIDE_MM)
    return np.where(np.isfinite(outermost), outermost, np.where(like, begins, np.inf))
