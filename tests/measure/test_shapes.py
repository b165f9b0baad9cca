"""Shapes against brute force on small arrays with unequal spacing."""

from __future__ import annotations

import edt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from ssc_hrct.measure import shapes

SPACING_MM = (2.0, 0.7, 1.1)
RADII_MM = (0.9, 1.6, 2.3, 3.05)
"""None is the distance of two voxels, so that rounding decides nothing."""

masks = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=7))
radii = st.sampled_from(RADII_MM)
quick = settings(deadline=None, max_examples=60)


def near(mask: np.ndarray, radius_mm: float) -> np.ndarray:
    """Voxels whose centre lies within the radius of a mask voxel's centre, by trying every pair."""
    places = np.argwhere(np.ones_like(mask)) * np.array(SPACING_MM)
    inside = places[mask.ravel()]
    if not len(inside):
        return np.zeros_like(mask)
    away = np.linalg.norm(places[:, None] - inside[None], axis=2).min(axis=1)
    return (away <= radius_mm).reshape(mask.shape)


@given(masks)
@quick
def test_grow_adds_face_neighbours(mask):
    assert np.array_equal(shapes.grow(mask), ndimage.binary_dilation(mask))


@given(masks)
@quick
def test_shrink_takes_what_has_an_outside_neighbour_but_not_at_the_array_s_faces(mask):
    assert np.array_equal(shapes.shrink(mask), ndimage.binary_erosion(mask, border_value=1))


@given(masks, radii)
@quick
def test_dilate_reaches_all_within_the_radius(mask, radius_mm):
    assert np.array_equal(shapes.dilate(mask, radius_mm, SPACING_MM), near(mask, radius_mm))


@given(masks, radii)
@quick
def test_erode_leaves_what_is_further_than_the_radius_from_outside(mask, radius_mm):
    assert np.array_equal(shapes.erode(mask, radius_mm, SPACING_MM), ~near(~mask, radius_mm))


@given(masks, radii)
@quick
def test_open_ball_is_what_a_ball_inside_reaches(mask, radius_mm):
    wanted = near(~near(~mask, radius_mm), radius_mm)
    assert np.array_equal(shapes.open_ball(mask, radius_mm, SPACING_MM), wanted)


@given(masks, radii)
@quick
def test_close_ball_is_what_no_ball_outside_reaches(mask, radius_mm):
    """Outside goes on beyond the array, so the array is set into a larger empty one."""
    pad = 6
    roomy = np.pad(mask, pad)
    grown = ndimage.distance_transform_edt(~roomy, SPACING_MM) <= radius_mm if mask.any() else roomy
    closed = ndimage.distance_transform_edt(grown, SPACING_MM) > radius_mm
    assert np.array_equal(shapes.close_ball(mask, radius_mm, SPACING_MM), closed[pad:-pad, pad:-pad, pad:-pad])


@given(masks)
@quick
def test_distance_is_that_to_the_nearest_outside_voxel(mask):
    away = shapes.distance_mm(mask, SPACING_MM)
    assert not away[~mask].any()
    outside = np.argwhere(~mask) * np.array(SPACING_MM)
    if len(outside):
        for place in np.argwhere(mask):
            wanted = np.linalg.norm(outside - place * np.array(SPACING_MM), axis=1).min()
            assert away[tuple(place)] == pytest.approx(wanted, abs=1e-4)
    else:
        assert away.min() > 1e6, "no outside is infinitely far"


@given(masks, st.integers(1, 6))
@quick
def test_small_parts_go_and_others_stay_whole(mask, smallest):
    labels, count = ndimage.label(mask)
    wanted = np.zeros_like(mask)
    for part in range(1, count + 1):
        if (labels == part).sum() >= smallest:
            wanted |= labels == part
    assert np.array_equal(shapes.without_small(mask, smallest), wanted)


@given(masks)
@quick
def test_largest_is_one_part_and_none_is_larger(mask):
    labels, count = ndimage.label(mask)
    kept = shapes.largest(mask)
    if not count:
        assert not kept.any()
        return
    sizes = [int((labels == part).sum()) for part in range(1, count + 1)]
    assert kept.sum() == max(sizes)
    assert len(np.unique(labels[kept])) == 1
    assert mask[kept].all()


@given(masks)
@quick
def test_fill_holes_leaves_open_what_reaches_a_side_face(mask):
    labels, count = ndimage.label(~mask)
    wanted = mask.copy()
    for part in range(1, count + 1):
        here = labels == part
        at_side = here[:, 0].any() or here[:, -1].any() or here[:, :, 0].any() or here[:, :, -1].any()
        if not at_side:
            wanted |= here
    assert np.array_equal(shapes.fill_holes(mask), wanted)


def test_a_tube_open_at_top_and_bottom_is_filled_and_one_open_at_the_side_is_not():
    ring = np.zeros((5, 7, 7), np.bool_)
    ring[:, 1:6, 1:6] = True
    ring[:, 2:5, 2:5] = False
    assert shapes.fill_holes(ring)[:, 2:5, 2:5].all()
    ring[2, 3, 5] = False
    assert not shapes.fill_holes(ring)[:, 2:5, 2:5].any()


def test_fill_slices_fills_each_slice_by_itself():
    bowl = np.zeros((2, 5, 5), np.bool_)
    bowl[:, 1:4, 1:4] = True
    bowl[:, 2, 2] = False
    bowl[1, 2, 3] = False
    filled = shapes.fill_slices(bowl)
    assert filled[0, 2, 2]
    assert not filled[1, 2, 2]


@given(masks.filter(lambda m: m.any()), st.lists(st.integers(0, 3), min_size=3, max_size=3))
@quick
def test_bounds_are_the_tightest_box_and_its_margin_stays_inside(mask, margin):
    places = np.argwhere(mask)
    tight = shapes.bounds(mask)
    assert [s.start for s in tight] == places.min(axis=0).tolist()
    assert [s.stop - 1 for s in tight] == places.max(axis=0).tolist()
    for inner, outer, more, size in zip(tight, shapes.bounds(mask, margin), margin, mask.shape, strict=True):
        assert outer.start == max(0, inner.start - more)
        assert outer.stop == min(size, inner.stop + more)


def test_what_comes_in_is_not_changed():
    mask = np.random.default_rng(3).random((6, 6, 6)) > 0.5
    before = mask.copy()
    for work in (shapes.grow, shapes.shrink, shapes.fill_holes, shapes.fill_slices, shapes.largest):
        assert not np.shares_memory(work(mask), mask)
    for ball in (shapes.dilate, shapes.erode, shapes.open_ball, shapes.close_ball):
        assert not np.shares_memory(ball(mask, 1.6, SPACING_MM), mask)
    assert np.array_equal(mask, before)


def test_shapes_take_masks_that_are_read_only():
    mask = np.ones((4, 4, 4), np.bool_)
    mask.setflags(write=False)
    assert shapes.erode(mask, 1.0, (1.0, 1.0, 1.0)).all()


@given(masks)
@quick
def test_slices_are_filled_each_by_itself(mask):
    wanted = np.stack([ndimage.binary_fill_holes(layer) for layer in mask])
    assert np.array_equal(shapes.fill_slices(mask), wanted)


@given(masks)
@quick
def test_reached_is_each_part_that_holds_a_seed(mask):
    seed = np.zeros_like(mask)
    seed.flat[0] = True
    labels, _ = ndimage.label(mask | seed)
    assert np.array_equal(shapes.reached(mask, seed), labels == labels.flat[0])


def test_distances_do_not_depend_on_the_number_of_threads():
    mask = np.random.default_rng(6).random((40, 50, 60)) > 0.02
    alone = edt.edt(mask, anisotropy=SPACING_MM, parallel=1)
    assert np.array_equal(shapes.distance_mm(mask, SPACING_MM), alone)


def test_a_gap_lies_beside_the_mask_and_a_crumb_elsewhere_is_none():
    within = np.zeros((9, 9, 30), np.bool_)
    within[1:8, 1:8, 1:12] = True
    within[4, 4, 20:22] = True  # a crumb of its own
    mask = within.copy()
    mask[4, 4, 5:8] = False  # a gap of three voxels
    mask[:, :, 20:] = False
    filled = shapes.fill_gaps(mask, within, 5)
    assert filled[4, 4, 5:8].all()
    assert not filled[:, :, 20:].any()
    assert np.array_equal(shapes.fill_gaps(mask, within, 3), mask), "three voxels are not under three"
