"""Each limit of "Fit to score" that the image tells, on both sides of it, with its value in plain words."""

from __future__ import annotations

from typing import Any

import pytest

from ssc_hrct.app.assets import default_protocol
from ssc_hrct.core.findings import SCAN_FINDINGS, Finding, Level
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.quality import check_extents, check_image
from tests.made_up import acquisition, extents, stats

C, R = Level.CAUTION, Level.REFUSED


def findings(contrast: bool | None = False, position: str | None = "HFS", **measured: Any) -> tuple[Finding, ...]:
    """Findings of an image in which nothing is the matter, but for what is changed."""
    return check_image(
        stats(**measured), acquisition(contrast=contrast, patient_position=position), default_protocol()
    )


def test_a_good_image_has_no_finding():
    assert findings() == ()


FINE: list[dict[str, Any]] = [
    # values
    {"air_hu": -1050.0}, {"air_hu": -950.0}, {"blood_hu": 0.0}, {"blood_hu": 80.0},
    {"contrast": True, "blood_hu": 90.0}, {"contrast": None, "blood_hu": 40.0},
    # noise
    {"noise_hu": 45.0}, {"noise_hu": 0.0},
    # inspiration
    {"normal_mode_hu": -820.0}, {"normal_mode_hu": -920.0}, {"normal_share": 0.2},
    {"windpipe_bow_mm": 1.0}, {"windpipe_bow_mm": -2.0}, {"windpipe_bow_mm": None},
    # position: the couch, the header, the density
    {"table_behind": True, "density_supine": False}, {"density_supine": True}, {"density_supine": None},
    {"position": "FFS", "table_behind": True}, {"position": "HFP", "table_behind": False},
    {"position": "HFP", "density_supine": False},
    # motion
    {"moved_slices": ()}, {"moved_slices": (40,)},
    # coverage, field of view
    {"cut_off_percent": 0.0}, {"air_hu": -1024.0}, {"view_percent": 0.0},
    # mask
    {"lung_ml": 2000.0}, {"lung_ml": 8500.0}, {"right_share": 0.5}, {"right_share": 0.6}, {"airways_ml": 100.0},
    {"airways_ml": 15.0}, {"low_density_percent": 15.0}, {"supine": False},
]


@pytest.mark.parametrize("changes", FINE, ids=str)
def test_what_lies_within_the_limits_is_not_spoken_of(changes: dict[str, Any]):
    assert findings(**changes) == ()


CASES: list[tuple[dict[str, Any], str, Level, str]] = [
    # values
    ({"air_hu": -1051.0}, "HU_OFFSET", C, "-1051 HU"),
    ({"air_hu": -949.0}, "HU_OFFSET", C, "-949 HU"),
    ({"air_hu": -850.0}, "HU_OFFSET", C, "-850 HU"),
    ({"air_hu": -849.0}, "NOT_HU", R, "-849 HU"),
    ({"air_hu": 24.0}, "NOT_HU", R, "24 HU"),
    ({"air_around_hu": -700.0, "blood_hu": -1.0}, "HU_OFFSET", C, "-1 HU"),
    ({"blood_hu": -1.0}, "HU_OFFSET", C, "-1 HU"),
    ({"blood_hu": 81.0}, "HU_OFFSET", C, "81 HU"),
    ({"blood_hu": 100.0}, "HU_OFFSET", C, "100 HU"),
    ({"contrast": None, "blood_hu": 90.0}, "HU_OFFSET", C, "90 HU"),
    # contrast, whether the header tells of it or not
    ({"blood_hu": 101.0}, "CONTRAST", C, "101 HU"),
    ({"contrast": None, "blood_hu": 250.0}, "CONTRAST", C, "250 HU"),
    # noise
    ({"noise_hu": 46.0}, "NOISY", C, "46 HU"),
    ({"noise_hu": 90.0}, "NOISY", C, "90 HU"),
    ({"noise_hu": 91.0}, "NOISY", R, "91 HU"),
    ({"noise_hu": 60.0, "noise_in_blood": True}, "NOISY", C, "It was measured in the heart"),
    # what could not be measured
    ({"air_hu": None}, "IMAGE_UNKNOWN", C, "Not measured: air."),
    ({"noise_hu": None, "fwhm_mm": None}, "IMAGE_UNKNOWN", C, "Not measured: noise, sharpness."),
    ({"blood_hu": None}, "IMAGE_UNKNOWN", C, "Not measured: blood."),
    ({"moved_slices": None}, "IMAGE_UNKNOWN", C, "Not measured: motion."),
    # inspiration
    ({"normal_mode_hu": -819.0}, "LOW_INSPIRATION", C, "-819 HU"),
    ({"lung_ml": 1499.0}, "EXPIRATION", R, "1499 ml"),
    ({"windpipe_bow_mm": 1.1}, "LOW_INSPIRATION", C, "bowed forward by 1.1 mm"),
    ({"normal_share": 0.19}, "NO_NORMAL_LUNG", C, "19 percent"),
    ({"normal_share": 0.5, "normal_predicted": True}, "NO_NORMAL_LUNG", C, "3000 ml, -870 HU, stands in"),
    ({"normal_mode_hu": -700.0, "normal_predicted": True}, "NO_NORMAL_LUNG", C, "-700 HU, stands in"),
    # position
    ({"table_behind": False}, "PRONE", C, "in front of the patient, though the header says HFS"),
    ({"position": "FFP", "table_behind": True}, "POSITION_UNKNOWN", C, "behind the patient, though the header says F"),
    ({"position": None, "table_behind": True}, "POSITION_UNKNOWN", C, "The couch in the image lies behind"),
    ({"position": "HFDR", "table_behind": True}, "POSITION_UNKNOWN", C, "The couch in the image lies behind"),
    ({"position": None, "density_supine": True}, "POSITION_UNKNOWN", C, "denser to the back"),
    ({"position": None, "density_supine": False}, "POSITION_UNKNOWN", C, "denser to the front"),
    ({"position": None}, "POSITION_UNKNOWN", C, "as if the patient lay on the back"),
    ({"density_supine": False}, "POSITION_UNKNOWN", C, "denser to the front, though the header says HFS"),
    # motion
    ({"moved_slices": (11, 12, 13, 40)}, "MOTION", C, "4 slices show it, counted from the feet: 12 to 14, 41."),
    ({"moved_slices": tuple(range(0, 40, 2))}, "MOTION", C, "from the feet: 1, 3, 5, 7, 9, 11 and more."),
    # coverage
    ({"cut_off_percent": 0.2}, "CUT_OFF", C, "0.2 percent"),
    ({"cut_off_percent": 3.0}, "CUT_OFF", C, "3.0 percent"),
    ({"cut_off_percent": 3.1}, "CUT_OFF", R, "3.1 percent"),
    ({"cut_off_percent": 0.5, "cut_off_lesser_percent": 0.1}, "CUT_OFF", C, "beyond the slices."),
    ({"cut_off_percent": 0.5, "cut_off_lesser_percent": 0.11}, "CUT_OFF", R, "beyond the slices, at both ends."),
    # field of view
    ({"view_percent": 0.1}, "FIELD_OF_VIEW", C, "0.1 percent"),
    ({"view_percent": 1.0}, "FIELD_OF_VIEW", C, "1.0 percent"),
    ({"view_percent": 1.1}, "FIELD_OF_VIEW", R, "1.1 percent"),
    # mask
    ({"lung_ml": 8501.0}, "MASK_VOLUME", C, "8501 ml"),
    ({"right_share": 0.49}, "MASK_ASYMMETRY", C, "49 percent"),
    ({"right_share": 0.499}, "MASK_ASYMMETRY", C, "49.9 percent"),
    ({"right_share": 0.61}, "MASK_ASYMMETRY", C, "61 percent"),
    ({"airways_ml": 14.9}, "MASK_AIRWAYS", C, "hold 14.9 ml"),
    ({"airways_ml": 0.0}, "MASK_AIRWAYS", C, "hold 0 ml"),
    ({"airways_ml": 101.0}, "MASK_LEAK", C, "101 ml"),
    ({"low_density_percent": 16.0}, "MASK_LOW_DENSITY", C, "16 percent"),
]


@pytest.mark.parametrize(("changes", "code", "level", "told"), CASES, ids=str)
def test_each_limit_on_its_far_side(changes: dict[str, Any], code: str, level: Level, told: str):
    found = findings(**changes)
    assert [(f.code, f.level) for f in found] == [(code, level)]
    assert told in found[0].detail
    assert code in SCAN_FINDINGS


@pytest.mark.parametrize(("around_hu", "code", "level"), [
    (-1000.0, None, None), (-949.0, "HU_OFFSET", C), (-850.0, "HU_OFFSET", C), (-849.0, "NOT_HU", R),
    (None, None, None),
])
def test_where_the_windpipe_tells_no_air_that_around_the_patient_does(
    around_hu: float | None, code: str | None, level: Level | None
):
    told = {f.code: f for f in findings(air_hu=None, air_around_hu=around_hu)}
    assert told.pop("IMAGE_UNKNOWN").detail == "Not measured: air."
    assert [(f.code, f.level) for f in told.values()] == ([(code, level)] if code else [])
    assert all(f"in front of the patient is at {around_hu:.0f} HU" in f.detail for f in told.values())


@pytest.mark.parametrize(("air_hu", "blood", "off"), [
    (-1024.0, {"blood_hu": None}, True),
    (-1023.0, {"blood_hu": None}, False),
    (-1024.0, {"blood_hu": 40.0}, False),
    (-1024.0, {"blood_hu": 40.0, "contrast": True}, True),
])
def test_air_that_is_clipped_may_lie_lower_unless_blood_vouches_for_it(
    air_hu: float, blood: dict[str, Any], off: bool
):
    told = [f.detail for f in findings(air_hu=air_hu, **blood) if f.code == "HU_OFFSET"]
    assert len(told) == off
    assert all("-1024 HU" in detail and "may lie lower" in detail for detail in told)


@pytest.mark.parametrize("lung_ml", [1500.0, 1999.0])
def test_a_low_volume_is_a_shallow_breath_or_an_outline_that_lacks_lung(lung_ml: float):
    found = findings(lung_ml=lung_ml)
    assert {f.code: f.level for f in found} == {"LOW_INSPIRATION": C, "MASK_VOLUME": C}
    assert all(f"{lung_ml:.0f} ml" in f.detail for f in found)


def test_signs_of_a_shallow_breath_stand_in_one_caution():
    (found,) = findings(normal_mode_hu=-790.0, windpipe_bow_mm=2.0)
    assert "-790 HU" in found.detail
    assert "2.0 mm" in found.detail


def test_a_couch_in_front_where_the_header_is_silent_is_prone_and_unknown():
    found = findings(position=None, table_behind=False)
    assert [f.code for f in found] == ["POSITION_UNKNOWN", "PRONE"]
    assert all("in front of the patient" in f.detail for f in found)


def test_a_small_breath_says_so_once():
    """Under 1.5 l the lungs are dense as well; one refusal says it all."""
    assert [f.code for f in findings(lung_ml=1200.0, normal_mode_hu=-700.0)] == ["EXPIRATION"]


def test_several_findings_stand_together():
    found = {f.code: f.level for f in findings(noise_hu=60.0, cut_off_percent=5.0, blood_hu=200.0, view_percent=0.5)}
    assert found == {"NOISY": C, "CUT_OFF": R, "CONTRAST": C, "FIELD_OF_VIEW": C}


@pytest.mark.parametrize(("voxels", "spoken_of"), [(0, False), (120, False), (121, True), (900, True)])
def test_over_two_percent_of_consolidation_is_a_caution(voxels: int, spoken_of: bool):
    """Of 6,000 voxels of lung, 120 are two percent; 121 print as 2.02."""
    found = check_extents(extents({(2, Pattern.CONSOLIDATION): voxels}), default_protocol())
    assert [(f.code, f.level) for f in found] == ([("CONSOLIDATION", C)] if spoken_of else [])
    if voxels == 121:
        assert "2.02 percent" in found[0].detail


def test_other_patterns_are_no_finding():
    many = {(1, Pattern.GROUND_GLASS): 900, (2, Pattern.HONEYCOMBING): 900, (3, Pattern.EMPHYSEMA): 900}
    assert check_extents(extents(many), default_protocol()) == ()
