"""Seconds per ml of lung of our features beside PyRadiomics voxel maps, on one crop of lidc-0002.

    ./dev bench maps --data DIR --python PATH     PATH: a Python that has pyradiomics, which is none of our dependencies

A cube of 20 mm of lung as the scan has it (--side 40 takes about half an hour). PyRadiomics maps
first-order and GLCM features of every voxel of lung in it (kernelRadius 1, binWidth 25, its defaults else); ours are
all features of the engine, on the whole scan. CPU seconds. Without such a Python the benchmark says so and measures
ours alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import process_time

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import cases
from benchmarks.common.figures import table
from benchmarks.common.keep import options, scans_or_say
from ssc_hrct import measure
from ssc_hrct.core.lungs import Lungs, Region
from ssc_hrct.measure.features import NAMES, features

SCAN = "lidc-0002"
LONGEST_S = 3600

THEIRS = """\
import json, logging, sys, time
import numpy as np, radiomics, SimpleITK as sitk
from radiomics.featureextractor import RadiomicsFeatureExtractor
radiomics.logger.setLevel(logging.ERROR)
kept = np.load(sys.argv[1])
images = [sitk.GetImageFromArray(np.pad(kept[name], 2)) for name in ("hu", "lung")]  # it refuses a mask without outside
for image in images:
    image.SetSpacing([float(v) for v in kept["spacing_mm"][::-1]])
told = {"version": radiomics.__version__}
for name in ("firstorder", "glcm"):
    extractor = RadiomicsFeatureExtractor(binWidth=25, kernelRadius=1, maskedKernel=True, voxelBatch=1000)
    extractor.disableAllFeatures()
    extractor.enableFeatureClassByName(name)
    began = time.process_time()
    found = extractor.execute(images[0], images[1], voxelBased=True)
    maps = sum(isinstance(value, sitk.Image) for value in found.values())
    told[name] = {"seconds": time.process_time() - began, "maps": maps}
print(json.dumps(told))
"""


def cube(lungs: Lungs, side_mm: float) -> tuple[slice, slice, slice]:
    """A cube around the middle of the right lung."""
    places = np.argwhere(lungs.regions.labels[::4, ::4, ::4] == Region.RIGHT_LUNG).mean(axis=0) * 4
    halves = [round(side_mm / 2 / d) for d in lungs.grid.spacing_mm]
    z, y, x = (slice(int(c) - h, int(c) + h) for c, h in zip(places, halves, strict=True))
    return z, y, x


def theirs(
    python: Path, hu: NDArray[np.int16], lung: NDArray[np.uint8], spacing_mm: tuple[float, float, float]
) -> dict[str, object] | None:
    """What PyRadiomics took, in that Python; None where it is not installed there."""
    known = subprocess.run([python, "-c", "import radiomics"], capture_output=True, check=False)
    if known.returncode != 0:
        return None
    with tempfile.TemporaryDirectory(prefix="ssc-hrct-maps-") as folder:
        file = Path(folder) / "crop.npz"
        np.savez(file, hu=hu, lung=lung, spacing_mm=spacing_mm)
        done = subprocess.run([python, "-c", THEIRS, file], capture_output=True, check=True, timeout=LONGEST_S)
    told: dict[str, object] = json.loads(done.stdout)
    return told


def main(arguments: Sequence[str] | None = None) -> int:
    parser = options(__doc__ or "")
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="a Python that has pyradiomics")
    parser.add_argument("--side", type=float, default=20.0, help="of the cube, in mm")
    args = parser.parse_args(arguments)
    data = scans_or_say(args.data)
    if data is None:
        return 0
    scan = cases.scan(str(data), SCAN, True)
    stats = measure.calibrate(scan.volume, scan.lungs)
    began = process_time()
    features(scan.volume, scan.lungs, stats)
    seconds = process_time() - began
    lines = [_line(f"ours, {len(NAMES)} features, whole scan", seconds, stats.lung_ml)]
    part, voxel_ml = cube(scan.lungs, args.side), scan.volume.grid.voxel_ml
    lung = scan.lungs.mask()[part].astype(np.uint8)
    told = theirs(args.python, scan.volume.hu[part], lung, scan.volume.grid.spacing_mm)
    if told is None:
        print("PyRadiomics is not installed in this Python: name one that has it with --python. Ours alone:\n")
    else:
        for name in ("firstorder", "glcm"):
            one = told[name]
            assert isinstance(one, dict)  # noqa: S101
            lines.append(_line(f"PyRadiomics {told['version']}, {name}, {one['maps']} maps, cube of {args.side:g} mm",
                               one["seconds"], float(lung.sum()) * voxel_ml))
    print(table(["what", "ml of lung", "CPU seconds", "seconds per ml", "a lung of 4 l, minutes"], lines))
    return 0


def _line(what: str, seconds: float, ml: float) -> list[str]:
    per_ml = seconds / ml
    return [what, f"{ml:.0f}", f"{seconds:.1f}", f"{per_ml:.4f}", f"{4000 * per_ml / 60:.1f}"]


if __name__ == "__main__":
    sys.exit(main())
