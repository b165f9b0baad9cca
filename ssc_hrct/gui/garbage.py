"""Python's garbage is collected from the window's event loop, and nowhere else.

A collection may else begin in any thread and at any allocation. Objects of Qt would then end in a thread that is not
theirs, or while Qt holds a lock that their end waits for.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

EVERY_MS = 1000


class Garbage(QObject):
    """From its making to `stop` nothing is collected but by its timer, by Python's own thresholds."""

    def __init__(self, parent: QObject | None = None, *, every_ms: int = EVERY_MS) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._collect)
        self._timer.start(every_ms)

    def stop(self) -> None:
        self._timer.stop()
        gc.enable()

    def _collect(self) -> None:
        counted = zip(gc.get_count(), gc.get_threshold(), strict=True)
        over = [generation for generation, (count, most) in enumerate(counted) if count > most]
        if 0 in over:
            gc.collect(max(over))
