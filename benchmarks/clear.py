"""Clear lungs: what is called disease where there is none.

    ./dev bench clear --data DIR            the real scans and 24 made-up chests
    ./dev bench clear --summary

The real scans are scored by the shipped model, which learned from them, and by the one that never saw them; with their
listed abnormalities (training/ignore.json) and with these left aside. Made-up chests: noise of 10, 20, 30 and 45 HU,
three kernels, 1, 1.25 and 2.5 mm, at full breath and at 0.8 of it. Seeds from 9700.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import cases, engines
from benchmarks.common.engines import BANDS, CHEAP, HAA, HONEST, SHIPPED, ild
from benchmarks.common.figures import table
from benchmarks.common.keep import Row, Work, fingerprint, run
from ssc_hrct import phantom
from training.learn import Fold

NAME, OWN = "clear", Path(__file__)
REAL = ("lidc-0002", "lidc-0001", "4dlung-113")
NOISE_HU = (10.0, 20.0, 30.0, 45.0)
STEPS_MM = (1.0, 1.25, 2.5)
BREATHS = (1.0, 0.8)
USUAL_PERCENT, HARD_PERCENT = 1.0, 1.5
"""Targets: at most so much ILD in each; the second at 45 HU of noise or 2.5 mm."""


@dataclass(frozen=True, slots=True)
class Chest:
    """A clear made-up chest."""

    seed: int
    noise_hu: float
    kernel: str
    step_mm: float
    inspiration: float

    @property
    def target_percent(self) -> float:
        return HARD_PERCENT if self.noise_hu >= max(NOISE_HU) or self.step_mm >= max(STEPS_MM) else USUAL_PERCENT

    @property
    def name(self) -> str:
        return f"phantom_{self.seed}_{self.noise_hu:g}HU_{self.kernel}_{self.step_mm:g}mm_{self.inspiration:g}"


def chests() -> list[Chest]:
    """Every noise with every kernel at both breaths; slices in turn, so that each meets each."""
    found: list[Chest] = []
    for b, breath in enumerate(BREATHS):
        for n, noise_hu in enumerate(NOISE_HU):
            for k, kernel in enumerate(cases.KERNELS):
                step = STEPS_MM[(n + k + b) % len(STEPS_MM)]
                found.append(Chest(cases.CLEAR_SEED + len(found), noise_hu, kernel, step, breath))
    return found


def row(what: tuple[str | Chest, str | None]) -> Row:
    """The row of a scan or of a chest."""
    which, data = what
    if isinstance(which, Chest):
        spec = phantom.ChestSpec(
            shape=(round(310 / which.step_mm), 384, 384), spacing_mm=(which.step_mm, 0.88, 0.88), kernel=which.kernel,
            noise_hu=which.noise_hu, inspiration=which.inspiration,
        )
        made = engines.judged(cases.made_up(which.seed, spec), None)
        return made | {"target_percent": which.target_percent}
    if data is None:
        raise ValueError("a real scan needs its folder")
    honest = engines.held_out(Fold("", which))
    target = USUAL_PERCENT if which == REAL[0] else None
    return engines.judged(cases.real(data, which), honest) | {"target_percent": target}


def works(data: str | None) -> list[Work]:
    scans = REAL if data is not None else ()
    return [
        *(Work(name, fingerprint(OWN, *engines.held_out_files(Fold("", name))), (name, data)) for name in scans),
        *(Work(chest.name, fingerprint(OWN), (chest, None)) for chest in chests()),
    ]


def rows_table(rows: Sequence[Row]) -> str:
    """One line each; behind a semicolon what is left with the listed abnormalities aside."""
    lines = []
    for one in rows:
        target = "" if one["target_percent"] is None else f"at most {one['target_percent']:g}"
        low_high = one["engines"].get(SHIPPED, {}).get("ild_interval", [])
        lines.append([one["name"], target, *(_told(one, e) for e in (SHIPPED, HONEST, CHEAP, BANDS, HAA)),
                      " to ".join(f"{v:.2f}" for v in low_high),
                      "; ".join([*(f"refused: {c}" for c in one["refused"]), *one["cautions"]])])
    return table(["clear lungs", "target, ILD %", "shipped", "never saw this scan", "rules", "bands -750 to 0",
                  "HAA -600 to -250", "interval, shipped", "findings"], lines)


def _told(row: Row, engine: str) -> str:
    if engine not in row["engines"]:
        return ""
    counts = row["engines"][engine]
    return f"{ild(counts)[1]:.2f}" + (f"; {ild(counts, 'free')[1]:.2f} aside" if "free" in counts else "")


def summary(rows: Sequence[Row]) -> str:
    """How many meet their target: made-up chests by the shipped model, the real ones by the one that never saw them."""
    lines = []
    for name, some in (("made-up chests", [r for r in rows if r["name"].startswith("phantom")]),
                       ("real scans with a target", [r for r in rows if not r["name"].startswith("phantom")])):
        asked = [r for r in some if r["target_percent"] is not None and not r["refused"]]
        refused = [str(r["name"]) for r in some if r["refused"]]
        found = [(_best(r), float(r["target_percent"]), str(r["name"])) for r in asked]
        over = [f"{name} ({value:.2f})" for value, target, name in found if value > target]
        if found:
            lines.append(f"{name}: {len(found) - len(over)} of {len(found)} meet the target, largest "
                         f"{max(value for value, _, _ in found):.2f} percent"
                         + (f"; over it: {', '.join(over)}" if over else "")
                         + (f"; refused and not counted: {', '.join(refused)}." if refused else "."))
    return "\n".join(lines)


def _best(row: Row) -> float:
    """ILD percent by the model that never saw the scan where there is one, listed abnormalities aside."""
    found = row["engines"]
    return ild(found.get(HONEST, found[SHIPPED]), "free")[1]


def main(arguments: Sequence[str] | None = None) -> int:
    return run(__doc__, arguments, NAME, works, row, lambda rows, place: f"{rows_table(rows)}\n\n{summary(rows)}")


if __name__ == "__main__":
    sys.exit(main())
