"""scores.csv and comparison.csv on disk: the contract, from the side of who reads and who is in the way."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.rows import COMPARISON_COLUMNS, SCORE_COLUMNS, Row
from ssc_hrct.export import COMPARISONS, SCORES, check_writable, csv_text, merge_rows, read_rows
from ssc_hrct.export.cells import from_cell, to_cell


def a_row(subject: str = "0007", study: str = "1.2.3", **more: str) -> Row:
    row = dict.fromkeys((c.name for c in SCORE_COLUMNS), "")
    row |= {"schema_version": "1", "subject_id": subject, "study_instance_uid": study, "visit": "baseline",
            "status": "scored", "score_kind": "automatic", "score_version": "1", "mean_lung_density_hu": "-843.2"}
    return row | more


def plain_cells(path: Path) -> list[dict[str, str]]:
    """As a program that knows nothing of ours reads it."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_file_is_utf8_with_commas_and_crlf_and_the_columns_of_the_contract(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    merge_rows(path, [a_row(kernel='B60f, "sharp"', manufacturer="Größe")], SCORES)
    data = path.read_bytes()
    assert not data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\r\n") == 2 == data.count(b"\n")
    first = data.decode("utf-8").splitlines()[0].split(",")
    assert first[:7] == ["schema_version", "subject_id", "visit", "visit_week", "scan_date", "status", "reasons"]
    assert first[first.index("study_instance_uid") + 1:] == [
        "ild_percent_low", "ild_percent_high", "fibrosis_percent_low", "fibrosis_percent_high", "severity_stability"]
    row = plain_cells(path)[0]
    assert row["kernel"] == 'B60f, "sharp"'
    assert row["manufacturer"] == "Größe"
    assert row["mean_lung_density_hu"] == "-843.2"


def test_the_comparison_begins_with_the_columns_of_the_contract() -> None:
    assert " ".join(c.name for c in COMPARISON_COLUMNS) == (
        "schema_version subject_id baseline_visit followup_visit comparability reasons baseline_severity "
        "followup_severity baseline_ild_percent followup_ild_percent ild_change_points baseline_fibrosis_percent "
        "followup_fibrosis_percent fibrosis_change_points baseline_lung_volume_ml followup_lung_volume_ml "
        "lung_volume_change_percent"
    )


def test_scoring_an_exam_again_replaces_its_row_whatever_the_visit_or_series(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    merge_rows(path, [a_row(study="1.1"), a_row(study="1.2")], SCORES)
    replaced = merge_rows(path, [a_row(study="1.1", visit="week_48", series_instance_uid="9")], SCORES)
    assert [r["visit"] for r in replaced] == ["baseline"]
    rows = plain_cells(path)
    assert [(r["study_instance_uid"], r["visit"], r["series_instance_uid"]) for r in rows] == [
        ("1.1", "week_48", "9"), ("1.2", "baseline", ""),
    ]


def test_one_exam_under_another_subject_is_another_row(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    merge_rows(path, [a_row("a")], SCORES)
    assert merge_rows(path, [a_row("b")], SCORES) == ()
    assert [r["subject_id"] for r in plain_cells(path)] == ["a", "b"]


def test_an_automatic_row_never_replaces_a_corrected_one(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    corrected = a_row(score_kind="corrected", score_version="2", reader_id="r1")
    merge_rows(path, [a_row(ild_percent="1.00"), corrected], SCORES)
    replaced = merge_rows(path, [a_row(ild_percent="2.00")], SCORES)
    assert [r["ild_percent"] for r in replaced] == ["1.00"]
    assert [(r["score_kind"], r["ild_percent"]) for r in plain_cells(path)] == [
        ("automatic", "2.00"), ("corrected", ""),
    ]


def test_rows_typed_twice_by_hand_become_one_and_both_are_returned(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_bytes(csv_text([a_row(), a_row("x"), a_row()], SCORES).encode())
    assert len(merge_rows(path, [a_row(visit="week_48")], SCORES)) == 2
    assert [r["visit"] for r in plain_cells(path)] == ["week_48", "baseline"]


def test_a_comparison_is_one_row_per_subject_and_pair_of_visits(tmp_path: Path) -> None:
    path = tmp_path / "comparison.csv"
    pair = {"schema_version": "1", "subject_id": "a", "baseline_visit": "baseline", "followup_visit": "week_48"}
    merge_rows(path, [pair], COMPARISONS)
    assert len(merge_rows(path, [pair | {"comparability": "comparable"}], COMPARISONS)) == 1
    assert merge_rows(path, [pair | {"followup_visit": "week_96"}], COMPARISONS) == ()
    assert len(plain_cells(path)) == 2


def test_an_unknown_column_is_refused_and_the_file_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("schema_version,subject_id,weight\r\n1,a,70\r\n")
    before = path.read_bytes()
    for act in (lambda: check_writable(path, SCORES), lambda: merge_rows(path, [a_row()], SCORES)):
        with pytest.raises(HrctError, match="'weight'") as told:
            act()
        assert told.value.code == "UNKNOWN_TABLE"
    assert path.read_bytes() == before


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_bytes(csv_text([a_row(schema_version="2")], SCORES).encode())
    with pytest.raises(HrctError) as told:
        check_writable(path, SCORES)
    assert told.value.code == "NEWER_SCHEMA"


def test_a_table_of_an_older_program_that_lacks_later_columns_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    full = csv_text([a_row()], SCORES).splitlines()
    drop = [c.name for c in SCORE_COLUMNS].index("edited_ml")
    cut = [",".join(v for i, v in enumerate(line.split(",")) if i != drop) for line in full]
    path.write_text("\n".join(cut) + "\n")
    merge_rows(path, [a_row("b")], SCORES)
    assert [r["subject_id"] for r in plain_cells(path)] == ["0007", "b"]


def test_a_table_from_before_the_intervals_is_merged_into_and_its_rows_have_none(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("schema_version,subject_id,visit,status,software_version,protocol_id,protocol_sha256,score_kind,"
                    "score_version,scored_at_utc,ild_percent,study_instance_uid\n"
                    "1,a,baseline,scored,0.1.0,default-1,ab,automatic,1,2026-01-31T09:30:00Z,7.25,1.2.3\n")
    merge_rows(path, [a_row("b", ild_percent="8.00", ild_percent_low="7.10", ild_percent_high="9.30")], SCORES)
    told = [(r["ild_percent"], r["ild_percent_low"], r["ild_percent_high"]) for r in plain_cells(path)]
    assert told == [("7.25", "", ""), ("8.00", "7.10", "9.30")]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"schema_version;subject_id\r\n1;a\r\n", "semicolons"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"subject_id\r\na\r\n", "lacks the column"),
    ],
)
def test_a_file_that_is_not_ours_is_refused_with_its_reason(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "scores.csv"
    path.write_bytes(content)
    with pytest.raises(HrctError, match=says):
        check_writable(path, SCORES)
    assert path.read_bytes() == content


def test_a_short_row_is_named_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text(csv_text([a_row()], SCORES) + "1,b\r\n")
    with pytest.raises(HrctError, match="row 3 has 2 cells"):
        check_writable(path, SCORES)


def test_a_table_that_a_spreadsheet_saved_with_a_mark_in_front_is_read(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_bytes(b"\xef\xbb\xbf" + csv_text([a_row()], SCORES).encode())
    assert read_rows(path, SCORES) == [a_row()]


@pytest.mark.parametrize("text", ["=1+1", "+49", "-B60", "@SUM(A1)", "\tx", "'=1", "''-"])
def test_text_that_a_spreadsheet_would_run_is_kept_from_running_and_comes_back_whole(tmp_path: Path, text: str) -> None:
    path = tmp_path / "scores.csv"
    merge_rows(path, [a_row(text, kernel=text)], SCORES)
    assert plain_cells(path)[0]["kernel"].startswith("'")
    assert read_rows(path, SCORES)[0]["kernel"] == text
    assert merge_rows(path, [a_row(text)], SCORES), "found again by its name"


@pytest.mark.parametrize("text", ["001", "1e5", "2-3", "O'Neil", "'quoted'"])
def test_other_names_stand_as_they_are(tmp_path: Path, text: str) -> None:
    path = tmp_path / "scores.csv"
    merge_rows(path, [a_row(text)], SCORES)
    assert plain_cells(path)[0]["subject_id"] == text


@given(st.text(max_size=12))
def test_every_text_survives_its_cell(text: str) -> None:
    column = next(c for c in SCORE_COLUMNS if c.name == "kernel")
    assert from_cell(to_cell(text, column), column) == text


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), min_size=1, max_size=4))
def test_every_row_survives_the_file(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    path = tmp_path_factory.mktemp("round") / "scores.csv"
    rows = [a_row(str(i), kernel=text, model=text[::-1]) for i, text in enumerate(texts)]
    merge_rows(path, rows, SCORES)
    assert read_rows(path, SCORES) == rows


def test_an_output_folder_that_is_a_file_is_named_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(HrctError, match="is a file"):
        check_writable(tmp_path / "out" / "scores.csv", SCORES)
    with pytest.raises(HrctError, match="is a file"):
        check_writable(tmp_path / "out" / "deeper" / "scores.csv", SCORES)


def test_an_output_folder_whose_name_the_system_refuses_is_told(tmp_path: Path) -> None:
    with pytest.raises(HrctError, match="cannot be looked at") as told:
        check_writable(tmp_path / ("x" * 300) / "scores.csv", SCORES)
    assert told.value.code == "OUTPUT_NOT_WRITABLE"


def test_a_folder_in_the_place_of_the_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").mkdir()
    with pytest.raises(HrctError, match="a folder of that name"):
        check_writable(tmp_path / "scores.csv", SCORES)


def test_a_table_open_in_libreoffice_is_found_and_the_sentence_says_what_to_close(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    merge_rows(path, [a_row()], SCORES)
    (tmp_path / ".~lock.scores.csv#").write_text(",user,desk,01.01.2026 10:00,file:///...;")
    before = path.read_bytes()
    for act in (lambda: check_writable(path, SCORES), lambda: merge_rows(path, [a_row("b")], SCORES)):
        with pytest.raises(HrctError, match="open in a spreadsheet") as told:
            act()
        assert "Close it" in told.value.do
    assert path.read_bytes() == before


def test_a_table_marked_read_only_is_found_even_by_an_administrator(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    merge_rows(path, [a_row()], SCORES)
    path.chmod(0o444)
    with pytest.raises(HrctError, match="read-only"):
        check_writable(path, SCORES)


def test_a_table_held_open_as_windows_does_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows answers PermissionError to whoever opens a file that Excel holds."""
    path = tmp_path / "scores.csv"
    merge_rows(path, [a_row()], SCORES)
    real = Path.open

    def held(self: Path, mode: str = "r", *args: object, **more: object) -> object:
        if self == path and mode == "r+b":
            raise PermissionError(13, "Permission denied")
        return real(self, mode, *args, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", held)
    with pytest.raises(HrctError, match="open in another program"):
        check_writable(path, SCORES)


def test_a_place_where_nothing_can_be_written_is_found(tmp_path: Path) -> None:
    """/proc takes no file from anyone, administrators included."""
    if not Path("/proc/self").exists():
        pytest.skip("This system has no /proc.")
    with pytest.raises(HrctError, match="Nothing can be written") as told:
        check_writable(Path("/proc/self/out/scores.csv"), SCORES)
    assert told.value.code == "OUTPUT_NOT_WRITABLE"
    assert list(tmp_path.iterdir()) == []


def test_looking_leaves_nothing_behind(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b" / "scores.csv", SCORES)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_rename_leaves_the_old_table_and_no_scraps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "scores.csv"
    merge_rows(path, [a_row()], SCORES)
    before = path.read_bytes()

    def refused(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(HrctError):
        merge_rows(path, [a_row("b")], SCORES)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir() if p.name != ".scores.csv.lock"] == ["scores.csv"]


def test_what_a_killed_run_left_aside_is_cleared(tmp_path: Path) -> None:
    (tmp_path / ".scores.csv.99999.aside").write_text("half")
    merge_rows(tmp_path / "scores.csv", [a_row()], SCORES)
    assert not (tmp_path / ".scores.csv.99999.aside").exists()


def test_the_table_keeps_its_rights_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "kept" / "scores.csv"
    merge_rows(real, [a_row()], SCORES)
    real.chmod(0o640)
    link = tmp_path / "scores.csv"
    link.symlink_to(real)
    merge_rows(link, [a_row("b")], SCORES)
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert len(plain_cells(real)) == 2


def test_two_programs_that_write_at_once_lose_no_row(tmp_path: Path) -> None:
    """Each of two processes puts in 15 rows, one at a time."""
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.export.test_csv_file import a_row\n"
        "from ssc_hrct.export import SCORES, merge_rows\n"
        "for i in range(15):\n"
        "    merge_rows(Path(sys.argv[1]), [a_row(f'{sys.argv[2]}{i}')], SCORES)\n"
    )
    path = tmp_path / "scores.csv"
    root = Path(__file__).resolve().parents[2]
    both = [
        subprocess.Popen([sys.executable, "-c", code, str(path), name], cwd=root, env=os.environ | {"PYTHONPATH": "."})
        for name in "ab"
    ]
    assert [p.wait(60) for p in both] == [0, 0]
    assert len(plain_cells(path)) == 30
