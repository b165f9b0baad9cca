"""Seconds and peak memory of the program on a scan of 400 slices, as a person meets them.

In: a made-up chest (400 slices of 512 x 512, 0.8 mm apart), written as DICOM into a temporary folder. Out: a table in
Markdown. Each line is a process of its own, started three times; the median is shown. Making the chest is not counted.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ssc_hrct import phantom
from ssc_hrct.app.made_up import MadeUpExam, write_exam

ROOT = Path(__file__).resolve().parent.parent
SHAPE, SPACING_MM = (400, 512, 512), (0.8, 0.7, 0.7)
SEED, TIMES = 20, 3

# The window, from its start to its first picture on the screen: then it leaves.
WINDOW = """\
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from ssc_hrct.gui.session import Session
from ssc_hrct.gui.views.window import MainWindow
application = QApplication(["ssc-hrct"])
window = MainWindow(Session())
window.show()
application.processEvents()
window.grab()
import os
os._exit(0)
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took."""

    seconds: float
    peak_mb: float


def cost(arguments: Sequence[str]) -> Cost:
    """Run Python with these arguments; stop where it fails.

    Peak memory is the process's own high-water mark, read from /proc while it runs: `ru_maxrss` of a child
    begins at that of its parent.
    """
    began = time.perf_counter()
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    with subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    ) as child:
        peak_mb = 0.0
        while child.poll() is None:
            peak_mb = max(peak_mb, _high_water_mb(child.pid))
            time.sleep(0.01)
    if child.returncode != 0:
        raise SystemExit(f"This failed: {' '.join(arguments)}")
    return Cost(time.perf_counter() - began, peak_mb)


def _high_water_mb(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def median(arguments: Sequence[str]) -> Cost:
    costs = [cost(arguments) for _ in range(TIMES)]
    return Cost(statistics.median(c.seconds for c in costs), statistics.median(c.peak_mb for c in costs))


def main() -> int:
    if not Path("/proc/self/status").exists():
        print("Peak memory of a process cannot be read on this system.")
        return 2
    with tempfile.TemporaryDirectory(prefix="ssc-hrct-speed-") as place:
        scan, out = Path(place, "scan"), Path(place, "out")
        spec = phantom.ChestSpec(shape=SHAPE, spacing_mm=SPACING_MM, disease=phantom.PRESETS["nsip"](12.0))
        write_exam(phantom.make_chest(SEED, spec), scan, MadeUpExam("SPEED", "2025-01-15", "speed"))
        program = ["-m", "ssc_hrct"]
        lines = {
            "`--help`": [*program, "--help"],
            "first window": ["-c", WINDOW],
            "`inspect`": [*program, "inspect", str(scan)],
            "`score`": [*program, "score", str(scan), "--out", str(out), "--subject", "SPEED", "--visit", "baseline"],
        }
        print(f"400 slices of 512 x 512; {os.cpu_count()} cores, Python {platform.python_version()}\n")
        print("| what | seconds | peak memory, MB |\n|---|---|---|")
        for name, arguments in lines.items():
            told = median(arguments)
            print(f"| {name} | {told.seconds:.1f} | {told.peak_mb:.0f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
