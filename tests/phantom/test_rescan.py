"""A scan acquired again: what is asked is what differs, and truths follow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ssc_hrct.core.acquisition import Acquisition, SeriesKind
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import REGION_NAMES, Lungs, Region, Zone
from ssc_hrct.core.volume import PADDING_HU, LabelMap, Volume
from ssc_hrct.phantom import rescan, rescan_labels, rescan_lungs

GRID = Grid((12, 60, 64), (1.0, 0.7, 0.7), (-22.0, -20.0, 100.0))


def volume_of(hu: np.ndarray) -> Volume:
    facts = Acquisition(
        "1", "2", "CT", SeriesKind.AXIAL, GRID.shape[0], slice_thickness_mm=1.0, slice_spacing_mm=1.0,
        pixel_spacing_mm=GRID.spacing_mm[1:],
    )
    return Volume(np.ascontiguousarray(hu, dtype=np.int16), GRID, facts)


def textured() -> Volume:
    rng = np.random.default_rng(3)
    return volume_of(rng.integers(-950, 50, GRID.shape))


def halves() -> Lungs:
    """Right lung in the left half of the array, left lung in the other, the lower thirds alone below."""
    regions = np.full(GRID.shape, Region.RIGHT_LUNG, dtype=np.uint8)
    regions[:, :, 32:] = Region.LEFT_LUNG
    zones = np.where(regions == Region.RIGHT_LUNG, Zone.RIGHT_UPPER, Zone.LEFT_UPPER).astype(np.uint8)
    zones[:6] += 2
    rings = np.broadcast_to(np.arange(64, dtype=np.uint8) % 4, GRID.shape).copy()
    return Lungs(LabelMap(regions, GRID, REGION_NAMES), zones, rings)


def test_nothing_asked_changes_no_voxel() -> None:
    before = textured()
    again = rescan(before, seed=1)
    assert np.array_equal(again.hu, before.hu)
    assert again.grid.same_place(before.grid)


@pytest.mark.parametrize("kernel", ["soft", "standard", "sharp"])
def test_added_noise_has_the_asked_sd_and_no_mean(kernel: str) -> None:
    flat = volume_of(np.full(GRID.shape, -500))
    hu = rescan(flat, seed=4, noise_hu=30.0, noise_kernel=kernel).hu.astype(float)
    assert hu.std() == pytest.approx(30, rel=0.05)
    assert hu.mean() == pytest.approx(-500, abs=3)


def test_noise_of_a_sharp_kernel_is_finer() -> None:
    flat = volume_of(np.full(GRID.shape, -500))

    def alike(kernel: str) -> float:
        hu = rescan(flat, seed=4, noise_hu=30.0, noise_kernel=kernel).hu.astype(float) + 500
        return float((hu[:, :, 1:] * hu[:, :, :-1]).mean() / (hu**2).mean())

    assert alike("sharp") < alike("standard") < alike("soft")


def test_same_seed_same_bytes_another_seed_other_noise() -> None:
    before = textured()
    one, two, other = (rescan(before, seed=s, noise_hu=20.0, blur_mm=1.0, sharpen=0.4) for s in (7, 7, 8))
    assert one.hu.tobytes() == two.hu.tobytes()
    assert one.hu.tobytes() != other.hu.tobytes()


def test_mirrored_twice_is_the_scan_itself() -> None:
    before = textured()
    once = rescan(before, seed=1, mirror=True)
    assert np.array_equal(once.hu, before.hu[:, :, ::-1])
    assert np.array_equal(rescan(once, seed=1, mirror=True).hu, before.hu)
    lungs = halves()
    twice = rescan_lungs(rescan_lungs(lungs, mirror=True), mirror=True)
    assert np.array_equal(twice.regions.labels, lungs.regions.labels)
    assert np.array_equal(twice.zones, lungs.zones)


def test_mirrored_lungs_keep_the_right_one_on_the_right() -> None:
    lungs = halves()
    mirrored = rescan_lungs(lungs, mirror=True)
    assert np.array_equal(mirrored.regions.labels, lungs.regions.labels)
    assert np.array_equal(mirrored.zones, lungs.zones)
    assert np.array_equal(mirrored.rings, lungs.rings[:, :, ::-1])


def test_blur_lowers_and_sharpening_raises_contrast_but_not_the_mean() -> None:
    before = textured()
    soft, sharp = rescan(before, seed=1, blur_mm=1.5).hu, rescan(volume_of(before.hu // 4), seed=1, sharpen=0.5).hu
    assert soft.std() < 0.7 * before.hu.std()
    assert sharp.std() > 1.2 * (before.hu // 4).std()
    assert soft.mean() == pytest.approx(before.hu.mean(), abs=5)


def test_blur_has_the_asked_width() -> None:
    point = np.full(GRID.shape, -1000)
    point[:, 30, 32] = 3000
    row = rescan(volume_of(point), seed=1, blur_mm=2.1).hu[5, 30].astype(float) + 1000
    peak, at_half_width = row[32], np.interp(32 + 2.1 / 2 / 0.7, np.arange(64), row)
    assert at_half_width / peak == pytest.approx(0.5, abs=0.05)


def test_thicker_slices_average_their_neighbours_and_lie_in_their_middle() -> None:
    before = textured()
    thick = rescan(before, seed=1, slices_per=3, stride=2)
    assert thick.hu.shape == (5, 60, 64)
    assert np.allclose(thick.hu[1], before.hu[2:5].mean(axis=0), atol=0.51)
    assert thick.grid.height_mm(1) == pytest.approx(before.grid.height_mm(3))
    assert thick.acquisition.slice_thickness_mm == pytest.approx(3.0)
    assert thick.acquisition.slices == 5
    order = np.broadcast_to(np.arange(12, dtype=np.uint8)[:, None, None], GRID.shape).copy()
    labels = rescan_labels(LabelMap(order, GRID, {}), slices_per=3, stride=2)
    assert labels.grid.same_place(thick.grid)
    assert labels.labels[:, 0, 0].tolist() == [1, 3, 5, 7, 9]


def test_offset_moves_every_measured_voxel_and_padding_stays() -> None:
    hu = np.full(GRID.shape, -700)
    hu[:, :5] = PADDING_HU
    moved = rescan(volume_of(hu), seed=1, hu_offset=12.0, noise_hu=0.0, blur_mm=1.0).hu
    assert (moved[:, :5] == PADDING_HU).all()
    assert (moved[:, 12:] == -688).all()


def test_less_air_makes_lung_denser_and_leaves_vessels_and_the_rest() -> None:
    hu = np.full(GRID.shape, -895)
    hu[:, :, 10] = 40
    regions = np.full(GRID.shape, Region.RIGHT_LUNG, dtype=np.uint8)
    regions[:, :20] = Region.OUTSIDE
    lungs = Lungs(
        LabelMap(regions, GRID, REGION_NAMES), np.zeros(GRID.shape, np.uint8), np.zeros(GRID.shape, np.uint8)
    )
    out = rescan(volume_of(hu), seed=1, inspiration=0.7, lungs=lungs).hu
    assert (out[:, 20:, 20:] == -850).all()  # 105 HU over air, divided by 0.7
    assert (out[:, 20:, 10] == 40).all()
    assert np.array_equal(out[:, :20], hu[:, :20])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"slices_per": 13}, "no more slices"), ({"stride": 0}, "at least 1"), ({"noise_hu": -1.0}, "negative"),
        ({"inspiration": 0.7}, "needs the lungs"), ({"noise_kernel": "bone"}, "must be one of"),
    ],
)
def test_what_makes_no_sense_is_refused(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        rescan(textured(), seed=1, **asked)
