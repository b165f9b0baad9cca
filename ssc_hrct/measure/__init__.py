"""The engine: Volume -> lungs, zones, patterns, extents."""

from ssc_hrct.measure.calibrate import calibrate
from ssc_hrct.measure.cheap import CheapEngine
from ssc_hrct.measure.extents import extents
from ssc_hrct.measure.given_lungs import check_labels, take_lungs
from ssc_hrct.measure.intervals import IntervalModel, Intervals, interval_model
from ssc_hrct.measure.lungs import find_lungs
from ssc_hrct.measure.mask_facts import mask_facts
from ssc_hrct.measure.models import Models, read_models
from ssc_hrct.measure.patterns import PatternClassifier
from ssc_hrct.measure.trained import PatternModel, TrainedEngine, pattern_model
from ssc_hrct.measure.vessels import find_vessels

__all__ = [
    "CheapEngine",
    "IntervalModel",
    "Intervals",
    "Models",
    "PatternClassifier",
    "PatternModel",
    "TrainedEngine",
    "calibrate",
    "check_labels",
    "extents",
    "find_lungs",
    "find_vessels",
    "interval_model",
    "mask_facts",
    "pattern_model",
    "read_models",
    "take_lungs",
]
