"""Files for other programs, in a terminal: segmentations and label maps whose voxels are the table's percents."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom.dataset import FileDataset

from tests.dicom.making import change
from tests.terminal import Home, rows_of, segment_voxels, write_small_chest


@pytest.fixture(scope="module")
def chest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("objects") / "chest"
    write_small_chest(folder, names="objects/a", ild_percent=12.0, scan_date="2025-01-15")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "home").mkdir()
    return Home(tmp_path / "home")


def complaints(tool: str, file: Path) -> list[str]:
    """What a program of others says against an object; nothing where that program is not installed."""
    if shutil.which(tool) is None:
        return []
    told = subprocess.run([tool, str(file)], capture_output=True, text=True, errors="replace", check=False)
    said = [line for line in told.stderr.splitlines() if line.startswith(("Error", "E:", "F:"))]
    return said if tool == "dciodvfy" else [*said, *([] if told.returncode == 0 and told.stdout else ["no dump"])]


def test_recounting_gives_the_percents_of_the_table(home: Home, chest: Path) -> None:
    done = home.run("score", chest, "--out", "out", "--format", "seg", "--format", "nifti", "--format", "sr",
                    "--format", "page")
    assert done.returncode == 0, done.stderr
    (row,) = rows_of(home.folder / "out" / "scores.csv")
    files = {f.name.split("_")[-1]: f for f in (home.folder / "out" / "objects").iterdir()}
    assert sorted(files) == ["anatomy.dcm", "lungs.nii.gz", "page.dcm", "patterns.dcm", "patterns.nii.gz",
                             "pdf.dcm", "report.dcm", "vessels.dcm"]
    anatomy, patterns = segment_voxels(files["anatomy.dcm"]), segment_voxels(files["patterns.dcm"])
    lung = anatomy["Right lung"] + anatomy["Left lung"]
    for label, column in (("Ground glass", "ground_glass"), ("Reticulation", "reticulation"),
                          ("Honeycombing", "honeycombing"), ("Consolidation", "consolidation")):
        assert abs(100 * patterns[label] / lung - float(row[f"{column}_percent"])) <= 0.01
    assert segment_voxels(files["vessels.dcm"])["Vessels in the lungs"] > 0
    assert anatomy["Trachea and bronchi"] > 0
    labels = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(files["patterns.nii.gz"])))
    assert abs(100 * np.isin(labels, (2, 3, 4)).sum() / (labels > 0).sum() - float(row["ild_percent"])) <= 0.01
    for name in ("anatomy.dcm", "patterns.dcm", "report.dcm", "page.dcm", "pdf.dcm", "vessels.dcm"):
        made = pydicom.dcmread(files[name])
        assert (made.PatientID, made.StudyInstanceUID) == ("SMALL", row["study_instance_uid"])
    assert done.stderr.count("Written: ") == 8
    assert [(f.name, said) for f in files.values() if f.suffix == ".dcm"
            for tool in ("dciodvfy", "dcmdump") if (said := complaints(tool, f))] == []


def test_what_the_files_lack_is_told_before_and_the_score_stands(home: Home, chest: Path) -> None:
    def without(dataset: FileDataset, index: int) -> None:
        del dataset.FrameOfReferenceUID

    copy = home.folder / "copy"
    copy.mkdir()
    for file in chest.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    change(sorted(copy.iterdir()), without)
    done = home.run("score", copy, "--out", "out", "--format", "seg", "--format", "nifti", "--json")
    assert done.returncode == 3
    told = done.stderr.index("The files have no Frame of Reference UID: SEG cannot point at them")
    assert told < done.stderr.index("ILD ")
    (row,) = rows_of(home.folder / "out" / "scores.csv")
    assert row["ild_percent"]
    assert sorted(f.name.split("_")[-1] for f in (home.folder / "out" / "objects").iterdir()) == [
        "lungs.nii.gz", "patterns.nii.gz"]


def test_files_say_that_identity_was_removed_only_where_it_was(home: Home, chest: Path) -> None:
    def named(dataset: FileDataset, index: int) -> None:
        dataset.PatientID, dataset.PatientIdentityRemoved = "MRN-4711", "NO"

    copy = home.folder / "copy"
    copy.mkdir()
    for file in chest.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    change(sorted(copy.iterdir()), named)
    for out, more in (("kept", ["--keep-patient-id"]), ("pseudonym", [])):
        done = home.run("score", copy, "--out", out, "--format", "seg", "--format", "sr", "--format", "page", *more)
        assert done.returncode == 0, done.stderr
        files = sorted((home.folder / out / "objects").iterdir())
        assert len(files) == 6
        for file in files:
            made = pydicom.dcmread(file)
            assert (made.PatientID == "MRN-4711") is (out == "kept")
            assert made.PatientIdentityRemoved == ("NO" if out == "kept" else "YES")
            assert ("DeidentificationMethod" in made) is (out == "pseudonym")
            assert "MRN-4711" not in file.name
