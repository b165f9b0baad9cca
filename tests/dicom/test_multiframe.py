"""Enhanced multi-frame CT: the same volume as from single files, whatever the order of the frames and their coding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, JPEGLSLossless, RLELossless

from ssc_hrct import dicom
from ssc_hrct.app.assets import default_protocol
from ssc_hrct.app.result import frames_sha256
from ssc_hrct.core.acquisition import SeriesKind
from ssc_hrct.core.errors import HrctError
from ssc_hrct.quality import check_header
from tests.dicom.making import change, noise_volume, only, write, write_enhanced

CODINGS = {"explicit": ExplicitVRLittleEndian, "rle": RLELossless, "jpeg-ls": JPEGLSLossless,
           "deflated": DeflatedExplicitVRLittleEndian}


@pytest.mark.parametrize("coding", CODINGS)
def test_frames_in_any_order_give_the_volume_of_the_single_files(tmp_path: Path, coding: str) -> None:
    volume = noise_volume()
    files = write(volume, tmp_path / "single")
    alone = dicom.load(only(tmp_path / "single"))
    order = np.random.default_rng(3).permutation(len(files))
    file = write_enhanced([files[i] for i in order], tmp_path / "many" / "frames", CODINGS[coding])
    series = only(file.parent)
    assert (series.acquisition.kind, series.acquisition.slices) == (SeriesKind.AXIAL, len(files))
    assert series.files == (file,)
    assert (series.acquisition.kernel, series.acquisition.slice_thickness_mm, series.acquisition.kvp) == (
        alone.acquisition.kernel, alone.acquisition.slice_thickness_mm, alone.acquisition.kvp)
    loaded = dicom.load(series)
    np.testing.assert_array_equal(loaded.hu, alone.hu)
    assert loaded.grid == alone.grid
    assert set(loaded.source.sop_instance_uids) == {pydicom.dcmread(file).SOPInstanceUID}


def test_each_frame_has_its_own_rescale(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path / "single")

    def shifted(dataset: FileDataset, index: int) -> None:
        values = np.frombuffer(dataset.PixelData, "<i2") + 10 * index
        dataset.PixelData = values.astype("<i2").tobytes()
        dataset.RescaleIntercept -= 10 * index

    change(files, shifted)
    file = write_enhanced(files, tmp_path / "many" / "frames", ExplicitVRLittleEndian)
    np.testing.assert_array_equal(dicom.load(only(file.parent)).hu, dicom.load(only(tmp_path / "single")).hu)


def test_a_gap_between_frames_is_one_between_slices(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path / "single")
    file = write_enhanced([*files[:9], *files[10:]], tmp_path / "many" / "frames", ExplicitVRLittleEndian)
    series = only(file.parent)
    assert (series.acquisition.holes, len(series.acquisition.missing_mm)) == (1, 1)
    assert dicom.load(series).source.sop_instance_uids[9] == ""


def test_two_stacks_in_one_file_are_two_series(tmp_path: Path) -> None:
    one = write(noise_volume(1), tmp_path / "a")
    other = write(noise_volume(2), tmp_path / "b", series="2.25.7")
    change(other, lambda dataset, _: setattr(dataset, "ConvolutionKernel", "SOFT"))
    file = write_enhanced([*one, *other], tmp_path / "many" / "frames", ExplicitVRLittleEndian)
    both = dicom.find([file.parent]).series
    assert sorted((s.acquisition.kernel, s.acquisition.slices) for s in both) == [("LUNG", 24), ("SOFT", 24)]
    soft, lung = (next(s for s in both if s.acquisition.kernel == kernel) for kernel in ("SOFT", "LUNG"))
    assert soft.slices_sha256 != lung.slices_sha256
    assert frames_sha256(dicom.load(soft).source) != frames_sha256(dicom.load(lung).source)
    np.testing.assert_array_equal(dicom.load(soft).hu, dicom.load(only(tmp_path / "b")).hu)


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-5000])


def _no_groups(file: Path) -> None:
    dataset = pydicom.dcmread(file)
    del dataset.PerFrameFunctionalGroupsSequence
    dataset.save_as(file)


def _one_group_too_few(file: Path) -> None:
    dataset = pydicom.dcmread(file)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(list(dataset.PerFrameFunctionalGroupsSequence)[:-1])
    dataset.save_as(file)


def _no_places(file: Path) -> None:
    dataset = pydicom.dcmread(file)
    for item in dataset.PerFrameFunctionalGroupsSequence:
        item.PlanePositionSequence = Sequence([Dataset()])
    dataset.save_as(file)


@pytest.mark.parametrize(("harm", "codes"), [
    (_cut, {"UNREADABLE"}), (_no_groups, {"UNREADABLE"}), (_one_group_too_few, {"UNREADABLE"}),
    (_no_places, {"BAD_GEOMETRY"}),
])
def test_what_makes_no_slices_is_refused_by_name(tmp_path: Path, harm: Callable[[Path], None], codes: set[str]) -> None:
    file = write_enhanced(write(noise_volume(), tmp_path / "single"), tmp_path / "many" / "f", ExplicitVRLittleEndian)
    harm(file)
    series = only(file.parent)
    assert codes <= {f.code for f in check_header(series.acquisition, default_protocol())}
    with pytest.raises(HrctError):
        dicom.load(series)
