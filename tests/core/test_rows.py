"""The one table of columns against the contract as it was written, and how a row is printed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from ssc_hrct.core.comparison import Comparability, Comparison
from ssc_hrct.core.findings import caution, pair_caution, refusal
from ssc_hrct.core.grade import Severity
from ssc_hrct.core.intervals import Interval
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.rows import COMPARISON_COLUMNS, SCORE_COLUMNS, comparison_row, contrast_word, score_row, utc_text
from tests.made_up import a_score, acquisition, extents, stats

ZONES = ("right_upper", "right_middle", "right_lower", "left_upper", "left_middle", "left_lower")
CONTRACT = (
    "schema_version subject_id visit visit_week scan_date status reasons severity ild_percent fibrosis_percent "
    "ground_glass_percent reticulation_percent honeycombing_percent consolidation_percent emphysema_percent "
    "lung_volume_ml ild_ml fibrosis_ml mean_lung_density_hu "
    + " ".join(f"{zone}_{what}" for zone in ZONES for what in ("ild_percent", "fibrosis_percent", "volume_ml"))
    + " slice_thickness_mm slice_spacing_mm pixel_spacing_mm kernel kvp manufacturer model contrast "
    "series_instance_uid software_version protocol_id protocol_sha256 runtime_s fibrosis_severity score_kind "
    "score_version reader_id edited_ml scored_at_utc signed_at_utc study_instance_uid "
    "ild_percent_low ild_percent_high fibrosis_percent_low fibrosis_percent_high severity_stability"
)


def test_columns_stand_in_the_order_of_the_contract() -> None:
    assert " ".join(c.name for c in SCORE_COLUMNS) == CONTRACT


def test_a_row_has_every_column_in_order_whether_scored_or_refused() -> None:
    for score in (a_score(), a_score(findings=(refusal("LOCALIZER"),), extents=None)):
        assert list(score_row(score)) == [c.name for c in SCORE_COLUMNS]


def test_percents_are_counts_over_the_lung_rounded_once_and_zones_divide_by_their_own_volume() -> None:
    """Six zones of 1,000 voxels of 0.5 ml; 300 of ground glass in one, 60 of honeycombing in another."""
    counted = extents({(1, Pattern.GROUND_GLASS): 300, (6, Pattern.HONEYCOMBING): 60, (2, Pattern.EMPHYSEMA): 30})
    row = score_row(a_score(extents=counted))
    assert row["lung_volume_ml"] == "3000.0"
    assert row["ild_percent"] == "6.00"
    assert row["fibrosis_percent"] == "1.00"
    assert row["emphysema_percent"] == "0.50"
    assert row["ild_ml"] == "180.0"
    assert row["right_upper_ild_percent"] == "30.00"
    assert row["right_upper_fibrosis_percent"] == "0.00"
    assert row["left_lower_fibrosis_percent"] == "6.00"
    assert row["right_middle_volume_ml"] == "500.0"
    assert row["mean_lung_density_hu"] == "-850.0"


def test_a_refused_row_says_why_and_has_no_number_of_the_lung() -> None:
    row = score_row(a_score(findings=(refusal("TOO_FEW_SLICES"), caution("VISIT_NOT_GIVEN")), extents=None))
    assert row["status"] == "refused"
    assert row["reasons"] == "TOO_FEW_SLICES;VISIT_NOT_GIVEN"
    ends = ("_percent", "_ml", "_hu", "severity", "_low", "_high", "stability")
    empty = [name for name in row if name.endswith(ends)]
    assert len(empty) == 37
    assert {row[name] for name in empty} == {""}


def test_the_ends_of_an_interval_are_rounded_once_and_stand_beside_the_stability() -> None:
    score = replace(a_score(), ild_interval=Interval(0.125, 3.1449), fibrosis_interval=Interval(0.0, 0.5),
                    severity_stability="stable")
    row = score_row(score)
    assert [row[name] for name in CONTRACT.split()[-5:]] == ["0.13", "3.14", "0.00", "0.50", "stable"]


def test_without_an_interval_its_columns_are_empty_and_a_refused_row_never_has_one() -> None:
    doubt = Interval(1.0, 2.0)
    refused = replace(a_score(findings=(refusal("LOCALIZER"),)), ild_interval=doubt, fibrosis_interval=doubt,
                      severity_stability="stable")
    for score in (a_score(), refused):
        assert {score_row(score)[name] for name in CONTRACT.split()[-5:]} == {""}


def test_columns_that_came_later_say_since_when_and_are_the_last() -> None:
    since = [tuple(int(part) for part in c.since.split(".")) for c in SCORE_COLUMNS]
    assert since == sorted(since)
    assert [c.name for c in SCORE_COLUMNS if c.since != "0.1.0"] == CONTRACT.split()[-5:]


def test_a_week_stands_beside_its_visit_and_unscheduled_has_none() -> None:
    weeks = [score_row(a_score(visit=visit))["visit_week"] for visit in ("baseline", "week_48", "unscheduled")]
    assert weeks == ["0", "48", ""]


def test_moments_are_printed_in_utc() -> None:
    local = datetime(2026, 1, 31, 12, 30, tzinfo=timezone(timedelta(hours=3)))
    assert utc_text(local) == "2026-01-31T09:30:00Z"
    assert utc_text(None) == ""


def test_contrast_is_yes_by_tag_or_by_sight_no_where_looked_and_else_unknown() -> None:
    unseen = stats(blood_hu=None)
    assert contrast_word(a_score(facts=acquisition(contrast=True))) == "yes"
    assert contrast_word(a_score(findings=(caution("CONTRAST"),))) == "yes"
    assert contrast_word(a_score(facts=acquisition(contrast=None), measured=stats(blood_hu=40.0))) == "no"
    assert contrast_word(a_score(facts=acquisition(contrast=None), measured=unseen)) == "unknown"
    assert contrast_word(a_score(facts=acquisition(contrast=False), measured=unseen)) == "no"


def test_a_comparison_row_shows_each_visit_as_its_own_row_does() -> None:
    before, after = a_score(), replace(a_score(visit="week_48"), severity=Severity.MILD)
    comparison = Comparison(before, after, Comparability.WITH_CAUTION, (pair_caution("VOLUME_DIFFERS"),),
                            Decimal("-0.50"), Decimal("0.00"), Decimal("11.20"))
    row = comparison_row(comparison)
    assert list(row) == [c.name for c in COMPARISON_COLUMNS]
    assert row["comparability"] == "with_caution"
    assert row["reasons"] == "VOLUME_DIFFERS"
    assert (row["ild_change_points"], row["lung_volume_change_percent"]) == ("-0.50", "11.20")
    assert row["followup_severity"] == "mild"
    assert row["baseline_ild_percent"] == score_row(before)["ild_percent"]
