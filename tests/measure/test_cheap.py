"""The cheap engine: one pattern per voxel of lung, territory where disease is, the same answer each time.

What it should do is asked of it, never which limits it does it with. Boxes of lung of known content, and chests.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import REGION_NAMES, Lungs, Region, Ring
from ssc_hrct.core.patterns import FIBROSIS, Pattern
from ssc_hrct.core.volume import LabelMap, Volume
from ssc_hrct.measure import CheapEngine, extents, find_lungs
from ssc_hrct.measure.zones import thirds
from tests.made_up import ILD, acquisition
from tests.made_up import stats as made_up_stats
from tests.measure.chests import (
    CLEAR,
    ENGINE,
    GLASS,
    Measured,
    chest,
    dice,
    found,
    ild_percent,
    like,
    lung_of,
    measure,
    measured,
)

GRID = Grid((48, 48, 120), (1.5, 1.5, 1.5))
NORMAL_HU, NOISE_HU = -870, 20
VOXEL_ML = 1.5**3 / 1000


@cache
def boxes() -> Lungs:
    """Two boxes of lung, 60 x 60 x 78 mm each, all of them near the chest wall."""
    regions = np.zeros(GRID.shape, np.uint8)
    regions[4:-4, 4:-4, 4:56], regions[4:-4, 4:-4, 64:-4] = Region.RIGHT_LUNG, Region.LEFT_LUNG
    rings = np.where(regions > 0, np.uint8(Ring.TO_10_MM), np.uint8(0))
    return Lungs(LabelMap(regions, GRID, REGION_NAMES), thirds(regions), rings)


def cube(side: int, middle_x: int) -> np.ndarray:
    """A cube so many voxels wide at mid height."""
    z, y, x = np.ogrid[: GRID.shape[0], : GRID.shape[1], : GRID.shape[2]]
    low, high = 24 - side // 2, 24 + side // 2
    across = (x >= middle_x - side // 2) & (x < middle_x + side // 2)
    return (z >= low) & (z < high) & (y >= low) & (y < high) & across


def content(hu_by_place: list[tuple[np.ndarray, float]]) -> np.ndarray:
    hu = np.where(boxes().mask(), NORMAL_HU, 40).astype(float)
    for place, value in hu_by_place:
        hu[place] = value
    return hu + np.random.default_rng(6).normal(0, NOISE_HU, GRID.shape)


def classified(hu: np.ndarray, smallest_island_ml: float = 0.5, largest_gap_ml: float = 0.3) -> np.ndarray:
    engine = CheapEngine(smallest_island_ml=smallest_island_ml, largest_gap_ml=largest_gap_ml)
    stats = made_up_stats(normal_mode_hu=NORMAL_HU, normal_width_hu=NOISE_HU, gravity_hu_per_mm=0.0, noise_hu=NOISE_HU)
    volume = Volume(np.rint(hu).astype(np.int16), GRID, acquisition())
    return engine.classify(volume, boxes(), stats).labels.labels


def ill(labels: np.ndarray) -> np.ndarray:
    return np.isin(labels, ILD)


def test_a_box_of_normal_lung_is_normal_throughout():
    assert (classified(content([]))[boxes().mask()] == Pattern.NORMAL).all()


@pytest.mark.parametrize(
    ("hu", "pattern"), [(-620.0, Pattern.GROUND_GLASS), (40.0, Pattern.CONSOLIDATION), (-985.0, Pattern.EMPHYSEMA)]
)
def test_the_inside_of_a_cube_is_what_it_was_made_of(hu, pattern):
    labels = classified(content([(cube(28, 30), hu)]))
    assert (labels[cube(14, 30)] == pattern).mean() > 0.95
    assert (labels[cube(28, 92)] == Pattern.NORMAL).all(), "the other lung is left alone"


def test_territory_meets_the_border_of_the_haze():
    hazy = cube(28, 30)
    assert dice(ill(classified(content([(hazy, -620.0)]))), hazy) > 0.85


def test_a_vessel_is_no_disease():
    z, y, x = np.ogrid[: GRID.shape[0], : GRID.shape[1], : GRID.shape[2]]
    vessel = ((y - 24) ** 2 + (x - 30) ** 2 < 2.5**2) & (z > 3) & (z < 44)
    labels = classified(content([(vessel, 40.0)]))
    assert not ill(labels).any()
    assert not (labels == Pattern.CONSOLIDATION).any()


@pytest.mark.parametrize("hu", [-620.0, 40.0])
def test_islands_under_the_limit_vanish_and_larger_ones_stay(hu):
    """Cubes of 14 and 74 ml."""
    small, large = cube(16, 92), cube(28, 30)
    both = content([(small, hu), (large, hu)])
    ours = (*ILD, Pattern.CONSOLIDATION)
    kept = np.isin(classified(both, smallest_island_ml=0.5), ours)
    assert kept[small].mean() > 0.3
    fewer = np.isin(classified(both, smallest_island_ml=30.0), ours)
    assert not fewer[:, :, 60:].any()
    assert np.array_equal(fewer[:, :, :60], kept[:, :, :60])
    assert not np.isin(classified(both, smallest_island_ml=200.0), ours).any()


def test_gaps_under_the_limit_are_filled_and_larger_ones_stay():
    """A hole of 10 ml in a hazy cube of 216 ml."""
    hole = cube(14, 30)
    hu = content([(cube(40, 30), -620.0), (hole, NORMAL_HU)])
    assert not ill(classified(hu, largest_gap_ml=0.3))[cube(6, 30)].any()
    assert ill(classified(hu, largest_gap_ml=15.0))[hole].all()


@pytest.mark.parametrize("spec", [CLEAR, GLASS], ids=["clear", "ground glass"])
def test_every_voxel_of_lung_has_one_pattern_and_nothing_else_has(spec):
    labels = measured(spec).patterns.labels.labels
    assert np.array_equal(labels > 0, lung_of(found(spec).regions.labels))
    assert labels.max() <= max(Pattern)
    assert not labels.flags.writeable
    assert measured(spec).patterns.labels.grid == chest(spec).volume.grid


def test_a_clear_chest_has_little_ild():
    assert ild_percent(measured(CLEAR).patterns.labels.labels) < 2.5


def test_a_fifth_of_ground_glass_is_found_where_it_is():
    labels, real = measured(GLASS).patterns.labels.labels, chest(GLASS).truth_patterns.labels
    assert ild_percent(real) == pytest.approx(20, abs=0.2)
    assert ild_percent(labels) == pytest.approx(20, abs=6)
    assert dice(ill(labels), ill(real)) > 0.75


def test_ground_glass_and_fibrosis_are_all_of_the_ild_to_the_voxel():
    scan = measured(GLASS)
    counted = extents(scan.volume, scan.lungs, scan.patterns, ILD)
    assert counted.voxels(ILD) == counted.voxels((Pattern.GROUND_GLASS,)) + counted.voxels(FIBROSIS)
    assert counted.voxels(ILD) == ill(scan.patterns.labels.labels).sum()


@pytest.mark.parametrize("width_hu", [1.0, 60.0])
def test_the_split_into_ground_glass_and_nets_never_moves_the_total(width_hu):
    """How noisy normal lung is decides what counts as a net, not what counts as disease."""
    scan = measured(GLASS)
    other = ENGINE.classify(scan.volume, scan.lungs, replace(scan.stats, normal_width_hu=width_hu))
    assert np.array_equal(ill(other.labels.labels), ill(scan.patterns.labels.labels))


def test_the_same_scan_gives_the_same_bytes():
    scan = measured(GLASS)
    again = measure(scan.volume, find_lungs(scan.volume))
    for one, other in (
        (scan.lungs.regions.labels, again.lungs.regions.labels), (scan.lungs.zones, again.lungs.zones),
        (scan.lungs.rings, again.lungs.rings), (scan.patterns.labels.labels, again.patterns.labels.labels),
    ):
        assert one.tobytes() == other.tobytes()
    assert scan.stats == again.stats


def shifted(by_hu: int) -> Measured:
    volume = like(chest(GLASS).volume, np.maximum(chest(GLASS).volume.hu + by_hu, -1024))
    return measure(volume, found(GLASS))


@pytest.mark.parametrize("by_hu", [-15, 15])
def test_a_shift_of_all_values_hardly_moves_the_extent(by_hu):
    """The patient's own normal lung is the reference."""
    moved, still = shifted(by_hu), measured(GLASS)
    assert moved.stats.normal_mode_hu == pytest.approx(still.stats.normal_mode_hu + by_hu, abs=6)
    assert ild_percent(moved.patterns.labels.labels) == pytest.approx(
        ild_percent(still.patterns.labels.labels), abs=1.0
    )


def test_a_shift_of_all_values_hardly_moves_the_lungs():
    volume = like(chest(GLASS).volume, chest(GLASS).volume.hu + 15)
    assert dice(find_lungs(volume).mask(), found(GLASS).mask()) > 0.995
