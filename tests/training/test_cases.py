"""Composites for training: real lungs of other shape, disease as sharp as the scan, the same bytes each time."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from ssc_hrct import phantom
from ssc_hrct.core.lungs import Lungs
from training import cases


@lru_cache(maxsize=1)
def scan() -> cases.Scan:
    """A made-up chest in the place of a real scan, with a box without label."""
    made = phantom.make_chest(3, phantom.ChestSpec(shape=(60, 90, 110), spacing_mm=(5.0, 3.4, 3.4)))
    empty = np.zeros(made.volume.grid.shape, dtype=np.uint8)
    no_label = np.zeros(made.volume.grid.shape, dtype=np.bool_)
    no_label[20:30, 30:60, 20:50] = True
    return cases.Scan("real", made.volume, Lungs(made.truth_regions, empty, empty.copy()), no_label, 1.9)


def recipe(seed: int) -> cases.Recipe:
    return cases.Recipe("real", seed, phantom.Renderer.SHEETS, 12.0)


def test_half_of_the_cases_are_warped() -> None:
    changed = [cases._shaped(recipe(seed), scan())[0] is not scan().volume for seed in range(12)]
    assert 2 < sum(changed) < 10


def test_a_composite_is_the_same_each_time_and_carries_truth_and_what_has_no_label() -> None:
    warped = next(s for s in range(12) if cases._shaped(recipe(s), scan())[0] is not scan().volume)
    one, two = (cases.make(recipe(warped), {"real": scan()}) for _ in range(2))
    assert one.volume.hu.tobytes() == two.volume.hu.tobytes()
    assert one.labels.tobytes() == two.labels.tobytes()
    lung = one.lungs.mask()
    pattern = one.labels & (cases.NO_LABEL - 1)
    assert np.array_equal(pattern > 0, lung)
    assert 100 * ((pattern > 1) & (pattern < 5))[lung].mean() == pytest.approx(12, abs=0.6)
    asked = (scan().no_label & scan().lungs.mask()).sum()
    assert (one.labels >= cases.NO_LABEL).sum() == pytest.approx(asked, rel=0.1)


def test_disease_is_written_as_sharp_as_the_scan_is(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float] = []
    write = phantom.write_disease

    def listening(*args: Any, **words: Any) -> phantom.Composite:
        told.append(words["fwhm_mm"])
        return write(*args, **words)

    monkeypatch.setattr(phantom, "write_disease", listening)
    for width in (1.1, 1.9):
        cases.make(recipe(2), {"real": replace(scan(), fwhm_mm=width)})
    assert told == [1.1, 1.9]
