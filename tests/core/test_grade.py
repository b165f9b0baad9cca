"""minimal [0, 5], mild (5, 10], moderate (10, 20], severe (20, 100]; bounds from the protocol."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ssc_hrct.app.assets import default_protocol
from ssc_hrct.core.grade import grade


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
