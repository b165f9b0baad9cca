"""Made-up chests that the tests of this room share, each made and measured once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Lungs, Region
from ssc_hrct.core.patterns import Pattern, Patterns
from ssc_hrct.core.stats import ImageStats
from ssc_hrct.core.volume import LabelMap, Volume
from ssc_hrct.measure import CheapEngine, calibrate, find_lungs
from ssc_hrct.measure.zones import thirds
from ssc_hrct.phantom import ChestSpec, DiseaseSpec, Phantom, make_chest

SEED = 3
CLEAR = ChestSpec(shape=(110, 190, 240), spacing_mm=(2.6, 1.5, 1.5), slice_thickness_mm=1.0, noise_hu=15.0)
"""The whole chest with the largest pixels that are scored; thin slices apart, quick to make."""
GLASS = replace(CLEAR, disease=DiseaseSpec(20.0))
COARSE = replace(CLEAR, shape=(100, 150, 180), spacing_mm=(2.8, 2.0, 2.0), noise_hu=0.0)
"""For `calibrate`, which is given the true lungs here."""
ENGINE = CheapEngine(smallest_island_ml=0.5, largest_gap_ml=0.3)


@dataclass(frozen=True)
class Measured:
    volume: Volume
    lungs: Lungs
    stats: ImageStats
    patterns: Patterns


def chest(spec: ChestSpec = CLEAR) -> Phantom:
    return _chest(spec)


def found(spec: ChestSpec = CLEAR) -> Lungs:
    return _found(spec)


def measured(spec: ChestSpec = CLEAR) -> Measured:
    return _measured(spec)


@cache
def _chest(spec: ChestSpec) -> Phantom:
    return make_chest(SEED, spec)


@cache
def _found(spec: ChestSpec) -> Lungs:
    return find_lungs(chest(spec).volume)


@cache
def _measured(spec: ChestSpec) -> Measured:
    return measure(chest(spec).volume, found(spec))


def measure(volume: Volume, lungs: Lungs) -> Measured:
    stats = calibrate(volume, lungs)
    return Measured(volume, lungs, stats, ENGINE.classify(volume, lungs, stats))


def like(volume: Volume, hu: np.ndarray) -> Volume:
    """Another image of the same scan: cut, turned or painted over."""
    array = np.ascontiguousarray(hu, dtype=np.int16)
    shape = array.shape
    return Volume(array, Grid((shape[0], shape[1], shape[2]), volume.grid.spacing_mm), volume.acquisition)


def true_lungs(regions: np.ndarray, volume: Volume) -> Lungs:
    """The true regions as if they had been found; rings are not looked at by `calibrate`."""
    labels = np.ascontiguousarray(regions)
    return Lungs(LabelMap(labels, volume.grid, {}), thirds(labels), np.zeros(labels.shape, np.uint8))


def lung_of(regions: np.ndarray) -> np.ndarray:
    return np.isin(regions, (Region.RIGHT_LUNG, Region.LEFT_LUNG))


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * float((one & other).sum()) / float(one.sum() + other.sum())


def ild_percent(patterns: np.ndarray) -> float:
    ill = np.isin(patterns, (Pattern.GROUND_GLASS, Pattern.RETICULATION, Pattern.HONEYCOMBING))
    return 100 * float(ill.sum()) / float((patterns > 0).sum())
