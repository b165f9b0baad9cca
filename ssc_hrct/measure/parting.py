"""Right from left: parts touching lungs and names the sides by place.

In: the air of both lungs on the coarse lattice. Out: one mask per side. x grows from the patient's
right to left, so the right lung has the smaller x.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import watershed

from ssc_hrct.core.grid import Grid
from ssc_hrct.measure.coarse import WORK_MM, blocks_of
from ssc_hrct.measure.shapes import Mask, Spacing, bounds, close_ball, distance_mm, grow, parts

BESIDE_MM = 35.0
"""Lung further than this from the midline belongs to its side without question; lungs that touch meet nearer to
it. Our choice, as are the others here."""
BOTH_SHARE = 0.04
"""A part that has this share of its voxels beside the midline on both sides holds both lungs."""
SMALLEST_ML = 100.0
"""A lung of less was not found, or is not there: adults' lungs at full breath hold 1000 ml and more each."""
CLOSING_MM = 3.0
"""Fills vessels of up to twice this across, so that depth is that of the lung, not the way to the next vessel."""


@dataclass(frozen=True, slots=True)
class Sides:
    """right, left: together all of the air given."""

    right: Mask
    left: Mask


def part_lungs(air: Mask, middle_x: float, spacing_mm: Spacing) -> Sides | None:
    """Both sides, or None where one of them holds under 100 ml.

    middle_x: x index of the midline (trachea or body). Parts on one side of the midline go there;
    a part on both sides is cut by a watershed on the depth of the vessel-filled lung, from markers
    on either side.
    """
    x = np.arange(air.shape[2])
    beside = [(middle_x - x) * spacing_mm[2] > BESIDE_MM, (x - middle_x) * spacing_mm[2] > BESIDE_MM]
    labels, counts = parts(air)
    right, left = np.zeros_like(air), np.zeros_like(air)
    for index in np.flatnonzero(counts):
        if index == 0:
            continue
        part = labels == index
        per_x = part.sum(axis=(0, 1))
        shares = [float(per_x[side].sum()) / counts[index] for side in beside]
        if min(shares) >= BOTH_SHARE:
            own_right = _cut(part, beside, spacing_mm)
            right |= own_right
            left |= part & ~own_right
        elif float(np.average(x, weights=per_x)) < middle_x:
            right |= part
        else:
            left |= part
    voxel_ml = float(np.prod(spacing_mm)) / 1000.0
    if min(int(right.sum()), int(left.sum())) * voxel_ml < SMALLEST_ML:
        return None
    return Sides(right, left)


def _cut(part: Mask, beside: list[np.ndarray], spacing_mm: Spacing) -> Mask:
    """The right side of a part that holds both lungs."""
    first = int(np.flatnonzero(beside[0])[-1]) if beside[0].any() else 0
    last = int(np.flatnonzero(beside[1])[0]) if beside[1].any() else part.shape[2] - 1
    margin = int(25.0 / spacing_mm[2])
    low, high = max(0, first - margin), min(part.shape[2], last + 1 + margin)
    box = bounds(part[:, :, low:high], [2, 2, 0])
    middle = np.ascontiguousarray(part[box[0], box[1], low:high])
    markers = np.zeros(middle.shape, np.int8)
    markers[:, :, : first + 1 - low][middle[:, :, : first + 1 - low]] = 1
    markers[:, :, last - low :][middle[:, :, last - low :]] = 2
    flooded = _flooded(middle, markers, spacing_mm)
    right = part.copy()
    right[:, :, high:] = False
    right[:, :, low:high] = False
    right[box[0], box[1], low:high] = flooded == 1
    return right


def _flooded(middle: Mask, markers: NDArray[np.int8], spacing_mm: Spacing) -> NDArray[np.int8]:
    """Which marker each voxel of `middle` belongs to: on a lattice twice as coarse, then again where sides meet."""
    depth, height, width = middle.shape
    blocks = blocks_of(Grid((depth, height, width), spacing_mm), 2 * WORK_MM)
    rough = blocks.mean(middle) > 0.5
    deep = distance_mm(close_ball(rough, CLOSING_MM, blocks.spacing_mm), blocks.spacing_mm)
    first = [(blocks.mean(markers == side) > 0.5) & rough for side in (1, 2)]
    names = watershed(-deep, first[0] + np.int8(2) * first[1], mask=rough).astype(np.int8)
    for side, other in ((1, 2), (2, 1)):
        alone = (names == side) & ~ndimage.binary_dilation(names == other, np.ones((3, 3, 3), np.bool_))
        markers[blocks.repeat(alone) & middle & (markers == 0)] = side
    undecided = grow(middle & (markers == 0)) & middle
    again = watershed(-blocks.repeat(deep), markers, mask=undecided)
    return np.asarray(np.maximum(markers, again), np.int8)
