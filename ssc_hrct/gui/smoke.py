"""Drives the real window without a hand: for the smoke test of a built program, where no test runner is.

In: the window with a folder on its way, and a file. Presses Score once the slices are shown, waits for the overlay,
and writes what the window shows into the file (JSON) and beside it (PNG). Asked for by the environment variable
SSC_HRCT_SMOKE, which names the file; nobody meets it otherwise.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QObject, QTimer

if TYPE_CHECKING:
    from ssc_hrct.gui.views.window import MainWindow

LONGEST_S = 300
_EVERY_MS = 100


class Smoke(QObject):
    """Looks at the session ten times a second and does the next thing; leaves with 0 when all was seen, else 3."""

    def __init__(self, window: MainWindow, out: Path) -> None:
        super().__init__(window)
        self.window, self.out, self.left, self.asked = window, out, LONGEST_S * 1000 // _EVERY_MS, False
        self.timer = QTimer(self)
        self.timer.timeout.connect(self._look)
        self.timer.start(_EVERY_MS)

    def _look(self) -> None:
        session = self.window.session
        self.left -= 1
        if session.maps is not None and session.scoring is None and session.answer is not None:
            self._end(0, session.answer.result.row, session.message.text)
        elif self.left <= 0:
            self._end(3, {}, f"Nothing more happened. {session.message.text} {session.why_no_score()}")
        elif self.asked and session.scoring is None and session.answer is None:
            problem = session.read.problem.text if session.read else ""
            self._end(3, {}, problem or session.message.text)
        elif not self.asked and session.volume is not None and session.why_no_score() == "":
            self.asked = True
            self.window.actions_by_id["score.start"].trigger()

    def _end(self, code: int, row: dict[str, str], message: str) -> None:
        self.timer.stop()
        self.window.grab().save(str(self.out.with_suffix(".png")))
        self.out.write_text(json.dumps({"row": row, "message": message}), encoding="utf-8")
        QCoreApplication.exit(code)
