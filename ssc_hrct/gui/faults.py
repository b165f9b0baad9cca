"""Faults of the program that reach nobody else: logged without values, told once in a plain line, nothing closed.

A slot of Qt or a thread that raises would print a trace and leave the person without a word. While a `Faults` is
installed, both end here. What was scored stays; the person can export and go on.
"""

from __future__ import annotations

import sys
import threading
from types import TracebackType

from PySide6.QtCore import QObject, Qt, Signal

from ssc_hrct.app.log import log_bug
from ssc_hrct.gui.jobs import FAULT
from ssc_hrct.gui.session import Session

MOST_LOGGED = 20
"""A fault in what is painted comes again with each picture; the log must keep what came before it."""


class Faults(QObject):
    """Takes the hooks of Python until `remove`."""

    _happened = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._logged: dict[tuple[str, str, int], int] = {}
        self._before = (sys.excepthook, threading.excepthook)
        self._happened.connect(self._tell, Qt.ConnectionType.QueuedConnection)
        sys.excepthook = self._in_window
        threading.excepthook = self._in_thread

    def remove(self) -> None:
        sys.excepthook, threading.excepthook = self._before

    def _in_window(self, kind: type[BaseException], problem: BaseException, trace: TracebackType | None) -> None:
        if isinstance(problem, Exception):
            self._take(problem)
        else:
            self._before[0](kind, problem, trace)

    def _in_thread(self, hooked: threading.ExceptHookArgs) -> None:
        if isinstance(hooked.exc_value, Exception):
            self._take(hooked.exc_value)
        elif hooked.exc_type is not SystemExit:
            self._before[1](hooked)

    def _take(self, problem: Exception) -> None:
        """In whatever thread it happened."""
        place = _place(problem)
        self._logged[place] = self._logged.get(place, 0) + 1
        if self._logged[place] <= MOST_LOGGED:
            log_bug(problem, "a fault in the window")
        try:
            self._happened.emit()
        except RuntimeError:
            pass  # the window is gone

    def _tell(self) -> None:
        if self._session.message.text != str(FAULT):  # a line that stands there already needs no new picture
            self._session.say(str(FAULT), "refused")


def _place(problem: Exception) -> tuple[str, str, int]:
    """Type of a fault, and the file and line that raised it."""
    trace = problem.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(problem).__name__, "", 0
    return type(problem).__name__, trace.tb_frame.f_code.co_filename, trace.tb_lineno
