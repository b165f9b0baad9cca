"""From what a command raises to the exit code and the one sentence that is shown."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ssc_hrct.app import score_exams
from ssc_hrct.app.log import LOGGER, stop_log
from ssc_hrct.app.result import Result
from ssc_hrct.app.score_exams import Done, Plan
from ssc_hrct.cli import commands
from ssc_hrct.cli.run import run
from ssc_hrct.core.errors import Cancelled, HrctError, WrongUsage
from ssc_hrct.core.rows import score_row
from tests.made_up import a_score


@pytest.fixture(autouse=True)
def own_signals_and_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in ("XDG_STATE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    stop_log()
    LOGGER.propagate = True


def raising(problem: BaseException) -> Callable[..., int]:
    def command(*given: object) -> int:
        raise problem

    return command


@pytest.mark.parametrize(
    ("problem", "code", "says"),
    [
        (WrongUsage("That cannot be.", "Do this."), 2, "That cannot be. Do this.\n"),
        (HrctError("NO_DICOM", "Nothing is here."), 3, "Nothing is here.\n"),
        (Cancelled(), 130, "Stopped. What was finished stays.\n"),
        (KeyboardInterrupt(), 130, "Stopped. What was finished stays.\n"),
    ],
)
def test_each_way_to_end_has_its_code_and_its_sentence(
    problem: BaseException, code: int, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "inspect", raising(problem))
    assert run(["inspect", "x"]) == code
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", says)


def test_a_row_that_is_saved_late_is_no_failure_and_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def run_late(*given: object, tell: Callable[[Done], None], **named: object) -> None:
        result = Result(score_row(a_score()), ())
        tell(Done(result, tmp_path, problem="'scores.csv' is open in a spreadsheet."))
        tell(Done(result, tmp_path, saved_late=1))

    monkeypatch.setattr(score_exams, "plan", lambda *given, **named: Plan((), (), ()))
    monkeypatch.setattr(score_exams, "run", run_late)
    assert run(["score", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().err
    assert "is open in a spreadsheet." in shown
    assert "Rows saved now that could not be saved before: 1." in shown


def test_a_picture_that_failed_is_said_and_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def run_once(*given: object, tell: Callable[[Done], None], **named: object) -> None:
        tell(Done(Result(score_row(a_score()), ()), tmp_path, overlay_problem="There is no picture."))

    monkeypatch.setattr(score_exams, "plan", lambda *given, **named: Plan((), (), ()))
    monkeypatch.setattr(score_exams, "run", run_once)
    assert run(["score", str(tmp_path), "--out", str(tmp_path / "out")]) == 3
    assert "There is no picture." in capsys.readouterr().err


def test_a_fault_of_the_program_is_told_in_words_and_logged_without_its_values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(commands, "inspect", raising(ZeroDivisionError("DOE^JANE")))
    assert run(["inspect", "x"]) == 1
    shown = capsys.readouterr()
    assert shown.err.startswith("The program failed (ZeroDivisionError). This is a fault of the program")
    assert "Traceback" not in shown.err
    (log,) = (tmp_path / "home").rglob("log.jsonl")
    assert "ZeroDivisionError" in log.read_text()
    assert "DOE" not in log.read_text() + shown.err


def test_a_fault_where_no_log_can_be_written_shows_no_trace_either(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "home").write_text("a file where the home should be")
    monkeypatch.setattr(commands, "inspect", raising(ZeroDivisionError("DOE^JANE")))
    assert run(["inspect", "x"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
