"""The one table of findings, and the order in which reasons stand."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import ssc_hrct
from ssc_hrct.core.findings import (
    PAIR_FINDINGS,
    SCAN_FINDINGS,
    Finding,
    Level,
    caution,
    in_order,
    is_refused,
    not_comparable,
    pair_caution,
    refusal,
)


def test_refusals_stand_first_and_the_visit_last() -> None:
    found = (caution("VISIT_NOT_GIVEN"), caution("CONTRAST"), refusal("LOCALIZER"), caution("THICK_SLICES"))
    assert [f.code for f in in_order(found)] == ["LOCALIZER", "THICK_SLICES", "CONTRAST", "VISIT_NOT_GIVEN"]


def test_a_code_stands_once_at_its_gravest() -> None:
    found = in_order((caution("THICK_SLICES", "2 mm"), refusal("THICK_SLICES", "6 mm"), caution("THICK_SLICES")))
    assert found == (refusal("THICK_SLICES", "6 mm"),)


def test_what_header_and_image_say_of_one_thing_stands_together_once() -> None:
    found = (caution("CONTRAST", "Header."), caution("CONTRAST", "Blood."), caution("CONTRAST", "Header."))
    assert in_order(found) == (caution("CONTRAST", "Header. Blood."),)


def test_a_refusal_is_not_mixed_with_a_caution_s_detail() -> None:
    assert in_order((refusal("NOISY", "95 HU."), caution("NOISY", "60 HU."))) == (refusal("NOISY", "95 HU."),)


def test_a_caution_does_not_refuse() -> None:
    assert not is_refused((caution("CONTRAST"),))
    assert is_refused((caution("CONTRAST"), refusal("NOT_CT")))


def test_an_unknown_code_is_a_fault_of_the_program() -> None:
    with pytest.raises(ValueError, match="NO_SUCH"):
        caution("NO_SUCH")


def test_between_two_scores_the_pair_speaks() -> None:
    assert not_comparable("VOLUME_DIFFERS").kind is PAIR_FINDINGS["VOLUME_DIFFERS"]


@pytest.mark.parametrize("code", sorted(SCAN_FINDINGS.keys() & PAIR_FINDINGS.keys()))
def test_a_code_of_both_tables_says_what_its_own_table_says(code: str) -> None:
    assert caution(code).kind is SCAN_FINDINGS[code]
    assert pair_caution(code).kind is PAIR_FINDINGS[code]
    assert len(in_order((caution(code), pair_caution(code)))) == 2


def test_a_code_of_one_table_cannot_be_made_for_the_other() -> None:
    with pytest.raises(ValueError, match="DATES_REVERSED"):
        caution("DATES_REVERSED")
    with pytest.raises(ValueError, match="LOCALIZER"):
        Finding("LOCALIZER", Level.NOT_COMPARABLE, pair=True)


def test_codes_of_a_scan_stand_as_in_its_table_though_the_pair_has_them_too() -> None:
    found = in_order((caution("NOISY"), caution("POSITION_UNKNOWN"), caution("KERNEL_UNKNOWN")))
    assert [f.code for f in found] == ["KERNEL_UNKNOWN", "NOISY", "POSITION_UNKNOWN"]


@pytest.mark.parametrize(
    ("code", "too_much"),
    [("GANTRY_TILT", "sheared"), ("KERNEL_UNKNOWN", "is not known."), ("MASK_ASYMMETRY", "larger")],
)
def test_a_sentence_promises_nothing_that_only_some_of_its_cases_hold(code: str, too_much: str) -> None:
    """Nothing is sheared where the positions show no tilt; EDGE is known; a share of 0.499 is no larger lung."""
    assert too_much not in SCAN_FINDINGS[code].says


@pytest.mark.parametrize("kind", [*SCAN_FINDINGS.values(), *PAIR_FINDINGS.values()], ids=lambda k: k.code)
def test_each_says_what_is_the_matter_and_what_to_do_in_whole_sentences(kind: object) -> None:
    for sentence in (kind.says, kind.do):  # type: ignore[attr-defined]
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert "!" not in sentence
        assert "error" not in sentence.lower()


MADE_BY = {"caution": (False, "caution"), "refusal": (False, "refusal"),
           "pair_caution": (True, "caution"), "not_comparable": (True, "refusal")}


def made_in_code() -> Iterator[tuple[bool, str, str]]:
    """Pair or not, code and level of every finding that the program makes with its code written out."""
    for file in Path(ssc_hrct.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
                continue
            makers = (node.func.body, node.func.orelse) if isinstance(node.func, ast.IfExp) else (node.func,)
            for maker in makers:
                if isinstance(maker, ast.Name) and maker.id in MADE_BY:
                    pair, level = MADE_BY[maker.id]
                    yield pair, str(node.args[0].value), level


def test_the_table_tells_whether_a_code_is_a_caution_a_refusal_or_either_as_the_program_makes_it() -> None:
    made: dict[tuple[bool, str], set[str]] = {}
    for pair, code, level in made_in_code():
        made.setdefault((pair, code), set()).add(level)
    assert len(made) > 45
    for (pair, code), levels in made.items():
        kind = (PAIR_FINDINGS if pair else SCAN_FINDINGS)[code]
        assert kind.level == ("either" if len(levels) > 1 else levels.pop()), code
