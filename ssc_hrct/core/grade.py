"""Severity: a word for a percent that was rounded once."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum


class Severity(StrEnum):
    MINIMAL = "minimal"
    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"


def grade(percent: Decimal, bounds: tuple[float, float, float]) -> Severity:
    """minimal [0, a], mild (a, b], moderate (b, c], severe (c, 100]; percent rounded to 0.01 before."""
    for severity, bound in zip(Severity, bounds, strict=False):
        if percent <= Decimal(str(bound)):
            return severity
    return Severity.SEVERE
