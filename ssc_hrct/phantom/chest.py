"""One made-up chest CT of known truth: `make_chest(seed, spec)`.

In: a seed and a `ChestSpec`. Out: a `Phantom`, a Volume with the true lungs and the true patterns on its grid.
The tissue is drawn plane by plane, disease is written into it before the scanner's blur and noise.
Same seed and spec, same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.acquisition import Acquisition, SeriesKind
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import REGION_NAMES, both_lungs
from ssc_hrct.core.patterns import PATTERN_NAMES, Pattern
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.volume import HIGHEST_HU, LOWEST_HU, LabelMap, Volume
from ssc_hrct.phantom import anatomy
from ssc_hrct.phantom.acquisition import FINEST_PLANE_MM, KERNELS, NoiseMaker, blur_in_plane, slice_weights
from ssc_hrct.phantom.anatomy import HEIGHT_MM, Build
from ssc_hrct.phantom.disease import render
from ssc_hrct.phantom.lattice import FloatArray, centres, lattice_over
from ssc_hrct.phantom.spec import DiseaseSpec, Renderer
from ssc_hrct.phantom.structures import build_structures
from ssc_hrct.phantom.tissue import Tissue


@dataclass(frozen=True, slots=True)
class ChestSpec:
    """What is scanned and how.

    shape: slices, rows, columns. spacing_mm: between slices, rows, columns. slice_thickness_mm: None for the
    spacing. kernel: soft, standard or sharp. noise_hu: SD in soft tissue. lung_ml: of both lungs at full
    inspiration, None to draw it (3.0 to 6.0 l). inspiration: lung volume against full inspiration, 0.6 to 1.
    dependent: density of dependent lung at the back. bowel_gas: colon and stomach gas.
    emphysema_percent, consolidation_percent: of the lungs, beside `disease`. renderer: which of the
    two draws disease.
    """

    shape: tuple[int, int, int] = (300, 512, 512)
    spacing_mm: tuple[float, float, float] = (1.0, 0.7, 0.7)
    slice_thickness_mm: float | None = None
    kernel: str = "standard"
    noise_hu: float = 20.0
    lung_ml: float | None = None
    inspiration: float = 1.0
    male: bool | None = None
    disease: DiseaseSpec | None = None
    contrast: bool = False
    dependent: bool = True
    bowel_gas: bool = True
    emphysema_percent: float = 0.0
    consolidation_percent: float = 0.0
    renderer: Renderer = Renderer.CELLS

    def __post_init__(self) -> None:
        if self.kernel not in KERNELS:
            raise ValueError(f"kernel must be one of {', '.join(KERNELS)}")
        if not 0.5 <= self.inspiration <= 1.0:
            raise ValueError("inspiration must lie within 0.5 to 1")

    @property
    def thickness_mm(self) -> float:
        return self.slice_thickness_mm if self.slice_thickness_mm is not None else self.spacing_mm[0]


@dataclass(frozen=True, slots=True)
class Phantom:
    """truth_regions: `Region`; truth_patterns: `Pattern`, the territory per voxel. Both on the volume's grid."""

    volume: Volume
    truth_regions: LabelMap
    truth_patterns: LabelMap


def make_chest(seed: int, spec: ChestSpec = ChestSpec(), *, progress: Progress = SILENT) -> Phantom:
    """A chest from a seed. Same seed and spec, same bytes."""
    streams = [np.random.Generator(np.random.PCG64(s)) for s in np.random.SeedSequence(seed).spawn(6)]
    build = _fitted(anatomy.draw_build(streams[0]), spec)
    grid = _grid(build, spec)
    fine, within = _inner_grid(grid)
    lattice = lattice_over(fine, max(2.5, 1.8 * fine.spacing_mm[1]))
    progress.step("Shaping the chest", 0, 5)
    tissue = Tissue(build, lattice, streams[1], spec.inspiration, spec.contrast, spec.dependent)
    progress.step("Growing bronchi and vessels", 1, 5)
    structures = build_structures(build, fine, streams[2], spec.bowel_gas)
    hu = np.empty(fine.shape, dtype=np.float32)
    regions = np.zeros(fine.shape, dtype=np.uint8)
    for k in range(fine.shape[0]):
        if k % 16 == 0:
            progress.step("Drawing tissue", 2, 5)
        hu[k], regions[k] = tissue.plane(k, structures)
    del structures
    disease = _all_disease(spec)
    lung = both_lungs(regions)
    patterns = np.where(lung, np.uint8(Pattern.NORMAL), np.uint8(Pattern.OUTSIDE)).astype(np.uint8)
    if disease is not None and lung.any():
        progress.step("Writing disease", 3, 5)
        patterns = render(
            hu, fine, regions, disease, streams[3], every=within, renderer=spec.renderer, progress=progress
        )
    progress.step("Scanning", 4, 5)
    volume = Volume(_scan(hu, grid, fine, within, spec, streams[4], build, progress), grid, _facts(seed, grid, spec))
    middle = slice(within // 2, None, within)
    return Phantom(
        volume,
        LabelMap(np.ascontiguousarray(regions[middle]), grid, REGION_NAMES),
        LabelMap(np.ascontiguousarray(patterns[middle]), grid, PATTERN_NAMES),
    )


def _all_disease(spec: ChestSpec) -> DiseaseSpec | None:
    disease = spec.disease
    if disease is None:
        if spec.emphysema_percent <= 0 and spec.consolidation_percent <= 0:
            return None
        disease = DiseaseSpec(extent_percent=0.0)
    return replace(
        disease,
        emphysema_percent=disease.emphysema_percent + spec.emphysema_percent,
        consolidation_percent=disease.consolidation_percent + spec.consolidation_percent,
    )


def _fitted(build: Build, spec: ChestSpec) -> Build:
    """The build scaled to its lung volume, the diaphragm raised to the asked inspiration."""
    if spec.lung_ml is not None:
        build = replace(build, lung_ml=spec.lung_ml)
    if spec.male is not None:
        build = replace(build, male=spec.male, breast_mm=0.0 if spec.male else max(build.breast_mm, 6.0))
    for _ in range(2):
        build = anatomy.scaled(build, (build.lung_ml / reference_volume_ml(build)) ** (1 / 3))
    if spec.inspiration >= 0.999:
        return build
    low, high = 0.0, 110.0
    for _ in range(9):
        middle = (low + high) / 2
        if reference_volume_ml(replace(build, raised_mm=middle)) > build.lung_ml * spec.inspiration:
            low = middle
        else:
            high = middle
    return replace(build, raised_mm=(low + high) / 2)


def reference_volume_ml(build: Build) -> float:
    """Volume of both lungs in real ml, counted every 5 mm of the reference chest."""
    z = np.arange(-20, 262, 5, dtype=np.float32)[:, None, None]
    y = np.arange(-112, 116, 5, dtype=np.float32)[None, :, None]
    x = np.arange(-146, 150, 5, dtype=np.float32)[None, None, :]
    between = -anatomy.mediastinum(build, z, y, x)
    total = 0.0
    for side in (-1, 1):
        sd = np.maximum(anatomy.half_thorax(build, z, y, x, side), between)
        sd = np.maximum(sd, anatomy.diaphragm(build, y, x, side) - z)
        total += float(np.clip(0.5 - sd / 5, 0, 1).sum())
    return total * 125 * float(np.prod(build.scale)) / 1000


def _grid(build: Build, spec: ChestSpec) -> Grid:
    """The asked grid, its top 14 mm above the apex, its middle on the chest's."""
    dz, dy, dx = spec.spacing_mm
    nz, ny, nx = spec.shape
    top = HEIGHT_MM * build.scale[0] + 14
    origin = (-(nx - 1) / 2 * dx, 6 - (ny - 1) / 2 * dy, top - (nz - 1) * dz)
    return Grid(spec.shape, spec.spacing_mm, tuple(round(float(v), 4) for v in origin))  # type: ignore[arg-type]


def _inner_grid(grid: Grid) -> tuple[Grid, int]:
    """A grid with an odd number of planes per slice, no more than FINEST_PLANE_MM apart unless slices are few."""
    within = 1
    while grid.spacing_mm[0] / within > FINEST_PLANE_MM and grid.spacing_mm[1] < 1.2:
        within += 2
    step = grid.spacing_mm[0] / within
    x, y, z = grid.origin_mm
    shape = (grid.shape[0] * within, grid.shape[1], grid.shape[2])
    return Grid(shape, (step, *grid.spacing_mm[1:]), (x, y, z - step * (within // 2))), within


def _scan(
    hu: FloatArray, grid: Grid, fine: Grid, within: int, spec: ChestSpec, rng: np.random.Generator, build: Build,
    progress: Progress,
) -> NDArray[np.int16]:
    """Blur, slice profile, noise. Planes are blurred once, in place."""
    kernel = KERNELS[spec.kernel]
    pixel = (grid.spacing_mm[1], grid.spacing_mm[2])
    for k in range(len(hu)):
        hu[k] = blur_in_plane(hu[k], kernel, pixel)
    weights = slice_weights(spec.thickness_mm, fine.spacing_mm[0])
    reach = len(weights) // 2
    noise = NoiseMaker(rng, (grid.shape[1], grid.shape[2]), pixel, kernel, spec.thickness_mm, grid.spacing_mm[0])
    strength = _noise_strength(grid, build)
    out = np.empty(grid.shape, dtype=np.int16)
    for k in range(grid.shape[0]):
        if k % 16 == 0:
            progress.step("Scanning", k, grid.shape[0])
        at = within // 2 + k * within
        plane = np.zeros(hu.shape[1:], dtype=np.float32)
        for i, weight in enumerate(weights):
            plane += np.float32(weight) * hu[min(max(at + i - reach, 0), len(hu) - 1)]
        if spec.noise_hu > 0:
            plane += noise.plane() * (strength[0][k] * spec.noise_hu) * strength[1]
        out[k] = np.rint(np.clip(plane, LOWEST_HU, HIGHEST_HU)).astype(np.int16)
    return out


def _noise_strength(grid: Grid, build: Build) -> tuple[FloatArray, FloatArray]:
    """Noise against that of mid-chest soft tissue, by height and in plane: more at shoulders and under the dome,
    less toward the skin, where rays cross less tissue."""
    u = centres(grid, 0) / (HEIGHT_MM * build.scale[0])
    by_height = 1 + 0.5 * np.clip((u - 0.8) / 0.25, 0, 1) ** 2 + 0.15 * np.clip((0.4 - u) / 0.3, 0, 1)
    far = np.hypot(centres(grid, 1)[:, None] / 130, centres(grid, 2)[None, :] / 190)
    in_plane = 1.04 - 0.3 * np.clip(far, 0, 1.3) ** 2
    return by_height.astype(np.float32), in_plane.astype(np.float32)


def _facts(seed: int, grid: Grid, spec: ChestSpec) -> Acquisition:
    return Acquisition(
        study_instance_uid=f"2.25.{1_000_000 + seed}1",
        series_instance_uid=f"2.25.{1_000_000 + seed}2",
        modality="CT",
        kind=SeriesKind.AXIAL,
        slices=grid.shape[0],
        rows=grid.shape[1],
        columns=grid.shape[2],
        image_type=("ORIGINAL", "PRIMARY", "AXIAL"),
        slice_thickness_mm=spec.thickness_mm,
        slice_spacing_mm=grid.spacing_mm[0],
        pixel_spacing_mm=(grid.spacing_mm[1], grid.spacing_mm[2]),
        length_mm=(grid.shape[0] - 1) * grid.spacing_mm[0],
        kernel=spec.kernel.upper(),
        kvp=120.0,
        manufacturer="SSC_HRCT PHANTOM",
        model="chest",
        contrast=spec.contrast,
        patient_position="HFS",
    )
