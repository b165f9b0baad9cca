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

MOST_FILES = 100_000
"""About 300 MB of headers; beyond that the earliest are forgotten."""

Said = tuple[SliceHeader, ...] | NoImage


class Index:
    """Reads headers, each file once as long as it does not change. May be asked by several threads."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, int], Said]] = {}
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
            self._known[file] = key, said
            while len(self._known) > MOST_FILES:
                del self._known[next(iter(self._known))]
        return said
