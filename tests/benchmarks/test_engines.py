"""A part of the lungs is scored as if it were all there is."""

from __future__ import annotations

import numpy as np

from benchmarks.common.engines import part_of, within
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Lungs, Region
from ssc_hrct.core.volume import LabelMap
from ssc_hrct.measure.coarse import Blocks
from ssc_hrct.measure.features import NAMES, Features

GRID = Grid((4, 4, 4), (1.0, 1.0, 1.0))


def test_features_of_a_part_are_the_rows_of_its_points() -> None:
    near = np.ones((2, 2, 2), np.bool_)
    near[0, 0, 0] = False
    values = np.repeat(np.arange(7, dtype=np.float32)[:, None], len(NAMES), axis=1)
    whole = slice(0, 4), slice(0, 4), slice(0, 4)
    seen = Features(whole, Blocks(GRID, (2, 2, 2)), near, near.astype(np.float32), values)
    keep = np.zeros((4, 4, 4), np.bool_)
    keep[:2, :, :3] = True  # the lower points, of the right-hand ones half
    part = within(seen, keep)
    assert part.near.sum() == 3
    assert part.values[:, 0].tolist() == [0, 1, 2]
    assert part.share[part.near].tolist() == [0.5, 1.0, 0.5]


def test_lungs_zones_and_rings_are_cut_alike() -> None:
    full = np.full((4, 4, 4), Region.LEFT_LUNG, np.uint8)
    keep = np.zeros((4, 4, 4), np.bool_)
    keep[1] = True
    part = part_of(Lungs(LabelMap(full, GRID, {}), full, full), keep)
    for array in (part.regions.labels, part.zones, part.rings):
        assert np.array_equal(array > 0, keep)
