"""What the session holds beside the list and the volume: lines that were said, work under way, fields and answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ssc_hrct.app import words
from ssc_hrct.app.words import plural
from ssc_hrct.core.errors import WrongUsage

if TYPE_CHECKING:
    from ssc_hrct.app.opening import Listing
    from ssc_hrct.app.worker_messages import Answer


@dataclass(frozen=True, slots=True)
class Message:
    """One plain line. tone: quiet, ok, caution or refused."""

    text: str = ""
    tone: str = "quiet"


@dataclass(frozen=True, slots=True)
class Doing:
    """Work under way: what, and done of total (0: not known)."""

    text: str
    done: int = 0
    total: int = 0

    @property
    def counted(self) -> str:
        """'Reading slices  12 of 400'; an ellipsis where the total is not known."""
        return f"{self.text}  {self.done} of {self.total}" if self.total else f"{self.text}…"


@dataclass(frozen=True, slots=True)
class Scoring:
    """The scan that is being scored. folder: where files for other programs go, if any were wanted."""

    key: str
    token: int
    doing: Doing
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Files for other programs that each score writes as well: which formats, and where to."""

    formats: tuple[str, ...] = ()
    folder: Path | None = None


@dataclass(slots=True)
class Read:
    """What the person said of one series, and its score where there is one. lungs: file with those to be used."""

    subject: str
    visit: str
    answer: Answer | None = None
    lungs: Path | None = None
    problem: Message = field(default_factory=Message)


def why_not(check: Callable[[], object]) -> str:
    """What a check says against a field; empty where it says nothing."""
    try:
        check()
    except WrongUsage as problem:
        return str(problem)
    return ""


def nothing_found(listing: Listing) -> str:
    return " ".join(words.nothing_found(listing.files, listing.damaged, listing.locked, listing.other))


def left_out(listing: Listing) -> str:
    """How many files could not be read or opened; empty where all could."""
    said = []
    for count, what in ((listing.damaged, "could not be read"), (listing.locked, "may not be opened")):
        if count:
            said.append(f"{plural(count, 'file')} {what} and {'was' if count == 1 else 'were'} left out.")
    return " ".join(said)
