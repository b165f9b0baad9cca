"""What is said of lungs that were given: always that they were, and what stands against them."""

from __future__ import annotations

import pytest

from ssc_hrct.app.assets import default_protocol
from ssc_hrct.core.findings import Level, is_refused
from ssc_hrct.core.given_lungs import GivenFacts
from ssc_hrct.quality import check_given_lungs

PROTOCOL = default_protocol()


def codes(facts: GivenFacts) -> list[str]:
    return [f.code for f in check_given_lungs(facts, PROTOCOL)]


def test_a_mask_that_agrees_is_said_to_be_given_and_nothing_else() -> None:
    (finding,) = check_given_lungs(GivenFacts(2, False, 0.97, 0.0), PROTOCOL)
    assert (finding.code, finding.level) == ("LUNGS_GIVEN", Level.CAUTION)
    assert "2 labels" in finding.detail
    assert "0.97" in finding.detail


@pytest.mark.parametrize(("overlap", "said"), [(0.85, False), (0.849, True)])
def test_an_overlap_under_the_limit_is_a_caution(overlap: float, said: bool) -> None:
    assert ("MASK_DIFFERS" in codes(GivenFacts(1, False, overlap, 0.0))) == said


@pytest.mark.parametrize(("percent", "said"), [(1.0, []), (1.1, ["MASK_DIFFERS"]), (10.1, ["MASK_REFUSED"])])
def test_lungs_beyond_the_end_of_the_file_are_a_caution_then_a_refusal(percent: float, said: list[str]) -> None:
    facts = GivenFacts(1, False, 0.95, percent)
    assert codes(facts) == ["LUNGS_GIVEN", *said]
    assert is_refused(check_given_lungs(facts, PROTOCOL)) == (said == ["MASK_REFUSED"])


def test_another_grid_is_said() -> None:
    assert codes(GivenFacts(5, True, 0.95, 0.0)) == ["LUNGS_GIVEN", "MASK_RESAMPLED"]


def test_a_mask_that_could_not_be_compared_is_said_to_be_so() -> None:
    given, differs = check_given_lungs(GivenFacts(1, False, None, None), PROTOCOL)
    assert (given.code, differs.code) == ("LUNGS_GIVEN", "MASK_DIFFERS")
    assert "No lungs were found here" in differs.detail
