"""The same chest measured twice: how far the extents scatter when nothing in the lung has changed.

    ./dev bench retest                       made-up chests; with --data DIR also lidc-0002
    ./dev bench retest --summary

New noise: the same chest without noise, noise of two seeds added. Slices: one seed drawn with 1 and with 1.25 mm.
Kernel: soft, and sharp with twice the noise, as of one exposure. 12 cases each; in lidc-0002, where they are at hand,
one in three: its own noise is in both, and its kernel is blurred or sharpened. SD of one measurement is the SD of the
differences over the root of two. Seeds from 9500.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.common import cases, engines
from benchmarks.common.engines import ENGINES, SHIPPED, WORDS, Case, fibrosis, ild
from benchmarks.common.figures import repeat, table
from benchmarks.common.keep import Row, Work, fingerprint, run
from ssc_hrct import phantom

NAME, OWN = "retest", Path(__file__)
KINDS = {"noise": 0.4, "slices": 0.7, "kernel": 1.2}
"""What differs, and the SD in points that it may bring."""
SAID = {"noise": "new noise", "slices": "1 against 1.25 mm", "kernel": "soft against sharp kernel"}
EACH = 12
HOST = "lidc-0002"
SHAPE_MM, PIXELS, PIXEL_MM = 310, 384, 0.88


def row(what: tuple[str, cases.Plan, str | None]) -> Row:
    """Both measurements of a case."""
    kind, plan, data = what
    made = pair(kind, plan, data)
    honest = engines.held_out(plan.fold)
    first, second = (engines.judged(case, honest) for case in made)
    both = [e for e in ENGINES if e in first["engines"] and e in second["engines"]]
    return {
        "kind": kind, "source": plan.source, "refused": [*first["refused"], *second["refused"]],
        "true_ild": [ild(one["engines"][SHIPPED])[0] for one in (first, second)] if both else None,
        "ild": {e: [ild(one["engines"][e])[1] for one in (first, second)] for e in both},
        "fibrosis": {e: [fibrosis(one["engines"][e])[1] for one in (first, second)] for e in both},
    }


def pair(kind: str, plan: cases.Plan, data: str | None) -> tuple[Case, Case]:
    """The same chest twice."""
    rng = np.random.default_rng((plan.seed, 5))
    noise_hu = float(rng.uniform(12, 28))
    if plan.source != cases.PHANTOM and data is not None:
        return _composites(kind, plan, data, noise_hu)
    kernel = "soft" if kind == "kernel" else str(rng.choice(cases.KERNELS))
    chest = _chest(plan, 1.0 if kind != "noise" else float(rng.choice([1.0, 1.5, 2.0])), kernel, noise_hu)
    if kind == "noise":
        quiet = cases.made_up(plan.seed, replace(chest, noise_hu=0.0))
        return (cases.noisier(quiet, 2 * plan.seed, noise_hu, kernel),
                cases.noisier(quiet, 2 * plan.seed + 1, noise_hu, kernel))
    other = _chest(plan, 1.25, kernel, noise_hu) if kind == "slices" else replace(
        chest, kernel="sharp", noise_hu=2 * noise_hu
    )
    return cases.made_up(plan.seed, chest), cases.made_up(plan.seed, other)


def _chest(plan: cases.Plan, step_mm: float, kernel: str, noise_hu: float) -> phantom.ChestSpec:
    return phantom.ChestSpec(
        shape=(round(SHAPE_MM / step_mm), PIXELS, PIXELS), spacing_mm=(step_mm, PIXEL_MM, PIXEL_MM), kernel=kernel,
        noise_hu=noise_hu, renderer=plan.renderer, disease=phantom.varied_disease(plan.seed, plan.extent_percent),
    )


def _composites(kind: str, plan: cases.Plan, data: str, noise_hu: float) -> tuple[Case, Case]:
    host = cases.scan(data, plan.source, True)
    written = phantom.write_disease(
        host.volume, host.lungs, phantom.varied_disease(plan.seed, plan.extent_percent), seed=plan.seed,
        fwhm_mm=host.fwhm_mm, renderer=plan.renderer,
    )
    case = Case(written.volume, written.patterns.labels)
    if kind == "noise":
        return (cases.noisier(case, 2 * plan.seed, noise_hu, "standard"),
                cases.noisier(case, 2 * plan.seed + 1, noise_hu, "standard"))
    soft = phantom.rescan(case.volume, seed=plan.seed, blur_mm=1.0)
    sharp = phantom.rescan(case.volume, seed=plan.seed, sharpen=0.8, noise_hu=noise_hu, noise_kernel="sharp")
    return replace(case, volume=soft), replace(case, volume=sharp)


def works(data: str | None) -> list[Work]:
    found = []
    for k, kind in enumerate(KINDS):
        for i in range(EACH):
            in_scan = data is not None and i % 3 == 2 and kind != "slices"
            plan = cases.plan(HOST if in_scan else cases.PHANTOM, i % 2, cases.RETEST_SEED + 50 * k + i, i // 2 % 4)
            made_with = fingerprint(OWN, *engines.held_out_files(plan.fold))
            found.append(Work(f"{kind}_{plan.name}", made_with, (kind, plan, data)))
    return found


def summary(rows: Sequence[Row]) -> str:
    """SD of one measurement, and the mean difference, of each engine."""
    lines = []
    for kind, target in KINDS.items():
        mine = [r for r in rows if r["kind"] == kind and not r["refused"]]
        lines.append([SAID[kind], str(len(mine)), f"SD at most {target:g}", *(_told(mine, e, "ild") for e in ENGINES),
                      _told(mine, SHIPPED, "fibrosis")])
    heads = ["what differs", "cases", "target", *(f"{WORDS[e]}: SD (mean difference)" for e in ENGINES),
             "fibrosis, shipped"]
    return table(heads, lines)


def _told(rows: Sequence[Row], engine: str, which: str) -> str:
    pairs = [row[which][engine] for row in rows if engine in row[which]]
    found = repeat([a for a, _ in pairs], [b for _, b in pairs])
    return "" if found is None else f"{found.sd:.2f} ({found.shift:+.2f})"


def rows_table(rows: Sequence[Row]) -> str:
    """One line a case: both measurements."""
    lines = []
    for one in rows:
        true = one["true_ild"]
        lines.append([one["name"], "" if true is None else f"{true[0]:.2f}", *(_two(one, e) for e in ENGINES),
                      "; ".join(one["refused"])])
    return table(["case", "true ILD %", *(f"{e} ILD %" for e in ENGINES), "refused"], lines)


def _two(row: Row, engine: str) -> str:
    return "; ".join(f"{v:.2f}" for v in row["ild"].get(engine, []))


def main(arguments: Sequence[str] | None = None) -> int:
    return run(__doc__, arguments, NAME, works, row, lambda rows, place: f"{rows_table(rows)}\n\n{summary(rows)}")


if __name__ == "__main__":
    sys.exit(main())
