"""Both lungs of a volume: everything inside the visceral pleura, disease included.

In: a `Volume`. Out: `Lungs` on the volume's grid. Classical steps on a coarse lattice (body, air,
airways, right and left, closing over disease), then the border at full resolution.
Does not judge: checks on the mask are measured by `calibrate` and `mask_facts`, and judged in `quality`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.filters import threshold_otsu

from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import REGION_NAMES, Lungs, Region
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.volume import LOWEST_HU, PADDING_HU, LabelMap, Volume
from ssc_hrct.measure.airways import Airways, find_airways
from ssc_hrct.measure.body import find_body
from ssc_hrct.measure.calibrate import air_around_hu
from ssc_hrct.measure.coarse import SLAB, WORK_MM, Blocks, ball_mean, blocks_of, coarse_hu
from ssc_hrct.measure.gas import LOW_AIR_HU, USUAL, Empty, as_air, find_gas
from ssc_hrct.measure.parting import Sides, part_lungs
from ssc_hrct.measure.shapes import (
    Mask,
    bounds,
    close_ball,
    close_roughly,
    dilate,
    fill_holes,
    grow,
    open_ball,
    parts,
    shrink,
    without_small,
)
from ssc_hrct.measure.threads import in_slabs, side_by_side
from ssc_hrct.measure.zones import BESIDE, chest_wall_depth_mm, medial, thirds, write_rings

AIR_HU = (-550.0, -350.0)
"""Otsu's threshold between air and tissue is kept within these."""
LUNG_ML = 150.0
"""A part of air that may be a lung, or a large piece of one."""
EMPTY_LUNG_ML = 500.0
"""Where lungs are nearly as empty as air, a part that may be one holds more: stomach and colon seldom do."""
USUAL_AIR_HU = -1000.0
VESSEL_CLOSING_MM = 4.0
COSTAL_CLOSING_MM = 12.0
COSTAL_AIR_HU = -120.0
"""What the wide closing adds at the chest wall holds air at 5 mm scale, else it is wall."""
BITE_MM = 32.0
BITE_OPENING_MM = 3.0
FAT_HU = -30.0
BONE_HU = 200.0
"""Solid tissue that bites into a lung from the chest wall belongs to it; what is thin, fat or bone does not."""
HILUM_MM = 15.0
SMALLEST_PART_ML = 1.0
NEAR_MM = 5.0
NORMAL_PERCENTILE = 25.0
ILL_HU, ILL_TIMES = (-740.0, -590.0), (1.9, 3.0)
"""Lung is ill where within 5 mm it holds so many times the tissue of the emptiest quarter of the lungs, and is at least
so dense; from the first number on the border begins to move, at the second it has. Chosen on made-up chests (seeds from
6100) and the clear scans: nets and cysts lost 3 to 5 percent instead of 9 to 12, clear lungs grew by 0.1 and 0.3
percent; by density alone the lungs of a shallow breath grew by 9 percent, by share of dense blocks haze was lost.
"""
ILL_BORDER_HU = -100.0
"""The border of ill lung: half way between nets or walls of cysts and muscle, and not above fat. At -50 a point more
was kept, and a third more of what lies beside the lungs was taken in."""
SOLID_HU, SOLID_BORDER_HU = -300.0, 100.0
"""Where lung at the chest wall is solid, its border is that of what was closed and a block more, unless bone."""
NEVER_HU, ALWAYS_HU = -32768, 32767
MARGIN_MM = 18.0
TOP_MARGIN_MM = 45.0
"""Room kept around the lungs; above them the trachea is followed."""


@dataclass(frozen=True, slots=True)
class _Chest:
    """The part of the volume that holds the lungs, and its coarse lattice.

    box: slices of the full array; hu: that part (no copy); blocks: coarse lattice of the part;
    coarse: block means; body: the patient without the table; middle_x: the body's
    midline as an index of `coarse`; threshold: HU between air and tissue.
    """

    box: tuple[slice, slice, slice]
    hu: NDArray[np.int16]
    blocks: Blocks
    coarse: NDArray[np.float32]
    body: Mask
    middle_x: float
    threshold: float


def find_lungs(volume: Volume, *, progress: Progress = SILENT) -> Lungs:
    """Lungs, airways, zones and rings. Raises HrctError(NO_LUNGS) where two lungs cannot be found."""
    progress.step("finding the lungs", 0, 4)
    chest = _find_chest(volume)
    blocks = chest.blocks
    airways = find_airways(chest.coarse, chest.body, chest.middle_x, blocks.spacing_mm)
    progress.step("finding the lungs", 1, 4)
    air = (chest.coarse < chest.threshold) & chest.body & ~airways.with_wall
    middle_x, air_hu = _middle_x(airways.lumen, chest.middle_x), _air_hu(chest, airways, volume)
    low = air_hu <= LOW_AIR_HU
    near_hu = ball_mean(np.clip(chest.coarse, LOWEST_HU if low else USUAL_AIR_HU, 100), 5.0, blocks.spacing_mm)
    sides, gas = None, air
    if not low:
        sides, gas = _two_sides(air, chest.coarse, near_hu, middle_x, blocks, USUAL, LUNG_ML)
    if sides is None:  # all values lie low, or lung is destroyed
        least_ml = LUNG_ML if low else EMPTY_LUNG_ML
        sides, gas = _two_sides(air, chest.coarse, near_hu, middle_x, blocks, as_air(air_hu), least_ml)
    if sides is None:
        raise _no_lungs()
    progress.step("finding the lungs", 2, 4)
    never = airways.with_wall | grow(gas) if gas.any() else airways.with_wall
    central = dilate(airways.lumen, HILUM_MM, blocks.spacing_mm)
    right, left = side_by_side(
        lambda: _closed(sides.right, sides.left | never, True, chest.coarse, near_hu, central, blocks),
        lambda: _closed(sides.left, sides.right | never, False, chest.coarse, near_hu, central, blocks),
        meanwhile=lambda: progress.step("finding the lungs", 2, 4),
    )
    left &= ~right
    progress.step("finding the lungs", 3, 4)
    regions = np.zeros(volume.grid.shape, np.uint8)
    _write_regions(regions[chest.box], chest, right, left, airways, central)
    rings, zones = np.zeros(volume.grid.shape, np.uint8), np.zeros(volume.grid.shape, np.uint8)
    depth = chest_wall_depth_mm(right, left, blocks.spacing_mm)
    tight = bounds(right | left, [BESIDE] * 3)
    place, inner = _within(chest, tight)
    write_rings(rings[place], regions[place], depth[tight], inner)
    zones[place] = thirds(regions[place])
    return Lungs(LabelMap(regions, volume.grid, REGION_NAMES), zones, rings)


def _within(chest: _Chest, part: tuple[slice, slice, slice]) -> tuple[tuple[slice, slice, slice], Blocks]:
    """Where a box of the coarse lattice lies in the full array, and the lattice of that box alone."""
    place = []
    for outer, here, f, n in zip(chest.box, part, chest.blocks.factors, chest.blocks.shape, strict=True):
        place.append(slice(outer.start + here.start * f, outer.stop if here.stop == n else outer.start + here.stop * f))
    z, y, x = place
    shape = (z.stop - z.start, y.stop - y.start, x.stop - x.start)
    return (z, y, x), Blocks(Grid(shape, chest.blocks.full.spacing_mm), chest.blocks.factors)


def _no_lungs() -> HrctError:
    return HrctError(
        "NO_LUNGS", "Two lungs could not be found.", "Check that this is a chest CT that holds both lungs."
    )


def _find_chest(volume: Volume) -> _Chest:
    """Body and lungs roughly, on a lattice twice as coarse; all later work stays in their box."""
    whole = blocks_of(volume.grid)
    fine = coarse_hu(volume, whole)
    rough = blocks_of(Grid(whole.shape, whole.spacing_mm), 2 * WORK_MM)
    hu = rough.mean(fine)
    steps = [f * r for f, r in zip(whole.factors, rough.factors, strict=True)]
    z, y, x = (slice(s // 2, None, s) for s in steps)
    unseen = volume.hu[z, y, x][tuple(slice(n) for n in rough.shape)] == PADDING_HU
    body = find_body(hu, unseen, rough.spacing_mm)
    threshold = _air_threshold(hu, body)
    labels, counts = parts((hu < threshold) & body)
    big = counts * rough.voxel_ml >= LUNG_ML
    big[0] = False
    if not big.any():
        raise _no_lungs()
    inner, outer = [], []
    for axis, part in enumerate(bounds(big[labels])):
        r, f, d, n = rough.factors[axis], whole.factors[axis], whole.spacing_mm[axis], whole.shape[axis]
        below, above = (MARGIN_MM, TOP_MARGIN_MM) if axis == 0 else (MARGIN_MM, MARGIN_MM)
        start, stop = max(0, part.start * r - round(below / d)), min(n, part.stop * r + round(above / d))
        inner.append(slice(start, stop))
        outer.append(slice(start * f, volume.grid.shape[axis] if stop == n else stop * f))
    z, y, x = outer
    part_hu = volume.hu[z, y, x]
    depth, height, width = part_hu.shape
    blocks = Blocks(Grid((depth, height, width), volume.grid.spacing_mm), whole.factors)
    columns = np.flatnonzero(body.any(axis=(0, 1)))
    middle = (columns[0] + columns[-1] + 1) / 2 * rough.factors[2] - inner[2].start - 0.5
    inner_body = rough.repeat(body)[tuple(inner)]
    return _Chest((z, y, x), part_hu, blocks, fine[tuple(inner)], inner_body, float(middle), threshold)


def _air_threshold(hu: NDArray[np.float32], body: Mask) -> float:
    inside = hu[body]
    inside = inside[(inside > -1000) & (inside < 100)]
    if inside.size < 1000:
        raise _no_lungs()
    low, high = AIR_HU
    return float(np.clip(threshold_otsu(inside), low, high))


def _air_hu(chest: _Chest, airways: Airways, volume: Volume) -> float:
    """Air in the windpipe, else in front of the patient, else as it should be."""
    inner = chest.coarse[shrink(airways.lumen)]
    if inner.size:
        return float(np.median(inner))
    around = air_around_hu(volume, chest.box)
    return USUAL_AIR_HU if around is None else around


def _two_sides(
    air: Mask, hu: NDArray[np.float32], near_hu: NDArray[np.float32], middle_x: float, blocks: Blocks, empty: Empty,
    least_ml: float,
) -> tuple[Sides | None, Mask]:
    """The air of both lungs (None where there are not two), and the gas that was left out."""
    lung = _lung_air(air, hu, blocks, empty, least_ml)
    gas = find_gas(hu, near_hu, air, lung, blocks.spacing_mm, empty)
    if (gas & lung).any():
        lung = _lung_air(air & ~gas, hu, blocks, empty, least_ml)
    return part_lungs(lung, middle_x, blocks.spacing_mm), gas


def _lung_air(air: Mask, hu: NDArray[np.float32], blocks: Blocks, empty: Empty, least_ml: float) -> Mask:
    """Large parts of air that are lung and not gas."""
    labels, counts = parts(air)
    keep = np.zeros(counts.size, np.bool_)
    for index in np.flatnonzero(counts * blocks.voxel_ml >= least_ml):
        if index == 0:
            continue
        part = labels == index
        inner = hu[shrink(shrink(shrink(part)))]
        keep[index] = inner.size > 0 and float(np.median(inner)) > empty.part_hu
    return np.asarray(keep[labels])


def _closed(
    side: Mask, never: Mask, is_right: bool, hu: NDArray[np.float32], near_hu: NDArray[np.float32], central: Mask,
    blocks: Blocks,
) -> Mask:
    """One lung with vessels, fissures and subpleural disease inside it.

    never: the other lung, airways and gas; near_hu: means over 5 mm; central: about the large airways, where solid
    tissue is the hilum's.
    """
    box = bounds(side, [int(np.ceil((COSTAL_CLOSING_MM + 4) / d)) for d in blocks.spacing_mm])
    lung, spacing, barred = side[box], blocks.spacing_mm, never[box]
    narrow = fill_holes(close_ball(lung, VESSEL_CLOSING_MM, spacing)) & ~barred
    costal = ~(narrow | barred | medial(narrow, is_right))
    airy = close_roughly(narrow, COSTAL_CLOSING_MM, spacing) & costal & (near_hu[box] < COSTAL_AIR_HU)
    bitten = close_roughly(narrow, BITE_MM, spacing) & costal & ~central[box]
    bitten &= (hu[box] > FAT_HU) & (hu[box] < BONE_HU)
    solid = grow(open_ball(bitten, BITE_OPENING_MM, spacing)) & costal
    closed = np.zeros_like(side)
    joined = narrow | airy | solid
    if solid.any():
        joined |= close_ball(joined, VESSEL_CLOSING_MM, spacing) & costal
    joined = fill_holes(joined) & ~barred
    closed[box] = without_small(joined, max(1, int(SMALLEST_PART_ML / blocks.voxel_ml)))
    return closed


def _middle_x(lumen: Mask, otherwise: float) -> float:
    """x index of the midline: that of the airways where they were found."""
    return float(np.average(np.arange(lumen.shape[2]), weights=lumen.sum(axis=(0, 1)))) if lumen.any() else otherwise


def _near_hu(side: Mask, chest: _Chest) -> NDArray[np.float32]:
    """Mean HU of the lung within NEAR_MM, on the coarse lattice; what lies outside the lungs does not count."""
    depth, height, width = side.shape
    rough = blocks_of(Grid((depth, height, width), chest.blocks.spacing_mm), 2 * WORK_MM)
    weight = ball_mean(rough.mean(side), NEAR_MM, rough.spacing_mm)
    total = ball_mean(rough.mean(np.where(side, chest.coarse, 0)), NEAR_MM, rough.spacing_mm)
    return np.asarray(rough.repeat(total / np.maximum(weight, np.float32(0.05))), np.float32)


def _border_hu(right: Mask, left: Mask, central: Mask, chest: _Chest) -> NDArray[np.int16]:
    """Below which HU a voxel belongs to the lungs, on the coarse lattice: any well inside, none well outside, and at
    the border the threshold of air, raised where the lung is ill.

    right, left: as closed. In ill lung all of it counts, and up to two blocks outside of it are asked.
    """
    side = right | left
    near = _near_hu(side, chest)
    first, last = _ill_hu(side, chest)
    ill = np.interp(near, (first, last), (0.0, 1.0)).astype(np.float32)
    ill[central] = 0.0
    limit = chest.threshold + ill * np.float32(ILL_BORDER_HU - chest.threshold)
    sick, once = ill > 0.5, grow(side)
    asked = once | grow(once & sick & (chest.coarse < limit)) & sick
    costal = grow(right) & ~medial(right, True) | grow(left) & ~medial(left, False)
    limit[costal & sick & (near > SOLID_HU)] = SOLID_BORDER_HU
    border = np.where(asked, limit, NEVER_HU).astype(np.int16)
    border[shrink(side) | side & sick] = ALWAYS_HU
    return border


def _ill_hu(side: Mask, chest: _Chest) -> tuple[float, float]:
    """Between these the lung passes from sure to be well to sure to be ill."""
    tissue = float(np.percentile(chest.coarse[side], NORMAL_PERCENTILE)) + 1000.0
    low, high = (at + max(0.0, times * tissue - 1000.0 - at) for at, times in zip(ILL_HU, ILL_TIMES, strict=True))
    return low, max(high, low + 50.0)


def _write_regions(
    regions: NDArray[np.uint8], chest: _Chest, right: Mask, left: Mask, airways: Airways, central: Mask
) -> None:
    """Region per voxel: the coarse inside as it is, the border where full-resolution HU crosses."""
    blocks = chest.blocks
    border = _border_hu(right, left, central, chest)
    code = np.zeros(blocks.shape, np.uint8)
    code[right], code[left] = Region.RIGHT_LUNG, Region.LEFT_LUNG
    for _ in range(2):
        for side in (Region.RIGHT_LUNG, Region.LEFT_LUNG):
            code[grow(code == side) & (code == 0) & (border > NEVER_HU)] = side
    code[airways.with_wall], border[airways.with_wall] = Region.AIRWAYS, ALWAYS_HU

    def write(start: int, stop: int) -> None:
        hu = chest.hu[start:stop]
        inside = (hu < blocks.repeat(border, start, stop)) & (hu != PADDING_HU)
        np.multiply(blocks.repeat(code, start, stop), inside, out=regions[start:stop])

    in_slabs(write, regions.shape[0], SLAB)
