"""What a stack needs before it is a volume: a small hole filled, a gantry tilt sheared back.

In and out: int16 HU [z, y, x]. Where either of the two values that an interpolation needs was not
measured, the result counts as not measured.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.volume import PADDING_HU

Hu = NDArray[np.int16]


def between(low: Hu, high: Hu, share: float) -> Hu:
    """Linear interpolation: `low` at share 0, `high` at share 1; rounded half to even."""
    mixed = np.rint(low * (1.0 - share) + high * share).astype(np.int16)
    mixed[(low == PADDING_HU) | (high == PADDING_HU)] = PADDING_HU
    return mixed


def fill_run(hu: Hu, first: int, count: int) -> None:
    """Fill `count` absent slices from `first` on, in place, from the slices below and above them."""
    for step in range(count):
        hu[first + step] = between(hu[first - 1], hu[first + count], (step + 1) / (count + 1))


def shear_back(hu: Hu, rows_per_slice: float) -> tuple[Hu, float]:
    """The volume with slice k moved by k x `rows_per_slice` rows along y, linear between rows.

    Rows are added so that nothing is cut off; what was not measured is PADDING_HU. Returns the new
    volume and how many rows its first row lies from the old first row (0 or negative).
    """
    slices, rows, columns = hu.shape
    first_row = min(0.0, (slices - 1) * rows_per_slice)
    added = int(np.ceil(abs((slices - 1) * rows_per_slice)))
    out = np.full((slices, rows + added, columns), PADDING_HU, dtype=np.int16)
    edge = np.full((1, columns), PADDING_HU, dtype=np.int16)
    for k in range(slices):
        moved = k * rows_per_slice - first_row
        whole = int(np.floor(moved + 1e-9))
        share = moved - whole
        if share < 1e-6:
            out[k, whole : whole + rows] = hu[k]
            continue
        line = np.concatenate([edge, hu[k], edge])
        mixed = between(line[1:], line[:-1], share)
        end = min(whole + rows + 1, rows + added)
        out[k, whole:end] = mixed[: end - whole]
    return out, first_row


def runs_to_fill(runs: Sequence[tuple[int, int]], spacing_mm: float, largest_mm: float) -> list[tuple[int, int]]:
    """Of (first absent place, how many), those that are at most so long."""
    return [(first, count) for first, count in runs if count * spacing_mm <= largest_mm + 1e-6]
