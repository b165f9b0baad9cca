"""Error bars: between which percents the true extent of nine in ten such scans lies."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """A 90 percent interval of an extent, in percent of the lung, both ends included.

    Kept at full precision and printed once, half up, to 0.01 (`core/rows.py`). It need not be symmetric about the
    extent. Raises ValueError where it is not 0 <= low <= high <= 100.
    """

    low_percent: float
    high_percent: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.low_percent <= self.high_percent <= 100.0:
            raise ValueError(f"no interval of a percent: {self.low_percent} to {self.high_percent}")
