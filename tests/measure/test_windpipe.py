"""The windpipe's back wall, and noise that a drift of air from slice to slice does not swell."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from ssc_hrct.core.lungs import Region
from ssc_hrct.core.volume import Volume
from ssc_hrct.measure.windpipe import Windpipe, windpipe
from tests.measure.chests import COARSE, chest, like

SLICES, SIDE, PIXEL_MM = 60, 64, 0.8
RADIUS_MM = 9.0


def tube(bow_mm: float = -4.0, drift_hu: float = 0.0, noise_hu: float = 20.0) -> Windpipe:
    """A windpipe in soft tissue whose back wall is a parabola, its middle in front of its sides by bow_mm."""
    y, x = (np.arange(SIDE)[:, None] - SIDE / 2) * PIXEL_MM, (np.arange(SIDE) - SIDE / 2) * PIXEL_MM
    back = 4.0 - bow_mm * (1 - (x / RADIUS_MM) ** 2)
    lumen = (np.hypot(x, np.minimum(y, 0)) < RADIUS_MM) & (np.abs(x) < RADIUS_MM) & (y < back)
    near = (np.hypot(x, np.minimum(y, 0)) < RADIUS_MM + 2) & (np.abs(x) < RADIUS_MM + 2) & (y < back + 2)
    hu = np.where(lumen, -985.0, 30.0)[None] + np.linspace(-drift_hu, drift_hu, SLICES)[:, None, None]
    hu = hu + np.random.default_rng(5).normal(0, noise_hu, (SLICES, SIDE, SIDE))
    regions = np.broadcast_to(np.where(near, np.uint8(Region.AIRWAYS), np.uint8(0)), hu.shape).copy()
    return windpipe(_volume(np.clip(np.rint(hu), -1024, None)), regions, slice(0, SLICES))


def _volume(hu: np.ndarray) -> Volume:
    plain = like(_some(), hu)
    return replace(
        plain, grid=replace(plain.grid, spacing_mm=(1.0, PIXEL_MM, PIXEL_MM)),
        acquisition=replace(plain.acquisition, slice_thickness_mm=1.0),
    )


@cache
def _some() -> Volume:
    return chest(COARSE).volume


@pytest.mark.parametrize("bow_mm", [-4.0, -2.0, 2.0, 4.0])
def test_a_back_wall_that_is_bowed_forward_is_told_from_a_round_one(bow_mm):
    assert tube(bow_mm).bow_mm == pytest.approx(bow_mm, abs=0.8)


@pytest.mark.parametrize("noise_hu", [10.0, 30.0, 60.0])
def test_air_that_drifts_along_the_windpipe_is_no_noise(noise_hu):
    told = tube(noise_hu=noise_hu, drift_hu=25.0).noise_hu
    assert told == pytest.approx(noise_hu, rel=0.2)


def test_no_windpipe_tells_nothing():
    hu = np.full((20, SIDE, SIDE), 30.0)
    assert windpipe(_volume(hu), np.zeros(hu.shape, np.uint8), slice(0, 20)) == Windpipe()
