"""Visits as a person types them, and an identity that shows nothing."""

from __future__ import annotations

import pytest

from ssc_hrct.core.errors import WrongUsage
from ssc_hrct.core.subject import BASELINE, UNSCHEDULED, Identity, Visit, read_visit


@pytest.mark.parametrize(
    ("typed", "visit"),
    [("baseline", BASELINE), (" Baseline ", BASELINE), ("week_48", Visit("week_48", 48)),
     ("WEEK_1", Visit("week_1", 1)), ("week_999", Visit("week_999", 999)), ("unscheduled", UNSCHEDULED)],
)
def test_the_words_of_the_contract_are_visits(typed: str, visit: Visit) -> None:
    assert read_visit(typed) == visit


@pytest.mark.parametrize("typed", ["week_0", "week_048", "week_1000", "week48", "week_4.5", "week_\u0664", "", "v2"])
def test_anything_else_is_wrong_usage_and_told_in_words(typed: str) -> None:
    with pytest.raises(WrongUsage, match="is not a visit"):
        read_visit(typed)


def test_an_identity_shows_nothing_of_itself() -> None:
    shown = repr(Identity("4711", "19600101", "F")) + str(Identity("4711", "19600101", "F"))
    assert "4711" not in shown
    assert "1960" not in shown
