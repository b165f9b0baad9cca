"""Truth against score: made-up chests, disease written into real scans, and the real scans as they are.

    ./dev bench accuracy                       all of these, the scans where they are at hand
    ./dev bench accuracy phantoms              chests of 0, 3, 8, 15 and 30 percent ILD
    ./dev bench accuracy composites --data DIR disease written into lidc-0001 and lidc-0002
    ./dev bench accuracy scans --data DIR      the real scans, untouched

The scans are looked for in --data, else in SSC_HRCT_DATA, else in ../shared/data beside the repository. Prints one
Markdown row a case and a summary. Seeds from EVALUATION_SEED on are for this table alone: no limit of the engine was
chosen on them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.common.keep import scans_or_say
from ssc_hrct import dicom, measure, phantom, quality
from ssc_hrct.app.assets import default_protocol, models
from ssc_hrct.app.score import Scored, score_volume
from ssc_hrct.core.grade import Severity, grade
from ssc_hrct.core.lungs import Region, Zone
from ssc_hrct.core.numbers import percent, rounded
from ssc_hrct.core.patterns import FIBROSIS, Pattern
from ssc_hrct.core.subject import BASELINE
from ssc_hrct.core.volume import LabelMap, Volume

EVALUATION_SEED = 7600
EXTENTS = (0.0, 3.0, 8.0, 15.0, 30.0)
SCANS = ("lidc-0001", "lidc-0002")
KERNELS = ("standard", "soft", "sharp")


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    volume: Volume
    patterns: LabelMap
    regions: LabelMap


def score(volume: Volume) -> Scored:
    return score_volume(
        volume, subject_id="benchmark", visit=BASELINE, protocol=default_protocol(), models=models(),
        now=lambda: datetime.now(UTC),
    )


def phantoms(repeats: int) -> Iterator[Case]:
    """One chest per extent and repeat; kernel, noise and disease change with the seed."""
    for repeat in range(repeats):
        for extent in EXTENTS:
            seed = EVALUATION_SEED + 100 * repeat + int(extent)
            rng = np.random.default_rng(seed)
            disease = phantom.random_disease(seed, extent) if extent else None
            spec = phantom.ChestSpec(
                shape=(260, 400, 400), spacing_mm=(1.25, 0.85, 0.85), kernel=KERNELS[repeat % 3],
                noise_hu=float(rng.uniform(12, 35)), disease=disease,
            )
            made = phantom.make_chest(seed, spec)
            yield Case(f"phantom {seed}, {spec.kernel}, {spec.noise_hu:.0f} HU", made.volume, made.truth_patterns,
                       made.truth_regions)


def real(data: Path, name: str) -> Volume:
    (choice,) = dicom.choose(
        dicom.find([data / "ct" / name]).series, lambda facts: quality.check_header(facts, default_protocol())
    )
    return dicom.load(choice.scan)


def composites(data: Path, repeats: int) -> Iterator[Case]:
    """Disease written into real lungs read as free of ILD (their few listed abnormalities stay in)."""
    for name in SCANS:
        volume = real(data, name)
        lungs = measure.find_lungs(volume)
        fwhm_mm = measure.calibrate(volume, lungs).fwhm_mm or 1.4
        for repeat in range(repeats):
            for extent in EXTENTS[1:]:
                seed = EVALUATION_SEED + 100 * repeat + int(extent) + 50 * SCANS.index(name)
                made = phantom.write_disease(
                    volume, lungs, phantom.random_disease(seed, extent), seed=seed, fwhm_mm=fwhm_mm
                )
                yield Case(f"{name} + seed {seed}", made.volume, made.patterns, lungs.regions)


def truth_percent(case: Case, patterns: tuple[Pattern, ...]) -> float:
    lung = np.isin(case.regions.labels, (Region.RIGHT_LUNG, Region.LEFT_LUNG))
    counts = np.bincount(case.patterns.labels[lung], minlength=len(Pattern))
    return float(percent(int(sum(counts[p] for p in patterns)), int(lung.sum())) or 0)


def dice(case: Case, scored: Scored) -> float | None:
    if scored.lungs is None:
        return None
    true = np.isin(case.regions.labels, (Region.RIGHT_LUNG, Region.LEFT_LUNG))
    found = scored.lungs.mask()
    return 2.0 * float((true & found).sum()) / float(true.sum() + found.sum())


def table(cases: Iterator[Case], show_dice: bool) -> int:
    """Print rows as they come, then the summary. Returns how many severities were wrong."""
    protocol = default_protocol()
    print("| case | true ILD % | ILD % | true fibrosis % | fibrosis % | true severity | severity | lung Dice | s |")
    print("|---|---|---|---|---|---|---|---|---|")
    errors, fibrosis_errors, wrong, count = [], [], 0, 0
    for case in cases:
        started = perf_counter()
        scored = score(case.volume)
        seconds = perf_counter() - started
        count += 1
        true_ild, true_fibrosis = truth_percent(case, protocol.ild_patterns), truth_percent(case, FIBROSIS)
        severity = true_grade(true_ild)
        extents = scored.score.extents
        overlap = dice(case, scored) if show_dice else None
        if extents is None:
            print(f"| {case.name} | {true_ild:.2f} | refused: {';'.join(f.code for f in scored.score.findings)} |")
            wrong += 1
            continue
        ild, fibrosis = float(extents.ild_percent or 0), float(extents.fibrosis_percent or 0)
        errors.append(ild - true_ild)
        fibrosis_errors.append(fibrosis - true_fibrosis)
        wrong += scored.score.severity is not severity
        print(
            f"| {case.name} | {true_ild:.2f} | {ild:.2f} | {true_fibrosis:.2f} | {fibrosis:.2f} | {severity} "
            f"| {scored.score.severity} | {'' if overlap is None else f'{overlap:.3f}'} | {seconds:.1f} |",
            flush=True,
        )
    if errors:
        e, f = np.array(errors), np.array(fibrosis_errors)
        print(
            f"\n{count} cases: ILD bias {e.mean():+.2f}, mean absolute error {np.abs(e).mean():.2f}, largest "
            f"{np.abs(e).max():.2f} points; fibrosis mean absolute error {np.abs(f).mean():.2f} points; "
            f"severity right in {count - wrong} of {count}."
        )
    return wrong


def true_grade(ild_percent: float) -> Severity:
    return grade(rounded(ild_percent, 2), default_protocol().severity_bounds)


def scans(data: Path) -> None:
    print("| scan | status | ILD % | fibrosis % | right lung ILD % | left lung ILD % | lung ml | reasons |")
    print("|---|---|---|---|---|---|---|---|")
    for folder in sorted(p for p in (data / "ct").iterdir() if p.is_dir()):
        result = score(real(data, folder.name)).score
        extents = result.extents
        reasons = ";".join(f.code for f in result.findings)
        if extents is None:
            print(f"| {folder.name} | {result.status} | | | | | | {reasons} |")
            continue
        right, left = (extents.percent(extents.ild_patterns, side) for side in lung_sides())
        print(
            f"| {folder.name} | {result.status} | {extents.ild_percent} | {extents.fibrosis_percent} | {right} "
            f"| {left} | {extents.ml()} | {reasons} |", flush=True,
        )


def lung_sides() -> tuple[tuple[Zone, ...], tuple[Zone, ...]]:
    return tuple(Zone)[:3], tuple(Zone)[3:]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="all", choices=("all", "phantoms", "composites", "scans"))
    parser.add_argument("--data", type=Path, help="folder with ct/lidc-0001 and so on")
    parser.add_argument("--repeats", type=int, default=2)
    args = parser.parse_args(arguments)
    if args.what in ("all", "phantoms"):
        table(phantoms(args.repeats), show_dice=True)
    if args.what == "phantoms":
        return 0
    data = scans_or_say(args.data)
    if data is None:
        return 0 if args.what == "all" else 2
    if args.what in ("all", "composites"):
        table(composites(data, args.repeats), show_dice=False)
    if args.what in ("all", "scans"):
        scans(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
