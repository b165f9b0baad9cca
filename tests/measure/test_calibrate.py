"""What a volume says of itself, against what the phantom was made of. The true lungs stand in for found ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ssc_hrct.app.assets import default_protocol
from ssc_hrct.core.lungs import Region
from ssc_hrct.core.stats import ImageStats
from ssc_hrct.core.volume import LOWEST_HU, PADDING_HU, Volume
from ssc_hrct.measure import calibrate, find_lungs
from ssc_hrct.phantom.acquisition import KERNELS
from ssc_hrct.quality import check_image
from tests.measure.chests import CLEAR, COARSE, chest, like, lung_of, measured, true_lungs


def stats_of(volume: Volume, regions: np.ndarray) -> ImageStats:
    return calibrate(volume, true_lungs(regions, volume))


def coarse(**changes: Any) -> ImageStats:
    phantom = chest(replace(COARSE, **changes))
    return stats_of(phantom.volume, phantom.truth_regions.labels)


def known(value: float | None) -> float:
    assert value is not None, "could not be measured"
    return value


def noisy(sd_hu: float) -> Volume:
    """White noise of a known SD on a chest without noise, clipped as scanners do."""
    quiet = chest(COARSE).volume
    noise = np.random.default_rng(8).normal(0, sd_hu, quiet.hu.shape)
    return like(quiet, np.clip(np.rint(quiet.hu + noise), LOWEST_HU, None))


@pytest.mark.parametrize("sd_hu", [10.0, 20.0, 40.0])
def test_noise_is_measured_to_15_percent_although_air_is_clipped(sd_hu):
    regions = chest(COARSE).truth_regions.labels
    assert stats_of(noisy(sd_hu), regions).noise_hu == pytest.approx(sd_hu, rel=0.15)


def test_noise_is_scaled_to_slices_of_1_mm():
    """Four times the thickness means twice the noise at 1 mm."""
    volume, regions = noisy(20.0), chest(COARSE).truth_regions.labels
    thick = replace(volume, acquisition=replace(volume.acquisition, slice_thickness_mm=4.0))
    ratio = known(stats_of(thick, regions).noise_hu) / known(stats_of(volume, regions).noise_hu)
    assert ratio == pytest.approx(2.0, rel=0.01)


def test_noise_of_the_phantom_s_own_kind_is_found_with_the_lungs_that_were_found():
    """15 HU were asked for mid-chest soft tissue; the phantom has up to half more at the height of the trachea."""
    assert 0.85 * 15 < known(measured(CLEAR).stats.noise_hu) < 1.6 * 15


def test_air_and_blood_are_near_the_truth():
    """The phantom's air is -995 HU, its unenhanced blood 36 to 48."""
    stats = coarse()
    assert stats.air_hu == pytest.approx(-995, abs=10)
    assert 30 < known(stats.blood_hu) < 55


def test_contrast_medium_raises_blood_over_100():
    assert known(coarse(contrast=True).blood_hu) > 100


def test_shifted_values_shift_what_is_measured():
    quiet = chest(COARSE)
    moved = stats_of(like(quiet.volume, quiet.volume.hu + 60), quiet.truth_regions.labels)
    still = coarse()
    for name in ("air_hu", "blood_hu", "normal_mode_hu"):
        assert getattr(moved, name) - getattr(still, name) == pytest.approx(60, abs=4)


def test_own_normal_lung_has_the_mode_of_the_phantom_s_own_tissue():
    """Mode of all lung voxels at mid height of the front-to-back axis, in a chest without noise."""
    phantom = chest(COARSE)
    lung = lung_of(phantom.truth_regions.labels)
    rows = np.flatnonzero(lung.any(axis=(0, 2)))
    middle = int((rows[0] + rows[-1]) / 2)
    hu = phantom.volume.hu[:, middle - 4 : middle + 5][lung[:, middle - 4 : middle + 5]]
    counts, edges = np.histogram(hu, np.arange(-1000, -600, 10))
    assert coarse().normal_mode_hu == pytest.approx(edges[np.argmax(counts)] + 5, abs=15)


def test_disease_leaves_own_normal_lung_where_it_is():
    """A fifth of the lungs turned hazy under the eyes of the same reference."""
    phantom = chest(COARSE)
    lung = lung_of(phantom.truth_regions.labels)
    low = np.flatnonzero(lung.any(axis=(1, 2)))
    base = np.zeros_like(lung)
    base[: int(low[0] + 0.35 * len(low))] = True
    hazy = np.where(lung & base, np.minimum(phantom.volume.hu + 200, 40), phantom.volume.hu)
    share = (lung & base).sum() / lung.sum()
    stats = stats_of(like(phantom.volume, hazy), phantom.truth_regions.labels)
    assert share > 0.15
    assert stats.normal_mode_hu == pytest.approx(coarse().normal_mode_hu, abs=12)
    assert stats.normal_share < coarse().normal_share - 0.5 * share


def test_a_shallow_breath_raises_own_normal_lung_and_lowers_the_volume():
    full, shallow = coarse(), coarse(inspiration=0.7)
    assert shallow.normal_mode_hu > full.normal_mode_hu + 25
    assert shallow.lung_ml == pytest.approx(0.7 * full.lung_ml, rel=0.05)


def test_volumes_and_shares_are_counts():
    phantom = chest(COARSE)
    regions, ml = phantom.truth_regions.labels, phantom.volume.grid.voxel_ml
    stats = coarse()
    assert stats.lung_ml == pytest.approx(lung_of(regions).sum() * ml)
    assert stats.right_share == pytest.approx((regions == Region.RIGHT_LUNG).sum() / lung_of(regions).sum())
    assert stats.airways_ml == pytest.approx((regions == Region.AIRWAYS).sum() * ml)
    assert stats.low_density_percent < 2


def test_a_whole_chest_is_neither_cut_off_nor_at_the_edge():
    assert coarse().cut_off_percent == 0
    assert coarse().view_percent == 0


@pytest.mark.parametrize("end", ["base", "apex"])
def test_a_cut_stack_tells_about_how_much_is_missing(end):
    """Estimated from how the lungs taper: right to a factor of two and a half where over one percent is missing."""
    phantom = chest(COARSE)
    regions = phantom.truth_regions.labels
    slices = np.flatnonzero(lung_of(regions).any(axis=(1, 2)))
    told = []
    for depth in (6, 12, 20):
        kept = slice(int(slices[0]) + depth, None) if end == "base" else slice(0, int(slices[-1]) + 1 - depth)
        missing = 100 * (1 - lung_of(regions[kept]).sum() / lung_of(regions).sum())
        told.append(stats_of(like(phantom.volume, phantom.volume.hu[kept]), regions[kept]).cut_off_percent)
        if missing > 1:
            assert missing / 2.5 < told[-1] < missing * 2.5
    assert 0 < told[0] < told[1] < told[2]


@pytest.mark.parametrize(("base", "apex"), [(8, 8), (8, -3), (-3, 8)])
def test_a_stack_cut_at_both_ends_is_told_from_one_cut_at_one(base, apex):
    """Slices of lung taken away at each end; under 0, slices without lung are left."""
    phantom = chest(COARSE)
    regions = phantom.truth_regions.labels
    slices = np.flatnonzero(lung_of(regions).any(axis=(1, 2)))
    kept = slice(int(slices[0]) + base, int(slices[-1]) + 1 - apex)
    stats = stats_of(like(phantom.volume, phantom.volume.hu[kept]), regions[kept])
    cut_at_both = base > 0 and apex > 0
    assert (stats.cut_off_lesser_percent > 0) == cut_at_both
    assert stats.cut_off_lesser_percent <= stats.cut_off_percent / 2
    told = [f.level.name for f in check_image(stats, phantom.volume.acquisition, default_protocol())
            if f.code == "CUT_OFF"]
    if stats.cut_off_percent < 3:
        assert told == (["REFUSED"] if cut_at_both else ["CAUTION"])
    else:
        assert told == ["REFUSED"]


def test_lungs_cut_by_the_edge_of_the_image_raise_view_percent():
    phantom = chest(COARSE)
    regions, hu = phantom.truth_regions.labels, phantom.volume.hu
    first = int(np.flatnonzero((regions == Region.RIGHT_LUNG).any(axis=(0, 1)))[0])
    told = [
        stats_of(like(phantom.volume, hu[:, :, first + cut :]), regions[:, :, first + cut :]).view_percent
        for cut in (-6, 2, 8)
    ]
    assert told[0] == 0
    assert 0 < told[1] < told[2]
    assert told[2] > 1


def test_lungs_cut_by_a_round_field_of_view_raise_view_percent():
    phantom = chest(COARSE)
    regions, hu = phantom.truth_regions.labels, phantom.volume.hu
    columns = np.flatnonzero(lung_of(regions).any(axis=(0, 1)))
    rows = np.flatnonzero(lung_of(regions).any(axis=(0, 2)))
    y, x = np.ogrid[: hu.shape[1], : hu.shape[2]]
    away = np.hypot(y - (rows[0] + rows[-1]) / 2, x - (columns[0] + columns[-1]) / 2)
    seen = away < (columns[-1] - columns[0]) / 2 - 4
    cut = like(phantom.volume, np.where(seen, hu, np.int16(PADDING_HU)))
    assert stats_of(cut, np.where(seen, regions, np.uint8(0))).view_percent > 1


def turned(position: str | None, flip: bool, *, couch: bool = False) -> ImageStats:
    """The chest with its front and back exchanged where the patient lay the other way up; the couch taken away."""
    phantom = chest(COARSE)
    step = -1 if flip else 1
    hu = phantom.volume.hu if couch else without_couch(phantom.volume.hu, phantom.truth_regions.labels)
    volume = like(phantom.volume, hu[:, ::step])
    facts = replace(volume.acquisition, patient_position=position)
    return stats_of(replace(volume, acquisition=facts), phantom.truth_regions.labels[:, ::step])


def without_couch(hu: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Air behind the back's skin (4 cm of chest wall are left behind the lungs)."""
    last = int(np.flatnonzero(lung_of(regions).any(axis=(0, 2)))[-1])
    skin = last + 1 + int(np.argmax(hu[len(hu) // 2, last + 1 :, hu.shape[2] // 2] < -700))
    out = hu.copy()
    out[:, skin:] = -1000
    return out


def test_lying_prone_turns_gravity():
    supine, prone = turned("HFS", False), turned("HFP", True)
    assert supine.gravity_hu_per_mm > 0.05
    assert prone.gravity_hu_per_mm == pytest.approx(-supine.gravity_hu_per_mm, rel=0.2)
    assert (supine.supine, prone.supine) == (True, False)


@pytest.mark.parametrize("position", [None, "", "HFDR", "HFS"])
@pytest.mark.parametrize(("flip", "supine"), [(False, True), (True, False)])
def test_the_couch_tells_how_the_patient_lay_though_the_header_is_silent_or_wrong(position, flip, supine):
    stats = turned(position, flip, couch=True)
    assert (stats.table_behind, stats.supine) == (supine, supine)
    assert (stats.gravity_hu_per_mm > 0) is supine


@pytest.mark.parametrize(("flip", "supine"), [(False, True), (True, False)])
def test_density_tells_how_the_patient_lay_where_neither_couch_nor_header_does(flip, supine):
    stats = turned(None, flip)
    assert (stats.table_behind, stats.density_supine, stats.supine) == (None, supine, supine)


def test_the_header_is_believed_before_the_density():
    stats = turned("HFP", False)
    assert (stats.table_behind, stats.density_supine, stats.supine) == (None, True, False)


def test_density_that_rises_against_gravity_is_no_gradient():
    assert turned("HFP", False).gravity_hu_per_mm == 0


def test_sharper_kernels_have_a_narrower_point_spread_near_their_own():
    """Small pixels and the upper chest alone."""
    spec = replace(CLEAR, shape=(32, 128, 128), spacing_mm=(2.5, 0.8, 0.8), noise_hu=5.0)
    widths = []
    for kernel in ("soft", "standard", "sharp"):
        phantom = chest(replace(spec, kernel=kernel))
        widths.append(known(stats_of(phantom.volume, phantom.truth_regions.labels).fwhm_mm))
    assert widths[0] > widths[1] > widths[2]
    assert widths[0] > 1.15 * widths[2]
    assert widths[0] == pytest.approx(KERNELS["soft"].fwhm_mm, rel=0.15)


def test_without_a_trachea_nothing_is_told_of_air_noise_blood_and_sharpness():
    phantom = chest(COARSE)
    regions = np.where(phantom.truth_regions.labels == Region.AIRWAYS, np.uint8(0), phantom.truth_regions.labels)
    stats = stats_of(phantom.volume, regions)
    assert (stats.air_hu, stats.noise_hu, stats.fwhm_mm, stats.blood_hu) == (None, None, None, None)
    assert stats.normal_mode_hu == coarse().normal_mode_hu


@pytest.mark.parametrize("filled_hu", [None, -800, 40], ids=["air", "too dense to be followed", "tissue"])
def test_airways_that_are_not_found_are_told(filled_hu):
    """Where they are too dense to be followed they count as lung."""
    phantom = chest(CLEAR)
    airways = phantom.truth_regions.labels == Region.AIRWAYS
    hu = phantom.volume.hu if filled_hu is None else np.where(airways, np.int16(filled_hu), phantom.volume.hu)
    volume = like(phantom.volume, hu)
    stats = calibrate(volume, find_lungs(volume))
    told = [f.code for f in check_image(stats, volume.acquisition, default_protocol())]
    assert ("MASK_AIRWAYS" in told) is (filled_hu is not None)


@pytest.mark.parametrize(("offset_hu", "codes"), [(0, []), (60, ["HU_OFFSET"]), (200, ["NOT_HU"])])
def test_a_shift_of_all_values_is_told_and_a_large_one_refused(offset_hu, codes):
    """Contrast is not judged here: shifted blood looks like it."""
    quiet = chest(replace(COARSE, noise_hu=15.0))
    moved = like(quiet.volume, np.maximum(quiet.volume.hu + offset_hu, LOWEST_HU))
    found = check_image(stats_of(moved, quiet.truth_regions.labels), quiet.volume.acquisition, default_protocol())
    assert [f.code for f in found if f.code in ("HU_OFFSET", "NOT_HU")] == codes


@pytest.mark.parametrize(("contrast", "told"), [(False, False), (True, True)])
@pytest.mark.parametrize("noise_hu", [10.0, 40.0, 60.0])
def test_contrast_is_found_in_the_image_where_the_header_is_silent(contrast, told, noise_hu):
    phantom = chest(replace(COARSE, contrast=contrast, noise_hu=noise_hu))
    facts = replace(phantom.volume.acquisition, contrast=None)
    found = check_image(stats_of(phantom.volume, phantom.truth_regions.labels), facts, default_protocol())
    assert ("CONTRAST" in [f.code for f in found]) is told


@pytest.mark.parametrize("contrast", [False, True])
@pytest.mark.parametrize("sd_hu", [20.0, 40.0])
def test_noise_is_told_from_blood_where_air_is_clipped(sd_hu, contrast):
    """A scanner whose air lies under -1024 HU: all of it reads -1024."""
    quiet = chest(replace(COARSE, contrast=contrast))
    noise = np.random.default_rng(8).normal(0, sd_hu, quiet.volume.hu.shape)
    low = like(quiet.volume, np.clip(np.rint(quiet.volume.hu - 45 + noise), LOWEST_HU, None))
    stats = stats_of(low, quiet.truth_regions.labels)
    assert stats.noise_in_blood
    assert stats.noise_hu == pytest.approx(sd_hu, rel=0.15)


def test_noise_is_told_from_air_where_air_shows_it():
    assert not stats_of(noisy(20.0), chest(COARSE).truth_regions.labels).noise_in_blood


@pytest.mark.parametrize("offset_hu", [0, 160, 300])
def test_values_too_high_for_a_windpipe_are_told_by_the_air_around_the_patient(offset_hu):
    """The true regions without airways, as they are found where air is at -835 HU."""
    phantom = chest(COARSE)
    regions = np.where(phantom.truth_regions.labels == Region.AIRWAYS, np.uint8(0), phantom.truth_regions.labels)
    stats = stats_of(like(phantom.volume, phantom.volume.hu + offset_hu), regions)
    assert stats.air_hu is None
    assert stats.air_around_hu == pytest.approx(-1000 + offset_hu, abs=15)
    assert coarse().air_around_hu is None


def test_padding_around_the_patient_is_no_air():
    phantom = chest(COARSE)
    regions = np.where(phantom.truth_regions.labels == Region.AIRWAYS, np.uint8(0), phantom.truth_regions.labels)
    blank = np.where((phantom.volume.hu < -300) & ~lung_of(regions), np.int16(PADDING_HU), phantom.volume.hu)
    assert stats_of(like(phantom.volume, blank), regions).air_around_hu is None
