"""What may be typed: commands, options and their help, in words of a study coordinator.

Standard library only: `--help` answers in under a tenth of a second. What a value means is checked by the
command that takes it; here stands only its shape.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import NoReturn

from ssc_hrct.version import __version__

DESCRIPTION = (
    "Extent and severity of interstitial lung disease on chest CT. Works offline; research software. "
    "DICOM is read and never changed."
)
EXIT_CODES = (
    "Exit codes: 0 all was scored (cautions included), 2 wrong usage, 3 something was refused or failed, "
    "130 cancelled, 1 a fault of the program."
)
_PATHS = "folder of DICOM, with folders in it or not, or single files"
_OUT = "folder for the tables; made where it is not there"
_SUBJECT = "the subject's number in the study (never a name)"
_SECRET = "file with the secret that pseudonyms are made from; made where it is not there"  # noqa: S105 - a help text


class PlainParser(argparse.ArgumentParser):
    """Says in one plain sentence what was wrong with the line, and leaves with exit code 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{plain_sentence(message)} See {self.prog} --help.\n")


_SENTENCES = (
    (r"the following arguments are required: COMMAND", "A command is missing."),
    (r"the following arguments are required: (.+)", "This is missing: {0}."),
    (r"unrecognized arguments: (.+)", "This is not known here: {0}."),
    (r"argument COMMAND: invalid choice: '([^']*)'.*", "'{0}' is not a command."),
    (r"argument ([^:]+): expected one argument", "{0} needs a value behind it."),
    (r"argument ([^:]+): not allowed with argument (.+)", "{0} and {1} cannot be used together."),
    (r"argument ([^:]+): ignored explicit argument .+", "{0} takes no value."),
)


def plain_sentence(message: str) -> str:
    """argparse's message in our words; its own, as a sentence, where there is none of ours."""
    for pattern, sentence in _SENTENCES:
        match = re.fullmatch(pattern, message, re.DOTALL)
        if match is not None:
            return sentence.format(*match.groups())
    return message[:1].upper() + message[1:].rstrip(".") + "."


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = PlainParser(prog="ssc-hrct", description=DESCRIPTION, epilog=EXIT_CODES, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"ssc-hrct {__version__}")
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True, parser_class=PlainParser
    )
    _demo(commands)
    _inspect(commands)
    _score(commands)
    _compare(commands)
    _deidentify(commands)
    _send(commands)
    _receive(commands)
    _gui(commands)
    _self_test(commands)
    return parser


_Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse gives its type no public name


def _command(commands: _Commands[PlainParser], name: str, short: str, long: str) -> PlainParser:
    return commands.add_parser(name, help=short, description=long, allow_abbrev=False)


def _demo(commands: _Commands[PlainParser]) -> None:
    command = _command(
        commands, "demo", "score the made-up demonstration subject and show the truth beside it",
        "Makes a subject that does not exist (baseline and week 48, as DICOM), scores both visits, compares them, "
        "writes the tables, and prints what was measured beside what was put in. Takes a minute or two.",
    )
    command.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("ssc-hrct-demo"),
        help="folder for the made-up DICOM and the tables (default: %(default)s)",
    )


def _inspect(commands: _Commands[PlainParser]) -> None:
    command = _command(
        commands, "inspect", "list the series in a folder, and whether each can be scored",
        "Lists exam by exam the series that were found, what each is, which one would be scored, and why not the "
        "others. Scores nothing and writes nothing.",
    )
    command.add_argument("paths", metavar="PATH", type=Path, nargs="+", help=_PATHS)


def _score(commands: _Commands[PlainParser]) -> None:
    command = _command(
        commands, "score", "score the chest CT of each exam and write scores.csv",
        "Picks the HRCT series of each exam, scores it, and writes one row per exam to DIR/scores.csv after each "
        "exam. Scoring an exam again replaces its row, and tells which row it was.",
    )
    command.add_argument("paths", metavar="PATH", type=Path, nargs="*", help=_PATHS)
    command.add_argument("--out", metavar="DIR", type=Path, required=True, help=_OUT)
    command.add_argument("--subject", metavar="ID", help=f"{_SUBJECT}; for one exam")
    command.add_argument(
        "--visit", metavar="NAME",
        help="baseline, week_48, week_N (N from 1 to 999) or unscheduled; for one exam (default: unscheduled)",
    )
    command.add_argument(
        "--manifest", metavar="FILE.csv", type=Path,
        help="a list for many exams: CSV with the columns path (or study_instance_uid), subject_id, visit",
    )
    command.add_argument(
        "--keep-patient-id", action="store_true",
        help="use the patient number of the files as the subject's number, where no other is given",
    )
    command.add_argument("--secret", metavar="FILE", type=Path, help=_SECRET)
    command.add_argument(
        "--series", metavar="N.M", action="append", default=[],
        help="score this series in place of the one that is chosen: its number as inspect lists it (1.2 is the second "
        "of exam 1), or its UID; once for each exam",
    )
    command.add_argument(
        "--overlay", action="store_true",
        help="also draw six slices of each scan with what was found on them, into DIR/overlays",
    )
    command.add_argument(
        "--lungs", metavar="FILE", type=Path,
        help="lungs that another program outlined, in place of ours: a DICOM SEG, or a label map as NIfTI (.nii, "
        ".nii.gz) or NRRD (.nrrd, .nhdr); for one exam",
    )
    command.add_argument(
        "--format", metavar="NAME", action="append", choices=("seg", "sr", "page", "nifti"), default=[], dest="formats",
        help="also write what was found for other programs, into DIR/objects: seg (DICOM segmentations of lungs and "
        "patterns), sr (DICOM structured report), page (a page with tables and pictures for the archive, as DICOM "
        "picture and PDF in DICOM), nifti (label maps); may be given more than once",
    )
    command.add_argument(
        "--seg-keep-empty-frames", action="store_true",
        help="write a frame for each slice into segmentations, for viewers that count frames; larger files",
    )
    command.add_argument("--json", action="store_true", help="print the results as JSON, and messages apart from them")


def _compare(commands: _Commands[PlainParser]) -> None:
    command = _command(
        commands, "compare", "score two visits of one subject and write what changed",
        "Scores both visits (each path holds one exam), writes both rows to DIR/scores.csv, and one row to "
        "DIR/comparison.csv: whether the two scans may be compared, why not, and the change.",
    )
    command.add_argument("baseline", metavar="BASELINE", type=Path, help="DICOM of the baseline visit")
    command.add_argument("followup", metavar="FOLLOWUP", type=Path, help="DICOM of the later visit")
    command.add_argument("--out", metavar="DIR", type=Path, required=True, help=_OUT)
    command.add_argument("--subject", metavar="ID", help=f"{_SUBJECT}, for both visits")
    command.add_argument(
        "--followup-visit", metavar="NAME",
        help="week_48, week_N or unscheduled (default: week_48 where the dates are 44 to 52 weeks apart)",
    )
    command.add_argument(
        "--keep-patient-id", action="store_true",
        help="use the patient number of the files as the subject's number, where no other is given",
    )
    command.add_argument("--secret", metavar="FILE", type=Path, help=_SECRET)


def _deidentify(commands: _Commands[PlainParser]) -> None:
    command = _command(
        commands, "deidentify", "copy CT exams without the patients' identity",
        "Writes the CT images of all exams once more, without names, numbers, free text and private elements, under "
        "pseudonyms that are the same each time. What is burned into pixels cannot be seen: pages and captures are "
        "left out, and you should look at what is written. The files that are read stay as they are.",
    )
    command.add_argument("paths", metavar="PATH", type=Path, nargs="+", help=_PATHS)
    command.add_argument("--out", metavar="DIR", type=Path, required=True, help="new or empty folder for the copies")
    command.add_argument("--subject", metavar="ID", help=f"{_SUBJECT}; for one patient (default: a pseudonym)")
    command.add_argument(
        "--dates", choices=("keep", "shift", "drop"), default="keep",
        help="keep all dates, shift all of a patient's by the same number of days, or drop them (default: %(default)s)",
    )
    command.add_argument("--secret", metavar="FILE", type=Path, help=_SECRET)


def _send(commands: _Commands[PlainParser]) -> None:
    command = _command(
        commands, "send", "send DICOM objects to an archive (C-STORE)",
        "Sends every DICOM object under the paths as it is. This and receive are the only commands that use a network.",
    )
    command.add_argument("paths", metavar="PATH", type=Path, nargs="+", help="files or folders to send")
    command.add_argument("--host", metavar="NAME", required=True, help="the archive's name or address")
    command.add_argument("--port", metavar="N", type=int, required=True, help="the archive's port")
    command.add_argument("--called", metavar="AE", default="ANY-SCP", help="its AE title (default: %(default)s)")
    command.add_argument("--calling", metavar="AE", default="SSC_HRCT", help="our AE title (default: %(default)s)")
    _tls(command)


def _receive(commands: _Commands[PlainParser]) -> None:
    command = _command(
        commands, "receive", "receive DICOM objects into a folder (C-STORE)",
        "Listens until it is stopped (Ctrl-C) and stores what is sent. Without --host, on this computer alone: an "
        "archive on another computer cannot reach it then.",
    )
    command.add_argument("--out", metavar="DIR", type=Path, required=True, help="folder for what is received")
    command.add_argument("--port", metavar="N", type=int, default=11112, help="our port (default: %(default)s)")
    command.add_argument(
        "--host", metavar="ADDRESS", default="127.0.0.1", help="address to listen on (default: %(default)s)"
    )
    command.add_argument("--title", metavar="AE", default="SSC_HRCT", help="our AE title (default: %(default)s)")
    command.add_argument("--count", metavar="N", type=int, help="stop after so many objects")
    _tls(command)


def _tls(command: PlainParser) -> None:
    command.add_argument("--tls", action="store_true", help="encrypt, by TLS 1.2 or later")
    command.add_argument(
        "--trusted", metavar="FILE", type=Path, help="certificates by which the other side is checked (PEM)"
    )
    command.add_argument("--certificate", metavar="FILE", type=Path, help="our certificate (PEM)")
    command.add_argument("--key", metavar="FILE", type=Path, help="its key (PEM)")


def _gui(commands: _Commands[PlainParser]) -> None:
    command = _command(
        commands, "gui", "open the window", "Opens the window, with a folder in it where one is named."
    )
    command.add_argument("path", metavar="PATH", type=Path, nargs="?", help=_PATHS)


def _self_test(commands: _Commands[PlainParser]) -> None:
    _command(
        commands, "self-test", "try this installation on made-up chests of known truth",
        "Makes chests of known truth, puts them through the program as it is installed here, and prints for each "
        "whether it passed, the error in points, and the seconds.",
    )
