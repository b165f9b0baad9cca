"""One case through every engine, from one look at the scan: ours, the rules, and what a user would take instead.

In: a volume, and where it is known the truth. Out: a row of plain numbers: for each engine the voxels by true and found
pattern, intervals, doubt and CPU seconds. Density bands stand for LungCTAnalyzer (Slicer; "infiltrated" -750 to -400 HU
and "collapsed" -400 to 0 HU of the lung mask), HAA for the high attenuation area of -600 to -250 HU (Podolanczuk, Eur
Respir J 2016;48:1442).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time

import numpy as np
from numpy.typing import NDArray

from benchmarks.common.keep import Row
from ssc_hrct import measure, quality
from ssc_hrct.app.assets import default_protocol, models
from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.findings import Finding, is_refused
from ssc_hrct.core.lungs import Lungs
from ssc_hrct.core.patterns import FIBROSIS, Pattern, Patterns
from ssc_hrct.core.stats import ImageStats
from ssc_hrct.core.volume import LabelMap, Volume
from ssc_hrct.measure.features import Features, features
from training.learn import Fold
from training.sources import ROOT

Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

SHIPPED, HONEST, CHEAP, BANDS, HAA = "shipped", "honest", "cheap", "bands", "HAA"
ENGINES = (SHIPPED, HONEST, CHEAP, BANDS, HAA)
WORDS = {
    SHIPPED: "shipped model", HONEST: "held-out model", CHEAP: "rules (cheap engine)",
    BANDS: "density bands -750 to 0 HU", HAA: "HAA -600 to -250 HU",
}
BAND_HU = {BANDS: (-750, 0), HAA: (-600, -250)}
KINDS = len(Pattern)


@dataclass(frozen=True, slots=True)
class Case:
    """A volume and the truth on its grid. labels: `Pattern`, 0 outside the true lungs. aside: bool, where the scan has
    an abnormality of its own; None where it has none. lungs: None lets the engine find them."""

    volume: Volume
    labels: Labels
    aside: Mask | None = None
    lungs: Lungs | None = None


def held_out_files(fold: Fold) -> tuple[Path, ...]:
    """Where the model of a fold and the error bars made without its source lie; empty where they are not there yet."""
    names = (fold.name, f"intervals-without-{fold.source}")
    files = tuple(ROOT / "training" / "models" / f"{name}.json" for name in names)
    return files if all(file.is_file() for file in files) else ()


def held_out(fold: Fold) -> measure.Models | None:
    """The model of a fold and its error bars. Raises HrctError("BAD_MODEL", ...) where one is not whole."""
    files = held_out_files(fold)
    return measure.read_models(*(file.read_bytes() for file in files)) if files else None


def judged(case: Case, honest: measure.Models | None) -> Row:
    """The row of a case: the whole way from the volume on, as `app.score` goes it. honest: learned without it."""
    volume, protocol = case.volume, default_protocol()
    began = process_time()
    try:
        lungs = case.lungs or measure.find_lungs(volume)
    except HrctError as problem:
        return {"refused": [problem.code], "cautions": [], "engines": {}}
    after_lungs = process_time()
    stats = measure.calibrate(volume, lungs)
    after_stats = process_time()
    found = (*quality.check_header(volume.acquisition, protocol),
             *quality.check_image(stats, volume.acquisition, protocol))
    seen = features(volume, lungs, stats)
    after_features = process_time()
    row: Row = {
        "refused": _codes(f for f in found if is_refused([f])),
        "cautions": _codes(f for f in found if not is_refused([f])),
        "noise_hu": stats.noise_hu, "fwhm_mm": stats.fwhm_mm, "lung_ml": stats.lung_ml,
        "normal_mode_hu": stats.normal_mode_hu, "thickness_mm": volume.acquisition.slice_thickness_mm,
        "dice": _dice(case.labels > 0, lungs.mask()),
        "seconds": {"lungs": after_lungs - began, "calibrate": after_stats - after_lungs,
                    "features": after_features - after_stats},
        "engines": {},
    }
    for name, learned in ((SHIPPED, models()), (HONEST, honest)):
        if learned is not None:
            row["engines"][name] = _trained(case, lungs, stats, seen, learned)
    row["engines"][CHEAP] = _cheap(case, lungs, stats)
    for name, (low, high) in BAND_HU.items():
        row["engines"][name] = _band(case, lungs, low, high)
    return row


def _codes(findings: Iterable[Finding]) -> list[str]:
    return list(dict.fromkeys(f.code for f in findings))


def _trained(case: Case, lungs: Lungs, stats: ImageStats, seen: Features, learned: measure.Models) -> Row:
    protocol = default_protocol()
    began = process_time()
    engine = measure.TrainedEngine(learned.patterns, protocol.smallest_island_ml, protocol.largest_gap_ml)
    patterns = engine.label(seen, case.volume.grid, lungs.regions.labels)
    seconds = process_time() - began
    return _counted(case, patterns.labels.labels) | {"seconds": seconds} | with_intervals(
        case.volume, lungs, stats, patterns, learned.error_bars
    )


def with_intervals(
    volume: Volume, lungs: Lungs, stats: ImageStats, patterns: Patterns, bars: measure.IntervalModel | None
) -> Row:
    """Error bars of what a model found, and its doubt."""
    extents = measure.extents(volume, lungs, patterns, default_protocol().ild_patterns)
    if bars is None or patterns.doubt is None or extents.ild_percent is None:
        return {}
    intervals = bars.intervals(
        extents, stats, volume.acquisition, patterns.doubt,
        out_of_range_percent=default_protocol().limits.out_of_range_percent,
    )
    doubt = patterns.doubt
    return {
        "ild_interval": [intervals.ild.low_percent, intervals.ild.high_percent],
        "fibrosis_interval": [intervals.fibrosis.low_percent, intervals.fibrosis.high_percent],
        "doubt": [doubt.unsure_percent, doubt.split_unsure_percent, doubt.out_of_range_percent],
    }


def _cheap(case: Case, lungs: Lungs, stats: ImageStats) -> Row:
    protocol = default_protocol()
    began = process_time()
    engine = measure.CheapEngine(protocol.smallest_island_ml, protocol.largest_gap_ml)
    patterns = engine.classify(case.volume, lungs, stats)
    seconds = process_time() - began
    return _counted(case, patterns.labels.labels) | {"seconds": seconds}


def _band(case: Case, lungs: Lungs, low: int, high: int) -> Row:
    began = process_time()
    labels = band_labels(case.volume, lungs, low, high)
    seconds = process_time() - began
    return _counted(case, labels) | {"seconds": seconds}


def band_labels(volume: Volume, lungs: Lungs, low: int, high: int) -> Labels:
    """Lung from `low` to `high` HU counts as ground glass, the rest of it as normal."""
    inside = (volume.hu >= low) & (volume.hu <= high)
    kinds = np.where(inside, np.uint8(Pattern.GROUND_GLASS), np.uint8(Pattern.NORMAL))
    return np.where(lungs.mask(), kinds, np.uint8(Pattern.OUTSIDE))


def _counted(case: Case, labels: Labels) -> Row:
    told: Row = {"confusion": confusion(case.labels, labels)}
    if case.aside is not None:
        free = ~case.aside
        told["free"] = confusion(case.labels[free], labels[free])
    return told


def confusion(true: Labels, found: Labels) -> list[list[int]]:
    """Voxels by true pattern (outer) and found pattern (inner); what is outside for both is not counted."""
    place = true.astype(np.uint8) * np.uint8(KINDS) + found
    counts = np.bincount(place.ravel(), minlength=KINDS * KINDS).reshape(KINDS, KINDS)
    counts[0, 0] = 0
    return [[int(n) for n in row] for row in counts]


def percents(counts: Sequence[Sequence[int]], patterns: Sequence[Pattern]) -> tuple[float, float]:
    """True and found percent of these patterns, each of its own lung. 0 where there is no lung."""
    table = np.asarray(counts, np.float64)
    both = []
    for along in (table.sum(axis=1), table.sum(axis=0)):
        lung = along[1:].sum()
        both.append(100.0 * float(along[list(patterns)].sum()) / lung if lung else 0.0)
    return both[0], both[1]


def ild(engine: Mapping[str, list[list[int]]], which: str = "confusion") -> tuple[float, float]:
    """True and found ILD percent. which: "free" leaves the scan's own abnormalities aside, where it has some."""
    return percents(engine.get(which, engine["confusion"]), default_protocol().ild_patterns)


def fibrosis(engine: Mapping[str, list[list[int]]], which: str = "confusion") -> tuple[float, float]:
    """As `ild`, of fibrosis."""
    return percents(engine.get(which, engine["confusion"]), FIBROSIS)


def _dice(true: Mask, found: Mask) -> float:
    total = int(true.sum()) + int(found.sum())
    return 2.0 * int((true & found).sum()) / total if total else 1.0


def within(seen: Features, keep: Mask) -> Features:
    """Features of the part of the lungs in `keep` (bool [z, y, x] on the full grid), as if it were all there is."""
    share = seen.blocks.mean(keep[seen.box])
    near = seen.near & (share > 0)
    return replace(seen, near=near, share=share, values=seen.values[near[seen.near]])


def part_of(lungs: Lungs, keep: Mask) -> Lungs:
    """The lungs, and their zones and rings, in `keep` alone."""
    regions, zones, rings = (np.where(keep, a, np.uint8(0)) for a in (lungs.regions.labels, lungs.zones, lungs.rings))
    return Lungs(LabelMap(regions, lungs.grid, lungs.regions.names), zones, rings)

