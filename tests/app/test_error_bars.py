"""How the model of the intervals gets into a score: whole or not at all, and with why an interval is wide."""

from __future__ import annotations

import pytest

from ssc_hrct.app import assets
from ssc_hrct.app.score import _widened
from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.intervals import Interval
from ssc_hrct.core.patterns import ClassifierDoubt, Pattern
from ssc_hrct.measure import Intervals
from tests.made_up import acquisition, extents, stats

SOME = Interval(1.0, 2.0)


def test_the_model_that_comes_with_the_program_is_whole_and_gives_intervals() -> None:
    bars = assets.models().error_bars
    assert bars is not None
    counted = extents({(1, Pattern.GROUND_GLASS): 300, (6, Pattern.RETICULATION): 120})
    found = bars.intervals(counted, stats(), acquisition(), ClassifierDoubt(2.0, 1.0, 0.1), out_of_range_percent=5.0)
    assert 3.0 < found.ild.low_percent < 7.0 < found.ild.high_percent < 12.0
    unknown = bars.intervals(counted, stats(), acquisition(), None, out_of_range_percent=5.0).ild
    assert unknown.low_percent < found.ild.low_percent < found.ild.high_percent < unknown.high_percent
    assert found.fibrosis.low_percent < 2.0 < found.fibrosis.high_percent


def test_a_model_that_was_cut_short_is_a_plain_message(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = assets.read("models", "intervals.json")
    read = assets.read
    monkeypatch.setattr(assets, "read", lambda *parts: whole[:-40] if parts[-1] == "intervals.json" else read(*parts))
    with pytest.raises(HrctError, match="The model of the intervals cannot be used"):
        assets.models.__wrapped__()


def test_why_an_interval_is_wide_is_a_caution() -> None:
    assert _widened(None) == ()
    assert _widened(Intervals(SOME, SOME, (), (), False)) == ()
    wide = _widened(Intervals(SOME, SOME, ("the noise", "the sharpness"), ("the slice thickness",), True))
    told = ("Not known: the noise, the sharpness. "
            "More than in the scans that they were made from: the slice thickness.")
    assert [(f.code, f.detail) for f in wide] == [("INTERVAL_WIDENED", told)]
