"""What both renderers of disease promise: how much, where, what it adds and what it leaves alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import lru_cache

import edt
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Lungs, Region
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.volume import Volume
from ssc_hrct.phantom import (
    PRESETS,
    ChestSpec,
    Composite,
    DiseaseSpec,
    Distribution,
    Renderer,
    make_chest,
    varied_disease,
    write_disease,
)
from ssc_hrct.phantom.bands import away_mm, band, sheet
from ssc_hrct.phantom.disease import REACH_MM
from tests.phantom.eggs import eggs, facts_of

GRID = Grid((70, 100, 150), (1.4, 1.0, 1.0))
ILD = (Pattern.GROUND_GLASS, Pattern.RETICULATION, Pattern.HONEYCOMBING)
BOTH = pytest.mark.parametrize("renderer", list(Renderer))
MIXED = DiseaseSpec(20, 0.4, 0.3, 0.3, Distribution.UIP, traction=True, consolidation_percent=3, emphysema_percent=5)


@lru_cache(maxsize=1)
def host() -> tuple[Volume, Lungs]:
    """Two egg-shaped lungs at -870 HU in soft tissue, crossed by vessels of 3 mm; no noise."""
    hu, lungs = eggs(GRID, middles_x_mm=(38.0, 112.0), middle_y_mm=50.0, half_mm=(46.0, 44.0, 33.0))
    y, x = (np.arange(n) * d for n, d in zip(GRID.shape[1:], GRID.spacing_mm[1:], strict=True))
    vessel = np.hypot((y[:, None] + 9) % 18 - 9, (x[None, :] + 9) % 18 - 9) < 1.5
    hu[:, vessel] = 40
    return Volume(hu, GRID, facts_of(GRID, 1.4)), lungs


@lru_cache(maxsize=32)
def written(spec: DiseaseSpec, renderer: Renderer, seed: int = 4) -> Composite:
    volume, lungs = host()
    return write_disease(volume, lungs, spec, seed=seed, renderer=renderer)


def change(composite: Composite) -> NDArray[np.int32]:
    return composite.volume.hu.astype(np.int32) - host()[0].hu


def percent(labels: NDArray[np.uint8], *patterns: Pattern) -> float:
    return 100 * float(np.isin(labels, patterns).sum()) / float((labels > 0).sum())


@BOTH
@pytest.mark.parametrize("name", list(PRESETS))
@pytest.mark.parametrize("extent", [1.0, 30.0])
def test_extent_is_the_asked_one_to_a_fiftieth_of_a_percent(renderer: Renderer, name: str, extent: float) -> None:
    assert percent(written(PRESETS[name](extent), renderer).patterns.labels, *ILD) == pytest.approx(extent, abs=0.02)


@BOTH
def test_consolidation_and_emphysema_come_beside_the_extent(renderer: Renderer) -> None:
    labels = written(MIXED, renderer).patterns.labels
    assert percent(labels, *ILD) == pytest.approx(20, abs=0.02)
    assert percent(labels, Pattern.CONSOLIDATION) == pytest.approx(3, abs=0.02)
    assert percent(labels, Pattern.EMPHYSEMA) == pytest.approx(5, abs=0.02)


def test_sheets_share_the_territory_as_asked() -> None:
    labels = written(MIXED, Renderer.SHEETS).patterns.labels
    assert percent(labels, Pattern.RETICULATION) == pytest.approx(6, abs=0.05)
    assert percent(labels, Pattern.HONEYCOMBING) == pytest.approx(6, abs=0.05)
    alone = written(DiseaseSpec(10, 0, 1, 0), Renderer.SHEETS).patterns.labels
    assert percent(alone, Pattern.RETICULATION) == pytest.approx(10, abs=0.02)


@BOTH
def test_nothing_asked_changes_nothing(renderer: Renderer) -> None:
    composite = written(DiseaseSpec(0.0), renderer)
    assert not change(composite).any()
    assert not np.isin(composite.patterns.labels, ILD).any()


@BOTH
def test_same_seed_same_bytes_and_another_seed_elsewhere(renderer: Renderer) -> None:
    volume, lungs = host()
    first, again = written(MIXED, renderer), write_disease(volume, lungs, MIXED, seed=4, renderer=renderer)
    assert first.volume.hu.tobytes() == again.volume.hu.tobytes()
    assert first.patterns.labels.tobytes() == again.patterns.labels.tobytes()
    other = written(MIXED, renderer, 5).patterns.labels
    assert not np.array_equal(first.patterns.labels, other)


def test_the_two_renderers_draw_different_disease() -> None:
    spec = PRESETS["patchy"](15.0)
    one, two = (np.isin(written(spec, r).patterns.labels, ILD) for r in Renderer)
    assert (one & two).sum() < 0.7 * one.sum()


@BOTH
def test_nothing_changes_out_of_reach_of_disease_or_lungs(renderer: Renderer) -> None:
    composite = written(MIXED, renderer)
    moved = change(composite) != 0
    well = composite.patterns.labels <= Pattern.NORMAL
    assert float(edt.edt(well, anisotropy=GRID.spacing_mm, parallel=1)[moved].max()) <= REACH_MM
    outside = composite.patterns.labels == 0
    assert float(edt.edt(outside, anisotropy=GRID.spacing_mm, parallel=1)[moved].max()) <= 3.0


@BOTH
def test_glass_and_nets_only_add_tissue_and_never_beyond_soft_tissue(renderer: Renderer) -> None:
    composite = written(PRESETS["nsip"](5.0), renderer)
    assert change(composite).min() >= 0
    hu = written(MIXED, renderer).volume.hu
    assert hu[change(written(MIXED, renderer)) > 0].max() <= 60


@BOTH
@pytest.mark.parametrize("density", [0.14, 0.3])
def test_ground_glass_is_at_least_110_hu_over_normal_lung(renderer: Renderer, density: float) -> None:
    composite = written(DiseaseSpec(20, distribution=Distribution.PATCHY, density=density), renderer)
    glass = composite.patterns.labels == Pattern.GROUND_GLASS
    inner = ndimage.binary_erosion(glass, np.ones((3, 5, 5), dtype=bool)) & (host()[0].hu == -870)
    more = change(composite)[inner]
    assert inner.sum() > 3000
    assert np.quantile(more, 0.03) >= 110


@BOTH
def test_the_faintest_ground_glass_is_105_to_135_hu_over_normal_lung_up_to_its_border(renderer: Renderer) -> None:
    composite = written(DiseaseSpec(20, distribution=Distribution.PATCHY, density=0.12), renderer)
    glass = (composite.patterns.labels == Pattern.GROUND_GLASS) & (host()[0].hu == -870)
    glass &= ndimage.minimum_filter((composite.patterns.labels > 0) & (host()[0].hu == -870), (1, 5, 5))
    inside = edt.edt(composite.patterns.labels == Pattern.GROUND_GLASS, anisotropy=GRID.spacing_mm, parallel=1)
    more = change(composite)
    deep = more[glass & (inside > 3)]
    assert 105 <= np.quantile(deep, 0.03) <= np.median(deep) <= 135
    assert (more[glass] >= 105).mean() > 0.85, "faint haze fades over little"


@BOTH
def test_truth_ends_where_half_is_added(renderer: Renderer) -> None:
    """Just outside the border less than half of the plateau is added, just inside more, as medians."""
    composite = written(DiseaseSpec(20, distribution=Distribution.PATCHY, density=0.3), renderer)
    glass, lung = composite.patterns.labels == Pattern.GROUND_GLASS, composite.patterns.labels > 0
    lung &= ndimage.minimum_filter(host()[0].hu == -870, 3)
    inside = edt.edt(glass, anisotropy=GRID.spacing_mm, parallel=1)
    outside = edt.edt(~glass, anisotropy=GRID.spacing_mm, parallel=1)
    added = change(composite)
    half = np.median(added[(inside > 6) & lung]) / 2
    assert np.median(added[(inside > 0) & (inside <= 1.5) & lung]) > half
    assert np.median(added[(outside > 0) & (outside <= 1.5) & lung]) < half


def test_a_net_alone_has_no_halo_as_dense_as_ground_glass_would_be() -> None:
    """Of nets alone nothing depends on the density of ground glass, inside the border or beyond it."""
    faint, dense = (
        written(DiseaseSpec(20, 0, 1, distribution=Distribution.PATCHY, density=d, net_density=0.08), Renderer.CELLS)
        for d in (0.2, 0.4)
    )
    assert np.array_equal(faint.volume.hu, dense.volume.hu)


@BOTH
def test_vessels_stay(renderer: Renderer) -> None:
    composite = written(DiseaseSpec(25, distribution=Distribution.PATCHY, density=0.3, emphysema_percent=10), renderer)
    core = ndimage.binary_erosion(host()[0].hu == 40, np.ones((1, 3, 3), dtype=bool))
    core &= composite.patterns.labels == Pattern.GROUND_GLASS
    assert core.sum() > 100
    assert np.abs(change(composite)[core]).max() <= 40


def test_sheets_keep_vessels_in_emphysema() -> None:
    composite = written(DiseaseSpec(0, emphysema_percent=25), Renderer.SHEETS)
    hole = composite.patterns.labels == Pattern.EMPHYSEMA
    assert change(composite)[hole & (host()[0].hu == 40)].min() > -120
    assert np.median(composite.volume.hu[hole & (host()[0].hu == -870)]) < -920


@BOTH
def test_wider_cysts_are_wider(renderer: Renderer) -> None:
    def chord_mm(cyst_mm: float) -> float:
        """How far air reaches along rows of honeycombing, on average."""
        spec = DiseaseSpec(45, 0, 0.1, 1, Distribution.UIP, cyst_mm=cyst_mm)
        composite = written(spec, renderer)
        air = (composite.volume.hu < -780) & (composite.patterns.labels == Pattern.HONEYCOMBING)
        starts = air[:, :, 1:] & ~air[:, :, :-1]
        return float(air.sum() / starts.sum()) * GRID.spacing_mm[2]

    small, large = chord_mm(3.5), chord_mm(10.0)
    assert large > 1.5 * small


@BOTH
def test_honeycombing_holds_air_and_walls(renderer: Renderer) -> None:
    composite = written(DiseaseSpec(30, 0, 0, 1, Distribution.UIP, cyst_mm=8.0), renderer)
    hu = composite.volume.hu[composite.patterns.labels == Pattern.HONEYCOMBING]
    assert (hu < -850).mean() > 0.2
    assert (hu > -450).mean() > 0.15


@BOTH
def test_asymmetry_puts_disease_on_one_side(renderer: Renderer) -> None:
    regions = host()[1].regions.labels
    for asymmetry, side in ((-1.0, Region.RIGHT_LUNG), (1.0, Region.LEFT_LUNG)):
        spec = replace(PRESETS["nsip"](10.0), asymmetry=asymmetry)
        ill = np.isin(written(spec, renderer).patterns.labels, ILD)
        assert (regions[ill] == side).mean() > 0.75


def test_sheets_spare_the_rim_of_some_nsip_and_never_of_uip() -> None:
    rim = edt.edt(host()[1].mask(), anisotropy=GRID.spacing_mm, parallel=1)
    rim = (rim > 0) & (rim <= 1.6)

    def at_rim(name: str, seeds: int) -> list[float]:
        """Share of disease that lies within 1.6 mm of the lung's surface."""
        labels = [written(PRESETS[name](20.0), Renderer.SHEETS, seed).patterns.labels for seed in range(seeds)]
        return [float(rim[np.isin(ill, ILD)].mean()) for ill in labels]

    nsip, uip = at_rim("nsip", 5), at_rim("uip", 2)
    assert min(nsip) < 0.03 < 0.06 < max(nsip)
    assert min(uip) > max(0.06, min(nsip))


def test_a_made_up_chest_can_be_drawn_by_either_renderer() -> None:
    spec = ChestSpec(shape=(40, 100, 110), spacing_mm=(7.0, 3.4, 3.4), noise_hu=0.0, disease=PRESETS["patchy"](12.0))
    cells, sheets = (make_chest(5, replace(spec, renderer=r)) for r in Renderer)
    assert np.array_equal(cells.truth_regions.labels, sheets.truth_regions.labels)
    assert not np.array_equal(cells.truth_patterns.labels, sheets.truth_patterns.labels)
    assert percent(sheets.truth_patterns.labels, *ILD) == pytest.approx(12, abs=0.1)


def test_varied_disease_draws_over_everything() -> None:
    drawn = [varied_disease(seed, 10.0) for seed in range(300)]
    assert varied_disease(7, 10.0) == drawn[7]
    where = Counter(spec.distribution for spec in drawn)
    assert set(where) == set(Distribution)
    assert where.most_common(1)[0][0] is Distribution.NSIP
    density = [spec.density for spec in drawn]
    assert 0.12 <= min(density) < 0.13
    assert max(density) > 0.38
    assert any(spec.reticulation == spec.honeycombing == 0 for spec in drawn)
    assert any(spec.ground_glass == spec.honeycombing == 0 and spec.net_density < 0.06 for spec in drawn)
    cysts = [spec.cyst_mm for spec in drawn if spec.cyst_mm is not None and spec.honeycombing > 0]
    assert min(cysts) < 3.2
    assert max(cysts) > 8
    assert 0.08 < np.mean([abs(spec.asymmetry) > 0.4 for spec in drawn]) < 0.3
    dense = [spec.consolidation_percent for spec in drawn if spec.consolidation_percent > 0]
    holes = [spec.emphysema_percent for spec in drawn if spec.emphysema_percent > 0]
    assert 1 <= min(dense) <= max(dense) <= 5
    assert 2 <= min(holes) <= max(holes) <= 8
    for flag in ("coarse", "traction"):
        assert {getattr(spec, flag) for spec in drawn} == {True, False}


def test_sheets_of_a_field_are_as_thick_and_as_many_as_theory_says() -> None:
    """Rice: an isotropic field of one wavelength w has 2 / (sqrt(3) w) x 2 mm2 of zero sheet per mm3."""
    rng = np.random.default_rng(1)
    family = away_mm(band(rng, 9.0, spread=0.1))
    points = rng.uniform(0, 300, (200_000, 3)).astype(np.float32)
    share = sheet(family.at(points), 0.8, 0.7)
    assert share.mean() == pytest.approx(0.8 * 4 / (np.sqrt(3) * 9.0), rel=0.1)
    assert share.max() <= 1
