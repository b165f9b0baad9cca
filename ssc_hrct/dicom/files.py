"""Files, and members of zip archives as if they were files: the one place where this room opens what it reads.

A member is named by its archive with its own name below it (`exam.zip/series/0001`); nothing is unpacked to disk. A
name that points out of the archive (`..`, an absolute path) is replaced by a number. Encrypted members, and such as
are far larger than what they are packed into, cannot be opened. An archive in an archive is not looked into.
"""

from __future__ import annotations

import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

import pydicom
from pydicom.dataset import FileDataset

ZIP_BEGINS = b"PK\x03\x04"
MOST_MEMBERS = 500_000
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
    packed = _archive(place)
    info = packed.members.get(str(PurePosixPath(path.relative_to(place).as_posix())))
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
    return tuple(path / name for name in sorted(_archive(path).members))


def is_member(path: Path) -> bool:
    """Whether this names something in an archive that is there."""
    try:
        return _archive_of(path) is not None
    except READ_ERRORS:
        return False


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
    return bool(name) and "\\" not in name and "\0" not in name and ":" not in name and not set(parts) & {"", ".", ".."}


def _archive(place: Path) -> _Archive:
    facts = place.stat()
    return _opened(str(place), facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=4)
def _opened(place: str, size: int, changed_ns: int) -> _Archive:
    return _Archive(Path(place))
