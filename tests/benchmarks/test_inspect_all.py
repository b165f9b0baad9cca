"""What `inspect` says of the real scans and of every awkward file: a plain message, and nobody's name."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import FileDataset

from benchmarks.inspect_all import Seen, folders, identifiers, seen, without_places, wrong_in
from tests.dicom.making import change
from tests.terminal import write_block


def test_a_made_up_exam_is_seen_as_it_is(tmp_path: Path) -> None:
    write_block(tmp_path / "in", names="seen", slices=30)
    assert seen(tmp_path) == Seen(0, 1, 1, 1, "Exam 1, 2025-01-15", ())
    (tmp_path / "none").mkdir()
    nothing = seen(tmp_path / "none")
    assert (nothing.code, nothing.exams, nothing.wrong) == (3, 0, ())


def test_what_must_not_be_said_is_found_wherever_it_stands(tmp_path: Path) -> None:
    def name(dataset: FileDataset, index: int) -> None:
        dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = "DOE^JANE", "MRN-4711", "19501231"

    write_block(tmp_path / "MRN-4711", names="named", slices=2)
    files = sorted((tmp_path / "MRN-4711").iterdir())
    change(files, name)
    words = identifiers(files)
    assert {"JANE", "MRN-4711", "19501231", "1950-12-31"} <= words
    assert wrong_in(0, without_places(f"CT, in {files[0].parent}", files), words) == []
    assert wrong_in(0, "born 1950-12-31", words) == ["an identifier (10 digits)"]
    assert wrong_in(1, "Traceback: JANE", words) == ["traceback", "exit code 1", "an identifier (4 signs)"]
    assert wrong_in(3, "", words) == ["nothing is said"]


@pytest.mark.slow
def test_no_folder_of_the_real_scans_brings_a_traceback_or_a_name(shared_data: Path) -> None:
    told = {folder: seen(folder) for folder in folders(shared_data)}
    assert len(told) > 15
    assert {str(folder): one.wrong for folder, one in told.items() if one.wrong} == {}
    assert all(one.scorable for folder, one in told.items() if folder.parent.name == "ct")
