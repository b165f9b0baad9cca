"""What the terminal says: help, plain sentences, one line for an exam, the bar."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ssc_hrct import dicom
from ssc_hrct.app.assets import default_protocol
from ssc_hrct.app.compare import Compared
from ssc_hrct.app.listing import ListedSeries
from ssc_hrct.app.result import Result
from ssc_hrct.app.words import TOLD_BY_DETAIL
from ssc_hrct.cli.commands import say_compared
from ssc_hrct.cli.lines import (
    count_line,
    exam_line,
    exam_places,
    finding_text,
    replaced_line,
    series_lines,
    table,
)
from ssc_hrct.cli.parser import build_parser
from ssc_hrct.cli.say import Bar, Speaker, Voice, bar_text
from ssc_hrct.compare import compare_scores
from ssc_hrct.core.errors import Cancelled
from ssc_hrct.core.findings import (
    PAIR_FINDINGS,
    SCAN_FINDINGS,
    Finding,
    caution,
    in_order,
    pair_caution,
    refusal,
)
from ssc_hrct.core.rows import comparison_row, score_row
from ssc_hrct.core.subject import Identity
from tests.made_up import a_score, acquisition

COMMANDS = ("demo", "inspect", "score", "compare", "gui", "self-test")


def a_result(*findings: object, refused: bool = False) -> Result:
    found = in_order(findings)  # type: ignore[arg-type]
    score = a_score(findings=found, extents=None) if refused else a_score(findings=found)
    return Result(score_row(score), score.findings)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_a_help_that_says_what_it_does(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        build_parser().parse_args([command, "--help"])
    assert left.value.code == 0
    assert len(capsys.readouterr().out.split()) > 20


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "A command is missing."),
        ("scor x", "'scor' is not a command."),
        ("score x", "This is missing: --out."),
        ("score x --out", "--out needs a value behind it."),
        ("score x --out o --frobnicate", "This is not known here: --frobnicate."),
        ("score x --out o --vis baseline", "This is not known here: --vis baseline."),
        ("score x --out o --json=yes", "--json takes no value."),
        ("compare x --out o", "This is missing: FOLLOWUP."),
        ("inspect", "This is missing: PATH."),
    ],
)
def test_a_wrong_line_gets_one_plain_sentence_and_exit_code_2(
    line: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        build_parser().parse_args(line.split())
    assert left.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(says)
    assert shown.err.count("\n") == 1


def test_an_exam_is_a_line_with_its_numbers_and_each_caution_below_it() -> None:
    line, contrast, visit = exam_line(
        a_result(caution("CONTRAST", "aorta 180 HU"), caution("VISIT_NOT_GIVEN"))).split("\n")
    assert line == "0007, baseline: scored with caution. ILD 1.00 %, minimal; fibrosis 0.00 %; lung 3000.0 ml."
    assert contrast.startswith("    CONTRAST (aorta 180 HU): Contrast medium was given.")
    assert visit.endswith("Name the visit, by option or manifest.")


def test_an_exam_with_one_caution_is_one_line() -> None:
    assert exam_line(a_result(caution("VISIT_NOT_GIVEN"))).endswith("Name the visit, by option or manifest.")
    assert "\n" not in exam_line(a_result(caution("VISIT_NOT_GIVEN")))


def test_an_extent_stands_with_its_interval_and_the_grade_with_its_stability() -> None:
    result = a_result()
    doubt = {"ild_percent_low": "0.40", "ild_percent_high": "1.80", "fibrosis_percent_low": "0.00",
             "fibrosis_percent_high": "0.55", "severity_stability": "stable"}
    line = exam_line(replace(result, row=result.row | doubt))
    assert "ILD 1.00 % (0.40 to 1.80), minimal, stable; fibrosis 0.00 % (0.00 to 0.55); lung 3000.0 ml." in line


def test_a_result_from_before_the_intervals_is_told_without_them() -> None:
    result = a_result()
    old = {name: text for name, text in result.row.items() if not name.endswith(("_low", "_high", "_stability"))}
    assert exam_line(replace(result, row=old)) == exam_line(result)


def test_a_refused_exam_says_why_and_nothing_of_its_cautions() -> None:
    line = exam_line(a_result(refusal("LOCALIZER"), caution("VISIT_NOT_GIVEN"), refused=True))
    assert line == ("0007, baseline: refused. LOCALIZER: This is a localizer (scout). "
                    "Choose the axial series of the exam.")


def test_a_sentence_of_this_scan_is_said_in_place_of_the_general_one() -> None:
    thick = "The slices are 2.5 mm thick."
    line = finding_text(caution("THICK_SLICES", thick))
    assert line == f"THICK_SLICES: {thick} {SCAN_FINDINGS['THICK_SLICES'].do}"
    both = finding_text(caution("LOW_INSPIRATION", "The least dense lung is at -800 HU."))
    assert both.startswith("LOW_INSPIRATION (The least dense lung is at -800 HU): The breath was not deep")
    pair = finding_text(pair_caution("KERNEL_UNKNOWN", "baseline A., follow-up B."))
    assert PAIR_FINDINGS["KERNEL_UNKNOWN"].says in pair


def test_every_code_that_its_detail_may_tell_is_in_the_table() -> None:
    assert set(SCAN_FINDINGS) > TOLD_BY_DETAIL


def listed(*findings: Finding) -> ListedSeries:
    series = dicom.Series(acquisition(), (Path("exam/1.dcm"),), Identity())
    return ListedSeries("0.0", series, in_order(findings), chosen=True)


def test_a_series_that_cannot_be_scored_lists_what_refuses_it_alone() -> None:
    _, verdict, *told = series_lines(listed(refusal("TOO_FEW_SLICES"), caution("CONTRAST"), caution("LOSSY")), "1.1")
    assert verdict == "    Cannot be scored."
    assert [line.split(":")[0].strip() for line in told] == ["TOO_FEW_SLICES"]


def test_cautions_of_a_series_that_can_be_scored_stand_apart() -> None:
    _, verdict, head, *told = series_lines(listed(caution("CONTRAST"), caution("LOSSY")), "1.1")
    assert (verdict, head) == (
        "    This series would be scored, as far as its headers tell.", "    Cautions:")
    assert [line.split(":")[0] for line in told] == ["      LOSSY", "      CONTRAST"]
    assert len(series_lines(listed(), "1.1")) == 2


@pytest.mark.parametrize(
    ("exams", "told"),
    [
        ([("a", "2025-01-15")], [""]),
        ([("a", "2025-01-15"), ("b", "2025-01-15")], ["a", "b"]),
        ([("a", "2025-01-15"), ("a", "2025-12-17"), ("b", "")], ["a, 2025-01-15", "a, 2025-12-17", "b"]),
        ([("a", ""), ("a", "2025-01-15")], ["a, exam 1", "a, 2025-01-15"]),
        ([("b", ""), ("a", "2025-01-15"), ("a", "2025-01-15")], ["b", "a, exam 2", "a, exam 3"]),
    ],
)
def test_exams_of_one_folder_are_told_apart(exams: list[tuple[str, str]], told: list[str]) -> None:
    assert exam_places(exams) == told


def test_a_clean_exam_is_just_scored() -> None:
    assert exam_line(a_result()).split(".")[0] == "0007, baseline: scored"


@pytest.mark.parametrize("reversed_dates", [True, False])
def test_a_reversed_order_is_said_before_the_change_and_what_the_change_is(
    reversed_dates: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = a_score(), a_score(visit="week_48", facts=acquisition(
        scan_date="2024-01-15" if reversed_dates else "2025-12-17", kvp=100.0))
    comparison = compare_scores(before, after, default_protocol())
    results = tuple(Result(score_row(score), ()) for score in (before, after))
    compared = Compared(results, comparison, comparison_row(comparison), (), (), ("A doubt.",))  # type: ignore[arg-type]
    say_compared(compared, Path("out"), Speaker())
    shown = capsys.readouterr()
    told = [shown.out.find(part) for part in (
        "comparable with caution.", "DATES_REVERSED: ", "The change is follow-up minus baseline as named.",
        "ILD changed by", "KVP_DIFFERS")]
    if reversed_dates:
        assert told == sorted(told)
        assert told[0] > 0
    else:
        assert told[1] == told[2] == -1
    assert shown.out.count("DATES_REVERSED") == int(reversed_dates)
    assert shown.err == "A doubt.\n"


def test_exams_are_counted() -> None:
    rows = [a_result().row, a_result(caution("CONTRAST")).row, a_result(refusal("NOT_CT"), refused=True).row]
    assert count_line(rows) == "3 exams: 2 scored (1 of them with caution), 1 refused."
    assert count_line(rows[:1]) == "1 exam: 1 scored, 0 refused."


def test_what_was_replaced_is_named() -> None:
    line = replaced_line(a_result().row)
    assert line == "Replaced the row of 0007, baseline (ILD 1.00 %, scored 2026-01-31T09:30:00Z)."


def test_a_table_lines_up() -> None:
    assert table(("what", "n"), [("a", "10"), ("longer", "9")]) == ["what     n", "a       10", "longer   9"]


def test_the_bar_shows_how_far() -> None:
    assert bar_text("finding lungs", 1, 2) == "[############............]  50% finding lungs"
    assert bar_text("looking", 0, 0) == "looking"
    assert bar_text("x", 7, 5).startswith("[########################] 100%")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_bar_is_drawn_on_a_terminal_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen = Terminal()
    bar = Bar(Voice(screen))
    bar.step("finding lungs", 1, 4)
    assert "25% finding lungs" in screen.getvalue()
    bar.clear()
    assert screen.getvalue().endswith(" \r")


def test_no_bar_is_drawn_into_a_pipe_or_without_a_console() -> None:
    pipe = io.StringIO()
    for voice in (Voice(pipe), Voice(None)):
        bar = Bar(voice)
        bar.step("finding lungs", 1, 4)
        bar.clear()
    assert pipe.getvalue() == ""


def test_a_wish_to_stop_is_heard_at_the_next_step() -> None:
    bar = Bar(Voice(None))
    bar.step("finding lungs")
    bar.stop.set()
    with pytest.raises(Cancelled):
        bar.step("finding lungs")


def test_a_subject_that_the_terminal_cannot_show_stops_nothing() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", newline="\n")
    Voice(stream).say("Jörg")
    assert raw.getvalue() == b"J?rg\n"


def test_help_imports_nothing_but_the_standard_library() -> None:
    """Time is for benchmarks; what would cost it is named here."""
    code = (
        "import sys\n"
        "from ssc_hrct.cli.parser import build_parser\n"
        "import ssc_hrct.__main__, ssc_hrct.cli.run\n"
        "build_parser().format_help()\n"
        "foreign = {m.split('.')[0] for m in sys.modules} - set(sys.stdlib_module_names)\n"
        "print(sorted(n for n in foreign if not n.startswith(('_', 'ssc_hrct'))))\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(root)!r})\n{code}"],
                          capture_output=True, text=True, check=True, cwd=root, env=dict(os.environ))
    heavy = ("numpy", "pydicom", "scipy", "PySide6", "filelock", "platformdirs", "PIL")
    assert not [name for name in heavy if name in done.stdout]
