"""Who is it? A subject's name for each exam: what the user says, what a file may say, or a pseudonym.

In: the exams with the identity that their headers show, and what the user named. Out: one `Named` per
exam. A name from a header goes out only where the file says that identity was removed, or where the
user asked to keep it; else a pseudonym stands for it, from which nobody gets back without the secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ssc_hrct.core.errors import WrongUsage
from ssc_hrct.core.findings import Finding, caution
from ssc_hrct.core.subject import Identity, Subject

LONGEST_SUBJECT = 64
"""As PatientID in DICOM (VR LO)."""


class Source(StrEnum):
    """Where a subject's name is from."""

    GIVEN = "given"
    PATIENT_ID = "patient_id"
    """From a header that says that identity was removed."""
    KEPT_PATIENT_ID = "kept_patient_id"
    """From a header because the user asked to keep it: an identifier, and never part of a file name."""
    PSEUDONYM = "pseudonym"
    EXAM = "exam"
    """From the exam alone: whose it is could not be told."""


@dataclass(frozen=True, slots=True)
class Named:
    """One exam's subject, where the name is from, and SUBJECT_UNKNOWN where it could not be told."""

    subject: Subject
    source: Source
    findings: tuple[Finding, ...] = ()


def check_subject_id(text: str) -> str:
    """The name as rows carry it, without spaces around. Raises WrongUsage where it cannot be one."""
    name = text.strip()
    if not name:
        raise WrongUsage("The subject's name is empty.", "Give it a name of 1 to 64 characters.")
    if len(name) > LONGEST_SUBJECT:
        raise WrongUsage(f"The subject's name is longer than {LONGEST_SUBJECT} characters.", "Give it a shorter name.")
    if "\\" in name:
        raise WrongUsage("The subject's name holds a backslash, which parts values in DICOM.", "Use another sign.")
    if not _printable(name):
        raise WrongUsage("The subject's name holds a control character.", "Use letters, digits and signs alone.")
    return name


def pseudonym(key: bytes, kind: str, text: str, prefix: str) -> str:
    """A name made by HMAC-SHA256 (RFC 2104) from the secret: 10 letters and digits, 50 bits.

    kind parts names of patients from names of exams. Among 10,000 subjects two share a name by chance
    with a probability under 1 in 20 million. The prefix keeps a spreadsheet from reading a number.
    """
    digest = hmac.new(key, f"{kind}\0{text}".encode(), hashlib.sha256).digest()
    return prefix + base64.b32encode(digest).decode().lower()[:10]


def name_each(
    exams: Sequence[tuple[str, Identity]],
    *,
    given: Sequence[str | None] = (),
    keep_patient_id: bool,
    key: Callable[[], bytes],
) -> tuple[Named, ...]:
    """A name for each exam, in their order. exams: study UID and identity; given: what the user called each, or None.

    A study UID may stand under two patients (an export that mixed them up): each exam is named by its own
    patient's number, with the caution SUBJECT_UNKNOWN. key: gives the secret, and is called only where a
    pseudonym is needed.
    """
    shared = _in_conflict([identity for _, identity in exams])
    mixed = _of_several_patients(exams)

    def named(study_uid: str, identity: Identity, name: str | None) -> Named:
        if name is not None:
            return Named(Subject(check_subject_id(name)), Source.GIVEN)
        patient = identity.patient_id.strip()
        source = Source.PATIENT_ID if identity.removed else Source.KEPT_PATIENT_ID if keep_patient_id else None
        return _by_files(study_uid, patient, patient in shared, study_uid in mixed, source, key)

    names = given or (None,) * len(exams)
    return tuple(named(study_uid, identity, name) for (study_uid, identity), name in zip(exams, names, strict=True))


def _by_files(
    study_uid: str, patient: str, shared: bool, mixed: bool, source: Source | None, key: Callable[[], bytes]
) -> Named:
    """shared: several people seem to stand under the patient's number; mixed: several patients under the study UID.

    source: why the patient's number may go out, or None.
    """
    why = "The study UID stands under more than one patient's number." if mixed else ""
    if shared:
        why = "Exams of one patient's number disagree on birth date or sex."
    if not patient:
        why = "The patient's number is empty."
    findings = (caution("SUBJECT_UNKNOWN", why),) if why else ()
    if shared or not patient:
        exam = f"{study_uid}\0{patient}" if mixed else study_uid
        return Named(Subject(pseudonym(key(), "exam", exam, "exam-"), pseudonym=True), Source.EXAM, findings)
    usable = len(patient) <= LONGEST_SUBJECT and "\\" not in patient and _printable(patient)
    if usable and source is not None:
        return Named(Subject(patient), source, findings)
    return Named(Subject(pseudonym(key(), "patient", patient, "subj-"), pseudonym=True), Source.PSEUDONYM, findings)


def _of_several_patients(exams: Sequence[tuple[str, Identity]]) -> set[str]:
    """Study UIDs under which more than one patient's number stands."""
    patients: dict[str, set[str]] = {}
    for study_uid, identity in exams:
        patients.setdefault(study_uid, set()).add(identity.patient_id.strip())
    return {study_uid for study_uid, numbers in patients.items() if len(numbers) > 1}


def _in_conflict(identities: Sequence[Identity]) -> set[str]:
    """Patient numbers under which more than one person seems to stand. A missing date or sex agrees with any."""
    births: dict[str, set[str]] = {}
    sexes: dict[str, set[str]] = {}
    for identity in identities:
        patient = identity.patient_id.strip()
        if identity.birth_date.strip():
            births.setdefault(patient, set()).add(identity.birth_date.strip())
        if identity.sex.strip():
            sexes.setdefault(patient, set()).add(identity.sex.strip())
    return {patient for facts in (births, sexes) for patient, values in facts.items() if len(values) > 1}


def _printable(text: str) -> bool:
    return not any(unicodedata.category(sign).startswith(("Cc", "Cf", "Cs", "Zl", "Zp")) for sign in text)
