"""Scoring with the lungs of another program, in a terminal: the mask goes in as a file, the row tells of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from ssc_hrct import dicom, measure
from ssc_hrct.core.lungs import Region
from ssc_hrct.core.volume import Volume
from tests.terminal import Home, rows_of, write_block, write_small_chest


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("masked") / "scan"
    write_small_chest(folder, names="masked", ild_percent=12.0, scan_date="2025-01-15")
    return folder


@pytest.fixture(scope="module")
def volume(scan: Path) -> Volume:
    (series,) = dicom.find([scan]).series
    return dicom.load(series)


@pytest.fixture(scope="module")
def lungs(volume: Volume) -> np.ndarray:
    """Our own: 1 right, 2 left."""
    regions = measure.find_lungs(volume).regions.labels
    return np.where(regions == Region.AIRWAYS, 0, regions).astype(np.uint8)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "home").mkdir()
    return Home(tmp_path / "home")


def written(path: Path, labels: np.ndarray, scan: Path) -> Path:
    """As a program writes it that reads the DICOM by itself: geometry from SimpleITK's series reader, not ours."""
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(scan)))
    image = SimpleITK.GetImageFromArray(labels)
    image.CopyInformation(reader.Execute())
    SimpleITK.WriteImage(SimpleITK.DICOMOrient(image, "PIR"), str(path))
    return path


def test_our_own_mask_saved_and_given_back_changes_no_number(
    home: Home, scan: Path, lungs: np.ndarray, tmp_path: Path
) -> None:
    mask = written(tmp_path / "lungs.nii.gz", lungs, scan)
    common = ("score", scan, "--visit", "baseline", "--json")
    without, given = home.run(*common, "--out", "a"), home.run(*common, "--out", "b", "--lungs", mask)
    assert (without.returncode, given.returncode) == (0, 0)
    (own,), (theirs,) = json.loads(without.stdout), json.loads(given.stdout)
    assert theirs["row"]["status"] == "scored_with_caution"
    assert "LUNGS_GIVEN" in theirs["row"]["reasons"].split(";")
    assert set(theirs["row"]["reasons"].split(";")) - set(own["row"]["reasons"].split(";")) == {"LUNGS_GIVEN"}
    apart = {"status", "reasons", "runtime_s", "scored_at_utc"}
    numbers = [name for name in own["row"] if name not in apart and not name.endswith("_utc")]
    assert float(own["row"]["ild_percent"]) > 5
    assert {n: theirs["row"][n] for n in numbers} == {n: own["row"][n] for n in numbers}
    assert "lungs.nii.gz" not in json.dumps(theirs)


def test_a_mask_that_leaves_the_bases_out_gives_a_smaller_lung_and_a_caution(
    home: Home, scan: Path, lungs: np.ndarray, tmp_path: Path
) -> None:
    smaller = lungs.copy()
    smaller[: int(0.45 * len(smaller))] = 0
    mask = written(tmp_path / "lungs.nrrd", smaller, scan)
    done = home.run("score", scan, "--out", "out", "--lungs", mask)
    (row,) = rows_of(home.folder / "out" / "scores.csv")
    assert {"LUNGS_GIVEN", "MASK_DIFFERS"} <= set(row["reasons"].split(";"))
    assert "overlap" in done.stdout
    if row["lung_volume_ml"]:
        spacing_ml = 2.5 * 1.45 * 1.45 / 1000
        assert float(row["lung_volume_ml"]) == pytest.approx(float((smaller > 0).sum()) * spacing_ml, rel=1e-3)


def test_a_mask_of_another_scan_refuses_the_row_and_says_why(
    home: Home, scan: Path, lungs: np.ndarray, tmp_path: Path
) -> None:
    image = SimpleITK.GetImageFromArray(lungs)  # no place in space, as where a program forgets it
    SimpleITK.WriteImage(image, str(tmp_path / "lungs.nii.gz"))
    done = home.run("score", scan, "--out", "out", "--lungs", tmp_path / "lungs.nii.gz")
    assert done.returncode == 3
    (row,) = rows_of(home.folder / "out" / "scores.csv")
    assert row["status"] == "refused"
    assert row["reasons"].split(";")[0] == "MASK_REFUSED"
    assert row["ild_percent"] == ""


@pytest.mark.parametrize("kind", ["missing", "folder", "text", "image", "empty", "many"])
def test_a_file_that_is_no_lung_mask_is_wrong_usage_and_nothing_is_written(
    home: Home, scan: Path, lungs: np.ndarray, tmp_path: Path, kind: str
) -> None:
    mask = tmp_path / "mask.nii.gz"
    if kind == "folder":
        mask = scan
    elif kind == "text":
        mask.write_text("right lung")
    elif kind != "missing":
        content = {"image": np.arange(-500, 500, dtype=np.int16).reshape(10, 10, 10), "empty": np.zeros_like(lungs),
                   "many": (np.arange(1000, dtype=np.uint8) % 30).reshape(10, 10, 10)}[kind]
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(content), str(mask))
    done = home.run("score", scan, "--out", "out", "--lungs", mask)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert not (home.folder / "out" / "scores.csv").exists()


def test_one_mask_for_two_exams_is_wrong_usage(home: Home, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_block(tmp_path / "scans" / name, names=name, patient=name)
    done = home.run("score", tmp_path / "scans", "--out", "out", "--lungs", tmp_path / "lungs.nii.gz")
    assert done.returncode == 2
    assert "--lungs would cover 2 exams. Name one exam's folder" in done.stderr
