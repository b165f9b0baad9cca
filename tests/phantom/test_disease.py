"""Disease written into volumes: how much, how dense, where, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import edt
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from ssc_hrct.core.lungs import Lungs, Region
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.phantom import PRESETS, ChestSpec, DiseaseSpec, Distribution, Phantom, make_chest, random_disease
from ssc_hrct.phantom.disease import REACH_MM, Composite, write_disease

FINE = ChestSpec(shape=(60, 160, 160), spacing_mm=(4.8, 2.2, 2.2), noise_hu=0.0, slice_thickness_mm=1.0)
"""Thin slices far apart: fine enough in plane, quick to make."""
ILD = (Pattern.GROUND_GLASS, Pattern.RETICULATION, Pattern.HONEYCOMBING)


@lru_cache(maxsize=16)
def chest(seed: int, spec: ChestSpec = FINE) -> Phantom:
    return make_chest(seed, spec)


def lungs_of(phantom: Phantom) -> Lungs:
    empty = np.zeros(phantom.volume.grid.shape, dtype=np.uint8)
    return Lungs(phantom.truth_regions, empty, empty.copy())


@lru_cache(maxsize=16)
def written(name: str, extent_percent: float, seed: int = 11) -> Composite:
    """Disease in a volume that the writer knows nothing of but its lungs."""
    host = chest(3, replace(FINE, noise_hu=15.0))
    return write_disease(host.volume, lungs_of(host), PRESETS[name](extent_percent), seed=seed)


def changed(composite: Composite) -> NDArray[np.int32]:
    return composite.volume.hu.astype(np.int32) - chest(3, replace(FINE, noise_hu=15.0)).volume.hu


@pytest.mark.parametrize(("density", "least_hu"), [(0.12, 100), (0.14, 110), (0.3, 110)])
def test_ground_glass_is_called_so_by_what_it_adds_to_the_same_chest(density: float, least_hu: float) -> None:
    """The faintest adds 110 HU to lung at -870 and 101 HU to lung at -800, where less air is left to fill."""
    spec = DiseaseSpec(10, distribution=Distribution.PATCHY, density=density)
    with_it = chest(3, replace(FINE, disease=spec))
    glass = with_it.truth_patterns.labels == Pattern.GROUND_GLASS
    before = chest(3).volume.hu
    inner = ndimage.binary_erosion(glass, np.ones((3, 3, 3), dtype=bool)) & (before < -800) & (before > -900)
    more = with_it.volume.hu.astype(int)[inner] - before[inner]
    assert inner.sum() > 1000
    assert np.quantile(more, 0.02) >= least_hu


def test_disease_never_exceeds_soft_tissue() -> None:
    with_it, before = chest(3, replace(FINE, disease=PRESETS["uip"](20))), chest(3).volume.hu
    lung = with_it.truth_patterns.labels > 0
    added = with_it.volume.hu > before + 20
    assert with_it.volume.hu[lung & added].max() < 90


@pytest.mark.parametrize("name", list(PRESETS))
def test_foreign_volume_gets_the_asked_extent(name: str) -> None:
    labels = written(name, 10.0).patterns.labels
    assert 100 * np.isin(labels, ILD).sum() / (labels > 0).sum() == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize("name", ["nsip", "uip"])
def test_foreign_volume_is_untouched_beyond_the_reach_of_the_blur(name: str) -> None:
    composite = written(name, 10.0)
    diseased = np.isin(composite.patterns.labels, ILD)
    far = edt.edt(~diseased, anisotropy=composite.volume.grid.spacing_mm, parallel=1)
    moved = changed(composite) != 0
    assert moved[diseased].mean() > 0.9
    assert float(far[moved].max()) <= REACH_MM
    assert moved[(far > 1.5)].mean() < 0.01


def test_disease_lies_inside_the_lungs() -> None:
    composite = written("uip", 10.0)
    regions = chest(3, replace(FINE, noise_hu=15.0)).truth_regions.labels
    outside = (regions == Region.OUTSIDE) | (regions == Region.AIRWAYS)
    assert not composite.patterns.labels[outside].any()


def test_writing_twice_gives_the_same_bytes_and_leaves_the_host_alone() -> None:
    host = chest(3, replace(FINE, noise_hu=15.0))
    before = host.volume.hu.tobytes()
    first = write_disease(host.volume, lungs_of(host), PRESETS["nsip"](6), seed=2)
    second = write_disease(host.volume, lungs_of(host), PRESETS["nsip"](6), seed=2)
    assert first.volume.hu.tobytes() == second.volume.hu.tobytes()
    assert first.patterns.labels.tobytes() == second.patterns.labels.tobytes()
    assert host.volume.hu.tobytes() == before


def test_another_seed_puts_disease_elsewhere() -> None:
    one, two = written("patchy", 10.0, 1).patterns.labels > 1, written("patchy", 10.0, 2).patterns.labels > 1
    assert (one & two).sum() < 0.8 * one.sum()


def test_nsip_is_basal_and_uip_subpleural() -> None:
    grid = chest(3).volume.grid
    lung = written("nsip", 10.0).patterns.labels > 0
    heights = np.broadcast_to(np.arange(grid.shape[0])[:, None, None], lung.shape)
    ill = np.isin(written("nsip", 10.0).patterns.labels, ILD)
    assert np.median(heights[ill]) < np.quantile(heights[lung], 0.4)
    depth = edt.edt(lung, anisotropy=grid.spacing_mm, parallel=1)
    uip = np.isin(written("uip", 10.0).patterns.labels, ILD)
    assert np.median(depth[uip]) < 0.6 * np.median(depth[lung])


def test_honeycombing_holds_air_and_walls() -> None:
    composite = written("uip", 10.0)
    hu = composite.volume.hu[composite.patterns.labels == Pattern.HONEYCOMBING]
    # Voxels of over 2 mm mix cysts and walls of 3 mm and less.
    assert (hu < -800).mean() > 0.12
    assert (hu > -500).mean() > 0.2


def test_emphysema_is_darker_and_consolidation_as_dense_as_tissue() -> None:
    spec = DiseaseSpec(0, consolidation_percent=3, emphysema_percent=6)
    with_it = chest(3, replace(FINE, disease=spec))
    labels, hu = with_it.truth_patterns.labels, with_it.volume.hu
    assert np.median(hu[labels == Pattern.EMPHYSEMA]) < -940
    assert np.median(hu[labels == Pattern.CONSOLIDATION]) > -50
    assert 100 * (labels == Pattern.EMPHYSEMA).sum() / (labels > 0).sum() == pytest.approx(6, abs=0.1)


def test_vessels_stay_visible_in_ground_glass() -> None:
    spec = DiseaseSpec(10, distribution=Distribution.PATCHY, density=0.3)
    with_it, before = chest(3, replace(FINE, disease=spec)), chest(3).volume.hu
    vessel = (with_it.truth_patterns.labels == Pattern.GROUND_GLASS) & (before > -300)
    assert vessel.sum() > 50
    assert np.median(with_it.volume.hu[vessel] - before[vessel].astype(int)) < 60


def test_territories_have_no_crumbs() -> None:
    labels = written("nsip", 10.0).patterns.labels
    parts, count = ndimage.label(np.isin(labels, ILD), np.ones((3, 3, 3), dtype=bool))
    sizes = np.bincount(parts.ravel())[1:] * chest(3).volume.grid.voxel_ml
    assert count < 120
    assert sizes[sizes < 0.4].sum() < 0.05 * sizes.sum()


def test_random_disease_is_drawn_from_its_seed() -> None:
    assert random_disease(4, 8.0) == random_disease(4, 8.0)
    assert len({random_disease(seed, 8.0).distribution for seed in range(40)}) >= 3
    assert all(random_disease(seed, 8.0).extent_percent == 8.0 for seed in range(5))


def test_lungs_on_another_grid_are_refused() -> None:
    host, other = chest(3), chest(3, replace(FINE, shape=(60, 120, 120), spacing_mm=(4.0, 3.0, 3.0)))
    with pytest.raises(ValueError, match="another grid"):
        write_disease(host.volume, lungs_of(other), PRESETS["nsip"](5), seed=1)
