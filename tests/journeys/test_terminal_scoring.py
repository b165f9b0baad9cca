"""The main job in a terminal, on a small made-up chest: score, score again, compare; with the real command.

The command runs where PySide6 cannot be imported (tests/terminal.py), so every journey here shows that scoring
needs no window.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from ssc_hrct.app.made_up import Truth
from ssc_hrct.core.grade import STABILITIES
from tests.terminal import Home, rows_of, write_block, write_small_chest

FORBIDDEN = ("P-4711", "DOE")


@dataclass(frozen=True, slots=True)
class Chests:
    baseline: Path
    week_48: Path
    truths: tuple[Truth, Truth]


@pytest.fixture(scope="module")
def chests(tmp_path_factory: pytest.TempPathFactory) -> Chests:
    folder = tmp_path_factory.mktemp("chests")
    truths = (
        write_small_chest(folder / "a", names="small/a", ild_percent=7.5, scan_date="2025-01-15"),
        write_small_chest(folder / "b", names="small/b", ild_percent=15.0, scan_date="2025-12-17"),
    )
    return Chests(folder / "a", folder / "b", truths)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "home").mkdir()
    return Home(tmp_path / "home")


def test_a_chest_is_scored_with_json_and_a_picture(home: Home, chests: Chests) -> None:
    done = home.run("score", chests.baseline, "--out", "out", "--visit", "baseline", "--json", "--overlay")
    assert done.returncode == 0
    (shown,) = json.loads(done.stdout)
    (row,) = rows_of(home.folder / "out" / "scores.csv")
    assert shown["row"] == row
    assert (row["subject_id"], row["status"], row["visit_week"]) == ("SMALL", "scored_with_caution", "0")
    assert abs(float(row["lung_volume_ml"]) / float(chests.truths[0].lung_ml) - 1) < 0.05
    truth = chests.truths[0].ild_percent
    assert truth is not None
    assert abs(float(row["ild_percent"]) - float(truth)) < 4, "the grid is coarse: right to a few points"
    for name in ("ild_percent", "fibrosis_percent"):
        low, extent, high = (float(row[f"{name}{end}"]) for end in ("_low", "", "_high"))
        assert 0 <= low <= extent <= high <= 100
        assert low < high
    assert row["severity_stability"] in STABILITIES
    assert len(shown["slices"]) == 106
    levels = {finding["code"]: finding["level"] for finding in shown["findings"]}
    assert levels["THICK_SLICES"] == "caution"
    assert ";".join(levels) == row["reasons"]
    assert "SMALL, baseline: scored with caution. ILD" in done.stderr
    (picture,) = (home.folder / "out" / "overlays").iterdir()
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in (home.folder / "out").iterdir()) == [".scores.csv.lock", "overlays", "scores.csv"]


def test_a_pair_is_scored_and_compared(home: Home, chests: Chests) -> None:
    done = home.run("compare", chests.baseline, chests.week_48, "--out", "out", "--subject", "0007")
    assert done.returncode == 0
    rows = rows_of(home.folder / "out" / "scores.csv")
    assert [(r["subject_id"], r["visit"]) for r in rows] == [("0007", "baseline"), ("0007", "week_48")]
    (pair,) = rows_of(home.folder / "out" / "comparison.csv")
    assert (pair["subject_id"], pair["baseline_visit"], pair["followup_visit"]) == ("0007", "baseline", "week_48")
    assert pair["comparability"] in {"comparable", "with_caution"}
    difference = float(rows[1]["ild_percent"]) - float(rows[0]["ild_percent"])
    assert float(pair["ild_change_points"]) == pytest.approx(difference, abs=1e-9)
    before, after = (t.ild_percent for t in chests.truths)
    assert before is not None
    assert after is not None
    assert abs(float(pair["ild_change_points"]) - float(after - before)) < 4
    assert "0007, baseline to week_48: comparable" in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signals to one process")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_keeps_what_is_finished_and_says_so(home: Home, chests: Chests, number: signal.Signals) -> None:
    """The first exam is refused at once; the stop comes while the second, a real chest, is being scored."""
    write_block(home.folder / "scans" / "a", names="a")
    (home.folder / "scans" / "b").symlink_to(chests.baseline)
    running = home.start("score", "scans", "--out", "out")
    table = home.folder / "out" / "scores.csv"
    assert running.stdout is not None
    first = running.stdout.readline()  # said once its row is saved
    running.send_signal(number)
    _, aside = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in aside
    assert "Stopped. What was finished stays." in aside
    assert len(rows_of(table)) == 1
    assert first.startswith("P1, unscheduled (scans/a): refused.")
    assert not list(table.parent.glob("*.aside"))


@pytest.mark.skipif(os.name == "nt", reason="pipes are closed in another way on Windows")
def test_a_reader_that_goes_away_is_no_fault_and_the_rows_are_still_written(home: Home) -> None:
    for name in ("a", "b", "c"):
        write_block(home.folder / "scans" / name, names=name)
    running = home.start("score", "scans", "--out", "out")
    assert running.stdout is not None
    running.stdout.close()
    _, aside = running.communicate(timeout=60)
    assert running.returncode == 3
    assert "Traceback" not in aside
    assert "Broken pipe" not in aside
    assert len(rows_of(home.folder / "out" / "scores.csv")) == 3


def test_a_subject_whose_identity_was_not_removed_gets_a_pseudonym_and_nothing_of_it_gets_out(home: Home) -> None:
    import pydicom

    write_block(home.folder / "scans", names="a", patient="P-4711")
    for file in (home.folder / "scans").iterdir():
        image = pydicom.dcmread(file)
        image.PatientName, image.PatientIdentityRemoved, image.PatientBirthDate = "DOE^JANE", "NO", "19600101"
        image.SeriesDescription = "thorax of Mrs DOE"
        image.save_as(file)
    done = home.run("score", "scans", "--out", "out", "--json")
    (row,) = rows_of(home.folder / "out" / "scores.csv")
    assert row["subject_id"].startswith("subj-")
    assert "made with the secret in" in done.stderr
    assert "That secret was made just now." in done.stderr
    again = home.run("score", "scans", "--out", "out", "--json")
    assert json.loads(again.stdout)[0]["row"]["subject_id"] == row["subject_id"]
    assert f"Replaced the row of {row['subject_id']}" in again.stderr
    assert "made just now" not in again.stderr
    kept = home.run("score", "scans", "--out", "out2", "--keep-patient-id")
    assert kept.stdout.startswith("P-4711, unscheduled: refused.")
    written = [p for p in home.folder.rglob("*") if p.is_file() and p.parent.name not in {"scans", "out2"}]
    assert any(p.name == "log.jsonl" for p in written)
    for file in written:
        text = file.read_bytes().decode("utf-8", errors="replace")
        assert not [word for word in (*FORBIDDEN, "19600101", str(home.folder)) if word in text], file.name
        assert not [word for word in FORBIDDEN if word in file.name]
    for said in (done, again):
        assert not [word for word in FORBIDDEN if word in said.stdout + said.stderr]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals of this kind")
def test_a_terminal_gets_a_bar_and_a_pipe_does_not(home: Home) -> None:
    import pty

    write_block(home.folder / "scans", names="a")
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "ssc_hrct", "inspect", "scans"], stdout=subprocess.PIPE, stderr=theirs, text=True,
        env=home.environment | {"TERM": "xterm"}, cwd=home.folder,
    )
    said, _ = running.communicate(timeout=60)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "\rLooking for DICOM files" in shown or "] " in shown
    assert shown.rstrip(" ").endswith("\r"), "the bar is taken away"
    assert "TOO_FEW_SLICES" in said
    piped = home.run("inspect", "scans")
    assert piped.stderr == ""


@pytest.mark.slow
def test_the_demonstration_shows_the_truth_beside_what_was_measured(home: Home) -> None:
    done = home.run("demo", "--out", "demo", timeout_s=600)
    assert done.returncode == 0
    assert [r["severity"] for r in rows_of(home.folder / "demo" / "scores.csv")] == ["mild", "moderate"]
    (pair,) = rows_of(home.folder / "demo" / "comparison.csv")
    assert pair["comparability"] in {"comparable", "with_caution"}
    assert "baseline: ILD extent, percent" in done.stdout


@pytest.mark.slow
def test_the_self_test_passes(home: Home) -> None:
    done = home.run("self-test", timeout_s=600)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(" pass") == 3
