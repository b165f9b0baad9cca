"""Look through folders without scoring: which series there are, what each is, and whether it can be scored.

In: paths. Out: an `Inspection`, exam by exam. Nothing is decoded, nothing written, and no identifier comes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ssc_hrct import quality
from ssc_hrct.app.score_exams import look, no_dicom
from ssc_hrct.core.acquisition import Acquisition
from ssc_hrct.core.findings import Finding, is_refused
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.protocol import Protocol


@dataclass(frozen=True, slots=True)
class InspectedSeries:
    """place: the folder that holds its first file. chosen: this one is scored. why_not: a sentence, else empty."""

    facts: Acquisition
    place: Path
    findings: tuple[Finding, ...]
    chosen: bool
    why_not: str = ""

    @property
    def scorable(self) -> bool:
        """As far as headers tell; the image is looked at when it is scored."""
        return not is_refused(self.findings)


@dataclass(frozen=True, slots=True)
class Inspection:
    """exams: for each exam its series, the chosen one first. damaged: files that could not be read."""

    exams: tuple[tuple[InspectedSeries, ...], ...]
    files: int
    not_dicom: int
    damaged: tuple[Path, ...]


def inspect(paths: Sequence[Path], *, protocol: Protocol, progress: Progress = SILENT) -> Inspection:
    """What lies under the paths.

    Raises WrongUsage for a path that is not there, HrctError(NO_DICOM) where nothing can be read.
    """
    found, choices = look(paths, protocol, progress=progress)
    if not choices:
        raise no_dicom(found)
    exams = []
    for choice in choices:
        scan = choice.scan
        listed = [InspectedSeries(scan.acquisition, scan.files[0].parent, choice.findings, chosen=True)]
        listed += [
            InspectedSeries(other.acquisition, other.files[0].parent, quality.check_header(other.acquisition, protocol),
                            chosen=False, why_not=why)
            for other, why in choice.others
        ]
        exams.append(tuple(listed))
    return Inspection(tuple(exams), found.files, found.not_dicom, found.damaged)
