"""Gas of bowel and stomach that touches a lung through a thin diaphragm.

In: coarse HU, the air of lungs and gut together, the airways left out. Out: a mask of the gas. Gas is emptier than
lung, and what lies around it is mostly tissue; a bulla is as empty, but lung lies around it. How empty is said by
`Empty`, as lungs that are destroyed or whose values lie too low are as empty as usual gas.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ssc_hrct.measure.shapes import Mask, Spacing, dilate, parts

GAS_HU = -962.0
"""Bowel gas and bullae have a core emptier than this; lung has not, unless destroyed."""
APART_ML = 1.5
APART_HU = -930.0
"""A part of air of its own, as large and as empty, is gas; isolated cysts are smaller (a ball of 14 mm across holds
1.5 ml), pieces of lung denser. Our choice, as are all limits here."""
CORE_HU = -945.0
"""Mean over 5 mm; own normal lung lies over -910 and noise hardly moves a mean."""
CORE_ML = 0.3
"""A core is at least as large as a ball of 8 mm across: noise and bronchi make smaller ones."""
LOW_AIR_HU = -1020.0
"""Where air is emptier than this all values lie low, and by how much is unknown: they are clipped at -1024. Air in the
windpipe, in blocks of 1.5 mm, is at -989, -975, -954 and -969 HU in lidc-0001, lidc-0002, 4dlung-113 and covid-p002,
-995 in made-up chests."""
OVER_AIR_HU = 8.0
"""Gas is no denser than air by more, and lung is. Gas of the gut is 1 to 9 HU emptier than air in the windpipe in
lidc-0001 and 18 in covid-p002; lungs at -870 that lie 120 HU too low are at -990, and air at -1024."""
REACH_MM = 4.0
"""The core ends this far inside the gas, at most: its mean looks 5 mm around."""
SHELL_MM = 3.0
"""Two blocks of the coarse lattice: wider than the wall of a gut."""
TISSUE_SHARE, LOW_TISSUE_SHARE = 0.55, 0.45
"""Of the shell around gas that touches lung on one side; bullae at the chest wall have less. The second number is for
the lowest third of the lungs, where the colon lies under a high dome."""


@dataclass(frozen=True, slots=True)
class Empty:
    """Under which HU there is gas: part_hu, the core of a large part of air; apart_hu, a part beside the lungs;
    core_hu, the mean over 5 mm inside a large part."""

    part_hu: float = GAS_HU
    apart_hu: float = APART_HU
    core_hu: float = CORE_HU


USUAL = Empty()


def as_air(air_hu: float) -> Empty:
    """Gas is what is as empty as air, and nothing else."""
    limit = air_hu + OVER_AIR_HU
    return Empty(limit, limit, limit)


def find_gas(
    hu: NDArray[np.float32], near_hu: NDArray[np.float32], air: Mask, lung: Mask, spacing_mm: Spacing,
    empty: Empty = USUAL,
) -> Mask:
    """hu, near_hu: float32 [z, y, x], as it is and as means over 5 mm; air: where lung or gas may be; lung: the parts
    of the air that hold the lungs.
    """
    voxels_per_ml = 1000.0 / float(np.prod(spacing_mm))
    gas = np.zeros_like(air)
    labels, counts = parts(air & ~lung)
    for index, box in enumerate(ndimage.find_objects(labels.astype(np.int32)), start=1):
        if counts[index] >= APART_ML * voxels_per_ml:
            part = labels[box] == index
            if float(np.median(hu[box][part])) < empty.apart_hu:
                gas[box] |= part
    labels, counts = parts((near_hu < empty.core_hu) & lung)
    heights = np.flatnonzero(lung.any(axis=(1, 2)))
    lowest = heights[0] + (heights[-1] - heights[0]) / 3 if heights.size else 0
    margin = [int((REACH_MM + SHELL_MM) / d) + 2 for d in spacing_mm]
    for index, found in enumerate(ndimage.find_objects(labels.astype(np.int32)), start=1):
        if counts[index] < CORE_ML * voxels_per_ml:
            continue
        z, y, x = (slice(max(0, part.start - more), part.stop + more) for part, more in zip(found, margin, strict=True))
        core = labels[z, y, x] == index
        whole = dilate(core, REACH_MM, spacing_mm) & air[z, y, x]
        shell = dilate(whole, SHELL_MM, spacing_mm) & ~whole
        low = (found[0].start + found[0].stop) / 2 < lowest
        if float(np.mean(~air[z, y, x][shell])) > (LOW_TISSUE_SHARE if low else TISSUE_SHARE):
            gas[z, y, x] |= whole
    return gas
