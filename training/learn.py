"""Learns the model of the patterns from cases of known truth.

In: cases of the corpus. Out: the content of resources/models/patterns.json (`measure.trained` reads it). Stage one,
abnormal or not, can only rise with density and with lines, given depth and the densest nearby; the split inside the
abnormal is free. Labels are soft: the share of a point that a reader would outline. Same cases, same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.protocol import canonical_sha256
from ssc_hrct.measure import second_look as second
from ssc_hrct.measure.features import NAMES
from ssc_hrct.measure.second_look import second_look
from ssc_hrct.measure.trees import trees_from
from training.corpus import Case
from training.probe import probe

FloatMap = NDArray[np.float32]
RISING = tuple(n for n in NAMES if n.startswith(("raised", "mean", "all", "strands", "least", "cysts", "part")))
"""Features with which abnormal can only become likelier."""
UNSEEN = tuple(n for n in NAMES if n not in RISING and not n.startswith("top") and not n.endswith("_mm"))
"""What stage one is not shown. With it the error on other lungs and another renderer was no smaller (1.50 against
1.45 points), and a lung in free breathing was called ill by 9 instead of 6.5 percent: decision 19."""
ABNORMAL = [Pattern.GROUND_GLASS, Pattern.RETICULATION, Pattern.HONEYCOMBING, Pattern.CONSOLIDATION]
FIRST: dict[str, Any] = {"rising": [n in RISING for n in NAMES], "unseen": [NAMES.index(n) for n in UNSEEN]}
FREE: dict[str, Any] = {"rising": [False] * len(NAMES), "unseen": ()}
ROWS_OF_A_CASE = 12000
HARD_FROM = 0.05
"""Normal lung that is called abnormal with at least this probability is a hard negative: crowded vessels, fissures,
dependent lung. Few percent of the points, and nearly all that may go wrong."""
SHARES = {"4dlung-113": 0.4}
"""How much a case counts beside 1. Free breathing is not what is scored; it is there so that it is not unheard of."""
RANGE_QUANTILE = 0.0002
"""Values beyond these ranks of what was learned from count as out of range."""
STAGES = ("abnormal", "fibrosis", "honeycombing", "consolidation")
SECOND_ROWS_OF_A_CASE = 8000
SECOND_TREES, SECOND_LEVELS, SECOND_RATE = 120, 5, 0.15
SMALL_PERCENT, MOST_TIMES = 10.0, 3.0
"""At the second look a point of a case with less disease counts more, up to so many times."""


def learn(cases: Iterable[Case], *, name: str, limits: dict[str, float], levels: int = 5, trees: int = 160,
          rate: float = 0.09) -> dict[str, Any]:
    """Content of a model file, with its hash. limits: from which probability on each stage says yes."""
    cases = list(cases)
    few = trees // 2
    asked = _first_look(cases, trees=few, levels=levels, rate=rate)
    rows = [sample(case, asked(case.seen.values)) for case in cases]
    values = np.concatenate([r[0] for r in rows])
    truth = np.concatenate([r[1] for r in rows])
    weight = np.concatenate([r[2] for r in rows])
    abnormal = truth[:, ABNORMAL].sum(axis=1)
    fibrosis = truth[:, [Pattern.RETICULATION, Pattern.HONEYCOMBING]].sum(axis=1)
    inside, netted = abnormal > 0.6, fibrosis > 0.6
    everywhere = np.ones(len(values), np.bool_)
    targets: dict[str, tuple[NDArray[np.bool_], FloatMap]] = {
        "abnormal": (everywhere, abnormal),
        "fibrosis": (inside, fibrosis / np.maximum(abnormal, 1e-3)),
        "honeycombing": (netted, truth[:, Pattern.HONEYCOMBING] / np.maximum(fibrosis, 1e-3)),
        "consolidation": (inside, truth[:, Pattern.CONSOLIDATION] / np.maximum(abnormal, 1e-3)),
    }
    content: dict[str, Any] = {
        "name": name,
        "features": list(NAMES),
        "low": _numbers(np.quantile(values, RANGE_QUANTILE, axis=0)),
        "high": _numbers(np.quantile(values, 1 - RANGE_QUANTILE, axis=0)),
        "limits": limits,
        "probe": probe(),
    }
    for stage in STAGES:
        where, target = targets[stage]
        small = stage in ("honeycombing", "consolidation")
        content[stage] = boosted(
            values[where], np.clip(target[where], 0, 1), weight[where], **(FIRST if stage == "abnormal" else FREE),
            trees=few if small else trees, levels=4 if small else levels, rate=rate,
        )
    content |= _second(cases, content)
    return content | {"sha256": canonical_sha256(content)}


def _second(cases: Sequence[Case], content: dict[str, Any]) -> dict[str, Any]:
    """The second look, learned from what the first says of its own cases. Free breathing is left out."""
    trees = trees_from(content["abnormal"])
    low, high = (np.asarray(content[end], np.float32) for end in ("low", "high"))
    values, truth, weights = [], [], []
    for case in cases:
        if case.source in SHARES:
            continue
        seen = replace(case.seen, values=np.clip(case.seen.values, low, high))
        again = second_look(seen, trees.probability(seen.values))
        usable = np.flatnonzero(case.labelled[again.asked] & (case.weight[again.asked] > 0.2))
        rng = np.random.default_rng((case.number, 2))
        picked = np.sort(rng.choice(usable, min(len(usable), SECOND_ROWS_OF_A_CASE), replace=False))
        values.append(again.values[picked])
        truth.append(case.truth[again.asked][picked][:, ABNORMAL].sum(axis=1))
        times = min(MOST_TIMES, SMALL_PERCENT / max(case.ild_percent, 1.0)) * len(usable) / max(len(picked), 1)
        weights.append(case.weight[again.asked][picked] * np.float32(times))
    return {
        "second_features": list(second.NAMES),
        "second": boosted(
            np.concatenate(values), np.clip(np.concatenate(truth), 0, 1), np.concatenate(weights),
            rising=[n in second.RISING for n in second.NAMES], unseen=(), trees=SECOND_TREES, levels=SECOND_LEVELS,
            rate=SECOND_RATE,
        ),
    }


def with_limits(content: dict[str, Any], limits: dict[str, float]) -> dict[str, Any]:
    """The same model with other limits, and its hash."""
    bare = {k: v for k, v in content.items() if k != "sha256"} | {"limits": limits}
    return bare | {"sha256": canonical_sha256(bare)}


def to_json(content: dict[str, Any]) -> str:
    return json.dumps(content, separators=(",", ":"), sort_keys=True) + "\n"


def _first_look(cases: Sequence[Case], *, trees: int, levels: int, rate: float) -> Callable[[FloatMap], FloatMap]:
    """A smaller stage one from points picked at random, which tells what is hard."""
    rows = [sample(case) for case in cases]
    values, truth, weight = (np.concatenate([r[i] for r in rows]) for i in range(3))
    abnormal = np.clip(truth[:, ABNORMAL].sum(axis=1), 0, 1)
    return trees_from(boosted(values, abnormal, weight, **FIRST, trees=trees, levels=levels, rate=rate)).probability


def sample(case: Case, called: FloatMap | None = None) -> tuple[FloatMap, FloatMap, FloatMap]:
    """Values, truth and weights of some points: as many abnormal as normal ones, where there are enough. The weights of
    a case add up to its share and undo the choice. called: how abnormal every point was called at first look; two hard
    points, normal but called so from HARD_FROM on, are then added for each three of the others."""
    rng = np.random.default_rng(case.number)
    usable = np.flatnonzero(case.labelled & (case.weight > 0.3))
    marked = case.truth[usable][:, ABNORMAL].sum(axis=1) > 0.02
    hard = np.zeros_like(marked) if called is None else ~marked & (called[usable] >= HARD_FROM)
    most = ROWS_OF_A_CASE
    parts = [(usable[marked], most * 3 // 8), (usable[hard], most // 4), (usable[~marked & ~hard], most * 3 // 8)]
    values, truth, weights = [], [], []
    for part, rows in parts:
        picked = np.sort(rng.choice(part, min(len(part), rows), replace=False))
        values.append(case.seen.values[picked])
        truth.append(case.truth[picked])
        weights.append(np.full(len(picked), len(part) / max(len(picked), 1) / max(len(usable), 1)))
    weight = np.concatenate(weights).astype(np.float32) * np.float32(SHARES.get(case.source, 1.0))
    return np.concatenate(values), np.concatenate(truth), weight


def boosted(
    values: FloatMap, target: FloatMap, weight: FloatMap, *, rising: Sequence[bool], unseen: Sequence[int], trees: int,
    levels: int, rate: float,
) -> dict[str, Any]:
    """rising: for each feature, whether the answer can only rise with it; unseen: features that are not shown."""
    from catboost import CatBoost, Pool

    model = CatBoost({
        "loss_function": "CrossEntropy", "iterations": trees, "depth": levels, "learning_rate": rate,
        "monotone_constraints": [int(r) for r in rising], "border_count": 63, "l2_leaf_reg": 10,
        "bootstrap_type": "No", "random_strength": 0, "random_seed": 1, "thread_count": 2, "verbose": 0,
        "allow_writing_files": False, "ignored_features": list(unseen),
    })
    model.fit(Pool(values, target, weight=weight / weight.mean()))
    return _arrays(model, levels)


def _arrays(model: Any, levels: int) -> dict[str, Any]:
    """CatBoost's own JSON as the arrays of `measure.trees`. A tree of fewer levels asks its first question again."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.json"
        model.save_model(str(file), format="json")
        kept = json.loads(file.read_text(encoding="utf-8"))
    scale, bias = kept["scale_and_bias"]
    columns, borders, leaves = [], [], []
    for tree in kept["oblivious_trees"]:
        splits = tree["splits"] or [{"float_feature_index": 0, "border": 3e38}]
        found = np.asarray(tree["leaf_values"], np.float64) * scale
        while len(splits) < levels:
            splits = [*splits, {"float_feature_index": 0, "border": 3e38}]
            found = np.concatenate([found, found])
        columns.append([s["float_feature_index"] for s in splits])
        borders.append([float(f"{s['border']:.7g}") for s in splits])
        leaves.append([round(float(v), 6) for v in found])
    return {"columns": columns, "borders": borders, "leaves": leaves, "start": round(float(bias[0]), 6)}


def _numbers(values: NDArray[np.floating]) -> list[float]:
    return [round(float(v), 4) for v in values]


@dataclass(frozen=True, slots=True)
class Fold:
    """A model that learns from one renderer and without one source, and is judged where it never was: on the other
    renderer, in lungs that it never saw. Of made-up chests there are many: of clear ones those of even number are
    learned from and the others judged. An empty renderer or source leaves nothing out."""

    renderer: str
    source: str

    @property
    def name(self) -> str:
        return f"{self.renderer or 'both'}-without-{self.source or 'none'}"

    def learns(self, case: Case) -> bool:
        if case.renderer and self.renderer not in ("", case.renderer):
            return False
        if self.source != "phantom":
            return case.source != self.source
        return bool(case.renderer) or case.source != "phantom" or case.number % 2 == 0

    def judges(self, case: Case) -> bool:
        if case.source != self.source or case.renderer == self.renderer:
            return False
        if case.renderer:
            return True
        if case.source == "phantom" and case.number % 2 == 0:
            return False
        # A clear case is judged once, by either renderer's model.
        return (self.renderer == "cells") == (case.number % 4 < 2)


def folds(cases: Sequence[Case]) -> list[Fold]:
    """One for each renderer and source."""
    return [
        Fold(renderer, source)
        for renderer in sorted({c.renderer for c in cases if c.renderer})
        for source in sorted({c.source for c in cases})
    ]
