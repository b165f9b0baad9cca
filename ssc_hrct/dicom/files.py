"""Files, and members of zip archives as if they were files: the one place where this room opens what it reads.

A member is named by its archive with its own name below it (`exam.zip/series/0001`); nothing is unpacked to disk. A
name that points out of the archive (`..`, an absolute path) is replaced by a number. Encrypted members, and such as
are far larger than what they are packed into, cannot be opened. An archive in an archive is not looked into.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

ZIP_BEGINS = b"PK\x03\x04"
MOST_MEMBERS = 500_000
LARGEST_MEMBER_BYTES = 4 * 2**30
BOMB_FROM_BYTES, BOMB_TIMES = 32 * 2**20, 200
"""A member over so many bytes that is so many times as large as its packed form is taken for a trap."""
READ_ERRORS = (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError)
"""What opening and reading may raise."""


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
        infos = [info for info in self.zip.infolist() if not info.is_dir()]
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
