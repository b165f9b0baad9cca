"""Does this installation measure as it should? Made-up chests of known truth through the whole program.

In: nothing. Out: for each chest whether it passed, the error in points and the seconds. Each goes the way of the
data as a scan does: written as DICOM into a temporary folder, found, chosen, loaded, scored. No network is used.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from time import perf_counter

from ssc_hrct import phantom
from ssc_hrct.app.assets import models
from ssc_hrct.app.listing import look
from ssc_hrct.app.made_up import MadeUpExam, truth_of, write_exam
from ssc_hrct.app.score import score_series
from ssc_hrct.app.score_exams import Within
from ssc_hrct.core.grade import grade
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.protocol import Protocol
from ssc_hrct.core.subject import BASELINE

ALLOWED_POINTS = Decimal("2.00")
"""An installation that is whole repeats the engine's error on these chests; one that is not misses by far more."""
SHAPE, SPACING_MM = (216, 320, 400), (1.25, 0.9, 0.9)


@dataclass(frozen=True, slots=True)
class Case:
    """name: what it shows; ild_percent: what is put in, over 1.5 points from a bound of the grades."""

    name: str
    seed: int
    ild_percent: float


CASES = (Case("clear lungs", 6101, 0.0), Case("mild disease", 6102, 7.5), Case("moderate disease", 6103, 15.0))


@dataclass(frozen=True, slots=True)
class Tried:
    """One chest. truth, measured, error_points, grade: as text; empty where it was refused."""

    name: str
    passed: bool
    truth: str
    measured: str
    error_points: str
    grade: str
    seconds: float


def run_self_test(
    *, protocol: Protocol, now: Callable[[], datetime], cases: tuple[Case, ...] = CASES, progress: Progress = SILENT
) -> tuple[Tried, ...]:
    """Try each chest. A refusal is a failure; a fault of the program is raised."""
    return tuple(_tried(case, protocol, now, Within(progress, case.name)) for case in cases)


def _tried(case: Case, protocol: Protocol, now: Callable[[], datetime], progress: Progress) -> Tried:
    began = perf_counter()
    disease = phantom.PRESETS["nsip"](case.ild_percent) if case.ild_percent else None
    spec = phantom.ChestSpec(shape=SHAPE, spacing_mm=SPACING_MM, lung_ml=3400.0, disease=disease)
    with tempfile.TemporaryDirectory(prefix="ssc-hrct-") as folder:
        made = phantom.make_chest(case.seed, spec, progress=progress)
        truth = truth_of(made, protocol.ild_patterns).ild_percent
        exam = MadeUpExam("SELF-TEST", "2025-01-15", f"self-test/{case.seed}")
        write_exam(made, Path(folder), exam, progress=progress)
        del made
        _, choices = look([Path(folder)], protocol, progress=progress)
        score = score_series(choices[0].scan, subject_id="SELF-TEST", visit=BASELINE, protocol=protocol, now=now,
                             models=models(), progress=progress).score
    seconds = perf_counter() - began
    measured = score.extents.ild_percent if score.extents else None
    if truth is None or measured is None:
        return Tried(case.name, False, str(truth), "-", "-", score.status.value, seconds)
    error = measured - truth
    expected = grade(truth, protocol.severity_bounds)
    passed = abs(error) <= ALLOWED_POINTS and score.severity is expected
    return Tried(case.name, passed, str(truth), str(measured), f"{error:+}", str(score.severity), seconds)
