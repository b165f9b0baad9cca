"""Made-up scored cases: extents, causes of error and errors drawn from a seed, for tests of the error bars.

The errors are not normal and lean to one side; each cause adds its own. Nothing here was measured on a scan.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from training.intervals import Case, Measured

ILD_CAUSES = {"root_extent": 0.28, "extent": 0.06, "noise": 0.15, "unsure": 0.25}
FIBROSIS_CAUSES = {"root_extent": 0.35, "root_ild": 0.4, "noise": 0.2, "split_unsure": 0.3}
"""Points of error (SD) for one unit of each cause; the other features cause none."""
FLOOR = 0.3


def made_up_cases(seed: int, count: int, *, folds: int = 4, doubt: bool = True) -> list[Case]:
    """count cases whose true ILD is 0 to 40 percent, half of them under 12. doubt: whether the classifier had any."""
    rng = np.random.default_rng(seed)
    return [_case(rng, f"fold {number % folds}", doubt) for number in range(count)]


def _case(rng: np.random.Generator, fold: str, doubt: bool) -> Case:
    truth = float(40 * rng.uniform() ** 1.75)
    part = truth * float(rng.beta(3, 2))
    unsure, split = float(rng.gamma(2, 0.3)) * sqrt(truth + 1) / 3, float(rng.gamma(2, 0.5)) * sqrt(truth) / 3
    scan: dict[str, float | None] = {
        "unsure": unsure if doubt else None,
        "out_of_range": float(rng.uniform(0, 4)) if doubt else None,
        "noise": float(rng.uniform(0.8, 6.0)),
        "blur": float(rng.uniform(0.8, 2.2)),
        "thickness": float(rng.choice([0.625, 1.0, 1.25, 2.5])),
        "dense_normal": max(float(rng.normal(0, 3)), 0.0),
        "unlike_normal": float(rng.uniform(0.5, 2.5)) + truth / 10,
    }
    root = {"root_ild": sqrt(truth), "split_unsure": split if doubt else None}
    return Case(fold, _measured(rng, truth, scan, ILD_CAUSES), _measured(rng, part, scan | root, FIBROSIS_CAUSES))


def _measured(
    rng: np.random.Generator, truth: float, scan: dict[str, float | None], causes: dict[str, float]
) -> Measured:
    drawn = scan | {"root_extent": sqrt(truth), "extent": truth}
    spread = sqrt(FLOOR**2 + sum((points * (drawn[name] or 0.0)) ** 2 for name, points in causes.items()))
    leaning = float(rng.gamma(6.0) - 6.0) / sqrt(6.0)  # mean 0, SD 1, a longer tail above
    score = min(max(truth + spread * leaning, 0.0), 100.0)
    seen = scan | {"root_extent": sqrt(score), "extent": score, "mask": 0.05 * 0.6 * score}
    return Measured(score, truth, seen)
