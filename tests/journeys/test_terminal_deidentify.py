"""Copies without identity in a terminal: two visits of a patient, beside what may not go out."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import FileDataset

from tests.dicom.making import change
from tests.terminal import Home, write_block

NAMES = ("CANARYLAST^FIRST", "CANARY-4711", "canary lane")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "home").mkdir()
    return Home(tmp_path / "home")


def exams(folder: Path) -> None:
    def name(dataset: FileDataset, index: int) -> None:
        dataset.PatientName, dataset.PatientID, dataset.StudyDescription = NAMES
        dataset.PatientIdentityRemoved = "NO"

    for visit, day in (("first", "2024-03-01"), ("second", "2025-02-01")):
        place = folder / f"{NAMES[0]} {visit}"
        write_block(place, names=visit, scan_date=day)
        change(sorted(place.iterdir()), name)
    page = sorted((folder / f"{NAMES[0]} first").iterdir())[-1]
    change([page], lambda dataset, _: setattr(dataset, "SOPClassUID", "1.2.840.10008.5.1.4.1.1.7"))
    (folder / "readme.txt").write_text("no DICOM")


def written(folder: Path) -> dict[str, FileDataset]:
    return {str(f.relative_to(folder)): pydicom.dcmread(f) for f in sorted(folder.rglob("*")) if f.is_file()}


def test_two_visits_come_out_as_one_subject_without_any_name(home: Home) -> None:
    exams(home.folder / "in")
    done = home.run("deidentify", "in", "--out", "out", "--dates", "shift")
    assert done.returncode == 0, done.stderr
    copies = written(home.folder / "out")
    assert len(copies) == 19
    subjects = {copy.PatientID for copy in copies.values()}
    assert len(subjects) == 1
    (subject,) = subjects
    assert subject.startswith("subj-")
    assert all(name.startswith(f"{subject}/exam-0") for name in copies)
    days = sorted({copy.StudyDate for copy in copies.values()})
    assert len(days) == 2
    assert "20240301" not in days
    everything = b"".join(f.read_bytes() for f in (home.folder / "out").rglob("*") if f.is_file()).lower()
    shown = done.stdout + done.stderr + "".join(copies)
    for canary in ("canarylast", "canary-4711", "canary lane"):
        assert canary.encode() not in everything
        assert canary not in shown.lower()
    assert "Left out, 1 file: it is no CT image" in done.stderr
    assert "Left out, 1 file: it is no DICOM" in done.stderr
    again = home.run("deidentify", "in", "--out", "again", "--dates", "shift")
    assert again.returncode == 0
    assert [c.SOPInstanceUID for c in written(home.folder / "again").values()] == [
        c.SOPInstanceUID for c in copies.values()]


def test_a_folder_with_something_in_it_is_not_mixed_up(home: Home) -> None:
    exams(home.folder / "in")
    (home.folder / "out").mkdir()
    (home.folder / "out" / "mine").write_text("stays")
    done = home.run("deidentify", "in", "--out", "out")
    assert done.returncode == 3
    assert "is not empty" in done.stderr
    assert [f.name for f in (home.folder / "out").iterdir()] == ["mine"]


def test_one_name_cannot_stand_for_two_patients(home: Home) -> None:
    write_block(home.folder / "in" / "a", names="a", patient="P1")
    write_block(home.folder / "in" / "b", names="b", patient="P2")
    done = home.run("deidentify", "in", "--out", "out", "--subject", "0007")
    assert done.returncode == 2
    assert not (home.folder / "out").exists()
    one = home.run("deidentify", "in/a", "--out", "out", "--subject", "0007", "--dates", "drop")
    assert one.returncode == 0
    assert {(c.PatientID, c.StudyDate) for c in written(home.folder / "out").values()} == {("0007", "")}


def test_a_number_in_files_that_call_themselves_nameless_becomes_a_pseudonym_too(home: Home) -> None:
    write_block(home.folder / "in", names="a", patient="MRN4711")
    done = home.run("deidentify", "in", "--out", "out")
    assert done.returncode == 0
    assert "MRN4711" not in done.stdout + done.stderr + "".join(written(home.folder / "out"))
    assert {c.PatientID[:5] for c in written(home.folder / "out").values()} == {"subj-"}
