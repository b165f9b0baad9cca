"""Lungs and airways found in made-up chests whose truth is known, and refused where there are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from ssc_hrct.app.assets import default_protocol
from ssc_hrct.core.errors import Cancelled, HrctError
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Region, Ring, Zone
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.volume import LOWEST_HU, PADDING_HU, Volume
from ssc_hrct.measure import calibrate, find_lungs
from ssc_hrct.phantom import PRESETS
from ssc_hrct.quality import check_image
from tests.made_up import acquisition
from tests.measure.chests import CLEAR, COARSE, GLASS, chest, dice, found, like, lung_of

SIDES = (Region.RIGHT_LUNG, Region.LEFT_LUNG)


def truth() -> np.ndarray:
    return chest().truth_regions.labels


def regions() -> np.ndarray:
    return found().regions.labels


@pytest.mark.parametrize("spec", [CLEAR, GLASS], ids=["clear", "ground glass"])
@pytest.mark.parametrize("side", SIDES)
def test_each_lung_is_found_as_it_truly_is(spec, side):
    assert dice(found(spec).regions.labels == side, chest(spec).truth_regions.labels == side) > 0.985


def test_a_rim_of_nets_and_cysts_stays_in_the_lungs_and_the_chest_wall_out():
    spec = replace(COARSE, noise_hu=15.0, disease=PRESETS["uip"](15.0))
    made, mask = chest(spec), found(spec).mask()
    real, patterns = lung_of(made.truth_regions.labels), made.truth_patterns.labels
    ill = np.isin(patterns, (Pattern.RETICULATION, Pattern.HONEYCOMBING)) & real
    rim = ill & (ndimage.distance_transform_edt(real, spec.spacing_mm) <= 4.0)
    assert rim.sum() > 10_000
    assert mask[ill].mean() > 0.95
    assert mask[rim].mean() > 0.9
    beyond = ndimage.distance_transform_edt(~real, spec.spacing_mm) > 3.0
    assert (mask & beyond).sum() < 0.002 * real.sum()


def test_right_is_the_patient_s_right():
    """x grows to the patient's left: the right lung has the smaller x."""
    x = np.arange(regions().shape[2])
    middles = [float(np.average(x, weights=(regions() == side).sum(axis=(0, 1)))) for side in SIDES]
    assert middles[0] + 40 < middles[1]


def test_trachea_and_main_bronchi_are_not_lung():
    real = truth() == Region.AIRWAYS
    assert (lung_of(regions()) & real).sum() < 0.06 * real.sum()
    lumen = real & (chest().volume.hu < -900)
    top = np.flatnonzero(lumen.any(axis=(1, 2)))[-1]
    trachea = lumen[top - 30 : top - 5]
    assert trachea.sum() > 500
    assert (regions()[top - 30 : top - 5][trachea] == Region.AIRWAYS).mean() > 0.97


def test_nothing_deep_outside_the_true_lungs_is_called_lung():
    """Bowel gas under the dome, the stomach's bubble, air around the patient and the table's foam stay out."""
    hu, real = chest().volume.hu, truth()
    away = (ndimage.distance_transform_edt(~lung_of(real), CLEAR.spacing_mm) > 5.0) & (real == Region.OUTSIDE)
    gas = (hu < -900) & away
    inside_body = np.zeros_like(gas)
    for z in range(gas.shape[0]):
        inside_body[z] = ndimage.binary_fill_holes(ndimage.binary_opening(hu[z] > -300, iterations=2))
    assert (gas & inside_body).sum() * chest().volume.grid.voxel_ml > 20, "this chest has bowel gas"
    assert (gas & ~inside_body).any(), "and air around it"
    assert not (lung_of(regions()) & away).any()


def test_touching_lungs_are_parted_where_they_touch():
    """A sheet of air is painted from lung to lung in front of the mediastinum."""
    real, hu = truth(), chest().volume.hu.copy()
    middle = slice(real.shape[0] // 2, real.shape[0] // 2 + 14)
    painted = np.zeros(real.shape, np.bool_)
    for z in range(middle.start, middle.stop):
        rows = np.flatnonzero((real[z] == Region.RIGHT_LUNG).any(axis=1) & (real[z] == Region.LEFT_LUNG).any(axis=1))
        for y in rows[1:6]:
            inner = np.flatnonzero(real[z, y] == Region.RIGHT_LUNG)[-1]
            outer = np.flatnonzero(real[z, y] == Region.LEFT_LUNG)[0]
            painted[z, y, inner : outer + 1] = True
    assert painted.sum() > 300
    hu[painted] = -860
    labels = find_lungs(like(chest().volume, hu)).regions.labels
    assert lung_of(labels)[painted].mean() > 0.8, "the bridge is taken for lung, so both sides touch"
    for side in SIDES:
        assert dice(labels == side, real == side) > 0.98
    wrong = ((labels == Region.RIGHT_LUNG) & (real == Region.LEFT_LUNG)) | (
        (labels == Region.LEFT_LUNG) & (real == Region.RIGHT_LUNG)
    )
    assert wrong.sum() < 0.002 * lung_of(real).sum()


def test_a_mirrored_chest_swaps_sides():
    mirrored = find_lungs(like(chest().volume, chest().volume.hu[:, :, ::-1])).regions.labels[:, :, ::-1]
    swapped = np.array([Region.OUTSIDE, Region.LEFT_LUNG, Region.RIGHT_LUNG, Region.AIRWAYS])[mirrored]
    assert (swapped != regions()).mean() < 0.002
    assert dice(swapped == Region.RIGHT_LUNG, regions() == Region.RIGHT_LUNG) > 0.99


def test_nothing_measured_outside_a_round_field_of_view_changes_nothing():
    """The circle holds the whole trunk in breadth; its corners were never measured."""
    hu = chest().volume.hu
    _, height, width = hu.shape
    y, x = np.ogrid[:height, :width]
    seen = (y - (height - 1) / 2) ** 2 + (x - (width - 1) / 2) ** 2 < (width / 2) ** 2
    assert not lung_of(truth())[:, ~seen].any()
    padded = np.where(seen, hu, np.int16(PADDING_HU))
    labels = find_lungs(like(chest().volume, padded)).regions.labels
    assert not labels[:, ~seen].any()
    for side in SIDES:
        assert dice(labels == side, regions() == side) > 0.995


def test_every_voxel_of_lung_has_a_zone_and_a_ring_and_nothing_else_has():
    lungs = found()
    lung = lung_of(regions())
    assert np.array_equal(lungs.mask(), lung)
    assert np.array_equal(lungs.zones > 0, lung)
    assert np.array_equal(lungs.rings > 0, lung)
    assert set(np.unique(lungs.zones[lung])) == set(Zone)
    assert set(np.unique(lungs.rings[lung])) == set(Ring)
    right = lungs.zones[regions() == Region.RIGHT_LUNG]
    assert right.max() <= Zone.RIGHT_LOWER


def test_rings_follow_the_distance_from_the_chest_wall():
    """At the side of the chest, where the wall is near and flat, true depth in the slice gives the ring to 2 voxels;
    where the wall is not quite square to the row the way is longer."""
    z = int(np.median(np.flatnonzero(lung_of(truth()).any(axis=(1, 2)))))
    row = int(np.median(np.flatnonzero((truth()[z] == Region.RIGHT_LUNG).any(axis=1))))
    first = int(np.flatnonzero(truth()[z, row] == Region.RIGHT_LUNG)[0])
    rings = found().rings[z, row, first:]
    assert (rings[1:3] == Ring.TO_10_MM).all()
    inner = np.flatnonzero(rings >= Ring.TO_20_MM)[0] * CLEAR.spacing_mm[2]
    assert 10 - 3.0 < inner < 10 + 4.5


def test_maps_cannot_be_written_to_and_the_volume_is_left_as_it_was():
    lungs, before = found(), chest().volume.hu
    for array in (lungs.regions.labels, lungs.zones, lungs.rings):
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0, 0] = 1
    assert lungs.grid == chest().volume.grid
    assert not before.flags.writeable


def scan(hu: np.ndarray, spacing_mm: float = 4.0) -> Volume:
    return Volume(hu.astype(np.int16), Grid(hu.shape, (spacing_mm,) * 3), acquisition())


def cylinder() -> np.ndarray:
    """A body of water with air around it."""
    y, x = np.ogrid[-36:36, -50:50]
    slice_hu = np.where((y / 30) ** 2 + (x / 44) ** 2 < 1, 30, -1000)
    return np.repeat(slice_hu[None], 60, axis=0)


def with_balls(value: float, *middles_x: int, radius: int = 14) -> np.ndarray:
    hu = cylinder()
    z, y, x = np.ogrid[-30:30, -36:36, -50:50]
    for middle in middles_x:
        hu[z**2 + y**2 + (x - middle) ** 2 < radius**2] = value
    return hu


NOISE = np.random.default_rng(4)
NO_CHEST = {
    "noise": NOISE.normal(-400, 400, (60, 72, 100)).clip(-1024, 3000),
    "water": np.zeros((60, 72, 100)),
    "air": np.full((60, 72, 100), -1000),
    "nothing measured": np.full((60, 72, 100), PADDING_HU),
    "bone": np.full((60, 72, 100), 1200),
    "a body without air": cylinder(),
    "two balls of gas": with_balls(-1000, -22, 22),
    "two balls of gas, all values low": with_balls(-1000, -22, 22).clip(-880, None) - 144,
    "two small balls nearly as empty as gas": with_balls(-975, -22, 22, radius=11),
    "few small slices": np.full((20, 8, 8), -1000),
}


@pytest.mark.parametrize("name", list(NO_CHEST))
def test_what_holds_no_two_lungs_is_refused_plainly(name):
    with pytest.raises(HrctError, match="Two lungs could not be found") as told:
        find_lungs(scan(NO_CHEST[name]))
    assert told.value.code == "NO_LUNGS"


def test_one_lung_alone_is_refused():
    """The left one is as dense as tissue throughout."""
    hu = np.where(truth() == Region.LEFT_LUNG, np.int16(40), chest().volume.hu)
    with pytest.raises(HrctError, match="Two lungs could not be found"):
        find_lungs(like(chest().volume, hu))


def test_two_balls_of_lung_are_found_without_a_trachea():
    """What the refusals above are refused for is not the body that they lie in."""
    labels = find_lungs(scan(with_balls(-850, -22, 22))).regions.labels
    assert (labels == Region.RIGHT_LUNG)[:, :, :50].sum() > 8000
    assert not (labels == Region.RIGHT_LUNG)[:, :, 50:].any()


@pytest.mark.parametrize("value", [-965, -975, -985])
def test_lungs_that_are_nearly_as_empty_as_air_are_found_and_said_to_be(value):
    """Severe emphysema: under what tells bowel gas from lung, over the air around the patient."""
    volume = scan(with_balls(value, -22, 22))
    lungs = find_lungs(volume)
    assert dice(lungs.mask(), volume.hu == value) > 0.98
    told = check_image(calibrate(volume, lungs), volume.acquisition, default_protocol())
    assert ("MASK_LOW_DENSITY" in {f.code for f in told}) == (value < -970)


@pytest.mark.parametrize("shift_hu", [-60, -90, -120])
def test_values_that_lie_low_are_a_caution_and_no_refusal(shift_hu):
    """Clipped as loading clips: of air and lung little contrast is left."""
    volume = chest().volume
    low = like(volume, np.clip(volume.hu.astype(int) + shift_hu, LOWEST_HU, None))
    lungs = find_lungs(low)
    for side in SIDES:
        assert dice(lungs.regions.labels == side, truth() == side) > 0.98
    gas = (volume.hu < -900) & (ndimage.distance_transform_edt(~lung_of(truth()), CLEAR.spacing_mm) > 5.0)
    assert (lungs.mask() & gas & (truth() == Region.OUTSIDE)).sum() == 0, "bowel gas stays out"
    told = {f.code: f.level.name for f in check_image(calibrate(low, lungs), low.acquisition, default_protocol())}
    assert told["HU_OFFSET"] == "CAUTION"
    assert set(told.values()) == {"CAUTION"}


def test_air_blanked_around_the_patient_does_not_make_values_low():
    """Some scans hold -1024 around the patient; the windpipe tells that values are as they should be."""
    volume = chest().volume
    rows = np.flatnonzero(lung_of(truth()).any(axis=(0, 2)))
    hu = volume.hu.copy()
    before = hu[:, : rows[0]]
    before[before < -900] = LOWEST_HU
    assert np.array_equal(find_lungs(like(volume, hu)).regions.labels, regions())


def test_finding_stops_when_asked_to():
    class Stop:
        def step(self, text: str, done: int = 0, total: int = 0) -> None:
            raise Cancelled

    with pytest.raises(Cancelled):
        find_lungs(scan(cylinder()), progress=Stop())


@pytest.mark.parametrize("cut", [1, 3, 8])
def test_a_lung_cut_by_the_edge_of_the_image_keeps_all_that_is_seen_of_it(cut):
    first = int(np.flatnonzero((truth() == Region.RIGHT_LUNG).any(axis=(0, 1)))[0])
    volume, real = like(chest().volume, chest().volume.hu[:, :, first + cut :]), truth()[:, :, first + cut :]
    lungs = find_lungs(volume)
    assert (lungs.mask() & lung_of(real)).sum() > 0.97 * lung_of(real).sum()
    assert calibrate(volume, lungs).view_percent > 0


@pytest.mark.parametrize("inside_mm", [2, -4])
def test_a_round_field_of_view_about_the_lungs_keeps_all_that_is_seen_of_them(inside_mm):
    """A circle that just holds the widest slice of the lungs, or cuts off its flanks."""
    hu, lung = chest().volume.hu, lung_of(truth())
    y, x = np.ogrid[: hu.shape[1], : hu.shape[2]]
    rows, columns = np.flatnonzero(lung.any(axis=(0, 2))), np.flatnonzero(lung.any(axis=(0, 1)))
    away = np.hypot(y - (rows[0] + rows[-1]) / 2, x - (columns[0] + columns[-1]) / 2)
    seen = away < away[lung.any(axis=0)].max() + inside_mm / 1.5
    lungs = find_lungs(like(chest().volume, np.where(seen, hu, np.int16(PADDING_HU))))
    assert (lungs.mask() & lung & seen).sum() > 0.97 * (lung & seen).sum()


def test_one_ball_of_lung_is_not_two_lungs():
    with pytest.raises(HrctError, match="Two lungs"):
        find_lungs(scan(with_balls(-850, -22)))
