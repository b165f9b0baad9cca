"""Seconds and peak memory of the program on scans of 400 and 800 slices, as a person meets them.

In: a made-up chest (400 slices of 512 x 512, 0.8 mm apart; the same in 800 of 0.4 mm), written as DICOM into a
temporary folder. Out: a table in Markdown: wall and processor seconds, peak memory, and that above what the process
holds once everything is imported. Each line is a process of its own, started five times; medians are shown, and of
`score` all five. Making the chest is not counted.
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
LONG_MM, PIXELS, PIXEL_MM = 320.0, 512, 0.7
SLICES = (400, 800)
SEED, TIMES = 20, 5
IMPORTS = "import ssc_hrct.cli.commands, ssc_hrct.app.score, ssc_hrct.app.save, ssc_hrct.app.score_exams"

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
    """What one process took: wall seconds, processor seconds, peak memory."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


def cost(arguments: Sequence[str], **more: str) -> Cost:
    """Run Python with these arguments; stop where it fails. more: of the environment.

    Peak memory is the process's own high-water mark, read from /proc while it runs: `ru_maxrss` of a child
    begins at that of its parent. The program starts no other process.
    """
    began = time.perf_counter()
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", **more}
    child = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    peak_mb = 0.0
    while True:
        peak_mb = max(peak_mb, _high_water_mb(child.pid))
        ended, status, used = os.wait4(child.pid, os.WNOHANG)
        if ended:
            break
        time.sleep(0.01)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"This failed: {' '.join(arguments)}")
    return Cost(time.perf_counter() - began, used.ru_utime + used.ru_stime, peak_mb)


def _high_water_mb(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def costs(arguments: Sequence[str]) -> list[Cost]:
    return [cost(arguments) for _ in range(TIMES)]


def median(of: Sequence[Cost]) -> Cost:
    return Cost(*(statistics.median(getattr(c, name) for c in of) for name in ("seconds", "cpu_seconds", "peak_mb")))


def line(name: str, told: Cost, imports_mb: float) -> str:
    return (f"| {name} | {told.seconds:.1f} | {told.cpu_seconds:.1f} | {told.peak_mb:.0f} "
            f"| {max(0.0, told.peak_mb - imports_mb):.0f} |")


def chest(place: Path, slices: int) -> Path:
    """A made-up chest of so many slices, as files."""
    spec = phantom.ChestSpec(
        shape=(slices, PIXELS, PIXELS), spacing_mm=(LONG_MM / slices, PIXEL_MM, PIXEL_MM),
        disease=phantom.PRESETS["nsip"](12.0),
    )
    folder = place / f"scan-{slices}"
    write_exam(phantom.make_chest(SEED, spec), folder, MadeUpExam("SPEED", "2025-01-15", "speed"))
    return folder


def main() -> int:
    if not Path("/proc/self/status").exists():
        print("Peak memory of a process cannot be read on this system.")
        return 2
    with tempfile.TemporaryDirectory(prefix="ssc-hrct-speed-") as place:
        few, many = (chest(Path(place), slices) for slices in SLICES)
        program, out = ["-m", "ssc_hrct"], str(Path(place, "out"))

        def score(scan: Path) -> list[str]:
            return [*program, "score", str(scan), "--out", out, "--subject", "SPEED", "--visit", "baseline"]

        imports = median(costs(["-c", IMPORTS]))
        lines = {
            "`--help`": [*program, "--help"],
            "first window": ["-c", WINDOW],
            "`inspect`, 400 slices": [*program, "inspect", str(few)],
        }
        print(f"512 x 512; {os.cpu_count()} cores, Python {platform.python_version()}\n")
        print("| what | seconds | processor seconds | peak memory, MB | of it above the imports, MB |")
        print("|---|---|---|---|---|")
        for name, arguments in lines.items():
            print(line(name, median(costs(arguments)), imports.peak_mb), flush=True)
        told = {slices: costs(score(scan)) for slices, scan in zip(SLICES, (few, many), strict=True)}
        for slices, all_of in told.items():
            print(line(f"`score`, {slices} slices", median(all_of), imports.peak_mb), flush=True)
        first = cost(score(few), PYTHONPYCACHEPREFIX=str(Path(place, "nothing-compiled")))
        print(line("`score`, 400 slices, nothing compiled yet", first, imports.peak_mb))
        for slices, all_of in told.items():
            print(f"\n{slices} slices, each run: {', '.join(f'{c.seconds:.1f}' for c in all_of)} s", end="")
        one, two = (median(told[slices]) for slices in SLICES)
        print(f"\n\n800 slices against 400: {two.seconds / one.seconds:.2f} times the seconds, "
              f"{two.cpu_seconds / one.cpu_seconds:.2f} times the processor seconds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
