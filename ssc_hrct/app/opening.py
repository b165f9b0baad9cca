"""Open a folder: which series are in it, exam by exam, which one is scored, and why not the others.

In: paths. Out: a `Listing` without identifiers, and on request the `Volume` of one series.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ssc_hrct import dicom, quality
from ssc_hrct.app.assets import default_protocol
from ssc_hrct.app.identity import Named, name_subjects
from ssc_hrct.app.secret import load_secret
from ssc_hrct.core.acquisition import Acquisition
from ssc_hrct.core.findings import Finding, is_refused
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.volume import Volume


@dataclass(frozen=True, slots=True)
class ListedSeries:
    """key: unique within its listing. chosen: the scan of its exam. why_not: a sentence, for the others."""

    key: str
    series: dicom.Series
    findings: tuple[Finding, ...]
    chosen: bool
    why_not: str = ""

    @property
    def facts(self) -> Acquisition:
        return self.series.acquisition

    @property
    def refused(self) -> bool:
        """Whether its headers alone forbid a score."""
        return is_refused(self.findings)


@dataclass(frozen=True, slots=True)
class ListedExam:
    """series: the chosen one first. named: what the subject is called where the user says nothing."""

    study_instance_uid: str
    named: Named
    series: tuple[ListedSeries, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """files: looked at; not_dicom, damaged: how many of them could not be used."""

    exams: tuple[ListedExam, ...]
    files: int
    not_dicom: int
    damaged: int

    def series(self, key: str) -> ListedSeries | None:
        return next((s for exam in self.exams for s in exam.series if s.key == key), None)

    def exam_of(self, key: str) -> ListedExam | None:
        return next((exam for exam in self.exams if any(s.key == key for s in exam.series)), None)


def _judge(acquisition: Acquisition) -> tuple[Finding, ...]:
    return quality.check_header(acquisition, default_protocol())


def list_series(paths: Sequence[Path], *, progress: Progress = SILENT) -> Listing:
    """Look through files and folders, exam by exam. Nothing is decoded."""
    found = dicom.find(paths, progress=progress)
    choices = dicom.choose(found.series, _judge)
    named = name_subjects(
        [(choice.study_instance_uid, choice.identity) for choice in choices],
        given={}, keep_patient_id=False, key=lambda: load_secret().key,
    )
    exams = []
    for number, choice in enumerate(choices):
        listed = [ListedSeries(f"{number}.0", choice.scan, choice.findings, chosen=True)]
        listed += [
            ListedSeries(f"{number}.{place}", other, _judge(other.acquisition), chosen=False, why_not=why)
            for place, (other, why) in enumerate(choice.others, start=1)
        ]
        exams.append(ListedExam(choice.study_instance_uid, named[choice.study_instance_uid], tuple(listed)))
    return Listing(tuple(exams), found.files, found.not_dicom, len(found.damaged))


def load_series(listed: ListedSeries, *, progress: Progress = SILENT) -> Volume:
    """The volume of one listed series. Raises HrctError where it cannot be shown."""
    return dicom.load(listed.series, progress=progress)
