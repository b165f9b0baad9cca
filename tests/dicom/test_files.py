"""Zip archives are read like folders, and none of their tricks gets through."""

from __future__ import annotations

import struct
import threading
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import UID, ExplicitVRLittleEndian, RLELossless

from ssc_hrct import dicom
from ssc_hrct.app.assets import default_protocol
from ssc_hrct.app.deidentify import deidentify
from ssc_hrct.core.errors import HrctError
from ssc_hrct.dicom import files, pixels
from ssc_hrct.dicom.write_seg import write_seg
from tests.dicom.making import noise_volume, only, uids, write, write_enhanced
from tests.dicom.test_write_seg import NOW, segments


def packed(folder: Path, archive: Path, *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(archive, "w", method) as out:
        for file in sorted(folder.rglob("*")):
            out.write(file, file.relative_to(folder))
    return archive


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("name", ["exam.zip", "export"])
def test_an_archive_gives_the_volume_of_its_folder(tmp_path: Path, method: int, name: str) -> None:
    write(noise_volume(), tmp_path / "in" / "Ünïcode 日本" / "deep")
    archive = packed(tmp_path / "in", tmp_path / name, method=method)
    alone, zipped = dicom.load(only(tmp_path / "in")), dicom.load(only(archive))
    np.testing.assert_array_equal(zipped.hu, alone.hu)
    assert (zipped.grid, zipped.acquisition, zipped.source) == (alone.grid, alone.acquisition, alone.source)


def test_an_archive_beside_files_is_found_with_them_and_a_copy_in_it_is_a_copy(tmp_path: Path) -> None:
    write(noise_volume(), tmp_path / "in")
    packed(tmp_path / "in", tmp_path / "again.zip")
    found = dicom.find([tmp_path])
    assert (found.files, len(found.series), found.series[0].acquisition.extra_copies) == (48, 1, 24)


def test_the_files_of_a_series_in_an_archive_find_it_again(tmp_path: Path) -> None:
    write(noise_volume(), tmp_path / "in")
    series = only(packed(tmp_path / "in", tmp_path / "exam.zip"))
    assert only(*series.files) == series


def test_many_frames_in_an_archive(tmp_path: Path) -> None:
    write_enhanced(write(noise_volume(), tmp_path / "single"), tmp_path / "many" / "frames", RLELossless)
    series = only(packed(tmp_path / "many", tmp_path / "exam.zip"))
    np.testing.assert_array_equal(dicom.load(series).hu, dicom.load(only(tmp_path / "single")).hu)


def test_names_that_point_out_of_the_archive_stay_inside(tmp_path: Path) -> None:
    (file, *_) = write(noise_volume(), tmp_path / "in")
    names = ["../../escaped", "/etc/absolute", "C:\\windows\\back", "a/./b", "plain", "plain"]
    with zipfile.ZipFile(tmp_path / "exam.zip", "w") as out:
        for name in names[:-1]:
            out.writestr(name, file.read_bytes())
        with pytest.warns(UserWarning, match="Duplicate"):
            out.writestr(names[-1], file.read_bytes())
    before = sorted(tmp_path.rglob("*"))
    inside = list(files.members(tmp_path / "exam.zip"))
    assert [m.name for m in inside] == [f"member-{n:06d}" for n in (0, 1, 2, 3, 5)] + ["plain"]
    assert all(m.resolve().is_relative_to(tmp_path / "exam.zip") for m in inside)
    assert dicom.find([tmp_path / "exam.zip"]).files == 6
    assert sorted(tmp_path.rglob("*")) == before


def test_a_member_far_larger_than_its_packed_form_is_not_opened(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as out, out.open("big", "w") as member:
        member.write(bytes(128) + b"DICM")
        for _ in range(40):
            member.write(bytes(2**20))
    found = dicom.find([tmp_path])
    assert (found.files, len(found.damaged), found.series) == (1, 1, ())


def test_an_archive_in_an_archive_is_not_looked_into(tmp_path: Path) -> None:
    write(noise_volume(), tmp_path / "in")
    (tmp_path / "outer").mkdir()
    packed(tmp_path / "in", tmp_path / "outer" / "exam.zip")
    found = dicom.find([packed(tmp_path / "outer", tmp_path / "outer.zip")])
    assert (found.files, found.not_dicom, found.series) == (1, 1, ())


def test_damaged_and_encrypted_archives_are_damaged_files(tmp_path: Path) -> None:
    write(noise_volume(), tmp_path / "in")
    archive = packed(tmp_path / "in", tmp_path / "exam.zip")
    data = bytearray(archive.read_bytes())
    (tmp_path / "cut.zip").write_bytes(data[: len(data) // 2])
    entry = data.index(b"PK\x01\x02")
    struct.pack_into("<H", data, entry + 8, 1)  # the first member says that it is encrypted
    (tmp_path / "locked.zip").write_bytes(data)
    cut, locked = dicom.find([tmp_path / "cut.zip"]), dicom.find([tmp_path / "locked.zip"])
    assert (cut.files, cut.damaged) == (1, (tmp_path / "cut.zip",))
    assert (locked.files, len(locked.damaged), locked.series[0].acquisition.slices) == (24, 1, 23)


def test_damage_inside_a_member_is_a_slice_that_cannot_be_read(tmp_path: Path) -> None:
    write(noise_volume(), tmp_path / "in")
    archive = packed(tmp_path / "in", tmp_path / "exam.zip")
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as opened:
        info = opened.infolist()[7]
    place = info.header_offset + info.compress_size // 2
    data[place : place + 300] = bytes(300)
    archive.write_bytes(data)
    found = dicom.find([archive])
    assert (found.damaged, found.series[0].acquisition.slices) == ((archive / info.filename,), 23)


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("harm", ["name", "local name", "data"])
def test_no_damage_to_an_archive_stops_the_pass(tmp_path: Path, method: int, harm: str) -> None:
    write(noise_volume(), tmp_path / "in" / "ü")
    archive = packed(tmp_path / "in", tmp_path / "exam.zip", method=method)
    data = bytearray(archive.read_bytes())
    if harm == "data":
        for at in range(60, len(data) * 2 // 3, 7):
            data[at] ^= 0xFF
    else:
        at = data.index("ü".encode()) if harm == "local name" else data.rindex("ü".encode())
        data[at : at + 2] = b"\xff\xff"
    archive.write_bytes(data)
    write(noise_volume(), tmp_path / "whole", series="2.25.9", study="2.25.8")
    assert 24 in [series.acquisition.slices for series in dicom.find([tmp_path]).series]


def test_an_archive_that_changed_is_read_anew(tmp_path: Path) -> None:
    write(noise_volume(), tmp_path / "in")
    assert only(packed(tmp_path / "in", tmp_path / "exam.zip")).acquisition.slices == 24
    for file in sorted((tmp_path / "in").iterdir())[:4]:
        file.unlink()
    assert only(packed(tmp_path / "in", tmp_path / "exam.zip")).acquisition.slices == 20


@pytest.mark.parametrize(
    "below", ["exam.zip/none", "exam.zip/deep", "exam.zip/" + 300 * "x", "note.txt/0001", "cut.zip/a"]
)
def test_a_typo_below_an_archive_or_a_file_is_no_such_path(tmp_path: Path, below: str) -> None:
    write(noise_volume(), tmp_path / "in" / "deep")
    whole = packed(tmp_path / "in", tmp_path / "exam.zip")
    (tmp_path / "note.txt").write_text("no archive")
    (tmp_path / "cut.zip").write_bytes(whole.read_bytes()[:2000])
    with pytest.raises(HrctError, match="There is no file or folder") as refused:
        dicom.find([tmp_path / below])
    assert refused.value.code == "NO_SUCH_PATH"


def test_members_with_names_that_are_too_long_for_any_system_are_read_under_a_number(tmp_path: Path) -> None:
    names = ["a" * 256, "ü" * 128, "/".join(["b" * 200] * 11), "c" * 255]
    with zipfile.ZipFile(tmp_path / "exam.zip", "w") as out:
        for file, name in zip(write(noise_volume(), tmp_path / "in"), names, strict=False):
            out.writestr(name, file.read_bytes())
    found = dicom.find([tmp_path / "exam.zip"])
    assert (found.files, found.series[0].acquisition.slices) == (4, 4)
    assert [m.name for m in files.members(tmp_path / "exam.zip")] == ["c" * 255, *(f"member-{n:06d}" for n in range(3))]
    assert only(*found.series[0].files) == found.series[0]


def still_open(below: Path) -> list[str]:
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("this system does not list open files")
    links = [entry.readlink() for entry in folder.iterdir() if entry.exists()]
    return [link.name for link in links if link.is_relative_to(below)]


def test_no_archive_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(noise_volume(), tmp_path / "in")
    archives = [packed(tmp_path / "in", tmp_path / f"{number}.zip") for number in range(files.MOST_OPEN + 2)]
    series = only(*archives)
    assert still_open(tmp_path) == []
    dicom.load(series)
    assert still_open(tmp_path) == []
    monkeypatch.setenv("SSC_HRCT_SECRET", str(tmp_path / "secret"))
    deidentify(archives, tmp_path / "out", dates=dicom.Dates.KEEP, protocol=default_protocol())
    write_seg(tmp_path / "seg.dcm", series, dicom.load(series), segments(dicom.load(series)), subject_id="0007",
              new_uid=uids(), now=NOW)
    assert still_open(tmp_path) == []


def test_an_archive_that_another_thread_reads_stays_open(tmp_path: Path) -> None:
    write(noise_volume(), tmp_path / "in")
    archive = packed(tmp_path / "in", tmp_path / "exam.zip")
    inside, go = threading.Event(), threading.Event()
    read: list[bytes] = []

    def reader() -> None:
        with files.open_file(files.members(archive)[0]) as (file, _):
            inside.set()
            go.wait(20)
            read.append(file.read())

    thread = threading.Thread(target=reader)
    thread.start()
    assert inside.wait(20)
    dicom.load(only(archive))
    go.set()
    thread.join(20)
    assert read == [sorted((tmp_path / "in").iterdir())[0].read_bytes()]
    assert still_open(tmp_path) == []


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Files that were opened for their pixels, each time."""
    paths: list[Path] = []

    def read_dataset(path: Path, **more: Any) -> Any:
        paths.append(path)
        return files.read_dataset(path, **more)

    @contextmanager
    def open_file(path: Path) -> Iterator[Any]:
        paths.append(path)
        with files.open_file(path) as told:
            yield told

    monkeypatch.setattr(pixels, "open_file", open_file)
    monkeypatch.setattr(pixels, "read_dataset", read_dataset)
    return paths


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
def test_a_member_of_many_frames_is_unpacked_once_and_held_once(
    tmp_path: Path, opened: list[Path], syntax: UID
) -> None:
    singles = write(noise_volume(shape=(40, 160, 160)), tmp_path / "single")
    write_enhanced(singles[::-1], tmp_path / "many" / "frames", syntax)
    series = only(packed(tmp_path / "many", tmp_path / "exam.zip"))
    tracemalloc.start()
    try:
        hu = dicom.load(series).hu
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert opened == [tmp_path / "exam.zip" / "frames"]
    np.testing.assert_array_equal(hu, dicom.load(only(tmp_path / "single")).hu)
    if syntax == ExplicitVRLittleEndian:
        assert peak < 2.2 * hu.nbytes


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
def test_copies_of_frames_are_told_without_opening_their_file_for_each(
    tmp_path: Path, opened: list[Path], syntax: UID
) -> None:
    singles = write(noise_volume(), tmp_path / "single")
    write_enhanced([*singles, *singles], tmp_path / "many" / "frames", syntax)
    series = only(packed(tmp_path / "many", tmp_path / "exam.zip"))
    assert (series.acquisition.extra_copies, len(opened)) == (24, 1)
