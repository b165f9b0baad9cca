"""The patient without the table, lungs included, on a rough lattice.

In: HU (block means) and where nothing was measured. Out: a mask of the body with everything inside
it, also where the image's edge cuts through a lung.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.measure.shapes import Mask, Spacing, fill_slices, grow, largest, open_ball, parts

BODY_HU = -400.0
"""About half way from normal lung (-870 HU) to soft tissue."""
TABLE_OPENING_MM = 4.0
"""Our choice: shells of couches are thinner than twice this, chest walls thicker."""
OUTSIDE_HU = -940.0
"""Air around the patient is emptier than this, lung is not."""
CUT_ML = 30.0
"""Our choice: less air at the image's edge is not worth a look (1 percent of small lungs)."""
WITHIN_SHARE = 0.9
"""Our choice: so much of it lies between the first and last row of tissue (docs/decisions.md, 14)."""


def find_body(hu: NDArray[np.float32], unseen: Mask, spacing_mm: Spacing) -> Mask:
    """hu: float32 [z, y, x]; unseen: nothing was measured there. Empty where there is no tissue.

    Tissue over -400 HU, opened so that the table falls away; its largest part, filled slice by
    slice. Air that the image's edge cuts off is lung, not outside, where it is as dense as lung and
    lies within the height and width of the body's tissue.
    """
    tissue = largest(open_ball(hu > BODY_HU, TABLE_OPENING_MM, spacing_mm))
    if not tissue.any():
        return tissue
    body = fill_slices(tissue)
    within = _frame(tissue)
    smallest = CUT_ML / (float(np.prod(spacing_mm)) / 1000.0)
    labels, counts = parts((hu < BODY_HU) & ~body & ~unseen & ~grow(unseen))
    for index in np.flatnonzero(counts >= smallest):
        part = labels == index
        if index == 0 or float(np.median(hu[part])) < OUTSIDE_HU:
            continue
        if (part & within).sum() >= WITHIN_SHARE * counts[index]:
            body |= grow(part) & ~unseen
    return fill_slices(body)


def _frame(tissue: Mask) -> Mask:
    """Between the first and last row of tissue in each slice: a mattress lies below it."""
    rows: NDArray[np.bool_] = np.any(tissue, axis=2)
    first = np.argmax(rows, axis=1)
    last = rows.shape[1] - 1 - np.argmax(rows[:, ::-1], axis=1)
    y = np.arange(rows.shape[1])
    between = np.count_nonzero(rows, axis=1)[:, None].astype(np.bool_) & (y >= first[:, None]) & (y <= last[:, None])
    return np.broadcast_to(between[:, :, None], tissue.shape)
