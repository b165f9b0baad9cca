"""A scan of a chest of slightly other shape: smooth, small, the same each time, labels with it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from ssc_hrct.core.acquisition import Acquisition, SeriesKind
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import REGION_NAMES, Lungs, Region
from ssc_hrct.core.volume import PADDING_HU, LabelMap, Volume
from ssc_hrct.phantom import Warped, warp
from ssc_hrct.phantom.lattice import lattice_over
from ssc_hrct.phantom.warp import displacement

GRID = Grid((60, 90, 120), (3.0, 2.0, 2.0), (-100.0, -80.0, 30.0))


def placed(hu: NDArray[np.generic]) -> Volume:
    facts = Acquisition("1", "2", "CT", SeriesKind.AXIAL, GRID.shape[0], slice_thickness_mm=3.0)
    return Volume(np.ascontiguousarray(hu, dtype=np.int16), GRID, facts)


@lru_cache(maxsize=1)
def eggs() -> Lungs:
    z, y, x = (np.arange(n) * d for n, d in zip(GRID.shape, GRID.spacing_mm, strict=True))
    regions = np.zeros(GRID.shape, dtype=np.uint8)
    for middle, region in ((65.0, Region.RIGHT_LUNG), (175.0, Region.LEFT_LUNG)):
        egg = ((z[:, None, None] - 90) / 70) ** 2 + ((y[None, :, None] - 90) / 60) ** 2
        regions[egg + ((x[None, None, :] - middle) / 40) ** 2 < 1] = region
    zones = np.where(regions > 0, 1 + np.arange(GRID.shape[0])[:, None, None] // 20, 0).astype(np.uint8)
    rings = np.where(regions > 0, 1 + np.arange(GRID.shape[1])[None, :, None] // 30, 0).astype(np.uint8)
    return Lungs(LabelMap(regions, GRID, REGION_NAMES), zones, rings)


def warped(hu: NDArray[np.generic], seed: int = 3, most_mm: float = 6.0) -> Warped:
    return warp(placed(hu), eggs(), eggs().zones == 2, seed=seed, most_mm=most_mm)


def test_lungs_move_with_their_hu_and_keep_their_labels_and_their_volume() -> None:
    lungs = eggs()
    made = warped(np.where(lungs.mask(), -870, 40))
    for new, old in (
        (made.lungs.regions.labels, lungs.regions.labels), (made.lungs.zones, lungs.zones),
        (made.lungs.rings, lungs.rings), (made.marks, lungs.zones == 2),
    ):
        assert new.dtype == old.dtype
        assert set(np.unique(new)) == set(np.unique(old))
        assert not np.array_equal(new, old)
        for label in np.unique(old[old > 0]):
            assert (new == label).sum() == pytest.approx((old == label).sum(), rel=0.12)
    assert made.lungs.mask().sum() == pytest.approx(lungs.mask().sum(), rel=0.06)
    assert (made.marks == (made.lungs.zones == 2)).all()
    # Half of the contrast lies on the border of the labels, but where three axes meet between voxels.
    assert ((made.volume.hu < -415) == made.lungs.mask()).mean() > 0.995


@pytest.mark.parametrize("most_mm", [2.0, 6.0])
def test_every_place_moves_by_no_more_than_asked(most_mm: float) -> None:
    """HU that grow evenly along an axis tell from where each voxel was taken."""
    away = []
    for axis in range(3):
        view = [1, 1, 1]
        view[axis] = GRID.shape[axis]
        ramp = np.broadcast_to((100 * np.arange(GRID.shape[axis])).reshape(view), GRID.shape) - 1000
        made = warped(ramp, most_mm=most_mm).volume.hu.astype(float)
        away.append((made - ramp) / 100 * GRID.spacing_mm[axis])
    length = np.sqrt(sum(a**2 for a in away))
    assert 0.5 * most_mm < length.max() <= most_mm + 0.05
    for axis, moved in enumerate(away):
        for face in (0, -1):
            assert np.abs(np.take(moved, face, axis)).max() < 0.3, "nothing comes from outside"


def test_moves_are_smooth_and_nothing_folds_over() -> None:
    lattice = lattice_over(GRID, 5.0)
    for seed in range(5):
        moves = displacement(lattice, seed, 6.0)
        slopes = np.array([np.gradient(move, lattice.step_mm) for move in moves])
        turned = np.moveaxis(slopes, (0, 1), (-2, -1)) + np.eye(3)
        assert np.abs(slopes).max() < 0.35
        assert np.linalg.det(turned).min() > 0.5


def test_same_seed_same_bytes_and_another_seed_another_shape() -> None:
    hu = np.random.default_rng(1).integers(-1000, 100, GRID.shape)
    one, two, other = (warped(hu, seed) for seed in (3, 3, 4))
    assert one.volume.hu.tobytes() == two.volume.hu.tobytes()
    assert one.lungs.regions.labels.tobytes() == two.lungs.regions.labels.tobytes()
    assert not np.array_equal(one.lungs.regions.labels, other.lungs.regions.labels)


def test_by_nothing_nothing_moves() -> None:
    hu = np.random.default_rng(1).integers(-1000, 100, GRID.shape)
    made = warped(hu, most_mm=0.0)
    assert np.array_equal(made.volume.hu, hu)
    assert np.array_equal(made.lungs.zones, eggs().zones)


def test_padding_stays_padding_and_does_not_bleed() -> None:
    hu = np.full(GRID.shape, -900)
    hu[:, :, :40] = PADDING_HU
    made = warped(hu).volume.hu
    assert (made <= PADDING_HU).mean() == pytest.approx(1 / 3, abs=0.02)
    assert made[made > PADDING_HU].min() >= -1000


def test_what_makes_no_sense_is_refused() -> None:
    hu = np.zeros(GRID.shape)
    with pytest.raises(ValueError, match="another grid"):
        warp(placed(hu), eggs(), np.zeros((2, 2, 2), dtype=np.bool_), seed=1)
    with pytest.raises(ValueError, match="most_mm"):
        warped(hu, most_mm=11.0)
