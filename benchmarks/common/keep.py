"""Rows of a benchmark, kept while it runs: a stopped run goes on, and a summary can be printed anew.

In: named pieces of work. Out: their rows, one JSON file each under build/bench/NAME. A row says with which code and
models it was made; one that was made with others is made again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from training.sources import ROOT, code_sha256

Row = dict[str, Any]
VARIABLE = "SSC_HRCT_DATA"

_CODE = (
    "training/cases.py", "training/ignore.json", "ssc_hrct/core", "ssc_hrct/dicom", "ssc_hrct/measure",
    "ssc_hrct/phantom", "ssc_hrct/quality", "resources/protocols", "resources/models", "benchmarks/common",
)


@dataclass(frozen=True, slots=True)
class Work:
    """One row to be. made_with: fingerprint of what it depends on. what: given to the function that makes the row."""

    name: str
    made_with: str
    what: Any


@dataclass(frozen=True, slots=True)
class Shelf:
    """The rows of one benchmark in one folder."""

    folder: Path

    def row(self, name: str) -> Row | None:
        """The kept row of this name, None where there is none or it was cut short."""
        try:
            kept = json.loads(self._file(name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return kept if isinstance(kept, dict) else None

    def put(self, name: str, row: Row) -> None:
        """Keep a row, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        aside = self._file(name).with_suffix(".part")
        aside.write_text(json.dumps(row, sort_keys=True) + "\n", encoding="utf-8")
        aside.replace(self._file(name))

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def shelf(name: str) -> Shelf:
    return Shelf(ROOT / "build" / "bench" / name)


def made(
    on: Shelf, works: Sequence[Work], function: Callable[[Any], Row], *, processes: int, trust: bool = False
) -> list[Row]:
    """Rows of all works, in their order; those that are not kept, or not with the same fingerprint, are made.

    function: of a module, so that other processes find it. trust: kept rows count whatever they were made with.
    """
    wanted = [w for w in works if not _fits(on.row(w.name), w, trust)]
    if len(wanted) < len(works):
        print(f"{len(works) - len(wanted)} of {len(works)} rows were kept.", file=sys.stderr)
    if wanted and processes == 1:
        for done, work in enumerate(wanted, 1):
            _keep(on, work, function(work.what), done, len(wanted))
    elif wanted:
        with get_context("spawn").Pool(processes) as pool:
            jobs = [(function, work) for work in wanted]
            for done, (work, row) in enumerate(pool.imap_unordered(_one, jobs, chunksize=1), 1):
                _keep(on, work, row, done, len(wanted))
    return kept(on, works)


def kept(on: Shelf, works: Iterable[Work]) -> list[Row]:
    """The rows that are there, in the order of the works; it is said where some were made with other code or models."""
    pairs = [(row, work) for work in works if (row := on.row(work.name)) is not None]
    other = sum(not _fits(row, work, False) for row, work in pairs)
    if other:
        print(f"{other} of {len(pairs)} rows of {on.folder.name} were made with other code or models.", file=sys.stderr)
    return [row for row, _ in pairs]


def _fits(row: Row | None, work: Work, trust: bool) -> bool:
    return row is not None and (trust or row.get("made_with") == work.made_with)


def _one(job: tuple[Callable[[Any], Row], Work]) -> tuple[Work, Row]:
    function, work = job
    return work, function(work.what)


def _keep(on: Shelf, work: Work, row: Row, done: int, of: int) -> None:
    on.put(work.name, row | {"name": work.name, "made_with": work.made_with})
    print(f"{done} of {of}: {work.name}", file=sys.stderr, flush=True)


def fingerprint(*beside: Path) -> str:
    """Of the code that makes rows, of what ships, and of these files beside: the benchmark's own, its models."""
    summed = hashlib.sha256(_code().encode())
    for file in beside:
        summed.update(hashlib.sha256(file.read_bytes()).digest())
    return summed.hexdigest()[:16]


@cache
def _code() -> str:
    return code_sha256(_CODE)


def data_folder(named: Path | None) -> Path | None:
    """Where the real scans are; None where they are not at hand."""
    by_environment = os.environ.get(VARIABLE)
    folder = named or (Path(by_environment) if by_environment else ROOT.parent / "shared" / "data")
    return folder if (folder / "ct").is_dir() else None


def scans_or_say(named: Path | None) -> Path | None:
    """`data_folder`; says so where there is none, and ends with exit code 2 where one was named, here or in the
    environment."""
    data = data_folder(named)
    if data is None:
        print("The real scans are not here: name their folder with --data or in SSC_HRCT_DATA.", file=sys.stderr)
        if named is not None or os.environ.get(VARIABLE):
            raise SystemExit(2)
    return data


def options(about: str) -> argparse.ArgumentParser:
    """The arguments that all of these benchmarks share."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with ct/lidc-0001 and so on")
    parser.add_argument("--processes", type=int, default=2, help="cases made at a time")
    parser.add_argument("--cases", type=int, help="only so many, spread over all, to try it")
    parser.add_argument("--trust", action="store_true", help="count kept rows that were made with other code or models")
    parser.add_argument("--summary", action="store_true", help="print from the kept rows; make none")
    return parser


def some(works: Sequence[Work], cases: int | None) -> list[Work]:
    """So many of the works, picked once for all: fewer are among more. All where None."""
    order = np.random.default_rng(1).permutation(len(works))[:cases]
    return [works[i] for i in sorted(order)]


def rows_for(args: argparse.Namespace, name: str, works: Sequence[Work], function: Callable[[Any], Row]) -> list[Row]:
    """What the shared arguments ask for: rows made where needed, or only those that are kept."""
    chosen, on = some(works, args.cases), shelf(name)
    if not args.summary:
        return made(on, chosen, function, processes=args.processes, trust=args.trust)
    found = kept(on, chosen)
    print(f"{len(found)} of {len(chosen)} rows are kept.")
    return found


def run(
    about: str | None, arguments: Sequence[str] | None, name: str, works: Callable[[str | None], Sequence[Work]],
    function: Callable[[Any], Row], show: Callable[[list[Row], str | None], str],
) -> int:
    """A whole benchmark of kept rows: read the arguments, find the scans, make the rows, print them. Gives the exit
    code. works and show take the folder of the scans, None where there is none."""
    args = options(about or "").parse_args(arguments)
    data = scans_or_say(args.data)
    place = None if data is None else str(data)
    print(show(rows_for(args, name, works(place), function), place))
    return 0
