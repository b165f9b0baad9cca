"""The 120 cases of known truth, 30 for each grade: how right the extents are, beside what one would use instead.

    ./dev bench stratified --data DIR             all; about 40 minutes on two idle cores
    ./dev bench stratified --cases 8              some of them, to try it
    ./dev bench stratified --summary              the tables again, from the kept rows

60 made-up chests and 60 composites in lidc-0001 and lidc-0002, both renderers, 0 to 5, 5 to 10, 10 to 20 and 20 to 40
percent ILD. Each goes the whole way: lungs of the diseased volume, calibration, patterns, extents, intervals. The
headline is the honest model's: the one that learned from the other renderer and never from that scan. The real scans'
own few abnormalities count as error; two lines say what is left without them. Seeds from 8000.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common import cases, engines, report
from benchmarks.common.keep import Row, Work, fingerprint, run

NAME, OWN = "stratified", Path(__file__)


def row(what: tuple[cases.Plan, str | None]) -> Row:
    """The row of a case."""
    plan, data = what
    case = cases.whole(plan, data)
    honest = engines.held_out(plan.fold)
    made = engines.judged(case, honest)
    return made | {
        "source": plan.source, "renderer": str(plan.renderer), "seed": plan.seed, "stratum": plan.stratum,
        "fold": plan.fold.name if honest else None,
    }


def works(data: str | None) -> list[Work]:
    return [
        Work(plan.name, fingerprint(OWN, *engines.held_out_files(plan.fold)), (plan, data))
        for plan in cases.stratified(data is not None)
    ]


def _shown(rows: list[Row], place: str | None) -> str:
    return f"{report.rows_table(rows)}\n\n{report.summary(rows)}"


def main(arguments: Sequence[str] | None = None) -> int:
    return run(__doc__, arguments, NAME, works, row, _shown)


if __name__ == "__main__":
    sys.exit(main())
