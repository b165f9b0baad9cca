"""Judges models on cases that they did not learn from, and chooses the limits.

In: held-out cases and the models of their folds. Out: `Judged` rows, the limits with the least error, and a table for
a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ssc_hrct.app.assets import default_protocol
from ssc_hrct.core.acquisition import Acquisition, SeriesKind
from ssc_hrct.core.extents import Extents
from ssc_hrct.core.lungs import Ring, Zone
from ssc_hrct.core.patterns import ClassifierDoubt, Pattern
from ssc_hrct.measure.features import NAMES
from ssc_hrct.measure.trained import Odds, PatternModel, decide, odds
from training import intervals
from training.corpus import Case

ABNORMAL_LIMITS = tuple(round(0.15 + 0.025 * i, 3) for i in range(21))
FIBROSIS_LIMITS = tuple(round(0.30 + 0.05 * i, 2) for i in range(13))
HALF = 0.5
BORDER = 0.993
"""The full grid counts so much of what the lattice does: the border is interpolated, and islands go once more (18
chests of 5 to 42 percent: 0.980 to 1.006)."""
_DISEASED = [Pattern.GROUND_GLASS, Pattern.RETICULATION, Pattern.HONEYCOMBING]


@dataclass(frozen=True, slots=True)
class Judged:
    """Percent of the lung where labels stand. ild: [abnormal limit]; fibrosis: [abnormal limit][fibrosis limit]."""

    fold: str
    case: str
    source: str
    renderer: str
    truth_ild: float
    truth_fibrosis: float
    ild: tuple[float, ...]
    fibrosis: tuple[tuple[float, ...], ...]


def judge(case: Case, model: PatternModel, fold: str) -> Judged:
    """One case at all limits; the trees are asked once. Where no label stands nothing is counted, nor as lung."""
    said = odds(case.seen, model)
    weight = np.where(case.labelled, case.weight, np.float32(0))
    total = float(weight.sum())
    ild, fibrosis = [], []
    for limit in ABNORMAL_LIMITS:
        kinds, _ = _kinds(case, said, limit, HALF)
        diseased = (kinds >= Pattern.GROUND_GLASS) & (kinds <= Pattern.HONEYCOMBING)
        ild.append(BORDER * 100 * float(weight[diseased].sum()) / total)
        netted = [diseased & (said.fibrosis >= limit_2) for limit_2 in FIBROSIS_LIMITS]
        fibrosis.append(tuple(BORDER * 100 * float(weight[where].sum()) / total for where in netted))
    return Judged(
        fold, case.name, case.source, case.renderer, case.ild_percent, case.fibrosis_percent, tuple(ild),
        tuple(fibrosis),
    )


def for_intervals(case: Case, model: PatternModel, limits: tuple[float, float]) -> intervals.Case:
    """The case as the error bars learn from it: scored at the limits (abnormal, fibrosis) by a model that never saw
    its like. Counts are of the labelled points, in thousandths of one."""
    said = odds(case.seen, model)
    kinds, doubt = _kinds(case, said, *limits)
    weight = np.where(case.labelled, np.rint(1000 * case.weight), 0)
    ring = np.where(case.seen.values[:, NAMES.index("depth_mm")] <= 10.0, Ring.TO_10_MM, Ring.OVER_20_MM)
    counts = np.zeros((len(Zone), len(Ring), len(Pattern)), np.int64)
    place = (ring - 1) * len(Pattern) + kinds
    counted = np.bincount(place, weights=weight, minlength=counts[0].size).reshape(counts[0].shape)
    more = np.rint((BORDER - 1) * counted[:, _DISEASED])
    counted[:, _DISEASED] += more
    counted[:, Pattern.NORMAL] -= more.sum(axis=1)
    counts[0] = counted
    extents = Extents(
        counts=tuple(tuple(tuple(int(n) for n in row) for row in zone) for zone in counts), slice_counts=(),
        voxel_ml=case.seen.blocks.voxel_ml / 1000, hu_sum=0, ild_patterns=default_protocol().ild_patterns,
    )
    facts = Acquisition("1", "2", "CT", SeriesKind.AXIAL, 1, slice_thickness_mm=case.thickness_mm)
    return intervals.case(
        case.source, extents, case.stats, facts, doubt, ild_truth_percent=case.ild_percent,
        fibrosis_truth_percent=case.fibrosis_percent,
    )


def _kinds(case: Case, said: Odds, abnormal: float, fibrosis: float) -> tuple[np.ndarray, ClassifierDoubt]:
    protocol = default_protocol()
    limits = {"abnormal": abnormal, "fibrosis": fibrosis, "honeycombing": HALF, "consolidation": HALF}
    decided = decide(
        case.seen, said, limits, smallest_island_ml=protocol.smallest_island_ml, largest_gap_ml=protocol.largest_gap_ml
    )
    return decided.patterns[case.seen.near], decided.doubt


def best_limits(rows: Sequence[Judged]) -> tuple[int, int]:
    """Places in ABNORMAL_LIMITS and FIBROSIS_LIMITS: that with the least mean absolute error of ILD, and with it that
    which leaves fibrosis least bias; both over all diseased cases."""
    diseased = [r for r in rows if r.renderer]
    off = [np.mean([abs(r.ild[i] - r.truth_ild) for r in diseased]) for i in range(len(ABNORMAL_LIMITS))]
    first = int(np.argmin(off))
    split = [np.mean([r.fibrosis[first][j] - r.truth_fibrosis for r in diseased]) for j in range(len(FIBROSIS_LIMITS))]
    second = int(np.argmin(np.abs(split)))
    if first in (0, len(off) - 1) or second in (0, len(split) - 1):
        raise ValueError("the best limit lies beyond those that are tried")
    return first, second


def table(rows: Iterable[Judged], at: tuple[int, int]) -> str:
    """One Markdown row a fold: errors in points."""
    lines = [
        "| fold | cases | bias | mean absolute | 95 % within | largest | fibrosis bias | mean absolute | clear, ILD |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    rows = list(rows)
    for fold in [*sorted({r.fold for r in rows}), "all"]:
        mine = [r for r in rows if fold in (r.fold, "all")]
        sick = [r for r in mine if r.renderer]
        off = np.array([r.ild[at[0]] - r.truth_ild for r in sick])
        split = np.array([r.fibrosis[at[0]][at[1]] - r.truth_fibrosis for r in sick])
        clear = sorted(r.ild[at[0]] for r in mine if not r.renderer)
        told = f"median {np.median(clear):.2f}, most {clear[-1]:.2f}" if clear else ""
        lines.append(
            f"| {fold} | {len(sick)} | {off.mean():+.2f} | {np.abs(off).mean():.2f} "
            f"| {np.quantile(np.abs(off), 0.95):.2f} | {np.abs(off).max():.2f} "
            f"| {split.mean():+.2f} | {np.abs(split).mean():.2f} | {told} |"
        )
    return "\n".join(lines)
