"""The tables on disk: scores.csv and comparison.csv, read, merged and written by their contract.

In: rows from `core.rows`. Out: a CSV file (UTF-8, comma, RFC 4180), and the rows that were replaced.
A lock file guards read, merge and rename; the table is written aside, then renamed, so that a reader
sees the old table or the new one and nothing between. What cannot be kept (an unknown column, a newer
schema) is refused, never dropped. This file makes no row and knows no exam.
"""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ssc_hrct.core.errors import HrctError, WrongUsage
from ssc_hrct.core.paths import is_there
from ssc_hrct.core.rows import COMPARISON_COLUMNS, SCHEMA_VERSION, SCORE_COLUMNS, Column, Row
from ssc_hrct.core.subject import ScoreKind
from ssc_hrct.export.cells import from_cell, to_cell

LOCK_WAIT_S = 30.0
"""How long another writer is waited for: a merge takes well under a second."""
_REPLACE_TRIES = 5
_REPLACE_WAIT_S = 0.2
"""A virus scanner on Windows may hold a file for a moment after it was written."""


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of table: its usual file name, its columns, and which columns name a row."""

    file_name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    def key_of(self, row: Row) -> tuple[str, ...]:
        """Rows of equal key replace each other. A corrected score never shares a key with an automatic one."""
        key = tuple(row.get(name, "") for name in self.key)
        if row.get("score_kind") == ScoreKind.CORRECTED.value:
            return (*key, "corrected", row.get("reader_id", ""), row.get("score_version", ""))
        return key


SCORES = Table("scores.csv", SCORE_COLUMNS, ("subject_id", "study_instance_uid"))
COMPARISONS = Table("comparison.csv", COMPARISON_COLUMNS, ("subject_id", "baseline_visit", "followup_visit"))


def csv_text(rows: Iterable[Row], table: Table) -> str:
    """The whole file: header and rows in the contract's order of columns, lines ended by CR LF."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(column.name for column in table.columns)
    for row in rows:
        writer.writerow(to_cell(row.get(column.name, ""), column) for column in table.columns)
    return stream.getvalue()


def read_rows(path: Path, table: Table) -> list[Row]:
    """Rows of an existing table; none where there is no file. Raises HrctError where it cannot be kept whole."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as problem:
        raise _not_ours(path, "it is not UTF-8 text") from problem
    except OSError as problem:
        raise _not_writable(path, f"it cannot be read ({problem.strerror})") from problem
    if not text.strip():
        return []
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as problem:
        raise _not_ours(path, f"it is not a proper CSV file ({problem})") from problem
    header, *body = lines
    columns = _known_columns(path, header, table)
    rows = []
    for number, cells in enumerate(body, start=2):
        if not cells:
            continue
        if len(cells) != len(columns):
            raise _not_ours(path, f"row {number} has {len(cells)} cells where {len(columns)} columns are named")
        row = dict.fromkeys((c.name for c in table.columns), "")
        row |= {c.name: from_cell(cell, c) for c, cell in zip(columns, cells, strict=True)}
        _check_schema(path, row, number)
        rows.append(row)
    return rows


def check_writable(path: Path, table: Table) -> None:
    """Finds out before any work whether the table can be written. Raises HrctError saying what to close or change.

    Makes nothing: where the folder is not there yet, the nearest existing folder above is tried.
    """
    folder = path.parent
    _refuse_open_elsewhere(path)
    standing = folder
    while not _is_there(standing) and standing != standing.parent:
        standing = standing.parent
    if not standing.is_dir():
        raise HrctError(
            "OUTPUT_NOT_WRITABLE", f"'{folder}' cannot be the output folder: '{standing}' is a file.",
            "Name a folder with --out.",
        )
    if path.is_dir():
        raise _not_writable(path, "a folder of that name is in its place")
    trial = standing / f".{path.name}.{os.getpid()}.trial"
    try:
        with trial.open("xb") as file:
            file.write(b"trial")
    except OSError as problem:
        raise HrctError(
            "OUTPUT_NOT_WRITABLE", f"Nothing can be written into '{standing}' ({problem.strerror}).",
            "Choose another folder with --out, or ask for the right to write there.",
        ) from problem
    finally:
        with suppress(OSError):
            trial.unlink(missing_ok=True)
    if _is_there(path):
        _refuse_read_only(path)
        read_rows(path, table)


def merge_rows(
    path: Path, new: Sequence[Row], table: Table, *, stands: Callable[[Row, Row], bool] = lambda old, new: False
) -> tuple[Row, ...]:
    """Put rows into the table and return those that they replaced. Raises HrctError and changes nothing on failure.

    stands: of an old row and a new one of equal key, whether the old one stays and the new one is left out.
    """
    if path.is_symlink():
        path = path.resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise HrctError(
            "OUTPUT_NOT_WRITABLE", f"The folder '{path.parent}' cannot be made ({problem.strerror}).",
            "Choose another folder with --out.",
        ) from problem
    with _locked(path):
        _refuse_open_elsewhere(path)
        rows, replaced = _merged(read_rows(path, table), new, table, stands)
        _write(path, csv_text(rows, table))
    return replaced


def _merged(
    old: list[Row], new: Sequence[Row], table: Table, stands: Callable[[Row, Row], bool]
) -> tuple[list[Row], tuple[Row, ...]]:
    rows, replaced = list(old), []
    for row in new:
        key = table.key_of(row)
        places = [i for i, known in enumerate(rows) if table.key_of(known) == key]
        if any(stands(rows[i], row) for i in places):
            continue
        replaced += [rows[i] for i in places]
        if places:
            rows[places[0]] = row
            rows = [known for i, known in enumerate(rows) if i not in places[1:]]
        else:
            rows.append(row)
    return rows, tuple(replaced)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = FileLock(path.parent / f".{path.name}.lock", timeout=LOCK_WAIT_S, mode=0o666)
    try:
        lock.acquire()
    except Timeout as problem:
        raise HrctError(
            "OUTPUT_IN_USE", f"Another run has been writing '{path}' for over {LOCK_WAIT_S:.0f} seconds.",
            "Wait for it to end, or choose another folder with --out.",
        ) from problem
    except (OSError, NotImplementedError) as problem:
        raise _not_writable(path, "its folder cannot be written") from problem
    try:
        yield
    finally:
        lock.release()


def _write(path: Path, text: str) -> None:
    """Written aside in the same folder, flushed to the disk, then renamed."""
    for left in path.parent.glob(f".{path.name}.*.aside"):
        with suppress(OSError):
            left.unlink()
    aside = path.parent / f".{path.name}.{os.getpid()}.aside"
    try:
        with aside.open("xb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            aside.chmod(path.stat().st_mode & 0o777)
        _replace(aside, path)
        _sync_folder(path.parent)
    except OSError as problem:
        raise _not_writable(path, str(problem.strerror or problem)) from problem
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


def _replace(aside: Path, path: Path) -> None:
    for tried in range(1, _REPLACE_TRIES + 1):
        try:
            aside.replace(path)
            return
        except PermissionError:
            if tried == _REPLACE_TRIES or os.name != "nt":
                raise
            time.sleep(_REPLACE_WAIT_S)


def _sync_folder(folder: Path) -> None:
    """Makes the rename last through a power cut, where the system can (not on Windows)."""
    if os.name == "nt":
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _is_there(path: Path) -> bool:
    try:
        return is_there(path)
    except WrongUsage as problem:
        raise HrctError("OUTPUT_NOT_WRITABLE", problem.sentence, "Choose another folder with --out.") from problem


def _refuse_open_elsewhere(path: Path) -> None:
    """LibreOffice leaves a lock file beside what it has open; Windows programs hold the file itself."""
    mark = path.parent / f".~lock.{path.name}#"
    if _is_there(mark):
        raise HrctError(
            "OUTPUT_IN_USE", f"'{path}' is open in a spreadsheet.",
            f"Close it there and start again. If it is open nowhere, delete '{mark.name}' in that folder.",
        )


def _refuse_read_only(path: Path) -> None:
    if not path.stat().st_mode & 0o222:
        raise _not_writable(path, "it is marked read-only")
    try:
        with path.open("r+b"):
            return
    except PermissionError as problem:
        raise HrctError(
            "OUTPUT_IN_USE", f"'{path}' is open in another program or read-only.",
            "Close it in the spreadsheet and start again.",
        ) from problem
    except OSError as problem:
        raise _not_writable(path, str(problem.strerror or problem)) from problem


def _known_columns(path: Path, header: list[str], table: Table) -> list[Column]:
    known = {column.name: column for column in table.columns}
    if len(header) == 1 and ";" in header[0]:
        raise _not_ours(path, "it was saved with semicolons instead of commas")
    unknown = [name for name in header if name not in known]
    if unknown:
        raise _not_ours(path, f"it has a column that this version does not know: '{unknown[0]}'")
    if len(set(header)) != len(header):
        raise _not_ours(path, "it names a column twice")
    missing = [c.name for c in table.columns if c.required and c.name not in header]
    if missing:
        raise _not_ours(path, f"it lacks the column '{missing[0]}'")
    return [known[name] for name in header]


def _check_schema(path: Path, row: Row, number: int) -> None:
    text = row["schema_version"]
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise _not_ours(path, f"row {number} has no proper schema_version")
    if int(text) > SCHEMA_VERSION:
        raise HrctError(
            "NEWER_SCHEMA", f"'{path}' was written by a newer version of the program.",
            "Use that version, or choose another folder with --out.",
        )


def _not_ours(path: Path, why: str) -> HrctError:
    return HrctError(
        "UNKNOWN_TABLE", f"'{path}' was left as it is: {why}.",
        "Move it away or choose another folder with --out; nothing in it is ever dropped.",
    )


def _not_writable(path: Path, why: str) -> HrctError:
    return HrctError(
        "OUTPUT_NOT_WRITABLE", f"'{path}' cannot be written: {why}.",
        "Close or free it, or choose another folder with --out.",
    )
