"""Real scans and awkward real files: what they are known to be (shared data's README) is what is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from ssc_hrct import dicom
from ssc_hrct.app.assets import default_protocol
from ssc_hrct.core.acquisition import SeriesKind
from ssc_hrct.core.findings import is_refused
from ssc_hrct.core.volume import PADDING_HU, Volume
from ssc_hrct.quality import check_header
from tests.dicom.making import found, only

SCANS = {
    # slices, thickness, pixel, lowest and highest z, kernel, kVp, contrast, lossy
    "lidc-0001": (133, 2.5, 0.703125, -340.0, -10.0, "STANDARD", 120.0, True, False),
    "lidc-0002": (261, 1.25, 0.681641, -334.5, -9.5, "STANDARD", 120.0, None, False),
    "4dlung-113": (99, 3.0, 0.9766, -1132.0, -838.0, None, None, None, False),
    "covid-p002": (133, 2.0, 0.603515625, -437.7, -173.7, "D40s", 110.0, None, True),
}


@pytest.mark.parametrize("name", SCANS)
def test_real_scans_are_one_series_of_known_geometry(shared_data: Path, name: str) -> None:
    slices, thickness, pixel, low, high, kernel, kvp, contrast, lossy = SCANS[name]
    series = only(shared_data / "ct" / name)
    facts = series.acquisition
    assert (facts.kind, facts.slices, facts.lattice, facts.holes) == (SeriesKind.AXIAL, slices, True, 0)
    assert (facts.slice_thickness_mm, facts.pixel_spacing_mm) == (thickness, (pixel, pixel))
    assert facts.slice_spacing_mm == pytest.approx(thickness)
    assert facts.length_mm == pytest.approx(high - low)
    assert (facts.kernel, facts.kvp, facts.contrast, facts.lossy) == (kernel, kvp, contrast, lossy)
    assert (facts.tilt_degrees, facts.oblique_degrees, facts.extra_copies) == (0.0, 0.0, 0)
    assert not is_refused(check_header(facts, default_protocol()))
    assert series.slices[0].position is not None
    assert series.slices[0].position[2] == pytest.approx(low)


def few(shared_data: Path, name: str, count: int = 6) -> Volume:
    """A few neighbouring slices from the middle of a scan, to be quick."""
    files = only(shared_data / "ct" / name).files
    middle = len(files) // 2
    return dicom.load(only(*files[middle : middle + count]))


@pytest.mark.parametrize("name", SCANS)
def test_a_second_reader_sees_the_same_voxels(shared_data: Path, name: str) -> None:
    files = only(shared_data / "ct" / name).files
    some = files[len(files) // 2 :][:3]
    ours = dicom.load(only(*some)).hu
    theirs = np.stack([SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(f)))[0] for f in some])
    measured = ours != PADDING_HU
    np.testing.assert_array_equal(ours[measured], np.clip(theirs, -1024, 3071)[measured])
    assert (theirs[~measured] < -1024).all()


@pytest.mark.parametrize("name", ["lidc-0001", "lidc-0002"])
def test_outside_the_round_field_of_view_nothing_was_measured(shared_data: Path, name: str) -> None:
    hu = few(shared_data, name).hu
    corners = hu[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners == PADDING_HU).all()
    assert (hu == PADDING_HU).mean() == pytest.approx(1 - np.pi / 4, abs=0.01)


@pytest.mark.parametrize("name", ["lidc-0002", "4dlung-113", "covid-p002"])  # contrast makes lidc-0001's heart bright
def test_the_spine_is_behind(shared_data: Path, name: str) -> None:
    hu = few(shared_data, name).hu
    bone = np.argwhere(hu[:, :, hu.shape[2] // 3 : -hu.shape[2] // 3] > 500)
    front, behind = np.quantile(np.argwhere(hu > -200)[:, 1], [0.02, 0.98])
    assert np.median(bone[:, 1]) > (front + behind) / 2


def test_disease_that_readers_saw_in_the_left_lung_lies_to_the_left(shared_data: Path) -> None:
    """covid-p002: infection in the left lower lobe by three radiologists, none in the right."""
    files = only(shared_data / "ct" / "covid-p002").files
    hu = dicom.load(only(*files[30:50:2])).hu
    hazy = (hu > -800) & (hu < -400)
    hazy[:, :150] = hazy[:, 400:] = False
    middle = hu.shape[2] // 2
    assert hazy[:, :, middle:].sum() > 1.5 * hazy[:, :, :middle].sum()


def test_the_abdomen_below_the_lungs_comes_first(shared_data: Path) -> None:
    """lidc-0001: 26 slices of abdomen below the lungs."""
    files = only(shared_data / "ct" / "lidc-0001").files
    for some, holds_lung in ((files[:4], False), (files[70:74], True)):
        hu = dicom.load(only(*some)).hu[:, 150:350, 100:400]
        assert ((hu < -700).mean() > 0.3) == holds_lung


def test_covid_keeps_the_text_that_stands_for_its_uids(shared_data: Path) -> None:
    series = only(shared_data / "ct" / "covid-p002")
    assert series.acquisition.study_instance_uid == "896911bf-1143-4c8d-8f04-f3cd1a7f6204"
    assert series.acquisition.frame_of_reference_uid is None
    assert series.acquisition.scan_date is None
    source = few(shared_data, "covid-p002").source
    assert set(source.sop_instance_uids) == {""}


def test_coronal_and_sagittal_reformats_are_never_taken_for_axial(shared_data: Path) -> None:
    for series in found(shared_data / "robust" / "reformats"):
        axial = "axial" in series.files[0].parent.name
        assert (series.acquisition.kind is SeriesKind.AXIAL) == axial
    exams = dicom.choose(found(shared_data / "robust" / "reformats"), lambda f: check_header(f, default_protocol()))
    assert len(exams) == 4
    assert all("axial" in exam.scan.files[0].parent.name and len(exam.others) == 2 for exam in exams)


def test_the_tilted_head_is_parted_by_thickness_and_sheared(shared_data: Path) -> None:
    series = found(shared_data / "robust" / "gantry-tilt")
    assert {(s.acquisition.slices, s.acquisition.slice_thickness_mm) for s in series} == {(7, 4.0), (6, 7.0)}
    for one in series:
        assert one.acquisition.tilt_degrees == pytest.approx(18.5, abs=0.05)
        assert one.acquisition.tilt_tag_degrees == 18.5
        assert dicom.load(one).hu.shape[1] > 512


@pytest.mark.parametrize(
    ("folder", "code"),
    [
        ("localizer", "LOCALIZER"), ("mr", "NOT_CT"), ("secondary-capture", "NOT_CT"), ("enhanced-ct", "UNREADABLE"),
        ("not-ct", "NOT_CT"), ("no-modality", "TOO_FEW_SLICES"), ("gantry-tilt", "TOO_FEW_SLICES"),
    ],
)
def test_what_is_no_scan_is_refused_for_its_reason(shared_data: Path, folder: str, code: str) -> None:
    exams = dicom.choose(found(shared_data / "robust" / folder), lambda f: check_header(f, default_protocol()))
    assert exams
    for exam in exams:
        assert exam.findings[0].code in (code, "THICK_SLICES")
        assert code in [f.code for f in exam.findings]
        assert is_refused(exam.findings)


def test_reports_structures_and_segmentations_are_no_exam(shared_data: Path) -> None:
    robust = shared_data / "robust"
    result = dicom.find([robust / "sr", robust / "seg", robust / "rtstruct", robust / "rt-other"])
    assert result.series == ()
    assert result.other == result.files


def test_the_files_of_a_dicomdir_are_found_and_the_directory_left_out(shared_data: Path) -> None:
    result = dicom.find([shared_data / "robust" / "dicomdir"])
    assert (result.files, result.other, result.not_dicom, result.damaged) == (34, 2, 1, ())
    assert sum(len(s.files) for s in result.series) == 31


def test_broken_files_are_counted_and_never_raise(shared_data: Path) -> None:
    result = dicom.find([shared_data / "robust" / "broken"])
    assert {p.name for p in result.damaged} >= {"MR_truncated.dcm"}
    assert result.files == 9


def test_the_abdomen_loads_as_what_it_is(shared_data: Path) -> None:
    series = only(shared_data / "robust" / "abdomen")
    facts = series.acquisition
    assert (facts.slices, facts.slice_thickness_mm, facts.slice_spacing_mm) == (40, 5.0, 4.25)
    assert dicom.load(series).hu.shape == (40, 512, 512)
