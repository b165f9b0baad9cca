"""Which series of an exam is scored, and why not the others: evident rules, no judgement of images.

In: the series found, and a judge (what `quality.check_header` says of an acquisition). Out: one
`ExamChoice` per exam that has any image. The rules, the first that decides wins:

1. what can be scored before what is refused;
2. original axial images before computed ones (reformats), those before everything else;
3. neither expiratory (by the series' own name) nor prone, unless there is nothing else;
4. a series that covers the lungs: at least nine tenths of the longest such series, and 270 mm are
   enough (an adult's lungs are 20 to 30 cm high, more is abdomen);
5. thin slices: all up to the protocol's `thin_mm` count as equally thin, else the thinner, in steps of 0.5 mm;
6. the kernel: lung, then standard, then unknown, then extreme ones;
7. the longer one in steps of 10 mm, then more slices, then the smaller series UID (so that the choice
   is the same on every machine).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ssc_hrct.core.acquisition import Acquisition, SeriesKind
from ssc_hrct.core.findings import Finding, Level, in_order, is_refused
from ssc_hrct.core.kernels import KernelClass, kernel_class
from ssc_hrct.dicom.series import ExamChoice, Series

Judge = Callable[[Acquisition], tuple[Finding, ...]]

ENOUGH_MM = 270.0
COVERED_SHARE = 0.9
_KINDS = (
    SeriesKind.AXIAL, SeriesKind.REFORMAT, SeriesKind.NOT_AXIAL, SeriesKind.UNSUPPORTED, SeriesKind.LOCALIZER,
    SeriesKind.SECONDARY_CAPTURE, SeriesKind.NOT_CT,
)
_KERNELS = (KernelClass.LUNG, KernelClass.STANDARD, None, KernelClass.EXTREME)
_KIND_REASONS = {
    SeriesKind.REFORMAT: "It was computed from another series.",
    SeriesKind.NOT_AXIAL: "Its slices are not axial.",
    SeriesKind.LOCALIZER: "It is a localizer.",
    SeriesKind.SECONDARY_CAPTURE: "It is a page or a screen capture without CT values.",
    SeriesKind.NOT_CT: "It is no CT in Hounsfield units.",
    SeriesKind.UNSUPPORTED: "It is in a form that cannot be read as a stack of CT slices.",
}


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A series with the judge's word; rank: smaller is better, rule by rule."""

    series: Series
    findings: tuple[Finding, ...]
    rank: tuple[int | float | str, ...]


def choose(series: Sequence[Series], judge: Judge, *, thin_mm: float = 1.5) -> tuple[ExamChoice, ...]:
    """The scan of each exam, in the order of `series`. An exam is one study UID of one patient.

    thin_mm: slices up to this count as equally thin (the protocol's limit).
    """
    exams: dict[tuple[str, str], list[Series]] = {}
    for one in series:
        exams.setdefault((one.acquisition.study_instance_uid, one.identity.patient_id), []).append(one)
    return tuple(_choose_one(study_uid, exam, judge, thin_mm) for (study_uid, _), exam in exams.items())


def _choose_one(study_uid: str, exam: Sequence[Series], judge: Judge, thin_mm: float) -> ExamChoice:
    findings = [in_order(judge(one.acquisition)) for one in exam]
    longest = max((
        one.acquisition.length_mm for one, found in zip(exam, findings, strict=True)
        if one.acquisition.kind in _KINDS[:2] and not is_refused(found)
    ), default=0.0)
    needed = COVERED_SHARE * min(longest, ENOUGH_MM)
    ranked = sorted(
        (_Candidate(one, found, _rank(one, found, needed, thin_mm)) for one, found in zip(exam, findings, strict=True)),
        key=lambda candidate: candidate.rank,
    )
    best = ranked[0]
    return ExamChoice(
        study_instance_uid=study_uid, identity=best.series.identity, scan=best.series, findings=best.findings,
        others=tuple((other.series, _why_not(other, best)) for other in ranked[1:]),
    )


def _rank(
    one: Series, findings: tuple[Finding, ...], needed_mm: float, thin_mm: float
) -> tuple[int | float | str, ...]:
    facts = one.acquisition
    return (
        int(is_refused(findings)),
        _KINDS.index(facts.kind),
        int(one.expiration or _is_prone(facts)),
        int(facts.length_mm < needed_mm),
        _thickness_step(facts, thin_mm),
        _KERNELS.index(kernel_class(facts.kernel)),
        -int(facts.length_mm // 10),
        -facts.slices,
        facts.series_instance_uid,
        one.slices[0].fingerprint if one.slices else "",
    )


def _is_prone(facts: Acquisition) -> bool:
    return (facts.patient_position or "") in {"HFP", "FFP"}


def _thickness_step(facts: Acquisition, thin_mm: float) -> float:
    """0 for thin slices, else the thickness in half millimetres; unknown comes last."""
    if facts.slice_thickness_mm is None:
        return 1e6
    return 0.0 if facts.slice_thickness_mm <= thin_mm + 0.01 else float(round(2 * facts.slice_thickness_mm))


def _why_not(other: _Candidate, best: _Candidate) -> str:
    """The first rule that parted the two, in words."""
    facts, chosen = other.series.acquisition, best.series.acquisition
    rule = next(i for i, (a, b) in enumerate(zip(other.rank, best.rank, strict=True)) if a != b or i == 9)
    if facts.kind not in _KINDS[:2] or (facts.kind is SeriesKind.REFORMAT and rule <= 1):
        return _KIND_REASONS[facts.kind]
    if is_refused(other.findings):
        worst = next(f for f in other.findings if f.level is Level.REFUSED)
        return f"It cannot be scored: {worst.detail or worst.kind.says}"
    if rule == 2:
        return "The patient lay prone." if _is_prone(facts) else "It was taken in expiration."
    if rule == 3 or rule == 6:
        return f"It covers {facts.length_mm:.0f} mm of the body, the chosen series {chosen.length_mm:.0f} mm."
    if rule == 4:
        return f"Its slices are thicker: {_mm(facts.slice_thickness_mm)} against {_mm(chosen.slice_thickness_mm)}."
    if rule == 5:
        return f"Its kernel ({facts.kernel or 'not named'}) suits lungs less than {chosen.kernel or 'the other'}."
    if rule == 7:
        return f"It has fewer slices: {facts.slices} against {chosen.slices}."
    return "It equals the chosen series in all that counts; the choice between them is by UID."


def _mm(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g} mm"
