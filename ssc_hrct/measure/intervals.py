"""Error bars of one scan, from what is known about it; nothing is scored a second time.

In: what was counted, what calibration measured, what the files say, and how sure the classifier was. Out: a 90
percent interval of the ILD extent and of the fibrosis extent. The expected error is a sum of squares of independent
causes, each a plain number of the scan times a weight; how many of it lie below and above the extent comes from cases
of known truth that the engine never saw (split conformal prediction: Lei et al, J Am Stat Assoc 2018;113:1094-1111),
apart for small, middle and large extents. `training/intervals.py` makes the numbers; this file only uses them.
What it promises holds for cases like those: phantoms and written-in disease are not patients.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from ssc_hrct.core.acquisition import Acquisition
from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.extents import Extents
from ssc_hrct.core.intervals import Interval
from ssc_hrct.core.lungs import Ring, Zone
from ssc_hrct.core.patterns import FIBROSIS, ClassifierDoubt, Pattern
from ssc_hrct.core.protocol import canonical_sha256
from ssc_hrct.core.stats import ImageStats

FLOOR_POINTS = 0.3
"""No scan is held to be measured better than this (points): our choice, not measured."""
BIN_ENDS_PERCENT = (5.0, 20.0)
"""Small extents end here, then middle ones: the error grows with the extent, and so may its shape."""
_BLEND_PERCENT = (4.0, 6.0, 16.0, 24.0)
"""From one bin to the next the factors go over in a line, a fifth of the bound to either side, so that two scans
that hardly differ get intervals that hardly differ."""
MASK_SHARE = 0.05
"""Half a millimetre of the outer ring of 10 mm: how far the lungs' border may lie off."""
_NORMAL_MODE_HU = -870.0
"""Own normal lung at full breath, as usual (lidc-0001 and lidc-0002: -885); denser is a shallower breath."""

WORDS = {
    "root_extent": "", "extent": "", "root_ild": "", "mask": "", "unlike_normal": "",
    "dense_normal": "how dense normal lung is",
    "unsure": "the classifier's doubt", "split_unsure": "the classifier's doubt about fibrosis",
    "out_of_range": "how much of the lung is unlike what was learned", "noise": "the noise", "blur": "the sharpness",
    "thickness": "the slice thickness",
}
"""Names of all features; a word for those that a scan may lack, or have more of than all cases."""
RANGED = ("noise", "blur", "thickness", "dense_normal")
"""What a scan is like. Where one of these is not known, or more than in all cases of the fit, nothing is known of the
error, whatever its weight: the intervals are doubled."""
BEYOND = 1.05
"""So many times the most of the cases is more than it."""

Features = Mapping[str, float | None]
"""Causes of error by name, each at least 0, where 0 is no cause. None: could not be measured."""


def ild_features(
    extents: Extents, stats: ImageStats, acquisition: Acquisition, doubt: ClassifierDoubt | None
) -> dict[str, float | None]:
    """What the error of the ILD extent is expected from. How it is split into ground glass and fibrosis is not here."""
    return _of_extent(extents, extents.ild_patterns) | _of_scan(stats, acquisition, doubt)


def fibrosis_features(
    extents: Extents, stats: ImageStats, acquisition: Acquisition, doubt: ClassifierDoubt | None
) -> dict[str, float | None]:
    """What the error of the fibrosis extent is expected from: all abnormal lung may be called fibrosis, or may not."""
    own = _of_extent(extents, FIBROSIS) | _of_scan(stats, acquisition, doubt)
    ild = _of_extent(extents, extents.ild_patterns)["root_extent"]
    return own | {"root_ild": ild, "split_unsure": None if doubt is None else doubt.split_unsure_percent}


def _of_extent(extents: Extents, patterns: tuple[Pattern, ...]) -> dict[str, float | None]:
    lung = extents.voxels()
    if lung == 0:
        raise ValueError("no lung, no extent")
    percent = 100.0 * extents.voxels(patterns) / lung
    outer = 100.0 * extents.voxels(patterns, tuple(Zone), (Ring.TO_10_MM,)) / lung
    return {"root_extent": sqrt(percent), "extent": percent, "mask": MASK_SHARE * outer}


def _of_scan(stats: ImageStats, acquisition: Acquisition, doubt: ClassifierDoubt | None) -> dict[str, float | None]:
    return {
        "unsure": None if doubt is None else doubt.unsure_percent,
        "out_of_range": None if doubt is None else doubt.out_of_range_percent,
        "noise": None if stats.noise_hu is None else stats.noise_hu / 10,
        "blur": stats.fwhm_mm,
        "thickness": acquisition.slice_thickness_mm,
        "dense_normal": max(stats.normal_mode_hu - _NORMAL_MODE_HU, 0.0) / 10,
        "unlike_normal": 10 * (1 - stats.normal_share),
    }


@dataclass(frozen=True, slots=True)
class ExtentModel:
    """The error of one extent.

    points: points of error for one unit of a feature; if_missing: what a feature counts as where it is not known,
    high among the cases of the training; below, above: how many expected errors the ends lie from the extent, for
    small, middle and large extents (below at most 0, above at least 0).
    """

    points: Mapping[str, float]
    if_missing: Mapping[str, float]
    below: tuple[float, float, float]
    above: tuple[float, float, float]

    def missing(self, features: Features) -> tuple[str, ...]:
        """Names of features that this model asks for and the scan lacks."""
        return tuple(name for name in self.points if features.get(name) is None)

    def error_points(self, features: Features) -> float:
        """Expected error, in points: the root of the sum of squares of its causes and of the floor."""
        squares = FLOOR_POINTS**2
        for name, weight in self.points.items():
            known = features.get(name)
            squares += (weight * (self.if_missing[name] if known is None else known)) ** 2
        return sqrt(squares)

    def interval(self, percent: float, features: Features, *, times: float = 1.0) -> Interval:
        """The interval of an extent; times: how much wider on both sides. It always holds the extent itself."""
        error = self.error_points(features) * times
        low = percent + error * blended(percent, self.below)
        high = percent + error * blended(percent, self.above)
        return Interval(max(0.0, low), min(100.0, high))


def blended(percent: float, factors: tuple[float, float, float]) -> float:
    """The factor of the bin of an extent; near the end of a bin between its own and the next one's."""
    small, middle, large = factors
    return float(np.interp(percent, _BLEND_PERCENT, (small, middle, middle, large)))


@dataclass(frozen=True, slots=True)
class Intervals:
    """Both intervals, and why they are wider than usual: what was not known, what was more than the cases of the fit
    had, and whether they were doubled."""

    ild: Interval
    fibrosis: Interval
    missing: tuple[str, ...]
    beyond: tuple[str, ...]
    doubled: bool


@dataclass(frozen=True, slots=True)
class IntervalModel:
    """The numbers of both extents. most: the highest of each of RANGED among the cases. made_from: which cases these
    were, for a person. patterns_sha256: of the model of the patterns whose errors these are; empty for any."""

    ild: ExtentModel
    fibrosis: ExtentModel
    most: Mapping[str, float]
    made_from: str
    patterns_sha256: str = ""

    def intervals(
        self, extents: Extents, stats: ImageStats, acquisition: Acquisition, doubt: ClassifierDoubt | None, *,
        out_of_range_percent: float,
    ) -> Intervals:
        """Intervals of a scan. Raises ValueError where there is no lung.

        Doubled once: where more of the lung than `out_of_range_percent` (of the protocol) is out of the classifier's
        range, where something could not be measured, where the scan has more of one of RANGED than all cases of the
        fit, and where own normal lung was not seen but predicted. What could not be measured counts as a bad one.
        """
        ild_percent, fibrosis_percent = extents.ild_percent, extents.fibrosis_percent
        if ild_percent is None or fibrosis_percent is None:
            raise ValueError("no lung, no extent")
        total = ild_features(extents, stats, acquisition, doubt)
        part = fibrosis_features(extents, stats, acquisition, doubt)
        unknown = [name for name in RANGED if total[name] is None]
        missing = tuple(WORDS[n] for n in dict.fromkeys((*self.ild.missing(total), *self.fibrosis.missing(part),
                                                         *unknown)))
        beyond = tuple(WORDS[n] for n in RANGED if (total[n] or 0.0) > BEYOND * self.most[n])
        strange = doubt is not None and doubt.out_of_range_percent > out_of_range_percent
        doubled = strange or bool(missing or beyond) or stats.normal_predicted
        times = 2.0 if doubled else 1.0
        whole = self.ild.interval(float(ild_percent), total, times=times)
        fibrosis = self.fibrosis.interval(float(fibrosis_percent), part, times=times)
        return Intervals(
            ild=whole,
            # Fibrosis is part of it, and cannot be more.
            fibrosis=Interval(fibrosis.low_percent, min(fibrosis.high_percent, whole.high_percent)),
            missing=missing,
            beyond=beyond,
            doubled=doubled,
        )


def interval_model(data: bytes) -> IntervalModel:
    """The model from its JSON. Raises HrctError(BAD_MODEL) where it is not whole, as its own hash tells."""
    try:
        content = json.loads(data)
        told = content.pop("sha256")
        if canonical_sha256(content) != told:
            raise ValueError("its hash differs")
        most = {name: float(content["most"][name]) for name in RANGED}
        if not all(0 <= value < float("inf") for value in most.values()):
            raise ValueError("a number of it has the wrong sign")
        return IntervalModel(_extent_model(content["ild"]), _extent_model(content["fibrosis"]), most,
                             str(content["made_from"]), str(content.get("patterns_sha256", "")))
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise HrctError("BAD_MODEL", f"The model of the intervals cannot be used: {problem}.",
                        "Install the program again.") from problem


def _extent_model(content: Mapping[str, Any]) -> ExtentModel:
    points = {str(name): float(value) for name, value in content["points"].items()}
    if_missing = {name: float(content["if_missing"][name]) for name in points}
    below, above = (_three(content[side]) for side in ("below", "above"))
    unknown = set(points) - set(WORDS)
    if unknown:
        raise ValueError(f"unknown features {sorted(unknown)}")
    numbers = np.array([*points.values(), *if_missing.values(), *(-f for f in below), *above])
    if not (np.isfinite(numbers).all() and (numbers >= 0).all()):
        raise ValueError("a number of it has the wrong sign")
    return ExtentModel(points, if_missing, below, above)


def _three(values: list[float]) -> tuple[float, float, float]:
    small, middle, large = (float(v) for v in values)
    return small, middle, large
