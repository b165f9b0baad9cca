"""What the window and the scoring worker say to each other.

Messages on the pipe are short JSON texts; long things (the request, the result, the label maps) go through
files in a temporary folder that the client makes and removes. Standard library alone at module level.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from ssc_hrct.core.errors import HrctError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ssc_hrct.app.result import Result

MAPS = ("regions", "patterns", "zones")
"""Label maps that come back, uint8 [z, y, x], one zstd frame each."""


@dataclass(frozen=True, slots=True)
class Request:
    """files: of one series. findings: (code, level, detail) of what is known before (subject, visit).

    slices_sha256: of the series, for files that hold several. formats: of `objects.FORMATS`, written into objects in
    the folder. lungs: file with those to be used; empty for those that are found.
    """

    files: tuple[str, ...]
    series_instance_uid: str
    subject_id: str
    visit: str
    findings: tuple[tuple[str, str, str], ...] = ()
    slices_sha256: str = ""
    formats: tuple[str, ...] = ()
    folder: str = ""
    lungs: str = ""


@dataclass(frozen=True, slots=True)
class Maps:
    """uint8 [z, y, x] on the volume's grid: `Region`, `Pattern` and `Zone` per voxel; read-only."""

    regions: NDArray[np.uint8]
    patterns: NDArray[np.uint8]
    zones: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class StoredMaps:
    """The maps as zstd frames (about 1 MB a scan), kept while another scan is shown."""

    shape: tuple[int, int, int]
    frames: Mapping[str, bytes]

    def read(self) -> Maps:
        """Unpack; about 0.1 s a map. Raises HrctError(BAD_MAPS) where a frame is not whole."""
        import numpy as np
        import zstandard

        arrays = []
        voxels = int(np.prod(self.shape))
        for name in MAPS:
            try:
                data = zstandard.ZstdDecompressor().decompress(self.frames[name], max_output_size=voxels)
            except zstandard.ZstdError as problem:
                raise HrctError("BAD_MAPS", "The overlay could not be read.", "Score the scan again.") from problem
            if len(data) != voxels:
                raise HrctError("BAD_MAPS", "The overlay does not fit the scan.", "Score the scan again.")
            arrays.append(np.frombuffer(data, dtype=np.uint8).reshape(self.shape))
        return Maps(*arrays)


@dataclass(frozen=True, slots=True)
class Answer:
    """result: as `score --json` gives it; maps: None where the scan was refused before they were made.

    worst: for each zone's word the slice to look at first. files: for other programs, how many were written;
    problems: why others were not.
    """

    result: Result
    maps: StoredMaps | None
    worst: Mapping[str, int]
    files: int = 0
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stepped:
    token: int
    text: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Finished:
    token: int
    answer: Answer


@dataclass(frozen=True, slots=True)
class Failed:
    """A plain message: what happened, and what to do. died: the process itself ended."""

    token: int
    sentence: str
    do: str
    died: bool = False


@dataclass(frozen=True, slots=True)
class Stopped:
    """The person's wish to stop was carried out."""

    token: int


Event = Stepped | Finished | Failed | Stopped


def send(connection: Connection, **message: Any) -> None:
    connection.send_bytes(json.dumps(message).encode())
