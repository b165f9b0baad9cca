"""The tables of the stratified cases, from their rows alone: a row a case, then each engine against its targets.

In: rows as `engines.judged` makes them. Out: Markdown. A scan that was refused gives a user no number: it stands in the
rows, is counted, and is in no error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import cases
from benchmarks.common.engines import ENGINES, HONEST, SHIPPED, WORDS, fibrosis, ild
from benchmarks.common.figures import Errors, Share, covered, errors, severity_right, table, told
from benchmarks.common.keep import Row
from ssc_hrct.app.assets import default_protocol
from ssc_hrct.core.patterns import Pattern

WORST = 6
_SPLIT = (SHIPPED, HONEST, "cheap")
"""Engines that tell fibrosis from ground glass."""


def rows_table(rows: Sequence[Row]) -> str:
    """One line a case; ILD percent of each engine."""
    heads = ["case", "mm", "noise HU", "true ILD %", *(f"{e} ILD %" for e in ENGINES), "interval", "true fibrosis %",
             "shipped fibrosis %", "honest fibrosis %", "lung Dice", "findings"]
    return table(heads, [_line(row) for row in rows])


def _line(row: Row) -> list[str]:
    told_of = [*(f"refused: {c}" for c in row["refused"]), *row["cautions"]]
    any_engine = next(iter(row["engines"].values()), None)
    if any_engine is None:
        return [row["name"], *[""] * (len(ENGINES) + 8), "; ".join(told_of)]
    shipped = row["engines"].get(SHIPPED, {})
    low_high = " to ".join(f"{v:.1f}" for v in shipped.get("ild_interval", []))
    return [
        row["name"], _number(row["thickness_mm"], 2), _number(row["noise_hu"], 0), f"{ild(any_engine)[0]:.2f}",
        *(_found(row, e, lambda engine: ild(engine)[1]) for e in ENGINES), low_high,
        f"{fibrosis(any_engine)[0]:.2f}",
        *(_found(row, e, lambda engine: fibrosis(engine)[1]) for e in (SHIPPED, HONEST)),
        f"{row['dice']:.3f}", "; ".join(told_of),
    ]


def _found(row: Row, engine: str, value: Callable[[Row], float]) -> str:
    return f"{value(row['engines'][engine]):.2f}" if engine in row["engines"] else ""


def _number(value: float | None, places: int) -> str:
    return "" if value is None else f"{value:.{places}f}"


def scored(rows: Sequence[Row], engine: str) -> list[Row]:
    """Rows of scans that were not refused and that this engine scored."""
    return [row for row in rows if not row["refused"] and engine in row["engines"]]


def summary(rows: Sequence[Row]) -> str:
    """All that the rows say, with the targets beside."""
    if not rows:
        return "No rows are kept."
    refused = [row for row in rows if row["refused"]]
    parts = [
        f"{len(rows)} cases" + (f", {len(refused)} refused: {', '.join(r['name'] for r in refused)}." if refused
                                else ", none refused."),
    ]
    if not any(HONEST in row["engines"] for row in rows):
        parts.append("The models of the folds are not in training/models: what follows is the shipped model, which "
                     "learned from both renderers and these lungs. The headline is still to come.")
    parts += [_errors(rows), _folds(rows), _places(rows), _coverage(rows), _patterns(rows), _seconds(rows),
              _worst(rows)]
    return "\n\n".join(p for p in parts if p)


def _errors(rows: Sequence[Row]) -> str:
    """Each engine on all cases, then ours again with the composites' own abnormalities aside, in truth and found."""
    aside = any("free" in engine for row in rows for engine in row["engines"].values())
    lines = [["*target*", "", "within 0.5", "at most 1.2", "within 3.5", "", "at most 2", "97 %"]]
    lines += [_error(rows, engine, "confusion") for engine in ENGINES if scored(rows, engine)]
    lines += [_error(rows, engine, "free") for engine in (SHIPPED, HONEST) if aside and scored(rows, engine)]
    heads = ["engine", "cases", "ILD bias", "mean absolute", "95 % within", "largest", "fibrosis mean absolute",
             "severity right over 1.5 points from a bound"]
    note = "\n\nOwn aside: without the boxes of training/ignore.json, what the scans of the composites had before."
    return table(heads, lines) + (note if aside else "")


def _error(rows: Sequence[Row], engine: str, which: str) -> list[str]:
    mine = scored(rows, engine)
    true, found = _both(mine, engine, lambda e: ild(e, which))
    off = errors(found, true)
    split = errors(*reversed(_both(mine, engine, lambda e: fibrosis(e, which)))) if engine in _SPLIT else None
    return [
        WORDS[engine] + (", own aside" if which == "free" else ""), *_of(off),
        "" if split is None else f"{split.mean_absolute:.2f} (bias {split.bias:+.2f})",
        told(severity_right(found, true, default_protocol().severity_bounds)),
    ]


def _of(off: Errors | None) -> list[str]:
    if off is None:
        return [""] * 5
    return [str(off.cases), f"{off.bias:+.2f}", f"{off.mean_absolute:.2f}", f"{off.within_95:.2f}",
            f"{off.largest:.2f}"]


def _folds(rows: Sequence[Row]) -> str:
    """The held-out models one by one, worst first: that one is the headline."""
    found = []
    for source, renderer in sorted({(r["source"], r["renderer"]) for r in rows}):
        mine = [r for r in scored(rows, HONEST) if (r["source"], r["renderer"]) == (source, renderer)]
        off = errors(*reversed(_both(mine, HONEST)))
        split = errors(*reversed(_both(mine, HONEST, fibrosis)))
        if off is not None and split is not None:
            found.append((off.mean_absolute, [
                f"{renderer} in {source}", *_of(off), f"{split.mean_absolute:.2f}",
            ]))
    lines = [line for _, line in sorted(found, key=lambda one: -one[0])]
    heads = ["held out", "cases", "ILD bias", "mean absolute", "95 % within", "largest", "fibrosis mean absolute"]
    return f"Each held-out model on what it did not learn from, worst first:\n\n{table(heads, lines)}" if lines else ""


def _both(
    rows: Sequence[Row], engine: str, value: Callable[[Row], tuple[float, float]] = ild
) -> tuple[list[float], list[float]]:
    pairs = [value(row["engines"][engine]) for row in rows]
    return [t for t, _ in pairs], [f for _, f in pairs]


def groups(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    """The rows by truth, renderer and source."""
    for stratum, (low, high) in enumerate(cases.STRATA):
        yield f"truth {low:g} to {high:g} %", [r for r in rows if r["stratum"] == stratum]
    for key in ("renderer", "source"):
        for value in sorted({r[key] for r in rows}):
            yield value, [r for r in rows if r[key] == value]


def _places(rows: Sequence[Row]) -> str:
    """Bias and mean absolute error of each engine in each group."""
    lines = []
    for name, some in groups(rows):
        line = [name, str(len(some))]
        for engine in ENGINES:
            true, found = _both(scored(some, engine), engine)
            off = errors(found, true)
            line.append("" if off is None else f"{off.bias:+.2f}, {off.mean_absolute:.2f}")
        lines.append(line)
    return "ILD bias and mean absolute error:\n\n" + table(["group", "cases", *ENGINES], lines)


def _coverage(rows: Sequence[Row]) -> str:
    lines = [["*target*", "85 to 95 %", "85 to 95 %", ""]]
    for engine in (SHIPPED, HONEST):
        mine = [r for r in scored(rows, engine) if "ild_interval" in r["engines"][engine]]
        if mine:
            lines.append([WORDS[engine], told(coverage(mine, engine, "ild")), told(coverage(mine, engine, "fibrosis")),
                          f"{np.median(widths(mine, engine)):.1f} points"])
    return table(["truth within the 90 % interval", "ILD", "fibrosis", "median width, ILD"], lines)


def coverage(rows: Sequence[Row], engine: str, which: str) -> Share:
    """How many intervals hold the truth. which: "ild" or "fibrosis"."""
    value = ild if which == "ild" else fibrosis
    intervals = [tuple(row["engines"][engine][f"{which}_interval"]) for row in rows]
    return covered(intervals, [value(row["engines"][engine])[0] for row in rows])


def widths(rows: Sequence[Row], engine: str) -> list[float]:
    """Points from end to end of the ILD intervals."""
    return [high - low for low, high in (row["engines"][engine]["ild_interval"] for row in rows)]


def _patterns(rows: Sequence[Row]) -> str:
    """Where each true pattern went, in percent of it, and how much lung that is, over all cases alike."""
    parts = []
    for engine in (SHIPPED, HONEST):
        mine = scored(rows, engine)
        if mine:
            parts.append(f"What each true pattern was called, {WORDS[engine]}; percent of the lung, mean of the cases:"
                         f"\n\n{_confused(mine, engine)}")
    return "\n\n".join(parts)


def _confused(rows: Sequence[Row], engine: str) -> str:
    mean = np.mean([_of_lung(row["engines"][engine]["confusion"]) for row in rows], axis=0)
    words = ["outside the lungs", *(p.word.replace("_", " ") for p in Pattern if p)]
    lines = [[f"true {words[p]}", *(f"{mean[p, q]:.2f}" for q in Pattern)] for p in Pattern]
    return table(["", *words], lines)


def _of_lung(confusion: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    counts = np.asarray(confusion, np.float64)
    return np.asarray(100 * counts / max(counts[1:].sum(), 1))


def _seconds(rows: Sequence[Row]) -> str:
    """Median CPU seconds of what all engines need, and of each engine beside."""
    parts = [row for row in rows if "seconds" in row]
    if not parts:
        return ""
    shared = {name: float(np.median([r["seconds"][name] for r in parts])) for name in parts[0]["seconds"]}
    lines = [[name, f"{value:.2f}"] for name, value in shared.items()]
    for engine in ENGINES:
        spent = [r["engines"][engine]["seconds"] for r in parts if engine in r["engines"]]
        if spent:
            lines.append([WORDS[engine] + (", after features" if engine in (SHIPPED, HONEST) else ""),
                          f"{float(np.median(spent)):.2f}"])
    return table(["step", "CPU seconds, median"], lines)


def headline(row: Row) -> str:
    """The engine that a case is judged by: the honest one where it is there."""
    return HONEST if HONEST in row["engines"] else SHIPPED


def worst(rows: Sequence[Row], count: int = WORST) -> list[Row]:
    """The cases with the largest ILD errors of the headline engine, worst first."""
    judged = [row for row in rows if not row["refused"] and headline(row) in row["engines"]]
    return sorted(judged, key=lambda row: (-abs(off_by(row)), row["name"]))[:count]


def off_by(row: Row) -> float:
    true, found = ild(row["engines"][headline(row)])
    return found - true


def _worst(rows: Sequence[Row]) -> str:
    lines = [f"- {row['name']}: {ild(row['engines'][headline(row)])[0]:.2f} is {off_by(row):+.2f} off "
             f"({WORDS[headline(row)]})" for row in worst(rows)]
    return "Worst cases:\n\n" + "\n".join(lines) if lines else ""
