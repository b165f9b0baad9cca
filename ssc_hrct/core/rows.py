"""One table of columns for each output; rows are made from scores here and nowhere else.

CSV, the JSON schema, the data dictionary page and the window's table are made from these tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from ssc_hrct.core.comparison import Comparability, Comparison
from ssc_hrct.core.extents import Extents
from ssc_hrct.core.findings import Finding
from ssc_hrct.core.grade import STABILITIES, Severity
from ssc_hrct.core.intervals import Interval
from ssc_hrct.core.lungs import Zone
from ssc_hrct.core.numbers import rounded
from ssc_hrct.core.patterns import FIBROSIS, LUNG_PATTERNS, Pattern
from ssc_hrct.core.score import Score, Status
from ssc_hrct.core.subject import ScoreKind

SCHEMA_VERSION = 1
FIRST_VERSION = "0.1.0"
"""Of the program: columns that were there from the beginning."""

Row = dict[str, str]
"""Column name to printed text; empty text is no value."""


@dataclass(frozen=True, slots=True)
class Column:
    """type: text, integer, decimal, date, datetime, or codes (joined by ;). values: all allowed.

    since: version of the program that first wrote it.
    """

    name: str
    type: str
    unit: str
    says: str
    since: str = FIRST_VERSION
    values: tuple[str, ...] = ()
    required: bool = False


def _zone_columns() -> list[Column]:
    columns = []
    for zone in Zone:
        place = zone.word.replace("_", " ")
        columns += [
            Column(f"{zone.word}_ild_percent", "decimal", "%",
                   f"ILD extent in the {place} zone, percent of that zone."),
            Column(f"{zone.word}_fibrosis_percent", "decimal", "%",
                   f"Fibrosis extent in the {place} zone, percent of that zone."),
            Column(f"{zone.word}_volume_ml", "decimal", "ml", f"Volume of the {place} zone."),
        ]
    return columns


_SEVERITIES = tuple(s.value for s in Severity)

SCORE_COLUMNS: tuple[Column, ...] = (
    Column("schema_version", "integer", "", "Version of this table's meaning.", required=True),
    Column("subject_id", "text", "", "Subject as named by the user, or a pseudonym.", required=True),
    Column("visit", "text", "", "baseline, week_N or unscheduled.", required=True),
    Column("visit_week", "integer", "week", "Week of the visit; empty for unscheduled."),
    Column("scan_date", "date", "", "Date of the scan as the files say."),
    Column("status", "text", "", "Whether the scan was scored.", values=tuple(s.value for s in Status), required=True),
    Column("reasons", "codes", "", "Codes of cautions and refusals, refusals first."),
    Column("severity", "text", "", "Grade of the ILD extent.", values=_SEVERITIES),
    Column("ild_percent", "decimal", "%", "ILD extent: ground glass, reticulation and honeycombing, percent of lung."),
    Column("fibrosis_percent", "decimal", "%", "Fibrosis extent: reticulation and honeycombing, percent of lung."),
    Column("ground_glass_percent", "decimal", "%", "Ground glass, percent of lung."),
    Column("reticulation_percent", "decimal", "%", "Reticulation, percent of lung."),
    Column("honeycombing_percent", "decimal", "%", "Honeycombing, percent of lung."),
    Column("consolidation_percent", "decimal", "%", "Consolidation, percent of lung; not part of ILD."),
    Column("emphysema_percent", "decimal", "%", "Emphysema, percent of lung; not part of ILD."),
    Column("lung_volume_ml", "decimal", "ml", "Volume of both lungs: the denominator of all whole-lung percents."),
    Column("ild_ml", "decimal", "ml", "Volume of the ILD extent."),
    Column("fibrosis_ml", "decimal", "ml", "Volume of the fibrosis extent."),
    Column("mean_lung_density_hu", "decimal", "HU", "Mean over all of the lung, vessels included."),
    *_zone_columns(),
    Column("slice_thickness_mm", "decimal", "mm", "Slice thickness."),
    Column("slice_spacing_mm", "decimal", "mm", "Distance of neighbouring slices."),
    Column("pixel_spacing_mm", "decimal", "mm", "Distance of neighbouring pixels (the larger of the two)."),
    Column("kernel", "text", "", "Reconstruction kernel as the files name it."),
    Column("kvp", "decimal", "kV", "Tube voltage."),
    Column("manufacturer", "text", "", "Manufacturer of the scanner."),
    Column("model", "text", "", "Model of the scanner."),
    Column("contrast", "text", "", "Whether contrast medium was given: by tag, or seen in the heart.",
           values=("yes", "no", "unknown")),
    Column("series_instance_uid", "text", "", "Series that was scored, or the best candidate."),
    Column("software_version", "text", "", "Version of the program.", required=True),
    Column("protocol_id", "text", "", "Protocol with its version.", required=True),
    Column("protocol_sha256", "text", "", "SHA-256 of the protocol's canonical JSON.", required=True),
    Column("runtime_s", "decimal", "s", "Seconds that scoring took."),
    Column("fibrosis_severity", "text", "", "Grade of the fibrosis extent, with bounds of its own.",
           values=_SEVERITIES),
    Column("score_kind", "text", "", "automatic, or corrected by a reader.",
           values=tuple(k.value for k in ScoreKind), required=True),
    Column("score_version", "integer", "", "Version of a corrected score; 1 for automatic.", required=True),
    Column("reader_id", "text", "", "Reader of a corrected score."),
    Column("edited_ml", "decimal", "ml", "Volume that a reader changed."),
    Column("scored_at_utc", "datetime", "", "When the score was made, UTC.", required=True),
    Column("signed_at_utc", "datetime", "", "When the score was signed, UTC."),
    Column("study_instance_uid", "text", "", "The exam.", required=True),
    Column("ild_percent_low", "decimal", "%", "Lower end of the 90 percent interval of the ILD extent.", "0.2.0"),
    Column("ild_percent_high", "decimal", "%", "Upper end of the 90 percent interval of the ILD extent.", "0.2.0"),
    Column("fibrosis_percent_low", "decimal", "%",
           "Lower end of the 90 percent interval of the fibrosis extent.", "0.2.0"),
    Column("fibrosis_percent_high", "decimal", "%",
           "Upper end of the 90 percent interval of the fibrosis extent.", "0.2.0"),
    Column("severity_stability", "text", "",
           "Whether the severity stands within the interval's doubt, or which other grade it may be.", "0.2.0",
           values=STABILITIES),
)

COMPARISON_COLUMNS: tuple[Column, ...] = (
    Column("schema_version", "integer", "", "Version of this table's meaning.", required=True),
    Column("subject_id", "text", "", "Subject.", required=True),
    Column("baseline_visit", "text", "", "Visit compared from.", required=True),
    Column("followup_visit", "text", "", "Visit compared to.", required=True),
    Column("comparability", "text", "", "Whether the change may be read.",
           values=tuple(c.value for c in Comparability), required=True),
    Column("reasons", "codes", "", "Codes of what differs, gravest first."),
    Column("baseline_severity", "text", "", "Grade at baseline.", values=_SEVERITIES),
    Column("followup_severity", "text", "", "Grade at follow-up.", values=_SEVERITIES),
    Column("baseline_ild_percent", "decimal", "%", "ILD extent at baseline."),
    Column("followup_ild_percent", "decimal", "%", "ILD extent at follow-up."),
    Column("ild_change_points", "decimal", "points", "Follow-up minus baseline; empty where not comparable."),
    Column("baseline_fibrosis_percent", "decimal", "%", "Fibrosis extent at baseline."),
    Column("followup_fibrosis_percent", "decimal", "%", "Fibrosis extent at follow-up."),
    Column("fibrosis_change_points", "decimal", "points", "Follow-up minus baseline; empty where not comparable."),
    Column("baseline_lung_volume_ml", "decimal", "ml", "Lung volume at baseline."),
    Column("followup_lung_volume_ml", "decimal", "ml", "Lung volume at follow-up."),
    Column("lung_volume_change_percent", "decimal", "%", "Change of lung volume in percent of baseline."),
)


def codes(findings: tuple[Finding, ...]) -> str:
    return ";".join(f.code for f in findings)


def utc_text(moment: datetime | None) -> str:
    """2026-01-31T09:30:00Z; empty for None."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _fixed(value: float | Decimal | None, places: int) -> str:
    return "" if value is None else str(rounded(value, places))


def _measured(extents: Extents) -> Row:
    lung = extents.voxels()
    row: Row = {
        "ild_percent": _text(extents.ild_percent),
        "fibrosis_percent": _text(extents.fibrosis_percent),
        "lung_volume_ml": _text(extents.ml()),
        "ild_ml": _text(extents.ml(extents.ild_patterns)),
        "fibrosis_ml": _text(extents.ml(FIBROSIS)),
        "mean_lung_density_hu": _fixed(extents.hu_sum / lung, 1) if lung else "",
    }
    for pattern in LUNG_PATTERNS:
        if pattern is not Pattern.NORMAL:
            row[f"{pattern.word}_percent"] = _text(extents.percent((pattern,)))
    for zone in Zone:
        row[f"{zone.word}_ild_percent"] = _text(extents.percent(extents.ild_patterns, (zone,)))
        row[f"{zone.word}_fibrosis_percent"] = _text(extents.percent(FIBROSIS, (zone,)))
        row[f"{zone.word}_volume_ml"] = _text(extents.ml(zones=(zone,)))
    return row


def _doubt(score: Score) -> Row:
    row: Row = {"severity_stability": score.severity_stability or ""}
    for name, interval in (("ild_percent", score.ild_interval), ("fibrosis_percent", score.fibrosis_interval)):
        row |= {f"{name}_low": "", f"{name}_high": ""} if interval is None else _ends(name, interval)
    return row


def _ends(name: str, interval: Interval) -> Row:
    return {f"{name}_low": _fixed(interval.low_percent, 2), f"{name}_high": _fixed(interval.high_percent, 2)}


def contrast_word(score: Score) -> str:
    """yes, no or unknown: the finding CONTRAST covers tag and image."""
    if score.acquisition.contrast or any(f.code == "CONTRAST" for f in score.findings):
        return "yes"
    seen = score.stats is not None and score.stats.blood_hu is not None
    return "no" if score.acquisition.contrast is False or seen else "unknown"


def score_row(score: Score) -> Row:
    """The one row that CSV, window and report show, columns in the contract's order."""
    facts = score.acquisition
    pixel = max(facts.pixel_spacing_mm) if facts.pixel_spacing_mm else None
    row = dict.fromkeys((c.name for c in SCORE_COLUMNS), "")
    row |= {
        "schema_version": str(SCHEMA_VERSION),
        "subject_id": score.subject_id,
        "visit": score.visit.name,
        "visit_week": _text(score.visit.week),
        "scan_date": facts.scan_date or "",
        "status": score.status.value,
        "reasons": codes(score.findings),
        "severity": _text(score.severity),
        "fibrosis_severity": _text(score.fibrosis_severity),
        "slice_thickness_mm": _fixed(facts.slice_thickness_mm, 3),
        "slice_spacing_mm": _fixed(facts.slice_spacing_mm, 3),
        "pixel_spacing_mm": _fixed(pixel, 3),
        "kernel": facts.kernel or "",
        "kvp": _fixed(facts.kvp, 0),
        "manufacturer": facts.manufacturer or "",
        "model": facts.model or "",
        "contrast": contrast_word(score),
        "series_instance_uid": facts.series_instance_uid,
        "software_version": score.software_version,
        "protocol_id": score.protocol_name,
        "protocol_sha256": score.protocol_sha256,
        "runtime_s": _fixed(score.runtime_s, 2),
        "score_kind": score.kind.value,
        "score_version": str(score.version),
        "scored_at_utc": utc_text(score.scored_at),
        "study_instance_uid": facts.study_instance_uid,
    }
    if score.extents is not None and score.status is not Status.REFUSED:
        row |= _measured(score.extents) | _doubt(score)
    return row


def comparison_row(comparison: Comparison) -> Row:
    """One row of comparison.csv."""
    before, after = score_row(comparison.baseline), score_row(comparison.followup)
    row: Row = {
        "schema_version": str(SCHEMA_VERSION),
        "subject_id": comparison.baseline.subject_id,
        "baseline_visit": comparison.baseline.visit.name,
        "followup_visit": comparison.followup.visit.name,
        "comparability": comparison.comparability.value,
        "reasons": codes(comparison.findings),
        "ild_change_points": _text(comparison.ild_change_points),
        "fibrosis_change_points": _text(comparison.fibrosis_change_points),
        "lung_volume_change_percent": _text(comparison.lung_volume_change_percent),
    }
    for name in ("severity", "ild_percent", "fibrosis_percent", "lung_volume_ml"):
        row[f"baseline_{name}"], row[f"followup_{name}"] = before[name], after[name]
    return {column.name: row[column.name] for column in COMPARISON_COLUMNS}
