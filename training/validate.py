"""Judges models on cases that they did not learn from, and chooses the limits.

In: held-out cases and the models of their folds. Out: `Judged` rows, the limits that leave no bias where the grades
lie, and a table for a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ssc_hrct.app.assets import default_protocol
from ssc_hrct.core.patterns import ClassifierDoubt, Pattern
from ssc_hrct.measure.features import NAMES
from ssc_hrct.measure.trained import Odds, PatternModel, decide, odds
from training.corpus import Case

ABNORMAL_LIMITS = tuple(round(0.30 + 0.025 * i, 3) for i in range(15))
FIBROSIS_LIMITS = tuple(round(0.30 + 0.05 * i, 2) for i in range(9))
GRADED = (3.0, 12.0)
"""Extents in percent where the grades lie: there the limits leave no bias."""
HALF = 0.5


@dataclass(frozen=True, slots=True)
class Judged:
    """Percent of the lung, by limit. ild: [abnormal limit]; fibrosis: [abnormal limit][fibrosis limit].

    labelled: ILD where labels stand, for clear lungs. outer: ILD in the outer ring at each abnormal limit.
    """

    fold: str
    case: str
    source: str
    renderer: str
    truth_ild: float
    truth_fibrosis: float
    ild: tuple[float, ...]
    labelled: tuple[float, ...]
    outer: tuple[float, ...]
    fibrosis: tuple[tuple[float, ...], ...]
    doubt: tuple[ClassifierDoubt, ...]


def judge(case: Case, model: PatternModel, fold: str) -> Judged:
    """One case at all limits; the trees are asked once."""
    said = odds(case.seen, model)
    weight = case.weight
    total = float(weight.sum())
    labelled = case.labelled
    outer = case.seen.values[:, NAMES.index("depth_mm")] <= 10.0
    ild, free, rim, fibrosis, doubts = [], [], [], [], []
    for limit in ABNORMAL_LIMITS:
        kinds, doubt = _kinds(case, said, limit, HALF)
        diseased = (kinds >= Pattern.GROUND_GLASS) & (kinds <= Pattern.HONEYCOMBING)
        ild.append(100 * float(weight[diseased].sum()) / total)
        free.append(100 * float(weight[diseased & labelled].sum()) / total)
        rim.append(100 * float(weight[diseased & outer].sum()) / total)
        doubts.append(doubt)
        fibrosis.append(tuple(
            100 * float(weight[diseased & (said.fibrosis >= limit_2)].sum()) / total for limit_2 in FIBROSIS_LIMITS
        ))
    return Judged(
        fold, case.name, case.source, case.renderer, case.ild_percent, case.fibrosis_percent, tuple(ild), tuple(free),
        tuple(rim), tuple(fibrosis), tuple(doubts),
    )


def _kinds(case: Case, said: Odds, abnormal: float, fibrosis: float) -> tuple[np.ndarray, ClassifierDoubt]:
    protocol = default_protocol()
    limits = {"abnormal": abnormal, "fibrosis": fibrosis, "honeycombing": HALF, "consolidation": HALF}
    decided = decide(
        case.seen, said, limits, smallest_island_ml=protocol.smallest_island_ml, largest_gap_ml=protocol.largest_gap_ml
    )
    return decided.patterns[case.seen.near], decided.doubt


def best_limits(rows: Sequence[Judged]) -> tuple[int, int]:
    """Places in ABNORMAL_LIMITS and FIBROSIS_LIMITS that leave least bias: of ILD where the grades lie, of fibrosis
    over all diseased cases."""
    graded = [r for r in rows if GRADED[0] <= r.truth_ild <= GRADED[1]]
    bias = [np.mean([r.ild[i] - r.truth_ild for r in graded]) for i in range(len(ABNORMAL_LIMITS))]
    first = int(np.argmin(np.abs(bias)))
    diseased = [r for r in rows if r.renderer]
    split = [np.mean([r.fibrosis[first][j] - r.truth_fibrosis for r in diseased]) for j in range(len(FIBROSIS_LIMITS))]
    return first, int(np.argmin(np.abs(split)))


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
        clear = sorted(r.labelled[at[0]] for r in mine if not r.renderer)
        told = f"median {np.median(clear):.2f}, most {clear[-1]:.2f}" if clear else ""
        lines.append(
            f"| {fold} | {len(sick)} | {off.mean():+.2f} | {np.abs(off).mean():.2f} "
            f"| {np.quantile(np.abs(off), 0.95):.2f} | {np.abs(off).max():.2f} "
            f"| {split.mean():+.2f} | {np.abs(split).mean():.2f} | {told} |"
        )
    return "\n".join(lines)
