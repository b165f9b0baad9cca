"""Counts on the final maps: everything that is exported comes from here."""

from __future__ import annotations

import numpy as np

from ssc_hrct.core.extents import Extents
from ssc_hrct.core.lungs import Lungs, Ring, Zone
from ssc_hrct.core.patterns import Pattern, Patterns
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.volume import LOWEST_HU, Volume


def extents(
    volume: Volume,
    lungs: Lungs,
    patterns: Patterns,
    ild_patterns: tuple[Pattern, ...],
    *,
    progress: Progress = SILENT,
) -> Extents:
    """Voxels by zone, ring and pattern, and per slice. All maps lie on the volume's grid."""
    if not (volume.grid == lungs.grid == patterns.labels.grid):
        raise ValueError("volume, lungs and patterns must share one grid")
    shape = (len(Zone) + 1, len(Ring) + 1, len(Pattern))
    total = np.zeros(shape, np.int64)
    slices: list[tuple[int, ...]] = []
    hu_sum = 0
    for z in range(volume.grid.shape[0]):
        zone = lungs.zones[z]
        lung = zone > 0
        counts = np.zeros(shape, np.int64)
        if lung.any():
            place = (zone[lung].astype(np.int64) * shape[1] + lungs.rings[z][lung]) * shape[2]
            counts = np.bincount(place + patterns.labels.labels[z][lung], minlength=counts.size).reshape(shape)
            hu_sum += int(np.maximum(volume.hu[z][lung], LOWEST_HU).sum(dtype=np.int64))
        total += counts
        slices.append(tuple(int(n) for n in counts.sum(axis=(0, 1))))
        if z % 32 == 0:
            progress.step("counting", z, volume.grid.shape[0])
    if total[0].any() or total[:, 0].any() or total[:, :, Pattern.OUTSIDE].any():
        raise ValueError("every voxel of lung needs a zone, a ring and a pattern")
    inner = total[1:, 1:]
    return Extents(
        counts=tuple(tuple(tuple(int(n) for n in ring) for ring in zone) for zone in inner),
        slice_counts=tuple(slices),
        voxel_ml=volume.grid.voxel_ml,
        hu_sum=hu_sum,
        ild_patterns=ild_patterns,
    )
