"""One pass over files and folders: every image's header is read once, nothing is decoded.

In: paths. Out: `Found`. Folders are searched with all below them, zip archives like folders; a link back to a folder
already seen is not followed again. A file that cannot be read is counted and the others go on. A missing path is
`HrctError("NO_SUCH_PATH")`. Files of a DICOMDIR are found by walking, not by reading it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import monotonic

from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.paths import is_there
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.dicom.files import READ_ERRORS, is_member, members, open_archives
from ssc_hrct.dicom.headers import NoImage
from ssc_hrct.dicom.index import Index, Said
from ssc_hrct.dicom.quiet import quiet
from ssc_hrct.dicom.series import Found, Series, SliceHeader
from ssc_hrct.dicom.stacks import make_series

_LOOKING = "Looking for DICOM files"
_REPORT_EVERY = 50
READERS, AHEAD = 4, 64
_FIRST_S, _LEAST_S, _TIMES = 0.5, 1.0, 5
"""Seconds until the first telling, the least between two, and how many times as long as a telling took."""


def find(
    paths: Sequence[Path], *, index: Index | None = None, so_far: Callable[[tuple[Series, ...]], None] | None = None,
    progress: Progress = SILENT,
) -> Found:
    """All series of images in these files and folders.

    index: knows what unchanged files said before. so_far: told now and then of the series that the files seen until
    then make; what it is told may still grow. The order of the series, and everything in them, depends on the files
    alone. Raises HrctError("NO_SUCH_PATH") for a path that is not there, WrongUsage for one that the system refuses.
    """
    check_there(paths)
    headers: list[SliceHeader] = []
    damaged: list[Path] = []
    locked: list[Path] = []
    files = not_dicom = other = 0
    told = _Now(so_far)
    known = Index() if index is None else index
    with quiet(), open_archives():
        for file, read in _read_each(paths, known.read):
            told.tell(headers, progress, files)
            if files % _REPORT_EVERY == 0:
                progress.step(_LOOKING, files)
            files += 1
            if not isinstance(read, NoImage):
                headers.extend(read)
                if any(header.truncated for header in read):
                    damaged.append(file)
            elif read is NoImage.DAMAGED:
                damaged.append(file)
            elif read is NoImage.LOCKED:
                locked.append(file)
            elif read is NoImage.NOT_DICOM or read is NoImage.ARCHIVE:
                not_dicom += 1
            else:
                other += 1
        progress.step(_LOOKING, files, files)
        series = make_series(headers, progress=progress)
    return Found(series=series, files=files, not_dicom=not_dicom, damaged=tuple(damaged), other=other,
                 locked=tuple(locked))


def check_there(paths: Sequence[Path]) -> None:
    """Raises HrctError("NO_SUCH_PATH") for a path that is not there, WrongUsage for one that the system refuses."""
    for path in paths:
        if not is_there(path) and not is_member(path):
            raise HrctError("NO_SUCH_PATH", f"There is no file or folder '{path}'.", "Check the path.")


class _Now:
    """Tells what was found so far: soon, and then ever more rarely, so that telling takes a small part of the time."""

    def __init__(self, tell: Callable[[tuple[Series, ...]], None] | None) -> None:
        self._tell, self._next = tell, monotonic() + _FIRST_S

    def tell(self, headers: Sequence[SliceHeader], progress: Progress, files: int) -> None:
        """Copies are told by their UIDs here: no pixels are looked at."""
        began = monotonic()
        if self._tell is not None and headers and began >= self._next:
            self._tell(make_series(headers, by_pixels=False, progress=_StillLooking(progress, files)))
            took = monotonic() - began
            self._next = monotonic() + max(_LEAST_S, _TIMES * took)


@dataclass(frozen=True, slots=True)
class _StillLooking:
    """What is said while the series so far are made: the same as before, so that a stop is heard."""

    progress: Progress
    files: int

    def step(self, text: str, done: int = 0, total: int = 0) -> None:
        self.progress.step(_LOOKING, self.files)


def _read_each(paths: Sequence[Path], read: Callable[[Path], Said]) -> Iterator[tuple[Path, Said]]:
    """Each file with what it says; in place of an archive its members. In order, some files ahead in threads: on a slow
    network share the waiting for each file is most of the time."""
    with ThreadPoolExecutor(READERS, thread_name_prefix="headers") as pool:
        for file, said in _ahead(pool, files_below(paths), read):
            if said is not NoImage.ARCHIVE:
                yield file, said
                continue
            try:
                inside = members(file)
            except READ_ERRORS:
                yield file, NoImage.DAMAGED
                continue
            yield from _ahead(pool, inside, read)


def _ahead(
    pool: ThreadPoolExecutor, files: Iterable[Path], read: Callable[[Path], Said]
) -> Iterator[tuple[Path, Said]]:
    waiting = iter(files)
    while some := list(islice(waiting, AHEAD)):
        yield from zip(some, pool.map(read, some), strict=True)


def files_below(paths: Sequence[Path]) -> Iterator[Path]:
    """Each file once, folders depth first in the order of their names; and folders that may not be entered."""
    seen_folders: set[str] = set()
    seen_files: set[str] = set()
    for path in paths:
        if path.is_dir():
            yield from _walk_folder(path, seen_folders, seen_files)
        elif (path.is_file() or is_member(path)) and _is_new(str(path), seen_files):
            yield path


def _is_new(path: str, seen: set[str]) -> bool:
    real = os.path.realpath(path)
    if real in seen:
        return False
    seen.add(real)
    return True


def _walk_folder(folder: Path, seen_folders: set[str], seen_files: set[str]) -> Iterator[Path]:
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        if not _is_new(str(here), seen_folders):
            continue
        real = os.path.realpath(here)
        try:
            with os.scandir(here) as entries:
                inside = sorted(entries, key=lambda entry: entry.name)
        except PermissionError:
            yield here  # it is told with the files that may not be opened
            continue
        except OSError:
            continue
        for entry in inside:
            try:
                if entry.is_file():
                    # a plain file of a folder seen once needs no look at the disk to be known as new
                    name = os.path.realpath(entry.path) if entry.is_symlink() else f"{real}{os.sep}{entry.name}"
                    if name not in seen_files:
                        seen_files.add(name)
                        yield Path(entry.path)
            except OSError:
                continue
        waiting.extend(Path(entry.path) for entry in reversed(inside) if _is_folder(entry))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
