"""What `inspect` says of every folder of the real scans and awkward files, each by a process of its own.

    ./dev bench inspect_all --data DIR

In: a folder with ct/ and robust/ in it. Out: a table: folder, exit code, exams, series, how many would be scored, what
is said first. A traceback, an exit code other than 0, 2 or 3, a failure without a message, and a name, number or date
of birth of the files in what is said count as wrong, and fail.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pydicom

from benchmarks.common.figures import table
from benchmarks.common.keep import scans_or_say
from ssc_hrct.dicom.quiet import quiet

IDENTIFIERS = ("PatientName", "PatientID", "OtherPatientIDs", "PatientBirthDate", "PatientAddress", "AccessionNumber",
               "StudyID", "ReferringPhysicianName", "OperatorsName", "InstitutionName")
ON_PURPOSE = ("Manufacturer", "ConvolutionKernel", "AcquisitionDate", "StudyDate", "SeriesDate", "ContentDate")
"""What is said of a series; the same text may stand in an identifier: a scanner's maker as the institution."""
OURS = {"JPEG"}
"""Words of our own messages that test files have for a name."""
SHORTEST = 4
"""Signs: a shorter word of a header may stand in any sentence."""
SECONDS = 300


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of one folder. says: the first line. wrong: in words; empty where all is well."""

    code: int
    exams: int
    series: int
    scorable: int
    says: str
    wrong: tuple[str, ...]


def folders(data: Path) -> list[Path]:
    """Each scan and each kind of awkward input, and all of them at once."""
    return [*sorted(f for part in ("ct", "robust") for f in (data / part).iterdir() if f.is_dir()), data]


def seen(folder: Path) -> Seen:
    done = subprocess.run([sys.executable, "-m", "ssc_hrct", "inspect", str(folder)], capture_output=True, text=True,
                          timeout=SECONDS, check=False)
    said = (done.stdout + done.stderr).strip()
    files = [f for f in folder.rglob("*") if f.is_file()]
    return Seen(
        done.returncode, len(re.findall(r"^Exam \d+", said, re.MULTILINE)),
        len(re.findall(r"^  \d+\.\d+  ", said, re.MULTILINE)), said.count("This series would be scored, "),
        without_places(said, files).split("\n")[0],
        tuple(wrong_in(done.returncode, without_places(said, files), identifiers(files))),
    )


def wrong_in(code: int, said: str, words: Iterable[str]) -> list[str]:
    """What no person may meet, in words; words: that must not be said."""
    wrong = ["traceback"] if "Traceback" in said else []
    if code not in (0, 2, 3):
        wrong.append(f"exit code {code}")
    if not said:
        wrong.append("nothing is said")
    return wrong + [f"an identifier ({kind})" for kind in sorted({_kind(w) for w in words if w in said})]


def _kind(word: str) -> str:
    """Of what sort an identifier is, so that it is not printed itself."""
    return f"{len(word)} digits" if word.replace("-", "").isdigit() else f"{len(word)} signs"


def without_places(said: str, files: Iterable[Path]) -> str:
    """The text without the paths that the person named, in which anything may stand."""
    places = {str(p) for file in files for p in (file, *file.parents) if len(p.parts) > 1}
    for place in sorted(places, key=len, reverse=True):
        said = said.replace(place, "PLACE")
    return said


def identifiers(files: Iterable[Path]) -> set[str]:
    """Names, numbers and birth dates in the headers, as they stand and as a person would write them, but for those that
    also stand in what is said on purpose."""
    words: set[str] = set()
    purpose: set[str] = set()
    with quiet():
        for file in files:
            try:
                header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=[*IDENTIFIERS, *ON_PURPOSE])
                values, told = ([str(header[n].value) for n in names if n in header]
                                for names in (IDENTIFIERS, ON_PURPOSE))
            except Exception:  # noqa: BLE001, S112 - of what another reader cannot read, nothing is known
                continue
            for value in values:
                words |= {value, *re.split(r"[\^\\= ]", value), _spelt(value)}
            purpose |= {*told, *map(_spelt, told)}
    said = "\n".join(purpose)
    return {word for word in words - OURS if len(word) >= SHORTEST and word not in said}


def _spelt(value: str) -> str:
    """A date as it is printed; other text as it is."""
    return re.sub(r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3", value)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with ct/lidc-0001, robust/ and so on")
    data = scans_or_say(parser.parse_args(arguments).data)
    if data is None:
        return 0
    lines, wrong = [], 0
    for folder in folders(data):
        one = seen(folder)
        name = str(folder.relative_to(data)) if folder != data else "all"
        lines.append([name, str(one.code), str(one.exams), str(one.series), str(one.scorable), one.says,
                      ", ".join(one.wrong) or "nothing"])
        wrong += bool(one.wrong)
    print(table(["folder", "exit code", "exams", "series", "would be scored", "says first", "wrong"], lines))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
