"""Save rows into the tables of an output folder; one door for the command line and the window."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.rows import Row
from ssc_hrct.core.subject import UNSCHEDULED
from ssc_hrct.export import COMPARISONS, SCORES, check_writable, merge_rows, read_rows


def scores_file(folder: Path) -> Path:
    return folder / SCORES.file_name


def comparison_file(folder: Path) -> Path:
    return folder / COMPARISONS.file_name


def check_output(folder: Path, *, comparison: bool = False) -> None:
    """Before any work: can the tables be written? Raises HrctError that says what to close or change."""
    check_writable(scores_file(folder), SCORES)
    if comparison:
        check_writable(comparison_file(folder), COMPARISONS)


def save_scores(folder: Path, rows: Sequence[Row]) -> tuple[Row, ...]:
    """Put rows into scores.csv of the folder; returns the rows that were replaced. Raises HrctError.

    A refusal takes no numbers away: where the exam has been scored before, that row stands (`doubtful` says so).
    """
    return merge_rows(scores_file(folder), rows, SCORES, stands=_stands)


def _stands(old: Row, new: Row) -> bool:
    return new["status"] == "refused" != old["status"]


def doubtful(folder: Path, rows: Sequence[Row]) -> tuple[str, ...]:
    """Sentences on rows just saved that stand beside others which may be meant as the same, each once.

    Another exam of the same subject and visit, or the same exam under another subject: both rows stay, and only a
    person can tell which is right. Empty where the table cannot be read: the rows are saved, and this is an aside.
    """
    try:
        standing = read_rows(scores_file(folder), SCORES)
    except HrctError:
        return ()
    told: dict[frozenset[tuple[str, ...]], str] = {}
    for row in rows:
        for other in standing:
            sentence = _doubt(row, other)
            if sentence:  # of two rows saved together one is told
                told.setdefault(frozenset((SCORES.key_of(row), SCORES.key_of(other))), sentence)
    return tuple(dict.fromkeys(told.values()))


def _doubt(row: Row, other: Row) -> str:
    if SCORES.key_of(row) == SCORES.key_of(other) and _stands(other, row):
        return (f"{row['subject_id']} keeps the row that this exam had (ILD {other['ild_percent']} %, scored "
                f"{other['scored_at_utc']}): a refusal does not take numbers away.")
    same_subject = row["subject_id"] == other["subject_id"]
    same_exam = row["study_instance_uid"] == other["study_instance_uid"]
    if same_subject and not same_exam and row["visit"] == other["visit"] != UNSCHEDULED.name:
        return (f"{row['subject_id']} already has a {row['visit']} from another exam "
                f"({other['scan_date'] or 'date not known'}). Both rows stand; check which is which.")
    if same_exam and not same_subject:
        same_series = row["series_instance_uid"] == other["series_instance_uid"]
        what = "This exam also stands" if same_series else "Another series of this exam stands"
        return f"{what} in the table as {other['subject_id']}. If that was a mistake, delete that row."
    return ""


def save_comparison(folder: Path, rows: Sequence[Row]) -> tuple[Row, ...]:
    """Put rows into comparison.csv of the folder; returns the rows that were replaced. Raises HrctError."""
    return merge_rows(comparison_file(folder), rows, COMPARISONS)
