"""Each limit of fitness from both sides: just within nothing is said, just beyond the code that it stands for.

The values are written here and not read from the protocol, so that a limit that was mistyped, or that is asked the
wrong way round, is found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from ssc_hrct.app.assets import default_protocol
from ssc_hrct.core.findings import Finding, Level
from ssc_hrct.core.given_lungs import GivenFacts
from ssc_hrct.core.mask_facts import MaskFacts
from ssc_hrct.core.patterns import ClassifierDoubt, Pattern
from ssc_hrct.core.protocol import Limits
from ssc_hrct.quality import check_extents, check_given_lungs, check_header, check_image, check_mask, check_patterns
from tests.made_up import acquisition, extents, stats

C, R = Level.CAUTION, Level.REFUSED
PROTOCOL = default_protocol()
OF_A_SCAN = {f.name for f in fields(Limits) if not f.name.startswith("pair_")}
"""Those of pairs are the gate's (tests/compare)."""
Judge = Callable[[Any], tuple[Finding, ...]]


def header(name: str, **also: Any) -> Judge:
    return lambda value: check_header(acquisition(**{name: value}, **also), PROTOCOL)


def image(name: str, **also: Any) -> Judge:
    return lambda value: check_image(stats(**{name: value}, **also), acquisition(), PROTOCOL)


def mask(name: str) -> Judge:
    fine: dict[str, Any] = {
        "parts_over_20_ml": 2, "holes_ml": 0.0, "sides_swapped": False, "largest_step": 0.1, "missed_ml": 0.0,
    }
    return lambda value: check_mask(MaskFacts(**fine | {name: value}), PROTOCOL)


def given(name: str) -> Judge:
    fine: dict[str, Any] = {"labels": 2, "resampled": False, "overlap": 0.95, "uncovered_percent": 0.0}
    return lambda value: check_given_lungs(GivenFacts(**fine | {name: value}), PROTOCOL)


def pixels(value: float) -> tuple[Finding, ...]:
    return header("pixel_spacing_mm")((value, value))


def moved(slices: int) -> tuple[Finding, ...]:
    return image("moved_slices")(tuple(range(40, 40 + slices)))


def out_of_range(percent: float) -> tuple[Finding, ...]:
    return check_patterns(ClassifierDoubt(0.0, 0.0, percent), PROTOCOL)


def consolidated(voxels: int) -> tuple[Finding, ...]:
    """Of 6,000 voxels of lung: 60 are one percent."""
    return check_extents(extents({(2, Pattern.CONSOLIDATION): voxels}), PROTOCOL)


THICK = header("slice_thickness_mm")
LIMITS: list[tuple[str, Judge, Any, Any, str, Level]] = [
    # limit, how it is judged, just within, just beyond, what is said beyond
    ("thin_mm", THICK, 1.5, 1.51, "THICK_SLICES", C),
    ("thick_refused_mm", THICK, 5.0, 5.01, "THICK_SLICES", R),
    ("gap_allowed_mm", header("slice_spacing_mm"), 1.5, 1.51, "SPACED_SLICES", R),
    ("hole_allowed_mm", header("largest_hole_mm", holes=1), 5.0, 5.01, "MISSING_SLICES", R),
    ("fewest_slices", header("slices"), 20, 19, "TOO_FEW_SLICES", R),
    ("tilt_allowed_degrees", header("tilt_degrees"), 30.0, 30.1, "GANTRY_TILT", R),
    ("oblique_allowed_degrees", header("oblique_degrees"), 15.0, 15.1, "NOT_AXIAL", R),
    ("pixel_small_mm", pixels, 0.4, 0.39, "FIELD_OF_VIEW", C),
    ("pixel_large_mm", pixels, 1.0, 1.01, "COARSE_PIXELS", C),
    ("pixel_refused_mm", pixels, 1.5, 1.51, "COARSE_PIXELS", R),
    ("air_hu", image("air_hu"), -1050.0, -1050.1, "HU_OFFSET", C),
    ("air_caution_hu", image("air_hu"), -950.0, -949.9, "HU_OFFSET", C),
    ("air_refused_hu", image("air_hu"), -850.0, -849.9, "NOT_HU", R),
    ("blood_low_hu", image("blood_hu"), 0.0, -0.1, "HU_OFFSET", C),
    ("blood_high_hu", image("blood_hu"), 80.0, 80.1, "HU_OFFSET", C),
    ("contrast_blood_hu", image("blood_hu"), 100.0, 100.1, "CONTRAST", C),
    ("kvp_low", header("kvp"), 100.0, 99.0, "KVP_UNUSUAL", C),
    ("kvp_high", header("kvp"), 140.0, 141.0, "KVP_UNUSUAL", C),
    ("noise_caution_hu", image("noise_hu"), 45.0, 45.1, "NOISY", C),
    ("noise_refused_hu", image("noise_hu"), 90.0, 90.1, "NOISY", R),
    ("normal_mode_high_hu", image("normal_mode_hu"), -820.0, -819.9, "LOW_INSPIRATION", C),
    ("volume_refused_ml", image("lung_ml"), 1500.0, 1499.9, "EXPIRATION", R),
    ("volume_low_ml", image("lung_ml"), 2000.0, 1999.9, "LOW_INSPIRATION", C),
    ("volume_high_ml", image("lung_ml"), 8500.0, 8500.1, "MASK_VOLUME", C),
    ("right_share_low", image("right_share"), 0.5, 0.499, "MASK_ASYMMETRY", C),
    ("right_share_high", image("right_share"), 0.6, 0.601, "MASK_ASYMMETRY", C),
    ("airways_low_ml", image("airways_ml"), 15.0, 14.9, "MASK_AIRWAYS", C),
    ("airway_leak_ml", image("airways_ml"), 100.0, 100.1, "MASK_LEAK", C),
    ("cut_off_caution_percent", image("cut_off_percent"), 0.1, 0.11, "CUT_OFF", C),
    ("cut_off_refused_percent", image("cut_off_percent"), 3.0, 3.01, "CUT_OFF", R),
    ("view_refused_percent", image("view_percent"), 1.0, 1.01, "FIELD_OF_VIEW", R),
    ("low_density_percent", image("low_density_percent"), 15.0, 15.1, "MASK_LOW_DENSITY", C),
    ("windpipe_bow_mm", image("windpipe_bow_mm"), 1.0, 1.01, "LOW_INSPIRATION", C),
    ("motion_slices", moved, 1, 2, "MOTION", C),
    ("parts_most", mask("parts_over_20_ml"), 2, 3, "MASK_PARTS", C),
    ("holes_ml", mask("holes_ml"), 5.0, 5.1, "MASK_HOLES", C),
    ("step_share", mask("largest_step"), 0.25, 0.251, "MASK_STEP", C),
    ("missed_ml", mask("missed_ml"), 12.0, 12.1, "MASK_MISSED_DISEASE", C),
    ("out_of_range_percent", out_of_range, 5.0, 5.01, "OUT_OF_RANGE", C),
    ("given_overlap_low", given("overlap"), 0.85, 0.849, "MASK_DIFFERS", C),
    ("given_uncovered_caution_percent", given("uncovered_percent"), 1.0, 1.01, "MASK_DIFFERS", C),
    ("given_uncovered_refused_percent", given("uncovered_percent"), 10.0, 10.1, "MASK_REFUSED", R),
    ("consolidation_caution_percent", consolidated, 120, 121, "CONSOLIDATION", C),
    ("normal_share_low", image("normal_share"), 0.2, 0.199, "NO_NORMAL_LUNG", C),
]


def said(judge: Judge, value: Any) -> set[tuple[str, Level]]:
    return {(finding.code, finding.level) for finding in judge(value)}


@pytest.mark.parametrize(("judge", "within", "beyond", "code", "level"), [row[1:] for row in LIMITS],
                         ids=[row[0] for row in LIMITS])
def test_a_limit_speaks_just_beyond_and_not_just_within(
    judge: Judge, within: Any, beyond: Any, code: str, level: Level
):
    assert (code, level) not in said(judge, within)
    assert (code, level) in said(judge, beyond)


def test_every_limit_of_a_scan_is_tried():
    """A limit that is new needs a row above."""
    assert {row[0] for row in LIMITS} == OF_A_SCAN
