"""Solid tissue between the lungs' outline and the ribs: consolidation or fluid that was left out.

In: a volume and its lungs, found or given. Out: millilitres. Works on samples about 3 mm apart, slice by slice in
directions from the middle of the chest: where the outermost lung ends, where the ribs' inner face lies (between ribs
on a smooth surface through them), and how thick the solid tissue between the two is. Measures only; `quality` judges.

The healthy wall between outline and ribs' inner face was 1 to 5 mm thick at the side and 4 to 9 at the back (middle
values of lidc-0001, lidc-0002, 4dlung-113 and two made-up chests), up to 14 high at the back, much of that fat.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Lungs, Region, both_lungs
from ssc_hrct.core.volume import LOWEST_HU, Volume
from ssc_hrct.measure.coarse import Blocks, blocks_of
from ssc_hrct.measure.shapes import Mask, Spacing, bounds, parts

SAMPLE_MM = 3.0
WALL_MM = 45.0
BONE_HU = 160.0
SECTORS = 72
TURN = 2 * np.pi / SECTORS
NEAR_MM, NEAR_SECTORS, NEAR_SHARE = 50.0, 3, 0.75
"""Ribs lie beyond this share of the largest radius of lung within so many mm up and down and sectors to each side:
where nothing of the lung is left in a direction, the first bone is the spine."""
RIB_MM, RIB_DEEP_MM = 12.0, 10.0
"""Of the first bone in neighbouring directions within RIB_MM up and down, only what lies within RIB_DEEP_MM of the
innermost is rib; behind lie shoulder blades."""
SMOOTH_MM, SMOOTH_SECTORS = 8.0, 1.0
BRIDGED_SECTORS = 9
"""Gaps between ribs and breastbone (cartilage is no denser than muscle) are bridged by a straight line, 45 degrees at
most: it lies within the chest or on its wall."""
APEX_SHARE = 0.8
"""Above this part of the lungs' height the girdle's bones and muscles are in the way."""
FRONT_SPAN, MIDLINE_DEGREES = (0.3, 0.62), 20.0
"""In front only between these parts of the height (below lies the diaphragm, above the bridge over the upper ribs'
cartilage is too long: up to 14 ml in clear made-up chests), and not so near to the midline, where the heart lies."""
BACK_SHARE = 0.17
"""Part of a turn to each side of the back."""
BELOW_MM, NEARER_MM = 100.0, 0.0
"""Solid tissue at the side and in front is told from diaphragm and liver by lung below it that lies NEARER_MM further
out. Without, clear outlines had up to 12 ml more."""
TISSUE_HU = (-20.0, 120.0)
THICK_MM, EDGE_MM, EDGE_CELLS = 11.0, 7.0, 2
"""What counts has a core of solid tissue over THICK_MM; its edge, up to two cells wide, is over EDGE_MM."""
SOLID_SHARE = 0.65
PART_ML = 4.0
"""Smaller parts are not counted. What is: up to 7.5 ml in clear outlines (lidc-0001, lidc-0002, 4dlung-113 with its
collapse, as they are, mirrored and at twice the slice distance; 14 made-up chests, seeds 6100 on, noise up to 45 HU,
disease up to 35 percent). Of 70 balls (60 mm) and layers (15 mm) painted on the wall of lidc-0001, lidc-0002 and two
made-up chests, which cost 25 to 68 ml of lung, 64 gave over 12 ml; the rest lay at the front, and one low at a side."""
OTHER_SIDE_MM = 25.0
"""Behind the middle, a direction without lung counts where the other side has so much lung in it."""


@dataclass(frozen=True, slots=True)
class _Around:
    """A slice in directions from the middle of the chest. sector, radius_mm: [y, x]; behind, back, midline:
    [sector], to the back or the sides, to the back alone, straight to the front; mirrored: [sector], the sector
    across the midline."""

    sector: NDArray[np.intp]
    radius_mm: NDArray[np.float32]
    behind: Mask
    back: Mask
    midline: Mask
    mirrored: NDArray[np.intp]


def missed_ml(volume: Volume, lungs: Lungs) -> float | None:
    """Solid tissue over about 10 mm thick between the mask and the ribs, in ml. None where no ribs are seen.

    Looked for at the back and the sides up to the girdle, and at the front between diaphragm and upper ribs: in each
    direction outward of the outermost lung, up to the ribs' inner face; behind the middle also where there is no lung
    at all but the other side has over 25 mm of it. Not at the diaphragm, nor towards heart and spine.
    """
    whole = blocks_of(volume.grid, SAMPLE_MM)
    spacing = whole.spacing_mm
    regions = label_samples(lungs.regions.labels, whole)
    lung = both_lungs(regions)
    box = bounds(lung, [0, *(int(WALL_MM / d) for d in spacing[1:])])
    lung = lung[box]
    hu = _thin_hu(volume, whole, box)
    around = _around(lung, spacing)
    outermost = _extreme(lung, around, largest=True)
    face = _ribs(_extreme(_beyond(hu > BONE_HU, around, outermost, spacing), around, largest=False), spacing)
    if not np.isfinite(face).any():
        return None
    begins = _begins(lung, around, outermost, spacing)
    rows = np.arange(len(lung))[:, None, None]
    band = (around.radius_mm > begins[rows, around.sector]) & (around.radius_mm < face[rows, around.sector])
    band &= ~lung & (regions[box] == Region.OUTSIDE)
    solid = band & (hu > TISSUE_HU[0]) & (hu < TISSUE_HU[1])
    radius_mm = np.maximum(np.where(np.isfinite(outermost), outermost, 80.0) + 8.0, 40.0)
    cell_mm2 = spacing[1] * spacing[2] / (radius_mm * TURN)
    return _thick(_count(solid, around), _count(band, around), cell_mm2, whole.voxel_ml)


def label_samples(full: NDArray[np.uint8], blocks: Blocks) -> NDArray[np.uint8]:
    """The label in the middle of each block. full: [z, y, x] on the full grid."""
    z, y, x = (slice(f // 2, f // 2 + (n - 1) * f + 1, f) for f, n in zip(blocks.factors, blocks.shape, strict=True))
    return np.ascontiguousarray(full[z, y, x])


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
    behind, back = (np.minimum(middles, 1 - middles) < share for share in (0.28, BACK_SHARE))
    midline = np.abs(middles - 0.5) * 360 < MIDLINE_DEGREES
    return _Around(sector, np.hypot(y, x).astype(np.float32), behind, back, midline, SECTORS - 1 - np.arange(SECTORS))


def _extreme(mask: Mask, around: _Around, *, largest: bool) -> NDArray[np.float64]:
    """Largest or smallest radius of the mask per slice and sector; -inf or inf where there is none."""
    out = np.full((len(mask), SECTORS), -np.inf if largest else np.inf)
    z, y, x = np.nonzero(mask)
    at = (z, around.sector[y, x])
    (np.maximum if largest else np.minimum).at(out, at, around.radius_mm[y, x])
    return out


def _count(mask: Mask, around: _Around) -> NDArray[np.float64]:
    """Samples of the mask per slice and sector."""
    z, y, x = np.nonzero(mask)
    cells = np.bincount(z * SECTORS + around.sector[y, x], minlength=len(mask) * SECTORS)
    return cells.reshape(len(mask), SECTORS).astype(np.float64)


def _beyond(bone: Mask, around: _Around, outermost: NDArray[np.float64], spacing_mm: Spacing) -> Mask:
    """Bone outside the lungs, and not much nearer to the middle than lung lies anywhere near: no spine, no calcium."""
    rows = np.arange(len(bone))[:, None, None]
    size = (2 * int(NEAR_MM / spacing_mm[0]) + 1, 2 * NEAR_SECTORS + 1)
    near = ndimage.maximum_filter(np.maximum(outermost, 0.0), size, mode=("nearest", "wrap"))
    return np.asarray(bone & (around.radius_mm > np.maximum(outermost, NEAR_SHARE * near)[rows, around.sector]))


def _ribs(inner: NDArray[np.float64], spacing_mm: Spacing) -> NDArray[np.float64]:
    """Radius of a smooth surface on the ribs' inner face per slice and sector; -inf where no rib is near.

    inner: radius of the first bone, inf without. Weighted means over neighbours, in the manner of normalised
    convolution (Knutsson and Westin, CVPR 1993).
    """
    reach = int(RIB_MM / spacing_mm[0])
    innermost = ndimage.minimum_filter1d(inner, 2 * reach + 1, axis=0, mode="nearest")
    innermost = ndimage.minimum_filter1d(innermost, 3, axis=1, mode="wrap")
    rib = np.isfinite(inner) & (inner <= innermost + RIB_DEEP_MM)
    weight, summed = (_smooth(a, spacing_mm) for a in (rib.astype(np.float64), np.where(rib, inner, 0.0)))
    near = weight > 0.02
    return _bridge(np.where(near, summed / np.where(near, weight, 1.0), -np.inf))


def _smooth(array: NDArray[np.float64], spacing_mm: Spacing) -> NDArray[np.float64]:
    along = ndimage.gaussian_filter1d(array, SMOOTH_MM / spacing_mm[0], axis=0, mode="nearest")
    return np.asarray(ndimage.gaussian_filter1d(along, SMOOTH_SECTORS, axis=1, mode="wrap"))


def _bridge(face: NDArray[np.float64]) -> NDArray[np.float64]:
    """Straight lines, in the slice, over gaps of at most BRIDGED_SECTORS."""
    thrice = np.concatenate([face, face, face], axis=1)
    known, place = np.isfinite(thrice), np.arange(3 * SECTORS)
    before = np.maximum.accumulate(np.where(known, place, -SECTORS), axis=1)
    after = np.minimum.accumulate(np.where(known, place, 4 * SECTORS)[:, ::-1], axis=1)[:, ::-1]
    z, s = np.nonzero(~known & (after - before <= BRIDGED_SECTORS + 1))
    a, b = before[z, s], after[z, s]
    one, other, past, left = thrice[z, a], thrice[z, b], (s - a) * TURN, (b - s) * TURN
    thrice[z, s] = one * other * np.sin(past + left) / (one * np.sin(past) + other * np.sin(left))
    return thrice[:, SECTORS : 2 * SECTORS]


def _begins(
    lung: Mask, around: _Around, outermost: NDArray[np.float64], spacing_mm: Spacing
) -> NDArray[np.float64]:
    """Radius where the search starts per slice and sector; inf where nothing is looked for.

    At the outermost lung; without any, behind, where lung begins on the other side. But at the back, lung must come
    nearer to the wall below.
    """
    held = np.isfinite(outermost)
    innermost = _extreme(lung, around, largest=False)
    there, first = outermost[:, around.mirrored], innermost[:, around.mirrored]
    like = np.isfinite(there) & (there - first > OTHER_SIDE_MM) & around.behind
    begins = np.where(held, outermost, np.where(like, first, np.inf))
    below = _highest_below(outermost, max(1, int(BELOW_MM / spacing_mm[0])))
    begins = np.where(around.back | (below > begins + NEARER_MM), begins, np.inf)
    low, high = (round(share * len(lung)) for share in FRONT_SPAN)
    begins[:low, ~around.behind] = begins[high:, ~around.behind] = np.inf
    begins[:, around.midline] = np.inf
    begins[round(APEX_SHARE * len(lung)) :] = np.inf
    return begins


def _highest_below(outermost: NDArray[np.float64], slices: int) -> NDArray[np.float64]:
    """The largest of so many slices below each; -inf at the lowest."""
    padded = np.pad(outermost, ((slices, 0), (0, 0)), constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded[:-1], slices, axis=0)
    return np.asarray(windows.max(axis=2))


def _thick(
    solid: NDArray[np.float64], band: NDArray[np.float64], mm: NDArray[np.float64], voxel_ml: float
) -> float:
    """ml of the solid samples in parts with a thick core. mm: thickness per sample. All per slice and sector."""
    around = [_neighbours(a) for a in (solid, band)]
    thick = around[0] * mm
    mostly = around[0] > SOLID_SHARE * np.maximum(around[1], 1e-6)
    core = mostly & (thick > THICK_MM)
    size = 2 * EDGE_CELLS + 1
    near = ndimage.maximum_filter(core.astype(np.uint8), (size, size), mode=("constant", "wrap")) > 0
    counted = mostly & (thick > EDGE_MM) & near
    turned = np.roll(counted, SECTORS // 2, axis=1)  # so that no part is cut at the back
    labels, _ = parts(turned[:, None, :])
    held = np.roll(solid, SECTORS // 2, axis=1)
    ml = np.bincount(labels[:, 0].ravel(), weights=held.ravel()) * voxel_ml
    return float(ml[1:][ml[1:] > PART_ML].sum())


def _neighbours(cells: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over three slices and three sectors."""
    return np.asarray(ndimage.uniform_filter(cells, 3, mode=("constant", "wrap")))
