"""Own normal lung follows neither the disease nor the scanner; where nothing normal is left, that is said."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from ssc_hrct.core.stats import ImageStats
from ssc_hrct.core.volume import Volume
from ssc_hrct.measure import calibrate
from ssc_hrct.phantom import DiseaseSpec
from tests.measure.chests import COARSE, chest, like, lung_of, true_lungs

SPEC = replace(COARSE, noise_hu=20.0)


@cache
def stats(extent_percent: float = 0.0, **changes: Any) -> ImageStats:
    disease = DiseaseSpec(extent_percent) if extent_percent else None
    phantom = chest(replace(SPEC, disease=disease, **changes))
    return calibrate(phantom.volume, true_lungs(phantom.truth_regions.labels, phantom.volume))


def painted(added_hu: float, share: float) -> ImageStats:
    """The lowest part of the lungs, of that share, made denser throughout; vessels stay."""
    phantom = chest(SPEC)
    lung = lung_of(phantom.truth_regions.labels)
    area = np.cumsum(lung.sum(axis=(1, 2)))
    top = int(np.searchsorted(area, share * area[-1]))
    ill = lung & (np.arange(len(lung)) <= top)[:, None, None] & (phantom.volume.hu < -300)
    volume: Volume = like(phantom.volume, np.where(ill, phantom.volume.hu + added_hu, phantom.volume.hu))
    return calibrate(volume, true_lungs(phantom.truth_regions.labels, volume))


@pytest.mark.parametrize("extent_percent", [40.0, 80.0])
def test_the_mode_does_not_follow_ground_glass(extent_percent):
    ill = stats(extent_percent)
    assert ill.normal_mode_hu == pytest.approx(stats().normal_mode_hu, abs=5)
    assert not ill.normal_predicted
    assert ill.normal_share == pytest.approx(stats().normal_share * (1 - extent_percent / 100), abs=0.12)


@pytest.mark.parametrize("changes", [{"kernel": "sharp"}, {"noise_hu": 60.0}], ids=str)
def test_the_mode_does_not_follow_the_scanner(changes):
    assert stats(**changes).normal_mode_hu == pytest.approx(stats().normal_mode_hu, abs=8)


@pytest.mark.parametrize("added_hu", [130.0, 250.0])
def test_lungs_ill_throughout_get_the_density_that_their_volume_lets_expect(added_hu):
    ill = painted(added_hu, 1.0)
    assert ill.normal_predicted
    assert ill.normal_share < 0.2
    assert ill.normal_mode_hu == pytest.approx(stats().normal_mode_hu, abs=50)


def test_a_shallow_breath_is_no_disease():
    shallow = stats(inspiration=0.65)
    assert not shallow.normal_predicted
    assert shallow.normal_mode_hu > stats().normal_mode_hu + 25


def test_emphysema_is_not_taken_for_normal_lung():
    assert stats(emphysema_percent=15.0).normal_mode_hu == pytest.approx(stats().normal_mode_hu, abs=8)
