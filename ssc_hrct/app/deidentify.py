"""Export exams without identity: who becomes who, where each file goes, and what was left out.

In: paths, a folder, what subjects are called and what becomes of dates. Out: CT images under
`SUBJECT/exam-N/series-N/`, and a `Report`. Names and UIDs are made from the site's secret: the same exam gives the same
ones again, on each workstation that has it. Pages, reports and all that is no CT image are not written.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ssc_hrct import dicom
from ssc_hrct.app.identity import name_each
from ssc_hrct.app.listing import look
from ssc_hrct.app.secret import Secret, load_secret
from ssc_hrct.app.words import nothing_found, plural
from ssc_hrct.core.errors import HrctError, WrongUsage
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.protocol import Protocol

LARGEST_SHIFT_DAYS = 3650
_UNREADABLE = ("it is damaged", "it cannot be read", "it may not be opened")


@dataclass(frozen=True, slots=True)
class Report:
    """left_out: reasons in words, each with how many files. subjects: what they are called now, sorted.

    notes: sentences for the person. unreadable: how many files could not be read, so that exams may be incomplete.
    """

    written: int
    exams: int
    subjects: tuple[str, ...]
    left_out: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]
    unreadable: int = 0


def deidentify(
    paths: Sequence[Path], out: Path, *, dates: dicom.Dates, protocol: Protocol, subject: str | None = None,
    secret: Path | None = None, progress: Progress = SILENT,
) -> Report:
    """Write all CT images of the exams under `paths` without identity into `out`, which must be empty or not there.

    subject: what the one subject is called; else its pseudonym. Raises WrongUsage, HrctError(NO_DICOM, OUTPUT_EXISTS,
    OUTPUT_NOT_WRITABLE).
    """
    _check_empty(out)
    found, choices = look(paths, protocol, progress=progress)
    if not choices:
        raise HrctError("NO_DICOM", *nothing_found(found.files, len(found.damaged), len(found.locked), found.other))
    people = {(c.identity.patient_id.strip(), c.identity.birth_date.strip(), c.identity.sex.strip()) for c in choices}
    nameless = any(not patient for patient, _, _ in people)
    if subject is not None and (len(people) > 1 or (nameless and len(choices) > 1)):
        raise WrongUsage("--subject may cover several patients.", "Name one patient's folder, or leave it out.")
    site = load_secret(secret)
    named = name_each(
        [(c.study_instance_uid, replace(c.identity, removed=False)) for c in choices],
        given=[subject] * len(choices), keep_patient_id=False, key=lambda: site.key,
    )
    listed = {file for c in choices for s in _all(c) for file in s.files}
    left_out: Counter[str] = Counter({
        "it is no DICOM": found.not_dicom, "it holds no image": found.other,
        "it is damaged": len(set(found.damaged) - listed), "it may not be opened": len(found.locked),
    })
    count: Counter[str] = Counter()
    gone: Counter[str] = Counter()
    written = done = 0
    with dicom.open_archives():
        for choice, whose in zip(choices, named, strict=True):
            count[whose.subject.id] += 1
            rules = dicom.Rules(
                whose.subject.id, lambda old: new_uid(site.key, old, dates), dates,
                days=-_days(site.key, choice.identity.patient_id or choice.study_instance_uid),
                study=choice.study_instance_uid,
            )
            folder = out / _as_name(whose.subject.id) / f"exam-{count[whose.subject.id]:02d}"
            for series, file, name in _placed(choice):
                progress.step("Writing without identity", done, len(listed))
                done += 1
                try:
                    gone.update(dicom.write_deidentified(file, folder / name, replace(rules, series=series)))
                    written += 1
                except dicom.NotWritten as why:
                    left_out[str(why)] += 1
    unreadable = sum(left_out[why] for why in _UNREADABLE)
    return Report(written, len(choices), tuple(sorted(count)), tuple(sorted((+left_out).items())), _notes(site, gone),
                  unreadable)


def _placed(choice: dicom.ExamChoice) -> Iterator[tuple[str, Path, str]]:
    """Each file of the exam once (one of many frames may hold several series): its series' UID or what stands for it,
    the file, and its path in the exam's folder."""
    before: set[Path] = set()
    for number, series in enumerate(_all(choice), start=1):
        for place, file in enumerate(series.files, start=1):
            if file not in before:
                before.add(file)
                yield series.acquisition.series_instance_uid, file, f"series-{number:02d}/{place:05d}.dcm"


def _notes(site: Secret, gone: Counter[str]) -> tuple[str, ...]:
    """gone: elements that went because they name someone, each with in how many images."""
    told = [f"Pseudonyms, UIDs and the shift of dates are made with the secret in '{site.place}'."]
    if site.made:
        told.append("That secret was made just now. Keep it: without it they cannot be made again.")
    if gone:
        each = ", ".join(f"{name} in {plural(number, 'image')}" for name, number in sorted(gone.items()))
        told.append(f"Left out because they hold a part of a name or number: {each}.")
    return tuple(told)


def _all(choice: dicom.ExamChoice) -> tuple[dicom.Series, ...]:
    return (choice.scan, *(other for other, _ in choice.others))


def new_uid(key: bytes, old: str, dates: dicom.Dates) -> str:
    """The UID that stands for an old one: a random-looking UUID of RFC 9562 under 2.25 (PS3.5 B.2), by HMAC-SHA256.

    Copies with other dates have other UIDs: they are other objects, and side by side they would tell the shift.
    """
    digest = bytearray(hmac.new(key, f"uid\0{dates.value}\0{old}".encode(), hashlib.sha256).digest()[:16])
    digest[6], digest[8] = digest[6] & 0x0F | 0x40, digest[8] & 0x3F | 0x80
    return f"2.25.{int.from_bytes(digest, 'big')}"


def _days(key: bytes, patient: str) -> int:
    digest = hmac.new(key, f"days\0{patient.strip()}".encode(), hashlib.sha256).digest()
    return 1 + int.from_bytes(digest[:8], "big") % LARGEST_SHIFT_DAYS


def _as_name(subject_id: str) -> str:
    """The subject's number as a folder's name on every system."""
    name = "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in subject_id)
    return name if name == subject_id else f"{name}-{hashlib.sha256(subject_id.encode()).hexdigest()[:8]}"


def _check_empty(out: Path) -> None:
    try:
        taken = any(out.iterdir()) if out.is_dir() else out.exists()
    except OSError as problem:
        raise HrctError("OUTPUT_NOT_WRITABLE", f"'{out}' cannot be looked at.", "Choose another folder.") from problem
    if taken:
        raise HrctError("OUTPUT_EXISTS", f"'{out}' is not empty.", "Name a new folder, so that nothing is mixed up.")
