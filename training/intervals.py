"""Fits the model of the error bars to cases of known truth that the engine had never seen.

In: one `Case` for each scored phantom or composite, scored by a model that was trained without its fold. Out: the
content of `resources/models/intervals.json`. The weights of the causes of error are non-negative least squares on
the squared errors (each cause adds its own variance); they are fitted without a fold before they judge it, so the
ratios of error to expected error, of which the ends of the interval are quantiles, are those of unseen cases.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from ssc_hrct.core.acquisition import Acquisition
from ssc_hrct.core.extents import Extents
from ssc_hrct.core.patterns import ClassifierDoubt
from ssc_hrct.core.protocol import canonical_sha256
from ssc_hrct.core.stats import ImageStats
from ssc_hrct.measure.intervals import (
    BIN_ENDS_PERCENT,
    FLOOR_POINTS,
    RANGED,
    ExtentModel,
    Features,
    fibrosis_features,
    ild_features,
)

Floats = NDArray[np.float64]

_OUTSIDE = 0.05
"""Share of cases that may lie beyond each end of the interval."""
_FEWEST = 40
"""A bin of fewer cases takes its quantiles from all: the 95th of 40 is the second largest, of fewer the largest."""
_ROUNDS = 30
_FARTHEST = 3.0
"""A case off by more than this many expected errors counts as so far off: one bad case does not make the weights."""
_MISSING_QUANTILE = 0.95
_PLACES = 6


@dataclass(frozen=True, slots=True)
class Measured:
    """One extent of one case, in percent of the lung: as scored, as it is, and what was known of the scan."""

    score_percent: float
    truth_percent: float
    features: Features


@dataclass(frozen=True, slots=True)
class Case:
    """fold: the lung it lies in; cases of one lung are never judged by weights of the same lung."""

    fold: str
    ild: Measured
    fibrosis: Measured


def case(
    fold: str, extents: Extents, stats: ImageStats, acquisition: Acquisition, doubt: ClassifierDoubt | None,
    *, ild_truth_percent: float, fibrosis_truth_percent: float,
) -> Case:
    """One scored case. Raises ValueError where there is no lung."""
    ild, fibrosis = extents.ild_percent, extents.fibrosis_percent
    if ild is None or fibrosis is None:
        raise ValueError("no lung, no extent")
    known = (extents, stats, acquisition, doubt)
    return Case(fold, Measured(float(ild), ild_truth_percent, ild_features(*known)),
                Measured(float(fibrosis), fibrosis_truth_percent, fibrosis_features(*known)))


def fit_intervals(cases: Sequence[Case], *, made_from: str, patterns_sha256: str = "") -> dict[str, Any]:
    """Content of intervals.json, with its hash. made_from: which cases these are, for a person. patterns_sha256: of the
    model that the error bars come with; empty for those that serve several.

    Raises ValueError where there are under 40 cases or under two folds.
    """
    folds = [c.fold for c in cases]
    if len(cases) < _FEWEST or len(set(folds)) < 2:
        raise ValueError("at least 40 cases of two folds are needed")
    content: dict[str, Any] = {
        "version": 1,
        "made_from": made_from,
        "patterns_sha256": patterns_sha256,
        "cases": len(cases),
        "sources": sorted({c.fold for c in cases}),
        "most": {name: _most(cases, name) for name in RANGED},
        "ild": _fit(folds, [c.ild for c in cases]),
        "fibrosis": _fit(folds, [c.fibrosis for c in cases]),
    }
    return content | {"sha256": canonical_sha256(content)}


def _most(cases: Sequence[Case], name: str) -> float:
    return round(max((known for c in cases if (known := c.ild.features[name]) is not None), default=0.0), _PLACES)


def to_json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _fit(folds: Sequence[str], rows: Sequence[Measured]) -> dict[str, Any]:
    names = [n for n in rows[0].features if any(row.features.get(n) is not None for row in rows)]
    table, if_missing = _table(rows, names)
    off = np.array([row.truth_percent - row.score_percent for row in rows])
    scores = np.array([row.score_percent for row in rows])
    fold = np.array(folds)
    ratios = np.empty_like(off)
    for held in sorted(set(folds)):
        out = fold == held
        ratios[out] = off[out] / _expected(table[out], _weights(table[~out], off[~out]))
    points = _weights(table, off)
    below, above = _ends(scores, ratios)
    return {
        "points": {n: round(float(w), _PLACES) for n, w in zip(names, points, strict=True) if w > 0},
        "if_missing": {n: round(if_missing[n], _PLACES) for n, w in zip(names, points, strict=True) if w > 0},
        "below": below,
        "above": above,
    }


def _table(rows: Sequence[Measured], names: Sequence[str]) -> tuple[Floats, dict[str, float]]:
    """Features [case, feature]; what was not known is set high, as at run time."""
    table = np.array([[np.nan if (known := row.features.get(n)) is None else known for n in names] for row in rows])
    high = np.nanquantile(table, _MISSING_QUANTILE, axis=0)
    return np.where(np.isnan(table), high, table), dict(zip(names, high.tolist(), strict=True))


def _weights(table: Floats, off: Floats) -> Floats:
    """Points for one unit of each feature: variances that add up to the squared errors, none of them negative.

    Cases are weighed by the variance that the round before expects of them (iteratively reweighted least squares),
    so that the large errors of large extents do not outweigh the rest.
    """
    squares = table**2
    variance = np.full(off.size, max(float(np.mean(off**2)), FLOOR_POINTS**2))
    found = np.zeros(table.shape[1])
    for _ in range(_ROUNDS):
        target = np.minimum(off**2, _FARTHEST**2 * variance) - FLOOR_POINTS**2
        found = nnls(squares / variance[:, None], target / variance)[0]
        variance = FLOOR_POINTS**2 + squares @ found
    return np.sqrt(found)


def _expected(table: Floats, points: Floats) -> Floats:
    return np.sqrt(FLOOR_POINTS**2 + (table**2) @ points**2)


def _ends(scores: Floats, ratios: Floats) -> tuple[list[float], list[float]]:
    """Quantiles of the signed ratios for small, middle and large extents; the extent itself is never left out."""
    places = np.digitize(scores, BIN_ENDS_PERCENT, right=True)
    below, above = [], []
    for place in range(len(BIN_ENDS_PERCENT) + 1):
        some = ratios[places == place]
        lowest, highest = _quantiles(some if some.size >= _FEWEST else ratios)
        below.append(round(min(lowest, 0.0), _PLACES))
        above.append(round(max(highest, 0.0), _PLACES))
    return below, above


def _quantiles(ratios: Floats) -> tuple[float, float]:
    """The 5th and 95th percentile, a little outward, as many cases allow: conformal for one more case."""
    ordered = np.sort(ratios)
    low = max(floor(_OUTSIDE * (ordered.size + 1)), 1)
    high = min(ceil((1 - _OUTSIDE) * (ordered.size + 1)), ordered.size)
    return float(ordered[low - 1]), float(ordered[high - 1])


def covered(content: dict[str, Any], which: str, row: Measured) -> bool:
    """Whether the interval of a case, by a fitted model, holds its truth. which: "ild" or "fibrosis"."""
    part = content[which]
    model = ExtentModel(part["points"], part["if_missing"], tuple(part["below"]), tuple(part["above"]))
    interval = model.interval(row.score_percent, row.features)
    return interval.low_percent <= row.truth_percent <= interval.high_percent
