"""The window on a screen of X11, as on a desktop of Linux: elsewhere in the tests it is drawn without one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

OPEN_AND_LEAVE = """\
from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from ssc_hrct.gui import main as entry
from PySide6.QtWidgets import QApplication
application = QApplication(["ssc-hrct"])
def leave():
    windows = [w for w in QApplication.topLevelWidgets() if w.isVisible()]
    print(QGuiApplication.platformName(), len(windows), windows[0].windowTitle() if windows else "")
    application.quit()
QTimer.singleShot(500, leave)
raise SystemExit(entry.main([]))
"""


@pytest.fixture
def screen() -> Iterator[str]:
    """The name of a virtual X11 screen that is up."""
    if shutil.which("Xvfb") is None:
        pytest.skip("There is no Xvfb here; ./dev test installs it where it may.")
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x800x24", "-nolisten", "tcp"],
        pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as told:
        number = told.readline().strip()
    try:
        assert number, "Xvfb did not start"
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(timeout=10)


def test_the_window_opens_on_x11(screen, tmp_path):
    environment = {**os.environ, "QT_QPA_PLATFORM": "xcb", "DISPLAY": screen, "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", OPEN_AND_LEAVE], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split(None, 2)[:2] == ["xcb", "1"]
    assert "ssc-hrct" in done.stdout
