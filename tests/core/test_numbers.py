"""Numbers are rounded once, half up, from integers."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssc_hrct.core.numbers import percent, rounded, volume_ml


@pytest.mark.parametrize(
    ("part", "whole", "printed"),
    [(0, 7, "0.00"), (1, 3, "33.33"), (2, 3, "66.67"), (1, 20000, "0.01"), (1, 20001, "0.00"), (5, 100, "5.00"),
     (50005, 1000000, "5.00"), (500050, 10000000, "5.00"), (50005, 999999, "5.00"), (7, 7, "100.00")],
)
def test_percent_is_rounded_half_up_to_hundredths(part: int, whole: int, printed: str) -> None:
    assert str(percent(part, whole)) == printed


def test_a_percent_of_nothing_is_no_number() -> None:
    assert percent(0, 0) is None


@given(st.integers(0, 10**10), st.integers(1, 10**10))
def test_percent_is_the_nearest_hundredth_and_a_tie_goes_up(part: int, whole: int) -> None:
    exact = Fraction(100 * part, whole)
    printed = percent(part, whole)
    assert printed is not None
    away = Fraction(printed) - exact
    assert Fraction(-1, 200) < away <= Fraction(1, 200)


def test_rounding_is_half_away_from_zero_and_zero_has_no_minus() -> None:
    assert str(rounded(Decimal("0.25"), 1)) == "0.3"
    assert str(rounded(-0.04, 1)) == "0.0"
    assert str(rounded(Fraction(1, 3), 3)) == "0.333"
    assert str(rounded(1.0, 0)) == "1"


def test_volumes_have_one_decimal() -> None:
    assert str(volume_ml(2001, 0.5)) == "1000.5"
