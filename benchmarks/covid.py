"""Real lesions: covid-p002, a scan that nothing was learned from, against its readers' labels.

    ./dev bench covid --data DIR

Three radiologists said of each slice whether it shows infection; no outline exists. So the order of the slices by how
much of their lung is called disease is held against the labels (area under the curve), and the side that readers call
free has to stay so. How much is told in two ways: percent of the slice's lung, in which the last centilitres of the
bases weigh as much as the middle of the chest, and ml in the slice, which is nearer to what an eye sees. Labels are
laid beside slices by their height in mm; upside down the area must fall, which shows that the order is right.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import numpy as np
from numpy.typing import NDArray

from benchmarks.common.engines import BAND_HU, WORDS, Labels, band_labels
from benchmarks.common.figures import area_under_curve, table
from benchmarks.common.keep import options, scans_or_say
from ssc_hrct import dicom, measure, quality
from ssc_hrct.app.assets import default_protocol, models
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Lungs, Region
from ssc_hrct.core.volume import Volume

SCAN, LABELS = "covid-p002", "covid-p002-reader-labels.csv"
HEIGHT_TOLERANCE_MM = 0.5


@dataclass(frozen=True, slots=True)
class Found:
    """slices: percent of the lung in each slice; ml: in each slice. right, left, both: percent of the lung; seconds:
    CPU seconds of the engine."""

    slices: list[float]
    ml: list[float]
    right: float
    left: float
    both: float
    seconds: float


def labels_by_slice(file: Path, grid: Grid) -> list[bool]:
    """Infection by slice index. Raises ValueError where a slice has no label at its height."""
    with file.open(encoding="utf-8", newline="") as opened:
        told = {float(line["z_mm"]): line["infection"] == "1" for line in csv.DictReader(opened)}
    return [_nearest(told, float(grid.to_lps_mm((float(k), 0.0, 0.0))[2])) for k in range(grid.shape[0])]


def _nearest(told: Mapping[float, bool], z_mm: float) -> bool:
    height = min(told, key=lambda z: abs(z - z_mm))
    if abs(height - z_mm) > HEIGHT_TOLERANCE_MM:
        raise ValueError(f"no reader's label at {z_mm:.1f} mm")
    return told[height]


def found(labels: Labels, lungs: Lungs, seconds: float) -> Found:
    """What labels of `Pattern` come to."""
    diseased = np.isin(labels, default_protocol().ild_patterns)
    regions = lungs.regions.labels
    lung, ill = lungs.mask(), diseased & lungs.mask()
    counts, all_lung = ill.sum(axis=(1, 2)), lung.sum(axis=(1, 2))
    slices = [float(v) for v in 100 * counts / np.maximum(all_lung, 1)]
    ml = [float(v) for v in counts * lungs.grid.voxel_ml]
    return Found(slices, ml, _percent(ill, regions == Region.RIGHT_LUNG), _percent(ill, regions == Region.LEFT_LUNG),
                 _percent(ill, lung), seconds)


def _percent(ill: NDArray[np.bool_], lung: NDArray[np.bool_]) -> float:
    return 100.0 * int((ill & lung).sum()) / max(int(lung.sum()), 1)


def all_engines(volume: Volume, lungs: Lungs) -> dict[str, Found]:
    """The scan by each engine; the shipped model never saw it."""
    protocol = default_protocol()
    stats = measure.calibrate(volume, lungs)
    sizes = (protocol.smallest_island_ml, protocol.largest_gap_ml)
    told = {}
    for name, engine in (("shipped", measure.TrainedEngine(models().patterns, *sizes)),
                         ("cheap", measure.CheapEngine(*sizes))):
        began = process_time()
        patterns = engine.classify(volume, lungs, stats)
        told[name] = found(patterns.labels.labels, lungs, process_time() - began)
    for name, (low, high) in BAND_HU.items():
        began = process_time()
        labels = band_labels(volume, lungs, low, high)
        told[name] = found(labels, lungs, process_time() - began)
    return told


def lines(told: Mapping[str, Found], infected: Sequence[bool], with_lung: Sequence[bool]) -> list[list[str]]:
    """One line an engine. with_lung: slices that hold any lung."""
    rows = [["*target*", "at least 0.95", "", "", "", "at most 2", "", "", ""]]
    for name, one in told.items():
        seen = [(s, y) for s, y, lung in zip(one.slices, infected, with_lung, strict=True) if lung]
        areas = (
            area_under_curve(one.slices, infected), area_under_curve([s for s, _ in seen], [y for _, y in seen]),
            area_under_curve(one.ml, infected), area_under_curve(one.ml, list(reversed(infected))),
        )
        rows.append([WORDS[name], *("" if a is None else f"{a:.3f}" for a in areas), f"{one.right:.2f}",
                     f"{one.left:.2f}", f"{one.both:.2f}", f"{one.seconds:.1f}"])
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    args = options(__doc__ or "").parse_args(arguments)
    data = scans_or_say(args.data)
    if data is None:
        return 0
    if not (data / "ct" / SCAN).is_dir():
        print(f"{SCAN} is not among the scans.", file=sys.stderr)
        return 2
    protocol = default_protocol()
    (choice,) = dicom.choose(
        dicom.find([data / "ct" / SCAN]).series, lambda facts: quality.check_header(facts, protocol)
    )
    volume = dicom.load(choice.scan)
    infected = labels_by_slice(data / "ct" / LABELS, volume.grid)
    lungs = measure.find_lungs(volume)
    mask = lungs.mask()
    with_lung = [bool(mask[k].any()) for k in range(len(mask))]
    print(f"{SCAN}: {sum(infected)} of {len(infected)} slices labelled, {sum(with_lung)} slices with lung.\n")
    print(table(["engine", "area under the curve, percent, all slices", "percent, slices with lung", "ml, all slices",
                 "ml, labels upside down", "right lung %", "left lung %", "both %", "CPU seconds"],
                lines(all_engines(volume, lungs), infected, with_lung)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
