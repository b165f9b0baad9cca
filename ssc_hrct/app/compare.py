"""Score two visits of one subject and say what changed, or why nothing may be said.

In: two places with DICOM, one exam each. Out: both scores, saved as rows of scores.csv, and one row of
comparison.csv. Planned as a whole before anything is decoded, so that a wrong line costs no time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ssc_hrct import dicom
from ssc_hrct.app import assets
from ssc_hrct.app.listing import look
from ssc_hrct.app.result import Result
from ssc_hrct.app.save import doubtful, save_comparison, save_scores
from ssc_hrct.app.score_exams import PlannedExam, Within, name_exams, no_dicom, score_exam
from ssc_hrct.compare import compare_scores, followup_visit
from ssc_hrct.core.comparison import Comparison
from ssc_hrct.core.errors import WrongUsage
from ssc_hrct.core.findings import Finding, caution, pair_caution
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.protocol import Protocol
from ssc_hrct.core.rows import Row, comparison_row
from ssc_hrct.core.score import Score
from ssc_hrct.core.subject import BASELINE, Identity, Visit


@dataclass(frozen=True, slots=True)
class PairWishes:
    """What a person asked for. followup_visit None: told from the dates."""

    baseline: Path
    followup: Path
    out: Path
    subject: str | None = None
    followup_visit: Visit | None = None
    keep_patient_id: bool = False
    secret: Path | None = None


@dataclass(frozen=True, slots=True)
class PairPlan:
    """Both exams, and what is already known of the pair. notes: sentences for the person."""

    baseline: PlannedExam
    followup: PlannedExam
    known: tuple[Finding, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """results: baseline, follow-up. replaced: rows of scores.csv and comparison.csv that gave way.

    doubts: sentences on other rows of scores.csv that may be meant as the same.
    """

    results: tuple[Result, Result]
    comparison: Comparison
    row: Row
    replaced: tuple[Row, ...]
    replaced_comparisons: tuple[Row, ...]
    doubts: tuple[str, ...] = ()


def plan_pair(wishes: PairWishes, *, protocol: Protocol, progress: Progress = SILENT) -> PairPlan:
    """Which two exams are compared, as whose and at which visits. Nothing is decoded or written.

    Raises WrongUsage where a side holds several exams, both are one exam, or the subjects differ;
    HrctError(NO_DICOM) where a side holds no image.
    """
    if wishes.followup_visit == BASELINE:
        raise WrongUsage("The follow-up cannot be the baseline.", "Name another visit with --followup-visit.")
    sides = [
        _only_exam(name, path, protocol, progress)
        for name, path in (("baseline", wishes.baseline), ("follow-up", wishes.followup))
    ]
    before, after = sides
    if before.study_instance_uid == after.study_instance_uid:
        raise WrongUsage("Both paths hold the same exam.", "Name two exams of one subject.")
    given = [wishes.subject] * len(sides)
    (first, second), notes = name_exams(sides, given, keep_patient_id=wishes.keep_patient_id, secret=wishes.secret)
    if first.subject.id != second.subject.id:
        unknown = bool(first.findings or second.findings)
        raise WrongUsage(
            "It could not be told that both exams are of one subject." if unknown
            else "The two exams are of different subjects.",
            "If they are of one person, name the subject with --subject.",
        )
    visit = wishes.followup_visit
    known: tuple[Finding, ...] = ()
    if visit is None:
        visit, known = followup_visit(before.scan.acquisition.scan_date, after.scan.acquisition.scan_date, protocol)
    return PairPlan(
        PlannedExam(before, first, BASELINE, first.findings),
        PlannedExam(after, second, visit, (*second.findings, *(caution(f.code, f.detail) for f in known))),
        (*known, *_patients_differ(before.identity, after.identity)), notes,
    )


def _patients_differ(before: Identity, after: Identity) -> tuple[Finding, ...]:
    """IDENTITY_DIFFERS where both headers name a patient's number, birth date or sex and disagree; says which alone."""
    sides = (("patient number", before.patient_id, after.patient_id),
             ("birth date", before.birth_date, after.birth_date), ("sex", before.sex, after.sex))
    named = [(what, first.strip().casefold(), second.strip().casefold()) for what, first, second in sides]
    apart = [what for what, first, second in named if first and second and first != second]
    return (pair_caution("IDENTITY_DIFFERS", ", ".join(apart)),) if apart else ()


def _only_exam(name: str, path: Path, protocol: Protocol, progress: Progress) -> dicom.ExamChoice:
    assets.models()  # raises where they are damaged, before anything is read or written
    found, choices = look([path], protocol, progress=Within(progress, name))
    if not choices:
        raise no_dicom(found)
    if len(choices) > 1:
        raise WrongUsage(f"'{path}' holds {len(choices)} exams.", f"Name the folder of the one {name} exam.")
    return choices[0]


def run_pair(
    planned: PairPlan,
    wishes: PairWishes,
    *,
    protocol: Protocol,
    now: Callable[[], datetime],
    tell: Callable[[Result], None] = lambda result: None,
    progress: Progress = SILENT,
) -> Compared:
    """Score both, save each row when it is made, compare, save the comparison.

    Raises Cancelled when the person asked to stop, HrctError where a row could not be saved.
    """
    replaced: list[Row] = []
    scores: list[Score] = []
    results: list[Result] = []
    for name, exam in (("baseline", planned.baseline), ("follow-up", planned.followup)):
        scored, result = score_exam(exam, protocol=protocol, now=now, progress=Within(progress, name))
        results.append(result)
        scores.append(scored.score)
        del scored  # its volume is not needed while the other side is loaded
        replaced += save_scores(wishes.out, [results[-1].row])
        tell(results[-1])
    comparison = compare_scores(scores[0], scores[1], protocol, known=planned.known)
    row = comparison_row(comparison)
    replaced_pairs = save_comparison(wishes.out, [row])
    doubts = doubtful(wishes.out, [result.row for result in results])
    return Compared((results[0], results[1]), comparison, row, tuple(replaced), replaced_pairs, doubts)
