"""Tries the built program as a user's machine would meet it: no Python on the path, no network, a home of its own.

In: dist/ssc-hrct. Out: a line for each thing tried, and exit code 0 when all of it worked. The command line scores
the demonstration; the window opens the same files and scores them: both must give the same numbers.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "dist" / "ssc-hrct"
ENDING = ".exe" if os.name == "nt" else ""
LONGEST_S = 600
# What may differ between two scores of the same scan.
OF_THE_MOMENT = {"runtime_s", "scored_at_utc", "subject_id", "visit", "visit_week", "reasons", "status"}


def without_network() -> list[str]:
    """A prefix that takes the network away from a command, where the system can do that."""
    unshare = shutil.which("unshare")
    for options in (["-n"], ["-rn"]):
        if unshare and subprocess.run([unshare, *options, "true"], capture_output=True, check=False).returncode == 0:
            return [unshare, *options]
    print("This system cannot take the network away; the rest is tried with it.")
    return []


class Tried:
    """Runs the programs of the built folder one after the other, and remembers whether all went well."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.prefix = without_network()
        self.failed = False

    def run(self, what: str, program: str, *arguments: str, code: int = 0, **more: str) -> str:
        """Run a program with an empty path and a home of its own; what it printed. code: how it should end."""
        environment = {"PATH": "", "HOME": str(self.home), "LANG": "C.UTF-8", "QT_QPA_PLATFORM": "offscreen", **more}
        if os.name == "nt":
            environment["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
        command = [*self.prefix, str(PROGRAM / (program + ENDING)), *arguments]
        began = time.monotonic()
        done = subprocess.run(
            command, cwd=self.home, env=environment, capture_output=True, text=True, timeout=LONGEST_S, check=False
        )
        good = done.returncode == code
        print(f"{'good' if good else 'FAILED'}  {what} ({time.monotonic() - began:.1f} s)", flush=True)
        if not good:
            self.failed = True
            print(done.stdout[-3000:], done.stderr[-3000:], f"exit code {done.returncode}", sep="\n")
        return done.stdout + done.stderr

    def check(self, what: str, *, holds: bool) -> None:
        print(f"{'good' if holds else 'FAILED'}  {what}", flush=True)
        self.failed = self.failed or not holds


def rows(table: Path) -> list[dict[str, str]]:
    if not table.is_file():
        return []
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def same_numbers(one: dict[str, str], other: dict[str, str]) -> bool:
    names = [name for name in one if name not in OF_THE_MOMENT]
    return len(names) > 30 and all(one[name] == other.get(name) for name in names)


def main(arguments: Sequence[str]) -> int:
    if not (PROGRAM / ("ssc-hrct" + ENDING)).is_file():
        print("There is no built program in dist/ssc-hrct; run ./dev installer first.")
        return 2
    with tempfile.TemporaryDirectory(prefix="ssc-hrct-smoke-") as folder:
        home = Path(folder)
        tried = Tried(home)
        tried.check("help", holds="usage: ssc-hrct" in tried.run("it starts", "ssc-hrct", "--help"))
        tried.run("self-test", "ssc-hrct", "self-test")
        tried.run("demonstration", "ssc-hrct", "demo", "--out", "demo")
        scored = [row for table in home.glob("demo/**/scores.csv") for row in rows(table)]
        tried.check("two rows in scores.csv", holds=len(scored) == 2)
        if scored:
            told = home / "window.json"
            tried.run(
                "the window opens and scores", "ssc-hrct-gui", str(folder_of(home / "demo", scored[0])),
                SSC_HRCT_SMOKE=str(told),
            )
            shown: dict[str, Any] = {"row": {}, "message": ""}
            if told.is_file():
                shown = json.loads(told.read_text(encoding="utf-8"))
            tried.check("window and command line give the same numbers", holds=same_numbers(scored[0], shown["row"]))
            if shown["message"]:
                print(shown["message"])
            if arguments:
                shutil.copy(told.with_suffix(".png"), arguments[0])
            without_a_model(tried, folder_of(home / "demo", scored[0]))
    print("The built program failed." if tried.failed else "The built program works.")
    return 1 if tried.failed else 0


def without_a_model(tried: Tried, exam: Path) -> None:
    """The models lie in the folder; one that is cut short is told, and nothing is scored with what is left."""
    for name in ("patterns", "intervals"):
        found = list(PROGRAM.rglob(f"models/{name}.json"))
        tried.check(f"the model of the {name} is there, once", holds=len(found) == 1)
        if len(found) != 1:
            continue
        aside = found[0].rename(found[0].with_suffix(".aside"))
        try:
            found[0].write_bytes(aside.read_bytes()[:500])
            told = tried.run("it stops where that is damaged", "ssc-hrct", "score", str(exam), "--out", "no", code=3)
        finally:
            aside.replace(found[0])
        tried.check("and says so", holds=f"The model of the {name}" in told and not (tried.home / "no").exists())


def folder_of(demo: Path, row: dict[str, str]) -> Path:
    """The folder whose DICOM files belong to this row's exam."""
    uid = row["study_instance_uid"].encode()
    for file in sorted(demo.rglob("*")):
        if file.is_file() and file.suffix not in {".csv", ".json", ".png"}:
            with file.open("rb") as content:
                if uid in content.read(8192):
                    return file.parent
    raise SystemExit("The demonstration's DICOM files are not where they are said to be.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
