"""What the window's tests share: a real window on made-up use cases, and proof that nothing is left running."""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from ssc_hrct.gui.session import Session
from ssc_hrct.gui.views.window import MainWindow
from tests.gui.made_up import FakeBackend


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No thread, process, window or widget outlives its test; the two threads that measure are kept for the next scan
    (`measure.threads`). Garbage is collected between tests, not in one."""
    before = set(threading.enumerate())
    gc.disable()
    yield
    gc.enable()
    gc.collect(1)
    end = time.monotonic() + 3.0
    while time.monotonic() < end:
        threads = [t for t in threading.enumerate() if t not in before and not t.name.startswith("measure_")]
        processes = multiprocessing.active_children()
        if not threads and not processes:
            break
        time.sleep(0.02)
    else:
        pytest.fail(f"left running: {threads} {processes}")
    windows = [w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow)]
    assert not windows, "a window was left"


@pytest.fixture
def open_window(qtbot) -> Iterator[Callable[[FakeBackend], MainWindow]]:
    """Makes real windows on a backend, shown offscreen; closed and deleted at the end."""
    made: list[MainWindow] = []

    def make(backend: FakeBackend, size: tuple[int, int] = (1366, 768)) -> MainWindow:
        window = MainWindow(Session(backend))
        made.append(window)
        window.resize(*size)
        window.show()
        window.activateWindow()
        qtbot.waitExposed(window)
        return window

    yield make
    for window in made:
        window.close()
        if window.isVisible():  # it has said that scores are not exported
            window.close()
        window.session.setParent(None)
        window.deleteLater()
    QApplication.sendPostedEvents(None, 52)  # DeferredDelete
    QApplication.processEvents()
    made.clear()


@pytest.fixture
def reading(qtbot, open_window) -> MainWindow:
    """A window with the made-up exam open and its slices on the screen."""
    from pathlib import Path

    window = open_window(FakeBackend())
    window.session.open_paths((Path("/made/up"),))
    qtbot.waitUntil(lambda: window.session.volume is not None, timeout=5000)
    return window


@pytest.fixture
def scored(qtbot, reading) -> MainWindow:
    """The same, scored."""
    reading.session.set_visit("Week 48")
    reading.session.score()
    qtbot.waitUntil(lambda: reading.session.maps is not None, timeout=20000)
    return reading
