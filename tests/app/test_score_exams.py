"""Planning and running: who is scored as whom, what is refused before any work, and that one fault stops no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ssc_hrct import dicom
from ssc_hrct.app import score_exams
from ssc_hrct.app.assets import default_protocol
from ssc_hrct.app.identity import Named, Source
from ssc_hrct.app.manifest import read_manifest
from ssc_hrct.app.objects import file_stem
from ssc_hrct.app.result import result_of
from ssc_hrct.app.save import save_scores
from ssc_hrct.app.score import Scored, score_series
from ssc_hrct.app.score_exams import Done, Wishes, plan, run
from ssc_hrct.core.errors import Cancelled, HrctError, WrongUsage
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Lungs
from ssc_hrct.core.patterns import Patterns
from ssc_hrct.core.subject import BASELINE, UNSCHEDULED, Subject, Visit
from ssc_hrct.core.volume import LabelMap, Volume
from ssc_hrct.dicom import ExamChoice
from ssc_hrct.export import overlay
from tests.made_up import extents
from tests.terminal import rows_of, write_block

PROTOCOL = default_protocol()
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def now() -> datetime:
    return NOON


def carry_out(wishes: Wishes, told: list[Done] | None = None) -> list[Done]:
    done = told if told is not None else []
    run(plan(wishes, protocol=PROTOCOL), wishes, protocol=PROTOCOL, now=now, tell=done.append)
    return done


@pytest.fixture
def two(tmp_path: Path) -> Path:
    write_block(tmp_path / "scans" / "a", names="a", patient="P1")
    write_block(tmp_path / "scans" / "b", names="b", patient="P2")
    return tmp_path / "scans"


def test_each_exam_has_one_row_refused_ones_too(two: Path, tmp_path: Path) -> None:
    done = carry_out(Wishes((two,), tmp_path / "out"))
    rows = rows_of(tmp_path / "out" / "scores.csv")
    assert [r["subject_id"] for r in rows] == ["P1", "P2"]
    assert {r["status"] for r in rows} == {"refused"}
    assert all("TOO_FEW_SLICES" in r["reasons"] and r["reasons"].endswith(";VISIT_NOT_GIVEN") for r in rows)
    assert {r["ild_percent"] for r in rows} == {""}
    assert [d.result.row for d in done] == rows


@pytest.mark.parametrize("wish", [{"subject": "0007"}, {"visit": BASELINE}])
def test_one_subject_or_visit_for_two_exams_is_wrong_usage_and_writes_nothing(
    two: Path, tmp_path: Path, wish: dict[str, object]
) -> None:
    with pytest.raises(WrongUsage, match="would cover 2 exams"):
        carry_out(Wishes((two,), tmp_path / "out", **wish))  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_one_exam_takes_the_names_that_the_user_gives(two: Path, tmp_path: Path) -> None:
    carry_out(Wishes((two / "a",), tmp_path / "out", subject="0007", visit=Visit("week_48", 48)))
    (row,) = rows_of(tmp_path / "out" / "scores.csv")
    assert (row["subject_id"], row["visit"], row["visit_week"]) == ("0007", "week_48", "48")
    assert "VISIT_NOT_GIVEN" not in row["reasons"]


def test_an_exam_scored_again_replaces_its_row_and_says_so(two: Path, tmp_path: Path) -> None:
    carry_out(Wishes((two,), tmp_path / "out"))
    (again,) = carry_out(Wishes((two / "a",), tmp_path / "out", visit=BASELINE))
    assert [r["visit"] for r in again.replaced] == ["unscheduled"]
    assert [r["visit"] for r in rows_of(tmp_path / "out" / "scores.csv")] == ["baseline", "unscheduled"]


def test_a_refusal_leaves_the_numbers_that_the_exam_had_and_says_so(two: Path, tmp_path: Path) -> None:
    out, wishes = tmp_path / "out", Wishes((two / "a",), tmp_path / "out", subject="0007", visit=BASELINE)
    (refused,) = carry_out(wishes)
    scored = refused.result.row | {"status": "scored", "ild_percent": "7.00", "reasons": ""}
    assert save_scores(out, [scored]) == (refused.result.row,), "a score takes the place of a refusal"
    (again,) = carry_out(wishes)
    assert (again.result.row["status"], again.replaced) == ("refused", ())
    assert any("0007 keeps the row that this exam had (ILD 7.00 %" in doubt for doubt in again.doubts)
    assert rows_of(out / "scores.csv") == [scored]


def test_another_exam_as_the_same_visit_and_the_same_exam_as_another_subject_stand_and_are_told(
    two: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (first,) = carry_out(Wishes((two / "a",), out, subject="0007", visit=BASELINE))
    (second,) = carry_out(Wishes((two / "b",), out, subject="0007", visit=BASELINE))
    (third,) = carry_out(Wishes((two / "b",), out, subject="0070", visit=BASELINE))
    (fourth,) = carry_out(Wishes((two / "a",), out, subject="0007", visit=Visit("week_48", 48)))
    assert first.doubts == ()
    (doubt,) = second.doubts
    assert doubt == ("0007 already has a baseline from another exam (2025-01-15). "
                     "Both rows stand; check which is which.")
    assert third.doubts == ("This exam also stands in the table as 0007. If that was a mistake, delete that row.",)
    assert fourth.doubts == ()
    rows = [(r["subject_id"], r["visit"]) for r in rows_of(out / "scores.csv")]
    assert rows == [("0007", "week_48"), ("0007", "baseline"), ("0070", "baseline")]


def test_unscheduled_exams_of_one_subject_are_no_doubt(two: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (done,) = carry_out(Wishes((two / name,), tmp_path / "out", subject="0007"))
        assert done.doubts == ()


def test_a_manifest_names_subjects_and_visits_and_missing_exams_are_told(two: Path, tmp_path: Path) -> None:
    (two / "empty").mkdir()
    (tmp_path / "list.csv").write_text("path,subject_id,visit\nscans/b,0008,week_48\nscans/empty,0009,baseline\n")
    wishes = Wishes((two / "a",), tmp_path / "out", manifest=read_manifest(tmp_path / "list.csv"))
    planned = plan(wishes, protocol=PROTOCOL)
    whose = [(exam.named.subject.id, exam.visit) for exam in planned.exams]
    assert whose == [("P1", UNSCHEDULED), ("0008", Visit("week_48", 48))]
    assert [e.row for e in planned.unanswered] == [3]
    assert any("does not name: 1" in note for note in planned.notes)


def test_a_manifest_and_a_subject_together_are_wrong_usage(two: Path, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("path,subject_id,visit\nscans/b,0008,week_48\n")
    manifest = read_manifest(tmp_path / "list.csv")
    with pytest.raises(WrongUsage, match="manifest"):
        plan(Wishes((two,), tmp_path / "out", subject="0007", manifest=manifest), protocol=PROTOCOL)


def test_a_missing_path_is_wrong_usage_and_a_folder_without_images_is_told(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="There is no"):
        plan(Wishes((tmp_path / "none",), tmp_path / "out"), protocol=PROTOCOL)
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("hello")
    with pytest.raises(HrctError) as told:
        plan(Wishes((tmp_path / "texts",), tmp_path / "out"), protocol=PROTOCOL)
    assert told.value.code == "NO_DICOM"


def failing_at(place: int, problem: BaseException, real: Callable[..., Any]) -> Callable[..., Any]:
    """The real work, that fails at one exam."""
    calls = iter(range(100))

    def work(*given: object, **named: object) -> Any:
        if next(calls) == place:
            raise problem
        return real(*given, **named)

    return work


def test_a_fault_in_one_exam_gives_a_refused_row_and_the_others_go_on(
    two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = ZeroDivisionError("DOE^JANE")
    monkeypatch.setattr(score_exams, "score_series", failing_at(0, fault, score_series))
    done = carry_out(Wishes((two,), tmp_path / "out"))
    rows = rows_of(tmp_path / "out" / "scores.csv")
    assert [r["status"] for r in rows] == ["refused", "refused"]
    assert rows[0]["reasons"] == "INTERNAL_ERROR;VISIT_NOT_GIVEN"
    assert "TOO_FEW_SLICES" in rows[1]["reasons"]
    assert rows[0]["slice_thickness_mm"] == "1.000"
    assert done[0].result.findings[0].detail == "ZeroDivisionError"


def test_a_fault_in_making_a_row_gives_a_refused_row_and_the_others_go_on(
    two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score_exams, "result_of", failing_at(0, ZeroDivisionError(), result_of))
    carry_out(Wishes((two,), tmp_path / "out"))
    rows = rows_of(tmp_path / "out" / "scores.csv")
    assert [r["reasons"].split(";")[0] for r in rows] == ["INTERNAL_ERROR", "TOO_FEW_SLICES"]


def measured(series: object, **named: Any) -> Scored:
    """An exam with something to draw."""
    scored = score_series(series, **named)  # type: ignore[arg-type]
    grid = Grid((2, 3, 4), (1.0, 1.0, 1.0))
    labels = LabelMap(np.ones(grid.shape, np.uint8), grid, {})
    lungs = Lungs(labels, np.ones(grid.shape, np.uint8), np.ones(grid.shape, np.uint8))
    volume = Volume(np.zeros(grid.shape, np.int16), grid, scored.score.acquisition)
    return Scored(replace(scored.score, extents=extents()), volume, lungs, Patterns(labels))


def test_a_picture_that_cannot_be_drawn_costs_no_row_and_stops_no_exam(
    two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(score_exams, "score_series", measured)
    monkeypatch.setattr(overlay, "overlay_png", fail)
    done = carry_out(Wishes((two,), tmp_path / "out", overlay=True))
    assert len(rows_of(tmp_path / "out" / "scores.csv")) == 2
    assert [(d.overlay, d.problem) for d in done] == [(None, "")] * 2
    assert all("could not be made" in d.overlay_problem for d in done)


def test_a_file_in_the_place_of_the_pictures_folder_is_told_for_each_exam(
    two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score_exams, "score_series", measured)
    monkeypatch.setattr(overlay, "overlay_png", lambda *given: b"png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "overlays").write_text("mine")
    done = carry_out(Wishes((two,), tmp_path / "out", overlay=True))
    assert len(rows_of(tmp_path / "out" / "scores.csv")) == 2
    assert all("cannot be written" in d.overlay_problem for d in done)
    assert (tmp_path / "out" / "overlays").read_text() == "mine"


def test_two_patients_under_one_study_uid_are_two_rows_with_a_caution(tmp_path: Path) -> None:
    study = write_block(tmp_path / "x" / "a", names="a", patient="P1")
    write_block(tmp_path / "x" / "b", names="b", patient="P2", study=study)
    (tmp_path / "out").mkdir()
    for _ in range(2):
        carry_out(Wishes((tmp_path / "x",), tmp_path / "out"))
        rows = rows_of(tmp_path / "out" / "scores.csv")
        assert [r["subject_id"] for r in rows] == ["P1", "P2"]
        assert all("SUBJECT_UNKNOWN" in r["reasons"] for r in rows)


def test_a_manifest_names_two_patients_under_one_study_uid_but_not_as_one_subject(tmp_path: Path) -> None:
    study = write_block(tmp_path / "x" / "a", names="a", patient="P1")
    write_block(tmp_path / "x" / "b", names="b", patient="P2", study=study)
    manifest = tmp_path / "list.csv"
    manifest.write_text("path,subject_id,visit\nx/a,0007,baseline\nx/b,0008,week_48\n")
    exams = plan(Wishes((), tmp_path / "out", manifest=read_manifest(manifest)), protocol=PROTOCOL).exams
    assert [(e.named.subject.id, e.visit.name) for e in exams] == [("0007", "baseline"), ("0008", "week_48")]
    manifest.write_text("path,subject_id,visit\nx/a,0007,baseline\nx/b,0007,week_48\n")
    with pytest.raises(WrongUsage, match="share a study UID"):
        plan(Wishes((), tmp_path / "out", manifest=read_manifest(manifest)), protocol=PROTOCOL)


def test_stopping_keeps_the_rows_that_were_finished(
    two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score_exams, "score_series", failing_at(1, Cancelled(), score_series))
    told: list[Done] = []
    with pytest.raises(Cancelled):
        carry_out(Wishes((two,), tmp_path / "out"), told)
    assert len(told) == 1
    assert len(rows_of(tmp_path / "out" / "scores.csv")) == 1


def test_a_table_that_is_opened_meanwhile_gets_its_rows_when_it_is_closed(
    two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "out" / ".~lock.scores.csv#"
    mark.parent.mkdir()
    real = score_series

    def with_spreadsheet(*given: object, **named: object) -> Scored:
        if mark.exists():
            mark.unlink()
        else:
            mark.write_text("")
        return real(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(score_exams, "score_series", with_spreadsheet)
    first, second = carry_out(Wishes((two,), tmp_path / "out"))
    assert "open in a spreadsheet" in first.problem
    assert (first.saved_late, second.problem, second.saved_late) == (0, "", 1)
    assert len(rows_of(tmp_path / "out" / "scores.csv")) == 2


def test_a_table_that_stays_open_is_told_at_the_end(two: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".~lock.scores.csv#").write_text("")
    told: list[Done] = []
    with pytest.raises(HrctError, match="open in a spreadsheet"):
        carry_out(Wishes((two,), tmp_path / "out"), told)
    assert len(told) == 2


@pytest.mark.parametrize(
    ("subject", "source", "shown"),
    [("0007", Source.GIVEN, "0007"), ("a/b ../c", Source.GIVEN, "a_b____c"), ("4711", Source.KEPT_PATIENT_ID, "exam")],
)
def test_a_picture_is_named_without_an_identifier_and_without_signs_of_paths(
    subject: str, source: Source, shown: str
) -> None:
    name = file_stem(Named(Subject(subject), source), BASELINE, "1.2.3")
    assert name.startswith(f"{shown}_baseline_")
    assert "/" not in name
    assert name != file_stem(Named(Subject(subject), source), BASELINE, "1.2.4")


def test_the_limits_of_the_protocol_reach_the_rooms_that_read_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_block(tmp_path / "x", names="x", slices=30)
    protocol = replace(PROTOCOL, limits=replace(PROTOCOL.limits, thin_mm=0.8, hole_allowed_mm=6.0))
    seen: dict[str, object] = {}

    def choose(*given: object, **named: object) -> tuple[ExamChoice, ...]:
        seen.update(named)
        return real(*given, **named)  # type: ignore[arg-type]

    def load(series: object, **named: object) -> Volume:
        seen.update(named)
        raise Cancelled

    real = dicom.choose
    monkeypatch.setattr(dicom, "choose", choose)
    monkeypatch.setattr(dicom, "load", load)
    wishes = Wishes((tmp_path / "x",), tmp_path / "out")
    planned = plan(wishes, protocol=protocol)
    with pytest.raises(Cancelled):
        run(planned, wishes, protocol=protocol, now=now, tell=lambda done: None)
    assert (seen["thin_mm"], seen["hole_allowed_mm"]) == (0.8, 6.0)


def test_a_poor_series_beside_a_good_one_is_no_refusal_and_no_row(tmp_path: Path) -> None:
    study = write_block(tmp_path / "x" / "few", names="few", slices=3)
    write_block(tmp_path / "x" / "many", names="many", slices=30, study=study)
    (exam,) = plan(Wishes((tmp_path / "x",), tmp_path / "out"), protocol=PROTOCOL).exams
    assert exam.choice.scan.acquisition.slices == 30
    (done,) = carry_out(Wishes((tmp_path / "x",), tmp_path / "out"))
    assert "TOO_FEW_SLICES" not in done.result.row["reasons"]


def test_the_user_can_overrule_which_series_is_scored(tmp_path: Path) -> None:
    study = write_block(tmp_path / "in" / "long", names="long", slices=12)
    write_block(tmp_path / "in" / "short", names="short", slices=9, study=study)
    planned = plan(Wishes((tmp_path / "in",), tmp_path / "out"), protocol=PROTOCOL)
    (exam,) = planned.exams
    assert exam.choice.scan.acquisition.slices == 12
    uid = exam.choice.others[0][0].acquisition.series_instance_uid
    for text in ("1.2", uid):
        planned = plan(Wishes((tmp_path / "in",), tmp_path / "out", series=(text,)), protocol=PROTOCOL)
        (exam,) = planned.exams
        assert exam.choice.scan.acquisition.slices == 9
        assert [(s.acquisition.slices, why) for s, why in exam.choice.others] == [(12, "Another series was asked for.")]
        assert f"Exam 1: series {text} is scored, as you asked." in planned.notes
    same = plan(Wishes((tmp_path / "in",), tmp_path / "out", series=("1.1",)), protocol=PROTOCOL)
    assert same.exams[0].choice.scan.acquisition.slices == 12
    assert not [note for note in same.notes if "as you asked" in note]


@pytest.mark.parametrize("wanted", [("1.3",), ("2.1",), ("0.1",), ("nonsense",), ("1.1", "1.2")])
def test_a_series_that_is_not_there_or_two_of_one_exam_are_wrong_usage(tmp_path: Path, wanted: tuple[str, ...]) -> None:
    study = write_block(tmp_path / "in" / "long", names="long", slices=12)
    write_block(tmp_path / "in" / "short", names="short", slices=9, study=study)
    with pytest.raises(WrongUsage, match="series"):
        plan(Wishes((tmp_path / "in",), tmp_path / "out", series=wanted), protocol=PROTOCOL)
