"""Look through folders without scoring: which series there are, what each is, and whether it can be scored.

In: paths. Out: an `Inspection`, exam by exam. Nothing is decoded, nothing written, and no identifier comes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ssc_hrct.app.listing import ListedSeries, list_exams
from ssc_hrct.app.score_exams import no_dicom
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.protocol import Protocol


@dataclass(frozen=True, slots=True)
class Inspection:
    """exams: for each exam its series, the chosen one first. damaged: files that could not be read.

    locked: files and folders that may not be opened. other: how many files are DICOM without an image.
    """

    exams: tuple[tuple[ListedSeries, ...], ...]
    files: int
    not_dicom: int
    damaged: tuple[Path, ...]
    locked: tuple[Path, ...]
    other: int


def inspect(paths: Sequence[Path], *, protocol: Protocol, progress: Progress = SILENT) -> Inspection:
    """What lies under the paths.

    Raises WrongUsage for a path that is not there, HrctError(NO_DICOM) where nothing can be read.
    """
    found, exams = list_exams(paths, protocol=protocol, progress=progress)
    if not exams:
        raise no_dicom(found)
    return Inspection(exams, found.files, found.not_dicom, found.damaged, found.locked, found.other)
