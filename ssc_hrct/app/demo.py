"""The demonstration: a subject that does not exist, with known truth, scored at two visits and compared.

In: a folder. Out: two exams as DICOM, the tables, and what was measured beside what was put in. The size of the
chest is chosen so that all of it takes under two minutes on two cores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from time import perf_counter

from ssc_hrct import phantom
from ssc_hrct.app import assets
from ssc_hrct.app.compare import Compared, PairWishes, plan_pair, run_pair
from ssc_hrct.app.made_up import MadeUpExam, Truth, truth_of, write_exam
from ssc_hrct.app.result import Result
from ssc_hrct.app.score_exams import Within
from ssc_hrct.core.grade import grade
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.protocol import Protocol

SUBJECT = "DEMO-001"
SEED = 4801
BASELINE_ILD_PERCENT, WEEK_48_ILD_PERCENT = 7.0, 12.5
"""Mild, then moderate; each over 2 points from the next bound."""
BASELINE_DATE, WEEK_48_DATE = "2025-01-15", "2025-12-17"
SHAPE, SPACING_MM = (216, 320, 400), (1.25, 0.9, 0.9)
"""A woman of 3.4 l of lung fits; slices of 1.25 mm are drawn as one plane each, so making one takes some 10 s."""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """Two folders of DICOM and what was put into them."""

    baseline: Path
    week_48: Path
    truths: tuple[Truth, Truth]


@dataclass(frozen=True, slots=True)
class Shown:
    """compared: both scores and the comparison; table: what, truth, measured, difference, as text."""

    compared: Compared
    table: tuple[tuple[str, str, str, str], ...]
    folder: Path
    seconds: float


def demo_spec(ild_percent: float) -> phantom.ChestSpec:
    """The demonstration's chest with so much disease of the kind that systemic sclerosis brings."""
    return phantom.ChestSpec(
        shape=SHAPE, spacing_mm=SPACING_MM, lung_ml=3400.0, male=False, noise_hu=20.0,
        disease=phantom.PRESETS["nsip"](ild_percent),
    )


def make_demo(folder: Path, *, protocol: Protocol, progress: Progress = SILENT) -> Demonstration:
    """Make both visits of the demonstration subject in `folder`. One seed: one body, more disease later."""
    folders, truths = [], []
    for name, ild_percent, day in (
        ("baseline", BASELINE_ILD_PERCENT, BASELINE_DATE), ("week_48", WEEK_48_ILD_PERCENT, WEEK_48_DATE),
    ):
        told = Within(progress, name)
        made = phantom.make_chest(SEED, demo_spec(ild_percent), progress=told)
        write_exam(made, folder / name, MadeUpExam(SUBJECT, day, f"demo/{SEED}/{name}"), progress=told)
        folders.append(folder / name)
        truths.append(truth_of(made, protocol.ild_patterns))
    return Demonstration(folders[0], folders[1], (truths[0], truths[1]))


def make_demo_subject(folder: Path, *, progress: Progress = SILENT) -> tuple[Path, Path]:
    """The demonstration subject as DICOM: the folders of baseline and week 48."""
    made = make_demo(folder, protocol=assets.default_protocol(), progress=progress)
    return made.baseline, made.week_48


def run_demo(
    out: Path,
    *,
    protocol: Protocol,
    now: Callable[[], datetime],
    tell: Callable[[Result], None] = lambda result: None,
    progress: Progress = SILENT,
) -> Shown:
    """Make the subject under `out`/dicom, score both visits, compare, write the tables into `out`."""
    began = perf_counter()
    made = make_demo(out / "dicom", protocol=protocol, progress=progress)
    wishes = PairWishes(made.baseline, made.week_48, out)
    planned = plan_pair(wishes, protocol=protocol, progress=progress)
    compared = run_pair(planned, wishes, protocol=protocol, now=now, tell=tell, progress=progress)
    return Shown(compared, _table(compared, made.truths, protocol), out / "dicom", perf_counter() - began)


def _table(
    compared: Compared, truths: tuple[Truth, Truth], protocol: Protocol
) -> tuple[tuple[str, str, str, str], ...]:
    lines: list[tuple[str, str, str, str]] = []
    for visit, result, truth in zip(("baseline", "week 48"), compared.results, truths, strict=True):
        row = result.row
        lines.append(_number(f"{visit}: ILD extent, percent", truth.ild_percent, row["ild_percent"]))
        severity = grade(truth.ild_percent, protocol.severity_bounds) if truth.ild_percent is not None else None
        lines.append((f"{visit}: severity", str(severity or "-"), row["severity"] or "-", ""))
        lines.append(_number(f"{visit}: fibrosis extent, percent", truth.fibrosis_percent, row["fibrosis_percent"]))
        lines.append(_number(f"{visit}: lung volume, ml", truth.lung_ml, row["lung_volume_ml"]))
    before, after = truths
    row = compared.row
    lines.append(_number("change of ILD extent, points", _less(after.ild_percent, before.ild_percent),
                         row["ild_change_points"]))
    lines.append(_number("change of fibrosis extent, points", _less(after.fibrosis_percent, before.fibrosis_percent),
                         row["fibrosis_change_points"]))
    return tuple(lines)


def _less(after: Decimal | None, before: Decimal | None) -> Decimal | None:
    return None if after is None or before is None else after - before


def _number(what: str, truth: Decimal | None, measured: str) -> tuple[str, str, str, str]:
    if truth is None or not measured:
        return what, "-" if truth is None else str(truth), measured or "-", ""
    return what, str(truth), measured, f"{Decimal(measured) - truth:+}"
