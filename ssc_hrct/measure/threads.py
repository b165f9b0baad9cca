"""Two threads for work that falls into parts, each of which has an answer of its own.

In: a function of a slab's first and last index, or functions that do not wait for one another. Out: what they wrote or
gave back. The answer is the same on any number of threads. Worth it only for numpy and scipy, which let go of the
interpreter while they count: `cc3d` does not, and `edt` has threads of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache
from typing import TypeVar

T = TypeVar("T")

THREADS = 2
"""The program is to be quick on two cores; more would only pay with more memory."""
EVERY_S = 0.1
_here = threading.local()


def in_slabs(work: Callable[[int, int], None], size: int, step: int) -> None:
    """work(start, stop) for slabs of `step` that cover 0 to `size` (not included). Raises what a slab raises."""
    slabs = [(start, min(start + step, size)) for start in range(0, size, step)]
    if len(slabs) == 1 or _is_worker():
        for start, stop in slabs:
            work(start, stop)
    else:
        _results([_pool(THREADS).submit(work, start, stop) for start, stop in slabs])


def side_by_side(
    first: Callable[[], T], second: Callable[[], T], *, meanwhile: Callable[[], None] | None = None
) -> tuple[T, T]:
    """Both answers. meanwhile: asked every 0.1 s; what it raises (the person wants to stop) is raised at once, and the
    two end by themselves. What one of the two raises is raised after both have ended."""
    if _is_worker():
        return first(), second()
    one, two = _results([_pool(THREADS).submit(work) for work in (first, second)], meanwhile)
    return one, two


def _results(waited_for: Sequence[Future[T]], meanwhile: Callable[[], None] | None = None) -> list[T]:
    try:
        while wait(waited_for, None if meanwhile is None else EVERY_S).not_done:
            if meanwhile is not None:
                meanwhile()
    except BaseException:  # what has not begun need not begin
        for one in waited_for:
            one.cancel()
        raise
    return [done.result() for done in waited_for]


def _is_worker() -> bool:
    """A thread of the pool must not wait for the pool."""
    return getattr(_here, "is_worker", False)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Kept: starting threads anew for each of some 250 calls cost half a second in a scan."""
    return ThreadPoolExecutor(threads, "measure", initializer=lambda: setattr(_here, "is_worker", True))
