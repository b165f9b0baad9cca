"""Garbage is collected by the event loop alone: never by whoever allocates, in whatever thread."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from ssc_hrct.gui.garbage import Garbage


class Cycle:
    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def garbage(qtbot):
    gc.enable()  # as a program starts
    made = Garbage(every_ms=50)
    yield made
    made.stop()


def much_allocated() -> None:
    assert [[n] for n in range(5000)]


def test_nothing_is_collected_while_a_thread_allocates_and_all_is_by_the_loop(qtbot, garbage):
    lost = weakref.ref(Cycle())
    thread = threading.Thread(target=much_allocated)
    thread.start()
    thread.join()
    kept = [[n] for n in range(5000)]
    assert lost() is not None
    qtbot.waitUntil(lambda: lost() is None, timeout=3000)
    assert len(kept) == 5000


def test_stopped_it_leaves_collecting_to_python_again(qtbot, garbage):
    garbage.stop()
    assert gc.isenabled()
    lost = weakref.ref(Cycle())
    kept = [[n] for n in range(5000)]
    assert lost() is None
    assert len(kept) == 5000
