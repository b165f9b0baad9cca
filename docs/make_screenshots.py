"""Makes the pictures of the window in docs/img from the demonstration subject, so that they stay true.

In: nothing, or a folder that already holds the demonstration. Out: docs/img/window-*.png. The real window is
opened, the demonstration is scored in it, and what it shows is saved: dark, light, and with nothing open.
Run it as `python docs/make_screenshots.py [FOLDER]`; a minute on two cores. No screen is needed.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from ssc_hrct.gui.views.window import MainWindow

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "img"
SIZE = (1366, 768)
LONGEST_S = 600.0


def wait(application: QApplication, done: Callable[[], bool], what: str) -> None:
    """Let the window live until something is so; SystemExit where it takes too long."""
    end = time.monotonic() + LONGEST_S
    while not done():
        if time.monotonic() > end:
            raise SystemExit(f"The window did not come to: {what}")
        application.processEvents()
        time.sleep(0.01)
    for _ in range(20):
        application.processEvents()


def save(application: QApplication, window: MainWindow, name: str) -> None:
    for _ in range(20):
        application.processEvents()
    place = IMAGES / f"window-{name}.png"
    window.grab().save(str(place))
    print(place.relative_to(ROOT))


def main(arguments: Sequence[str]) -> int:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.path.insert(0, str(ROOT))
    from PySide6.QtWidgets import QApplication

    from ssc_hrct.app.demo import make_demo_subject
    from ssc_hrct.gui.session import Session
    from ssc_hrct.gui.views.window import MainWindow

    application = QApplication(["ssc-hrct"])
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ssc-hrct-pictures-") as private:
        os.environ["SSC_HRCT_SECRET"] = str(Path(private) / "secret")
        folder = Path(arguments[0]) if arguments else Path(private) / "demonstration"
        if not arguments:
            make_demo_subject(folder)
        session = Session()
        window = MainWindow(session)
        window.resize(*SIZE)
        window.show()
        save(application, window, "empty")
        session.open_paths((folder,))
        wait(application, lambda: session.volume is not None and session.loading is None, "slices on the screen")
        session.set_visit("Baseline")
        session.score()
        wait(application, lambda: session.scoring is None and session.maps is not None, "a score with its overlay")
        answer = session.answer
        if answer is None:
            raise SystemExit("The demonstration was not scored.")
        session.go_to_zone(6, "left_lower")
        session.say("")
        save(application, window, "dark")
        window.switch_theme()
        save(application, window, "light")
        window.switch_theme()
        window.show_sheet("keys")
        save(application, window, "keys")
        session.close()  # the scores of the pictures are not exported, and the window would ask
        window.hide()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
