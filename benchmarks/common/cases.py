"""Whole scans of known truth: disease written into real scans, and made-up chests, each from its seed.

In: a `Plan`. Out: an `engines.Case`: the volume as another acquisition shows it and the truth per voxel. Seeds from
8000 on are for benchmarks alone: nothing was learned from them and no limit was chosen on them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.common.engines import Case
from ssc_hrct import phantom
from ssc_hrct.core.lungs import Region, both_lungs
from ssc_hrct.core.patterns import Pattern
from training import cases as training_cases
from training.learn import Fold

PHANTOM = "phantom"
STRATA = ((0.0, 5.0), (5.0, 10.0), (10.0, 20.0), (20.0, 40.0))
STRATIFIED_SEED, CROP_SEED, RETEST_SEED, CLEAR_SEED = 8000, 9000, 9500, 9700
SCANS = ("lidc-0001", "lidc-0002")
PER_STRATUM = 30
STEPS_MM = (0.625, 1.0, 1.25, 1.5, 2.0, 2.5)
KERNELS = ("soft", "standard", "sharp")
_RENDERERS = tuple(phantom.Renderer)


@dataclass(frozen=True, slots=True)
class Plan:
    """One case to be. source: a real scan's name or "phantom"; stratum: place in STRATA of its true percent."""

    source: str
    renderer: phantom.Renderer
    seed: int
    stratum: int
    extent_percent: float

    @property
    def name(self) -> str:
        return f"{self.source}_{self.renderer}_{self.seed}"

    @property
    def fold(self) -> Fold:
        """The model that learned from the other renderer, and not from this scan."""
        (other,) = (r for r in _RENDERERS if r is not self.renderer)
        return Fold(str(other), self.source)


def stratified(real: bool) -> list[Plan]:
    """The 120: in each stratum half made-up chests, half composites in two scans; the renderers share each half.
    real: False leaves the composites out."""
    plans = []
    for stratum in range(len(STRATA)):
        for i in range(PER_STRATUM):
            place = stratum * PER_STRATUM // 2 + i // 2
            made_up = i % 2 == 0
            source = PHANTOM if made_up else SCANS[place % 2]
            renderer = (place if made_up else place // 2) % 2
            plans.append(plan(source, renderer, STRATIFIED_SEED + stratum * PER_STRATUM + i, stratum))
    return [p for p in plans if real or p.source == PHANTOM]


def plan(source: str, renderer: int, seed: int, stratum: int) -> Plan:
    """renderer: its place among them. The extent is drawn from the seed, evenly over the stratum."""
    low, high = STRATA[stratum]
    extent = float(np.random.default_rng((seed, 3)).uniform(low, high))
    return Plan(source, _RENDERERS[renderer], seed, stratum, round(extent, 2))


def crops(sources: tuple[str, ...], each: int) -> list[Plan]:
    """Cases of which two parts are scored, each as a scan of its own; see `parts`."""
    plans = []
    for s, source in enumerate(sources):
        for i in range(each):
            plans.append(plan(source, i % 2, CROP_SEED + 100 * s + i, (i // 4) % len(STRATA)))
    return plans


def parts(seed: int) -> tuple[tuple[Region, bool], tuple[Region, bool]]:
    """Which parts of the lungs are scored, each as a scan of its own: the sides, and whether the lower end. One is the
    lower end of its lung and one the upper."""
    right_is_lower = seed % 100 // 2 % 2 == 0
    return (Region.RIGHT_LUNG, right_is_lower), (Region.LEFT_LUNG, not right_is_lower)


@cache
def scan(data: str, name: str, whole: bool) -> training_cases.Scan:
    """A real scan with its lungs, read once per process. Raises ValueError where it is not the one we know."""
    return training_cases.read_scan(Path(data) / "ct" / name, whole=whole)


def whole(which: Plan, data: str | None) -> Case:
    """The scan of a plan, uncut, and its truth. data: the folder of the real scans, for plans that need one."""
    if which.source == PHANTOM:
        return made_up(which.seed, chest_of(which))
    if data is None:
        raise ValueError("a composite needs the folder of the real scans")
    host = scan(data, which.source, True)
    made = training_cases.make(recipe(which), {which.source: host})
    no_label = training_cases.NO_LABEL
    return Case(made.volume, made.labels & np.uint8(no_label - 1), made.labels >= no_label)


def recipe(which: Plan) -> training_cases.Recipe:
    """The same case as training would make it: its acquisition is drawn there, from the seed."""
    return training_cases.Recipe(which.source, which.seed, which.renderer, which.extent_percent)


def chest_of(which: Plan) -> phantom.ChestSpec:
    """A made-up chest: slices, kernel, noise, breath and disease drawn from the seed."""
    rng = np.random.default_rng((which.seed, 4))
    step = float(rng.choice(STEPS_MM))
    return phantom.ChestSpec(
        shape=(round(310 / step), 384, 384), spacing_mm=(step, 0.88, 0.88), kernel=str(rng.choice(KERNELS)),
        noise_hu=float(rng.uniform(10, 45)),
        inspiration=float(rng.uniform(0.8, 1.0)) if rng.random() < 0.4 else 1.0,
        contrast=bool(rng.random() < 0.2), renderer=which.renderer,
        disease=phantom.varied_disease(which.seed, which.extent_percent),
    )


def made_up(seed: int, spec: phantom.ChestSpec) -> Case:
    made = phantom.make_chest(seed, spec)
    regions = made.truth_regions.labels
    lung = both_lungs(regions)
    return Case(made.volume, np.where(lung, made.truth_patterns.labels, np.uint8(Pattern.OUTSIDE)))


def real(data: str, name: str) -> Case:
    """A real scan as it is, taken to be free of disease; aside: its listed abnormalities."""
    host = scan(data, name, True)
    labels = np.where(host.lungs.mask(), np.uint8(Pattern.NORMAL), np.uint8(Pattern.OUTSIDE))
    return Case(host.volume, labels, host.no_label, host.lungs)


def noisier(case: Case, seed: int, noise_hu: float, kernel: str) -> Case:
    """The same case with noise of this seed added."""
    return replace(case, volume=phantom.rescan(case.volume, seed=seed, noise_hu=noise_hu, noise_kernel=kernel))
