"""Counts of voxels by pattern, zone and ring: all that exported numbers are made from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from ssc_hrct.core.lungs import Ring, Zone
from ssc_hrct.core.numbers import percent, volume_ml
from ssc_hrct.core.patterns import FIBROSIS, LUNG_PATTERNS, Pattern


@dataclass(frozen=True, slots=True)
class Extents:
    """counts[zone - 1][ring - 1][pattern]: voxels of lung. slice_counts[z][pattern]: per slice.

    pattern runs over all of `Pattern` (0 is never counted). voxel_ml: one voxel in ml.
    hu_sum: sum of HU over the lung, for the mean density.
    """

    counts: tuple[tuple[tuple[int, ...], ...], ...]
    slice_counts: tuple[tuple[int, ...], ...]
    voxel_ml: float
    hu_sum: int
    ild_patterns: tuple[Pattern, ...]

    def voxels(
        self,
        patterns: Iterable[Pattern] = LUNG_PATTERNS,
        zones: Iterable[Zone] = tuple(Zone),
        rings: Iterable[Ring] = tuple(Ring),
    ) -> int:
        """Voxels of lung that have one of the patterns in these zones and rings."""
        chosen, depths = tuple(patterns), tuple(rings)
        return sum(self.counts[z - 1][r - 1][p] for z in zones for r in depths for p in chosen)

    def percent(self, patterns: Iterable[Pattern], zones: Iterable[Zone] = tuple(Zone)) -> Decimal | None:
        """Territory of the patterns in percent of the lung in these zones; None without lung."""
        places = tuple(zones)
        return percent(self.voxels(patterns, places), self.voxels(zones=places))

    def ml(self, patterns: Iterable[Pattern] = LUNG_PATTERNS, zones: Iterable[Zone] = tuple(Zone)) -> Decimal:
        return volume_ml(self.voxels(patterns, zones), self.voxel_ml)

    @property
    def ild_percent(self) -> Decimal | None:
        return self.percent(self.ild_patterns)

    @property
    def fibrosis_percent(self) -> Decimal | None:
        return self.percent(FIBROSIS)
