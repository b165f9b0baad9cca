"""Starts the window. The standard library alone at module level: Qt is imported when it is wanted."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

CANNOT = 3
"""Exit code where no window can be shown: what was asked for could not be done."""


def main(argv: Sequence[str]) -> int:
    """Show the window; argv: paths to open, may be empty. Returns the exit code."""
    try:
        from PySide6.QtCore import QTimer
        from PySide6.QtWidgets import QApplication
    except ImportError:
        _say("The window needs PySide6 and the Qt libraries, which are not here. Use 'ssc-hrct score' instead.")
        return CANNOT
    if _no_screen():
        _say("There is no screen to show the window on (neither DISPLAY nor WAYLAND_DISPLAY is set). "
             "Use 'ssc-hrct score' instead.")
        return CANNOT
    from ssc_hrct.app.log import start_log
    from ssc_hrct.gui.faults import Faults
    from ssc_hrct.gui.garbage import Garbage
    from ssc_hrct.gui.session import Session
    from ssc_hrct.gui.views.window import MainWindow

    application = QApplication.instance() or QApplication(["ssc-hrct"])
    application.setApplicationName("ssc-hrct")
    start_log()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    garbage, session = Garbage(), Session()
    faults = Faults(session)
    window = MainWindow(session)
    window.show()
    paths = tuple(Path(text) for text in argv)
    if paths:
        QTimer.singleShot(0, lambda: session.open_paths(paths))
    smoke = os.environ.get("SSC_HRCT_SMOKE")
    if smoke:
        from ssc_hrct.gui.smoke import Smoke

        Smoke(window, Path(smoke))
    try:
        return application.exec()
    finally:
        session.close()
        faults.remove()
        garbage.stop()


def _no_screen() -> bool:
    """Qt would abort the whole process there. Who names a platform for Qt knows what is there."""
    wanted = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return sys.platform.startswith("linux") and not any(os.environ.get(name) for name in wanted)


def _say(sentence: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(sentence + "\n")
