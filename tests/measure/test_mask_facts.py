"""What is painted into a made-up chest stays out of its lungs or in them, and the mask's facts say so."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from ssc_hrct.app.assets import default_protocol
from ssc_hrct.core.errors import Cancelled
from ssc_hrct.core.lungs import Lungs, Region
from ssc_hrct.core.mask_facts import MaskFacts
from ssc_hrct.core.volume import LabelMap, Volume
from ssc_hrct.measure import find_lungs, find_vessels
from ssc_hrct.measure.mask_facts import mask_facts
from ssc_hrct.measure.missed import missed_ml
from ssc_hrct.phantom import PRESETS, make_chest
from tests.measure.chests import CLEAR, COARSE, chest, found, like, lung_of, true_lungs

DZ, DY, DX = CLEAR.spacing_mm


def truth() -> np.ndarray:
    return chest().truth_regions.labels


def left() -> NDArray[np.bool_]:
    return np.asarray(truth() == Region.LEFT_LUNG)


def painted(where: np.ndarray, hu: float) -> Volume:
    """Noise of the scan about another density."""
    noise = np.random.default_rng(8).normal(0, 15, int(where.sum()))
    array = chest().volume.hu.astype(np.float64)
    array[where] = hu + noise
    return like(chest().volume, array.clip(-1024, 3071))


def lower_back(thick_mm: float) -> np.ndarray:
    """The layer of the left lung at the back of its lower half."""
    lung = left()
    heights = np.flatnonzero(lung.any(axis=(1, 2)))
    last = lung.shape[1] - 1 - np.argmax(lung[:, ::-1], axis=1)
    away = (last[:, None, :] - np.arange(lung.shape[1])[None, :, None]) * DY
    layer = lung & (away < thick_mm)
    layer[(heights[0] + heights[-1]) // 2 :] = False
    return layer


@cache
def facts_with_fluid() -> tuple[MaskFacts, float]:
    fluid = lower_back(20.0)
    volume = painted(fluid, 15)
    lungs = find_lungs(volume)
    return mask_facts(lungs, volume), float(lungs.mask()[fluid].mean())


def test_a_clear_chest_misses_nothing_and_is_whole():
    facts = mask_facts(found(), chest().volume)
    assert facts.missed_ml == pytest.approx(0, abs=3)
    assert facts.parts_over_20_ml in (1, 2)
    assert facts.holes_ml < 10
    assert facts.sides_swapped is False
    assert facts.largest_step < 0.25


def test_fluid_at_the_back_stays_out_and_is_suspected():
    facts, share = facts_with_fluid()
    assert share < 0.05
    volume_ml = lower_back(20.0).sum() * chest().volume.grid.voxel_ml
    assert facts.missed_ml is not None
    assert 20 < facts.missed_ml < volume_ml


def test_a_solid_base_is_suspected_from_the_other_side():
    lung = left()
    heights = np.flatnonzero(lung.any(axis=(1, 2)))
    base = lung.copy()
    base[heights[0] + (heights[-1] - heights[0]) // 3 :] = False
    volume = painted(base, 40)
    missed = missed_ml(volume, find_lungs(volume))
    assert missed is not None
    assert missed > 20


def lesion(place: str, shape: str) -> np.ndarray:
    """A ball of 60 mm or a layer of 15 mm, 80 mm wide, on the wall of the right lung, cut to the lung."""
    lung = np.asarray(truth() == Region.RIGHT_LUNG)
    heights = np.flatnonzero(lung.any(axis=(1, 2)))
    z = int(heights[0] + 0.45 * (heights[-1] - heights[0]))
    rows, columns = (np.flatnonzero(lung[z].any(axis=axis)) for axis in (1, 0))
    if place == "side":
        y = int(rows[0] + rows[-1]) // 2
        x = int(np.flatnonzero(lung[z, y])[0])
        depth = (np.arange(lung.shape[2]) - np.argmax(lung, axis=2)[:, :, None]) * DX
    else:
        x = int(columns[-1] - {"front": 0.5, "back": 0.5, "gutter": 0.22}[place] * (columns[-1] - columns[0]))
        y = int(np.flatnonzero(lung[z, :, x])[0 if place == "front" else -1])
        near = np.argmax(lung, axis=1) if place == "front" else lung.shape[1] - 1 - np.argmax(lung[:, ::-1], axis=1)
        depth = np.abs(np.arange(lung.shape[1])[None, :, None] - near[:, None, :]) * DY
    k, j, i = np.ogrid[: lung.shape[0], : lung.shape[1], : lung.shape[2]]
    across = (i - x) * DX if place != "side" else (j - y) * DY
    if shape == "ball":
        return lung & (((k - z) * DZ) ** 2 + ((j - y) * DY) ** 2 + ((i - x) * DX) ** 2 < 30**2)
    return lung & (depth < 15) & (((k - z) * DZ) ** 2 + across**2 < 40**2)


@pytest.mark.parametrize("shape", ["ball", "layer"])
@pytest.mark.parametrize("place", ["front", "side", "back", "gutter"])
def test_solid_disease_on_the_wall_that_the_outline_leaves_out_is_suspected(place, shape):
    """The outline is the true one without the lesion."""
    where = lesion(place, shape)
    volume = painted(where, 40)
    labels = np.where(where, Region.OUTSIDE, truth()).astype(np.uint8)
    missed, lost = missed_ml(volume, true_lungs(labels, volume)), where.sum() * volume.grid.voxel_ml
    assert missed is not None
    assert default_protocol().limits.missed_ml < missed < 1.1 * lost


@pytest.mark.parametrize("seed", [6101, 6104])
def test_noisy_and_ill_chests_with_their_true_outline_are_not_suspected(seed):
    ill = make_chest(seed, replace(COARSE, noise_hu=45.0, disease=PRESETS["nsip" if seed % 2 else "uip"](35.0)))
    missed = missed_ml(ill.volume, true_lungs(ill.truth_regions.labels, ill.volume))
    assert missed is not None
    assert missed < default_protocol().limits.missed_ml - 4


def test_without_ribs_nothing_can_be_said():
    """Bone painted over with muscle."""
    hu = chest().volume.hu
    assert missed_ml(painted(hu > 120, 50), found()) is None


def test_most_of_a_solid_bite_out_of_the_wall_stays_in_the_lung():
    """32 mm wide at the wall and 16 mm deep. Its outermost layer, which no ball that rolls along the wall can tell from
    the wall's own curve, may be lost.
    """
    lung = left()
    z = int(np.median(np.flatnonzero(lung.any(axis=(1, 2)))))
    y = int(np.median(np.flatnonzero(lung[z].any(axis=1))))
    x = int(np.flatnonzero(lung[z, y])[-1])
    k, j, i = np.ogrid[: lung.shape[0], : lung.shape[1], : lung.shape[2]]
    bite = lung & (((k - z) * DZ) ** 2 + ((j - y) * DY) ** 2 + ((i - x) * DX) ** 2 < 16**2)
    assert bite.sum() * chest().volume.grid.voxel_ml > 5
    assert find_lungs(painted(bite, 40)).mask()[bite].mean() > 0.65


def test_a_pneumothorax_behind_its_line_stays_out():
    lung = left()
    heights = np.flatnonzero(lung.any(axis=(1, 2)))
    last = lung.shape[2] - 1 - np.argmax(lung[:, :, ::-1], axis=2)
    away = (last[:, :, None] - np.arange(lung.shape[2])) * DX
    lung[: (heights[0] + heights[-1]) // 2] = False
    air, line = lung & (away < 25), lung & (away >= 25) & (away < 28)
    hu = painted(air, -995).hu.copy()
    hu[line] = -100
    mask = find_lungs(like(chest().volume, hu)).mask()
    assert mask[air].mean() < 0.15


def test_colon_under_a_high_dome_stays_out():
    """A tube of gas that touches the left lung's base through a wall thinner than a voxel."""
    lung = left()
    y = int(np.median(np.flatnonzero(lung.any(axis=(0, 2)))))
    x = int(np.median(np.flatnonzero(lung[:, y].any(axis=0))))
    floor = int(np.argmax(lung[:, y, x]))
    k, j, i = np.ogrid[: lung.shape[0], : lung.shape[1], : lung.shape[2]]
    tube = ((k - floor) * DZ + 19.0) ** 2 + ((j - y) * DY) ** 2 < 18**2
    gas = tube & (np.abs(i - x) * DX < 30) & ~lung_of(truth())
    assert gas.sum() * chest().volume.grid.voxel_ml > 30
    lungs = find_lungs(painted(gas, -990))
    assert lungs.mask()[gas].mean() < 0.1
    assert (lungs.mask() & lung_of(truth())).sum() > 0.96 * lung_of(truth()).sum()


def test_swapped_names_and_a_mirrored_image_are_both_told():
    labels = truth().copy()
    labels[truth() == Region.RIGHT_LUNG], labels[truth() == Region.LEFT_LUNG] = Region.LEFT_LUNG, Region.RIGHT_LUNG
    assert mask_facts(true_lungs(labels, chest().volume), chest().volume).sides_swapped is True
    mirrored = like(chest().volume, chest().volume.hu[:, :, ::-1])
    assert mask_facts(find_lungs(mirrored), mirrored).sides_swapped is True


def test_a_hole_an_extra_part_and_a_step_are_measured():
    labels = truth().copy()
    lung = np.argwhere(labels == Region.RIGHT_LUNG)
    z, y, x = (int(v) for v in np.median(lung, axis=0))
    labels[z - 4 : z + 4, y - 7 : y + 7, x - 7 : x + 7] = Region.OUTSIDE
    hole_ml = 8 * 14 * 14 * chest().volume.grid.voxel_ml
    facts = mask_facts(true_lungs(labels, chest().volume), chest().volume)
    whole = mask_facts(true_lungs(truth(), chest().volume), chest().volume)
    assert facts.holes_ml - whole.holes_ml == pytest.approx(hole_ml, rel=0.25)
    labels = truth().copy()
    labels[z : z + 2] = Region.OUTSIDE
    cut = mask_facts(true_lungs(labels, chest().volume), chest().volume)
    assert cut.largest_step > 0.9
    assert cut.parts_over_20_ml > whole.parts_over_20_ml


@pytest.mark.parametrize("every", [1, 2])
def test_thick_slices_make_no_step_and_half_a_slice_that_is_gone_does(every):
    """Slices 2.6 and 5.2 mm apart."""
    grid = replace(chest().volume.grid, shape=truth()[::every].shape, spacing_mm=(every * DZ, DY, DX))
    labels = truth()[::every].copy()
    volume = replace(chest().volume, hu=np.ascontiguousarray(chest().volume.hu[::every]), grid=grid)
    assert mask_facts(true_lungs(labels, volume), volume).largest_step < 0.2
    heights = np.flatnonzero(lung_of(labels).any(axis=(1, 2)))
    labels = labels.copy()
    gone = labels[(heights[0] + heights[-1]) // 2]
    gone[gone == Region.LEFT_LUNG] = Region.OUTSIDE
    assert mask_facts(true_lungs(labels, volume), volume).largest_step > 0.25


def test_larger_vessels_are_bright_lie_by_the_hilum_and_leave_the_rim_alone():
    lungs = found()
    vessels = find_vessels(chest().volume, lungs)
    inside = vessels & lungs.mask()
    assert not vessels.flags.writeable
    assert 0.005 < inside.sum() / lungs.mask().sum() < 0.1
    assert (chest().volume.hu[vessels] > -500).all()
    assert not (vessels & (lungs.regions.labels == Region.AIRWAYS)).any()
    share = [float(inside[lungs.rings == ring].mean()) for ring in (1, 3)]
    assert share[0] < 0.5 * share[1]


@pytest.mark.parametrize("before", [0, 1])
def test_looking_at_the_outline_and_for_vessels_stops_when_asked_to(before):
    class Stop:
        def __init__(self) -> None:
            self.left = before

        def step(self, text: str, done: int = 0, total: int = 0) -> None:
            if not self.left:
                raise Cancelled
            self.left -= 1

    with pytest.raises(Cancelled):
        mask_facts(found(), chest().volume, progress=Stop())
    with pytest.raises(Cancelled):
        find_vessels(chest().volume, found(), progress=Stop())


def test_without_airways_no_vessels_are_named():
    labels = np.where(truth() == Region.AIRWAYS, Region.OUTSIDE, truth()).astype(np.uint8)
    bare = Lungs(LabelMap(labels, chest().volume.grid, {}), found().zones, found().rings)
    assert not find_vessels(chest().volume, bare).any()
