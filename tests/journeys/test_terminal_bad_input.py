"""A wrong line or a poor folder gets a plain message and the right exit code, and leaves nothing half-written.

Every case runs the real command. That nobody sees a traceback is asserted wherever the command is run.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.terminal import Home, rows_of, write_block

LONG = "x" * 300
"""A name that no file system here takes."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "home").mkdir()
    return Home(tmp_path / "home")


def nothing_written(home: Home) -> bool:
    return not (home.folder / "out").exists()


@pytest.mark.parametrize("command", [["score", "--out", "out"], ["inspect"]])
def test_a_folder_without_dicom(home: Home, command: list[str]) -> None:
    (home.folder / "scans").mkdir()
    (home.folder / "scans" / "letter.txt").write_text("Dear colleague")
    done = home.run(*command, "scans")
    assert done.returncode == 3
    assert done.stderr == "No DICOM image was found among 1 file. Choose the folder that holds the exam.\n"
    assert done.stdout == ""
    assert nothing_written(home)


@pytest.mark.parametrize("command", [["score", "--out", "out"], ["inspect"], ["compare", "--out", "out", "nowhere"]])
def test_a_path_that_is_not_there(home: Home, command: list[str]) -> None:
    done = home.run(*command, "nowhere")
    assert done.returncode == 2
    assert done.stderr == "There is no 'nowhere'. Check the path.\n"
    assert nothing_written(home)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["score", "."], "This is missing: --out."),
        (["score", ".", "--out", "out", "--colour"], "This is not known here: --colour."),
        (["score", ".", "--out", "out", "--visit", "v48"], "'v48' is not a visit."),
        (["score", ".", "--out", "out", "--subject", "x" * 65], "The subject's name is longer than 64"),
        (["score", ".", "--out", "out", "--manifest", "no.csv"], "The manifest 'no.csv' cannot be read"),
        (["score", "--out", "out"], "No path was named."),
        (["compare", ".", ".", "--out", "out", "--followup-visit", "baseline"], "The follow-up cannot be"),
        (["compare", ".", ".", "--out", "out", "--followup-visit", "week_0"], "'week_0' is not a visit."),
        (["gui", "nowhere"], "There is no 'nowhere'."),
        (["score", LONG, "--out", "out"], f"'{LONG}' cannot be looked at"),
        (["inspect", LONG], f"'{LONG}' cannot be looked at"),
        (["gui", LONG], f"'{LONG}' cannot be looked at"),
        ([], "A command is missing."),
    ],
)
def test_a_line_that_cannot_be_meant(home: Home, arguments: list[str], says: str) -> None:
    done = home.run(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(says)
    assert done.stderr.count("\n") == 1
    assert nothing_written(home)


def test_two_exams_with_one_subject(home: Home) -> None:
    write_block(home.folder / "scans" / "a", names="a")
    write_block(home.folder / "scans" / "b", names="b")
    done = home.run("score", "scans", "--out", "out", "--subject", "0007")
    assert done.returncode == 2
    assert done.stderr.startswith("--subject would cover 2 exams.")
    assert nothing_written(home)


def test_a_pair_of_two_subjects(home: Home) -> None:
    write_block(home.folder / "a", names="a", patient="P1")
    write_block(home.folder / "b", names="b", patient="P2")
    done = home.run("compare", "a", "b", "--out", "out")
    assert done.returncode == 2
    assert done.stderr.startswith("The two exams are of different subjects.")
    assert nothing_written(home)


@pytest.mark.parametrize(("folder", "code"), [("localizer", "LOCALIZER"), ("mr", "NOT_CT")])
def test_only_a_localizer_or_another_modality(home: Home, shared_data: Path, folder: str, code: str) -> None:
    done = home.run("score", shared_data / "robust" / folder, "--out", "out")
    assert done.returncode == 3
    rows = rows_of(home.folder / "out" / "scores.csv")
    assert rows
    assert all(row["status"] == "refused" and row["reasons"].startswith(code) for row in rows)
    assert done.stdout.count(": refused. ") == len(rows)


def test_only_a_file_that_was_cut_off(home: Home) -> None:
    write_block(home.folder / "whole", names="a", slices=1)
    (home.folder / "scans").mkdir()
    whole = next((home.folder / "whole").iterdir()).read_bytes()
    (home.folder / "scans" / "a.dcm").write_bytes(whole[:200])
    done = home.run("score", "scans", "--out", "out")
    assert done.returncode == 3
    assert "damaged" in done.stderr
    assert nothing_written(home)


def test_an_output_folder_that_is_a_file_or_open_in_a_spreadsheet_is_found_before_scoring(home: Home) -> None:
    write_block(home.folder / "scans", names="a", slices=3)
    (home.folder / "file").write_text("mine")
    done = home.run("score", "scans", "--out", "file")
    assert done.returncode == 3
    assert "is a file" in done.stderr
    assert (home.folder / "file").read_text() == "mine"
    (home.folder / "out").mkdir()
    (home.folder / "out" / ".~lock.scores.csv#").write_text("")
    for command in (["score", "scans"], ["compare", "scans", "scans"], ["demo"]):
        done = home.run(*command, "--out", "out")
        assert done.returncode == 3
        assert "is open in a spreadsheet. Close it there and start again." in done.stderr
        assert done.stdout == ""
    assert [p.name for p in (home.folder / "out").iterdir()] == [".~lock.scores.csv#"]


def test_an_output_folder_whose_name_is_too_long_is_told(home: Home) -> None:
    write_block(home.folder / "scans", names="a")
    done = home.run("score", "scans", "--out", LONG)
    assert done.returncode == 3
    assert done.stderr.startswith("'")
    assert done.stderr.endswith("Choose another folder with --out.\n")
    assert "cannot be looked at" in done.stderr


def test_an_output_folder_that_is_read_only(home: Home) -> None:
    write_block(home.folder / "scans", names="a")
    place = "out"
    if os.name != "nt" and os.geteuid() == 0:
        place = "/proc/self/out"  # rights do not bind an administrator; no one can write there
    else:
        (home.folder / "out").mkdir(mode=0o555)
    done = home.run("score", "scans", "--out", place)
    assert done.returncode == 3
    assert "Nothing can be written into" in done.stderr
    assert "--out" in done.stderr


def test_a_table_of_somebody_else_in_the_output_folder_is_left_alone(home: Home) -> None:
    write_block(home.folder / "scans", names="a")
    (home.folder / "out").mkdir()
    (home.folder / "out" / "scores.csv").write_text("subject,weight\n1,70\n")
    done = home.run("score", "scans", "--out", "out")
    assert done.returncode == 3
    assert "a column that this version does not know: 'subject'" in done.stderr
    assert (home.folder / "out" / "scores.csv").read_text() == "subject,weight\n1,70\n"


def test_a_manifest_complains_by_row(home: Home) -> None:
    write_block(home.folder / "scans", names="a")
    (home.folder / "list.csv").write_text("path,subject_id,visit\nscans,0007,baseline\nscans/x,0008,baseline\n")
    done = home.run("score", "--manifest", "list.csv", "--out", "out")
    assert done.returncode == 2
    assert done.stderr.startswith("Row 3 of the manifest: there is no")
    assert nothing_written(home)


def test_a_row_of_the_manifest_without_an_exam_is_told_and_the_others_are_scored(home: Home) -> None:
    write_block(home.folder / "scans", names="a")
    (home.folder / "empty").mkdir()
    (home.folder / "list.csv").write_text("path,subject_id,visit\nscans,0007,baseline\nempty,0008,baseline\n")
    done = home.run("score", "--manifest", "list.csv", "--out", "out")
    assert done.returncode == 3
    assert "Row 3 of the manifest: no exam was found" in done.stderr
    assert [row["subject_id"] for row in rows_of(home.folder / "out" / "scores.csv")] == ["0007"]


def test_missing_slices_are_named_by_their_place(home: Home) -> None:
    write_block(home.folder / "scans", names="a", slices=60)
    files = sorted((home.folder / "scans").iterdir())
    for file in files[20:28]:
        file.unlink()
    done = home.run("score", "scans", "--out", "out")
    assert done.returncode == 3
    (row,) = rows_of(home.folder / "out" / "scores.csv")
    assert "MISSING_SLICES" in row["reasons"].split(";")
    assert "MISSING_SLICES: 8 slices missing at z = " in done.stdout
    assert "-80" in done.stdout, "slice 20 lies at -100 + 20 mm"


def test_a_secret_that_cannot_be_kept_is_told(home: Home) -> None:
    write_block(home.folder / "scans", names="a", patient="")
    (home.folder / "blocked").write_text("not a secret")
    done = home.run("score", "scans", "--out", "out", "--secret", "blocked")
    assert done.returncode == 3
    assert "does not hold a secret" in done.stderr
    assert nothing_written(home)
