"""Each limit on the shape of the lung outline and on the classifier's doubt, on both sides of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ssc_hrct.app.assets import default_protocol
from ssc_hrct.core.findings import SCAN_FINDINGS, Level
from ssc_hrct.core.mask_facts import MaskFacts
from ssc_hrct.core.patterns import ClassifierDoubt
from ssc_hrct.quality import check_mask, check_patterns

GOOD = MaskFacts(parts_over_20_ml=2, holes_ml=0.0, sides_swapped=False, largest_step=0.05, missed_ml=0.0)
FINE: list[dict[str, Any]] = [
    {}, {"parts_over_20_ml": 1}, {"holes_ml": 5.0}, {"largest_step": 0.25}, {"missed_ml": 12.0},
]
CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"parts_over_20_ml": 3}, "MASK_PARTS", "3 parts"),
    ({"holes_ml": 5.6}, "MASK_HOLES", "6 ml"),
    ({"sides_swapped": True}, "MASK_SIDES", "heart"),
    ({"largest_step": 0.26}, "MASK_STEP", "26 percent"),
    ({"missed_ml": 13.0}, "MASK_MISSED_DISEASE", "13 ml"),
    ({"missed_ml": None}, "MASK_UNKNOWN", "missed disease by the ribs"),
    ({"sides_swapped": None}, "MASK_UNKNOWN", "the sides by the heart"),
]


@pytest.mark.parametrize("changes", FINE, ids=str)
def test_an_outline_within_the_limits_is_not_spoken_of(changes: dict[str, Any]):
    assert check_mask(replace(GOOD, **changes), default_protocol()) == ()


@pytest.mark.parametrize(("changes", "code", "told"), CASES, ids=str)
def test_each_limit_on_its_far_side(changes: dict[str, Any], code: str, told: str):
    found = check_mask(replace(GOOD, **changes), default_protocol())
    assert [(f.code, f.level) for f in found] == [(code, Level.CAUTION)]
    assert told in found[0].detail
    assert code in SCAN_FINDINGS


def test_what_could_not_be_checked_is_named_once():
    (found,) = check_mask(replace(GOOD, missed_ml=None, sides_swapped=None), default_protocol())
    assert found.detail == "Not checked: the sides by the heart and missed disease by the ribs."


@pytest.mark.parametrize(("percent", "spoken_of"), [(0.0, False), (5.0, False), (5.1, True), (60.0, True)])
def test_over_five_percent_unlike_what_was_learnt_is_a_caution(percent: float, spoken_of: bool):
    doubt = ClassifierDoubt(unsure_percent=1.0, split_unsure_percent=1.0, out_of_range_percent=percent)
    found = check_patterns(doubt, default_protocol())
    assert [(f.code, f.level) for f in found] == ([("OUT_OF_RANGE", Level.CAUTION)] if spoken_of else [])


def test_a_classifier_that_knows_nothing_of_its_doubt_gives_no_finding():
    assert check_patterns(None, default_protocol()) == ()
