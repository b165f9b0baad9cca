"""Planning a pair: one exam on each side, one subject, the visit from the dates; a refused side is still written."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ssc_hrct.app.assets import default_protocol
from ssc_hrct.app.compare import PairWishes, plan_pair, run_pair
from ssc_hrct.app.score_exams import Wishes, plan, run
from ssc_hrct.core.errors import HrctError, WrongUsage
from ssc_hrct.core.subject import BASELINE, Visit
from tests.terminal import rows_of, write_block

PROTOCOL = default_protocol()


def pair(tmp_path: Path, *, patient: str = "P1", date: str | None = "2025-12-17", **wish: object) -> PairWishes:
    write_block(tmp_path / "a", names="a", patient="P1", scan_date="2025-01-15")
    write_block(tmp_path / "b", names="b", patient=patient, scan_date=date)
    return PairWishes(tmp_path / "a", tmp_path / "b", tmp_path / "out", **wish)  # type: ignore[arg-type]


@pytest.mark.parametrize(("date", "visit"), [("2025-12-17", "week_48"), ("2025-06-01", "unscheduled")])
def test_the_visit_of_the_follow_up_comes_from_the_dates(tmp_path: Path, date: str, visit: str) -> None:
    planned = plan_pair(pair(tmp_path, date=date), protocol=PROTOCOL)
    assert (planned.baseline.visit.name, planned.followup.visit.name) == ("baseline", visit)
    expected = [] if visit == "week_48" else ["VISIT_NOT_GIVEN"]
    assert [f.code for f in planned.known] == [f.code for f in planned.followup.findings] == expected
    assert planned.baseline.findings == ()


def test_a_named_visit_wins_over_the_dates(tmp_path: Path) -> None:
    planned = plan_pair(pair(tmp_path, followup_visit=Visit("week_96", 96)), protocol=PROTOCOL)
    assert planned.followup.visit.name == "week_96"
    assert planned.known == ()


def test_two_subjects_need_one_name(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="different subjects"):
        plan_pair(pair(tmp_path, patient="P2"), protocol=PROTOCOL)
    planned = plan_pair(pair(tmp_path, patient="P2", subject="0007"), protocol=PROTOCOL)
    assert planned.baseline.named.subject.id == planned.followup.named.subject.id == "0007"


def test_subjects_that_nobody_knows_need_one_name_too(tmp_path: Path) -> None:
    write_block(tmp_path / "c", names="c", patient="")
    write_block(tmp_path / "d", names="d", patient="")
    wishes = PairWishes(tmp_path / "c", tmp_path / "d", tmp_path / "out", secret=tmp_path / "secret")
    with pytest.raises(WrongUsage, match="could not be told"):
        plan_pair(wishes, protocol=PROTOCOL)


def test_a_side_with_two_exams_or_the_same_exam_twice_is_wrong_usage(tmp_path: Path) -> None:
    wishes = pair(tmp_path)
    with pytest.raises(WrongUsage, match="holds 2 exams"):
        plan_pair(PairWishes(wishes.baseline, tmp_path, wishes.out), protocol=PROTOCOL)
    with pytest.raises(WrongUsage, match="the same exam"):
        plan_pair(PairWishes(wishes.baseline, wishes.baseline, wishes.out), protocol=PROTOCOL)


def test_a_side_without_images_is_told(tmp_path: Path) -> None:
    wishes = pair(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(HrctError) as told:
        plan_pair(PairWishes(wishes.baseline, tmp_path / "empty", wishes.out), protocol=PROTOCOL)
    assert told.value.code == "NO_DICOM"


def test_refused_sides_are_written_and_not_compared(tmp_path: Path) -> None:
    wishes = pair(tmp_path)
    planned = plan_pair(wishes, protocol=PROTOCOL)

    def now() -> datetime:
        return datetime(2026, 1, 31, tzinfo=UTC)

    compared = run_pair(planned, wishes, protocol=PROTOCOL, now=now)
    assert [r["visit"] for r in rows_of(wishes.out / "scores.csv")] == ["baseline", "week_48"]
    (row,) = rows_of(wishes.out / "comparison.csv")
    assert (row["comparability"], row["reasons"].split(";")[0]) == ("not_comparable", "SIDE_REFUSED")
    assert row["ild_change_points"] == row["lung_volume_change_percent"] == ""
    again = run_pair(planned, wishes, protocol=PROTOCOL, now=now)
    assert (len(compared.replaced), len(again.replaced), len(again.replaced_comparisons)) == (0, 2, 1)


@pytest.mark.parametrize(
    ("changed", "apart"),
    [({"PatientID": "P-4712"}, "patient number"), ({"PatientBirthDate": "19610101"}, "birth date"),
     ({"PatientSex": "M"}, "sex"), ({"PatientID": "P-4712", "PatientSex": "M"}, "patient number, sex"),
     ({"PatientID": "", "PatientBirthDate": "", "PatientSex": ""}, None), ({}, None)],
)
def test_headers_of_different_patients_are_a_caution_that_names_nobody(
    tmp_path: Path, changed: dict[str, str], apart: str | None
) -> None:
    import pydicom

    wishes = pair(tmp_path, subject="0007")
    usual = {"PatientID": "P-4711", "PatientBirthDate": "19600101", "PatientSex": "F"}
    for side, said in (("a", usual), ("b", usual | changed)):
        for file in (tmp_path / side).iterdir():
            image = pydicom.dcmread(file)
            for tag, value in said.items():
                setattr(image, tag, value)
            image.save_as(file)
    planned = plan_pair(wishes, protocol=PROTOCOL)
    assert [(f.code, f.detail) for f in planned.known] == ([("IDENTITY_DIFFERS", apart)] if apart else [])
    assert planned.followup.findings == (), "it is of the pair, and not of a scan"
    run_pair(planned, wishes, protocol=PROTOCOL, now=lambda: datetime(2026, 1, 31, tzinfo=UTC))
    (row,) = rows_of(wishes.out / "comparison.csv")
    assert ("IDENTITY_DIFFERS" in row["reasons"].split(";")) is bool(apart)


def test_a_baseline_that_the_subject_has_from_another_exam_is_told(tmp_path: Path) -> None:
    wishes = pair(tmp_path, subject="0007")
    write_block(tmp_path / "c", names="c", patient="P1", scan_date="2000-01-01")
    other = Wishes((tmp_path / "c",), wishes.out, subject="0007", visit=BASELINE)

    def now() -> datetime:
        return datetime(2026, 1, 31, tzinfo=UTC)

    run(plan(other, protocol=PROTOCOL), other, protocol=PROTOCOL, now=now, tell=lambda done: None)
    compared = run_pair(plan_pair(wishes, protocol=PROTOCOL), wishes, protocol=PROTOCOL, now=now)
    (doubt,) = compared.doubts
    assert doubt == ("0007 already has a baseline from another exam (2000-01-01). "
                     "Both rows stand; check which is which.")
