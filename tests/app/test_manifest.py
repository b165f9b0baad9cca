"""A list of exams from a spreadsheet; every complaint names the row."""

from __future__ import annotations

from pathlib import Path

import pytest

from ssc_hrct.app.manifest import read_manifest
from ssc_hrct.core.errors import WrongUsage
from ssc_hrct.core.subject import BASELINE, Visit


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    for name in ("a", "b"):
        (folder / name).mkdir(exist_ok=True)
    file = folder / "list.csv"
    file.write_bytes(text.encode(encoding))
    return file


def test_rows_name_subject_and_visit_and_paths_start_at_the_manifest(tmp_path: Path) -> None:
    file = write(tmp_path, "path,subject_id,visit\na,0007,baseline\nb,,week_48\n1.2.840.5.6,x,\n")
    entries = read_manifest(file).entries
    assert [(e.row, e.path, e.study_uid, e.subject_id, e.visit) for e in entries] == [
        (2, tmp_path / "a", None, "0007", BASELINE),
        (3, tmp_path / "b", None, None, Visit("week_48", 48)),
        (4, None, "1.2.840.5.6", "x", None),
    ]


@pytest.mark.parametrize(
    "text",
    ["\ufeffPath,Subject_ID,Visit,notes\r\na,0007,Baseline,\"said, twice\"\r\n\r\n",
     "path;subject_id;visit\na;0007;baseline\n",
     "visit,subject_id,path\nbaseline,0007,a\n"],
)
def test_it_may_come_from_any_spreadsheet(tmp_path: Path, text: str) -> None:
    (entry,) = read_manifest(write(tmp_path, text)).entries
    assert (entry.path, entry.subject_id, entry.visit) == (tmp_path / "a", "0007", BASELINE)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("path,subject_id,visit\na,1,baseline\nb,2,v48\n", r"Row 3.*'v48' is not a visit"),
        ("path,subject_id,visit\nnowhere,1,baseline\n", r"Row 2.*there is no"),
        ("path,subject_id,visit\na,1,baseline\n" + "x" * 300 + ",1,baseline\n", r"Row 3.*cannot be looked at"),
        ("path,subject_id,visit\n1.2.3." + "4" * 300 + ",1,baseline\n", r"Row 2.*cannot be looked at"),
        ("path,subject_id,visit\na,1,baseline\n,2,baseline\n", r"Row 3.*neither"),
        ("path,study_instance_uid,subject_id,visit\na,1.2.3.4,1,baseline\n", r"Row 2.*both"),
        ("path,subject_id,visit\na," + "x" * 65 + ",baseline\n", r"Row 2.*64"),
        ("path,subject_id,visit\na,1,baseline\na/,2,week_48\n", r"Rows 2 and 3"),
        ("path,subject_id,visit\na,1,baseline,x,y\n", r"Row 2.*more cells"),
        ("path,subject\na,1\n", r"Row 1.*subject_id"),
        ("folder,subject_id,visit\na,1,baseline\n", r"Row 1.*no column path"),
        ("path,subject_id,visit,visit\na,1,baseline,week_48\n", r"Row 1.*twice"),
        ('path,subject_id,visit\na,"1,baseline\n', r"Row \d.*not proper CSV"),
        ("", "is empty"),
        ("path,subject_id,visit\n", "lists no exam"),
    ],
)
def test_what_is_wrong_is_told_with_its_row(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(WrongUsage, match=says):
        read_manifest(write(tmp_path, text))


def test_a_file_in_another_encoding_or_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="CSV UTF-8"):
        read_manifest(write(tmp_path, "path,subject_id,visit\na,Jörg,baseline\n", "latin-1"))
    with pytest.raises(WrongUsage, match="cannot be read"):
        read_manifest(tmp_path / "none.csv")


def test_an_exam_answers_to_the_row_whose_folder_holds_its_files_or_that_names_its_uid(tmp_path: Path) -> None:
    manifest = read_manifest(write(tmp_path, "path,subject_id,visit\na,1,baseline\n1.2.3.9,2,baseline\nb,3,baseline\n"))
    exams = [("1.2.3.1", [tmp_path / "a" / "deep" / "x"]), ("1.2.3.9", [tmp_path / "c" / "y"]),
             ("1.2.3.7", [tmp_path / "c" / "z"])]
    taken, unanswered = manifest.assign(exams)
    assert [entry and entry.row for entry in taken] == [2, 3, None]
    assert [entry.row for entry in unanswered] == [4]


def test_a_row_may_name_one_file(tmp_path: Path) -> None:
    file = write(tmp_path, "path,subject_id,visit\na/x.dcm,1,baseline\n".replace("a/x.dcm", "x.dcm"))
    with pytest.raises(WrongUsage, match="there is no"):
        read_manifest(file)
    (tmp_path / "x.dcm").write_bytes(b"")
    (taken,), _ = read_manifest(file).assign([("1.2", [tmp_path / "x.dcm"])])
    assert taken is not None
    assert taken.row == 2


def test_a_row_that_would_cover_several_exams_is_wrong_usage(tmp_path: Path) -> None:
    manifest = read_manifest(write(tmp_path, "path,subject_id,visit\na,1,baseline\n"))
    with pytest.raises(WrongUsage, match="Row 2 of the manifest covers several exams"):
        manifest.assign([("1.1", [tmp_path / "a" / "x"]), ("1.2", [tmp_path / "a" / "y"])])


def test_two_exams_under_one_study_uid_each_have_their_row_and_one_row_by_uid_covers_both(tmp_path: Path) -> None:
    exams = [("1.2.3.1", [tmp_path / "a" / "x"]), ("1.2.3.1", [tmp_path / "b" / "y"])]
    by_path = read_manifest(write(tmp_path, "path,subject_id,visit\na,1,baseline\nb,2,baseline\n"))
    assert [entry and entry.subject_id for entry in by_path.assign(exams)[0]] == ["1", "2"]
    by_uid = read_manifest(write(tmp_path, "path,subject_id,visit\n1.2.3.1,1,baseline\n"))
    with pytest.raises(WrongUsage, match="Row 2 of the manifest covers several exams"):
        by_uid.assign(exams)


def test_two_rows_for_one_exam_are_wrong_usage(tmp_path: Path) -> None:
    manifest = read_manifest(write(tmp_path, "path,subject_id,visit\na,1,baseline\n1.2.3.1,2,baseline\n"))
    with pytest.raises(WrongUsage, match="Rows 2 and 3"):
        manifest.assign([("1.2.3.1", [tmp_path / "a" / "x"])])
