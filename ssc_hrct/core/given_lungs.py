"""What was measured of a lung mask that a person gave, beside our own lungs; judged by `quality`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GivenFacts:
    """None: could not be measured, because no lungs were found here.

    labels: how many labels made up the mask. resampled: it lay on another lattice than the scan.
    overlap: Dice of the mask and the lungs found here, right with right and left with left.
    uncovered_percent: part of the lungs found here that lies where the file has no voxels.
    """

    labels: int
    resampled: bool
    overlap: float | None
    uncovered_percent: float | None
