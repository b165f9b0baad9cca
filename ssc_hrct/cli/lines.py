"""The words of the terminal: one line for an exam, lists of series, tables. Pure text; nothing is measured here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssc_hrct.app.listing import ListedSeries
    from ssc_hrct.app.result import Result
    from ssc_hrct.core.findings import Finding
    from ssc_hrct.core.rows import Row

STATUS_WORDS = {"scored": "scored", "scored_with_caution": "scored with caution", "refused": "refused"}


def plural(count: int, one: str) -> str:
    """As in the window; imported late, so that --help need not."""
    from ssc_hrct.app.words import plural as shared

    return shared(count, one)


def who(row: Row) -> str:
    """0007, week_48"""
    return f"{row['subject_id']}, {row['visit']}"


def finding_text(finding: Finding) -> str:
    """CODE (what was seen): what it says. What to do."""
    from ssc_hrct.app.words import finding_line

    return finding_line(finding)


def _extent(row: Row, name: str) -> str:
    """12.34 % (10.10 to 14.20)"""
    from ssc_hrct.app.words import interval_text

    return f"{row[name]} % {interval_text(row, name)}".rstrip()


def exam_line(result: Result, place: str = "") -> str:
    """The line of one exam: scored, caution or refused, the numbers, and what to do; several cautions below it.

    place: where its files are, for a person who has given many.
    """
    from ssc_hrct.app.words import severity_text

    row = result.row
    parts = [who(row) + (f" ({place})" if place else "") + f": {STATUS_WORDS[row['status']]}."]
    if row["ild_percent"]:
        parts.append(
            f"ILD {_extent(row, 'ild_percent')}, {severity_text(row)}; fibrosis {_extent(row, 'fibrosis_percent')}; "
            f"lung {row['lung_volume_ml']} ml."
        )
    shown = result.findings
    if row["status"] == "refused":  # what to do about a scan without numbers comes from what refused it
        shown = tuple(f for f in result.findings if f.level.value == "refused")
    said = [finding_text(finding) for finding in shown]
    if len(said) < 2:
        return " ".join((*parts, *said))
    return "\n    ".join((" ".join(parts), *said))


def count_line(rows: Sequence[Row]) -> str:
    """3 exams: 2 scored (1 of them with caution), 1 refused."""
    refused = sum(row["status"] == "refused" for row in rows)
    careful = sum(row["status"] == "scored_with_caution" for row in rows)
    scored = len(rows) - refused
    part = f" ({careful} of them with caution)" if careful else ""
    return f"{plural(len(rows), 'exam')}: {scored} scored{part}, {refused} refused."


def replaced_line(row: Row) -> str:
    said = f"ILD {row['ild_percent']} %" if row.get("ild_percent") else STATUS_WORDS.get(row["status"], row["status"])
    return f"Replaced the row of {who(row)} ({said}, scored {row['scored_at_utc']})."


def series_lines(series: ListedSeries, number: str) -> list[str]:
    """Its number, as `score --series` takes it; what a series is, whether it can be scored, and why not; cautions of
    one that can be stand below that."""
    from ssc_hrct.app.words import KIND_WORDS

    facts = series.facts
    what = [f"{facts.modality or 'no modality'}, {KIND_WORDS[facts.kind.value]}", plural(facts.slices, "slice")]
    if facts.slice_thickness_mm is not None and facts.kind.value in ("axial", "reformat", "not_axial"):
        what.append(f"{facts.slice_thickness_mm:g} mm")
    what += [part for part in (facts.kernel, facts.manufacturer) if part]
    if not series.scorable:
        verdict = "Cannot be scored."
    else:
        verdict = ("This series would be scored, as far as its headers tell." if series.chosen
                   else f"Could be scored, but another is chosen. {series.why_not}".rstrip())
    lines = [f"{number}  {', '.join(what)}, in {series.place}", f"    {verdict}"]
    if not series.scorable:  # what to do about it comes from what refuses it
        return lines + [f"    {finding_text(f)}" for f in series.findings if f.level.value == "refused"]
    if series.findings:
        lines.append("    Cautions:")
    return lines + [f"      {finding_text(finding)}" for finding in series.findings]


def exam_places(exams: Sequence[tuple[str, str]]) -> list[str]:
    """Where each exam's files are, told apart: folder and scan date of each, in the order of `inspect`.

    Exams of one folder get their dates; where these do not tell them apart, their numbers as in `inspect`. A single
    exam needs no words.
    """
    if len(exams) < 2:
        return [""] * len(exams)
    told = []
    for number, (place, date) in enumerate(exams, start=1):
        dates = [other for where, other in exams if where == place]
        apart = "" if len(dates) == 1 else f", {date}" if date and dates.count(date) == 1 else f", exam {number}"
        told.append(place + apart)
    return told


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns side by side: the first to the left, the others to the right."""
    every = [tuple(head), *(tuple(row) for row in rows)]
    wide = [max(len(row[i]) for row in every) for i in range(len(head))]
    return ["  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, wide, strict=True)))
            for row in every]
