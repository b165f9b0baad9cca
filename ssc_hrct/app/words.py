"""Words that the terminal and the window share: kinds of series, counts, findings. Pure text from facts.

Nothing heavy is imported here, so that either face may use it before the engine is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssc_hrct.core.findings import Finding
    from ssc_hrct.core.rows import Row

KIND_WORDS = {
    "axial": "axial", "reformat": "axial reformat", "localizer": "localizer (scout)", "not_axial": "not axial",
    "secondary_capture": "page or screen capture", "not_ct": "not CT", "unsupported": "not readable as a stack",
}
"""What a series is, by the word of its `SeriesKind`."""


def plural(count: int, one: str, many: str = "") -> str:
    """'1 slice', '3 slices'; many: where an s does not do."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def nothing_found(files: int, damaged: int, locked: int, other: int) -> tuple[str, str]:
    """Why a folder gave no image, and what to do. other: DICOM that holds no image."""
    among = f"among {plural(files, 'file')}"
    if files == 0:
        return "There are no files in there.", "Choose the folder that holds the exam."
    if locked:
        return (f"No image could be read {among}: {locked} may not be opened.",
                "Ask those who run this computer or share for the right to read them.")
    if damaged:
        return f"No image could be read {among}: {damaged} {_are(damaged)} damaged.", "Ask for the export once more."
    if other:
        kinds = "a report, a structure set, a segmentation, a directory"
        return (f"No image was found {among}: {other} {_are(other)} DICOM without one ({kinds}).",
                "Choose the folder that holds the images of the exam.")
    return f"No DICOM image was found {among}.", "Choose the folder that holds the exam."


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def interval_text(row: Row, name: str) -> str:
    """'(10.10 to 14.20)': the interval of the extent that this column holds; empty where the row has none."""
    low, high = row.get(f"{name}_low", ""), row.get(f"{name}_high", "")
    return f"({low} to {high})" if low and high else ""


def severity_text(row: Row) -> str:
    """'moderate, may be mild': the severity with its stability; the grade alone where the row tells no more."""
    return ", ".join(word for word in (row["severity"], row.get("severity_stability", "")) if word)


TOLD_BY_DETAIL = frozenset((
    "THICK_SLICES", "SPACED_SLICES", "MISSING_SLICES", "DUPLICATE_SLICES", "MIXED_ACQUISITIONS", "GANTRY_TILT",
    "BAD_GEOMETRY", "COARSE_PIXELS", "FIELD_OF_VIEW", "LOCALIZER", "TOO_FEW_SLICES", "NOT_AXIAL", "LOSSY", "UNREADABLE",
    "KERNEL_UNKNOWN", "POSITION_UNKNOWN", "CUT_OFF", "NO_NORMAL_LUNG",
))
"""Codes whose detail, where it is a sentence, says all that the general sentence says, and says it of this scan.

Not among them: where a value means something only beside the general sentence (air at -940 HU, 1400 ml of lung)."""


def finding_text(finding: Finding) -> str:
    """What is the matter, with the measured value or place behind it: for the window, which shows no code."""
    if _told_by_detail(finding):
        return finding.detail
    seen = _seen(finding)
    return f"{finding.kind.says} {seen[:1].upper()}{seen[1:]}." if seen else finding.kind.says


def finding_line(finding: Finding) -> str:
    """CODE (what was seen): what it says. What to do; or CODE: what was seen. What to do, where that says it all.

    For the terminal, whose reader looks the code up in the table.
    """
    if _told_by_detail(finding):
        return f"{finding.code}: {finding.detail} {finding.kind.do}"
    seen = _seen(finding)
    return f"{finding.code}{f' ({seen})' if seen else ''}: {finding.kind.says} {finding.kind.do}"


def _told_by_detail(finding: Finding) -> bool:
    return finding.code in TOLD_BY_DETAIL and not finding.pair and finding.detail.endswith(".")


def _seen(finding: Finding) -> str:
    """The detail without its full stop; empty where it only repeats what the finding says."""
    return "" if finding.detail == finding.kind.says else finding.detail.rstrip(".")
