"""The arithmetic of the tables: errors, shares with their intervals, areas under curves. Pure; tests hold it.

In: numbers of cases. Out: the figures that the targets are stated in. All extents in percent of the lung, all errors
in points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta, rankdata

from ssc_hrct.core.grade import Bounds, grade
from ssc_hrct.core.numbers import rounded

NEAR_BOUND_POINTS = 1.5
"""A severity is asked for only where the truth lies further than this from every bound: nearer, an error
as small as the usual ones picks another severity."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Of found minus true: mean, mean absolute, what 95 percent lie within, the largest."""

    cases: int
    bias: float
    mean_absolute: float
    within_95: float
    largest: float


def errors(found: Sequence[float], true: Sequence[float]) -> Errors | None:
    """None where there is no case."""
    if not found:
        return None
    off = np.asarray(found, np.float64) - np.asarray(true, np.float64)
    away = np.abs(off)
    return Errors(
        off.size, float(off.mean()), float(away.mean()), float(np.quantile(away, 0.95)), float(away.max())
    )


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with the exact binomial 95 percent interval, all as shares of 1."""

    hits: int
    of: int
    low: float
    high: float

    @property
    def share(self) -> float:
        return self.hits / self.of if self.of else float("nan")


def share(hits: int, of: int) -> Share:
    """Clopper and Pearson, Biometrika 1934;26:404-413: from quantiles of the beta distribution."""
    low = float(beta.ppf(0.025, hits, of - hits + 1)) if hits else 0.0
    high = float(beta.ppf(0.975, hits + 1, of - hits)) if hits < of else 1.0
    return Share(hits, of, low, high)


def severity_right(found: Sequence[float], true: Sequence[float], bounds: Bounds) -> Share:
    """Of the cases that lie clear of every bound, how many got the right grade. Percents are rounded as in exports."""
    clear = [
        (f, t) for f, t in zip(found, true, strict=True) if min(abs(t - b) for b in bounds) > NEAR_BOUND_POINTS
    ]
    right = sum(grade(rounded(f, 2), bounds) is grade(rounded(t, 2), bounds) for f, t in clear)
    return share(right, len(clear))


def covered(intervals: Sequence[tuple[float, float]], true: Sequence[float]) -> Share:
    """How many intervals hold the truth, both ends included."""
    return share(sum(low <= t <= high for (low, high), t in zip(intervals, true, strict=True)), len(true))


def area_under_curve(scores: Sequence[float], labels: Sequence[bool]) -> float | None:
    """Chance that a labelled one scores above an unlabelled one, ties counted half (Mann and Whitney); None where
    either kind is missing."""
    yes = np.asarray(labels, np.bool_)
    with_label, without = int(yes.sum()), int((~yes).sum())
    if not with_label or not without:
        return None
    ranks = rankdata(np.asarray(scores, np.float64))
    above = float(ranks[yes].sum()) - with_label * (with_label + 1) / 2
    return above / (with_label * without)


@dataclass(frozen=True, slots=True)
class Repeat:
    """Of one case measured twice. sd: of one measurement, from the spread of the differences; shift: their mean."""

    cases: int
    sd: float
    shift: float


def repeat(first: Sequence[float], second: Sequence[float]) -> Repeat | None:
    """SD of the differences over the root of two (Bland and Altman, BMJ 1996;312:1654). None under two cases."""
    off = np.asarray(second, np.float64) - np.asarray(first, np.float64)
    if off.size < 2:
        return None
    return Repeat(off.size, float(off.std(ddof=1) / np.sqrt(2)), float(off.mean()))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def told(part: Share) -> str:
    """97 of 100: 97.0 % (91.5 to 99.4)."""
    if not part.of:
        return "no case"
    return f"{part.hits} of {part.of}: {100 * part.share:.1f} % ({100 * part.low:.1f} to {100 * part.high:.1f})"
