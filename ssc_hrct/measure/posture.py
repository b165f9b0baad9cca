"""On which side of the patient the couch lies, as the image shows it.

In: a volume and the box of its lungs. Out: behind, in front, or not to be seen. A couch is a thin dense sheet, flat
or curved, beyond the skin and some air or foam, in the same place in most slices.

The limits stand in a wide gap. lidc-0001, lidc-0002, 4dlung-113, each as it is and acquired again with noise, softer,
thicker and mirrored, and six made-up chests have a sheet behind in every column and none before; with the couch
painted over, two of the scans and the chests have one in at most 6 percent, 4dlung-113 (other things lie there) in 44.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.volume import PADDING_HU, Volume

SLICES = 24
HALF_WIDTH_MM = 70.0
"""Columns this near the lungs' middle are looked at; arms lie further out."""
STEP_MM = 3.0
DENSE_HU = -700
"""Skin, clothes pressed by the body and the couch's sheet are denser, foam and air are not."""
GAP_MM = 2.0
REACH_MM = 150.0
SHEET_MM = 20.0
"""A sheet is thinner; a folded arm is not."""
SEEN_SHARE = 0.6
STRAY_SHARE = 0.2
LEAST_COLUMNS = 12


def table_behind(volume: Volume, lungs: tuple[slice, slice, slice]) -> bool | None:
    """True: the couch lies behind the patient; False: in front; None: it is not seen, or on both sides."""
    z, y, x = lungs
    dx = volume.grid.spacing_mm[2]
    middle, reach = (x.start + x.stop) // 2, round(HALF_WIDTH_MM / dx)
    columns = np.arange(max(0, middle - reach), min(volume.hu.shape[2], middle + reach), max(1, round(STEP_MM / dx)))
    slices = np.unique(np.linspace(z.start, z.stop - 1, SLICES).astype(np.intp))
    behind = _share(np.median(volume.hu[slices, y.stop :][:, :, columns], axis=0), volume.grid.spacing_mm[1])
    before = _share(np.median(volume.hu[slices, : y.start][:, ::-1, columns], axis=0), volume.grid.spacing_mm[1])
    if behind >= SEEN_SHARE and before <= STRAY_SHARE:
        return True
    if before >= SEEN_SHARE and behind <= STRAY_SHARE:
        return False
    return None


def _share(outward: NDArray[np.float64], pixel_mm: float) -> float:
    """Part of the columns that meet a sheet. outward: HU [steps away from the lungs, columns]."""
    if not len(outward):
        return 0.0
    met = seen = 0
    gap, most = max(1, round(GAP_MM / pixel_mm)), max(2, round(SHEET_MM / pixel_mm))
    for line in outward.T:
        unseen = np.flatnonzero(line <= PADDING_HU)
        ends = int(unseen[0]) if len(unseen) else len(line)
        skin = int(np.argmax(line < DENSE_HU))
        if not ends or line[skin] >= DENSE_HU or skin >= ends:
            continue
        seen += 1
        beyond = line[skin + gap : min(ends, skin + gap + round(REACH_MM / pixel_mm))] > DENSE_HU
        edges = np.diff(np.concatenate([[0], beyond.astype(np.int8), [0]]))
        starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        met += bool(len(starts)) and int(stops[0] - starts[0]) <= most
    return met / seen if seen >= LEAST_COLUMNS else 0.0
