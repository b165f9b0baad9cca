"""The trained engine: symmetric trees on what each neighbourhood looks like.

Two stages, as a reader works. First abnormal or not: the territory, by trees that can only rise with density and lines,
given depth and what is densest nearby, and by a second look at where it ends (`second_look.py`). Then what it is inside
the territory: the split, which cannot move the territory. What it calls consolidation is reported beside the ILD extent
and not in it, and so leaves the ILD percent. The model is made by `training/` and lies in
resources/models/patterns.json.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Lungs
from ssc_hrct.core.patterns import ClassifierDoubt, Pattern, Patterns
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.protocol import canonical_sha256
from ssc_hrct.core.stats import ImageStats
from ssc_hrct.core.volume import Volume
from ssc_hrct.measure.features import NAMES, Features, features
from ssc_hrct.measure.labels import label_map
from ssc_hrct.measure.second_look import NAMES as SECOND_NAMES
from ssc_hrct.measure.second_look import second_look
from ssc_hrct.measure.shapes import Mask, fill_gaps, without_small
from ssc_hrct.measure.trees import Trees, trees_from

BLURRED_EMPTY_SHARE = 0.35
"""Emphysema: so much of the lung within 5 mm is emptier than -950 HU, and nothing abnormal surrounds it. What is seen
is blurred to 1.8 mm, so that half of true emphysema lies above -950 there."""
STAGES = ("abnormal", "second", "fibrosis", "honeycombing", "consolidation")
LIMITS = ("abnormal", "fibrosis", "honeycombing", "consolidation")
NEAR_TIMES = 3.0
"""Odds within this factor of the limit's are a near thing."""

SPLIT_FROM = 0.1
"""What is less likely to be abnormal is not asked what it is."""

FloatMap = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PatternModel:
    """low, high: float32 [features], the range of training.

    abnormal: trees of the first look; second: of the second, whose probability the limit of abnormal is for.
    fibrosis, honeycombing, consolidation: trees that are asked inside the abnormal, each with its limit. Limits were
    chosen on cases of known truth so that extents have no bias.
    """

    low: FloatMap
    high: FloatMap
    abnormal: Trees
    second: Trees
    fibrosis: Trees
    honeycombing: Trees
    consolidation: Trees
    limits: dict[str, float]


def pattern_model(data: bytes) -> PatternModel:
    """Reads resources/models/patterns.json. Raises HrctError("BAD_MODEL", ...) where it is damaged or does not fit."""
    try:
        content = json.loads(data)
        told = content.pop("sha256")
        if told != canonical_sha256(content):
            raise ValueError("its hash does not match")
        if tuple(content["features"]) != NAMES or tuple(content["second_features"]) != SECOND_NAMES:
            raise ValueError("it was trained on other features")
        trees = {stage: trees_from(content[stage]) for stage in STAGES}
        low, high = (np.asarray(content[end], np.float32) for end in ("low", "high"))
        if not (low.shape == high.shape == (len(NAMES),) and (low <= high).all()):
            raise ValueError("its ranges are not whole")
        asked = {stage: int(t.columns.max(initial=0)) for stage, t in trees.items()}
        if asked.pop("second") >= len(SECOND_NAMES) or max(asked.values()) >= len(NAMES):
            raise ValueError("its trees ask for a feature that there is not")
        return PatternModel(
            low=low,
            high=high,
            **trees,
            limits={stage: float(content["limits"][stage]) for stage in LIMITS},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        sentence = f"The model of the patterns cannot be used: {problem}."
        raise HrctError("BAD_MODEL", sentence, "Install the program again.") from problem


@dataclass(frozen=True, slots=True)
class TrainedEngine:
    """A `PatternClassifier`. Islands under smallest_island_ml go, gaps under largest_gap_ml fill."""

    model: PatternModel
    smallest_island_ml: float
    largest_gap_ml: float

    def classify(
        self, volume: Volume, lungs: Lungs, stats: ImageStats, *, progress: Progress = SILENT
    ) -> Patterns:
        """Labels of `Pattern` on the volume's grid, and the doubt."""
        seen = features(volume, lungs, stats, progress=progress)
        return self.label(seen, volume.grid, lungs.regions.labels, progress=progress)

    def label(
        self, seen: Features, grid: Grid, regions: NDArray[np.uint8], *, progress: Progress = SILENT
    ) -> Patterns:
        """`classify` from features that are at hand. regions: `Region` [z, y, x] on the grid."""
        likely = odds(seen, self.model, progress=progress)
        progress.step("deciding patterns", len(STAGES), len(STAGES) + 1)
        decided = decide(
            seen, likely, self.model.limits, smallest_island_ml=self.smallest_island_ml,
            largest_gap_ml=self.largest_gap_ml,
        )
        labels = label_map(
            regions, grid, seen.box, seen.blocks, decided.patterns, decided.probability,
            limit=self.model.limits["abnormal"], smallest_island_ml=self.smallest_island_ml,
            progress=progress,
        )
        return Patterns(labels, decided.doubt)


@dataclass(frozen=True, slots=True)
class Odds:
    """Probabilities, float32 [points of `Features.near`]; the split's are 0 where abnormal is out of the question.

    out_of_range: bool, any feature lies beyond what was learned from.
    """

    abnormal: FloatMap
    fibrosis: FloatMap
    honeycombing: FloatMap
    consolidation: FloatMap
    out_of_range: Mask


def odds(seen: Features, model: PatternModel, *, progress: Progress = SILENT) -> Odds:
    """What the trees say of each point, its features cut to the range of training."""
    progress.step("deciding patterns", 0, len(STAGES) + 1)
    values = np.clip(seen.values, model.low, model.high)
    outside = (values != seen.values).any(axis=1)
    abnormal = model.abnormal.probability(values)
    progress.step("deciding patterns", 1, len(STAGES) + 1)
    again = second_look(replace(seen, values=values), abnormal)
    abnormal[again.asked] = model.second.probability(again.values)
    rows = abnormal > SPLIT_FROM
    inside = values[rows]
    split = []
    for done, trees in enumerate((model.fibrosis, model.honeycombing, model.consolidation), start=2):
        progress.step("deciding patterns", done, len(STAGES) + 1)
        found = np.zeros(len(values), np.float32)
        found[rows] = trees.probability(inside)
        split.append(found)
    return Odds(abnormal, split[0], split[1], split[2], outside)


@dataclass(frozen=True, slots=True)
class Decided:
    """On the lattice: probability of abnormal (float32), `Pattern` (uint8) and the doubt."""

    probability: FloatMap
    patterns: NDArray[np.uint8]
    doubt: ClassifierDoubt


def decide(
    seen: Features, odds: Odds, limits: Mapping[str, float], *, smallest_island_ml: float, largest_gap_ml: float
) -> Decided:
    """Patterns on the lattice, 0 far from the lungs."""
    near, weight, voxel_ml = seen.near, seen.share[seen.near], seen.blocks.voxel_ml
    p = np.zeros(near.shape, np.float32)
    p[near] = odds.abnormal
    abnormal = (p >= limits["abnormal"]) & near
    abnormal = without_small(abnormal, max(1, round(smallest_island_ml / voxel_ml)))
    abnormal = fill_gaps(abnormal, near, max(1, round(largest_gap_ml / voxel_ml)))

    rows = abnormal[near]
    kinds = np.full(len(rows), Pattern.NORMAL, np.uint8)
    kinds[seen.values[:, NAMES.index("empty_5")] >= BLURRED_EMPTY_SHARE] = Pattern.EMPHYSEMA
    # From the weakest to the strongest: what is written later stands.
    kinds[rows] = Pattern.GROUND_GLASS
    kinds[rows & (odds.consolidation >= limits["consolidation"])] = Pattern.CONSOLIDATION
    netted = rows & (odds.fibrosis >= limits["fibrosis"])
    kinds[netted] = Pattern.RETICULATION
    kinds[netted & (odds.honeycombing >= limits["honeycombing"])] = Pattern.HONEYCOMBING
    labels = np.zeros(near.shape, np.uint8)
    labels[near] = kinds

    per_lung = 100.0 / max(float(weight.sum()), 1e-6)
    unsure = _near(odds.abnormal, limits["abnormal"])
    split = rows & _near(odds.fibrosis, limits["fibrosis"])
    doubt = ClassifierDoubt(
        *(per_lung * float(weight[where].sum()) for where in (unsure, split, odds.out_of_range))
    )
    return Decided(np.where(abnormal, np.maximum(p, limits["abnormal"]), p), labels, doubt)


def _near(probability: FloatMap, limit: float) -> Mask:
    odds, own = probability / np.maximum(1 - probability, 1e-6), limit / (1 - limit)
    return np.asarray((odds > own / NEAR_TIMES) & (odds < own * NEAR_TIMES), np.bool_)
