"""Seconds and peak memory of finding, loading and writing DICOM, on made-up files.

    ./dev bench reading

In: a made-up stack of 400 slices of 512 x 512 (noise in a body of air and tissue, so that it compresses as CT does),
written plain, JPEG-LS, RLE, JPEG 2000 lossless, as one enhanced multi-frame file and as a zip; and 5,000 small files.
Out: a table in Markdown: medians of three processes each, peak memory above what the process holds after its imports,
and that in volumes; seconds to the first slice, and of writing segmentations (imports not counted). Every coding must
give the same voxels, or the benchmark fails.
"""

from __future__ import annotations

import hashlib
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from benchmarks.common.figures import table
from benchmarks.speed import cost
from ssc_hrct import dicom
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.volume import LabelMap, Volume
from tests.dicom.codings import coded, zipped
from tests.dicom.making import facts, write, write_enhanced

SLICES, PIXELS, FILES, TIMES = 400, 512, 5000, 3
IMPORTS = "import ssc_hrct.dicom, ssc_hrct.dicom.load, imagecodecs"
LOAD = """
import hashlib, sys
from pathlib import Path
from ssc_hrct import dicom
series, = dicom.find([Path(sys.argv[1])]).series
print(hashlib.sha256(memoryview(dicom.load(series).hu).cast("B")).hexdigest())
"""
LIST = "import sys; from pathlib import Path; from ssc_hrct import dicom; dicom.find([Path(sys.argv[1])])"
WITHIN = """
import sys
from pathlib import Path
from time import perf_counter
from ssc_hrct import dicom
index, folder = dicom.Index(), Path(sys.argv[1])
for _ in range(2):
    began = perf_counter()
    series, = dicom.find([folder], index=index).series
    dicom.load(series, early=lambda _: print(perf_counter() - began))
"""
"""Seconds from the folder to the first slice, new and when the folder is opened again."""
WRITE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from benchmarks.reading import segments
from ssc_hrct import dicom
import highdicom
series, = dicom.find([Path(sys.argv[1])]).series
volume = dicom.load(series)
wanted, number = segments(volume), iter(range(1, 1000))
began = perf_counter()
for part in (wanted[:3], wanted[3:4], wanted[4:]):
    dicom.write_seg(Path(sys.argv[2]) / f"{len(part)}.dcm", series, volume, part, subject_id="1",
                    new_uid=lambda: f"2.25.{next(number)}", now=datetime(2026, 1, 1, tzinfo=UTC))
print(perf_counter() - began)
"""


def stack() -> Volume:
    """Air around a body, lung-like noise within."""
    rng = np.random.default_rng(12)
    y, x = np.ogrid[:PIXELS, :PIXELS]
    body = ((y - 256) / 170) ** 2 + ((x - 256) / 220) ** 2 < 1
    plane = np.where(body, -650, -1000).astype(np.int16)
    hu = np.empty((SLICES, PIXELS, PIXELS), np.int16)
    for z in range(SLICES):
        hu[z] = plane + rng.normal(0, 35, plane.shape).astype(np.int16)
    np.clip(hu, -1024, 3000, out=hu)
    return Volume(hu, Grid(hu.shape, (0.8, 0.7, 0.7), (0.0, 0.0, -300.0)), facts(SLICES))


def segments(volume: Volume) -> list[dicom.Segment]:
    """Lungs, airways and vessels, and patterns in half of the lung: every slice has some of each."""
    z, y, x = np.ogrid[: volume.grid.shape[0], :PIXELS, :PIXELS]
    lung = (((y - 256) / 130) ** 2 + ((np.abs(x - 256) - 100) / 80) ** 2 < 1) & (z >= 0)
    organs = np.where(lung, np.where(x > 256, 2, 1), 0).astype(np.uint8)
    organs[:, 250:262, 250:262] = 3
    vessels = (lung & (volume.hu > -600)).astype(np.uint8)
    patterns = np.where(lung, 1 + (x // 8 + y // 8 + z // 4) % 10, 0).astype(np.uint8)
    patterns[patterns > 6] = 1
    maps = {id(array): LabelMap(array, volume.grid, {}) for array in (organs, vessels, patterns)}
    anatomy = [dicom.Segment(what, maps[id(organs)], value, (200, 200, 0)) for value, what in dicom.ORGANS.items()]
    return [*anatomy, dicom.Segment(dicom.VESSELS, maps[id(vessels)], 1, (0, 0, 200)),
            *(dicom.Segment(what, maps[id(patterns)], value, (0, 200, 0)) for value, what in dicom.PATTERNS.items())]


def said(script: str, *arguments: str) -> list[float]:
    """Numbers that a script prints in a process of its own."""
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    return [float(line) for line in done.stdout.split()]


def many(folder: Path) -> Path:
    """Small files in twenty folders, as an archive exports exams."""
    plain = Volume(np.zeros((250, 32, 32), np.int16), Grid((250, 32, 32), (1.0, 1.0, 1.0)), facts(250))
    for number in range(FILES // 250):
        write(plain, folder / f"exam-{number}", series=f"2.25.{number + 10}", study=f"2.25.{number + 1000}")
    return folder


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="ssc-hrct-reading-") as place:
        here = Path(place)
        volume = stack()
        files = write(volume, here / "plain")
        whole_mb = volume.hu.nbytes / 2**20
        wanted = hashlib.sha256(volume.hu.tobytes()).hexdigest()
        sources = {
            "uncompressed": here / "plain", "JPEG-LS": coded(files, here / "jpegls", JPEGLSLossless),
            "RLE": coded(files, here / "rle", RLELossless), "JPEG 2000": coded(files, here / "j2k", JPEG2000Lossless),
            "multi-frame": write_enhanced(files, here / "frames" / "all", ExplicitVRLittleEndian).parent,
            "zip": zipped(files, here / "exam.zip"),
        }
        for name, source in sources.items():
            (series,) = dicom.find([source]).series
            if hashlib.sha256(dicom.load(series).hu.tobytes()).hexdigest() != wanted:
                print(f"{name} gives other voxels.")
                return 1
        imports = [cost(["-c", IMPORTS]) for _ in range(TIMES)]
        rest_s, rest_mb = (statistics.median(getattr(c, n) for c in imports) for n in ("seconds", "peak_mb"))
        lines = []
        for name, source in sources.items():
            told = [cost(["-c", LOAD, str(source)]) for _ in range(TIMES)]
            seconds, peak = (statistics.median(getattr(c, n) for c in told) for n in ("seconds", "peak_mb"))
            lines.append([f"find and load 400 slices, {name}", f"{seconds - rest_s:.1f}", f"{peak - rest_mb:.0f}",
                          f"{(peak - rest_mb) / whole_mb:.2f}"])
        told = [cost(["-c", LIST, str(many(here / "many"))]) for _ in range(TIMES)]
        lines.append([f"find {FILES} files", f"{statistics.median(c.seconds for c in told) - rest_s:.1f}", "", ""])
        looks = [said(WITHIN, str(here / "plain")) for _ in range(TIMES)]
        for number, name in enumerate(("", ", opened again")):
            shown = statistics.median(look[number] for look in looks)
            lines.append([f"folder to first slice on 400 slices{name}", f"{shown:.2f}", "", ""])
        wrote = statistics.median(said(WRITE, str(here / "plain"), str(here))[0] for _ in range(TIMES))
        lines.append(["write DICOM SEG, 9 segments on 400 slices, in three files", f"{wrote:.1f}", "", ""])
        print("Seconds and memory above those of the imports.\n")
        print(table(["what", "seconds", "peak memory, MB", "of it in volumes"], lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
