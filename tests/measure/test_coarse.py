"""Block means and the way back: values stay where they belong, for any shape and factor."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.volume import PADDING_HU, Volume
from ssc_hrct.measure.coarse import Blocks, ball_mean, blocks_of, coarse_hu
from tests.made_up import acquisition

SPACING_MM = (1.25, 0.7, 0.8)


@st.composite
def lattices(draw: st.DrawFn) -> Blocks:
    """Odd shapes and unequal factors, with at least one whole block along each axis."""
    factors = draw(st.tuples(*[st.integers(1, 4)] * 3))
    shape = tuple(f * draw(st.integers(1, 4)) + draw(st.integers(0, f - 1)) for f in factors)
    return Blocks(Grid((shape[0], shape[1], shape[2]), SPACING_MM), factors)


def values(blocks: Blocks, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).integers(-1024, 400, blocks.full.shape).astype(np.int16)


@given(lattices())
@settings(deadline=None, max_examples=60)
def test_block_mean_is_the_mean_of_the_block_and_leaves_the_remainder_out(blocks: Blocks):
    full = values(blocks)
    mean = blocks.mean(full)
    fz, fy, fx = blocks.factors
    assert mean.shape == tuple(n // f for n, f in zip(full.shape, blocks.factors, strict=True))
    for k, j, i in np.ndindex(mean.shape):
        block = full[k * fz : (k + 1) * fz, j * fy : (j + 1) * fy, i * fx : (i + 1) * fx]
        assert mean[k, j, i] == pytest.approx(block.mean(dtype=np.float64), abs=1e-3)


@given(lattices(), st.data())
@settings(deadline=None, max_examples=60)
def test_repeat_gives_each_voxel_its_own_block_and_the_remainder_the_last_one(blocks: Blocks, data: st.DataObject):
    names = np.arange(np.prod(blocks.shape)).reshape(blocks.shape)
    start = data.draw(st.integers(0, blocks.full.shape[0] - 1))
    stop = data.draw(st.integers(start + 1, blocks.full.shape[0]))
    back = blocks.repeat(names, start, stop)
    assert back.shape == (stop - start, *blocks.full.shape[1:])
    for z, y, x in np.ndindex(back.shape):
        own = tuple(min(v // f, n - 1) for v, f, n in zip((z + start, y, x), blocks.factors, blocks.shape, strict=True))
        assert back[z, y, x] == names[own]


@given(lattices())
@settings(deadline=None, max_examples=60)
def test_linear_gives_a_ramp_back_between_the_first_and_last_centre_and_holds_the_ends(blocks: Blocks):
    """A plane through space, known at block centres, is the same plane at every voxel; beyond, the end's value."""
    slopes = (3.0, -2.0, 0.5)
    coarse = np.zeros(blocks.shape, np.float32)
    wanted = np.zeros(blocks.full.shape)
    for axis, (f, n, whole) in enumerate(zip(blocks.factors, blocks.shape, blocks.full.shape, strict=True)):
        sides = [1, 1, 1]
        sides[axis] = -1
        centres = np.arange(n) * f + (f - 1) / 2
        coarse = coarse + (slopes[axis] * centres).reshape(sides)
        held = np.clip(np.arange(whole), centres[0], centres[-1])
        wanted = wanted + (slopes[axis] * held).reshape(sides)
    given_back = blocks.linear(coarse.astype(np.float32), 0, blocks.full.shape[0])
    assert given_back.shape == blocks.full.shape
    assert np.allclose(given_back, wanted, atol=1e-3)


@given(lattices(), st.data())
@settings(deadline=None, max_examples=30)
def test_slabs_of_linear_are_slabs_of_the_whole(blocks: Blocks, data: st.DataObject):
    coarse = np.random.default_rng(1).normal(0, 50, blocks.shape).astype(np.float32)
    start = data.draw(st.integers(0, blocks.full.shape[0] - 1))
    whole = blocks.linear(coarse, 0, blocks.full.shape[0])
    assert np.allclose(blocks.linear(coarse, start, blocks.full.shape[0]), whole[start:], atol=1e-4)


def test_mean_of_what_was_repeated_is_what_it_was():
    blocks = Blocks(Grid((7, 9, 11), SPACING_MM), (2, 3, 4))
    coarse = np.random.default_rng(2).normal(0, 100, blocks.shape).astype(np.float32)
    assert np.allclose(blocks.mean(blocks.repeat(coarse)), coarse, atol=1e-3)


@pytest.mark.parametrize(
    ("spacing_mm", "factors"),
    [((1.0, 0.7, 0.7), (2, 2, 2)), ((0.5, 0.5, 0.5), (3, 3, 3)), ((5.0, 0.9, 0.4), (1, 2, 4))],
)
def test_factors_bring_each_axis_nearest_to_the_working_spacing(spacing_mm, factors):
    blocks = blocks_of(Grid((40, 40, 40), spacing_mm), 1.5)
    assert blocks.factors == factors
    assert blocks.spacing_mm == pytest.approx([d * f for d, f in zip(spacing_mm, factors, strict=True)])
    assert blocks.voxel_ml == pytest.approx(np.prod(blocks.spacing_mm) / 1000)


def test_padding_counts_as_air():
    hu = np.full((2, 2, 2), PADDING_HU, np.int16)
    hu[1] = 0
    volume = Volume(hu, Grid(hu.shape, SPACING_MM), acquisition())
    assert coarse_hu(volume, Blocks(volume.grid, (2, 2, 2))).item() == -512


def test_ball_mean_of_a_point_has_the_spread_of_a_ball_along_each_axis():
    """Variance along an axis of a ball of radius r is r squared over 5; unequal spacing makes no difference."""
    point = np.zeros((61, 61, 61), np.float32)
    point[30, 30, 30] = 1
    spacing_mm, radius_mm = (2.0, 1.0, 0.5), 8.0
    spread = ball_mean(point, radius_mm, spacing_mm)
    assert spread.sum() == pytest.approx(1, abs=1e-3)
    for axis, step in enumerate(spacing_mm):
        profile = spread.sum(axis=tuple(a for a in range(3) if a != axis))
        away = (np.arange(61) - 30) * step
        assert float((profile * away**2).sum()) == pytest.approx(radius_mm**2 / 5, rel=0.25)


def test_an_axis_thinner_than_a_block_is_one_block():
    blocks = blocks_of(Grid((1, 4, 4), (0.5, 0.5, 0.5)))
    assert blocks.shape[0] == 1
    assert blocks.mean(np.full((1, 4, 4), -800, np.int16)) == pytest.approx(-800)
