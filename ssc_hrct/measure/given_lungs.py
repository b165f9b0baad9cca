"""Lungs from a mask that a person gave: theirs in place of ours, with our airways left out.

In: a volume, a label map of another program on any grid, and our own lungs where they were found. Out: `Lungs`, and
what was measured of the mask. Labels say what belongs together and nothing else: a label's side is where it lies, so
that 1 and 2, five lobes or one binary mask all serve. Trachea to lobar bronchi as we follow them leave the mask,
vessels stay, as in the denominator's definition; nothing is added to what was given.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.given_lungs import GivenFacts
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import REGION_NAMES, Lungs, Region, both_lungs
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.volume import PADDING_HU, LabelMap, Volume
from ssc_hrct.measure.coarse import Blocks, blocks_of
from ssc_hrct.measure.features import fine_blocks
from ssc_hrct.measure.fitting import NO_VOXEL, fit
from ssc_hrct.measure.parting import SMALLEST_ML, part_lungs
from ssc_hrct.measure.shapes import Mask, bounds, shrink
from ssc_hrct.measure.zones import chest_wall_depth_mm, thirds, write_rings

MOST_LABELS = 5
"""Five lobes. A map with more names other organs as well."""
LOST_PERCENT = 2.0
"""Of the labelled volume may lie outside the scan; nearest voxels alone move it by under 0.5."""
DENSE_HU = -300.0
"""A mask whose median is denser lies on no lungs; that of a real scan at a shallow breath is -740."""
TISSUE_HU, OWN_SHARE = -100.0, 0.5
"""A label of soft tissue that lies less than half in the lungs found here is an organ or fluid."""
BOTH_SIDES = 0.2
"""A label with this share of its voxels on either side of the midline holds both lungs. Of real right lungs up to 0.03
lies beyond it, which may be 0.1 of one lobe; a binary mask has over 0.4 on either side."""
MIRRORED_OVERLAP, MIRRORED_GAIN = 0.85, 0.05
"""A mask that fits the lungs found here so well, and so much better, when it is turned over was saved mirrored. Lungs
turned over fit themselves by 0.80 at most (three real scans, all seven ways), made-up ones by 0.89."""
MIRRORS: tuple[tuple[int, ...], ...] = ((2,), (1,), (0,), (1, 2), (0, 2), (0, 1), (0, 1, 2))
AXES = ("head and feet", "front and back", "right and left")
OTHER_SIDE = np.array([Region.OUTSIDE, Region.LEFT_LUNG, Region.RIGHT_LUNG, Region.AIRWAYS], np.uint8)
MARGIN_MM = 6.0
"""Room around the lungs, so that the edge of the box is no pleura and its blocks reach beyond the lungs."""


def take_lungs(
    volume: Volume, mask: LabelMap, own: Lungs | None, *, progress: Progress = SILENT
) -> tuple[Lungs, GivenFacts]:
    """Lungs on the volume's grid from `mask`, whose labels are 1 and up. own: lungs found here, or None.

    Raises HrctError(MASK_REFUSED) where the mask cannot be that of both lungs in this volume.
    """
    fitted = fit(mask, volume.grid, progress=progress)
    if fitted.lost_percent > LOST_PERCENT:
        raise refused(f"{fitted.lost_percent:.0f} percent of it lies outside the scan.")
    progress.step("looking at the lung mask", 0, 2)
    labels = fitted.labels.copy()
    uncovered = None if own is None else 100.0 * _share(labels == NO_VOXEL, own.mask())
    labels[(labels == NO_VOXEL) | (volume.hu == PADDING_HU)] = 0
    if own is not None:
        labels[own.regions.labels == Region.AIRWAYS] = 0
    if not labels.any():
        raise refused("Nothing of it lies in the scan's lungs.")
    box = bounds(labels > 0)
    _check_tissue(labels[box], volume.hu[box], None if own is None else own.mask()[box])
    regions = np.zeros(volume.grid.shape, np.uint8)
    regions[box] = _sides(labels[box], _middle_x(labels, own) - box[2].start, volume.grid)
    _check_filled(regions[box], volume.grid)
    overlap = None
    if own is not None:
        overlap = _dice_by_side(regions, own.regions.labels)
        _check_not_mirrored(overlap, regions, own.regions.labels)
        regions[own.regions.labels == Region.AIRWAYS] = Region.AIRWAYS
    facts = GivenFacts(int(mask.labels.max()), fitted.resampled, overlap, uncovered)
    progress.step("looking at the lung mask", 1, 2)
    if own is not None and np.array_equal(regions, own.regions.labels):
        return own, facts  # one outline has one depth: ours was measured before its border was drawn finely
    return lungs_of(regions, volume.grid), facts


def check_labels(mask: LabelMap) -> None:
    """Raises HrctError(MASK_REFUSED) where so many labels cannot be those of lungs; needs no scan."""
    count = int(mask.labels.max())
    if count == 0:
        raise refused("It is empty: no voxel of it has a label.")
    if count > MOST_LABELS:
        raise refused(f"It holds {count} labels; lungs have {MOST_LABELS} at most, one for each lobe.")


def refused(why: str) -> HrctError:
    return HrctError("MASK_REFUSED", why)


def lungs_of(regions: NDArray[np.uint8], grid: Grid) -> Lungs:
    """Zones and rings for a finished map of `Region`; both sides hold something."""
    whole = blocks_of(grid)
    around = [int(np.ceil(MARGIN_MM / d)) for d in grid.spacing_mm]
    found = bounds(both_lungs(regions), around)
    z, y, x = (slice(s.start // f * f, s.stop) for s, f in zip(found, whole.factors, strict=True))
    part = regions[z, y, x]
    blocks = Blocks(Grid((part.shape[0], part.shape[1], part.shape[2]), grid.spacing_mm), whole.factors)
    right, left = (blocks.mean(part == side) > 0.5 for side in (Region.RIGHT_LUNG, Region.LEFT_LUNG))
    rings = np.zeros(regions.shape, np.uint8)
    write_rings(rings[z, y, x], part, chest_wall_depth_mm(right, left, blocks.spacing_mm), blocks)
    return Lungs(LabelMap(regions, grid, REGION_NAMES), thirds(regions), rings)


def _check_tissue(labels: NDArray[np.uint8], hu: NDArray[np.int16], own: Mask | None) -> None:
    """Raises HrctError(MASK_REFUSED) where the mask, or one label of it, lies on something else than lung."""
    median = float(np.median(hu[labels > 0]))
    if median > DENSE_HU:
        raise refused(f"It does not lie on lung: half of it is denser than {median:.0f} HU.")
    if own is None:
        return
    for label in range(1, int(labels.max()) + 1):
        there = labels == label
        if there.any() and np.median(hu[there]) > TISSUE_HU and _share(own, there) < OWN_SHARE:
            raise refused(f"Label {label} of it, in the order of their numbers, lies on soft tissue outside the lungs.")


def _check_filled(regions: NDArray[np.uint8], grid: Grid) -> None:
    """Raises HrctError(MASK_REFUSED) where a lung fills nothing of the size in which is measured: every second slice of
    it is empty, or it is scattered voxels."""
    part = Grid((regions.shape[0], regions.shape[1], regions.shape[2]), grid.spacing_mm)
    for blocks in (blocks_of(part), fine_blocks(part)):
        for side in (Region.RIGHT_LUNG, Region.LEFT_LUNG):
            if not shrink(blocks.mean(regions == side) > 0.5).any():
                raise refused("It has gaps throughout, between slices or voxels: nothing of a lung is filled.")


def _check_not_mirrored(overlap: float, regions: NDArray[np.uint8], own: NDArray[np.uint8]) -> None:
    """Raises HrctError(MASK_REFUSED) where the mask, turned over in the image, is our own lungs, and as it lies is not.

    Every other voxel is looked at.
    """
    if overlap + MIRRORED_GAIN >= 1.0:
        return
    ours, fits = own[::2, ::2, ::2], dict[tuple[int, ...], float]()
    for mirrored in MIRRORS:
        turned = np.flip(regions[::2, ::2, ::2], mirrored)
        fits[mirrored] = _dice_by_side(OTHER_SIDE[turned] if 2 in mirrored else turned, ours)
    best = max(MIRRORS, key=lambda mirrored: fits[mirrored])
    if fits[best] > max(MIRRORED_OVERLAP, overlap + MIRRORED_GAIN):
        names = ", and ".join(AXES[axis] for axis in best)
        raise refused(f"It is mirrored: {names} have changed places.")


def _share(what: Mask, of: Mask) -> float:
    return int(np.count_nonzero(what & of)) / max(1, int(np.count_nonzero(of)))


def _middle_x(labels: NDArray[np.uint8], own: Lungs | None) -> float:
    """x index of the midline: that of the airways, or halfway between the ends of the mask."""
    if own is not None:
        per_x: NDArray[np.intp] = (own.regions.labels == Region.AIRWAYS).sum(axis=(0, 1))
        if per_x.any():
            return float(np.average(np.arange(per_x.size), weights=per_x))
    columns = np.flatnonzero(labels.any(axis=(0, 1)))
    return float(columns[[0, -1]].mean())


def _sides(labels: NDArray[np.uint8], middle_x: float, grid: Grid) -> NDArray[np.uint8]:
    """`Region` per voxel: each label to the side that it lies on, one that lies on both parted as our own lungs are."""
    x = np.arange(labels.shape[2])
    side_of = np.zeros(256, np.uint8)
    both = np.zeros(256, np.bool_)
    for label in range(1, int(labels.max()) + 1):
        per_x = (labels == label).sum(axis=(0, 1))
        right = float(per_x[x < middle_x].sum()) / max(1, int(per_x.sum()))
        side_of[label] = Region.RIGHT_LUNG if right > 0.5 else Region.LEFT_LUNG
        both[label] = BOTH_SIDES < right < 1 - BOTH_SIDES
    sides = side_of[labels]
    if both.any():
        parted = both[labels]
        sides[parted] = _parted(labels > 0, middle_x, grid)[parted]
    for side, name in ((Region.RIGHT_LUNG, "right"), (Region.LEFT_LUNG, "left")):
        if np.count_nonzero(sides == side) * grid.voxel_ml < SMALLEST_ML:
            raise refused(f"It holds no {name} lung: under {SMALLEST_ML:.0f} ml lie on that side.")
    return sides


def _parted(lung: Mask, middle_x: float, grid: Grid) -> NDArray[np.uint8]:
    """Side of every voxel: that of the nearest coarse one, from the parting of both lungs."""
    blocks = blocks_of(Grid((lung.shape[0], lung.shape[1], lung.shape[2]), grid.spacing_mm))
    coarse_x = (middle_x + 0.5) / blocks.factors[2] - 0.5
    sides = part_lungs(np.ascontiguousarray(blocks.mean(lung) > 0.5), coarse_x, blocks.spacing_mm)
    if sides is None:
        raise refused("It does not hold both lungs.")
    z, y, x = ndimage.distance_transform_edt(
        ~(sides.right | sides.left), sampling=blocks.spacing_mm, return_distances=False, return_indices=True
    )
    nearest = np.where(sides.right, Region.RIGHT_LUNG, Region.LEFT_LUNG).astype(np.uint8)[z, y, x]
    return blocks.repeat(nearest)


def _dice_by_side(ours: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> float:
    """Dice over both lungs; a voxel agrees where its side does."""
    both = total = 0
    for a, b in zip(ours, theirs, strict=True):
        for side in (Region.RIGHT_LUNG, Region.LEFT_LUNG):
            both += int(np.count_nonzero((a == side) & (b == side)))
            total += int(np.count_nonzero(a == side)) + int(np.count_nonzero(b == side))
    return 2.0 * both / max(1, total)
