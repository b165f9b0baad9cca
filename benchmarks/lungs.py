"""The lung mask against the truth: made-up chests with disease, and disease written into real scans.

    ./dev bench lungs                        both, the scans where they are at hand
    ./dev bench lungs phantoms               chests with up to 35 percent of disease
    ./dev bench lungs composites --data DIR  disease written into lidc-0001 and lidc-0002; the truth is the mask that
                                             was found before

Prints one Markdown row a case: overlap (Dice), percent of the diseased voxels that lie inside the mask, the same for
those deeper than 5 mm under the true surface and for those nearer to it, percent kept of each pattern, tissue that
might have been missed, and processor seconds. Seeds from 7000 on are for this table alone: no limit was chosen on them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time

import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy import SCANS, real
from benchmarks.common.keep import scans_or_say
from ssc_hrct import measure, phantom
from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.lungs import Region, both_lungs
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.volume import Volume
from ssc_hrct.measure.mask_facts import mask_facts
from ssc_hrct.measure.shapes import bounds, distance_mm

EVALUATION_SEED = 7000
SUBPLEURAL_MM = 5.0
ILL = (Pattern.GROUND_GLASS, Pattern.RETICULATION, Pattern.HONEYCOMBING, Pattern.CONSOLIDATION)
THICKNESSES_MM = (0.625, 1.0, 1.25, 2.0, 2.5)
KERNELS = ("standard", "soft", "sharp")
KINDS = ("clear", "uip", "nsip", "uip", "nsip", "consolidation", "patchy")


@dataclass(frozen=True, slots=True)
class Case:
    """regions, patterns: the truth, uint8 [z, y, x]."""

    name: str
    volume: Volume
    regions: NDArray[np.uint8]
    patterns: NDArray[np.uint8]


def disease(kind: str, percent: float) -> phantom.DiseaseSpec | None:
    if kind == "clear":
        return None
    if kind == "consolidation":
        return replace(phantom.PRESETS["nsip"](0.6 * percent), consolidation_percent=0.4 * percent)
    return phantom.PRESETS[kind](percent)


def phantoms(count: int, seed: int) -> Iterator[Case]:
    """Kind, kernel and thickness go round; noise (12 to 45 HU), extent (5 to 35 percent) and breath are drawn."""
    for number in range(count):
        rng = np.random.default_rng(seed + number)
        kind, kernel = KINDS[number % len(KINDS)], KERNELS[number % len(KERNELS)]
        dz = THICKNESSES_MM[number % len(THICKNESSES_MM)]
        noise, extent = float(rng.uniform(12, 45)), float(rng.uniform(5, 35))
        spec = phantom.ChestSpec(
            shape=(round(325 / dz), 360, 440), spacing_mm=(dz, 0.85, 0.85), kernel=kernel, noise_hu=noise,
            disease=disease(kind, extent), inspiration=float(rng.uniform(0.75, 1.0)),
        )
        made = phantom.make_chest(seed + number, spec)
        percent = "" if kind == "clear" else f" {extent:.0f} %"
        name = f"{seed + number} {kind}{percent}, {dz} mm, {kernel}, {noise:.0f} HU"
        yield Case(name, made.volume, made.truth_regions.labels, made.truth_patterns.labels)


def composites(data: Path, count: int, seed: int) -> Iterator[Case]:
    for scan in SCANS:
        volume = real(data, scan)
        lungs = measure.find_lungs(volume)
        fwhm_mm = measure.calibrate(volume, lungs).fwhm_mm or 1.4
        for number in range(count):
            here = seed + 100 * (1 + SCANS.index(scan)) + number
            kind = KINDS[1 + number % (len(KINDS) - 1)]
            extent = float(np.random.default_rng(here).uniform(5, 35))
            spec = disease(kind, extent)
            if spec is not None:
                made = phantom.write_disease(volume, lungs, spec, seed=here, fwhm_mm=fwhm_mm)
                yield Case(f"{scan} + {here} {kind} {extent:.0f} %", made.volume, lungs.regions.labels,
                           made.patterns.labels)


def kept(found: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> float | None:
    total = int(wanted.sum())
    return 100.0 * int((found & wanted).sum()) / total if total else None


def shown(value: float | None, digits: int = 1) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def table(cases: Iterator[Case]) -> None:
    print("| case | Dice | ill kept % | deeper % | subpleural % | GG % | reticulation % | honeycombing % "
          "| consolidation % | airways Dice | missed ml | s |\n|" + "---|" * 12)
    overlaps: list[float] = []
    shares: dict[str, list[float]] = {"ill kept": [], "deeper than 5 mm": [], "subpleural": []}
    for case in cases:
        began = process_time()
        try:
            lungs = measure.find_lungs(case.volume)
        except HrctError as problem:
            print(f"| {case.name} | refused: {problem.code} |", flush=True)
            overlaps.append(0.0)
            continue
        seconds = process_time() - began
        true = both_lungs(case.regions)
        found = lungs.mask()
        overlap = dice(true, found)
        ill = np.isin(case.patterns, ILL) & true
        box = bounds(true)
        rim = np.zeros_like(true)
        depth = distance_mm(true[box], case.volume.grid.spacing_mm)
        rim[box] = (depth > 0) & (depth <= SUBPLEURAL_MM)
        some = [kept(found, where) for where in (ill, ill & ~rim, ill & rim)]
        parts = " | ".join(shown(kept(found, (case.patterns == pattern) & true)) for pattern in ILL)
        airways = dice(case.regions == Region.AIRWAYS, lungs.regions.labels == Region.AIRWAYS)
        missed = mask_facts(lungs, case.volume).missed_ml
        print(f"| {case.name} | {overlap:.4f} | {' | '.join(map(shown, some))} | {parts} | {airways:.2f} "
              f"| {shown(missed, 0)} | {seconds:.1f} |", flush=True)
        overlaps.append(overlap)
        for known, value in zip(shares.values(), some, strict=True):
            known += [] if value is None else [value]
    if overlaps:
        print(f"\n{len(overlaps)} cases: Dice mean {np.mean(overlaps):.4f}, worst {np.min(overlaps):.4f}")
        for what, values in shares.items():
            if values:
                print(f"{what}: mean {np.mean(values):.1f}, worst {np.min(values):.1f} percent")
        print()


def dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return 2.0 * float((one & other).sum()) / max(1.0, float(one.sum() + other.sum()))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="all", choices=("all", "phantoms", "composites"))
    parser.add_argument("--data", type=Path, help="folder with ct/lidc-0001 and so on")
    parser.add_argument("--count", type=int, default=14, help="made-up chests; half as many composites in each scan")
    parser.add_argument("--seed", type=int, default=EVALUATION_SEED)
    args = parser.parse_args(arguments)
    if args.what in ("all", "phantoms"):
        table(phantoms(args.count, args.seed))
    if args.what == "phantoms":
        return 0
    data = scans_or_say(args.data)
    if data is None:
        return 0 if args.what == "all" else 2
    table(composites(data, max(1, args.count // 2), args.seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
