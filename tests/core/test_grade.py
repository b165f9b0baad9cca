"""minimal [0, 5], mild (5, 10], moderate (10, 20], severe (20, 100]; and whether a grade stands within its doubt."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssc_hrct.app.assets import default_protocol
from ssc_hrct.core.grade import STABILITIES, STABLE_SHARE, grade, grade_shares, stability
from ssc_hrct.core.intervals import Interval


@pytest.mark.parametrize(
    ("percent", "word"),
    [("0.00", "minimal"), ("5.00", "minimal"), ("5.01", "mild"), ("10.00", "mild"), ("10.01", "moderate"),
     ("20.00", "moderate"), ("20.01", "severe"), ("100.00", "severe")],
)
def test_each_bound_belongs_to_the_lower_grade(percent: str, word: str) -> None:
    protocol = default_protocol()
    assert grade(Decimal(percent), protocol.severity_bounds) == word
    assert grade(Decimal(percent), protocol.fibrosis_severity_bounds) == word


def test_bounds_that_are_no_whole_numbers_are_kept_to_the_hundredth() -> None:
    assert grade(Decimal("2.30"), (2.3, 10, 20)) == "minimal"
    assert grade(Decimal("2.31"), (2.3, 10, 20)) == "mild"


BOUNDS = (5.0, 10.0, 20.0)
hundredths = st.integers(0, 10_000).map(lambda n: Decimal(n).scaleb(-2))


@st.composite
def scores_with_doubt(draw: st.DrawFn) -> tuple[Decimal, Interval]:
    percent = draw(hundredths)
    low = draw(st.floats(0.0, 1.0)) * float(percent)
    high = float(percent) + draw(st.floats(0.0, 1.0)) * (100.0 - float(percent))
    return percent, Interval(min(low, float(percent)), min(max(high, float(percent)), 100.0))


@pytest.mark.parametrize(
    ("percent", "low", "high", "says"),
    [("15.00", 13.0, 17.0, "stable"), ("10.50", 9.0, 12.0, "may be mild"), ("9.50", 8.0, 11.5, "may be moderate"),
     ("0.80", 0.0, 2.0, "stable"), ("4.60", 3.5, 5.6, "may be mild"), ("5.40", 4.6, 6.4, "may be minimal"),
     ("19.00", 16.0, 21.5, "may be severe"), ("35.00", 30.0, 41.0, "stable"), ("21.00", 18.5, 24.0, "may be moderate")],
)
def test_a_grade_is_stable_where_the_doubt_does_not_reach_a_bound(
    percent: str, low: float, high: float, says: str
) -> None:
    assert stability(Decimal(percent), Interval(low, high), BOUNDS) == says


def test_nine_tenths_in_the_own_grade_is_where_stable_begins() -> None:
    """The upper half-normal reaches 0.90 of the whole at 1.2816 SD, and the interval's end at 1.6449 SD."""
    reach = 4.0 * 1.6449 / 1.2816  # a bound 4 points above the extent then cuts off one tenth
    for wider, says in ((0.99, "stable"), (1.01, "may be severe")):
        assert stability(Decimal("16.00"), Interval(16.0, 16.0 + reach * wider), BOUNDS) == says


@given(scores_with_doubt())
def test_shares_of_the_grades_sum_to_one_and_the_own_grade_is_never_beaten_to_stable(
    given_: tuple[Decimal, Interval],
) -> None:
    percent, interval = given_
    shares = grade_shares(percent, interval, BOUNDS)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert min(shares.values()) >= 0.0
    own = grade(percent, BOUNDS)
    assert all(share < STABLE_SHARE for severity, share in shares.items() if severity is not own)
    says = stability(percent, interval, BOUNDS)
    assert says in STABILITIES
    assert says != f"may be {own.value}"
    assert (says == "stable") == (shares[own] >= STABLE_SHARE)


@given(scores_with_doubt())
def test_an_interval_within_one_grade_is_stable(given_: tuple[Decimal, Interval]) -> None:
    """Each end holds 5 percent beyond it: both inside the grade leave at least 90 percent there."""
    percent, interval = given_
    own = grade(percent, BOUNDS)
    ends = {grade(Decimal(str(end)), BOUNDS) for end in (interval.low_percent, interval.high_percent)}
    if ends == {own} and interval.low_percent not in BOUNDS:
        assert stability(percent, interval, BOUNDS) == "stable"


@given(hundredths)
def test_without_any_doubt_every_grade_is_stable(percent: Decimal) -> None:
    point = Interval(float(percent), float(percent))
    assert stability(percent, point, BOUNDS) == "stable"
    assert grade_shares(percent, point, BOUNDS)[grade(percent, BOUNDS)] == 1.0


def test_of_two_other_grades_that_are_as_likely_the_graver_is_named() -> None:
    assert stability(Decimal("7.50"), Interval(4.5, 10.5), BOUNDS) == "may be moderate"


@pytest.mark.parametrize(("low", "high"), [(-0.1, 3.0), (3.0, 2.0), (50.0, 100.1), (float("nan"), 1.0)])
def test_an_interval_of_a_percent_lies_between_0_and_100_in_order(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="no interval"):
        Interval(low, high)
