"""Trachea and bronchi as far as they can be followed without a leak.

In: coarse HU and the body mask. Out: the lumen of trachea, main and lobar bronchi, and that lumen
with its wall. Method: a near-round tube of air near the body's midline in the upper part, grown
with a rising threshold until the volume jumps (as Mori et al., IEEE Trans Med Imaging 2000;19:103).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ssc_hrct.measure.shapes import Mask, Spacing, bounds, dilate, open_ball, parts, reached

LUMEN_HU = -850
"""A tracheal seed is emptier than this at coarse spacing: air, mixed with wall at its rim."""
SEED_MM2 = (60.0, 700.0)
"""Tracheal areas are 194 (SD 35) mm2 in women, 272 (33) in men (doi 10.1097/00004728-198412000-00007); here with room
for a rim that is left out, narrow ones and wide ones."""
MIDLINE_MM = 45.0
"""Anatomy: the trachea runs near the midline; our room for one that is pulled aside, and for a turned patient."""
SEED_LENGTH_MM = 25.0
"""A part of the trachea, which is 116 (women) or 126 mm long (men; J Korean Radiol Soc 1988;24:265)."""
STEPS_HU = range(-960, -864, 12)
"""Our choice: from near air (-1000 HU) to short of LUMEN_HU."""
REACH_MM = 80.0
"""Trachea to lobar bronchi lie within this of the body's midline."""
DEPTH_MM = 70.0
BELOW_MM = 110.0
"""And within these of the trachea's middle, to the front and back, and of its lowest piece that is round, below."""
LEAK_ML = 90.0
"""Our choice: trees that did not leak hold up to 60 ml (`quality.image`)."""
TRUNK_RADIUS_MM = 2.5
"""Lobar bronchi and larger: a ball of this radius fits in their lumen (8 mm across; segmental 6: Weibel 1963)."""
WALL_MM = 2.0
"""Anatomy: the wall of trachea and main bronchi is 1 to 3 mm thick."""


@dataclass(frozen=True, slots=True)
class Airways:
    """lumen, with_wall: bool [z, y, x] on the coarse lattice (empty where no trachea was found)."""

    lumen: Mask
    with_wall: Mask


def find_airways(hu: NDArray[np.float32], body: Mask, middle_x: float, spacing_mm: Spacing) -> Airways:
    """hu: float32 [z, y, x]; body: bool, lungs included; middle_x: x index of the body's midline.

    Never fails: no trachea gives empty masks.
    """
    whole, with_wall = np.zeros_like(body), np.zeros_like(body)
    near = _about(middle_x, REACH_MM, spacing_mm[2], body.shape[2])
    seed = _trachea(hu[:, :, near], body[:, :, near], spacing_mm)
    if seed is None:
        return Airways(whole, with_wall)
    trunk = bounds(seed)
    y = _about((trunk[1].start + trunk[1].stop) / 2, DEPTH_MM, spacing_mm[1], body.shape[1])
    z = slice(max(0, trunk[0].start - int(BELOW_MM / spacing_mm[0])), body.shape[0])
    lumen = _grown(hu[z, y, near], body[z, y, near], seed[z, y], spacing_mm)
    whole[z, y, near] = lumen
    tight = bounds(lumen, [int(WALL_MM / d) + 1 for d in spacing_mm])
    with_wall[z, y, near][tight] = dilate(lumen[tight], WALL_MM, spacing_mm)
    return Airways(whole, with_wall)


def _about(middle: float, reach_mm: float, spacing_mm: float, size: int) -> slice:
    reach = reach_mm / spacing_mm
    return slice(max(0, int(middle - reach)), min(size, max(1, int(middle + reach) + 1)))


def _grown(hu: NDArray[np.float32], body: Mask, seed: Mask, spacing_mm: Spacing) -> Mask:
    """Lumen of the large airways that the seed, a piece of the trachea, opens into."""
    voxel_ml = float(np.prod(spacing_mm)) / 1000.0
    tree = seed
    for threshold in STEPS_HU:
        air = reached((hu < threshold) & body, seed)
        before, now = int(tree.sum()), int(air.sum())
        if now * voxel_ml > LEAK_ML or (now > 1.5 * before and now * voxel_ml > 40.0):
            break
        tree = tree | air
    tight = bounds(tree, [2, 2, 2])
    trunk = np.zeros_like(tree)
    trunk[tight] = reached((open_ball(tree[tight], TRUNK_RADIUS_MM, spacing_mm) & body[tight]), seed[tight])
    return trunk


def _trachea(hu: NDArray[np.float32], body: Mask, spacing_mm: Spacing) -> Mask | None:
    """Voxels of the tube that looks most like the trachea, or None."""
    dz, dy, dx = spacing_mm
    tubes = np.zeros_like(body)
    middle = (hu.shape[2] - 1) / 2
    for k in range(hu.shape[0]):
        labels, count = ndimage.label((hu[k] < LUMEN_HU) & body[k])
        if not count:
            continue
        for index, box in enumerate(ndimage.find_objects(labels), start=1):
            high, wide = (box[0].stop - box[0].start) * dy, (box[1].stop - box[1].start) * dx
            if max(high, wide) > 40 or abs((box[1].start + box[1].stop - 1) / 2 - middle) * dx > MIDLINE_MM:
                continue
            part = labels[box] == index
            area = float(part.sum()) * dy * dx
            if SEED_MM2[0] <= area <= SEED_MM2[1] and area >= 0.5 * high * wide:
                tubes[k][box] |= part
    labels3, counts = parts(tubes)
    best, best_worth = None, 0.0
    for index, found in enumerate(ndimage.find_objects(labels3.astype(np.int32)), start=1):
        length = (found[0].stop - found[0].start) * dz
        height = (found[0].start + found[0].stop) / 2 / hu.shape[0]
        area = float(counts[index]) * dy * dx * dz / length
        worth = length * (0.5 + height) * min(1.0, area / 120.0)
        if length >= SEED_LENGTH_MM and worth > best_worth:
            best, best_worth = index, worth
    return None if best is None else np.asarray(labels3 == best)
