"""The real command, run as a person runs it, in a home of its own."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom

from ssc_hrct import dicom, phantom
from ssc_hrct.app.made_up import MadeUpExam, Truth, truth_of, uids, write_exam
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.volume import Volume
from tests.made_up import ILD, acquisition

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Home:
    """A folder that stands for the user's home, so that no secret or log of ours lands in the real one."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "SSC_HRCT_"))}
        home = str(self.folder)
        path = os.pathsep.join((str(self.without_window()), str(ROOT)))
        return kept | {"HOME": home, "USERPROFILE": home, "LOCALAPPDATA": home, "PYTHONPATH": path}

    def without_window(self) -> Path:
        """A folder in front of the path in which PySide6 cannot be imported: the terminal never needs it."""
        folder = self.folder.parent / "no-window"
        (folder / "PySide6").mkdir(parents=True, exist_ok=True)
        (folder / "PySide6" / "__init__.py").write_text('raise ImportError("PySide6 is not here")\n')
        return folder

    def run(self, *arguments: object, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """ssc-hrct with these arguments. Whatever happened, nobody saw a traceback."""
        done = subprocess.run(
            [sys.executable, "-W", "error::ResourceWarning", "-m", "ssc_hrct", *map(str, arguments)],
            capture_output=True, text=True, env=self.environment, cwd=self.folder, timeout=timeout_s, check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return done

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "ssc_hrct", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=self.environment, cwd=self.folder,
        )

    @contextmanager
    def receiving(self, *arguments: object, timeout_s: float = 300) -> Iterator[tuple[subprocess.Popen[str], int]]:
        """`receive` with these arguments, on a port that the system chose; the process, and the port. Ended with us."""
        process = self.start("receive", "--port", 0, *arguments)
        watchdog = threading.Timer(timeout_s, process.kill)
        watchdog.start()
        try:
            yield process, _port_of(process)
        finally:
            watchdog.cancel()
            process.kill()
            process.communicate()


def _port_of(receiver: subprocess.Popen[str]) -> int:
    assert receiver.stderr is not None
    told = []
    for line in receiver.stderr:
        found = re.search(r"Listening on 127\.0\.0\.1, port (\d+)", line)
        if found:
            return int(found[1])
        told.append(line)
    raise AssertionError(f"The receiver does not listen: {''.join(told)}")


def rows_of(file: Path) -> list[dict[str, str]]:
    """As a program that knows nothing of ours reads the table."""
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def segment_voxels(file: Path) -> dict[str, int]:
    """Voxels of each segment of a segmentation by its label, counted by hand from the frames."""
    seg = pydicom.dcmread(file)
    names = {s.SegmentNumber: s.SegmentLabel for s in seg.SegmentSequence}
    counts = dict.fromkeys(names.values(), 0)
    frames = seg.pixel_array if seg.NumberOfFrames > 1 else seg.pixel_array[None]
    for frame, group in zip(frames, seg.PerFrameFunctionalGroupsSequence, strict=True):
        said = group if "SegmentIdentificationSequence" in group else seg.SharedFunctionalGroupsSequence[0]
        counts[names[said.SegmentIdentificationSequence[0].ReferencedSegmentNumber]] += int(frame.sum())
    return counts


def write_block(
    folder: Path, *, names: str, slices: int = 10, patient: str = "P1", study: str | None = None,
    scan_date: str | None = "2025-01-15",
) -> str:
    """A block of soft tissue as a CT series: quick, and refused by its header where it has few slices.

    Returns the study UID; study: of an exam that it joins.
    """
    grid = Grid((slices, 64, 64), (1.0, 1.0, 1.0), (0.0, 0.0, -100.0))
    volume = Volume(np.full(grid.shape, 40, dtype=np.int16), grid, acquisition(slices=slices))
    new_uid = uids(names)
    exam = study or new_uid()
    dicom.write_ct(volume, folder, patient_id=patient, study_instance_uid=exam, series_instance_uid=new_uid(),
                   new_uid=new_uid, scan_date=scan_date)
    return exam


def write_small_chest(folder: Path, *, names: str, ild_percent: float, scan_date: str) -> Truth:
    """A chest on a coarse grid (2.5 mm slices, 1.45 mm pixels), quick to make and to score, and what was put in.

    Its subject is called SMALL; the files say that identity was removed. One body whatever the disease.
    """
    spec = phantom.ChestSpec(
        shape=(106, 180, 215), spacing_mm=(2.5, 1.45, 1.45), lung_ml=2600.0,
        disease=phantom.PRESETS["nsip"](ild_percent) if ild_percent else None,
    )
    made = phantom.make_chest(77, spec)
    write_exam(made, folder, MadeUpExam("SMALL", scan_date, names))
    return truth_of(made, ILD)
