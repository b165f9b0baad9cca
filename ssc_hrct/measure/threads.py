"""Two threads for work that falls into slabs, each of which writes a part of the answer of its own.

In: a function of a slab's first and last index. Out: nothing; what the slabs wrote. The answer is the same on any
number of threads. Worth it only for numpy and scipy, which let go of the interpreter while they count: `cc3d` does
not, and `edt` has threads of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

THREADS = 2
"""The program is to be quick on two cores; more would only pay with more memory."""


def in_slabs(work: Callable[[int, int], None], size: int, step: int) -> None:
    """work(start, stop) for slabs of `step` that cover 0 to `size` (not included). Raises what a slab raises."""
    if size <= step:
        work(0, size)
        return
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(work, start, min(start + step, size)) for start in range(0, size, step)]:
            done.result()
