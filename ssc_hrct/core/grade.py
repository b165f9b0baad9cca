"""Severity: a word for a percent that was rounded once, and whether the word stands within the percent's doubt."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from statistics import NormalDist

from ssc_hrct.core.intervals import Interval

Bounds = tuple[float, float, float]
"""Upper ends of minimal, mild and moderate, in percent, each included."""


class Severity(StrEnum):
    MINIMAL = "minimal"
    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"


STABLE = "stable"
STABILITIES = (STABLE, *(f"may be {severity.value}" for severity in Severity))
"""All that `stability` can say, as it is printed behind the severity: "moderate, may be mild"."""
STABLE_SHARE = 0.9
"""At least this share of the interval's distribution in one grade is stable."""
_NORMAL = NormalDist()
_END = _NORMAL.inv_cdf(0.95)
"""The ends of a 90 percent interval lie this many standard deviations from the middle of a normal distribution."""


def grade(percent: Decimal, bounds: Bounds) -> Severity:
    """minimal [0, a], mild (a, b], moderate (b, c], severe (c, 100]; percent rounded to 0.01 before."""
    for severity, bound in zip(Severity, bounds, strict=False):
        if percent <= Decimal(str(bound)):
            return severity
    return Severity.SEVERE


def grade_shares(percent: Decimal, interval: Interval, bounds: Bounds) -> dict[Severity, float]:
    """Share of each grade in the distribution that an extent and its 90 percent interval stand for; the sum is 1.

    Two half-normals that meet at the extent, half of the whole on each side: one reaches 5 percent at the lower end,
    the other 95 percent at the upper end. What lies below 0 is minimal, what lies above 100 is severe.
    """
    middle = float(percent)

    def below(bound: float) -> float:
        away = bound - middle
        spread = (middle - interval.low_percent if away < 0 else interval.high_percent - middle) / _END
        if spread <= 0:
            return 0.0 if away < 0 else 1.0
        return _NORMAL.cdf(away / spread)

    steps = (0.0, *(below(bound) for bound in bounds), 1.0)
    return {severity: high - low for severity, (low, high) in zip(Severity, pairwise(steps), strict=True)}


def stability(percent: Decimal, interval: Interval, bounds: Bounds) -> str:
    """"stable" where at least 90 percent of the doubt lies in the extent's own grade, else "may be mild" and the like.

    The other grade that is named is the one with the largest share; the graver of two that are equal.
    """
    shares = grade_shares(percent, interval, bounds)
    own = grade(percent, bounds)
    if shares[own] >= STABLE_SHARE:
        return STABLE
    others = [severity for severity in Severity if severity is not own]
    likeliest = max(reversed(others), key=lambda severity: round(shares[severity], 9))  # not by the last bit
    return f"may be {likeliest.value}"
