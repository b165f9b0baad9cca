"""Words made from facts, never from free text."""

from pathlib import Path

import pytest

from ssc_hrct.app.listing import ListedSeries
from ssc_hrct.app.words import finding_text
from ssc_hrct.core.acquisition import SeriesKind
from ssc_hrct.core.findings import caution
from ssc_hrct.gui import words
from tests.gui.chests import facts
from tests.gui.made_up import FakeSeries


def test_a_stack_is_named_by_thickness_and_kernel():
    assert words.series_title(facts()) == "1.25 mm, BONEPLUS"
    assert words.series_title(facts(slice_thickness_mm=None, kernel=None)) == "thickness unknown, kernel unknown"


@pytest.mark.parametrize(("kind", "modality", "title"), [
    (SeriesKind.LOCALIZER, "CT", "Localizer (scout)"),
    (SeriesKind.NOT_CT, "MR", "MR image, not CT"),
    (SeriesKind.SECONDARY_CAPTURE, "CT", "Page or screen capture"),
    (SeriesKind.NOT_AXIAL, "CT", "Not axial"),
])
def test_what_is_no_stack_is_named_by_what_it_is(kind, modality, title):
    assert words.series_title(facts(kind=kind, modality=modality)) == title


@pytest.mark.parametrize(("typed", "word"), [
    ("Baseline", "baseline"), (" Week 48 ", "week_48"), ("WEEK_12", "week_12"), ("", ""),
])
def test_a_visit_as_typed_becomes_the_contracts_word(typed, word):
    assert words.visit_word(typed) == word


def test_every_offered_visit_is_one_of_the_contract():
    from ssc_hrct.core.subject import read_visit

    for offered in words.VISITS:
        assert words.visit_title(read_visit(words.visit_word(offered)).name) == offered


def test_a_finding_shows_the_value_behind_it_once():
    assert finding_text(caution("CONTRAST")) == "Contrast medium was given."
    assert finding_text(caution("THICK_SLICES", "thickness 5 mm")).endswith(" Thickness 5 mm.")
    says = caution("CONTRAST").kind.says
    assert finding_text(caution("CONTRAST", says)) == says


def test_a_sentence_of_this_scan_stands_in_place_of_the_general_one_that_it_repeats():
    assert finding_text(caution("THICK_SLICES", "The slices are 2 mm thick.")) == "The slices are 2 mm thick."
    air = finding_text(caution("HU_OFFSET", "Tracheal air is at -940 HU."))
    assert air == "Air or blood is not at its usual density. Tracheal air is at -940 HU."


@pytest.mark.parametrize("kind", list(SeriesKind))
def test_terminal_and_window_call_a_kind_of_series_the_same(kind):
    from ssc_hrct.cli.lines import series_lines

    seen = facts(kind=kind, slices=3)
    listed = ListedSeries("0.0", FakeSeries(seen, (Path("exam/1.dcm"),)), (), chosen=True)  # type: ignore[arg-type]
    word = words.series_facts(seen).split(", ")[1]
    assert f"CT, {word}, 3 slices" in series_lines(listed, "1.1")[0]


@pytest.mark.parametrize("detail", ["", "thickness 5 mm", caution("THICK_SLICES").kind.says])
def test_terminal_and_window_say_the_same_of_a_finding(detail):
    """The terminal adds code and advice; neither says a thing twice."""
    from ssc_hrct.cli.lines import finding_text as in_terminal

    found = caution("THICK_SLICES", detail)
    for text in (in_terminal(found), finding_text(found)):
        assert text.count(found.kind.says) == 1
        assert ("hickness 5 mm" in text) == (detail == "thickness 5 mm")

