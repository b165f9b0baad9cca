"""What a neighbourhood looks like, in numbers that belong to the tissue and not to the scanner or the place."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.measure.coarse import Blocks
from ssc_hrct.measure.features import NAMES, Features, _beside, features
from ssc_hrct.phantom import DiseaseSpec
from tests.measure.chests import CLEAR, GLASS, chest, found, like, measured

IN_SHARES = ("raised", "strands", "low", "empty", "cysts", "ridge", "valley", "part")
SHARES = [i for i, n in enumerate(NAMES) if n.startswith(IN_SHARES)]


@cache
def seen(spec=CLEAR) -> Features:
    known = measured(spec)
    return features(known.volume, known.lungs, known.stats)


def column(of: Features, name: str) -> np.ndarray:
    return of.values[:, NAMES.index(name)]


def test_every_point_near_lung_has_a_whole_row():
    rows = seen()
    assert rows.values.shape == (int(rows.near.sum()), len(NAMES))
    assert np.isfinite(rows.values).all()
    assert rows.values[:, SHARES].min() >= 0
    assert rows.values[:, SHARES].max() <= 1.001
    assert max(rows.blocks.spacing_mm) <= 4.0, "patterns are decided every 4 mm or finer"


def test_haze_raises_the_shares_where_it_lies_and_not_elsewhere():
    rows, truth = seen(GLASS), chest(GLASS).truth_patterns.labels
    inside = rows.blocks.mean(truth[rows.box] == Pattern.GROUND_GLASS)[rows.near] > 0.95
    beside = rows.blocks.mean(truth[rows.box] == Pattern.NORMAL)[rows.near] > 0.95
    assert np.median(column(rows, "raised90_8")[inside]) > 0.8
    assert np.median(column(rows, "raised90_8")[beside]) < 0.25


def test_at_a_border_the_same_part_of_the_top_is_reached_however_dense_the_inside():
    """A density, or a share over a fixed one, is reached further out the denser it is."""
    border, ends = {}, []
    for density in (0.2, 0.5):
        spec = replace(GLASS, disease=DiseaseSpec(20.0, density=density))
        rows, truth = seen(spec), chest(spec).truth_patterns.labels
        share = rows.blocks.mean(truth[rows.box] == Pattern.GROUND_GLASS)[rows.near]
        at = (share > 0.35) & (share < 0.65)
        border[density] = float(np.median(column(rows, "part_8")[at]))
        ends.append(float(np.median(column(rows, "mean_5")[at])))
    assert ends[1] > 1.5 * ends[0]
    assert abs(border[0.5] - border[0.2]) < 0.15


@pytest.mark.parametrize("step_mm", [2.6, 2.79, 2.81, 3.3, 3.99, 4.0])
def test_the_top_beside_lies_as_far_away_whatever_the_size_of_a_voxel(step_mm: float):
    """On a slope of 1 HU per mm the top within 8 mm is 8 HU higher."""
    blocks = Blocks(Grid((40, 5, 5), (step_mm,) * 3), (1, 1, 1))
    slope = 100 + step_mm * np.broadcast_to(np.arange(40, dtype=np.float32)[:, None, None], blocks.shape)
    near = np.ones(blocks.shape, np.bool_)
    top = _beside(slope.ravel(), near, blocks)["top_8"].reshape(blocks.shape)
    assert np.allclose((top - slope)[:-5], 8.0, atol=1e-3)


def test_a_scale_shifted_with_its_normal_lung_changes_nothing_but_emptiness():
    known = measured()
    shifted = like(known.volume, np.clip(known.volume.hu.astype(int) + 7, -1024, 3071))
    stats = replace(known.stats, normal_mode_hu=known.stats.normal_mode_hu + 7)
    there = features(shifted, known.lungs, stats)
    shares = [i for i in SHARES if not NAMES[i].startswith("empty")]
    assert np.abs(there.values[:, shares] - seen().values[:, shares]).mean() < 0.01, "only the unevenness may differ"
    assert np.abs(column(there, "mean_8") - column(seen(), "mean_8")).mean() < 2.0


def test_the_same_scan_gives_the_same_bytes_twice():
    known = measured()
    again = features(known.volume, found(), known.stats)
    assert again.values.tobytes() == seen().values.tobytes()


def test_values_come_in_whole_steps_so_that_borders_are_met_alike_everywhere():
    shares = seen().values[:, NAMES.index("raised90_8")].astype(np.float64) * 1000
    assert np.abs(shares - np.rint(shares)).max() < 1e-3
