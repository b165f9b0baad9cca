"""All that was learned: the model of the patterns and the model of the error bars, which belong together."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ssc_hrct.core.errors import HrctError
from ssc_hrct.measure.intervals import IntervalModel, interval_model
from ssc_hrct.measure.patterns import PatternClassifier
from ssc_hrct.measure.trained import PatternModel, TrainedEngine, pattern_model


@dataclass(frozen=True, slots=True)
class Models:
    """error_bars: None gives scores without intervals."""

    patterns: PatternModel
    error_bars: IntervalModel | None

    def classifier(self, *, smallest_island_ml: float, largest_gap_ml: float) -> PatternClassifier:
        """The engine that scores. Islands under smallest_island_ml go, gaps under largest_gap_ml fill."""
        return TrainedEngine(self.patterns, smallest_island_ml, largest_gap_ml)


def read_models(patterns: bytes, intervals: bytes | None) -> Models:
    """From resources/models. Raises HrctError("BAD_MODEL", ...) where one is not whole, or where the error bars name
    another model than this one."""
    learned, bars = pattern_model(patterns), None if intervals is None else interval_model(intervals)
    if bars is not None and bars.patterns_sha256 not in ("", json.loads(patterns)["sha256"]):
        raise HrctError("BAD_MODEL", "The model of the intervals belongs to another model of the patterns.",
                        "Install the program again.")
    return Models(learned, bars)
