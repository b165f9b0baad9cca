"""Score the exams under some paths: plan first, then run, one row after each exam.

In: what a person asked for (`Wishes`). `plan` finds the exams, says whose they are and at which visit, and
refuses what cannot be meant before any work is done. `run` scores them one by one and saves each row when it
is made, so that stopping keeps what is finished. A fault in one exam becomes that exam's refused row.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter

from ssc_hrct import dicom, quality
from ssc_hrct.app import assets
from ssc_hrct.app.identity import Named, Source, check_subject_id, name_subjects
from ssc_hrct.app.log import log_bug, log_event
from ssc_hrct.app.manifest import Entry, Manifest, check_paths
from ssc_hrct.app.result import Result, result_of
from ssc_hrct.app.save import save_scores
from ssc_hrct.app.score import Scored, score_series
from ssc_hrct.app.secret import Secret, load_secret
from ssc_hrct.core.acquisition import Acquisition
from ssc_hrct.core.errors import Cancelled, HrctError, WrongUsage
from ssc_hrct.core.findings import SCAN_FINDINGS, Finding, caution, in_order, refusal
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.protocol import Protocol
from ssc_hrct.core.rows import Row
from ssc_hrct.core.score import Score
from ssc_hrct.core.subject import UNSCHEDULED, Visit
from ssc_hrct.version import __version__

OVERLAYS = "overlays"
"""Folder of the pictures beside the table."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person asked for. visit None: not named. secret: place of the secret, None for the usual one."""

    paths: tuple[Path, ...]
    out: Path
    subject: str | None = None
    visit: Visit | None = None
    manifest: Manifest | None = None
    keep_patient_id: bool = False
    secret: Path | None = None
    overlay: bool = False


@dataclass(frozen=True, slots=True)
class PlannedExam:
    """One exam, whose it is, at which visit, and what is already known against it."""

    choice: dicom.ExamChoice
    named: Named
    visit: Visit
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """notes: sentences for the person. unanswered: rows of the manifest for which no exam was found."""

    exams: tuple[PlannedExam, ...]
    notes: tuple[str, ...]
    unanswered: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """One exam that was scored or refused. place: folder of its files. replaced: rows that gave way.

    problem: what failed beside the score.
    """

    result: Result
    place: Path
    replaced: tuple[Row, ...] = ()
    overlay: Path | None = None
    problem: str = ""


def look(
    paths: Sequence[Path], protocol: Protocol, *, progress: Progress = SILENT
) -> tuple[dicom.Found, tuple[dicom.ExamChoice, ...]]:
    """What lies under the paths, and the scan of each exam. Raises WrongUsage for a path that is not there."""
    check_paths(paths)
    found = dicom.find(paths, progress=progress)
    choices = dicom.choose(
        found.series, lambda facts: quality.check_header(facts, protocol), thin_mm=protocol.limits.thin_mm
    )
    return found, tuple(sorted(choices, key=_as_folders_stand))


def _as_folders_stand(choice: dicom.ExamChoice) -> tuple[str, str, str]:
    """Exams in the order of a list of folders; in one folder by date."""
    return str(choice.scan.files[0].parent), choice.scan.acquisition.scan_date or "", choice.study_instance_uid


def plan(wishes: Wishes, *, protocol: Protocol, progress: Progress = SILENT) -> Plan:
    """Which exams are scored, as whose and at which visit. Nothing is decoded or written.

    Raises WrongUsage where a wish cannot be meant, HrctError(NO_DICOM) where no image was found.
    """
    if wishes.manifest is not None and (wishes.subject is not None or wishes.visit is not None):
        raise WrongUsage("A manifest names subjects and visits itself.", "Leave out --subject and --visit.")
    manifest_paths = wishes.manifest.paths if wishes.manifest else ()
    paths = tuple(dict.fromkeys((*wishes.paths, *manifest_paths)))
    if not paths:
        raise WrongUsage("No path was named.", "Name the folders to look in; a manifest of study UIDs needs them too.")
    found, choices = look(paths, protocol, progress=progress)
    if not choices:
        raise no_dicom(found)
    entries, unanswered = _entries(wishes, choices)
    if len(choices) > 1 and (wishes.subject is not None or wishes.visit is not None):
        option = "--subject" if wishes.subject is not None else "--visit"
        raise WrongUsage(
            f"{option} would cover {len(choices)} exams.",
            "Name one exam's folder, or give each exam a row in a manifest (--manifest).",
        )
    given = {uid: entry.subject_id for uid, entry in entries.items() if entry.subject_id is not None}
    if wishes.subject is not None:
        given = dict.fromkeys((choice.study_instance_uid for choice in choices), check_subject_id(wishes.subject))
    named, notes = name_exams(choices, given, keep_patient_id=wishes.keep_patient_id, secret=wishes.secret)
    exams = []
    for choice in choices:
        entry = entries.get(choice.study_instance_uid)
        visit = entry.visit if entry is not None else wishes.visit
        whose = named[choice.study_instance_uid]
        known = whose.findings if visit is not None else (*whose.findings, caution("VISIT_NOT_GIVEN"))
        exams.append(PlannedExam(choice, whose, visit or UNSCHEDULED, known))
    if wishes.manifest is not None and len(entries) < len(choices):
        notes = (*notes, f"Exams that the manifest does not name: {len(choices) - len(entries)}.")
    return Plan(tuple(exams), (*_damaged(found), *notes), unanswered)


def _entries(
    wishes: Wishes, choices: Sequence[dicom.ExamChoice]
) -> tuple[dict[str, Entry], tuple[Entry, ...]]:
    if wishes.manifest is None:
        return {}, ()
    return wishes.manifest.assign(
        (choice.study_instance_uid, [f for s in (choice.scan, *(other for other, _ in choice.others)) for f in s.files])
        for choice in choices
    )


def no_dicom(found: dicom.Found) -> HrctError:
    if found.damaged:
        return HrctError(
            "NO_DICOM", f"No image could be read: {len(found.damaged)} of {found.files} files are damaged.",
            "Ask for the export once more.",
        )
    return HrctError(
        "NO_DICOM", f"No DICOM image was found among {found.files} files.", "Check the path to the folder of the exam."
    )


def _damaged(found: dicom.Found) -> tuple[str, ...]:
    count = len(found.damaged)
    return (f"Damaged files that were left out: {count}, the first is '{found.damaged[0]}'.",) if count else ()


def name_exams(
    choices: Sequence[dicom.ExamChoice], given: dict[str, str], *, keep_patient_id: bool, secret: Path | None
) -> tuple[dict[str, Named], tuple[str, ...]]:
    """Whose each exam is, by study UID, and sentences on how that was told."""
    loaded: list[Secret] = []

    def key() -> bytes:
        if not loaded:
            loaded.append(load_secret(secret))
        return loaded[0].key

    exams = [(choice.study_instance_uid, choice.identity) for choice in choices]
    named = name_subjects(exams, given=given, keep_patient_id=keep_patient_id, key=key)
    sources = {name.source for name in named.values()}
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
        scored = score_exam(exam, protocol=protocol, now=now, progress=told)
        result = result_of(scored)
        unsaved.append(result.row)
        try:
            replaced = save_scores(wishes.out, unsaved)
            unsaved, problem, trouble = [], None, ""
        except HrctError as failure:  # the next save, after the next exam, tries these rows again
            replaced, problem, trouble = (), failure, str(failure)
        picture = None
        if wishes.overlay and scored.patterns is not None:
            picture, failed = _save_overlay(scored, exam, wishes.out)
            trouble = trouble or failed
        tell(Done(result, exam.choice.scan.files[0].parent, replaced, picture, trouble))
    if problem is not None:
        raise problem


def score_exam(
    exam: PlannedExam, *, protocol: Protocol, now: Callable[[], datetime], progress: Progress = SILENT
) -> Scored:
    """The exam's score. A fault of the program gives a refused one, INTERNAL_ERROR, and an entry in the log."""
    began = perf_counter()
    facts = exam.choice.scan.acquisition
    try:
        scored = score_series(
            exam.choice.scan, subject_id=exam.named.subject.id, visit=exam.visit, findings=exam.findings,
            protocol=protocol, now=now, progress=progress,
        )
    except Cancelled:
        raise
    except Exception as fault:  # noqa: BLE001 - one exam's fault must not stop the others; it is logged and shown
        if isinstance(fault, HrctError) and fault.code in SCAN_FINDINGS:
            found = (*exam.findings, refusal(fault.code, fault.sentence))
            return Scored(_without_numbers(exam, facts, found, protocol, now, perf_counter() - began))
        log_bug(fault, "fault while scoring an exam", slices=facts.slices, rows=facts.rows, columns=facts.columns)
        why = "The computer ran out of memory." if isinstance(fault, MemoryError) else type(fault).__name__
        found = (*exam.findings, refusal("INTERNAL_ERROR", why))
        return Scored(_without_numbers(exam, facts, found, protocol, now, perf_counter() - began))
    log_event("exam scored", status=scored.score.status.value, slices=facts.slices,
              seconds=round(scored.score.runtime_s, 1), codes=";".join(f.code for f in scored.score.findings))
    return scored


def _without_numbers(
    exam: PlannedExam, facts: Acquisition, findings: tuple[Finding, ...], protocol: Protocol,
    now: Callable[[], datetime], seconds: float,
) -> Score:
    return Score(
        subject_id=exam.named.subject.id, visit=exam.visit, acquisition=facts, findings=in_order(findings),
        extents=None, severity=None, fibrosis_severity=None, stats=None, software_version=__version__,
        protocol_name=protocol.name, protocol_sha256=protocol.sha256, runtime_s=seconds, scored_at=now(),
    )


def overlay_name(named: Named, visit: Visit, study_uid: str) -> str:
    """File name of an exam's picture: no identifier in it, one name for one exam.

    The subject stands in it where its name came from the user, from files without identity or is a pseudonym,
    and not where it is a patient's number that was kept. Signs that a file system may refuse become `_`.
    """
    kept = named.source is Source.KEPT_PATIENT_ID
    subject = "exam" if kept else re.sub(r"[^A-Za-z0-9-]", "_", named.subject.id)
    short = hashlib.sha256(f"{named.subject.id}\0{study_uid}".encode()).hexdigest()[:8]
    return f"{subject}_{visit.name}_{short}.png"


def _save_overlay(scored: Scored, exam: PlannedExam, out: Path) -> tuple[Path | None, str]:
    from ssc_hrct.export.overlay import overlay_png, read_colours

    score = scored.score
    if scored.volume is None or scored.lungs is None or scored.patterns is None or score.extents is None:
        return None, ""
    colours = read_colours(json.loads(assets.read("theme", "patterns.json")))
    picture = overlay_png(scored.volume, scored.lungs, scored.patterns, score.extents, colours)
    target = out / OVERLAYS / overlay_name(exam.named, exam.visit, exam.choice.study_instance_uid)
    aside = target.with_suffix(".aside")
    try:
        target.parent.mkdir(exist_ok=True)
        aside.write_bytes(picture)
        aside.replace(target)
    except OSError as problem:
        return None, f"The picture '{target}' could not be written ({problem.strerror})."
    finally:
        aside.unlink(missing_ok=True)
    return target, ""


class Within:
    """`Progress` that puts where we are in front of what is being done."""

    def __init__(self, progress: Progress, where: str) -> None:
        self._progress, self._where = progress, where

    def step(self, text: str, done: int = 0, total: int = 0) -> None:
        self._progress.step(f"{self._where}: {text}", done, total)
