"""Open a folder in the window: what is in it, exam by exam, and what each subject is called.

In: paths. Out: a `Listing` without identifiers, and on request the `Volume` of one series. Looking needs no
pseudonym: where there is no secret yet, or it cannot be read, the exams are listed without a name, and a secret is
made only when a pseudonym is wanted (`with_pseudonyms`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ssc_hrct import dicom
from ssc_hrct.app.assets import default_protocol
from ssc_hrct.app.identity import Named, name_each
from ssc_hrct.app.listing import Exams, ListedSeries, list_exams
from ssc_hrct.app.secret import load_secret, secret_place
from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.subject import Identity
from ssc_hrct.core.volume import Volume

Index = dicom.Index


@dataclass(frozen=True, slots=True)
class ListedExam:
    """series: the chosen one first. named: what the subject is called where the user says nothing.

    named is None where only a pseudonym can name the subject and none is made yet. patient: tells two patients under
    one study UID apart; a number that means nothing outside this process.
    """

    study_instance_uid: str
    named: Named | None
    series: tuple[ListedSeries, ...]
    patient: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """files: looked at; not_dicom, damaged, locked, other: how many of them could not be used, as `dicom.Found` has it.

    no_pseudonyms: a sentence on why none can be made here, and what to do; empty where nothing stands against it.
    """

    exams: tuple[ListedExam, ...]
    files: int
    not_dicom: int
    damaged: int
    no_pseudonyms: str = ""
    locked: int = 0
    other: int = 0

    def series(self, key: str) -> ListedSeries | None:
        return next((s for exam in self.exams for s in exam.series if s.key == key), None)

    def exam_of(self, key: str) -> ListedExam | None:
        return next((exam for exam in self.exams if any(s.key == key for s in exam.series)), None)


def list_series(
    paths: Sequence[Path], *, index: dicom.Index | None = None, so_far: Callable[[Listing], None] | None = None,
    progress: Progress = SILENT,
) -> Listing:
    """Look through files and folders, exam by exam. Nothing is decoded or written.

    index: knows what unchanged files said before. so_far: told now and then of what is known until then; its exams
    are not named, and its keys are not those of the list that is returned. Raises WrongUsage for a path that is not
    there.
    """
    def tell(exams: Exams) -> None:
        if so_far is not None:
            so_far(Listing(_exams(exams), 0, 0, 0))

    found, listed = list_exams(paths, protocol=default_protocol(), index=index, so_far=tell if so_far else None,
                               progress=progress)
    listing = Listing(_exams(listed), found.files, found.not_dicom, len(found.damaged), locked=len(found.locked),
                      other=found.other)
    return _named(listing, make=False)


def _exams(listed: Exams) -> tuple[ListedExam, ...]:
    return tuple(
        ListedExam(series[0].facts.study_instance_uid, None, series, hash(series[0].series.identity.patient_id.strip()))
        for series in listed
    )


def with_pseudonyms(listing: Listing) -> Listing:
    """The same list, its nameless subjects under pseudonyms; makes the secret where there is none.

    Where that cannot be, the list comes back with the reason in `no_pseudonyms`.
    """
    return _named(listing, make=True)


def _named(listing: Listing, *, make: bool) -> Listing:
    """make: whether a secret may be made; else one that is there is used."""
    exams = [(exam.study_instance_uid, exam.series[0].series.identity) for exam in listing.exams]
    names, problem = _by_files_alone(exams), ""
    try:
        if None in names and (make or secret_place().exists()):
            names = name_each(exams, keep_patient_id=False, key=lambda: load_secret().key)
    except (HrctError, OSError):  # what these say is meant for the terminal
        problem = "No pseudonym can be made: its secret cannot be read or kept on this computer. Type a subject."
    named = tuple(replace(exam, named=exam.named or name) for exam, name in zip(listing.exams, names, strict=True))
    return replace(listing, exams=named, no_pseudonyms=problem)


def _by_files_alone(exams: Sequence[tuple[str, Identity]]) -> tuple[Named | None, ...]:
    """Names of those exams for which no pseudonym is needed."""
    names = name_each(exams, keep_patient_id=False, key=bytes)  # an empty secret: what it makes is thrown away
    return tuple(None if name.subject.pseudonym else name for name in names)


def load_series(
    listed: ListedSeries, *, early: Callable[[Volume], None] | None = None, progress: Progress = SILENT
) -> Volume:
    """The volume of one listed series. early: as `dicom.load` has it. Raises HrctError where it cannot be shown."""
    return dicom.load(listed.series, early=early, progress=progress)
