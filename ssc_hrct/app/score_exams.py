"""Score the exams under some paths: plan first, then run, one row after each exam.

In: what a person asked for (`Wishes`). `plan` finds the exams, says whose they are and at which visit, and
refuses what cannot be meant before any work is done. `run` scores them one by one and saves each row when it
is made, so that stopping keeps what is finished. A fault in one exam becomes that exam's refused row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from time import perf_counter

from ssc_hrct import dicom
from ssc_hrct.app import assets
from ssc_hrct.app.identity import Named, Source, name_each
from ssc_hrct.app.listing import look
from ssc_hrct.app.log import log_bug
from ssc_hrct.app.lung_mask import read_lung_mask
from ssc_hrct.app.manifest import Entry, Manifest
from ssc_hrct.app.objects import OBJECTS, file_stem, missing_for, write_objects
from ssc_hrct.app.result import Result, result_of
from ssc_hrct.app.save import doubtful, save_scores
from ssc_hrct.app.score import Scored, log_scored, score_series
from ssc_hrct.app.secret import Secret, load_secret
from ssc_hrct.app.words import nothing_found
from ssc_hrct.core.acquisition import Acquisition
from ssc_hrct.core.errors import Cancelled, HrctError, WrongUsage
from ssc_hrct.core.findings import Finding, caution, in_order, refusal
from ssc_hrct.core.paths import written_whole
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.protocol import Protocol
from ssc_hrct.core.rows import Row
from ssc_hrct.core.score import Score
from ssc_hrct.core.subject import UNSCHEDULED, Visit
from ssc_hrct.core.volume import LabelMap
from ssc_hrct.version import __version__

OVERLAYS = "overlays"
"""Folder of the pictures beside the table."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person asked for. visit None: not named. secret: place of the secret, None for the usual one.

    lungs: file with the lungs of one exam, made by another program. formats: of `objects.FORMATS`; their
    files go into OUT/objects. series: to be scored in place of the chosen ones, by the numbers of `inspect` or by UID.
    """

    paths: tuple[Path, ...]
    out: Path
    subject: str | None = None
    visit: Visit | None = None
    manifest: Manifest | None = None
    keep_patient_id: bool = False
    secret: Path | None = None
    overlay: bool = False
    lungs: Path | None = None
    formats: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    keep_empty_frames: bool = False


@dataclass(frozen=True, slots=True)
class PlannedExam:
    """One exam, whose it is, at which visit, and what is already known against it."""

    choice: dicom.ExamChoice
    named: Named
    visit: Visit
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """notes: sentences for the person. unanswered: rows of the manifest for which no exam was found.

    mask: lungs of another program for the one exam of this plan.
    """

    exams: tuple[PlannedExam, ...]
    notes: tuple[str, ...]
    unanswered: tuple[Entry, ...]
    mask: LabelMap | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """One exam that was scored or refused. place: folder of its files. replaced: rows that gave way.

    problem: why its row could not be saved yet; it is tried again after the next exam. saved_late: how many rows of
    exams before were saved now with this one. overlay_problem: why there is no picture. doubts: sentences on other
    rows of the table that may be meant as the same.
    """

    result: Result
    place: Path
    replaced: tuple[Row, ...] = ()
    overlay: Path | None = None
    problem: str = ""
    overlay_problem: str = ""
    saved_late: int = 0
    doubts: tuple[str, ...] = ()
    objects: tuple[Path, ...] = ()
    object_problems: tuple[str, ...] = ()


def plan(wishes: Wishes, *, protocol: Protocol, progress: Progress = SILENT) -> Plan:
    """Which exams are scored, as whose and at which visit. No image is decoded, nothing is written.

    Raises WrongUsage where a wish cannot be meant, HrctError(NO_DICOM) where no image was found, BAD_MODEL where
    the program's own model is damaged.
    """
    if wishes.manifest is not None and (wishes.subject is not None or wishes.visit is not None):
        raise WrongUsage("A manifest names subjects and visits itself.", "Leave out --subject and --visit.")
    manifest_paths = wishes.manifest.paths if wishes.manifest else ()
    paths = tuple(dict.fromkeys((*wishes.paths, *manifest_paths)))
    if not paths:
        raise WrongUsage("No path was named.", "Name the folders to look in; a manifest of study UIDs needs them too.")
    assets.models()  # raises where they are damaged, before anything is read or written
    found, choices = look(paths, protocol, progress=progress)
    if not choices:
        raise no_dicom(found)
    choices, overruled = overrule(choices, wishes.series)
    entries, unanswered = _entries(wishes, choices)
    if len(choices) > 1 and (wishes.subject is not None or wishes.visit is not None):
        option = "--subject" if wishes.subject is not None else "--visit"
        raise WrongUsage(
            f"{option} would cover {len(choices)} exams.",
            "Name one exam's folder, or give each exam a row in a manifest (--manifest).",
        )
    mask = _mask(wishes.lungs, len(choices), progress)
    given = [wishes.subject if entry is None else entry.subject_id for entry in entries]
    named, notes = name_exams(choices, given, keep_patient_id=wishes.keep_patient_id, secret=wishes.secret)
    _refuse_one_row_for_two(choices, named)
    exams = []
    for choice, entry, whose in zip(choices, entries, named, strict=True):
        visit = entry.visit if entry is not None else wishes.visit
        known = whose.findings if visit is not None else (*whose.findings, caution("VISIT_NOT_GIVEN"))
        exams.append(PlannedExam(choice, whose, visit or UNSCHEDULED, known))
    if wishes.manifest is not None and None in entries:
        notes = (*notes, f"Exams that the manifest does not name: {entries.count(None)}.")
    notes = (*notes, *dict.fromkeys(filter(None, (missing_for(wishes.formats, c.scan) for c in choices))))
    return Plan(tuple(exams), (*_left_out(found), *overruled, *notes), unanswered, mask)


def overrule(
    choices: Sequence[dicom.ExamChoice], wanted: Sequence[str]
) -> tuple[tuple[dicom.ExamChoice, ...], tuple[str, ...]]:
    """The choices with the series that the user wants, and a sentence on each that changed.

    wanted: "2.3" is the third series of the second exam as `inspect` lists them; else a series UID. Raises WrongUsage
    for one that is not there, and for two of one exam.
    """
    taken: dict[int, tuple[str, int]] = {}
    for text in wanted:
        places = [(exam, place) for exam, choice in enumerate(choices)
                  for place, series in enumerate((choice.scan, *(other for other, _ in choice.others)))
                  if text in (f"{exam + 1}.{place + 1}", series.acquisition.series_instance_uid)]
        if len(places) > 1:
            numbers = " or ".join(f"{exam + 1}.{place + 1}" for exam, place in places)
            raise WrongUsage(f"{len(places)} series have the UID '{text}'.", f"Take {numbers}, as inspect lists them.")
        if not places:
            raise WrongUsage(f"There is no series '{text}' here.", "Take its number from inspect, as in 1.2.")
        (exam, place), = places
        if exam in taken:
            raise WrongUsage(f"Exam {exam + 1} cannot be scored by two series.", "Name one --series for each exam.")
        taken[exam] = text, place
    made = [_by_hand(choice, taken[i][1]) if i in taken else choice for i, choice in enumerate(choices)]
    notes = [f"Exam {exam + 1}: series {text} is scored, as you asked."
             for exam, (text, place) in sorted(taken.items()) if place]
    return tuple(made), tuple(notes)


def _by_hand(choice: dicom.ExamChoice, place: int) -> dicom.ExamChoice:
    """The choice with the series at this place (0 is the chosen one)."""
    if place == 0:
        return choice
    others = list(choice.others)
    scan, _ = others.pop(place - 1)
    return replace(choice, scan=scan, others=((choice.scan, "Another series was asked for."), *others))


def _mask(lungs: Path | None, exams: int, progress: Progress) -> LabelMap | None:
    """The mask of the one exam. Raises WrongUsage where there are several, or where its file cannot be used."""
    if lungs is None:
        return None
    if exams > 1:
        raise WrongUsage(f"--lungs would cover {exams} exams.", "Name one exam's folder: a mask is of one scan.")
    return read_lung_mask(lungs, progress=progress)


def _refuse_one_row_for_two(choices: Sequence[dicom.ExamChoice], named: Sequence[Named]) -> None:
    """Subject and study UID name a row: raises WrongUsage where those of two exams are the same."""
    first: dict[tuple[str, str], Path] = {}
    for choice, whose in zip(choices, named, strict=True):
        place = choice.scan.files[0].parent
        known = first.setdefault((whose.subject.id, choice.study_instance_uid), place)
        if known is not place:
            raise WrongUsage(
                f"Exams of two patients in '{known}' and '{place}' share a study UID and would share one subject.",
                "Name two subjects, or score them into two folders.",
            )


def _entries(
    wishes: Wishes, choices: Sequence[dicom.ExamChoice]
) -> tuple[tuple[Entry | None, ...], tuple[Entry, ...]]:
    """For each exam its row of the manifest or None, and rows without an exam."""
    if wishes.manifest is None:
        return (None,) * len(choices), ()
    return wishes.manifest.assign(
        (choice.study_instance_uid, [f for s in (choice.scan, *(other for other, _ in choice.others)) for f in s.files])
        for choice in choices
    )


def no_dicom(found: dicom.Found) -> HrctError:
    return HrctError("NO_DICOM", *nothing_found(found.files, len(found.damaged), len(found.locked), found.other))


def _left_out(found: dicom.Found) -> tuple[str, ...]:
    named = (("Damaged files that were left out", found.damaged), ("Files and folders that may not be opened",
                                                                   found.locked))
    return tuple(f"{what}: {len(which)}, the first is '{which[0]}'." for what, which in named if which)


def name_exams(
    choices: Sequence[dicom.ExamChoice], given: Sequence[str | None], *, keep_patient_id: bool, secret: Path | None
) -> tuple[tuple[Named, ...], tuple[str, ...]]:
    """Whose each exam is, in their order, and sentences on how that was told. given: the user's names, or None."""
    loaded: list[Secret] = []

    def key() -> bytes:
        if not loaded:
            loaded.append(load_secret(secret))
        return loaded[0].key

    exams = [(choice.study_instance_uid, choice.identity) for choice in choices]
    named = name_each(exams, given=given, keep_patient_id=keep_patient_id, key=key)
    sources = {name.source for name in named}
    notes = []
    if loaded:
        notes.append(f"Subjects without a name of yours stand under pseudonyms made with the secret in "
                     f"'{loaded[0].place}'; copy that file to get the same pseudonyms on another workstation.")
        if loaded[0].made:
            notes.append("That secret was made just now. Keep it: without it the pseudonyms cannot be made again.")
    if Source.PATIENT_ID in sources:
        notes.append("Where the files say that identity was removed, their patient number names the subject.")
    if Source.KEPT_PATIENT_ID in sources:
        notes.append("Patient numbers of the files name the subjects, as you asked.")
    return named, tuple(notes)


def run(
    planned: Plan,
    wishes: Wishes,
    *,
    protocol: Protocol,
    now: Callable[[], datetime],
    tell: Callable[[Done], None],
    progress: Progress = SILENT,
) -> None:
    """Score each planned exam and save its row; `tell` hears of each when its row is saved.

    Raises Cancelled when the person asked to stop (what was told stays), HrctError where a row could not be saved.
    """
    unsaved: list[Row] = []
    problem: HrctError | None = None
    for number, exam in enumerate(planned.exams, start=1):
        told = progress if len(planned.exams) == 1 else Within(progress, f"exam {number} of {len(planned.exams)}")
        scored, result = score_exam(exam, protocol=protocol, now=now, mask=planned.mask, progress=told)
        unsaved.append(result.row)
        doubts: tuple[str, ...] = ()
        try:
            replaced, late = save_scores(wishes.out, unsaved), len(unsaved) - 1
            doubts = doubtful(wishes.out, unsaved)
            unsaved, problem = [], None
        except HrctError as failure:  # the next save, after the next exam, tries these rows again
            replaced, late, problem = (), 0, failure
        picture, no_picture = _overlay(scored, exam, wishes.out) if wishes.overlay else (None, "")
        stopped: Cancelled | None = None
        try:
            objects, no_objects = _objects(scored, exam, wishes, now(), progress) if wishes.formats else ((), ())
        except Cancelled as wish:  # the row is saved: it is told before the wish is carried out
            objects, no_objects, stopped = (), ("Files for other programs were not written: you stopped it.",), wish
        tell(Done(
            result, exam.choice.scan.files[0].parent, replaced, picture, str(problem or ""), no_picture, late,
            doubts, objects, no_objects,
        ))
        if stopped is not None:
            raise stopped
    if problem is not None:
        raise problem


def score_exam(
    exam: PlannedExam, *, protocol: Protocol, now: Callable[[], datetime], mask: LabelMap | None = None,
    progress: Progress = SILENT,
) -> tuple[Scored, Result]:
    """The exam's score and its row. A fault of the program gives a refused one, INTERNAL_ERROR, and is logged.

    mask: lungs of another program.
    """
    began = perf_counter()
    facts = exam.choice.scan.acquisition
    models = assets.models()
    try:
        scored = score_series(
            exam.choice.scan, subject_id=exam.named.subject.id, visit=exam.visit, findings=exam.findings,
            protocol=protocol, now=now, models=models, mask=mask, progress=progress,
        )
        result = result_of(scored)
    except Cancelled:
        raise
    except Exception as fault:  # noqa: BLE001 - one exam's fault must not stop the others; it is logged and shown
        log_bug(fault, "fault while scoring an exam", slices=facts.slices, rows=facts.rows, columns=facts.columns)
        found = (*exam.findings, refusal("INTERNAL_ERROR", _in_words(fault)))
        refused = Scored(_without_numbers(exam, facts, found, protocol, now, perf_counter() - began))
        return refused, result_of(refused)
    log_scored(scored.score)
    return scored, result


def _in_words(fault: Exception) -> str:
    return "The computer ran out of memory." if isinstance(fault, MemoryError) else type(fault).__name__


def _without_numbers(
    exam: PlannedExam, facts: Acquisition, findings: tuple[Finding, ...], protocol: Protocol,
    now: Callable[[], datetime], seconds: float,
) -> Score:
    return Score(
        subject_id=exam.named.subject.id, visit=exam.visit, acquisition=facts, findings=in_order(findings),
        extents=None, severity=None, fibrosis_severity=None, stats=None, software_version=__version__,
        protocol_name=protocol.name, protocol_sha256=protocol.sha256, runtime_s=seconds, scored_at=now(),
    )


def _overlay(scored: Scored, exam: PlannedExam, out: Path) -> tuple[Path | None, str]:
    """The picture's place, or why there is none; both empty where nothing was measured. Stops no other exam."""
    try:
        return _save_overlay(scored, exam, out)
    except Exception as fault:  # noqa: BLE001 - a picture must not stop the exams behind it; it is logged and shown
        log_bug(fault, "fault while drawing a picture")
        return None, f"The picture could not be made: {_in_words(fault)}"


def _objects(
    scored: Scored, exam: PlannedExam, wishes: Wishes, now: datetime, progress: Progress
) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """The files for other programs, and why any is missing. Stops no other exam."""
    stem = wishes.out / OBJECTS / file_stem(exam.named, exam.visit, exam.choice.study_instance_uid)
    try:
        return write_objects(exam.choice.scan, scored, wishes.formats, stem, now=now,
                             identity_removed=exam.named.source is not Source.KEPT_PATIENT_ID,
                             keep_empty_frames=wishes.keep_empty_frames, progress=progress)
    except Cancelled:
        raise
    except Exception as fault:  # noqa: BLE001 - a file must not stop the exams behind it; it is logged and shown
        log_bug(fault, "fault while writing objects")
        return (), (f"A file for other programs could not be made: {_in_words(fault)}.",)


def _save_overlay(scored: Scored, exam: PlannedExam, out: Path) -> tuple[Path | None, str]:
    from ssc_hrct.export.overlay import overlay_png, read_colours

    score = scored.score
    if scored.volume is None or scored.lungs is None or scored.patterns is None or score.extents is None:
        return None, ""
    colours = read_colours(json.loads(assets.read("theme", "patterns.json")))
    picture = overlay_png(scored.volume, scored.lungs, scored.patterns, score.extents, colours, score.ild_interval)
    target = out / OVERLAYS / f"{file_stem(exam.named, exam.visit, exam.choice.study_instance_uid)}.png"
    try:
        with written_whole(target) as aside:
            aside.write_bytes(picture)
    except HrctError as problem:
        return None, str(problem)
    return target, ""


class Within:
    """`Progress` that puts where we are in front of what is being done."""

    def __init__(self, progress: Progress, where: str) -> None:
        self._progress, self._where = progress, where

    def step(self, text: str, done: int = 0, total: int = 0) -> None:
        self._progress.step(f"{self._where}: {text}", done, total)
