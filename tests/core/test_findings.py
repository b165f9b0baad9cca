"""The one table of findings, and the order in which reasons stand."""

from __future__ import annotations

import pytest

from ssc_hrct.core.findings import (
    PAIR_FINDINGS,
    SCAN_FINDINGS,
    Finding,
    Level,
    caution,
    in_order,
    is_refused,
    refusal,
)


def test_refusals_stand_first_and_the_visit_last() -> None:
    found = (caution("VISIT_NOT_GIVEN"), caution("CONTRAST"), refusal("LOCALIZER"), caution("THICK_SLICES"))
    assert [f.code for f in in_order(found)] == ["LOCALIZER", "THICK_SLICES", "CONTRAST", "VISIT_NOT_GIVEN"]


def test_a_code_stands_once_at_its_gravest() -> None:
    found = in_order((caution("THICK_SLICES", "2 mm"), refusal("THICK_SLICES", "6 mm"), caution("THICK_SLICES")))
    assert found == (refusal("THICK_SLICES", "6 mm"),)


def test_a_caution_does_not_refuse() -> None:
    assert not is_refused((caution("CONTRAST"),))
    assert is_refused((caution("CONTRAST"), refusal("NOT_CT")))


def test_an_unknown_code_is_a_fault_of_the_program() -> None:
    with pytest.raises(ValueError, match="NO_SUCH"):
        caution("NO_SUCH")


def test_between_two_scores_the_pair_speaks() -> None:
    assert Finding("VOLUME_DIFFERS", Level.NOT_COMPARABLE).kind is PAIR_FINDINGS["VOLUME_DIFFERS"]


@pytest.mark.parametrize("kind", [*SCAN_FINDINGS.values(), *PAIR_FINDINGS.values()], ids=lambda k: k.code)
def test_each_says_what_is_the_matter_and_what_to_do_in_whole_sentences(kind: object) -> None:
    for sentence in (kind.says, kind.do):  # type: ignore[attr-defined]
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert "!" not in sentence
        assert "error" not in sentence.lower()
