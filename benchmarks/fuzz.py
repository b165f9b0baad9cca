"""Broken and hostile DICOM through finding, choosing, loading and copying: how many inputs, and what became of them.

    ./dev bench fuzz                 50,000 inputs; about 20 minutes on two idle cores
    ./dev bench fuzz --inputs 1000   fewer, to try it

Inputs come from seeds (`tests/dicom/fuzzing.py`): headers with changed bytes, lengths and values, cut files, sequences
in sequences, harmed pixels, other transfer syntaxes, deflated bombs, frames and zip archives treated likewise. Each
runs with 20 seconds and 6 GB; a process that ends, an exception that is no refusal, a hang or a want of memory counts
as a failure. Prints a table of outcomes, the failures' seeds, and the slowest and largest input.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from types import FrameType

from benchmarks.common.figures import table
from tests.dicom.fuzzing import bases, input_of, outcome

SECONDS, MEMORY_BYTES = 20, 6 * 2**30
CHUNK = 250


def run(chunk: tuple[int, int, str]) -> tuple[Counter[str], list[str], float, float]:
    """Outcomes of some inputs, what failed, the slowest in seconds, and the largest memory of this process in MB."""
    first, count, place = chunk
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    signal.signal(signal.SIGALRM, _too_slow)
    found: Counter[str] = Counter()
    failed, slowest = [], 0.0
    with tempfile.TemporaryDirectory(dir=place) as own, Path(os.devnull).open("w") as nowhere:
        made = bases(Path(own, "bases"))
        for seed in range(first, first + count):
            what = input_of(seed, made, Path(own, "in"))
            began = time.perf_counter()
            signal.alarm(SECONDS)
            try:
                with contextlib.redirect_stderr(nowhere):
                    found[outcome(Path(own, "in"))] += 1
            except BaseException as problem:  # noqa: BLE001 - whatever it is, it is what is looked for
                found["FAILED"] += 1
                failed.append(f"{seed} ({what}): {type(problem).__name__}")
            finally:
                signal.alarm(0)
            slowest = max(slowest, time.perf_counter() - began)
    return found, failed, slowest, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _too_slow(number: int, frame: FrameType | None) -> None:
    raise TimeoutError


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    found: Counter[str] = Counter()
    failed: list[str] = []
    slowest = largest = 0.0
    with tempfile.TemporaryDirectory(prefix="ssc-hrct-fuzz-") as place:
        chunks = [(asked.seed + at, min(CHUNK, asked.inputs - at), place) for at in range(0, asked.inputs, CHUNK)]
        with get_context("spawn").Pool(2, maxtasksperchild=20) as pool:
            for some, bad, seconds, megabytes in pool.imap_unordered(run, chunks):
                found += some
                failed += bad
                slowest, largest = max(slowest, seconds), max(largest, megabytes)
                print(f"{found.total()} of {asked.inputs}", file=sys.stderr)
    print(table(["outcome", "inputs"], [[name, str(count)] for name, count in found.most_common()]))
    print(f"\n{found.total()} inputs, {len(failed)} failed; slowest {slowest:.1f} s, largest process {largest:.0f} MB.")
    for line in failed[:20]:
        print(f"- {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
