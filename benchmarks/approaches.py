"""Which kind of model decides abnormal or not: trees of five levels, an additive model, a logistic mix.

    ./dev train --real DIR          first: it leaves the cases in build/training
    ./dev bench approaches          then this

All learn from the same cases of training/, are shown the same features, and are judged on the other renderer and on
lungs that they never saw, each at the limit with the least error. Prints error, error by
the truth's main pattern, seconds for a million points and size. The rules of the first engine have other features;
they stand beside the trees in `./dev bench stratified`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import process_time

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ssc_hrct.core.patterns import Pattern
from ssc_hrct.measure.features import NAMES
from ssc_hrct.measure.trees import trees_from
from training import corpus, learn
from training.corpus import Case
from training.sources import ROOT

PACKAGES = ROOT / "build" / "training" / "packages"
LIMITS = np.arange(0.15, 0.8, 0.025)
SHOWN = [i for i, name in enumerate(NAMES) if name not in learn.UNSEEN]

Floats = NDArray[np.float32]
Asked = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Judged:
    truth: float
    main: str
    found: Floats
    clear: bool


def logistic(values: Floats, target: Floats, weight: Floats) -> tuple[Asked, int]:
    """A weighted sum of standardised features and their squares (ridge 1e-3)."""
    middle, spread = values[:, SHOWN].mean(axis=0), values[:, SHOWN].std(axis=0) + 1e-6

    def rows(of: Floats) -> NDArray[np.float64]:
        plain = np.clip((of[:, SHOWN] - middle) / spread, -4, 4)
        return np.concatenate([plain, plain**2, np.ones((len(of), 1))], axis=1).astype(np.float64)

    known, share = rows(values), weight / weight.sum()

    def loss(mix: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = known @ mix
        p = 1 / (1 + np.exp(-odds))
        off = share * (p - target)
        cost = float((share * (np.logaddexp(0, odds) - target * odds)).sum())
        return cost + 1e-3 * float(mix @ mix), known.T @ off + 2e-3 * mix

    mix = minimize(loss, np.zeros(known.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    return lambda of: np.asarray(1 / (1 + np.exp(-(rows(of) @ mix))), np.float32), 8 * mix.size


def boosted(levels: int, trees: int) -> Callable[[Floats, Floats, Floats], tuple[Asked, int]]:
    def fit(values: Floats, target: Floats, weight: Floats) -> tuple[Asked, int]:
        content = learn.boosted(values, target, weight, **learn.FIRST, trees=trees, levels=levels, rate=0.09)
        return trees_from(content).probability, len(learn.to_json(content))

    return fit


APPROACHES: dict[str, Callable[[Floats, Floats, Floats], tuple[Asked, int]]] = {
    "trees of 5 levels, 160": boosted(5, 160),
    "additive: trees of 1 level, 400": boosted(1, 400),
    "logistic, with squares": logistic,
}


def main_pattern(case: Case) -> str:
    kinds = (Pattern.GROUND_GLASS, Pattern.RETICULATION, Pattern.HONEYCOMBING)
    weight = np.where(case.labelled, case.weight, 0)
    sums = [float((weight * case.truth[:, kind]).sum()) for kind in kinds]
    return kinds[int(np.argmax(sums))].word.replace("_", " ")


def judged(case: Case, asked: Asked) -> Judged:
    weight = np.where(case.labelled, case.weight, 0)
    p = asked(case.seen.values)
    found = np.array([100 * float(weight[p >= limit].sum()) / float(weight.sum()) for limit in LIMITS], np.float32)
    # Consolidation is abnormal too for stage one; it is parted from ILD by stage two.
    truth = 100 * float((weight * case.truth[:, learn.ABNORMAL].sum(axis=1)).sum()) / float(weight.sum())
    return Judged(truth, main_pattern(case) if case.renderer else "", found, not case.renderer)


def run(name: str, cases: Sequence[Case]) -> str:
    fit = APPROACHES[name]
    rows: list[Judged] = []
    seconds = points = size = 0.0
    for fold in learn.folds(cases):
        if fold.source in learn.SHARES:
            continue
        samples = [learn.sample(c) for c in cases if fold.learns(c)]
        values, truth, weight = (np.concatenate([s[i] for s in samples]) for i in range(3))
        target = np.clip(truth[:, learn.ABNORMAL].sum(axis=1), 0, 1)
        asked, size = fit(values, target, weight)
        for case in (c for c in cases if fold.judges(c)):
            began = process_time()
            asked(case.seen.values)
            seconds, points = seconds + process_time() - began, points + len(case.seen.values)
            rows.append(judged(case, asked))
    sick = [r for r in rows if not r.clear]
    at = int(np.argmin([np.mean([abs(r.found[i] - r.truth) for r in sick]) for i in range(len(LIMITS))]))
    off = {k: np.array([abs(r.found[at] - r.truth) for r in rows if k in (r.main, "all") and not r.clear])
           for k in ("all", "ground glass", "reticulation", "honeycombing")}
    clear = max(float(r.found[at]) for r in rows if r.clear)
    each = " | ".join(f"{v.mean():.2f} ({v.size})" if v.size else "" for v in off.values())
    return f"| {name} | {each} | {clear:.2f} | {1e6 * seconds / points:.2f} | {size / 1000:.0f} |"


def main(arguments: Sequence[str]) -> int:
    if arguments:
        print(__doc__)
        return 2
    files = sorted(f for f in corpus.place().glob("*.npz") if "_whole" not in f.name)
    if not files or not PACKAGES.is_dir():
        print("There are no cases of this code yet: ./dev train --real DIR makes them.")
        return 0
    sys.path.append(str(PACKAGES))
    cases = [corpus.read(file) for file in files]
    print("| approach | mean absolute error, points (cases) | mostly ground glass | mostly reticulation | "
          "mostly honeycombing | clear lungs, most | s per million points | kB |")
    print("|---|---|---|---|---|---|---|---|")
    for name in APPROACHES:
        print(run(name, cases), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
