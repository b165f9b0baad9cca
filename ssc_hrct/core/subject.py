"""Who and when: visits, subject names, and the identity a header shows.

`Identity` holds identifiers; it never leaves memory (its repr shows nothing).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from ssc_hrct.core.errors import WrongUsage

_WEEK = re.compile(r"week_([1-9][0-9]{0,2})")


@dataclass(frozen=True, slots=True)
class Visit:
    """name: baseline, week_N or unscheduled; week: 0, N, or None."""

    name: str
    week: int | None


BASELINE = Visit("baseline", 0)
UNSCHEDULED = Visit("unscheduled", None)


def read_visit(text: str) -> Visit:
    """Visit from what a person typed. Raises WrongUsage for anything but the words of the contract."""
    name = text.strip().lower()
    if name == "baseline":
        return BASELINE
    if name == "unscheduled":
        return UNSCHEDULED
    match = _WEEK.fullmatch(name)
    if match is None:
        raise WrongUsage(
            f"'{text}' is not a visit.", "Use baseline, week_48, week_N (N from 1 to 999) or unscheduled."
        )
    return Visit(name, int(match[1]))


class ScoreKind(StrEnum):
    AUTOMATIC = "automatic"
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """What a header says of the person. removed: the file says that identity was removed."""

    patient_id: str = ""
    birth_date: str = ""
    sex: str = ""
    removed: bool = False

    def __repr__(self) -> str:
        return "Identity(...)"


@dataclass(frozen=True, slots=True)
class Subject:
    """subject_id as rows carry it; findings of how it was found out are given by app."""

    id: str
    pseudonym: bool = field(default=False)
