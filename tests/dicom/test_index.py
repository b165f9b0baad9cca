"""What headers said is kept while a file stays as it is, and told while a long search goes on."""

from __future__ import annotations

import os
import shutil
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian

from ssc_hrct import dicom
from ssc_hrct.core.errors import Cancelled
from ssc_hrct.core.volume import PADDING_HU, Volume
from ssc_hrct.dicom import pixels
from ssc_hrct.dicom.index import Index
from ssc_hrct.dicom.multiframe import read_headers
from ssc_hrct.dicom.quiet import quiet
from tests.dicom.making import change, noise_volume, only, write, write_enhanced


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Files whose headers were read."""
    read: list[Path] = []

    def reading(file: Path) -> object:
        read.append(file)
        return read_headers(file)

    monkeypatch.setattr("ssc_hrct.dicom.index.read_headers", reading)
    return read


def test_a_file_that_did_not_change_is_read_once(tmp_path: Path, opened: list[Path]) -> None:
    files, index = write(noise_volume(), tmp_path / "in"), Index()
    first = dicom.find([tmp_path], index=index)
    assert len(opened) == len(files)
    assert dicom.find([tmp_path], index=index) == first
    assert len(opened) == len(files)


def test_a_file_that_changed_is_read_again(tmp_path: Path, opened: list[Path]) -> None:
    files, index = write(noise_volume(), tmp_path / "in"), Index()
    dicom.find([tmp_path], index=index)
    change(files, lambda dataset, _: setattr(dataset, "ConvolutionKernel", "OTHER"))
    (series,) = dicom.find([tmp_path], index=index).series
    assert series.acquisition.kernel == "OTHER"
    opened.clear()
    later = files[0].stat().st_mtime_ns + 1_000_000_000
    os.utime(files[0], ns=(later, later))
    dicom.find([tmp_path], index=index)
    assert opened == [files[0]]


def test_a_file_that_is_gone_is_found_no_more(tmp_path: Path) -> None:
    files, index = write(noise_volume(), tmp_path / "in"), Index()
    dicom.find([tmp_path], index=index)
    files[3].unlink()
    assert dicom.find([tmp_path], index=index).files == len(files) - 1


def test_no_more_is_kept_than_was_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssc_hrct.dicom.index.MOST_HEADERS", 10)
    write(noise_volume(), tmp_path / "in")
    index = Index()
    found = dicom.find([tmp_path], index=index)
    assert len(index) == 10
    assert dicom.find([tmp_path], index=index) == found


def test_each_frame_of_a_file_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssc_hrct.dicom.index.MOST_HEADERS", 50)
    files = write(noise_volume(), tmp_path / "in")
    index = Index()
    for number in range(4):
        frames = write_enhanced(files, tmp_path / f"{number}.dcm", ExplicitVRLittleEndian)
        with quiet():
            index.read(frames)
    assert len(index) == 2, "of 24 frames each"
    for file in files:
        index.read(file)
    assert len(index) == 25, "24 of one, and 24 of the last file of many"
    change(files[:1], lambda dataset, _: setattr(dataset, "ConvolutionKernel", "OTHER"))
    index.read(files[0])
    assert len(index) == 25, "what is read again counts once"


def test_the_series_found_so_far_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_FIRST_S", "_LEAST_S", "_TIMES"):
        monkeypatch.setattr(import_module("ssc_hrct.dicom.find"), name, 0)
    write(noise_volume(), tmp_path / "in")
    told: list[int] = []
    found = dicom.find([tmp_path], so_far=lambda series: told.append(sum(len(s.files) for s in series)))
    assert told == sorted(told)
    assert told[0] < told[-1] <= found.files
    assert found == dicom.find([tmp_path])


def test_what_is_told_on_the_way_looks_at_no_pixels_and_hears_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_FIRST_S", "_LEAST_S", "_TIMES"):
        monkeypatch.setattr(import_module("ssc_hrct.dicom.find"), name, 0)
    for file in write(noise_volume(), tmp_path / "in"):
        shutil.copy(file, tmp_path / f"copy-{file.name}")
    compared: list[bool] = []
    told: list[int] = []

    def opening(*_: object, **__: object) -> pixels.Opened:
        compared.append(True)
        return pixels.Opened()

    monkeypatch.setattr(pixels, "open_files", opening)

    class Stop:
        steps = 0

        def step(self, text: str, done: int = 0, total: int = 0) -> None:
            self.steps += 1
            if self.steps > 5:
                raise Cancelled

    with pytest.raises(Cancelled):
        dicom.find([tmp_path], so_far=lambda series: told.append(len(series)), progress=Stop())
    assert (len(told), compared) == (4, []), "the first step is of the search itself"
    dicom.find([tmp_path], so_far=lambda series: told.append(sum(s.acquisition.extra_copies for s in series)))
    assert told[-1] == 23
    assert compared == [True], "at the end"


def test_the_middle_slice_comes_first_and_the_rest_into_the_same_volume(tmp_path: Path) -> None:
    volume = noise_volume()
    write(volume, tmp_path / "in")
    early: list[tuple[Volume, list[int]]] = []

    def look(shown: Volume) -> None:
        early.append((shown, np.flatnonzero((shown.hu != PADDING_HU).any(axis=(1, 2))).tolist()))

    whole = dicom.load(only(tmp_path / "in"), early=look)
    ((shown, there),) = early
    middle = (volume.grid.shape[0] - 1) / 2
    assert min(abs(z - middle) for z in there) <= 0.5
    assert shown.grid == whole.grid
    np.testing.assert_array_equal(shown.hu, whole.hu)
    with pytest.raises(ValueError, match="read-only"):
        shown.hu[0, 0, 0] = 0


def test_an_early_look_that_is_stopped_stops_the_loading(tmp_path: Path) -> None:
    write(noise_volume(), tmp_path / "in")

    def stop(_: Volume) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        dicom.load(only(tmp_path / "in"), early=stop)
