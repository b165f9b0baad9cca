"""How the window starts: fast, without the engine, and with a plain sentence where Qt is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("numpy", "pydicom", "scipy", "skimage", "SimpleITK", "cc3d", "pandas", "matplotlib", "statsmodels",
         "highdicom", "torch")


def _run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120,
                          env={**os.environ, "QT_QPA_PLATFORM": "offscreen", **environment}, check=False)


def test_the_first_window_is_shown_before_anything_heavy_is_imported():
    done = _run(
        "import sys\n"
        "from PySide6.QtWidgets import QApplication\n"
        "app = QApplication([])\n"
        "from ssc_hrct.gui.session import Session\n"
        "from ssc_hrct.gui.views.window import MainWindow\n"
        "session = Session(); session.prefetch = lambda: None\n"
        "window = MainWindow(session); window.show(); app.processEvents()\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])\n"
        "window.close()\n"
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_a_path_on_the_command_line_is_opened(tmp_path):
    """`main` itself, left by a timer: the real use cases on a folder without images."""
    folder = tmp_path / "exam"
    folder.mkdir()
    (folder / "note.txt").write_text("no image")
    done = _run(
        "import sys\n"
        "from PySide6.QtCore import QTimer\n"
        "from PySide6.QtWidgets import QApplication\n"
        "from ssc_hrct.gui.main import main\n"
        "app = QApplication([])\n"
        "def look():\n"
        "    window, = [w for w in app.topLevelWidgets() if hasattr(w, 'welcome')]\n"
        "    if window.session.message.text:\n"
        "        print(window.welcome.line.text()); window.close(); app.quit()\n"
        "timer = QTimer(); timer.timeout.connect(look); timer.start(20)\n"
        "sys.exit(main(sys.argv[1:] or [" + repr(str(folder)) + "]))\n",
        SSC_HRCT_SECRET=str(tmp_path / "secret"), XDG_STATE_HOME=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "No DICOM image was found among 1 file. Choose the folder that holds the exam."
    assert "Traceback" not in done.stderr


def test_without_qt_there_is_a_sentence_and_the_exit_code_of_what_could_not_be_done():
    done = _run("import sys; sys.modules['PySide6'] = None\n"
                "from ssc_hrct.gui.main import main\n"
                "sys.exit(main([]))")
    assert done.returncode == 3
    assert "needs PySide6" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Elsewhere there always is a screen.")
def test_without_a_screen_there_is_a_sentence_and_no_abort():
    done = _run("import sys; from ssc_hrct.__main__ import main; sys.argv[1:] = ['gui']; sys.exit(main())",
                QT_QPA_PLATFORM="", DISPLAY="", WAYLAND_DISPLAY="")
    assert done.returncode == 3
    assert done.stderr == (
        "There is no screen to show the window on (neither DISPLAY nor WAYLAND_DISPLAY is set). "
        "Use 'ssc-hrct score' instead.\n"
    )


def test_a_fault_in_the_window_is_logged_without_values_and_told_in_a_line(tmp_path):
    """One in a slot, one in a thread: the window stays, says it in one line, and prints no trace."""
    done = _run(
        "import sys, threading\n"
        "from PySide6.QtCore import QTimer\n"
        "from PySide6.QtWidgets import QApplication\n"
        "from ssc_hrct.gui.main import main\n"
        "app = QApplication([])\n"
        "before = sys.excepthook, threading.excepthook\n"
        "def fail():\n"
        "    raise ValueError('DOE^JANE')\n"
        "told = []\n"
        "def look():\n"
        "    window, = [w for w in app.topLevelWidgets() if hasattr(w, 'welcome')]\n"
        "    if window.session.message.text:\n"
        "        print(window.welcome.line.text()); window.session.say(''); told.append(1)\n"
        "        if len(told) == 2: window.close(); app.quit()\n"
        "        else: threading.Thread(target=fail).start()\n"
        "QTimer.singleShot(0, fail)\n"
        "timer = QTimer(); timer.timeout.connect(look); timer.start(20)\n"
        "code = main([])\n"
        "assert (sys.excepthook, threading.excepthook) == before\n"
        "sys.exit(code)\n",
        XDG_STATE_HOME=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "The program failed here. This is a fault of the program. Send the log to the maintainers; nothing was changed."
    ] * 2
    assert done.stderr == ""
    logged = "".join(file.read_text() for file in tmp_path.rglob("*.jsonl"))
    assert logged.count("ValueError") == 2
    assert "DOE" not in logged


def test_a_fault_that_comes_with_every_picture_does_not_fill_the_log(qtbot, monkeypatch):
    from ssc_hrct.gui import faults
    from ssc_hrct.gui.jobs import FAULT
    from ssc_hrct.gui.session import Session
    from tests.gui.made_up import FakeBackend

    logged = []
    monkeypatch.setattr(faults, "log_bug", lambda problem, text: logged.append(problem))
    session = Session(FakeBackend())
    caught = faults.Faults(session)
    try:
        for _ in range(100):
            try:
                raise ZeroDivisionError
            except ZeroDivisionError as problem:
                sys.excepthook(type(problem), problem, problem.__traceback__)
    finally:
        caught.remove()
    assert len(logged) == faults.MOST_LOGGED
    qtbot.waitUntil(lambda: session.message.text == str(FAULT))
    session.close()
