"""How often the 90 percent intervals hold the truth, on over 300 cases.

    ./dev bench intervals --data DIR         200 crops of 100 hosts; the 120 whole chests are the rows of `stratified`
    ./dev bench intervals --summary          the tables again, from the kept rows of both

A crop is the lower 90 mm of one lung, or the upper ones of the other, counted and scored as a scan of its own: its
truth, its extents, its doubt, its intervals; features and calibration are those of the host. Hosts are 4dlung-113,
lidc-0001, lidc-0002 and made-up chests, 25 each; lungs of composites are those of the clear scan, so these crops do
not hold the error of the outline, and the boxes of training/ignore.json are left out of truth and score, for nobody
knows what is true there. Seeds from 9000. Held-out models stand with error bars that were made without the scan too.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import stratified
from benchmarks.common import cases, engines, report
from benchmarks.common.engines import HONEST, SHIPPED, WORDS, Case, Mask, fibrosis, ild
from benchmarks.common.figures import table, told
from benchmarks.common.keep import Row, Work, fingerprint, kept, run, shelf
from ssc_hrct import measure
from ssc_hrct.app.assets import default_protocol, models
from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.lungs import Lungs, Region
from ssc_hrct.core.stats import ImageStats
from ssc_hrct.measure.features import Features, features
from training import cases as training_cases

NAME, OWN = "intervals", Path(__file__)
HOSTS = ("4dlung-113", "lidc-0001", "lidc-0002", cases.PHANTOM)
EACH = 25
LONG_MM = 90.0
BINS = ((0.0, 5.0), (5.0, 20.0), (20.0, 100.0))
FEWEST_VOXELS = 1000


def row(what: tuple[cases.Plan, str | None]) -> Row:
    """The rows of a host's crops: what both models say of them."""
    plan, data = what
    told_of: Row = {"source": plan.source, "renderer": str(plan.renderer), "seed": plan.seed, "refused": [],
                    "cautions": [], "engines": {}}
    try:
        case, lungs = _host(plan, data)
    except HrctError as problem:
        return {"crops": [told_of | {"refused": [problem.code]}] * 2}
    stats = measure.calibrate(case.volume, lungs)
    seen = features(case.volume, lungs, stats)
    both = [_scored(case, lungs, stats, seen, plan, *which) for which in cases.parts(plan.seed)]
    return {"crops": [told_of | one for one in both]}


def _scored(
    case: Case, lungs: Lungs, stats: ImageStats, seen: Features, plan: cases.Plan, side: Region, lower: bool
) -> Row:
    told_of: Row = {"engines": {}}
    keep, there = crop(case, lungs, side, lower)
    part, labels = engines.part_of(lungs, keep), np.where(there, case.labels, np.uint8(0))
    if np.count_nonzero(part.regions.labels) < FEWEST_VOXELS:
        return {"refused": ["NO_LUNG"]}
    few = engines.within(seen, part.mask())
    protocol = default_protocol()
    for name, learned in ((SHIPPED, models()), (HONEST, engines.held_out(plan.fold))):
        if learned is None:
            continue
        engine = measure.TrainedEngine(learned.patterns, protocol.smallest_island_ml, protocol.largest_gap_ml)
        patterns = engine.label(few, case.volume.grid, part.regions.labels)
        told_of["engines"][name] = {
            "confusion": engines.confusion(labels, patterns.labels.labels)
        } | engines.with_intervals(case.volume, part, stats, patterns, learned.error_bars)
    return told_of


def _host(plan: cases.Plan, data: str | None) -> tuple[Case, Lungs]:
    """The case and its lungs: found in made-up chests, those of the clear scan in composites."""
    if plan.source == cases.PHANTOM:
        case = cases.whole(plan, data)
        return case, measure.find_lungs(case.volume)
    if data is None:
        raise ValueError("a composite needs the folder of the real scans")
    made = training_cases.make(cases.recipe(plan), {plan.source: cases.scan(data, plan.source, False)})
    no_label = training_cases.NO_LABEL
    return Case(made.volume, made.labels & np.uint8(no_label - 1), made.labels >= no_label), made.lungs


def crop(case: Case, lungs: Lungs, side: Region, lower: bool) -> tuple[Mask, Mask]:
    """Two of bool [z, y, x]: the found lung of a crop, and all that lies in its slices on its side. Neither holds what
    is to be left aside."""
    own = lungs.regions.labels == side
    other = lungs.mask() & ~own
    slices = np.flatnonzero(own.any(axis=(1, 2)))
    reach = max(1, round(LONG_MM / case.volume.grid.spacing_mm[0]))
    z, x = np.arange(own.shape[0]), np.arange(own.shape[2])
    ends = (z >= slices[0]) & (z < slices[0] + reach) if lower else (z <= slices[-1]) & (z > slices[-1] - reach)
    middle = (_centre(own) + _centre(other)) / 2
    half = (x > middle) == (_centre(own) > middle)
    there = ends[:, None, None] & (own | (half[None, None, :] & ~other))
    if case.aside is not None:
        there &= ~case.aside
    return own & there, there


def _centre(mask: Mask) -> float:
    """Mean column; far to the left where there is nothing."""
    counts = mask.sum(axis=(0, 1))
    return float((counts * np.arange(counts.size)).sum() / counts.sum()) if counts.any() else -float(counts.size)


def works(data: str | None) -> list[Work]:
    hosts = HOSTS if data is not None else (cases.PHANTOM,)
    return [
        Work(p.name, fingerprint(OWN, *engines.held_out_files(p.fold)), (p, data)) for p in cases.crops(hosts, EACH)
    ]


def summary(chests: Sequence[Row], parts: Sequence[Row]) -> str:
    """Coverage of both models' intervals, in all, by the true extent and by the lung. Shares in brackets are binomial
    and take cases for independent; those of one lung are not quite."""
    texts = [f"{len(chests)} whole chests (rows of `stratified`) and {len(parts)} crops; target: 85 to 95 percent."]
    for which in ("ild", "fibrosis"):
        lines = [line for engine in (SHIPPED, HONEST) for line in _lines(chests, parts, engine, which)]
        heads = ["truth within the interval", *(f"{low:g} to {high:g} %" for low, high in BINS), "all"]
        texts.append(f"{'ILD' if which == 'ild' else 'Fibrosis'}, by its true percent:\n\n{table(heads, lines)}")
    return "\n\n".join(texts)


def _lines(chests: Sequence[Row], parts: Sequence[Row], engine: str, which: str) -> list[list[str]]:
    lines = []
    for name, rows in (("whole chests", chests), ("crops", parts), ("both", [*chests, *parts])):
        mine = [r for r in report.scored(rows, engine) if f"{which}_interval" in r["engines"][engine]]
        if mine:
            told_of = [_covered([r for r in mine if low <= _true(r, engine, which) < high], engine, which)
                       for low, high in (*BINS, (0.0, 101.0))]
            lines.append([f"{name}, {WORDS[engine]}", *told_of])
    everything = [r for r in report.scored([*chests, *parts], engine) if f"{which}_interval" in r["engines"][engine]]
    for source in sorted({r["source"] for r in everything}):
        mine = [r for r in everything if r["source"] == source]
        lines.append([f"in {source}, {WORDS[engine]}", *[""] * len(BINS), _covered(mine, engine, which)])
    return lines


def _true(row: Row, engine: str, which: str) -> float:
    return (ild if which == "ild" else fibrosis)(row["engines"][engine])[0]


def _covered(rows: Sequence[Row], engine: str, which: str) -> str:
    return told(report.coverage(rows, engine, which))


def rows_table(rows: Sequence[Row]) -> str:
    """One line a crop, of the headline model."""
    lines = []
    for one in rows:
        name = report.headline(one)
        engine = one["engines"].get(name)
        if engine is None:
            lines.append([one["name"], *[""] * 4, "; ".join(one["refused"])])
            continue
        (true, found), (low, high) = ild(engine), engine["ild_interval"]
        inside = "yes" if low <= true <= high else "no"
        lines.append([one["name"], f"{true:.2f}", f"{found:.2f}", f"{low:.2f} to {high:.2f}", inside, name])
    return table(["crop of", "true ILD %", "ILD %", "90 % interval", "holds", "model"], lines)


def _shown(hosts: list[Row], place: str | None) -> str:
    parts = [one | {"name": f"{host['name']}_{side}"} for host in hosts
             for side, one in zip(("right", "left"), host["crops"], strict=True)]
    wanted = stratified.works(place)
    fresh = {work.name: work.made_with for work in wanted}
    every = kept(shelf(stratified.NAME), wanted)
    chests = [chest for chest in every if chest["made_with"] == fresh[chest["name"]]]
    old = f"{len(every) - len(chests)} chests of other code or models are left out.\n\n"
    return f"{rows_table(parts)}\n\n{old if len(chests) < len(every) else ''}{summary(chests, parts)}"


def main(arguments: Sequence[str] | None = None) -> int:
    return run(__doc__, arguments, NAME, works, row, _shown)


if __name__ == "__main__":
    sys.exit(main())
