"""The 120 cases of known truth, 30 for each grade: how right the extents are, beside what one would use instead.

    ./dev bench stratified --data DIR             all; about 40 minutes on two idle cores
    ./dev bench stratified --cases 8              some of them, to try it
    ./dev bench stratified --summary              the tables again, from the kept rows

60 made-up chests and 60 composites in lidc-0001 and lidc-0002, both renderers, 0 to 5, 5 to 10, 10 to 20 and 20 to 40
percent ILD. Each goes the whole way: lungs of the diseased volume, calibration, patterns, extents, intervals. The
headline is the honest model's: the one that learned from the other renderer and never from that scan. The real scans'
own few abnormalities count as error; a line says what is left without them. Seeds from 8000.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks.common import cases, engines, report
from benchmarks.common.keep import Row, Work, data_folder, fingerprint, options, rows_for, say_no_scans

NAME = "stratified"


def row(what: tuple[cases.Plan, str | None]) -> Row:
    """The row of a case."""
    plan, data = what
    case = cases.whole(plan, data)
    honest = plan.honest_file
    made = engines.judged(case, engines.read_model(honest))
    return made | {
        "source": plan.source, "renderer": str(plan.renderer), "seed": plan.seed, "stratum": plan.stratum,
        "fold": plan.fold.name if honest else None,
    }


def works(data: str | None) -> list[Work]:
    return [
        Work(plan.name, fingerprint(plan.honest_file), (plan, data)) for plan in cases.stratified(data is not None)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    args = options(__doc__ or "").parse_args(arguments)
    data = data_folder(args.data)
    if data is None:
        say_no_scans()
        if args.data is not None:
            return 2
    rows = rows_for(args, NAME, works(None if data is None else str(data)), row)
    print(report.rows_table(rows))
    print()
    print(report.summary(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
