"""How much of the lungs lies beyond the first or last slice, or at the edge of the field of view."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.lungs import both_lungs
from ssc_hrct.core.volume import PADDING_HU, Volume

Plane = NDArray[np.bool_]


def cut_off_percents(area: NDArray[np.int64]) -> tuple[float, float]:
    """Part of the lungs estimated beyond the first and last slice together, and beyond that of the two with less (0
    where one end alone is cut): the area runs on as it tapered.

    area: voxels of lung in each slice of the volume.
    """
    profile_up = area.astype(np.float64)
    missing = [0.0, 0.0]
    for end, profile in enumerate((profile_up, profile_up[::-1])):
        if not profile[0]:
            continue
        reach = min(max(2, len(profile) // 20), len(profile) - 1)
        slope = max((profile[reach] - profile[0]) / max(reach, 1), profile[0] / len(profile))
        missing[end] = float(profile[0] ** 2 / (2 * max(slope, 1.0)))
    whole = float(area.sum()) + sum(missing)
    return 100.0 * sum(missing) / whole, 100.0 * min(missing) / whole


def view_percent(volume: Volume, regions: NDArray[np.uint8], box: tuple[slice, slice, slice]) -> float:
    """Part of the lungs' outline (in axial slices) that lies at the edge of the field of view."""
    y, x = (slice(max(0, s.start - 2), min(n, s.stop + 2)) for s, n in zip(box[1:], regions.shape[1:], strict=True))
    slices = range(box[0].start, box[0].stop, 2)
    at_edge = 0
    for z in slices:
        unseen = _frame(volume.hu[z] == PADDING_HU, y, x)
        if unseen.any():
            at_edge += int(np.count_nonzero(_is_lung(regions[z, y, x]) & _grown(_grown(unseen))[1:-1, 1:-1]))
    if not at_edge:
        return 0.0
    outline = 0
    for z in slices:
        lung = _is_lung(regions[z, y, x])
        outline += int(np.count_nonzero(lung & _grown(~lung)))
    return 100.0 * min(1.0, at_edge / (2 * max(outline, 1)))


def _is_lung(regions: NDArray[np.uint8]) -> Plane:
    lung: Plane = both_lungs(regions)
    return lung


def _frame(unseen: Plane, y: slice, x: slice) -> Plane:
    """The part of a slice with one pixel around it; outside the image nothing was seen."""
    out = np.ones((y.stop - y.start + 2, x.stop - x.start + 2), np.bool_)
    rows, columns = (slice(max(0, s.start - 1), min(n, s.stop + 1)) for s, n in zip((y, x), unseen.shape, strict=True))
    inside = (
        slice(rows.start - y.start + 1, rows.stop - y.start + 1),
        slice(columns.start - x.start + 1, columns.stop - x.start + 1),
    )
    out[inside] = unseen[rows, columns]
    return out


def _grown(plane: Plane) -> Plane:
    """The plane and its four neighbours; beyond the array is nothing."""
    out = plane.copy()
    out[1:] |= plane[:-1]
    out[:-1] |= plane[1:]
    out[:, 1:] |= plane[:, :-1]
    out[:, :-1] |= plane[:, 1:]
    return out
