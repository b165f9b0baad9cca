"""Error bars at run time: what widens them, what they always hold, and what of a scan is not known."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.extents import Extents
from ssc_hrct.core.intervals import Interval
from ssc_hrct.core.patterns import ClassifierDoubt, Pattern
from ssc_hrct.core.protocol import canonical_sha256
from ssc_hrct.measure.intervals import ExtentModel, blended, fibrosis_features, ild_features, interval_model
from tests.made_up import acquisition, extents, stats

SURE = ClassifierDoubt(1.0, 0.5, 1.0)
MODEL = ExtentModel({"root_extent": 0.4, "noise": 0.2}, {"root_extent": 6.0, "noise": 5.0},
                    (-1.5, -1.6, -1.8), (1.7, 1.8, 2.0))
LIMIT = {"out_of_range_percent": 5.0}


def content(**changed: Any) -> bytes:
    part = {"points": {"root_extent": 0.4, "noise": 0.2, "unsure": 0.1}, "below": [-1.5, -1.6, -1.8],
            "if_missing": {"root_extent": 6.0, "noise": 5.0, "unsure": 9.0}, "above": [1.7, 1.8, 2.0]}
    most = {"noise": 5.0, "blur": 2.5, "thickness": 3.0, "dense_normal": 10.0}
    made: dict[str, Any] = {"version": 1, "made_from": "a test", "ild": part, "fibrosis": part, "most": most} | changed
    return json.dumps(made | {"sha256": canonical_sha256(made)}).encode()


def of_a_scan(doubt: ClassifierDoubt | None = SURE, **measured: Any) -> tuple[Interval, Interval]:
    found = interval_model(content()).intervals(diseased(), stats(**measured), acquisition(), doubt, **LIMIT)
    return found.ild, found.fibrosis


def diseased(ground_glass: int = 300, nets: int = 120) -> Extents:
    return extents({(1, Pattern.GROUND_GLASS): ground_glass, (6, Pattern.RETICULATION): nets})


def width(interval: Interval) -> float:
    return interval.high_percent - interval.low_percent


def test_the_error_is_the_root_of_the_sum_of_the_squares_of_its_causes() -> None:
    """0.3, 0.4 x 3 and 0.2 x 2: 0.09 + 1.44 + 0.16 = 1.69; the bin from 5 to 20 takes 1.6 below and 1.8 above."""
    features = {"root_extent": 3.0, "noise": 2.0}
    assert MODEL.error_points(features) == pytest.approx(1.3)
    interval = MODEL.interval(9.0, features)
    assert (interval.low_percent, interval.high_percent) == pytest.approx((9 - 1.6 * 1.3, 9 + 1.8 * 1.3))


def test_a_scan_without_any_cause_of_error_has_the_floor() -> None:
    assert MODEL.error_points({"root_extent": 0.0, "noise": 0.0}) == pytest.approx(0.3)


@given(st.floats(0, 100), st.floats(0, 12))
def test_an_interval_always_holds_its_extent_and_stays_within_0_and_100(percent: float, noise: float) -> None:
    interval = MODEL.interval(percent, {"root_extent": percent**0.5, "noise": noise})
    assert 0 <= interval.low_percent <= percent <= interval.high_percent <= 100


def test_the_ends_go_over_from_bin_to_bin_without_a_step() -> None:
    steps = [n / 100 for n in range(3001)]
    ends = [MODEL.interval(p, {"root_extent": p**0.5, "noise": 2.0}) for p in steps]
    for before, after in pairwise(ends[1:]):
        assert abs(after.low_percent - before.low_percent) < 0.03
        assert abs(after.high_percent - before.high_percent) < 0.03
    assert [blended(p, (-1.0, -2.0, -4.0)) for p in (0.0, 4.0, 5.0, 6.0, 16.0, 20.0, 24.0, 60.0)] == pytest.approx(
        [-1.0, -1.0, -1.5, -2.0, -2.0, -3.0, -4.0, -4.0])


def test_noise_and_doubt_widen_the_interval() -> None:
    ild, _ = of_a_scan()
    assert width(of_a_scan(noise_hu=60.0)[0]) > width(ild)
    assert width(of_a_scan(ClassifierDoubt(8.0, 0.5, 1.0))[0]) > width(ild)


def test_fibrosis_may_be_all_of_the_disease_and_no_more() -> None:
    wide = json.loads(content())["fibrosis"] | {"above": [9.0, 9.0, 9.0]}
    found = interval_model(content(fibrosis=wide)).intervals(diseased(0, 420), stats(), acquisition(), SURE, **LIMIT)
    assert found.fibrosis.high_percent == found.ild.high_percent


def test_over_5_percent_out_of_range_doubles_both_intervals() -> None:
    model = interval_model(content())
    at, over = (model.intervals(diseased(), stats(), acquisition(), ClassifierDoubt(1.0, 0.5, percent), **LIMIT)
                for percent in (5.0, 5.01))
    assert (at.doubled, over.doubled) == (False, True)
    for narrow, wide, percent in ((at.ild, over.ild, 7.0), (at.fibrosis, over.fibrosis, 2.0)):
        assert wide.high_percent - percent == pytest.approx(2 * (narrow.high_percent - percent))


def test_what_was_not_measured_counts_as_bad_is_named_and_doubles() -> None:
    model = interval_model(content())
    known = model.intervals(diseased(), stats(noise_hu=20.0), acquisition(), SURE, **LIMIT)
    unknown = model.intervals(diseased(), stats(noise_hu=None), acquisition(), SURE, **LIMIT)
    assert (known.missing, known.doubled) == ((), False)
    assert (unknown.missing, unknown.doubled) == (("the noise",), True)
    bad = model.intervals(diseased(), stats(noise_hu=50.0), acquisition(), SURE, **LIMIT)
    assert unknown.ild.high_percent - 7.0 == pytest.approx(2 * (bad.ild.high_percent - 7.0))
    assert model.intervals(diseased(), stats(), acquisition(), None, **LIMIT).missing == ("the classifier's doubt",)


def test_what_has_no_weight_is_missed_all_the_same() -> None:
    found = interval_model(content()).intervals(
        diseased(), stats(fwhm_mm=None), acquisition(slice_thickness_mm=None), SURE, **LIMIT)
    assert set(found.missing) == {"the sharpness", "the slice thickness"}
    assert found.doubled


@pytest.mark.parametrize(("measured", "thickness_mm", "word"), [
    ({"noise_hu": 53.0}, 1.0, "the noise"), ({"fwhm_mm": 2.7}, 1.0, "the sharpness"),
    ({}, 3.2, "the slice thickness"), ({"normal_mode_hu": -760.0}, 1.0, "how dense normal lung is"),
])
def test_a_scan_beyond_all_cases_of_the_fit_doubles_and_is_named(
    measured: dict[str, Any], thickness_mm: float, word: str
) -> None:
    found = interval_model(content()).intervals(
        diseased(), stats(**measured), acquisition(slice_thickness_mm=thickness_mm), SURE, **LIMIT)
    assert (found.beyond, found.doubled) == ((word,), True)


def test_normal_lung_that_was_not_seen_doubles() -> None:
    model = interval_model(content())
    seen, predicted = (model.intervals(diseased(), stats(normal_predicted=told), acquisition(), SURE, **LIMIT)
                       for told in (False, True))
    assert width(predicted.ild) == pytest.approx(2 * width(seen.ild))


def test_features_are_counted_from_the_scan() -> None:
    """Six zones of 1,000 voxels: 7 percent ILD, 2 percent of it nets, all within 10 mm of the chest wall."""
    total = ild_features(diseased(), stats(normal_mode_hu=-820.0, normal_share=0.75), acquisition(), SURE)
    assert total["extent"] == pytest.approx(7.0)
    assert total["mask"] == pytest.approx(0.35)
    assert (total["noise"], total["thickness"], total["dense_normal"]) == (2.0, 1.0, 5.0)
    assert total["unlike_normal"] == pytest.approx(2.5)
    part = fibrosis_features(diseased(), stats(), acquisition(), SURE)
    assert (part["extent"], part["root_ild"]) == pytest.approx((2.0, 7.0**0.5))
    assert part["split_unsure"] == 0.5


def test_the_split_moves_the_interval_of_fibrosis_alone() -> None:
    nets = ild_features(diseased(300, 120), stats(), acquisition(), SURE)
    haze = ild_features(diseased(420, 0), stats(), acquisition(), ClassifierDoubt(1.0, 40.0, 1.0))
    assert nets == haze


def test_a_model_that_was_changed_is_refused() -> None:
    changed = content().replace(b"0.4", b"0.1")
    with pytest.raises(HrctError, match="its hash differs") as told:
        interval_model(changed)
    assert told.value.code == "BAD_MODEL"


@pytest.mark.parametrize("wrong", [
    {"points": {"noise": -0.2}}, {"points": {"no_such": 0.2}, "if_missing": {"no_such": 1.0}}, {"if_missing": {}},
    {"below": [0.1, -1.0, -1.0]}, {"above": [1.0, 1.0]}, {"above": [1.0, 1.0, float("inf")]},
])
def test_a_model_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    part = {"points": {"noise": 0.2}, "if_missing": {"noise": 5.0}, "below": [-1, -1, -1], "above": [1, 1, 1]} | wrong
    with pytest.raises(HrctError):
        interval_model(content(ild=part))


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b'{"sha256": "ab"}'])
def test_a_file_that_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(HrctError) as told:
        interval_model(data)
    assert told.value.code == "BAD_MODEL"
