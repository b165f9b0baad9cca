"""Which images make a stack, which slices are missing, and what is there twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, RLELossless

from ssc_hrct import dicom
from ssc_hrct.core.acquisition import SeriesKind
from ssc_hrct.core.errors import Cancelled, HrctError
from ssc_hrct.core.volume import PADDING_HU
from ssc_hrct.dicom import decoders
from tests.dicom.making import ORIGIN, change, found, noise_volume, only, uids, write


def height(index: int) -> float:
    return ORIGIN[2] + 2.0 * index


def test_shuffled_file_names_change_nothing(tmp_path: Path) -> None:
    volume = noise_volume()
    files = write(volume, tmp_path)
    for new, old in enumerate(np.random.default_rng(3).permutation(len(files))):
        files[old].rename(tmp_path / f"x{new}")
    series = only(tmp_path)
    np.testing.assert_array_equal(dicom.load(series).hu, volume.hu)
    heights = [float(pydicom.dcmread(f).ImagePositionPatient[2]) for f in series.files]
    assert heights == sorted(heights)


def test_missing_slice_is_named_by_its_position_and_filled_between_its_neighbours(tmp_path: Path) -> None:
    volume = noise_volume()
    write(volume, tmp_path)[7].unlink()
    series = only(tmp_path)
    facts = series.acquisition
    assert facts.missing_mm == (height(7),)
    assert (facts.slices, facts.holes, facts.largest_hole_mm, facts.lattice) == (23, 1, 2.0, True)
    loaded = dicom.load(series)
    assert loaded.hu.shape == volume.hu.shape
    middle = np.rint((volume.hu[6].astype(float) + volume.hu[8]) / 2)
    np.testing.assert_array_equal(loaded.hu[7], middle)
    np.testing.assert_array_equal(np.delete(loaded.hu, 7, 0), np.delete(volume.hu, 7, 0))
    assert [i for i, uid in enumerate(loaded.source.sop_instance_uids) if not uid] == [7]


def test_two_neighbours_missing_are_one_hole_and_apart_are_two(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path)
    files[7].unlink()
    files[8].unlink()
    facts = only(tmp_path).acquisition
    assert (facts.missing_mm, facts.holes, facts.largest_hole_mm) == ((height(7), height(8)), 1, 4.0)
    files[12].unlink()
    facts = only(tmp_path).acquisition
    assert (len(facts.missing_mm), facts.holes, facts.largest_hole_mm) == (3, 2, 4.0)


def test_a_long_hole_stays_empty(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path)
    for file in files[10:13]:
        file.unlink()
    loaded = dicom.load(only(tmp_path))
    assert (loaded.hu[10:13] == PADDING_HU).all()
    assert (loaded.hu[13] != PADDING_HU).all()
    filled = dicom.load(only(tmp_path), hole_allowed_mm=6.0)
    assert (filled.hu[10:13] != PADDING_HU).all()


def test_slices_missing_at_an_end_are_not_inside(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path)
    files[0].unlink()
    files[-1].unlink()
    facts = only(tmp_path).acquisition
    assert (facts.missing_mm, facts.holes, facts.slices, facts.length_mm) == ((), 0, 22, 42.0)


def test_exact_copies_are_dropped_and_counted(tmp_path: Path) -> None:
    volume = noise_volume()
    files = write(volume, tmp_path)
    for file in files[3:6]:
        shutil.copy(file, tmp_path / f"copy-{file.name}")
    series = only(tmp_path)
    assert (series.acquisition.slices, series.acquisition.extra_copies, series.acquisition.conflicting) == (24, 3, 0)
    assert len(series.files) == 27
    np.testing.assert_array_equal(dicom.load(series).hu, volume.hu)


def test_a_copy_in_another_transfer_syntax_is_a_copy(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path)
    dataset = pydicom.dcmread(files[4])
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.save_as(tmp_path / "copy")
    assert only(tmp_path).acquisition.extra_copies == 1


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The frames that were decoded."""
    seen: list[int] = []
    decode = decoders.decode

    def counting(dataset: Dataset, syntax: str, frame: int, **more: bool) -> Any:
        seen.append(frame)
        return decode(dataset, syntax, frame, **more)

    monkeypatch.setattr(decoders, "decode", counting)
    return seen


def packed_twice(folder: Path, *, alike: bool) -> None:
    """Each slice as JPEG 2000, and once more: in the same bytes, or the same values in other bytes."""
    for file in write(noise_volume(), folder):
        dataset = pydicom.dcmread(file)
        plain = dataset.pixel_array
        dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
        dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
        for name, kind in ((file, "j2k"), (folder / f"copy-{file.name}", "j2k" if alike else "jp2")):
            dataset.PixelData = encapsulate([bytes(imagecodecs.jpeg2k_encode(
                plain, codecformat=kind, reversible=True))])
            dataset.save_as(name)


def test_copies_of_equal_bytes_are_known_without_decoding(tmp_path: Path, decoded: list[int]) -> None:
    packed_twice(tmp_path, alike=True)
    facts = only(tmp_path).acquisition
    assert (facts.slices, facts.extra_copies, facts.conflicting) == (24, 24, 0)
    assert decoded == []


def test_a_stop_is_heard_between_two_images_that_are_compared(tmp_path: Path, decoded: list[int]) -> None:
    class Stop:
        def step(self, text: str, done: int = 0, total: int = 0) -> None:
            if len(decoded) == 3:
                raise Cancelled

    packed_twice(tmp_path, alike=False)
    facts = only(tmp_path).acquisition
    assert (facts.slices, facts.extra_copies, facts.conflicting) == (24, 24, 0)
    assert len(decoded) == 48
    decoded.clear()
    with pytest.raises(Cancelled):
        dicom.find([tmp_path], progress=Stop())
    assert len(decoded) == 3


def test_equal_bytes_of_another_rescale_are_no_copy(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path)
    shutil.copy(files[3], tmp_path / "other")
    change([tmp_path / "other"], lambda dataset, _: setattr(dataset, "RescaleIntercept", -1000))
    assert (only(tmp_path).acquisition.extra_copies, only(tmp_path).acquisition.conflicting) == (0, 2)


def test_images_that_share_a_position_and_differ_are_no_copies(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path)
    shutil.copy(files[3], tmp_path / "other")

    def alter(dataset: FileDataset, index: int) -> None:
        dataset.PixelData = b"\x01\x02" + dataset.PixelData[2:]

    change([tmp_path / "other"], alter)
    facts = only(tmp_path).acquisition
    assert (facts.extra_copies, facts.conflicting, facts.interleaved) == (0, 2, False)


def acquisition_number(number: int) -> Callable[[FileDataset, int], None]:
    def tell(dataset: FileDataset, index: int) -> None:
        dataset.AcquisitionNumber = number

    return tell


@pytest.mark.parametrize("offset", [0.0, 0.7], ids=["same positions", "positions between"])
def test_acquisitions_that_a_tag_parts_become_two_series(tmp_path: Path, offset: float) -> None:
    first, second = noise_volume(1), noise_volume(2, origin_mm=(ORIGIN[0], ORIGIN[1], ORIGIN[2] + offset))
    write(first, tmp_path / "a")
    change(write(second, tmp_path / "b", new_uid=uids("2.25.8")), acquisition_number(2))
    both = found(tmp_path)
    assert [s.acquisition.interleaved for s in both] == [False, False]
    loaded = {dicom.load(s).hu.tobytes() for s in both}
    assert loaded == {first.hu.tobytes(), second.hu.tobytes()}


@pytest.mark.parametrize("offset", [0.0, 0.7], ids=["same positions", "positions between"])
def test_acquisitions_that_nothing_parts_are_called_interleaved(tmp_path: Path, offset: float) -> None:
    write(noise_volume(1), tmp_path / "a")
    other = noise_volume(2, origin_mm=(ORIGIN[0], ORIGIN[1], ORIGIN[2] + offset))
    write(other, tmp_path / "b", new_uid=uids("2.25.8"))
    assert only(tmp_path).acquisition.interleaved


def test_a_scanner_that_numbers_each_rotation_is_not_torn_apart(tmp_path: Path) -> None:
    def number(dataset: FileDataset, index: int) -> None:
        dataset.AcquisitionNumber = index + 1
        dataset.AcquisitionTime = f"1010{index:02d}"

    change(write(noise_volume(), tmp_path), number)
    assert only(tmp_path).acquisition.slices == 24


def test_uneven_spacing_is_no_lattice(tmp_path: Path) -> None:
    def move(dataset: FileDataset, index: int) -> None:
        x, y, z = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x, y, float(z) + (0.9 if index % 3 == 0 else 0.0)]

    change(write(noise_volume(), tmp_path), move)
    series = only(tmp_path)
    assert not series.acquisition.lattice
    assert series.acquisition.missing_mm == ()
    with pytest.raises(HrctError) as raised:
        dicom.load(series)
    assert raised.value.code == "BAD_GEOMETRY"


def test_positions_rounded_to_a_tenth_are_still_even(tmp_path: Path) -> None:
    def move(dataset: FileDataset, index: int) -> None:
        x, y, _ = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x, y, round(-100 + 0.625 * index, 1)]

    change(write(noise_volume(), tmp_path), move)
    facts = only(tmp_path).acquisition
    assert facts.lattice
    assert facts.holes == 0
    assert facts.slice_spacing_mm == pytest.approx(0.625, abs=0.01)


def test_one_slice_far_away_is_no_stack_with_a_thousand_holes(tmp_path: Path) -> None:
    def move(dataset: FileDataset, index: int) -> None:
        if index == 23:
            dataset.ImagePositionPatient = [*dataset.ImagePositionPatient[:2], 9e9]

    change(write(noise_volume(), tmp_path), move)
    facts = only(tmp_path).acquisition
    assert not facts.lattice
    assert len(facts.missing_mm) == 0


def test_a_localizer_with_the_same_series_uid_is_a_series_of_its_own(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path)

    def scout(dataset: FileDataset, index: int) -> None:
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]

    change(files[:1], scout)
    kinds = {s.acquisition.kind: s.acquisition.slices for s in found(tmp_path)}
    assert kinds == {SeriesKind.LOCALIZER: 1, SeriesKind.AXIAL: 23}


def test_kernel_and_frame_of_reference_part_a_series(tmp_path: Path) -> None:
    write(noise_volume(), tmp_path / "a", kernel="LUNG")
    write(noise_volume(), tmp_path / "b", kernel="STANDARD")
    write(noise_volume(), tmp_path / "c", kernel="LUNG", frame_of_reference_uid="2.25.33")
    assert [s.acquisition.slices for s in found(tmp_path)] == [24, 24, 24]


def test_unknown_thickness_is_the_spacing_of_a_regular_stack(tmp_path: Path) -> None:
    def forget(dataset: FileDataset, index: int) -> None:
        del dataset.SliceThickness

    files = write(noise_volume(), tmp_path)
    change(files, forget)
    assert only(tmp_path).acquisition.slice_thickness_mm == 2.0
    assert only(files[0]).acquisition.slice_thickness_mm is None


def test_the_thickest_slice_counts(tmp_path: Path) -> None:
    def thicken(dataset: FileDataset, index: int) -> None:
        dataset.SliceThickness = 5 if index == 3 else 1

    change(write(noise_volume(), tmp_path), thicken)
    assert only(tmp_path).acquisition.slice_thickness_mm == 5.0


@pytest.mark.parametrize(
    ("image_type", "kind"),
    [
        (["DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE"], SeriesKind.REFORMAT),
        (["DERIVED", "PRIMARY", "MPR"], SeriesKind.REFORMAT),
        (["DERIVED", "SECONDARY", "AXIAL", "CT_SOM5 MIP"], SeriesKind.UNSUPPORTED),
        (["DERIVED", "PRIMARY", "MIP"], SeriesKind.UNSUPPORTED),
        (["ORIGINAL", "SECONDARY", "AXIAL"], SeriesKind.AXIAL),
        (["DERIVED", "SECONDARY", "DOSE_INFO"], SeriesKind.SECONDARY_CAPTURE),
    ],
)
def test_image_type_tells_the_kind(tmp_path: Path, image_type: list[str], kind: SeriesKind) -> None:
    def tell(dataset: FileDataset, index: int) -> None:
        dataset.ImageType = image_type

    files = write(noise_volume(), tmp_path)[:2]
    change(files, tell)
    assert only(*files).acquisition.kind is kind


def test_values_that_are_not_hu_are_no_ct(tmp_path: Path) -> None:
    def tell(dataset: FileDataset, index: int) -> None:
        dataset.RescaleType = ["Z_EFF", "Houndsfield Unit"][index]

    files = write(noise_volume(), tmp_path)[:2]
    change(files, tell)
    first, second = (only(f).acquisition for f in files)
    assert (first.kind, first.value_unit) == (SeriesKind.NOT_CT, "Z_EFF")
    assert (second.kind, second.value_unit) == (SeriesKind.AXIAL, "HU")
