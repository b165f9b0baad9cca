"""Words of the window alone, made from facts: labels of series, visits. No Qt, no free text of a file.

What the terminal says as well stands in `app/words.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ssc_hrct.app.words import KIND_WORDS, plural
from ssc_hrct.core.acquisition import Acquisition, SeriesKind
from ssc_hrct.core.findings import Finding, Level

NONE = "\u2013"
"""Stands where there is no number yet."""
INTERVAL = "90 percent interval: where the true extent of nine in ten scans like those it was made on lies."
RESEARCH = "Research use. Numbers are not interchangeable with QILD/QLF."
RESEARCH_SHORT = "Research use."
WHAT_IT_MEANS = (
    (
        "What this program is",
        (
            "Software for research. It measures how much of the lung looks like interstitial lung disease on one CT. "
            "It is not a medical device and does not replace a reader."
        ),
    ),
    (
        "ILD extent",
        (
            "Ground glass, reticulation and honeycombing in percent of the lung. Consolidation and emphysema stand "
            "beside it and are never part of it."
        ),
    ),
    (
        "Severity",
        (
            "A word for the ILD extent: minimal up to 5, mild up to 10, moderate up to 20, severe above. "
            "Minimal does not show that ILD is present; whether it is, a reader judges."
        ),
    ),
    (
        "Interval and stability",
        (
            "Of ten scans like those that it was made on, nine have their true extent within the interval. Those were "
            "made-up chests and disease written into scans: patients may be further off. Stable: at least nine tenths "
            "of that doubt lie in one grade; else the likeliest other grade is named."
        ),
    ),
    (
        "Other programs",
        (
            "QILD, QLF and a reader's estimate differ in method. Numbers must not be mixed within one trial."
        ),
    ),
)

FORMATS = (
    ("seg", "Segmentations", "DICOM SEG: lungs, airways, vessels and each pattern, for viewers and the archive."),
    ("sr", "Report", "DICOM SR: the numbers with their intervals, for programs that read measurements."),
    ("page", "Page", "A page with tables and pictures, as DICOM picture and as PDF in DICOM, for the archive."),
    ("nifti", "Label maps", "NIfTI: lungs and patterns, for research programs."),
)
"""What a score can write beside the table: name, title, and what it is for."""

VISITS = ("Baseline", "Week 12", "Week 24", "Week 48", "Week 96", "Unscheduled")


def thickness(facts: Acquisition) -> str:
    mm = facts.slice_thickness_mm
    return f"{mm:.3g} mm" if mm is not None else "thickness unknown"


def series_title(facts: Acquisition) -> str:
    """'1.25 mm, STANDARD' for a stack, what it is for the rest."""
    if facts.kind in (SeriesKind.AXIAL, SeriesKind.REFORMAT):
        return f"{thickness(facts)}, {facts.kernel or 'kernel unknown'}"
    if facts.kind is SeriesKind.NOT_CT and facts.modality and facts.modality != "CT":
        return f"{facts.modality} image, not CT"
    return KIND_WORDS[facts.kind].capitalize()


def series_facts(facts: Acquisition) -> str:
    """'261 slices, axial, no contrast named'."""
    parts = [plural(facts.slices, "slice"), KIND_WORDS[facts.kind]]
    if facts.contrast:
        parts.append("contrast")
    return ", ".join(parts)


def exam_title(number: int, series: Sequence[Acquisition]) -> str:
    dates = sorted({facts.scan_date for facts in series if facts.scan_date})
    return f"Exam {number} · {dates[0]}" if dates else f"Exam {number} · no date"


def visit_word(text: str) -> str:
    """What a person typed ('Week 48') as the contract writes it ('week_48')."""
    return "_".join(text.strip().lower().split())


def visit_title(name: str) -> str:
    """'week_48' as a person reads it: 'Week 48'."""
    return name.replace("_", " ").capitalize()


def refusals(findings: Sequence[Finding]) -> list[Finding]:
    return [f for f in findings if f.level is Level.REFUSED]
