"""What headers said, kept while the program runs, so that opening a folder again reads only what has changed.

Keyed by path, size and time of change. Kept in memory alone: headers hold names and numbers of patients, and those are
not left on a workstation's disk.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from ssc_hrct.dicom.headers import NoImage
from ssc_hrct.dicom.multiframe import read_headers
from ssc_hrct.dicom.series import SliceHeader

MOST_HEADERS = 100_000
"""About 300 MB: a file with one image keeps 2.8 KB, one with 200 frames 291. Beyond that the earliest files are
forgotten."""

Said = tuple[SliceHeader, ...] | NoImage


class Index:
    """Reads headers, each file once as long as it does not change. May be asked by several threads."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, int], Said]] = {}
        self._headers = 0
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._known)

    def read(self, file: Path) -> Said:
        """As `read_headers`. Members of archives, and files that cannot be looked at, are read each time."""
        try:
            facts = file.stat()
        except (OSError, ValueError):
            return read_headers(file)
        key = (facts.st_size, facts.st_mtime_ns)
        known = self._known.get(file)
        if known is not None and known[0] == key:
            return known[1]
        said = read_headers(file)
        if said in (NoImage.LOCKED, NoImage.DAMAGED):
            return said  # it may be a matter of rights or of the network, which a file's date does not show
        with self._lock:
            self._forget(file)
            self._known[file] = key, said
            self._headers += _count(said)
            while self._headers > MOST_HEADERS:
                self._forget(next(iter(self._known)))
        return said

    def _forget(self, file: Path) -> None:
        known = self._known.pop(file, None)
        if known is not None:
            self._headers -= _count(known[1])


def _count(said: Said) -> int:
    """As how many headers it counts: what is no image takes room too."""
    return max(1, len(said)) if isinstance(said, tuple) else 1
