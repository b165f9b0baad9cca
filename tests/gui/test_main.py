"""How the window starts: fast, without the engine, and with a plain sentence where Qt is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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
    assert done.stdout.strip() == "No DICOM image among 1 file. Choose the folder that holds the exam."
    assert "Traceback" not in done.stderr


def test_without_qt_there_is_a_sentence_and_the_exit_code_of_wrong_usage():
    done = _run("import sys; sys.modules['PySide6'] = None\n"
                "from ssc_hrct.gui.main import main\n"
                "sys.exit(main([]))")
    assert done.returncode == 2
    assert "needs PySide6" in done.stderr
    assert "Traceback" not in done.stderr
