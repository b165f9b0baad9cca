"""Disease written into thick slices: the mean over their thickness, not what lies in their middle."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.volume import Volume
from ssc_hrct.phantom import DiseaseSpec, Distribution, Renderer, write_disease
from ssc_hrct.phantom.acquisition import sampling
from tests.phantom.eggs import eggs, facts_of

GRID = Grid((40, 90, 140), (2.5, 0.9, 0.9))
NET = DiseaseSpec(40, 0, 1, 0, Distribution.PATCHY, traction=True)


@lru_cache(maxsize=8)
def written(thickness_mm: float | None, renderer: Renderer) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Change in HU and `Pattern`: a net in two egg-shaped lungs at -870 HU, in slices 2.5 mm apart."""
    hu, lungs = eggs(GRID, middles_x_mm=(32.0, 94.0), middle_y_mm=40.0, half_mm=(46.0, 36.0, 28.0))
    made = write_disease(Volume(hu, GRID, facts_of(GRID, thickness_mm)), lungs, NET, seed=6, renderer=renderer)
    return made.volume.hu.astype(np.int32) - hu, made.patterns.labels


@pytest.mark.parametrize("renderer", list(Renderer))
def test_a_net_in_thick_slices_is_softer_and_adds_as_much(renderer: Renderer) -> None:
    thin, labels = written(1.0, renderer)
    thick, same = written(3.0, renderer)
    assert np.array_equal(labels, same), "where disease lies does not depend on the thickness"
    inner = ndimage.binary_erosion(labels == Pattern.RETICULATION, np.ones((1, 5, 5), dtype=bool))
    assert inner.sum() > 20_000
    assert thick[inner].mean() == pytest.approx(thin[inner].mean(), rel=0.04)
    assert thick[inner].std() < 0.9 * thin[inner].std()


@pytest.mark.parametrize("renderer", list(Renderer))
def test_thick_slices_resemble_the_mean_of_thin_ones_more_than_their_middle(renderer: Renderer) -> None:
    thin, labels = written(1.0, renderer)
    thick, _ = written(2.5, renderer)
    inner = labels == Pattern.RETICULATION

    def alike(one: NDArray[np.int32], k: int) -> float:
        """How alike changes are `k` slices apart."""
        both = inner[k:] & inner[: len(inner) - k]
        return float(np.corrcoef(one[k:][both], one[: len(one) - k][both])[0, 1])

    assert alike(thick, 1) > alike(thin, 1)


def test_without_a_thickness_the_distance_of_slices_stands_in() -> None:
    told, untold = written(2.5, Renderer.CELLS)[0], written(None, Renderer.CELLS)[0]
    assert np.array_equal(told, untold)


@pytest.mark.parametrize(("thickness_mm", "planes"), [(0.6, 1), (1.3, 1), (1.4, 2), (2.6, 2), (3.0, 3), (5.0, 3)])
def test_slices_are_drawn_by_up_to_three_planes_evenly_within(thickness_mm: float, planes: int) -> None:
    found = sampling((thickness_mm, 0.7, 0.7), thickness_mm)
    assert len(found.offsets_mm) == planes
    assert sum(found.offsets_mm) == pytest.approx(0)
    assert np.diff(found.offsets_mm) == pytest.approx(thickness_mm / planes)
    assert found.voxel_mm == pytest.approx((thickness_mm / planes * 0.49) ** (1 / 3))
    assert sampling((thickness_mm, 0.7, 0.7), 0.0).offsets_mm == (0.0,)


def test_a_thinner_slice_than_the_gap_is_drawn_as_thin_as_it_is() -> None:
    assert sampling((10.0, 0.7, 0.7), 1.0) == replace(sampling((1.0, 0.7, 0.7), 1.0))
