"""Each limit of "Fit to score" that headers can tell, on both sides of it, with its value in plain words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssc_hrct.app.assets import default_protocol
from ssc_hrct.core.acquisition import Acquisition, SeriesKind
from ssc_hrct.core.findings import SCAN_FINDINGS, Finding, Level
from ssc_hrct.quality import check_header

C, R = Level.CAUTION, Level.REFUSED


def findings(**changes: Any) -> tuple[Finding, ...]:
    """Findings of an acquisition in which nothing is the matter, but for what is changed."""
    given: dict[str, Any] = {
        "study_instance_uid": "exam", "series_instance_uid": "series", "modality": "CT", "kind": SeriesKind.AXIAL,
        "slices": 300, "rows": 512, "columns": 512, "image_type": ("ORIGINAL", "PRIMARY", "AXIAL"),
        "slice_thickness_mm": 1.0, "slice_spacing_mm": 1.0, "pixel_spacing_mm": (0.7, 0.7), "length_mm": 299.0,
        "kernel": "LUNG", "kvp": 120.0, "patient_position": "HFS",
    }
    return check_header(Acquisition(**(given | changes)), default_protocol())


def test_a_good_scan_has_no_finding() -> None:
    assert findings() == ()


FINE: list[dict[str, Any]] = [
    {"slice_thickness_mm": 1.5, "slice_spacing_mm": 1.5}, {"slice_spacing_mm": 1.5}, {"slice_spacing_mm": 0.5},
    {"pixel_spacing_mm": (0.4, 0.4)}, {"pixel_spacing_mm": (1.0, 1.0)}, {"kvp": 100.0}, {"kvp": 140.0}, {"slices": 20},
    {"oblique_degrees": 0.5}, {"patient_position": "FFS"}, {"contrast": False}, {"kernel": "B30f"},
    {"image_type": ("ORIGINAL", "SECONDARY", "AXIAL")},
]


@pytest.mark.parametrize("changes", FINE, ids=str)
def test_what_lies_within_the_limits_is_not_spoken_of(changes: dict[str, Any]) -> None:
    assert findings(**changes) == ()


HOLE = {"missing_mm": (-101.5,), "holes": 1, "largest_hole_mm": 1.0}
CASES: list[tuple[dict[str, Any], str, Level, str]] = [
    ({"slice_thickness_mm": 1.6}, "THICK_SLICES", C, "1.6 mm"),
    ({"slice_thickness_mm": 5.0}, "THICK_SLICES", C, "5 mm"),
    ({"slice_thickness_mm": 5.1}, "THICK_SLICES", R, "5.1 mm"),
    ({"slice_thickness_mm": None}, "THICK_SLICES", R, "not known"),
    ({"slice_spacing_mm": 1.6}, "SPACED_SLICES", R, "1 mm stand 1.6 mm apart"),
    ({"slice_spacing_mm": 10.0}, "SPACED_SLICES", R, "10 mm apart"),
    (HOLE, "MISSING_SLICES", C, "z = -101.5 mm"),
    (HOLE | {"largest_hole_mm": 5.0}, "MISSING_SLICES", C, "1 slice missing"),
    (HOLE | {"largest_hole_mm": 5.2}, "MISSING_SLICES", R, "-101.5"),
    (HOLE | {"holes": 2, "missing_mm": (-101.5, 7.0)}, "MISSING_SLICES", R, "-101.5, 7 mm"),
    (HOLE | {"holes": 9, "missing_mm": tuple(range(9))}, "MISSING_SLICES", R, "and 3 more"),
    ({"extra_copies": 2}, "DUPLICATE_SLICES", C, "2 exact copies"),
    ({"conflicting": 2}, "DUPLICATE_SLICES", R, "2 images"),
    ({"conflicting": 600, "interleaved": True}, "MIXED_ACQUISITIONS", R, "no tag parts them"),
    ({"lattice": False}, "BAD_GEOMETRY", R, "not evenly spaced"),
    ({"lattice": False, "slice_spacing_mm": None}, "BAD_GEOMETRY", R, "where the slices lie"),
    ({"lattice": False, "pixel_spacing_mm": None}, "BAD_GEOMETRY", R, "how large the pixels"),
    ({"tilt_degrees": 18.54}, "GANTRY_TILT", C, "18.5 degrees; the slices are sheared back"),
    ({"tilt_degrees": 30.0}, "GANTRY_TILT", C, "30 degrees; the slices are sheared back"),
    ({"tilt_degrees": 31.0}, "GANTRY_TILT", R, "31 degrees"),
    ({"tilt_tag_degrees": 12.0}, "GANTRY_TILT", C, "nothing was sheared"),
    ({"oblique_degrees": 8.0}, "NOT_AXIAL", C, "8 degrees"),
    ({"oblique_degrees": 15.0}, "NOT_AXIAL", C, "15 degrees"),
    ({"oblique_degrees": 15.5}, "NOT_AXIAL", R, "15.5 degrees"),
    ({"pixel_spacing_mm": (0.7, 1.1)}, "COARSE_PIXELS", C, "1.1 mm"),
    ({"pixel_spacing_mm": (1.5, 1.5)}, "COARSE_PIXELS", C, "1.5 mm"),
    ({"pixel_spacing_mm": (1.6, 0.7)}, "COARSE_PIXELS", R, "1.6 mm"),
    ({"pixel_spacing_mm": (0.35, 0.35)}, "FIELD_OF_VIEW", C, "179 mm wide"),
    ({"slices": 19}, "TOO_FEW_SLICES", R, "19 slices"),
    ({"slices": 1}, "TOO_FEW_SLICES", R, "is 1 slice;"),
    ({"kind": SeriesKind.REFORMAT, "image_type": ("DERIVED", "PRIMARY", "MPR")}, "DERIVED_SERIES", C, "DERIVED"),
    ({"lossy": True}, "LOSSY", C, "lossy"),
    ({"unreadable": 1}, "UNREADABLE", C, "1 slice could not"),
    ({"undecodable_syntax": "JPEG Something"}, "UNREADABLE", R, "JPEG Something"),
    ({"kernel": None}, "KERNEL_UNKNOWN", C, "no kernel"),
    ({"kernel": "QQQ"}, "KERNEL_UNKNOWN", C, "QQQ"),
    ({"kernel": "EDGE"}, "KERNEL_UNKNOWN", C, "extreme"),
    ({"kvp": None}, "KVP_UNUSUAL", C, "no tube voltage"),
    ({"kvp": 99.0}, "KVP_UNUSUAL", C, "99 kV"),
    ({"kvp": 141.0}, "KVP_UNUSUAL", C, "141 kV"),
    ({"contrast": True}, "CONTRAST", C, "contrast agent"),
    ({"patient_position": "FFP"}, "PRONE", C, "FFP"),
    ({"patient_position": None}, "POSITION_UNKNOWN", C, "no patient position"),
    ({"patient_position": "HFDR"}, "POSITION_UNKNOWN", C, "HFDR"),
    ({"kind": SeriesKind.LOCALIZER, "slices": 1, "slice_thickness_mm": 650.0}, "LOCALIZER", R, "localizer"),
    ({"kind": SeriesKind.NOT_AXIAL, "oblique_degrees": 90.0}, "NOT_AXIAL", R, "90 degrees"),
    ({"kind": SeriesKind.NOT_CT, "modality": "MR"}, "NOT_CT", R, "MR"),
    ({"kind": SeriesKind.NOT_CT, "value_unit": "Z_EFF"}, "NOT_CT", R, "Z_EFF"),
    ({"kind": SeriesKind.NOT_CT}, "NOT_CT", R, "another kind"),
    ({"kind": SeriesKind.SECONDARY_CAPTURE}, "NOT_CT", R, "screen capture"),
    ({"kind": SeriesKind.UNSUPPORTED}, "UNREADABLE", R, "files of several"),
]


@pytest.mark.parametrize(("changes", "code", "level", "words"), CASES, ids=lambda v: v if isinstance(v, str) else None)
def test_each_limit_gives_its_code_level_and_value(
    changes: dict[str, Any], code: str, level: Level, words: str
) -> None:
    told = findings(**changes)
    assert [(f.code, f.level) for f in told] == [(code, level)]
    assert words in told[0].detail


@given(st.fixed_dictionaries({}, optional={
    "slice_thickness_mm": st.none() | st.floats(0.1, 20), "slice_spacing_mm": st.none() | st.floats(0.1, 20),
    "pixel_spacing_mm": st.none() | st.tuples(st.floats(0.1, 3), st.floats(0.1, 3)), "slices": st.integers(0, 900),
    "kind": st.sampled_from(SeriesKind), "holes": st.integers(0, 3), "largest_hole_mm": st.floats(0, 30),
    "conflicting": st.integers(0, 9), "interleaved": st.booleans(), "lattice": st.booleans(),
    "tilt_degrees": st.floats(0, 45), "oblique_degrees": st.floats(0, 90), "kernel": st.none() | st.text(max_size=8),
    "kvp": st.none() | st.floats(20, 200), "unreadable": st.integers(0, 3),
}))
def test_whatever_the_headers_say_there_is_an_answer_in_order(changes: dict[str, Any]) -> None:
    told = findings(**changes)
    assert all(f.code in SCAN_FINDINGS and f.detail.endswith(".") for f in told)
    levels = [f.level for f in told]
    assert levels == sorted(levels, key=lambda level: level is C)
    assert len({f.code for f in told}) == len(told)
