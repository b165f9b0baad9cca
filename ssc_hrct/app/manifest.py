"""A list of exams from a spreadsheet: which is whose, and at which visit; so that 272 exams are one command.

In: a CSV file with the columns `path` (or `study_instance_uid`; a path may also be a study UID), `subject_id`
and `visit`; other columns are left alone. Out: a `Manifest`. Every complaint names the row as a spreadsheet
counts it (the header is row 1). Relative paths start at the folder of the manifest. Empty cells mean: not given.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ssc_hrct.app.identity import check_subject_id
from ssc_hrct.core.errors import WrongUsage
from ssc_hrct.core.paths import is_there
from ssc_hrct.core.subject import Visit, read_visit

_UID_COLUMNS = ("study_instance_uid", "study_uid")
_UID = re.compile(r"[0-9]+(\.[0-9]+){3,}")
"""What a study UID looks like in a cell of the column `path`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row. Exactly one of path (absolute) and study_uid is set; subject_id and visit None where empty."""

    row: int
    path: Path | None
    study_uid: str | None
    subject_id: str | None
    visit: Visit | None

    @property
    def place(self) -> str:
        """What the row calls the exam."""
        return str(self.path) if self.path is not None else str(self.study_uid)


@dataclass(frozen=True, slots=True)
class Manifest:
    entries: tuple[Entry, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        return tuple(entry.path for entry in self.entries if entry.path is not None)

    def assign(
        self, exams: Iterable[tuple[str, Sequence[Path]]]
    ) -> tuple[tuple[Entry | None, ...], tuple[Entry, ...]]:
        """Which entry speaks of which exam. exams: study UID and the exam's files.

        Returns for each exam its entry or None, and the entries that no exam answers to. Raises WrongUsage, naming
        the rows, where one row would cover several exams or two rows one exam.
        """
        by_path = {entry.path: entry for entry in self.entries if entry.path is not None}
        by_uid = {entry.study_uid: entry for entry in self.entries if entry.study_uid is not None}
        taken: list[Entry | None] = []
        covers: dict[int, int] = {}
        for number, (study_uid, files) in enumerate(exams):
            found = {entry.row: entry for entry in _speaking_of(files, by_path)}
            if study_uid in by_uid:
                found[by_uid[study_uid].row] = by_uid[study_uid]
            if len(found) > 1:
                rows = " and ".join(str(row) for row in sorted(found))
                raise WrongUsage(f"Rows {rows} of the manifest speak of the same exam.", "Keep one of them.")
            for entry in found.values():
                if covers.setdefault(entry.row, number) != number:
                    raise WrongUsage(
                        f"Row {entry.row} of the manifest covers several exams: '{entry.place}'.",
                        "Give each exam a row of its own, by its folder or its study UID.",
                    )
            taken.append(next(iter(found.values()), None))
        return tuple(taken), tuple(entry for entry in self.entries if entry.row not in covers)


def check_paths(paths: Iterable[Path]) -> None:
    """Raises WrongUsage for the first path that is not there, or that the system refuses."""
    for path in paths:
        if not is_there(path):
            raise WrongUsage(f"There is no '{path}'.", "Check the path.")


def read_manifest(file: Path) -> Manifest:
    """The manifest in `file`. Raises WrongUsage naming the row that cannot be meant."""
    lines = _lines(file)
    if not lines:
        raise WrongUsage(f"The manifest '{file}' is empty.", "Its first row names the columns path, subject_id, visit.")
    header = [name.strip().lower() for name in lines[0]]
    places = [name for name in ("path", *_UID_COLUMNS) if name in header]
    missing = [name for name in ("subject_id", "visit") if name not in header]
    if not places:
        raise WrongUsage("Row 1 of the manifest names no column path.", "Add a column path, or study_instance_uid.")
    if missing:
        raise WrongUsage(f"Row 1 of the manifest names no column {missing[0]}.", "Add it; its cells may be empty.")
    twice = [name for name in (*places, "subject_id", "visit") if header.count(name) > 1]
    if twice:
        raise WrongUsage(f"Row 1 of the manifest names the column {twice[0]} twice.", "Keep one of them.")
    entries: list[Entry] = []
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(header):
            raise WrongUsage(
                f"Row {number} of the manifest has more cells than the header.", "Put quotes around a comma in a cell."
            )
        texts = {name: cell.strip() for name, cell in zip(header, cells, strict=False)}
        entries.append(_entry(number, texts, file.resolve().parent))
    _refuse_repeats(entries)
    if not entries:
        raise WrongUsage(f"The manifest '{file}' lists no exam.", "Give each exam a row.")
    return Manifest(tuple(entries))


def _lines(file: Path) -> list[list[str]]:
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise WrongUsage(f"The manifest '{file}' is not UTF-8 text.", "Save it as CSV UTF-8.") from problem
    except OSError as problem:
        raise WrongUsage(f"The manifest '{file}' cannot be read ({problem.strerror}).", "Check its name.") from problem
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return list(reader)
    except csv.Error as problem:
        raise WrongUsage(
            f"Row {reader.line_num} of the manifest is not proper CSV ({problem}).", "Save it again as CSV UTF-8."
        ) from problem


def _entry(number: int, texts: dict[str, str], folder: Path) -> Entry:
    path = texts.get("path", "")
    study_uid = next((texts[name] for name in _UID_COLUMNS if texts.get(name)), "")
    there = _is_there(number, folder / path) if path else False
    if path and not study_uid and _UID.fullmatch(path) and not there:
        path, study_uid = "", path
    if bool(path) == bool(study_uid):
        many = "names both a path and a study UID" if path else "names neither a path nor a study UID"
        raise WrongUsage(f"Row {number} of the manifest {many}.", "Give it exactly one of them.")
    where = folder / path if path else None
    if where is not None and not there:
        raise WrongUsage(f"Row {number} of the manifest: there is no '{where}'.", "Correct the path.")
    subject, visit = texts.get("subject_id", ""), texts.get("visit", "")
    try:
        return Entry(
            row=number,
            path=where.resolve() if where is not None else None,
            study_uid=study_uid or None,
            subject_id=check_subject_id(subject) if subject else None,
            visit=read_visit(visit) if visit else None,
        )
    except WrongUsage as problem:
        raise WrongUsage(f"Row {number} of the manifest: {problem.sentence}", problem.do) from problem


def _is_there(number: int, where: Path) -> bool:
    try:
        return is_there(where)
    except WrongUsage as problem:
        raise WrongUsage(f"Row {number} of the manifest: {problem.sentence}", "Correct the path.") from problem


def _refuse_repeats(entries: list[Entry]) -> None:
    first: dict[str, int] = {}
    for entry in entries:
        known = first.setdefault(entry.place, entry.row)
        if known != entry.row:
            rows = f"Rows {known} and {entry.row}"
            raise WrongUsage(f"{rows} of the manifest speak of the same exam.", "Keep one of them.")


def _speaking_of(files: Sequence[Path], by_path: dict[Path, Entry]) -> list[Entry]:
    """Entries whose path is one of these files or holds one."""
    folders: dict[Path, Path] = {}
    found: list[Entry] = []
    seen: set[Path] = set()
    for file in files:
        folder = folders.setdefault(file.parent, file.parent.resolve())
        for place in (folder / file.name, folder, *folder.parents):
            if place in seen:
                continue
            seen.add(place)
            if place in by_path:
                found.append(by_path[place])
    return found
