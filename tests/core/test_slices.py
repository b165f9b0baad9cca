"""The slice to look at first."""

import numpy as np

from ssc_hrct.core.lungs import Zone
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.slices import worst_slice

ILD = (Pattern.GROUND_GLASS, Pattern.RETICULATION)


def _maps():
    zones = np.zeros((5, 2, 4), dtype=np.uint8)
    zones[1:, :, :2] = Zone.RIGHT_LOWER
    zones[3, :, 2:] = Zone.LEFT_LOWER
    return np.where(zones > 0, np.uint8(Pattern.NORMAL), np.uint8(0)), zones


def test_worst_slice_is_where_the_zone_holds_most_of_the_patterns():
    patterns, zones = _maps()
    patterns[2, 0, 0] = Pattern.GROUND_GLASS
    patterns[4, :, :2] = Pattern.RETICULATION
    assert worst_slice(patterns, zones, Zone.RIGHT_LOWER, ILD) == 4


def test_disease_of_another_zone_does_not_count():
    patterns, zones = _maps()
    patterns[3, :, 2:] = Pattern.GROUND_GLASS
    patterns[1, 0, 0] = Pattern.GROUND_GLASS
    assert worst_slice(patterns, zones, Zone.RIGHT_LOWER, ILD) == 1


def test_a_pattern_that_is_not_asked_for_does_not_count():
    patterns, zones = _maps()
    patterns[4, :, :2] = Pattern.EMPHYSEMA
    patterns[2, 0, 0] = Pattern.GROUND_GLASS
    assert worst_slice(patterns, zones, Zone.RIGHT_LOWER, ILD) == 2


def test_a_clear_zone_is_shown_where_it_is_largest():
    patterns, zones = _maps()
    zones[2, 0, 2] = Zone.LEFT_LOWER
    assert worst_slice(patterns, zones, Zone.LEFT_LOWER, ILD) == 3


def test_an_empty_zone_has_no_slice():
    patterns, zones = _maps()
    assert worst_slice(patterns, zones, Zone.LEFT_UPPER, ILD) is None
