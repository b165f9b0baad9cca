"""The series of each exam that is scored, and a plain reason for every other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ssc_hrct import dicom
from ssc_hrct.app.assets import default_protocol
from ssc_hrct.core.acquisition import Acquisition, SeriesKind
from ssc_hrct.core.findings import Finding, is_refused
from ssc_hrct.core.subject import Identity
from ssc_hrct.quality import check_header


def judge(facts: Acquisition) -> tuple[Finding, ...]:
    return check_header(facts, default_protocol())


def series(name: str, *, expiration: bool = False, **changes: Any) -> dicom.Series:
    """A good thin series of a chest, but for what is changed."""
    given: dict[str, Any] = {
        "study_instance_uid": "exam", "series_instance_uid": name, "modality": "CT", "kind": SeriesKind.AXIAL,
        "slices": 300, "rows": 512, "columns": 512, "slice_thickness_mm": 1.0, "slice_spacing_mm": 1.0,
        "pixel_spacing_mm": (0.7, 0.7), "length_mm": 299.0, "kernel": "LUNG", "kvp": 120.0, "patient_position": "HFS",
    }
    return dicom.Series(Acquisition(**(given | changes)), (Path(name),), Identity("P"), expiration=expiration)


GOOD = series("good")
WORSE = {
    "It is a localizer.": series("scout", kind=SeriesKind.LOCALIZER, slices=1),
    "Its slices are not axial.": series("coronal", kind=SeriesKind.NOT_AXIAL),
    "It is a page or a screen capture without CT values.": series("page", kind=SeriesKind.SECONDARY_CAPTURE),
    "It was computed from another series.": series("mpr", kind=SeriesKind.REFORMAT, slice_thickness_mm=0.6),
    "The patient lay prone.": series("prone", patient_position="HFP"),
    "It was taken in expiration.": series("out", expiration=True),
    "It covers 120 mm of the body, the chosen series 299 mm.": series("part", length_mm=120.0, slices=121),
    "Its slices are thicker: 3 mm against 1 mm.": series("thick", slice_thickness_mm=3.0, slice_spacing_mm=3.0),
    "Its kernel (B30f) suits lungs less than LUNG.": series("soft", kernel="B30f"),
    "It has fewer slices: 290 against 300.": series("fewer", slices=290),
    "It cannot be scored: There are 12 slices; 20 are needed.": series("short", slices=12),
}


@pytest.mark.parametrize("why", WORSE)
@pytest.mark.parametrize("turned", [False, True])
def test_the_better_series_is_chosen_and_the_reason_is_plain(why: str, turned: bool) -> None:
    both = [GOOD, WORSE[why]]
    (choice,) = dicom.choose(both[::-1] if turned else both, judge)
    assert choice.scan is GOOD
    assert choice.others == ((WORSE[why], why),)


def test_which_slices_count_as_thin_is_the_protocols_word() -> None:
    thinner, lung = series("thinner", slice_thickness_mm=1.0, kernel="B30f"), series("lung", slice_thickness_mm=2.0)
    assert dicom.choose([thinner, lung], judge)[0].scan is thinner
    assert dicom.choose([thinner, lung], judge, thin_mm=2.0)[0].scan is lung


def test_all_of_them_at_once() -> None:
    (choice,) = dicom.choose([*WORSE.values(), GOOD], judge)
    assert choice.scan is GOOD
    assert len(choice.others) == len(WORSE)
    assert not is_refused(choice.findings)


def test_thin_slices_of_the_lungs_beat_thick_ones_of_the_whole_trunk() -> None:
    trunk = series("trunk", length_mm=650.0, slices=130, slice_thickness_mm=5.0, slice_spacing_mm=5.0)
    (choice,) = dicom.choose([trunk, GOOD], judge)
    assert choice.scan is GOOD


def test_the_whole_lungs_beat_a_thin_part_of_them() -> None:
    part = series("part", length_mm=90.0, slices=150, slice_thickness_mm=0.6, slice_spacing_mm=0.6)
    thick = series("all", slices=150, slice_thickness_mm=2.0, slice_spacing_mm=2.0)
    (choice,) = dicom.choose([part, thick], judge)
    assert choice.scan is thick


def test_up_to_1_5_mm_the_kernel_decides_and_not_the_thickness() -> None:
    thinner = series("thinner", slice_thickness_mm=0.6, kernel="STANDARD")
    lung = series("lung", slice_thickness_mm=1.5, slice_spacing_mm=1.5)
    (choice,) = dicom.choose([thinner, lung], judge)
    assert choice.scan is lung


def test_prone_is_scored_where_nothing_else_is() -> None:
    prone = WORSE["The patient lay prone."]
    (choice,) = dicom.choose([prone, WORSE["It is a localizer."]], judge)
    assert choice.scan is prone


def test_equal_series_are_chosen_by_uid_whatever_their_order() -> None:
    a, b = series("a"), series("b")
    for order in ([a, b], [b, a]):
        (choice,) = dicom.choose(order, judge)
        assert choice.scan is a


def test_an_exam_with_nothing_to_score_still_has_its_choice() -> None:
    bad = [WORSE["It is a localizer."], series("mr", modality="MR", kind=SeriesKind.NOT_CT)]
    (choice,) = dicom.choose(bad, judge)
    assert choice.scan is bad[0]
    assert [f.code for f in choice.findings] == ["LOCALIZER"]


def test_each_exam_has_one_choice() -> None:
    other = series("x", study_instance_uid="other")
    assert [c.study_instance_uid for c in dicom.choose([GOOD, other], judge)] == ["exam", "other"]
    assert dicom.choose([], judge) == ()
