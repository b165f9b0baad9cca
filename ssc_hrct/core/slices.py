"""Which slice to look at first: where a zone holds the most of the patterns asked for."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.lungs import Zone
from ssc_hrct.core.patterns import Pattern


def worst_slice(
    patterns: NDArray[np.uint8], zones: NDArray[np.uint8], zone: Zone, of: Iterable[Pattern]
) -> int | None:
    """Index z of the slice in which `zone` holds the most voxels of the patterns `of`.

    patterns, zones: uint8 [z, y, x] of `Pattern` and `Zone`. Ties go to the slice nearest to the
    feet. A zone without any of them: the slice where the zone itself is largest. None where the
    zone is empty.
    """
    inside = zones == zone
    size = inside.sum(axis=(1, 2), dtype=np.int64)
    if not size.any():
        return None
    held = np.zeros(len(size), dtype=np.int64)
    for z in np.flatnonzero(size):
        held[z] = np.isin(patterns[z][inside[z]], tuple(int(p) for p in of)).sum()
    return int(np.argmax(held if held.any() else size))
