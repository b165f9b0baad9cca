"""One scan in seven codings: does `score` say the same of each, and how long does it take?

    ./dev bench codings                                the demonstration's made-up chest
    ./dev bench codings --data DIR --scan lidc-0002    a real scan, DIR/ct/lidc-0002

The files are written uncompressed, then as JPEG-LS, RLE and JPEG 2000, all lossless, under shuffled names, in a zip,
and as one enhanced multi-frame file. Each is scored by a process of its own. Prints a table, and which columns of the
row were compared with that of the uncompressed files; label maps are compared voxel by voxel. A difference fails.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common.figures import table
from benchmarks.common.keep import data_folder
from benchmarks.speed import cost
from ssc_hrct import phantom
from ssc_hrct.app.demo import BASELINE_DATE, BASELINE_ILD_PERCENT, SEED, SUBJECT, demo_spec
from ssc_hrct.app.made_up import MadeUpExam, write_exam
from tests.dicom.codings import in_all_codings, uncompressed
from tests.same_score import COMPARED, OTHER_EACH_TIME, differing, label_maps
from tests.terminal import rows_of


def made_up(folder: Path) -> list[Path]:
    made = phantom.make_chest(SEED, demo_spec(BASELINE_ILD_PERCENT))
    write_exam(made, folder, MadeUpExam(SUBJECT, BASELINE_DATE, "codings"))
    return sorted(folder.iterdir())


def files_of(args: argparse.Namespace, folder: Path) -> list[Path] | None:
    """The scan, uncompressed; None, said, where it is not at hand."""
    if args.data is None and args.scan is None:
        return made_up(folder)
    data, scan = data_folder(args.data), args.scan or "lidc-0002"
    if data is None or not (data / "ct" / scan).is_dir():
        print(f"{scan} is not here: name the folder of the real scans with --data.", file=sys.stderr)
        return None
    return uncompressed(sorted(f for f in (data / "ct" / scan).iterdir() if f.is_file()), folder)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with ct/lidc-0002 and so on")
    parser.add_argument("--scan", help="which of them; lidc-0002 where --data alone is given")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="ssc-hrct-codings-") as place:
        here = Path(place)
        files = files_of(args, here / "plain")
        if files is None:
            return 2
        lines, different = [], []
        first_row, first_maps = dict[str, str](), dict[str, str]()
        for name, source in in_all_codings(files, here).items():
            out = here / "out" / name
            told = cost(["-m", "ssc_hrct", "score", str(source), "--out", str(out), "--subject", SUBJECT,
                         "--visit", "baseline", "--format", "nifti"])
            (row,), maps = rows_of(out / "scores.csv"), label_maps(out)
            first_row, first_maps = first_row or row, first_maps or maps
            off, same_maps = differing(first_row, row), bool(maps) and maps == first_maps
            parts = [f for f in source.rglob("*") if f.is_file()] if source.is_dir() else [source]
            lines.append([
                name, str(len(parts)), f"{sum(f.stat().st_size for f in parts) / 1e6:.1f}", f"{told.seconds:.1f}",
                row["ild_percent"], row["fibrosis_percent"], ", ".join(off) or "none",
                "equal" if same_maps else "DIFFER",
            ])
            different += [name] if off or not same_maps else []
    heads = ["coding", "files", "MB", "seconds", "ILD %", "fibrosis %", "columns that differ", "label maps"]
    print(table(heads, lines))
    print(f"\nCompared, {len(COMPARED)} columns: {', '.join(COMPARED)}.")
    print(f"Not compared, as they differ from run to run: {', '.join(OTHER_EACH_TIME)}.")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
