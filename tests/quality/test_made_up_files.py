"""What is no scan, or an awkward one, from files to its reason: the twins of the real files in tests/dicom.

Files are written as a scanner would and bent; what is checked is the finding that a person gets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import FileDataset

from ssc_hrct import dicom
from ssc_hrct.app.assets import default_protocol
from ssc_hrct.core.findings import Finding, Level
from ssc_hrct.quality import check_header
from tests.dicom.making import change, facts, found, noise_volume, write

C, R = Level.CAUTION, Level.REFUSED
CT, MR, CAPTURE, ENHANCED = (f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("2", "4", "7", "2.1"))


def judge(folder: Path) -> list[tuple[Finding, ...]]:
    return [exam.findings for exam in dicom.choose(found(folder), lambda f: check_header(f, default_protocol()))]


def tell(**tags: Any) -> Callable[[FileDataset, int], None]:
    def bend(dataset: FileDataset, index: int) -> None:
        for name, value in tags.items():
            if name == "SOPClassUID":
                dataset.file_meta.MediaStorageSOPClassUID = value
            if value is None:
                delattr(dataset, name)
            else:
                setattr(dataset, name, value)

    return bend


BENT = {
    "localizer": ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "LOCALIZER", R),
    "mr": ({"Modality": "MR", "SOPClassUID": MR}, "NOT_CT", R),
    "secondary capture": ({"SOPClassUID": CAPTURE}, "NOT_CT", R),
    "dose page": ({"ImageType": ["DERIVED", "SECONDARY", "DOSE_INFO"]}, "NOT_CT", R),
    "effective atomic numbers": ({"RescaleType": "Z_EFF"}, "NOT_CT", R),
    "enhanced ct": ({"SOPClassUID": ENHANCED, "NumberOfFrames": 12}, "UNREADABLE", R),
    "coronal": ({"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}, "NOT_AXIAL", R),
    "thick": ({"SliceThickness": 6}, "THICK_SLICES", R),
    "reformat": ({"ImageType": ["DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE"]}, "DERIVED_SERIES", C),
    "lossy": ({"LossyImageCompression": "01"}, "LOSSY", C),
    "no kernel": ({"ConvolutionKernel": None}, "KERNEL_UNKNOWN", C),
    "no voltage": ({"KVP": None}, "KVP_UNUSUAL", C),
    "contrast": ({"ContrastBolusAgent": "something"}, "CONTRAST", C),
    "prone": ({"PatientPosition": "HFP"}, "PRONE", C),
    "no position": ({"PatientPosition": None}, "POSITION_UNKNOWN", C),
}


@pytest.mark.parametrize(("tags", "code", "level"), BENT.values(), ids=BENT)
def test_what_files_tell_gives_its_reason_at_its_level(
    tmp_path: Path, tags: dict[str, Any], code: str, level: Level
) -> None:
    write(noise_volume(), tmp_path / "plain")
    assert (code, level) not in [(f.code, f.level) for f in judge(tmp_path / "plain")[0]]
    change(write(noise_volume(), tmp_path / "bent"), tell(**tags))
    (told,) = judge(tmp_path / "bent")
    assert {f.code: f.level for f in told}.get(code) is level
    assert next(f for f in told if f.code == code).detail


def test_few_slices_and_a_hole_are_told_with_their_numbers(tmp_path: Path) -> None:
    write(noise_volume(shape=(12, 20, 28)), tmp_path / "few")
    (told,) = judge(tmp_path / "few")
    assert [(f.code, f.level) for f in told if f.code == "TOO_FEW_SLICES"] == [("TOO_FEW_SLICES", R)]
    files = write(noise_volume(), tmp_path / "hole")
    files[9].unlink()
    (told,) = judge(tmp_path / "hole")
    (hole,) = [f for f in told if f.code == "MISSING_SLICES"]
    assert hole.level is C
    assert "z = -122.5 mm" in hole.detail


def test_a_tilted_gantry_is_sheared_back_up_to_30_degrees_and_refused_beyond(tmp_path: Path) -> None:
    for degrees, level in ((18.5, C), (34.0, R)):
        rise = np.radians(degrees)
        turned = [1.0, 0.0, 0.0, 0.0, float(np.cos(rise)), float(np.sin(rise))]

        def tilt(dataset: FileDataset, index: int, turned: list[float] = turned, degrees: float = degrees) -> None:
            dataset.ImageOrientationPatient = [round(v, 9) for v in turned]
            dataset.GantryDetectorTilt = degrees

        folder = tmp_path / f"{degrees:.0f}"
        change(write(noise_volume(), folder), tilt)
        (told,) = judge(folder)
        (tilted,) = [f for f in told if f.code == "GANTRY_TILT"]
        assert (tilted.level, f"{degrees:g} degrees" in tilted.detail) == (level, True)


def test_pixels_too_large_are_refused_and_tiny_ones_may_not_hold_both_lungs(tmp_path: Path) -> None:
    for name, spacing, code, level in (
        ("large", (2.0, 1.2, 1.2), "COARSE_PIXELS", C), ("huge", (2.0, 1.6, 1.6), "COARSE_PIXELS", R),
        ("tiny", (2.0, 0.3, 0.3), "FIELD_OF_VIEW", C),
    ):
        plain = noise_volume()
        write(replace(plain, grid=replace(plain.grid, spacing_mm=spacing), acquisition=facts()), tmp_path / name)
        (told,) = judge(tmp_path / name)
        assert [(f.code, f.level) for f in told if f.code in {"COARSE_PIXELS", "FIELD_OF_VIEW"}] == [(code, level)]


def test_coronal_and_sagittal_reformats_stand_behind_the_axial_series_of_their_exam(tmp_path: Path) -> None:
    turns = {"axial": [1, 0, 0, 0, 1, 0], "coronal": [1, 0, 0, 0, 0, -1], "sagittal": [0, 1, 0, 0, 0, -1]}
    for number, (name, turned) in enumerate(turns.items(), start=2):
        files = write(noise_volume(number), tmp_path / name, series=f"2.25.{number}")

        def stand(dataset: FileDataset, index: int, turned: list[int] = turned) -> None:
            across = np.cross(turned[:3], turned[3:]) * 2.0 * index
            dataset.ImageOrientationPatient, dataset.ImagePositionPatient = turned, [float(v) for v in across]

        change(files, stand)
    (exam,) = dicom.choose(found(tmp_path), lambda f: check_header(f, default_protocol()))
    assert exam.scan.files[0].parent.name == "axial"
    assert len(exam.others) == 2
    for series, _ in exam.others:
        assert [f.code for f in check_header(series.acquisition, default_protocol())] == ["NOT_AXIAL"]


@pytest.mark.parametrize(("kind", "modality"), [
    ("1.2.840.10008.5.1.4.1.1.88.33", "SR"), ("1.2.840.10008.5.1.4.1.1.66.4", "SEG"),
    ("1.2.840.10008.5.1.4.1.1.481.3", "RTSTRUCT"),
], ids=["report", "segmentation", "structures"])
def test_what_holds_no_image_of_a_scanner_is_no_exam(tmp_path: Path, kind: str, modality: str) -> None:
    files = write(noise_volume(), tmp_path)[:2]
    for file in tmp_path.iterdir():
        if file not in files:
            file.unlink()
    change(files, tell(SOPClassUID=kind, Modality=modality))
    result = dicom.find([tmp_path])
    assert (result.series, result.other, result.files) == ((), 2, 2)
