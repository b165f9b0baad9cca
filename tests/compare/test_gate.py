"""May two scores be compared? Each row of the table "Fit to compare", at its limits."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ssc_hrct.app.assets import default_protocol
from ssc_hrct.compare import compare_scores, followup_visit
from ssc_hrct.core.comparison import Comparability, Comparison
from ssc_hrct.core.errors import WrongUsage
from ssc_hrct.core.findings import PAIR_FINDINGS, caution, pair_caution, refusal
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.score import Score
from ssc_hrct.core.subject import UNSCHEDULED
from tests.made_up import a_score, acquisition, extents, stats

PROTOCOL = default_protocol()
LATER = {"scan_date": "2025-12-17"}


def later(**facts: object) -> Score:
    """The same scanner 48 weeks on."""
    return a_score(visit="week_48", facts=acquisition(**LATER | facts))


def judged(before: Score, after: Score) -> Comparison:
    return compare_scores(before, after, PROTOCOL)


def codes(comparison: Comparison) -> list[str]:
    return [f.code for f in comparison.findings]


def test_two_like_scans_are_comparable_and_changes_are_follow_up_minus_baseline() -> None:
    before = a_score(extents=extents({(3, Pattern.GROUND_GLASS): 300, (3, Pattern.RETICULATION): 60}))
    after = a_score(visit="week_48", facts=acquisition(**LATER),
                    extents=extents({(3, Pattern.GROUND_GLASS): 330, (3, Pattern.RETICULATION): 30}))
    comparison = judged(before, after)
    assert comparison.comparability is Comparability.COMPARABLE
    assert comparison.findings == ()
    assert comparison.ild_change_points == Decimal("0.00")
    assert comparison.fibrosis_change_points == Decimal("-0.50")
    assert comparison.lung_volume_change_percent == Decimal("0.00")


@pytest.mark.parametrize(
    ("change_percent", "code", "comparability"),
    [(10.0, None, "comparable"), (10.1, "VOLUME_DIFFERS", "with_caution"), (-10.1, "VOLUME_DIFFERS", "with_caution"),
     (20.0, "VOLUME_DIFFERS", "with_caution"), (20.1, "VOLUME_DIFFERS", "not_comparable"),
     (-25.0, "VOLUME_DIFFERS", "not_comparable")],
)
def test_lung_volume(change_percent: float, code: str | None, comparability: str) -> None:
    after = a_score(visit="week_48", facts=acquisition(**LATER), extents=extents({}, 0.5 * (1 + change_percent / 100)))
    comparison = judged(a_score(extents=extents({})), after)
    assert codes(comparison) == ([code] if code else [])
    assert comparison.comparability == comparability
    if comparability == "not_comparable":
        assert comparison.ild_change_points is None
        assert comparison.fibrosis_change_points is None
        assert comparison.lung_volume_change_percent is None


@pytest.mark.parametrize(
    ("before", "after", "comparability"),
    [(1.0, 1.5, "comparable"), (0.6, 1.1, "comparable"), (0.625, 1.25, "with_caution"), (1.5, 1.75, "with_caution"),
     (2.0, 3.0, "with_caution"), (1.5, 2.5, "with_caution"), (1.5, 2.6, "not_comparable"), (1.0, 2.5, "not_comparable"),
     (2.0, 5.0, "with_caution")],
)
def test_thickness(before: float, after: float, comparability: str) -> None:
    for first, second in ((before, after), (after, before)):
        comparison = judged(a_score(facts=acquisition(slice_thickness_mm=first)), later(slice_thickness_mm=second))
        assert comparison.comparability == comparability
        assert codes(comparison) == ([] if comparability == "comparable" else ["THICKNESS_DIFFERS"])


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [("BONEPLUS", "LUNG", None), ("LUNG", "STANDARD", "KERNEL_DIFFERS"), ("B60f", "Bl57d", None),
     ("B60f", "B30f", "KERNEL_DIFFERS"), ("FC51", "FC13", "KERNEL_DIFFERS"), ("home made", "HOME MADE", None),
     ("home made", "LUNG", "KERNEL_UNKNOWN"), (None, "LUNG", "KERNEL_UNKNOWN"), (None, None, "KERNEL_UNKNOWN"),
     ("['Br40f', '3']", "Br40f", "KERNEL_UNKNOWN"), ("Br40f 3", "Br44d", None)],
)
def test_kernel_class(before: str | None, after: str | None, code: str | None) -> None:
    comparison = judged(a_score(facts=acquisition(kernel=before)), later(kernel=after))
    assert codes(comparison) == ([code] if code else [])
    assert comparison.comparability is (Comparability.WITH_CAUTION if code else Comparability.COMPARABLE)


@pytest.mark.parametrize(("before", "after", "code"), [(1.0, 1.2, None), (1.0, 1.21, "KERNEL_DIFFERS"),
                                                       (1.21, 1.0, "KERNEL_DIFFERS"), (None, 2.0, "KERNEL_UNKNOWN"),
                                                       (None, None, "KERNEL_UNKNOWN")])
def test_measured_sharpness(before: float | None, after: float | None, code: str | None) -> None:
    second = a_score(visit="week_48", facts=acquisition(**LATER), measured=stats(fwhm_mm=after))
    assert codes(judged(a_score(measured=stats(fwhm_mm=before)), second)) == ([code] if code else [])


@pytest.mark.parametrize(
    ("name", "before", "after", "code"),
    [
        ("manufacturer", "GE MEDICAL SYSTEMS", "SIEMENS", "MANUFACTURER_DIFFERS"),
        ("manufacturer", "GE MEDICAL SYSTEMS", "GE HealthCare", None),
        ("manufacturer", "TOSHIBA", "Canon Medical Systems", None),
        ("manufacturer", "GE MEDICAL SYSTEMS", None, "MANUFACTURER_UNKNOWN"),
        ("reconstruction", "DLIR", "ASIR", "RECONSTRUCTION_DIFFERS"),
        ("reconstruction", None, "ASIR", "RECONSTRUCTION_UNKNOWN"),
        ("reconstruction", "ASIR", "", "RECONSTRUCTION_UNKNOWN"),
        ("reconstruction", None, "", None),
        ("reconstruction", "ASIR", "asir", None),
        ("kvp", 120.0, 100.0, "KVP_DIFFERS"),
        ("kvp", 120.0, None, "KVP_UNKNOWN"),
        ("contrast", False, True, "CONTRAST_DIFFERS"),
        ("patient_position", "HFS", "FFS", None),
        ("patient_position", "HFS", "HFP", "POSITION_DIFFERS"),
        ("patient_position", "HFS", "HFDR", "POSITION_DIFFERS"),
        ("patient_position", "HFS", None, None),  # the image says supine
        ("scan_date", "2026-01-01", "2025-01-01", "DATES_REVERSED"),
        ("scan_date", "2025-01-01", "2025-01-01", None),
        ("scan_date", None, "2025-01-01", "DATES_UNKNOWN"),
    ],
)
def test_what_else_the_headers_say(name: str, before: object, after: object, code: str | None) -> None:
    comparison = judged(a_score(facts=acquisition(**{name: before})), later(**{name: after}))
    assert codes(comparison) == ([code] if code else [])
    assert comparison.comparability is (Comparability.WITH_CAUTION if code else Comparability.COMPARABLE)
    assert comparison.ild_change_points == Decimal("0.00")


def test_contrast_and_position_that_nobody_knows_are_said() -> None:
    blind = stats(blood_hu=None, supine=None)
    after = a_score(visit="week_48", measured=blind, facts=acquisition(**LATER, contrast=None, patient_position=None))
    comparison = judged(a_score(), after)
    assert codes(comparison) == ["CONTRAST_UNKNOWN", "POSITION_UNKNOWN"]
    assert [f.kind for f in comparison.findings] == [PAIR_FINDINGS[code] for code in codes(comparison)]


@pytest.mark.parametrize(("behind", "told"), [(True, []), (False, ["POSITION_DIFFERS"]), (None, [])])
def test_the_couch_in_the_image_is_believed_before_the_header(behind: bool | None, told: list[str]) -> None:
    after = a_score(visit="week_48", measured=stats(table_behind=behind), facts=acquisition(**LATER))
    assert codes(judged(a_score(), after)) == told


def test_a_kernel_that_differs_by_name_is_said_even_where_sharpness_was_not_measured() -> None:
    after = a_score(visit="week_48", facts=acquisition(**LATER, kernel="STANDARD"), measured=stats(fwhm_mm=None))
    assert codes(judged(a_score(), after)) == ["KERNEL_DIFFERS"]


def test_what_is_not_known_names_the_side() -> None:
    after = a_score(visit="week_48", facts=acquisition(**LATER), measured=stats(fwhm_mm=None, air_hu=None))
    sharpness, air = judged(a_score(), after).findings
    assert sharpness.detail == "measured sharpness: baseline 1.00 mm, follow-up not measured"
    assert air.detail == "baseline -1000 HU, follow-up not measured"


def test_a_side_refused_after_it_was_measured_is_still_compared_in_what_is_known() -> None:
    refused = a_score(visit="week_48", facts=acquisition(**LATER), extents=None, findings=(refusal("EXPIRATION"),),
                      measured=stats(air_hu=-960.0, fwhm_mm=None, blood_hu=None))
    assert codes(judged(a_score(), refused)) == ["SIDE_REFUSED", "AIR_DIFFERS"]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [("air_hu", -985.0, None), ("air_hu", -984.0, "AIR_DIFFERS"), ("air_hu", -1016.0, "AIR_DIFFERS"),
     ("air_hu", None, "AIR_UNKNOWN"),
     ("blood_hu", 55.0, None), ("blood_hu", 56.0, "BLOOD_DIFFERS"), ("blood_hu", None, "BLOOD_UNKNOWN")],
)
def test_air_and_blood(name: str, value: float | None, code: str | None) -> None:
    after = a_score(visit="week_48", facts=acquisition(**LATER), measured=stats(**{name: value}))
    assert codes(judged(a_score(), after)) == ([code] if code else [])


def test_blood_is_not_compared_where_contrast_was_given() -> None:
    enhanced = a_score(visit="week_48", facts=acquisition(**LATER, contrast=True), measured=stats(blood_hu=180.0))
    assert codes(judged(a_score(), enhanced)) == ["CONTRAST_DIFFERS"]
    unseen = a_score(visit="week_48", facts=acquisition(**LATER, contrast=True), measured=stats(blood_hu=None))
    assert codes(judged(a_score(), unseen)) == ["CONTRAST_DIFFERS"]


@pytest.mark.parametrize(("code", "pair"), [("CUT_OFF", "COVERAGE_DIFFERS"), ("MOTION", "MOTION_DIFFERS")])
def test_cut_off_or_moved_on_one_side(code: str, pair: str) -> None:
    marked = a_score(findings=(caution(code),))
    marked_later = a_score(visit="week_48", facts=acquisition(**LATER), findings=(caution(code),))
    assert codes(judged(marked, later())) == [pair]
    assert codes(judged(a_score(), marked_later)) == [pair]
    assert codes(judged(marked, marked_later)) == []


def test_a_refused_side_is_not_comparable_and_says_nothing_of_what_was_not_measured() -> None:
    refused = a_score(visit="week_48", facts=acquisition(**LATER), extents=None, measured=None,
                      findings=(refusal("TOO_FEW_SLICES"),))
    comparison = judged(a_score(), refused)
    assert comparison.comparability is Comparability.NOT_COMPARABLE
    assert codes(comparison) == ["SIDE_REFUSED"]
    assert comparison.findings[0].detail == "follow-up"


def test_another_version_or_protocol_is_not_comparable() -> None:
    other = a_score(visit="week_48", facts=acquisition(**LATER), version="0.2.0", protocol_sha256="b" * 64)
    comparison = judged(a_score(), other)
    assert comparison.comparability is Comparability.NOT_COMPARABLE
    assert codes(comparison) == ["VERSION_DIFFERS", "PROTOCOL_DIFFERS"]


def test_the_gravest_stands_first_and_the_visit_last() -> None:
    after = a_score(visit="unscheduled", facts=acquisition(**LATER, kvp=100.0), version="0.2.0")
    comparison = compare_scores(a_score(), after, PROTOCOL, known=(pair_caution("VISIT_NOT_GIVEN"),))
    assert codes(comparison) == ["VERSION_DIFFERS", "KVP_DIFFERS", "VISIT_NOT_GIVEN"]


def test_scores_of_two_subjects_are_wrong_usage() -> None:
    with pytest.raises(WrongUsage, match="different subjects"):
        judged(a_score(), a_score(subject="0008", visit="week_48"))


@pytest.mark.parametrize(
    ("days", "visit"),
    [(44 * 7 - 1, "unscheduled"), (44 * 7, "week_48"), (336, "week_48"), (52 * 7, "week_48"),
     (52 * 7 + 1, "unscheduled"), (-336, "unscheduled"), (0, "unscheduled")],
)
def test_a_follow_up_is_week_48_from_44_to_52_weeks(days: int, visit: str) -> None:
    from datetime import date, timedelta

    day = (date(2025, 1, 15) + timedelta(days=days)).isoformat()
    found, findings = followup_visit("2025-01-15", day, PROTOCOL)
    assert found.name == visit
    assert [f.kind for f in findings] == ([] if visit == "week_48" else [PAIR_FINDINGS["VISIT_NOT_GIVEN"]])


def test_without_a_date_the_follow_up_is_unscheduled_and_says_so() -> None:
    dates: tuple[tuple[str | None, str | None], ...] = ((None, "2025-01-01"), ("2025-01-01", None))
    for before, after in dates:
        found, findings = followup_visit(before, after, PROTOCOL)
        assert found is UNSCHEDULED
        assert [f.code for f in findings] == ["VISIT_NOT_GIVEN"]
