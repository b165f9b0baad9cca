"""Which cases are judged: as many of each kind as is said, of seeds that nothing else uses."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from benchmarks import accuracy, clear, intervals, lungs, retest
from benchmarks.common import cases, engines
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import REGION_NAMES, Lungs, Region
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.volume import LabelMap, Volume
from ssc_hrct.phantom import Renderer
from tests.made_up import acquisition


def test_each_stratum_holds_thirty_cases_of_its_extents() -> None:
    plans = cases.stratified(True)
    assert Counter(p.stratum for p in plans) == {0: 30, 1: 30, 2: 30, 3: 30}
    for plan in plans:
        low, high = cases.STRATA[plan.stratum]
        assert low <= plan.extent_percent <= high
    for stratum in range(4):
        mean = np.mean([p.extent_percent for p in plans if p.stratum == stratum])
        assert mean == pytest.approx(sum(cases.STRATA[stratum]) / 2, rel=0.25)


def test_half_are_composites_in_both_scans_and_by_both_renderers() -> None:
    plans = cases.stratified(True)
    assert Counter(p.source for p in plans) == {"phantom": 60, "lidc-0001": 30, "lidc-0002": 30}
    assert set(Counter((p.source, p.renderer) for p in plans if p.source != "phantom").values()) == {15}
    assert Counter(p.renderer for p in plans if p.source == "phantom") == {Renderer.CELLS: 30, Renderer.SHEETS: 30}
    assert Counter(p.stratum for p in plans if p.source == "phantom") == {0: 15, 1: 15, 2: 15, 3: 15}


def test_without_the_scans_the_made_up_chests_are_the_same() -> None:
    assert cases.stratified(False) == [p for p in cases.stratified(True) if p.source == "phantom"]


def test_no_seed_is_used_twice() -> None:
    seeds = [
        *(p.seed for p in cases.stratified(True)), *(p.seed for p in cases.crops(intervals.HOSTS, intervals.EACH)),
        *(w.what[1].seed for w in retest.works("data")), *(c.seed for c in clear.chests()),
    ]
    assert len(seeds) == 120 + 100 + 36 + 24
    assert len(set(seeds)) == len(seeds)
    assert min(seeds) == 8000
    # Made-up chests and composites of the other tables lie below, apart from each other and from 6100 to 6200, on which
    # limits of the lungs were chosen.
    assert lungs.EVALUATION_SEED + 300 < accuracy.EVALUATION_SEED < cases.STRATIFIED_SEED - 300
    assert lungs.EVALUATION_SEED >= 7000


def test_a_case_is_judged_by_a_model_of_the_other_renderer_without_its_scan() -> None:
    for plan in cases.stratified(True):
        assert plan.fold.source == plan.source
        assert plan.fold.renderer != plan.renderer
        assert plan.fold.name in {f"{r}-without-{s}" for r in Renderer for s in ("phantom", *cases.SCANS)}


def test_crops_are_spread_over_sides_ends_and_renderers() -> None:
    plans = cases.crops(intervals.HOSTS, intervals.EACH)
    kinds = Counter((p.source, p.renderer, *part) for p in plans for part in cases.parts(p.seed))
    assert len(kinds) == 4 * 2 * 2 * 2
    assert min(kinds.values()) >= 6
    assert sum(kinds.values()) == 200


def test_clear_chests_meet_every_noise_kernel_and_breath() -> None:
    chests = clear.chests()
    assert len({(c.noise_hu, c.kernel, c.inspiration) for c in chests}) == len(chests) == 24
    assert Counter(c.step_mm for c in chests) == {1.0: 8, 1.25: 8, 2.5: 8}
    assert {c.target_percent for c in chests if c.noise_hu < 45 and c.step_mm < 2.5} == {1.0}
    assert {c.target_percent for c in chests if c.noise_hu == 45 or c.step_mm == 2.5} == {1.5}


GRID = Grid((120, 4, 20), (1.0, 1.0, 1.0))


def _lungs() -> Lungs:
    """The right lung in columns 1 to 8, the left one in 11 to 18, slices 5 to 114."""
    regions = np.zeros(GRID.shape, np.uint8)
    regions[5:115, :, 1:9] = Region.RIGHT_LUNG
    regions[5:115, :, 11:19] = Region.LEFT_LUNG
    ones = (regions > 0).astype(np.uint8)
    return Lungs(LabelMap(regions, GRID, REGION_NAMES), ones, ones.copy())


@pytest.mark.parametrize("seed", [9000, 9002])
@pytest.mark.parametrize("number", [0, 1])
def test_a_crop_is_ninety_mm_of_one_lung_and_what_lies_beside_it(seed: int, number: int) -> None:
    lungs = _lungs()
    side, lower = cases.parts(seed)[number]
    case = engines.Case(Volume(np.zeros(GRID.shape, np.int16), GRID, acquisition()), np.zeros(GRID.shape, np.uint8))
    own, there = intervals.crop(case, lungs, side, lower)
    assert int(own.sum()) == 90 * 4 * 8
    assert set(np.unique(lungs.regions.labels[own])) == {side}
    slices = np.flatnonzero(own.any(axis=(1, 2)))
    assert (slices[0], slices[-1]) == ((5, 94) if lower else (25, 114))
    assert (own & ~there).sum() == 0
    assert not (there & lungs.mask() & ~own).any()


def test_percents_are_of_the_true_and_of_the_found_lung() -> None:
    true = np.array([0, 1, 1, 2, 3, 3], np.uint8)
    found = np.array([2, 1, 0, 2, 3, 1], np.uint8)
    counts = engines.confusion(true, found)
    assert counts[Pattern.OUTSIDE][Pattern.GROUND_GLASS] == 1
    assert engines.ild({"confusion": counts}) == (60.0, 60.0)
    assert engines.fibrosis({"confusion": counts}) == (40.0, 20.0)
    assert sum(map(sum, counts)) == 6


def test_what_is_outside_for_both_is_not_counted() -> None:
    empty = np.zeros(5, np.uint8)
    assert engines.percents(engines.confusion(empty, empty), (Pattern.GROUND_GLASS,)) == (0.0, 0.0)
