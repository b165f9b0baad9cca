"""Learning: cases of known truth from seeds, folds that never judge what they learned, arrays that say what the
learner says."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.stats import ImageStats
from ssc_hrct.measure.coarse import Blocks
from ssc_hrct.measure.features import NAMES, Features
from ssc_hrct.measure.trees import trees_from
from training import cases, learn, validate
from training.corpus import Case

SCANS = ("lidc-0001", "lidc-0002")


def test_recipes_are_the_same_each_time_and_spread_over_the_grades():
    one, other = (cases.recipes(5, SCANS, diseased=8, clear=2) for _ in range(2))
    assert one == other
    assert len({r.seed for r in one}) == len(one), "no two cases share a seed"
    assert [r.seed for r in cases.recipes(6, SCANS, diseased=8, clear=2)] != [r.seed for r in one]
    for source in (*SCANS, "phantom"):
        for renderer in ("cells", "sheets"):
            extents = [r.extent_percent for r in one if r.source == source and r.renderer == renderer]
            found = Counter(next(i for i, (lo, hi) in enumerate(cases.STRATA) if lo <= e <= hi) for e in extents)
            assert found == {0: 2, 1: 2, 2: 2, 3: 2}


def test_boxes_without_label_are_widened_and_lie_in_patient_coordinates():
    told = json.loads(cases.IGNORE.read_text(encoding="utf-8"))
    assert told["grow_mm"] == 5.0
    grid = Grid((10, 20, 30), (4.0, 2.0, 1.0), (-10.0, 100.0, -50.0))
    inside = cases._inside(grid, [[0.0, 3.0, 110.0, 111.0, -30.0, -30.0]], 5.0)
    z, y, x = np.nonzero(inside)
    assert (x.min(), x.max()) == (5, 18)  # x from -5 to 8 mm
    assert (y.min(), y.max()) == (3, 8)  # y from 105 to 116 mm
    assert (z.min(), z.max()) == (4, 6)  # z from -35 to -25 mm


def made_up_case(source: str, renderer: str, seed: int) -> Case:
    """A box of lung in which the first feature decides what is abnormal, the second what is fibrosis."""
    rng = np.random.default_rng(seed)
    shape = (6, 20, 20)
    grid = Grid(shape, (3.0, 3.0, 3.0))
    near = np.ones(shape, np.bool_)
    values = rng.random((near.size, len(NAMES))).astype(np.float32)
    ill = (values[:, NAMES.index("raised90_8")] > 0.7) & bool(renderer)
    netted = ill & (values[:, NAMES.index("roughness_5")] > 0.5)
    truth = np.zeros((near.size, len(Pattern)), np.float32)
    truth[:, Pattern.NORMAL] = ~ill
    truth[:, Pattern.GROUND_GLASS] = ill & ~netted
    truth[:, Pattern.RETICULATION] = netted
    box = (slice(0, 6), slice(0, 20), slice(0, 20))
    seen = Features(box, Blocks(grid, (1, 1, 1)), near, np.ones(shape, np.float32), values)
    stats = ImageStats(5000.0, 0.53, 50.0, 20.0, -1000.0, 40.0, 1.3, -880.0, 20.0, 0.9, 0.1, 0.0, 0.0, 0.1, True)
    return Case(f"{source}_{renderer or 'clear'}_{seed}", source, renderer, seen, truth, np.ones(near.size, np.bool_),
                100 * float(ill.mean()), 100 * float(netted.mean()), stats, 1.0, False)


def corpus() -> list[Case]:
    found = []
    for i, source in enumerate((*SCANS, "phantom")):
        for j, renderer in enumerate(("cells", "sheets", "")):
            found += [made_up_case(source, renderer, 100 * i + 10 * j + k) for k in range(2)]
    return found


def test_no_fold_judges_a_renderer_or_a_real_lung_that_it_learned_from():
    known = corpus()
    judged = Counter()
    for fold in learn.folds(known):
        learned = [c for c in known if fold.learns(c)]
        for case in (c for c in known if fold.judges(c)):
            assert case not in learned
            assert not any(c.renderer == case.renderer for c in learned if case.renderer)
            assert not any(c.source == case.source for c in learned if case.source != "phantom")
            judged[case.name] += 1
    held = [c for c in known if c.renderer or c.source != "phantom" or c.number % 2]
    assert judged == {c.name: 1 for c in held}, "each is judged once, but for clear chests that are learned from"


def test_what_is_learned_is_small_rising_and_right_on_made_up_rows():
    pytest.importorskip("catboost", reason="CatBoost is not installed: `./dev train` brings it, tests do without")
    known = corpus()
    limits = dict.fromkeys(learn.STAGES, 0.5)
    content = learn.learn(known, name="made up", limits=limits, trees=40)
    again = learn.learn(known, name="made up", limits=limits, trees=40)
    assert learn.to_json(content) == learn.to_json(again), "same cases, same bytes"
    trees = trees_from(content["abnormal"])
    case = made_up_case("new", "cells", 999)
    p = trees.probability(case.seen.values)
    assert ((p > 0.5) == (case.truth[:, Pattern.NORMAL] == 0)).mean() > 0.97
    higher = case.seen.values.copy()
    higher[:, NAMES.index("raised90_8")] += 0.1
    assert (trees.probability(higher) >= p - 1e-6).all()


def test_limits_are_those_with_the_least_error_and_leave_fibrosis_no_bias():
    def row(truth: float, lean: float) -> validate.Judged:
        ild = tuple(truth + lean - 10 * (limit - 0.5) for limit in validate.ABNORMAL_LIMITS)
        split = tuple(tuple(truth / 2 - 5 * (limit - 0.4) for limit in validate.FIBROSIS_LIMITS) for _ in ild)
        return validate.Judged("f", "c", "s", "cells", truth, truth / 2, ild, split)

    # The middle one of three needs least; a mean would follow the one that is far off.
    at = validate.best_limits([row(5.0, 0.0), row(9.0, 1.0), row(35.0, -20.0)])
    assert validate.ABNORMAL_LIMITS[at[0]] == pytest.approx(0.5)
    assert validate.FIBROSIS_LIMITS[at[1]] == pytest.approx(0.4)
