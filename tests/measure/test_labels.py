"""From a lattice to one label for each voxel: it reports each slab, and so does the engine that asks for it."""

from __future__ import annotations

import numpy as np
import pytest

from ssc_hrct.core.errors import Cancelled
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Region
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.volume import LabelMap
from ssc_hrct.measure import PatternModel, TrainedEngine
from ssc_hrct.measure.coarse import Blocks
from ssc_hrct.measure.features import NAMES, Features
from ssc_hrct.measure.labels import label_map
from ssc_hrct.measure.trained import LIMITS
from ssc_hrct.measure.trees import Trees

GRID = Grid((40, 12, 12), (1.0, 1.0, 1.0))
BLOCKS = Blocks(GRID, (2, 2, 2))
BOX = (slice(0, 40), slice(0, 12), slice(0, 12))
REGIONS = np.full(GRID.shape, Region.LEFT_LUNG, np.uint8)


class Steps:
    """What was reported; stops at the step `last`."""

    def __init__(self, last: int | None = None) -> None:
        self.seen: list[tuple[str, int, int]] = []
        self.last = last

    def step(self, text: str, done: int = 0, total: int = 0) -> None:
        self.seen.append((text, done, total))
        if len(self.seen) == self.last:
            raise Cancelled


def drawn(progress: Steps) -> LabelMap:
    patterns = np.full(BLOCKS.shape, Pattern.NORMAL, np.uint8)
    abnormal = np.zeros(BLOCKS.shape, np.float32)
    return label_map(REGIONS, GRID, BOX, BLOCKS, patterns, abnormal, limit=0.5, smallest_island_ml=0.1,
                     progress=progress)


def engine() -> TrainedEngine:
    """One tree of each stage: nothing is abnormal."""
    tree = Trees(np.zeros((1, 1), np.int32), np.zeros((1, 1), np.float32), np.zeros((1, 2), np.float32), -5.0)
    low, high = np.full(len(NAMES), -1e6, np.float32), np.full(len(NAMES), 1e6, np.float32)
    model = PatternModel(low, high, tree, tree, tree, tree, tree, dict.fromkeys(LIMITS, 0.5))
    return TrainedEngine(model, 0.1, 0.1)


def features() -> Features:
    near, share = np.ones(BLOCKS.shape, np.bool_), np.ones(BLOCKS.shape, np.float32)
    return Features(BOX, BLOCKS, near, share, np.zeros((near.size, len(NAMES)), np.float32))


def test_every_slab_is_reported():
    steps = Steps()
    assert (drawn(steps).labels == Pattern.NORMAL).all()
    assert steps.seen == [("drawing patterns", z, 40) for z in (0, 16, 32)]


def test_an_engine_reports_each_stage_and_each_slab():
    steps = Steps()
    patterns = engine().label(features(), GRID, REGIONS, progress=steps)
    assert (patterns.labels.labels == Pattern.NORMAL).all()
    deciding = [(done, total) for text, done, total in steps.seen if text == "deciding patterns"]
    assert deciding == [(done, 6) for done in range(6)]
    assert [done for text, done, _ in steps.seen if text == "drawing patterns"] == [0, 16, 32]


@pytest.mark.parametrize("last", [1, 3, 5, 7])
def test_an_engine_stops_when_asked_to(last):
    steps = Steps(last)
    with pytest.raises(Cancelled):
        engine().label(features(), GRID, REGIONS, progress=steps)
    assert len(steps.seen) == last
