"""Segmentations that other programs read to the same voxels in the same place."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.uid import ExplicitVRLittleEndian

from ssc_hrct import dicom
from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.lungs import Region
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.volume import LabelMap, Volume
from ssc_hrct.dicom.codes import LEARNED, ORGANS, PATTERNS, VESSELS
from ssc_hrct.dicom.quiet import quiet
from ssc_hrct.dicom.source_headers import lacking
from ssc_hrct.dicom.write_seg import Segment, write_seg
from tests.dicom.making import change, noise_volume, only, uids, write, write_enhanced
from tests.dicom.test_orientation import AXIAL, UPRIGHT_PLANES, store_turned

NOW = datetime(2026, 3, 4, 5, 6, 7)  # noqa: DTZ001 - DICOM's moments carry no time zone here
NAMES = ("DOE^JANE", "MRN-4711", "19501231", "ACC-99", "St. Elsewhere", "1 Long Lane")


def masks(volume: Volume) -> dict[str, NDArray[np.bool_]]:
    """Segments that overlap, one of a single voxel in a corner and one without any."""
    lung = np.zeros(volume.grid.shape, np.bool_)
    lung[3:-2, 4:-5, 3:-6] = volume.hu[3:-2, 4:-5, 3:-6] > -600
    corner = np.zeros_like(lung)
    corner[-1, 0, -1] = True
    return {"lung": lung, "glass": lung & (volume.hu > 300), "vessels": volume.hu > 800, "corner": corner,
            "none": np.zeros_like(lung)}


def segments(volume: Volume) -> list[Segment]:
    kinds = (ORGANS[Region.LEFT_LUNG], PATTERNS[Pattern.GROUND_GLASS], VESSELS, ORGANS[Region.AIRWAYS],
             PATTERNS[Pattern.EMPHYSEMA])
    return [
        Segment(kind, LabelMap(mask.astype(np.uint8), volume.grid, {}), 1, (200, 80, 40))
        for kind, mask in zip(kinds, masks(volume).values(), strict=True)
    ]


def written(folder: Path, series: dicom.Series, volume: Volume, *, keep_empty_frames: bool = False) -> Path:
    file = folder / "out" / "segmentation.dcm"
    write_seg(file, series, volume, segments(volume), subject_id="0007", new_uid=uids("2.25.55"), now=NOW,
              keep_empty_frames=keep_empty_frames)
    return file


def other_reader(file: Path, volume: Volume) -> list[NDArray[np.bool_]]:
    """The segments on the volume's grid, as dcmqi reads them, by place in mm."""
    folder = file.parent / "read"
    folder.mkdir()
    told = subprocess.run(
        [sys.executable, "-c", "from dcmqi import segimage2itkimage; segimage2itkimage()", "--inputDICOM", str(file),
         "--outputDirectory", str(folder), "-t", "nrrd"],
        capture_output=True, text=True, check=False, env=dict(os.environ),
    )
    assert told.returncode == 0, told.stdout + told.stderr
    return [_on_grid(folder / f"{number}.nrrd", volume) for number in range(1, len(masks(volume)) + 1)]


def _on_grid(file: Path, volume: Volume) -> NDArray[np.bool_]:
    out = np.zeros(volume.grid.shape, np.bool_)
    if not file.exists():
        return out
    image = SimpleITK.ReadImage(str(file))
    voxels = SimpleITK.GetArrayFromImage(image)
    place = np.argwhere(voxels)
    lps = np.array([image.TransformIndexToPhysicalPoint([int(v) for v in p[::-1]]) for p in place]).reshape(-1, 3)
    grid = volume.grid
    steps = np.asarray(grid.direction) * np.asarray(grid.spacing_mm)[:, None]
    index = (lps - np.asarray(grid.origin_mm)) @ np.linalg.inv(steps)
    assert np.abs(index - np.rint(index)).max(initial=0) < 0.01
    out[tuple(np.rint(index).astype(int).T)] = True
    return out


@pytest.mark.parametrize(
    ("row", "column"), [*AXIAL, *UPRIGHT_PLANES[::3]], ids=lambda v: str(v.astype(int).tolist())
)
def test_another_reader_finds_the_same_voxels_in_the_same_place(
    tmp_path: Path, row: NDArray[np.float64], column: NDArray[np.float64]
) -> None:
    """Unequal spacing along all axes; 28 columns are no whole bytes of bits."""
    store_turned(noise_volume(), tmp_path / "in", row, column)
    series = only(tmp_path / "in")
    volume = dicom.load(series)
    file = written(tmp_path, series, volume)
    for read, mask in zip(other_reader(file, volume), masks(volume).values(), strict=True):
        np.testing.assert_array_equal(read, mask)


def test_every_image_of_the_scan_is_named_once(tmp_path: Path) -> None:
    write(noise_volume(), tmp_path / "in")
    series = only(tmp_path / "in")
    volume = dicom.load(series)
    (named,) = pydicom.dcmread(written(tmp_path, series, volume)).ReferencedSeriesSequence
    uids_named = [item.ReferencedSOPInstanceUID for item in named.ReferencedInstanceSequence]
    assert uids_named == list(volume.source.sop_instance_uids)
    assert named.SeriesInstanceUID == series.acquisition.series_instance_uid


def test_segments_of_nothing_take_one_frame_each(tmp_path: Path) -> None:
    write(noise_volume(), tmp_path / "in")
    series = only(tmp_path / "in")
    volume = dicom.load(series)
    nothing = LabelMap(np.zeros(volume.grid.shape, np.uint8), volume.grid, {})
    wanted = [Segment(what, nothing, int(value), (1, 2, 3)) for value, what in PATTERNS.items()]
    file = tmp_path / "none.dcm"
    write_seg(file, series, volume, wanted, subject_id="0007", new_uid=uids("2.25.5"), now=NOW)
    assert pydicom.dcmread(file).NumberOfFrames == len(wanted)


def test_whose_outline_it_was_and_what_found_it_is_said(tmp_path: Path) -> None:
    write(noise_volume(), tmp_path / "in")
    series = only(tmp_path / "in")
    volume = dicom.load(series)
    labels = LabelMap((volume.hu > 0).astype(np.uint8), volume.grid, {})
    wanted = [Segment(ORGANS[Region.LEFT_LUNG], labels, 1, (1, 2, 3), given=True),
              Segment(PATTERNS[Pattern.GROUND_GLASS], labels, 1, (1, 2, 3), family=LEARNED)]
    write_seg(tmp_path / "a.dcm", series, volume, wanted, subject_id="0007", new_uid=uids("2.25.5"), now=NOW)
    lung, glass = pydicom.dcmread(tmp_path / "a.dcm").SegmentSequence
    assert (lung.SegmentAlgorithmType, glass.SegmentAlgorithmType) == ("SEMIAUTOMATIC", "AUTOMATIC")
    families = [s.SegmentationAlgorithmIdentificationSequence[0].AlgorithmFamilyCodeSequence[0].CodeValue
                for s in (lung, glass)]
    assert families == ["123104", "123110"]


def test_texts_of_the_source_stay_with_the_source(tmp_path: Path) -> None:
    def chatty(dataset: FileDataset, index: int) -> None:
        dataset.PositionReferenceIndicator = "CANARY JANE"
        dataset.LossyImageCompression, dataset.LossyImageCompressionMethod = "01", "CANARY"
        del dataset.SOPClassUID

    change(write(noise_volume(), tmp_path / "in"), chatty)
    series = only(tmp_path / "in")
    file = written(tmp_path, series, dicom.load(series))
    assert b"CANARY" not in file.read_bytes()
    assert pydicom.dcmread(file).ReferencedSeriesSequence[0].ReferencedInstanceSequence[0].ReferencedSOPClassUID == (
        "1.2.840.10008.5.1.4.1.1.2")


def test_a_slice_that_was_filled_in_keeps_its_voxels_and_points_at_no_image(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path / "in")
    files[9].unlink()
    series = only(tmp_path / "in")
    volume = dicom.load(series)
    assert volume.source.sop_instance_uids[9] == ""
    file = written(tmp_path, series, volume)
    for read, mask in zip(other_reader(file, volume), masks(volume).values(), strict=True):
        np.testing.assert_array_equal(read, mask)


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools is not installed")
@pytest.mark.parametrize("keep", [False, True])
def test_the_object_is_what_the_standard_wants(tmp_path: Path, keep: bool) -> None:
    write(noise_volume(), tmp_path / "in")
    series = only(tmp_path / "in")
    file = written(tmp_path, series, dicom.load(series), keep_empty_frames=keep)
    told = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True, check=False)
    assert "Segmentation" in told.stderr + told.stdout
    assert "Error" not in told.stderr + told.stdout


def test_empty_frames_are_left_out_unless_kept(tmp_path: Path) -> None:
    write(noise_volume(), tmp_path / "in")
    series = only(tmp_path / "in")
    volume = dicom.load(series)
    filled = sum(int(mask.any(axis=(1, 2)).sum()) for mask in masks(volume).values())
    assert pydicom.dcmread(written(tmp_path, series, volume)).NumberOfFrames == filled
    kept = pydicom.dcmread(written(tmp_path, series, volume, keep_empty_frames=True))
    assert kept.NumberOfFrames == len(masks(volume)) * volume.grid.shape[0]


def test_segments_without_a_voxel_are_written_without_noise(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(noise_volume(), tmp_path / "in")
    series = only(tmp_path / "in")
    volume = dicom.load(series)
    written = write_seg(tmp_path / "seg.dcm", series, volume, segments(volume)[-1:], subject_id="0007", new_uid=uids(),
                        now=NOW)
    assert [s.what.label for s in written.segments] == ["Emphysema"]
    assert caplog.records == []


def test_nothing_of_the_patient_is_taken_over(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path / "in")

    def name(dataset: FileDataset, index: int) -> None:
        dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate, dataset.AccessionNumber = NAMES[:4]
        dataset.InstitutionName, dataset.PatientAddress = NAMES[4:]
        dataset.StudyDescription = dataset.SeriesDescription = dataset.ImageComments = NAMES[0]
        dataset.add_new(0x00091010, "LO", NAMES[1])

    change(files, name)
    series = only(tmp_path / "in")
    file = written(tmp_path, series, dicom.load(series))
    content = file.read_bytes()
    assert not [word for word in NAMES if word.encode() in content]
    assert pydicom.dcmread(file).PatientID == "0007"


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    write(noise_volume(), tmp_path / "in")
    series = only(tmp_path / "in")
    volume = dicom.load(series)
    assert written(tmp_path / "a", series, volume).read_bytes() == written(tmp_path / "b", series, volume).read_bytes()


@pytest.mark.parametrize(("tag", "name"), [
    ("SOPInstanceUID", "SOP Instance UID"), ("FrameOfReferenceUID", "Frame of Reference UID"),
    ("StudyInstanceUID", "Study Instance UID"),
])
@pytest.mark.parametrize("value", ["", "0f5a-not-a-uid"])
def test_what_the_source_lacks_is_told_before_and_refused_after(
    tmp_path: Path, tag: str, name: str, value: str
) -> None:
    files = write(noise_volume(), tmp_path / "in")
    with quiet():
        change(files, lambda dataset, _: setattr(dataset, tag, value))
    series = only(tmp_path / "in")
    assert lacking(series) == (name,)
    with pytest.raises(HrctError, match=name) as refused:
        written(tmp_path, series, dicom.load(series))
    assert refused.value.code == "SOURCE_INCOMPLETE"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("tag", "text"), [("StudyTime", "99:99"), ("StudyDate", "garbage"), ("StudyTime", "DOE^JANE")])
def test_dates_that_are_none_stop_nothing(tmp_path: Path, tag: str, text: str) -> None:
    def spoil(dataset: FileDataset, index: int) -> None:
        dataset[tag].VR = "UN"
        dataset[tag].value = text.encode()

    files = write(noise_volume(), tmp_path / "in")
    with quiet():
        change(files, spoil)
    series = only(tmp_path / "in")
    assert text.encode() not in written(tmp_path, series, dicom.load(series)).read_bytes()


def test_files_that_are_gone_are_named_as_gone(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path / "in")
    series = only(tmp_path / "in")
    volume = dicom.load(series)
    for file in files:
        file.unlink()
    with pytest.raises(HrctError, match="no longer where they were"):
        written(tmp_path, series, volume)


def test_a_folder_that_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    write(noise_volume(), tmp_path / "in")
    series = only(tmp_path / "in")
    (tmp_path / "out").write_text("a file in the way")
    with pytest.raises(HrctError, match="cannot be written"):
        written(tmp_path, series, dicom.load(series))


def references(file: Path) -> dict[float, set[tuple[str, int | None]]]:
    """Which images the frames at each height point at."""
    found: dict[float, set[tuple[str, int | None]]] = {}
    for frame in pydicom.dcmread(file).PerFrameFunctionalGroupsSequence:
        height = round(float(frame.PlanePositionSequence[0].ImagePositionPatient[2]), 3)
        here = found.setdefault(height, set())
        for item in frame.DerivationImageSequence:
            (image,) = item.SourceImageSequence
            here.add((image.ReferencedSOPInstanceUID, image.get("ReferencedFrameNumber")))
    return found


@pytest.mark.parametrize("rounded", [False, True])
def test_each_frame_points_at_the_image_it_lies_on_and_filled_slices_at_none(tmp_path: Path, rounded: bool) -> None:
    files = write(noise_volume(), tmp_path / "in")
    if rounded:  # as some scanners write positions
        def uneven(dataset: FileDataset, index: int) -> None:
            x, y, z = (float(v) for v in dataset.ImagePositionPatient)
            dataset.ImagePositionPatient = [x, y, round(z + 0.004 * (index % 2), 3)]

        change(files, uneven)
    files[9].unlink()
    series = only(tmp_path / "in")
    found = references(written(tmp_path, series, dicom.load(series), keep_empty_frames=True))
    images = {pydicom.dcmread(f).SOPInstanceUID: float(pydicom.dcmread(f).ImagePositionPatient[2])
              for f in files if f.exists()}
    assert len(found) == 24
    assert [len(pointed) for _, pointed in sorted(found.items())] == [1] * 9 + [0] + [1] * 14
    for height, pointed in found.items():
        assert all(abs(images[uid] - height) < 0.01 and frame is None for uid, frame in pointed)


def test_two_stacks_in_one_file_are_pointed_at_by_their_own_frames(tmp_path: Path) -> None:
    one, other = write(noise_volume(1), tmp_path / "a"), write(noise_volume(2), tmp_path / "b", series="2.25.7")
    change(other, lambda dataset, _: setattr(dataset, "ConvolutionKernel", "SOFT"))
    file = write_enhanced([*one, *other], tmp_path / "in" / "frames", ExplicitVRLittleEndian)
    soft = next(s for s in dicom.find([file.parent]).series if s.acquisition.kernel == "SOFT")
    found = references(written(tmp_path, soft, dicom.load(soft), keep_empty_frames=True))
    assert sorted(frame or 0 for pointed in found.values() for _, frame in pointed) == list(range(25, 49))


def test_a_multi_frame_source_is_pointed_at(tmp_path: Path) -> None:
    write_enhanced(write(noise_volume(), tmp_path / "single"), tmp_path / "in" / "frames", ExplicitVRLittleEndian)
    series = only(tmp_path / "in")
    volume = dicom.load(series)
    file = written(tmp_path, series, volume)
    for read, mask in zip(other_reader(file, volume), masks(volume).values(), strict=True):
        np.testing.assert_array_equal(read, mask)
