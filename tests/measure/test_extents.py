"""Counts equal those of a plain loop, and printed percents those of a recount of the label maps."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssc_hrct.core.errors import Cancelled
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import REGION_NAMES, Lungs, Region, Ring, Zone
from ssc_hrct.core.patterns import FIBROSIS, PATTERN_NAMES, Pattern, Patterns
from ssc_hrct.core.volume import PADDING_HU, LabelMap, Volume
from ssc_hrct.measure import extents
from tests.made_up import ILD, acquisition

GRID = Grid((5, 7, 9), (1.25, 0.7, 0.8))


def made(seed: int, lung_share: float = 0.7) -> tuple[Volume, Lungs, Patterns]:
    """Every map drawn at random, but for what must be: lung has a zone, a ring and a pattern, and nothing else has."""
    rng = np.random.default_rng(seed)
    lung = rng.random(GRID.shape) < lung_share
    zones = np.where(lung, rng.integers(1, len(Zone) + 1, GRID.shape), 0).astype(np.uint8)
    rings = np.where(lung, rng.integers(1, len(Ring) + 1, GRID.shape), 0).astype(np.uint8)
    labels = np.where(lung, rng.integers(1, len(Pattern), GRID.shape), 0).astype(np.uint8)
    regions = np.where(lung, np.where(zones <= Zone.RIGHT_LOWER, Region.RIGHT_LUNG, Region.LEFT_LUNG), 0)
    volume = Volume(rng.integers(-1000, 100, GRID.shape).astype(np.int16), GRID, acquisition())
    lungs = Lungs(LabelMap(regions.astype(np.uint8), GRID, REGION_NAMES), zones, rings)
    return volume, lungs, Patterns(LabelMap(labels, GRID, PATTERN_NAMES))


def recounted(part: np.ndarray, whole: np.ndarray) -> Decimal:
    """Percent of two masks, as someone else would count and print it."""
    exact = Decimal(100) * int(part.sum()) / int(whole.sum())
    return exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=25)
def test_counts_by_zone_ring_and_pattern_equal_a_plain_loop(seed):
    volume, lungs, patterns = made(seed)
    counted = extents(volume, lungs, patterns, ILD)
    wanted: dict[tuple[int, int, int], int] = {}
    per_slice = [[0] * len(Pattern) for _ in range(GRID.shape[0])]
    hu_sum = 0
    for place in np.ndindex(GRID.shape):
        if lungs.zones[place]:
            pattern = int(patterns.labels.labels[place])
            key = (int(lungs.zones[place]), int(lungs.rings[place]), pattern)
            wanted[key] = wanted.get(key, 0) + 1
            per_slice[place[0]][pattern] += 1
            hu_sum += int(volume.hu[place])
    for zone in Zone:
        for ring in Ring:
            for name in Pattern:
                assert counted.voxels((name,), (zone,), (ring,)) == wanted.get((zone, ring, name), 0)
    assert [list(row) for row in counted.slice_counts] == per_slice
    assert counted.hu_sum == hu_sum
    assert counted.voxel_ml == pytest.approx(1.25 * 0.7 * 0.8 / 1000)


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=25)
def test_printed_percents_equal_a_recount_of_the_maps(seed):
    volume, lungs, patterns = made(seed)
    counted, labels, lung = extents(volume, lungs, patterns, ILD), patterns.labels.labels, lungs.mask()
    assert counted.ild_percent == recounted(np.isin(labels, ILD), lung)
    assert counted.fibrosis_percent == recounted(np.isin(labels, FIBROSIS), lung)
    for name in Pattern:
        if name is not Pattern.OUTSIDE:
            assert counted.percent((name,)) == recounted(labels == name, lung)
    for zone in Zone:
        here = lungs.zones == zone
        assert counted.percent(ILD, (zone,)) == recounted(np.isin(labels, ILD) & here, here)


def test_mean_density_is_that_of_the_lung_alone_and_padding_counts_as_the_lowest_measured_value():
    volume, lungs, patterns = made(3)
    hu = volume.hu.copy()
    hu[~lungs.mask()] = 3000
    counted = extents(replace(volume, hu=hu), lungs, patterns, ILD)
    assert counted.hu_sum / counted.voxels() == pytest.approx(float(volume.hu[lungs.mask()].mean(dtype=np.float64)))
    hu = np.where(lungs.mask(), np.int16(PADDING_HU), np.int16(0)).astype(np.int16)
    counted = extents(replace(volume, hu=hu), lungs, patterns, ILD)
    assert counted.hu_sum == -1024 * counted.voxels()


def test_the_make_up_of_ild_is_the_caller_s():
    volume, lungs, patterns = made(4)
    counted = extents(volume, lungs, patterns, (Pattern.CONSOLIDATION,))
    assert counted.ild_percent == recounted(patterns.labels.labels == Pattern.CONSOLIDATION, lungs.mask())


@pytest.mark.parametrize("missing", ["pattern", "ring"])
def test_a_voxel_of_lung_without_pattern_or_ring_is_refused(missing):
    volume, lungs, patterns = made(5)
    place = tuple(np.argwhere(lungs.mask())[7])
    labels, rings = patterns.labels.labels.copy(), lungs.rings.copy()
    (labels if missing == "pattern" else rings)[place] = 0
    with pytest.raises(ValueError, match="every voxel of lung"):
        extents(
            volume, Lungs(lungs.regions, lungs.zones, rings),
            Patterns(LabelMap(labels, GRID, PATTERN_NAMES)), ILD,
        )


def test_maps_on_another_grid_are_refused():
    volume, lungs, patterns = made(6)
    elsewhere = Volume(volume.hu, Grid(GRID.shape, (1.25, 0.7, 0.7)), volume.acquisition)
    with pytest.raises(ValueError, match="one grid"):
        extents(elsewhere, lungs, patterns, ILD)


def test_no_lung_has_no_percent():
    counted = extents(*made(7, lung_share=0.0), ILD)
    assert counted.voxels() == 0
    assert counted.ild_percent is None


def test_counting_stops_when_asked_to():
    class Stop:
        def step(self, text: str, done: int = 0, total: int = 0) -> None:
            raise Cancelled

    with pytest.raises(Cancelled):
        extents(*made(8), ILD, progress=Stop())
