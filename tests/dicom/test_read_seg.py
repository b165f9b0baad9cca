"""Lungs out of DICOM segmentations: ours, and those of others."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK

from ssc_hrct import dicom
from ssc_hrct.core.errors import WrongUsage
from ssc_hrct.core.lungs import Region
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.volume import LabelMap, Volume
from ssc_hrct.dicom.codes import ORGANS, PATTERNS
from ssc_hrct.dicom.read_seg import read_seg_lungs
from ssc_hrct.dicom.write_seg import Segment, write_seg
from tests.dicom.making import noise_volume, only, uids, write
from tests.dicom.test_write_seg import NOW


def saved(folder: Path, *, overlap: bool = False) -> tuple[Path, np.ndarray]:
    """A segmentation of a right and a left lung and a pattern, and the lungs' labels on the volume's grid."""
    write(noise_volume(), folder / "in")
    series = only(folder / "in")
    volume = dicom.load(series)
    labels = np.zeros(volume.grid.shape, np.uint8)
    labels[3:20, 4:15, 2:12], labels[4:20, 4:15, 16:25] = 1, 2
    maps = [labels == 1, (labels == 2) | (overlap & (labels == 1)), labels > 0]
    kinds = (ORGANS[Region.RIGHT_LUNG], ORGANS[Region.LEFT_LUNG], PATTERNS[Pattern.GROUND_GLASS])
    segments = [Segment(kind, LabelMap(m.astype(np.uint8), volume.grid, {}), 1, (1, 2, 3))
                for kind, m in zip(kinds, maps, strict=True)]
    file = folder / "lungs.dcm"
    write_seg(file, series, volume, segments, subject_id="0007", new_uid=uids(), now=NOW)
    return file, labels


def on_grid(read: LabelMap, volume: Volume) -> np.ndarray:
    """What was read, by its place in mm, on the volume's grid."""
    index = np.argwhere(read.labels)
    steps = np.asarray(read.grid.direction) * np.asarray(read.grid.spacing_mm)[:, None]
    lps = np.asarray(read.grid.origin_mm) + index @ steps
    own = np.asarray(volume.grid.direction) * np.asarray(volume.grid.spacing_mm)[:, None]
    place = (lps - np.asarray(volume.grid.origin_mm)) @ np.linalg.inv(own)
    assert np.abs(place - np.rint(place)).max() < 0.01
    found = np.zeros(volume.grid.shape, np.uint8)
    found[tuple(np.rint(place).astype(int).T)] = read.labels[tuple(index.T)]
    return found


def test_our_own_come_back_voxel_for_voxel_in_their_place(tmp_path: Path) -> None:
    file, labels = saved(tmp_path)
    read = read_seg_lungs(file)
    volume = dicom.load(only(tmp_path / "in"))
    assert read.frame_of_reference_uid == volume.source.frame_of_reference_uid == "2.25.3"
    np.testing.assert_array_equal(on_grid(read, volume), labels)


def test_what_is_named_lung_is_taken_where_nothing_is_coded_so(tmp_path: Path) -> None:
    file, labels = saved(tmp_path)
    seg = pydicom.dcmread(file)
    for segment, name in zip(seg.SegmentSequence, ("Lung_R", "left lung", "lung nodule"), strict=True):
        segment.SegmentedPropertyTypeCodeSequence[0].CodeValue = "85756007"
        segment.SegmentLabel = name
    seg.save_as(file)
    assert np.count_nonzero(read_seg_lungs(file).labels) == np.count_nonzero(labels)


def test_what_cannot_be_lungs_is_said(tmp_path: Path) -> None:
    file, _ = saved(tmp_path / "a", overlap=True)
    with pytest.raises(WrongUsage, match="overlap"):
        read_seg_lungs(file)
    file, _ = saved(tmp_path / "b")
    seg = pydicom.dcmread(file)
    for segment in seg.SegmentSequence:
        segment.SegmentedPropertyTypeCodeSequence[0].CodeValue, segment.SegmentLabel = "85756007", "tissue"
    seg.save_as(file)
    with pytest.raises(WrongUsage, match="no segment that is coded or named as lung"):
        read_seg_lungs(file)
    (tmp_path / "cut.dcm").write_bytes(file.read_bytes()[:1500])
    with pytest.raises(WrongUsage, match="no DICOM segmentation"):
        read_seg_lungs(tmp_path / "cut.dcm")
    with pytest.raises(WrongUsage, match="no DICOM segmentation"):
        read_seg_lungs(next((tmp_path / "b" / "in").iterdir()))


@pytest.mark.parametrize("spaced", [True, False], ids=["spacing told", "spacing not told"])
def test_a_frame_far_away_makes_no_room_for_millions_of_slices(tmp_path: Path, spaced: bool) -> None:
    file, labels = saved(tmp_path)
    seg = pydicom.dcmread(file)
    if not spaced:
        del seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SpacingBetweenSlices
        seg.save_as(file)
        assert np.count_nonzero(read_seg_lungs(file).labels) == np.count_nonzero(labels)
    seg.PerFrameFunctionalGroupsSequence[-1].PlanePositionSequence[0].ImagePositionPatient[2] = 1_000_001.5
    seg.save_as(file)
    tracemalloc.start()
    try:
        with pytest.raises(WrongUsage, match=r"so far apart that they would make 500\d\d\d slices"):
            read_seg_lungs(file)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


def by_dcmqi(series: dicom.Series, labels: np.ndarray, folder: Path) -> Path:
    """Labels [z, y, x] on the volume's grid as dcmqi writes them."""
    volume = dicom.load(series)
    image = SimpleITK.GetImageFromArray(labels)
    image.SetSpacing(volume.grid.spacing_mm[::-1])
    image.SetOrigin(volume.grid.origin_mm)
    image.SetDirection(np.asarray(volume.grid.direction)[::-1].T.ravel().tolist())
    SimpleITK.WriteImage(image, str(folder / "labels.nrrd"))

    def code(value: str, meaning: str) -> dict[str, str]:
        return {"CodeValue": value, "CodingSchemeDesignator": "SCT", "CodeMeaning": meaning}

    segments = [{
        "labelID": label, "SegmentDescription": side, "SegmentLabel": side, "SegmentAlgorithmType": "MANUAL",
        "SegmentedPropertyCategoryCodeSequence": code("123037004", "Anatomical Structure"),
        "SegmentedPropertyTypeCodeSequence": code(*what), "recommendedDisplayRGBValue": [1, 2, 3],
    } for label, side, what in ((1, "one", ("3341006", "Right lung")), (2, "other", ("44029006", "Left lung")))]
    (folder / "meta.json").write_text(json.dumps({
        "ContentCreatorName": "Reader1", "ClinicalTrialSeriesID": "1", "ClinicalTrialTimePointID": "1",
        "SeriesDescription": "Lungs", "SeriesNumber": "300", "InstanceNumber": "1", "BodyPartExamined": "CHEST",
        "segmentAttributes": [segments], "ContentLabel": "LUNGS", "ContentDescription": "Lungs",
    }))
    told = subprocess.run(
        [sys.executable, "-c", "from dcmqi import itkimage2segimage; itkimage2segimage()", "--inputImageList",
         str(folder / "labels.nrrd"), "--inputDICOMDirectory", str(series.files[0].parent), "--inputMetadata",
         str(folder / "meta.json"), "--outputDICOM", str(folder / "theirs.dcm"), "--skip", "1"],
        capture_output=True, text=True, check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    return folder / "theirs.dcm"


def test_lungs_that_another_program_wrote_are_the_same_voxels_in_the_same_place(tmp_path: Path) -> None:
    _, labels = saved(tmp_path)
    series = only(tmp_path / "in")
    file = by_dcmqi(series, labels, tmp_path)
    assert pydicom.dcmread(file).Manufacturer != "ssc_hrct"
    found = read_seg_lungs(file)
    np.testing.assert_array_equal(on_grid(found, dicom.load(series)), labels)
    assert found.frame_of_reference_uid == "2.25.3"


def test_segmentations_of_others_are_read_or_refused_in_words(shared_data: Path) -> None:
    for file in sorted((shared_data / "robust" / "seg").rglob("*")):
        if file.is_file():
            with pytest.raises(WrongUsage, match=r"holds no segment|no DICOM segmentation|make no volume"):
                read_seg_lungs(file)
