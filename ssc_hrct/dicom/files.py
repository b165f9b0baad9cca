"""Files, and members of zip archives as if they were files: the one place where this room opens what it reads.

A member is named by its archive with its own name below it (`exam.zip/series/0001`); nothing is unpacked to disk. A
name that points out of the archive (`..`, an absolute path) is replaced by a number. Encrypted members, and such as
are far larger than what they are packed into, cannot be opened. An archive in an archive is not looked into. Archives
stay open within `open_archives()` and not beyond: on Windows an open file cannot be moved.
"""

from __future__ import annotations

import lzma
import os
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

import pydicom
from pydicom.dataset import FileDataset
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

ZIP_BEGINS = b"PK\x03\x04"
MOST_MEMBERS = 500_000
MOST_OPEN = 4
"""Archives at a time; a folder may hold thousands."""
LONGEST_PART_BYTES, LONGEST_NAME_BYTES = 255, 2048
"""Of a member's name: systems refuse longer ones."""
LARGEST_MEMBER_BYTES = 4 * 2**30
BOMB_FROM_BYTES, BOMB_TIMES = 32 * 2**20, 200
"""A member over so many bytes that is so many times as large as its packed form is taken for a trap."""
HEAD_BYTES = 16 * 1024
"""What is read of a file first: nearly always its whole header."""
HEADER_BYTES = 16 * 2**20
"""More than any header is long."""
DEFLATED = "1.2.840.10008.1.2.1.99"
READ_ERRORS = (
    OSError, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError, struct.error, zipfile.BadZipFile,
)
"""What opening and reading may raise: archives with damaged names, members and methods complain in all these ways."""


@contextmanager
def open_file(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """The file or member, opened to be read, and its size in bytes. Raises one of READ_ERRORS."""
    try:
        file = path.open("rb")
    except (FileNotFoundError, NotADirectoryError):  # no file system has a folder of a file's name
        place = _archive_of(path)
        if place is None:
            raise
    else:
        with file:
            yield file, os.fstat(file.fileno()).st_size
        return
    with open_archives():
        packed = _archive(place)
        info = packed.members.get(_name_in(place, path))
        if info is None:
            raise FileNotFoundError("the archive has no such member")
        if info.flag_bits & 1:
            raise OSError("the member is encrypted")
        large = info.file_size > LARGEST_MEMBER_BYTES
        if large or (info.file_size > BOMB_FROM_BYTES and info.file_size > BOMB_TIMES * max(info.compress_size, 1)):
            raise OSError("the member is far larger than what it is packed into")
        with packed.zip.open(info) as member:
            yield cast(BinaryIO, member), info.file_size


def read_dataset(path: Path, *, tags: Sequence[str] | None = None, pixels: bool = True) -> FileDataset:
    """The dataset of a file or member, with these elements alone where tags are named; without preamble too.

    Call it within `quiet()`. Raises one of READ_ERRORS, and whatever else the parser says of broken files.
    """
    with open_file(path) as (file, size):
        _check_deflated(file, size)
        return pydicom.dcmread(
            file, force=True, stop_before_pixels=not pixels, specific_tags=None if tags is None else list(tags)
        )


def syntax_of(read: FileDataset) -> UID:
    """The transfer syntax that the file names, or that it is written in."""
    named = str(read.file_meta.get("TransferSyntaxUID", ""))
    if named:
        return UID(named)
    implicit, little = read.original_encoding
    return ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian


def inflated(packed: bytes, most: int = HEADER_BYTES) -> bytes:
    """A deflated dataset up to so many bytes of it: a few kilobytes may unpack to more than any memory holds."""
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, most)


def _check_deflated(file: BinaryIO, size: int) -> None:
    """Raises OSError where a deflated dataset is far larger than its packed form; leaves the file at its beginning."""
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if DEFLATED.encode() not in head:
        return
    most = max(BOMB_FROM_BYTES, min(BOMB_TIMES * size, LARGEST_MEMBER_BYTES))
    packed = file.read()
    file.seek(0)
    begins = _dataset_begins(packed)
    unpack, unpacked = zlib.decompressobj(-zlib.MAX_WBITS), 0
    rest = packed[begins:]
    while rest:
        unpacked += len(unpack.decompress(rest, HEADER_BYTES))
        rest = unpack.unconsumed_tail
        if unpacked > most:
            raise OSError("the dataset is far larger than what it is packed into")


def _dataset_begins(packed: bytes) -> int:
    """Where the file meta group ends, by its own length."""
    start = 132 if packed[128:132] == b"DICM" else 0
    return start + 12 + int.from_bytes(packed[start + 8 : start + 12], "little")


def members(path: Path) -> tuple[Path, ...]:
    """All files in an archive, by name. Raises one of READ_ERRORS where it is damaged."""
    with open_archives():
        return tuple(path / name for name in sorted(_archive(path).members))


def is_archive(path: Path) -> bool:
    """Whether the file begins as a zip archive does; a member that does is none, as it is not looked into."""
    try:
        with path.open("rb") as file:
            return file.read(len(ZIP_BEGINS)) == ZIP_BEGINS
    except OSError:
        return False


def is_member(path: Path) -> bool:
    """Whether this names a file in an archive that is there and can be read."""
    try:
        place = _archive_of(path)
        with open_archives():
            return place is not None and _name_in(place, path) in _archive(place).members
    except READ_ERRORS:
        return False


def _name_in(place: Path, path: Path) -> str:
    return str(PurePosixPath(path.relative_to(place).as_posix()))


def _archive_of(path: Path) -> Path | None:
    """The archive that the path points into; None for a path of the file system."""
    for above in path.parents:
        if above.is_file():
            return above
        if above.is_dir():
            return None
    return None


class _Archive:
    """An archive that stays open, and its members by the names that they have here."""

    def __init__(self, place: Path) -> None:
        self.zip = zipfile.ZipFile(place)
        infos = [info for info in self.zip.infolist() if not info.filename.endswith("/")]
        if len(infos) > MOST_MEMBERS:
            raise OSError("the archive has too many members")
        self.members: dict[str, zipfile.ZipInfo] = {}
        for number, info in enumerate(infos):
            name = info.filename
            if not _is_harmless(name) or name in self.members:
                name = f"member-{number:06d}"
            self.members[name] = info


def _is_harmless(name: str) -> bool:
    parts = name.split("/")
    told = name.encode("utf-8", "surrogatepass")
    short = len(told) <= LONGEST_NAME_BYTES and all(len(part) <= LONGEST_PART_BYTES for part in told.split(b"/"))
    return short and "\\" not in name and "\0" not in name and ":" not in name and not set(parts) & {"", ".", ".."}


class _OpenArchives:
    """Archives that are open, the one that was used last at the end, and how many blocks are inside."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._open: dict[tuple[str, int, int], _Archive] = {}

    def enter(self) -> None:
        with self._lock:
            self._inside += 1

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                for archive in self._open.values():
                    archive.zip.close()
                self._open.clear()

    def get(self, place: Path) -> _Archive:
        """Raises one of READ_ERRORS. What is one too many is closed when nobody reads it any more."""
        facts = place.stat()
        key = str(place), facts.st_size, facts.st_mtime_ns
        with self._lock:
            archive = self._open.pop(key, None) or _Archive(place)
            self._open[key] = archive
            if len(self._open) > MOST_OPEN:
                del self._open[next(iter(self._open))]
            return archive


_OPEN = _OpenArchives()


@contextmanager
def open_archives() -> Iterator[None]:
    """Within the block archives that are read stay open. Blocks may overlap in threads: the last one closes them."""
    _OPEN.enter()
    try:
        yield
    finally:
        _OPEN.leave()


def _archive(place: Path) -> _Archive:
    """Call it within `open_archives()`."""
    return _OPEN.get(place)
