"""The log: what happened, for the maintainers, without a word about a person.

In: events and faults. Out: JSON lines in the user's log folder, in files that rotate. What is written is
chosen by an allow-list, not by looking for identifiers: the fixed text of the message without what would be
filled in, facts of known names that are numbers or words of ours, and for a fault its type and the places in
our code. Messages of exceptions, paths of files and lines of other libraries never get in. A log that cannot
be written stops nothing.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from platformdirs import user_log_path

from ssc_hrct.version import __version__

LOGGER = logging.getLogger("ssc_hrct")
LOGGER.addHandler(logging.NullHandler())  # where no log can be written, Python must not print traces instead
LARGEST_BYTES = 1_000_000
FILES_KEPT = 3

FACTS = frozenset({
    "code", "codes", "status", "slices", "rows", "columns", "seconds", "exams", "exit_code", "command", "files",
    "python", "system", "sent", "failed", "stored", "refused",
})
"""What an event may say beside its text."""
_WORD = re.compile(r"[A-Za-z0-9_.;+-]{1,200}")
_LONG_DIGITS = re.compile(r"[0-9]{5,}")
"""A run of digits may be a number of a person, a date or part of a UID; none of our words has one."""


def log_place() -> Path:
    """The file that is written now; older ones stand beside it."""
    return user_log_path("ssc-hrct", appauthor=False) / "log.jsonl"


def start_log(place: Path | None = None) -> Path | None:
    """Write the log from now on, once for each process. None where it cannot be written."""
    where = place or log_place()
    try:
        where.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(where, "a", LARGEST_BYTES, FILES_KEPT, encoding="utf-8", delay=True)
        with where.open("a", encoding="utf-8"):
            pass
    except OSError:
        return None
    handler.setFormatter(_JsonLines())
    handler.handleError = lambda record: None  # type: ignore[method-assign]  # a full disk stops no scoring
    stop_log()
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False
    return where


def stop_log() -> None:
    for handler in list(LOGGER.handlers):
        if isinstance(handler, RotatingFileHandler):
            LOGGER.removeHandler(handler)
            handler.close()


def log_event(text: str, **facts: object) -> None:
    """text: fixed words; what varies goes into facts, of the names in `FACTS`."""
    LOGGER.info(text, extra={"facts": facts})


def log_bug(problem: BaseException, text: str = "bug", **facts: object) -> None:
    """A fault of the program, with where it happened."""
    LOGGER.error(text, exc_info=problem, extra={"facts": facts})


def trace_without_values(problem: BaseException) -> list[dict[str, Any]]:
    """Types of an exception and of those behind it, with the places in the code: no message, no value, no folder."""
    chain: list[dict[str, Any]] = []
    link: BaseException | None = problem
    while link is not None and len(chain) < 5:
        frames = traceback.extract_tb(link.__traceback__)
        chain.append({"type": type(link).__name__, "at": [f"{_place(f.filename)}:{f.lineno} {f.name}" for f in frames]})
        link = link.__cause__ or link.__context__
    return chain


def _place(filename: str) -> str:
    """Path of a source file from the package's folder on; of other code its name alone."""
    parts = Path(filename).parts
    if "ssc_hrct" in parts:
        return "/".join(parts[len(parts) - 1 - parts[::-1].index("ssc_hrct"):])
    return "/".join(parts[-2:]) if "site-packages" in parts else parts[-1]


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": str(record.msg).partition("\n")[0],
            "version": __version__,
        }
        given = getattr(record, "facts", {})
        line |= {name: value for name, value in given.items() if name in FACTS and _harmless(value)}
        if record.exc_info and record.exc_info[1] is not None:
            line["trace"] = trace_without_values(record.exc_info[1])
        return json.dumps(line)


def _harmless(value: object) -> bool:
    if isinstance(value, bool | int | float):
        return True
    return isinstance(value, str) and bool(_WORD.fullmatch(value)) and not _LONG_DIGITS.search(value)
