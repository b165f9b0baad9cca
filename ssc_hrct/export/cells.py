"""How a text stands in a CSV cell so that a spreadsheet shows it and never runs it.

A text that begins with `=`, `+`, `-`, `@`, a tab or a line break would be taken for a formula by
spreadsheets (a kernel or a manufacturer comes from a file that anyone may have written). Such a text
gets one apostrophe in front, and loses it again when we read the table: what went in comes out.
Only columns of type text are touched; numbers, dates and codes stand as they are, so -843.2 stays
a number.
"""

from __future__ import annotations

import re

from ssc_hrct.core.rows import Column

_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
_GUARDED = re.compile(r"'+[=+\-@\t\r\n]")


def to_cell(text: str, column: Column) -> str:
    """What is written for this text."""
    free = column.type == "text" and not column.values
    return f"'{text}" if free and _FORMULA.match(text) else text


def from_cell(cell: str, column: Column) -> str:
    """The text that `to_cell` was given."""
    free = column.type == "text" and not column.values
    return cell[1:] if free and _GUARDED.match(cell) else cell
