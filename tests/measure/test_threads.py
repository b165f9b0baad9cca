"""Slabs cover all, each once, and what goes wrong in one is not lost."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from scipy import ndimage

from ssc_hrct.core.errors import Cancelled
from ssc_hrct.measure.coarse import ball_mean
from ssc_hrct.measure.threads import in_slabs, side_by_side


@pytest.mark.parametrize(("size", "step"), [(1, 4), (4, 4), (5, 4), (33, 4), (0, 4)])
def test_each_index_is_worked_on_once(size, step):
    done = np.zeros(size, np.intp)

    def work(start: int, stop: int) -> None:
        done[start:stop] += 1

    in_slabs(work, size, step)
    assert (done == 1).all()


def test_what_a_slab_raises_is_raised():
    def work(start: int, stop: int) -> None:
        if start == 8:
            raise ValueError("slab")

    with pytest.raises(ValueError, match="slab"):
        in_slabs(work, 20, 4)


def test_means_on_two_threads_are_those_of_one():
    array = np.random.default_rng(2).normal(size=(70, 40, 50)).astype(np.float32)
    sigmas = [5 / np.sqrt(5) / d for d in (1.0, 2.0, 1.5)]
    alone = ndimage.gaussian_filter(array, sigmas, mode="constant", truncate=2.5)
    assert np.array_equal(ball_mean(array, 5.0, (1.0, 2.0, 1.5)), alone)


def test_work_side_by_side_may_ask_for_slabs_itself():
    def count() -> int:
        done: list[int] = []
        in_slabs(lambda start, stop: done.append(stop - start), 20, 4)
        return sum(done)

    answers: list[object] = []
    work = threading.Thread(
        target=lambda: answers.append(side_by_side(count, lambda: side_by_side(count, count))), daemon=True
    )
    work.start()
    work.join(10)
    assert answers == [(20, (20, 20))]


def test_what_is_asked_meanwhile_may_stop_it_at_once():
    go_on = threading.Event()

    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        side_by_side(lambda: go_on.wait(10), lambda: go_on.wait(10), meanwhile=stop)
    go_on.set()
    assert side_by_side(lambda: 1, lambda: 2) == (1, 2)


def test_what_one_raises_is_raised_when_the_other_has_ended():
    ended = threading.Event()

    def fail() -> None:
        raise ValueError("first")

    def last() -> None:
        time.sleep(0.05)
        ended.set()

    with pytest.raises(ValueError, match="first"):
        side_by_side(fail, last)
    assert ended.is_set()
