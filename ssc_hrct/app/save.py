"""Save rows into the tables of an output folder; one door for the command line and the window."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ssc_hrct.core.rows import Row
from ssc_hrct.export import COMPARISONS, SCORES, check_writable, merge_rows


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
    """Put rows into scores.csv of the folder; returns the rows that were replaced. Raises HrctError."""
    return merge_rows(scores_file(folder), rows, SCORES)


def save_comparison(folder: Path, rows: Sequence[Row]) -> tuple[Row, ...]:
    """Put rows into comparison.csv of the folder; returns the rows that were replaced. Raises HrctError."""
    return merge_rows(comparison_file(folder), rows, COMPARISONS)
