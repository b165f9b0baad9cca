"""Lungs of another program in place of ours: sides by place, our airways left out, and what cannot be lungs refused."""

from __future__ import annotations

import numpy as np
import pytest

from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Lungs, Region
from ssc_hrct.core.volume import LabelMap, Volume
from ssc_hrct.measure import check_labels, take_lungs
from ssc_hrct.measure.given_lungs import lungs_of
from tests.measure import chests


def volume() -> Volume:
    return chests.chest().volume


def own() -> Lungs:
    return chests.found()


def truth() -> np.ndarray:
    """1 right, 2 left, of what was put into the chest: airways and all else 0."""
    regions = chests.chest().truth_regions.labels
    return np.where(regions == Region.AIRWAYS, 0, regions).astype(np.uint8)


def mask(labels: np.ndarray, grid: Grid | None = None) -> LabelMap:
    return LabelMap(np.ascontiguousarray(labels, dtype=np.uint8), grid or volume().grid, {})


def dice(regions: np.ndarray, side: Region) -> float:
    a, b = regions == side, truth() == side
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def test_our_own_mask_given_back_gives_our_own_lungs() -> None:
    regions = own().regions.labels
    given = np.where(regions == Region.AIRWAYS, 0, regions)
    lungs, facts = take_lungs(volume(), mask(given), own())
    np.testing.assert_array_equal(lungs.regions.labels, regions)
    np.testing.assert_array_equal(lungs.zones, own().zones)
    np.testing.assert_array_equal(lungs.rings, own().rings)
    assert (facts.overlap, facts.resampled, facts.uncovered_percent) == (1.0, False, 0.0)


def test_zones_and_rings_are_made_from_the_outline_alone() -> None:
    """Rings that were made from our lungs' final outline lie where those lie that were made before it was refined."""
    made = lungs_of(own().regions.labels.copy(), volume().grid)
    np.testing.assert_array_equal(made.zones, own().zones)
    lung = own().mask()
    assert ((made.rings > 0) == lung).all()
    assert np.mean(made.rings[lung] != own().rings[lung]) < 0.06


@pytest.mark.parametrize(("right", "left"), [(1, 2), (2, 1)])
def test_sides_are_told_by_place_whatever_the_labels_say(right: int, left: int) -> None:
    lungs, facts = take_lungs(volume(), mask(np.choose(truth(), [0, right, left])), own())
    regions = lungs.regions.labels
    free = regions != Region.AIRWAYS
    np.testing.assert_array_equal(regions[free], truth()[free])
    assert facts.labels == 2
    assert facts.overlap is not None
    assert facts.overlap > 0.97


def lobes() -> np.ndarray:
    """Three slabs of the right lung, two of the left, numbered from the left up, as no program does."""
    labels = np.zeros_like(truth())
    height = np.broadcast_to(np.arange(len(labels))[:, None, None], labels.shape)
    for side, first, lobes_of_side in ((Region.LEFT_LUNG, 1, 2), (Region.RIGHT_LUNG, 3, 3)):
        here = truth() == side
        cuts = np.quantile(height[here], np.arange(1, lobes_of_side) / lobes_of_side)
        labels[here] = first + np.searchsorted(cuts, height[here])
    return labels


def test_five_lobes_are_summed_side_by_side() -> None:
    lungs, facts = take_lungs(volume(), mask(lobes()), own())
    free = lungs.regions.labels != Region.AIRWAYS
    np.testing.assert_array_equal(lungs.regions.labels[free], truth()[free])
    assert facts.labels == 5


def test_a_binary_mask_is_parted_into_both_sides() -> None:
    lungs, facts = take_lungs(volume(), mask(truth() > 0), own())
    assert facts.labels == 1
    assert min(dice(lungs.regions.labels, side) for side in (Region.RIGHT_LUNG, Region.LEFT_LUNG)) > 0.99


def test_a_trachea_that_joins_both_lungs_in_one_label_leaves_the_mask() -> None:
    with_airways = chests.chest().truth_regions.labels > 0
    lungs, _ = take_lungs(volume(), mask(with_airways), own())
    airways = own().regions.labels == Region.AIRWAYS
    assert airways.any()
    assert (lungs.regions.labels[airways] == Region.AIRWAYS).all()
    assert min(dice(lungs.regions.labels, side) for side in (Region.RIGHT_LUNG, Region.LEFT_LUNG)) > 0.98


def test_nothing_is_added_to_what_was_given() -> None:
    """A hole, and a rim that is left away, stay out: the denominator is the given one."""
    given = truth()
    z, y, x = (int(np.median(part)) for part in np.nonzero(given == Region.RIGHT_LUNG))
    given[z - 3 : z + 3, y - 6 : y + 6, x - 6 : x + 6] = 0
    lungs, _ = take_lungs(volume(), mask(given), own())
    assert not (lungs.mask() & (given == 0)).any()


def test_a_mask_that_leaves_much_of_the_lung_out_has_a_small_overlap() -> None:
    given = truth()
    given[: given.shape[0] // 2] = 0
    _, facts = take_lungs(volume(), mask(given), own())
    assert facts.overlap is not None
    assert facts.overlap < 0.85


def test_where_no_lungs_are_found_here_the_mask_stands_alone() -> None:
    lungs, facts = take_lungs(volume(), mask(truth()), None)
    np.testing.assert_array_equal(lungs.regions.labels, truth())
    assert (facts.overlap, facts.uncovered_percent) == (None, None)


def coarse_grid(grid: Grid) -> Grid:
    nz, ny, nx = (int(n * d / 3.0) + 1 for n, d in zip(grid.shape, grid.spacing_mm, strict=True))
    return Grid((nz, ny, nx), (3.0, 3.0, 3.0), grid.origin_mm, grid.direction)


def test_a_mask_on_a_coarser_grid_is_brought_over_and_keeps_its_volume() -> None:
    grid = coarse_grid(volume().grid)
    index = [np.minimum(np.rint(np.arange(n) * 3.0 / d).astype(int), m - 1)
             for n, d, m in zip(grid.shape, volume().grid.spacing_mm, volume().grid.shape, strict=True)]
    lungs, facts = take_lungs(volume(), mask(truth()[np.ix_(*index)], grid), own())
    assert facts.resampled
    assert facts.overlap is not None
    assert facts.overlap > 0.93
    free = own().regions.labels != Region.AIRWAYS
    assert abs(int(lungs.mask().sum()) / int((truth()[free] > 0).sum()) - 1) < 0.02


def test_a_file_that_ends_within_the_lungs_tells_how_much_of_ours_lies_beyond() -> None:
    grid, keep = volume().grid, 70
    part = Grid((keep, *grid.shape[1:]), grid.spacing_mm, grid.origin_mm, grid.direction)
    _, facts = take_lungs(volume(), mask(truth()[:keep], part), own())
    beyond = 100 * own().mask()[keep:].sum() / own().mask().sum()
    assert facts.uncovered_percent == pytest.approx(float(beyond))
    assert beyond > 1


def refused(labels: np.ndarray, grid: Grid | None = None, ours: Lungs | None = None) -> str:
    with pytest.raises(HrctError) as told:
        take_lungs(volume(), mask(labels, grid), ours or own())
    assert told.value.code == "MASK_REFUSED"
    return told.value.sentence


@pytest.mark.parametrize(("axes", "says"), [((2,), "right and left"), ((1,), "front and back"), ((0,), "head and feet"),
                                            ((1, 2), "front and back, and right and left")])
def test_a_mirrored_mask_is_refused_and_the_axis_named(axes: tuple[int, ...], says: str) -> None:
    """As where a program writes the labels in one order of axes and the header in another."""
    assert says in refused(np.flip(own().regions.labels % 3, axes))


def test_one_lung_alone_is_refused_and_the_other_named() -> None:
    assert "no left lung" in refused(truth() == Region.RIGHT_LUNG)
    assert "no right lung" in refused(truth() == Region.LEFT_LUNG)


def test_what_does_not_lie_on_lung_is_refused() -> None:
    tissue = (volume().hu > -50) & (volume().hu < 150)
    assert "does not lie on lung" in refused(tissue)


def test_an_organ_beside_the_lungs_is_refused_and_its_label_told() -> None:
    labels = truth()
    hu = volume().hu
    z = hu.shape[0] // 2
    heart = np.zeros(hu.shape, np.bool_)
    heart[z - 8 : z + 8, 60:120, 90:150] = True
    heart &= (hu > -50) & (labels == 0)
    assert heart.sum() * volume().grid.voxel_ml > 20
    labels[heart] = 3
    assert "Label 3" in refused(labels)


def test_a_mask_of_another_place_is_refused() -> None:
    grid = volume().grid
    away = Grid(grid.shape, grid.spacing_mm, (grid.origin_mm[0] + 150.0, *grid.origin_mm[1:]), grid.direction)
    assert "outside the scan" in refused(truth(), away)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_mask_of_every_second_slice_is_refused(axis: int) -> None:
    labels = truth().copy()
    labels[tuple(slice(None, None, 2) if n == axis else slice(None) for n in range(3))] = 0
    assert "gaps" in refused(labels)
    assert "gaps" in refused(labels, ours=own())


def test_empty_masks_and_masks_of_many_organs_need_no_scan_to_be_refused() -> None:
    with pytest.raises(HrctError, match="empty"):
        check_labels(mask(np.zeros(truth().shape)))
    many = truth()
    many[0, 0, :6] = np.arange(1, 7)
    with pytest.raises(HrctError, match="6 labels"):
        check_labels(mask(many))
    check_labels(mask(lobes()))
