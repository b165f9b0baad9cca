"""Made-up chests: anatomy, truth and acquisition, on coarse grids."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from scipy import ndimage

from ssc_hrct.core.lungs import Region
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.phantom import PRESETS, ChestSpec, DiseaseSpec, Phantom, make_chest
from ssc_hrct.phantom.acquisition import KERNELS, NoiseMaker

COARSE = ChestSpec(shape=(80, 120, 120), spacing_mm=(3.6, 3.0, 3.0))
"""The whole chest in a second or two."""
ILD = (Pattern.GROUND_GLASS, Pattern.RETICULATION, Pattern.HONEYCOMBING)


@lru_cache(maxsize=16)
def chest(seed: int, spec: ChestSpec = COARSE) -> Phantom:
    return make_chest(seed, spec)


def percent(phantom: Phantom, *patterns: Pattern) -> float:
    labels = phantom.truth_patterns.labels
    return 100 * float(np.isin(labels, patterns).sum()) / float((labels > 0).sum())


def millilitres(phantom: Phantom, region: Region) -> float:
    return float((phantom.truth_regions.labels == region).sum()) * phantom.volume.grid.voxel_ml


def test_same_seed_gives_same_bytes() -> None:
    spec = replace(COARSE, disease=PRESETS["uip"](30.0))
    first, second = make_chest(3, spec), chest(3, spec)
    assert first.volume.hu.tobytes() == second.volume.hu.tobytes()
    assert first.truth_patterns.labels.tobytes() == second.truth_patterns.labels.tobytes()


def test_another_seed_gives_another_chest() -> None:
    assert (chest(1).truth_regions.labels != chest(3).truth_regions.labels).mean() > 0.005


@pytest.mark.parametrize("seed", [1, 3])
def test_lung_volumes_are_those_of_adults(seed: int) -> None:
    right, left = millilitres(chest(seed), Region.RIGHT_LUNG), millilitres(chest(seed), Region.LEFT_LUNG)
    assert 2800 < right + left < 6200
    assert 0.5 < right / (right + left) < 0.6
    assert 25 < millilitres(chest(seed), Region.AIRWAYS) < 110


@pytest.mark.parametrize("lung_ml", [3000.0, 6000.0])
def test_small_and_large_lungs_lie_wholly_in_the_default_scan(lung_ml: float) -> None:
    size = ChestSpec().shape[0] * ChestSpec().spacing_mm[0], ChestSpec().shape[1] * ChestSpec().spacing_mm[1]
    spec = ChestSpec(
        shape=(60, 120, 120), spacing_mm=(size[0] / 60, size[1] / 120, size[1] / 120), noise_hu=0.0, lung_ml=lung_ml
    )
    lung = make_chest(3, spec).truth_patterns.labels > 0
    assert not lung[[0, -1]].any()
    assert not lung[:, [0, -1]].any()
    assert not lung[:, :, [0, -1]].any()


def test_asked_lung_volume_is_met_within_three_percent() -> None:
    phantom = chest(3, replace(COARSE, lung_ml=3500.0))
    both = millilitres(phantom, Region.RIGHT_LUNG) + millilitres(phantom, Region.LEFT_LUNG)
    assert both == pytest.approx(3500, rel=0.03)


def test_sides_follow_the_patient_and_the_liver_lies_under_the_right_dome() -> None:
    phantom = chest(3)
    regions, hu, grid = phantom.truth_regions.labels, phantom.volume.hu, phantom.volume.grid
    x = grid.origin_mm[0] + grid.spacing_mm[2] * np.arange(grid.shape[2])
    for region, sign in ((Region.RIGHT_LUNG, -1), (Region.LEFT_LUNG, 1)):
        assert sign * float(np.broadcast_to(x, regions.shape)[regions == region].mean()) > 40
    lowest = [np.flatnonzero((regions == r).any(axis=(1, 2)))[0] for r in (Region.RIGHT_LUNG, Region.LEFT_LUNG)]
    below = hu[: min(lowest) + 6]
    right, left = below[..., x < -30], below[..., x > 30]
    assert (right < -900).mean() < (left < -900).mean() or (right > 45).mean() > (left > 45).mean()


def test_trachea_holds_air_and_the_aorta_blood() -> None:
    phantom = chest(3, replace(COARSE, noise_hu=0.0))
    airways = phantom.truth_regions.labels == Region.AIRWAYS
    high = np.flatnonzero(airways.any(axis=(1, 2)))[-1]
    assert -1005 <= phantom.volume.hu[high - 3][airways[high - 3]].min() <= -960
    bright = chest(3, replace(COARSE, noise_hu=0.0, contrast=True)).volume.hu
    more = bright.astype(int) - phantom.volume.hu
    assert more.max() > 200
    assert (more > 150).sum() * phantom.volume.grid.voxel_ml > 200


def test_clear_lung_has_the_density_of_healthy_people() -> None:
    phantom = chest(3)
    hu = phantom.volume.hu[phantom.truth_patterns.labels > 0].astype(float)
    counts = np.bincount((hu + 1100).astype(int))
    mode = int(np.argmax(ndimage.gaussian_filter1d(counts.astype(float), 8))) - 1100
    assert -900 < mode < -845
    haa = 100 * float(((hu > -600) & (hu < -250)).mean())
    assert 2.7 < haa < 17.8


def test_dependent_lung_is_denser_than_lung_in_front() -> None:
    phantom = chest(3)
    lung = phantom.truth_patterns.labels > 0
    y = np.broadcast_to(np.arange(lung.shape[1])[None, :, None], lung.shape)[lung]
    hu = phantom.volume.hu[lung]
    front, back = np.quantile(y, [0.25, 0.75])
    assert np.median(hu[y > back]) - np.median(hu[y < front]) > 8


@pytest.mark.parametrize("kernel", list(KERNELS))
@pytest.mark.parametrize("thickness_mm", [1.0, 2.0])
def test_noise_planes_have_unit_sd_and_the_kernel_s_grain(kernel: str, thickness_mm: float) -> None:
    rng = np.random.Generator(np.random.PCG64(1))
    maker = NoiseMaker(rng, (256, 256), (0.7, 0.7), KERNELS[kernel], thickness_mm, 1.0)
    planes = np.stack([maker.plane() for _ in range(8)])
    assert float(planes.std()) == pytest.approx(1, rel=0.03)
    power = np.mean([np.abs(np.fft.rfft2(plane)) ** 2 for plane in planes], axis=0)
    far = np.hypot(np.fft.fftfreq(256, 0.7)[:, None], np.fft.rfftfreq(256, 0.7)[None, :])
    rings = [float(power[(far > f) & (far < f + 0.05)].mean()) for f in np.arange(0.05, 0.7, 0.05)]
    peak = 0.075 + 0.05 * int(np.argmax(rings))
    low, high = {"soft": (0.1, 0.33), "standard": (0.2, 0.5), "sharp": (0.5, 0.75)}[kernel]
    assert low < peak < high
    alike = float(np.corrcoef(planes[3].ravel(), planes[4].ravel())[0, 1])
    assert (abs(alike) < 0.03) if thickness_mm == 1.0 else (0.4 < alike < 0.6)


@pytest.mark.parametrize("asked_hu", [15.0, 45.0])
def test_noise_measured_in_soft_tissue_is_the_asked_noise(asked_hu: float) -> None:
    quiet = chest(3, replace(COARSE, noise_hu=0.0)).volume.hu.astype(float)
    noise = chest(3, replace(COARSE, noise_hu=asked_hu)).volume.hu - quiet
    soft = ((quiet > 0) & (quiet < 90))[25:60]
    assert float(noise[25:60][soft].std()) == pytest.approx(asked_hu, rel=0.1)


def test_shorter_scan_shows_the_same_chest() -> None:
    whole, part = chest(3, replace(COARSE, noise_hu=0.0)), chest(3, replace(COARSE, noise_hu=0.0, shape=(40, 120, 120)))
    same = whole.truth_regions.labels[-40:]
    assert same.shape[0] == 40
    assert (same == part.truth_regions.labels).mean() > 0.998


def test_shallow_breath_raises_diaphragm_and_density() -> None:
    full, shallow = chest(3), chest(3, replace(COARSE, inspiration=0.75))
    volumes = [millilitres(p, Region.RIGHT_LUNG) + millilitres(p, Region.LEFT_LUNG) for p in (full, shallow)]
    assert volumes[1] / volumes[0] == pytest.approx(0.75, abs=0.03)
    medians = [np.median(p.volume.hu[p.truth_patterns.labels > 0]) for p in (full, shallow)]
    assert medians[1] - medians[0] > 25


def test_thick_slices_have_as_much_truth_as_asked() -> None:
    disease = PRESETS["nsip"](9)
    spec = ChestSpec(shape=(12, 300, 300), spacing_mm=(6.0, 1.15, 1.15), slice_thickness_mm=5.0, disease=disease)
    assert percent(make_chest(3, spec), *ILD) == pytest.approx(9, abs=0.1)


@pytest.mark.parametrize(
    ("name", "asked"), [("nsip", 3.0), ("uip", 30.0), ("patchy", 8.0), ("peribronchovascular", 15.0)]
)
def test_true_extent_is_the_asked_extent(name: str, asked: float) -> None:
    phantom = chest(3, replace(COARSE, disease=PRESETS[name](asked)))
    assert percent(phantom, *ILD) == pytest.approx(asked, abs=0.1)


def test_parts_of_the_extent_follow_their_shares() -> None:
    disease = DiseaseSpec(20, 1, 2, 1, consolidation_percent=2, emphysema_percent=5)
    phantom = chest(3, replace(COARSE, disease=disease))
    for pattern, expected in zip((*ILD, Pattern.CONSOLIDATION, Pattern.EMPHYSEMA), (5, 10, 5, 2, 5), strict=True):
        assert percent(phantom, pattern) == pytest.approx(expected, abs=0.1)


def test_patterns_cover_the_lungs_and_nothing_else() -> None:
    phantom = chest(3, replace(COARSE, disease=PRESETS["uip"](30.0)))
    regions = phantom.truth_regions.labels
    lung = (regions == Region.RIGHT_LUNG) | (regions == Region.LEFT_LUNG)
    assert np.array_equal(phantom.truth_patterns.labels > 0, lung)
    assert np.array_equal(regions, chest(3).truth_regions.labels), "disease does not move the lungs' border"


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(ValueError, match="kernel"):
        ChestSpec(kernel="lung")
    with pytest.raises(ValueError, match="percents"):
        DiseaseSpec(97)
    with pytest.raises(ValueError, match="density"):
        DiseaseSpec(5, density=0.05)
