"""List what lies under some paths: the exams, the series of each, which one is scored, and why not the others.

In: paths. Out: what was found and, exam by exam, its series, the chosen one first. The terminal's `inspect` and the
window show this same list in this same order. Nothing is decoded, nothing is written, nobody is named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ssc_hrct import dicom, quality
from ssc_hrct.app.manifest import check_paths
from ssc_hrct.core.acquisition import Acquisition
from ssc_hrct.core.findings import Finding, in_order, is_refused
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.protocol import Protocol


@dataclass(frozen=True, slots=True)
class ListedSeries:
    """key: unique within its list. chosen: the scan of its exam. why_not: a sentence, for the others."""

    key: str
    series: dicom.Series
    findings: tuple[Finding, ...]
    chosen: bool
    why_not: str = ""

    @property
    def facts(self) -> Acquisition:
        return self.series.acquisition

    @property
    def place(self) -> Path:
        """The folder that holds its first file."""
        return self.series.files[0].parent

    @property
    def refused(self) -> bool:
        """Whether its headers alone forbid a score."""
        return is_refused(self.findings)

    @property
    def scorable(self) -> bool:
        """As far as headers tell; the image is looked at when it is scored."""
        return not self.refused


Exams = tuple[tuple[ListedSeries, ...], ...]
"""For each exam its series, the chosen one first. Exams stand as folders do in a list; those of one folder by date."""


def look(
    paths: Sequence[Path], protocol: Protocol, *, progress: Progress = SILENT
) -> tuple[dicom.Found, tuple[dicom.ExamChoice, ...]]:
    """What lies under the paths, and the scan of each exam. Raises WrongUsage for a path that is not there.

    Exams stand in the order of a list of folders; those of one folder by date.
    """
    check_paths(paths)
    found = dicom.find(paths, progress=progress)
    return found, _choose(found.series, protocol)


def _choose(series: Sequence[dicom.Series], protocol: Protocol) -> tuple[dicom.ExamChoice, ...]:
    choices = dicom.choose(series, lambda facts: quality.check_header(facts, protocol), thin_mm=protocol.limits.thin_mm)
    return tuple(sorted(choices, key=_as_folders_stand))


def list_exams(
    paths: Sequence[Path], *, protocol: Protocol, index: dicom.Index | None = None,
    so_far: Callable[[Exams], None] | None = None, progress: Progress = SILENT,
) -> tuple[dicom.Found, Exams]:
    """What was found, and the exams. Raises WrongUsage for a path that is not there.

    index: knows what unchanged files said before. so_far: told now and then of the exams that are known until then.
    """
    check_paths(paths)

    def tell(series: tuple[dicom.Series, ...]) -> None:
        if so_far is not None:
            so_far(_listed(series, protocol))

    found = dicom.find(paths, index=index, so_far=tell if so_far else None, progress=progress)
    return found, _listed(found.series, protocol)


def _listed(series: Sequence[dicom.Series], protocol: Protocol) -> Exams:
    def judge(facts: Acquisition) -> tuple[Finding, ...]:
        return in_order(quality.check_header(facts, protocol))

    exams = []
    for number, choice in enumerate(_choose(series, protocol)):
        listed = [ListedSeries(f"{number}.0", choice.scan, choice.findings, chosen=True)]
        listed += [
            ListedSeries(f"{number}.{place}", other, judge(other.acquisition), chosen=False, why_not=why)
            for place, (other, why) in enumerate(choice.others, start=1)
        ]
        exams.append(tuple(listed))
    return tuple(exams)


def _as_folders_stand(choice: dicom.ExamChoice) -> tuple[str, str, str]:
    return str(choice.scan.files[0].parent), choice.scan.acquisition.scan_date or "", choice.study_instance_uid
