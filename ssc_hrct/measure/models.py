"""All that was learned: the model of the patterns and the model of the error bars, which belong together."""

from __future__ import annotations

from dataclasses import dataclass

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
    """From resources/models. Raises HrctError("BAD_MODEL", ...) where one is not whole."""
    return Models(pattern_model(patterns), None if intervals is None else interval_model(intervals))
