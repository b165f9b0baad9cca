"""Larger vessels: those of 2 mm and more inside the lungs, and the hilar ones beside them; found when asked for.

In: a volume and its lungs. Out: bool [z, y, x] on the volume's grid. For pictures and exports: nothing that is scored
leaves vessels out (they belong to the lung, and count as the pattern around them).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Lungs, Region, both_lungs
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.volume import LOWEST_HU, Volume, read_only
from ssc_hrct.measure.coarse import SLAB, WORK_MM, Blocks, ball_mean, blocks_of
from ssc_hrct.measure.shapes import Mask, Spacing, bounds, close_roughly, dilate, grow, parts
from ssc_hrct.measure.threads import in_slabs
from ssc_hrct.measure.zones import medial

BRIGHT_HU = -500.0
"""A block of 1.5 mm over this is half filled: a vessel of about 2 mm across."""
CROWD_MM, CROWD_SHARE = 6.0, 0.35
"""Vessels fill less of their surroundings; nets, consolidation and a wide hilum more."""
CENTRAL_MM = 25.0
NOTCH_MM = 12.0
BLOOD_HU = (-50.0, 400.0)
SMALLEST_ML = 0.3
MARGIN_MM = 8.0


def find_vessels(volume: Volume, lungs: Lungs, *, progress: Progress = SILENT) -> NDArray[np.bool_]:
    """Bright lines that hang together with the hilum; read-only. Empty where no large airways were found."""
    progress.step("finding the vessels", 0, 2)
    regions = lungs.regions.labels
    vessels = np.zeros(regions.shape, np.bool_)
    if not (regions == Region.AIRWAYS).any():
        return read_only(vessels)
    whole = blocks_of(volume.grid, WORK_MM)
    z, y, x = (slice(f // 2, f // 2 + (n - 1) * f + 1, f) for f, n in zip(whole.factors, whole.shape, strict=True))
    labels = regions[z, y, x]
    lung = both_lungs(labels)
    tight = bounds(lung, [int(MARGIN_MM / d) for d in whole.spacing_mm])
    box = tuple(slice(part.start * f, part.stop * f) for part, f in zip(tight, whole.factors, strict=True))
    part = volume.hu[box]
    depth, height, width = part.shape
    blocks = Blocks(Grid((depth, height, width), volume.grid.spacing_mm), whole.factors)
    inner = labels[tight]
    sides = (inner == Region.RIGHT_LUNG, inner == Region.LEFT_LUNG)
    found = _coarse(blocks.mean(part, at_least=LOWEST_HU), sides, inner == Region.AIRWAYS, blocks)
    progress.step("finding the vessels", 1, 2)
    near, out = grow(found), vessels[box]

    def write(start: int, stop: int) -> None:
        out[start:stop] = blocks.repeat(near, start, stop) & (part[start:stop] > BRIGHT_HU)
        out[start:stop] &= regions[box][start:stop] != Region.AIRWAYS

    in_slabs(write, depth, SLAB)
    return read_only(vessels)


def _coarse(hu: NDArray[np.float32], sides: tuple[Mask, Mask], airways: Mask, blocks: Blocks) -> Mask:
    lung, central = sides[0] | sides[1], np.zeros_like(airways)
    if not airways.any():
        return central
    spacing = blocks.spacing_mm
    near = bounds(airways, [int(CENTRAL_MM / d) + 1 for d in spacing])
    central[near] = dilate(airways[near], CENTRAL_MM, spacing)
    bright = lung & (hu > BRIGHT_HU)
    depth, height, width = hu.shape
    rough = blocks_of(Grid((depth, height, width), spacing), 2 * WORK_MM)
    share = ball_mean(rough.mean(bright), CROWD_MM, rough.spacing_mm) / np.maximum(
        ball_mean(rough.mean(lung), CROWD_MM, rough.spacing_mm), 0.05
    )
    lines = bright & (~rough.repeat(share > CROWD_SHARE) | central)
    beside = _notches(sides, spacing) & central & ~airways & (hu > BLOOD_HU[0]) & (hu < BLOOD_HU[1])
    labels, counts = parts(lines | beside, 26)
    held = np.zeros(counts.size, np.bool_)
    held[labels[(lines | beside) & central]] = True
    held &= counts >= SMALLEST_ML / blocks.voxel_ml
    held[0] = False
    return np.asarray(held[labels])


def _notches(sides: tuple[Mask, Mask], spacing_mm: Spacing) -> Mask:
    """What the hilum cuts into each lung; the mediastinum beyond all of the lung in its row left away."""
    out = np.zeros_like(sides[0])
    for side, is_right in zip(sides, (True, False), strict=True):
        out |= close_roughly(side, NOTCH_MM, spacing_mm) & ~side & ~medial(side, is_right)
    return out & ~(sides[0] | sides[1])
