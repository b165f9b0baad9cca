"""Disease written into any Volume that has its Lungs: a real scan read as clear, or a made-up chest.

In: HU, lungs, a `DiseaseSpec` and a seed. Out: the new HU and, per voxel, the territory of each pattern as a reader
would outline it. Tissue is only ever added to air (science.md 3.6): t' = t + a (1 - t), so vessels stay visible;
cyst lumens and emphysema take tissue away. Where: `territory.py`; nets and cysts: `cells.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Lungs, Region
from ssc_hrct.core.patterns import PATTERN_NAMES, Pattern
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.volume import HIGHEST_HU, LOWEST_HU, PADDING_HU, LabelMap, Volume
from ssc_hrct.phantom.lattice import FloatArray, smooth_noise
from ssc_hrct.phantom.territory import (
    Distribution,
    LungFrame,
    cut,
    field,
    fine_values,
    lung_frame,
    marked_nodes,
    outline,
)
from ssc_hrct.phantom.writing import FADE_MM, Writer

FWHM_PER_SIGMA = 2.3548


@dataclass(frozen=True, slots=True)
class DiseaseSpec:
    """How much of what, where.

    extent_percent: ground glass, reticulation and honeycombing together, of both lungs. The three shares are relative
    to each other. coarse: nets of 8 to 15 mm with thick lines instead of 4 to 8 mm with thin ones. density: tissue
    added in ground glass (0.15 to 0.40). net_density: the haze between lines. asymmetry: -1 right only, 1 left only.
    traction: dilated bronchi in fibrosis. consolidation and emphysema percent are of both lungs, beside the extent.
    """

    extent_percent: float
    ground_glass: float = 1.0
    reticulation: float = 0.0
    honeycombing: float = 0.0
    distribution: Distribution = Distribution.NSIP
    coarse: bool = False
    density: float = 0.25
    net_density: float = 0.12
    asymmetry: float = 0.0
    traction: bool = False
    consolidation_percent: float = 0.0
    emphysema_percent: float = 0.0

    def __post_init__(self) -> None:
        parts = (self.extent_percent, self.consolidation_percent, self.emphysema_percent)
        if min(parts) < 0 or sum(parts) > 95:
            raise ValueError("percents must not be negative, nor more than 95 together")
        if min(self.shares) < 0 or sum(self.shares) <= 0:
            raise ValueError("shares must not be negative, nor all nought")
        if not 0.15 <= self.density <= 0.40:
            raise ValueError("density must lie within 0.15 to 0.40; less is not called ground glass")

    @property
    def shares(self) -> tuple[float, float, float]:
        """Ground glass, reticulation, honeycombing."""
        return self.ground_glass, self.reticulation, self.honeycombing


@dataclass(frozen=True, slots=True)
class Composite:
    """A volume with disease in it; patterns: `Pattern` per voxel of lung."""

    volume: Volume
    patterns: LabelMap


def write_disease(
    volume: Volume, lungs: Lungs, spec: DiseaseSpec, *, seed: int, fwhm_mm: float = 1.1, progress: Progress = SILENT
) -> Composite:
    """Write disease into a volume. fwhm_mm: the scan's own point spread in plane (width at half height).

    No voxel changes further than `REACH_MM` from the territory's border. Raises ValueError where the lungs are
    empty or lie on another grid.
    """
    regions = lungs.regions.labels
    if not lungs.grid.same_place(volume.grid):
        raise ValueError("the lungs lie on another grid than the volume")
    if not lungs.mask().any():
        raise ValueError("there is no lung to write into")
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    hu = volume.hu.copy()
    patterns = render(hu, volume.grid, regions, spec, rng, fwhm_mm=fwhm_mm, progress=progress)
    return Composite(
        Volume(hu, volume.grid, volume.acquisition, volume.source), LabelMap(patterns, volume.grid, PATTERN_NAMES)
    )


def render(
    hu: NDArray[np.int16] | FloatArray, grid: Grid, regions: NDArray[np.uint8], spec: DiseaseSpec,
    rng: np.random.Generator, *, every: int = 1, fwhm_mm: float = 0.0, progress: Progress = SILENT,
) -> NDArray[np.uint8]:
    """Write disease into `hu` [z, y, x] in place and return `Pattern` per voxel.

    every: of each run of so many planes only the middle one is counted for the percent. fwhm_mm: 0 where a scanner's
    blur is still to come.
    """
    progress.step("Finding where disease lies", 0, 3)
    upright = Grid(grid.shape, grid.spacing_mm, grid.origin_mm)
    frame = lung_frame(hu, upright, regions)
    lung = (regions[frame.box] == Region.RIGHT_LUNG) | (regions[frame.box] == Region.LEFT_LUNG)
    labels, border = _territories(frame, lung, spec, rng, every)
    progress.step("Writing disease", 1, 3)
    writer = Writer(frame, labels, border, spec.coarse, spec.density, spec.net_density, spec.traction, rng)
    view = hu[frame.box]
    if fwhm_mm <= 0:
        for slab, change in writer.slabs(view, progress=progress):
            view[slab] += change
    else:
        _add_blurred(view, writer, grid.spacing_mm, fwhm_mm, progress)
    patterns = np.zeros(grid.shape, dtype=np.uint8)
    patterns[frame.box] = labels
    return patterns


REACH_MM = FADE_MM + 6.0
"""Nothing changes further from the territory than this: the fading border and the blur."""


def _add_blurred(
    view: NDArray[np.generic], writer: Writer, spacing_mm: tuple[float, float, float], fwhm_mm: float,
    progress: Progress,
) -> None:
    """Blur what disease adds by the scan's point spread, add it, keep soft tissue as dense as it was. In place."""
    dz, dy, dx = spacing_mm
    sigma = fwhm_mm / FWHM_PER_SIGMA
    quiet = ndimage.gaussian_filter(view.astype(np.float32), (0.5 / dz, 0.8 / dy, 0.8 / dx), truncate=2.5)
    added = np.zeros(view.shape, dtype=np.float32)
    for slab, change in writer.slabs(quiet, progress=progress):
        added[slab] = change
    blur = [float(np.sqrt(max(sigma**2 - d * d / 12, 0)) / d) for d in (dy, dx)]
    for k in range(len(added)):
        if not added[k].any():
            continue
        soft = ndimage.gaussian_filter(added[k], blur, truncate=3.0)
        before = view[k].astype(np.float32)
        # Nothing is made denser than soft tissue.
        after = np.where(soft > 0, np.minimum(before + soft, np.maximum(before, 60.0)), before + soft)
        measured = before > PADDING_HU
        view[k] = np.where(measured, np.rint(np.clip(after, LOWEST_HU, HIGHEST_HU)), before).astype(view.dtype)


def _territories(
    frame: LungFrame, lung: NDArray[np.bool_], spec: DiseaseSpec, rng: np.random.Generator, every: int
) -> tuple[NDArray[np.uint8], FloatArray]:
    """`Pattern` per voxel of the box, and signed distance in mm from the border of disease, on the lattice."""
    counted_planes = np.zeros(len(lung), dtype=bool)
    counted_planes[(every // 2 - frame.box[0].start) % every :: every] = True
    counted = np.broadcast_to(counted_planes[:, None, None], lung.shape)[lung]
    total = int(counted.sum())
    p = field(frame, spec.distribution, spec.asymmetry, rng)
    border = outline(frame, p, max(spec.extent_percent, 1e-3)) if spec.extent_percent > 0 else np.full_like(p, -20)
    values = fine_values(frame, border, lung)
    ild = cut(values, counted, round(total * spec.extent_percent / 100))
    level = float(values[ild].min()) if ild.any() else 0.0
    kinds = np.full(len(values), Pattern.NORMAL, dtype=np.uint8)
    _split(frame, lung, ild, kinds, counted, spec, rng)
    taken = ild.copy()
    for pattern, percent in (
        (Pattern.CONSOLIDATION, spec.consolidation_percent), (Pattern.EMPHYSEMA, spec.emphysema_percent)
    ):
        if percent <= 0:
            continue
        order = fine_values(frame, _order_beside(frame, pattern, rng), lung)
        free = ~taken
        chosen = free.copy()
        chosen[free] = cut(order[free], counted[free], round(total * percent / 100))
        kinds[chosen] = pattern
        taken |= chosen
    labels = np.zeros(lung.shape, dtype=np.uint8)
    labels[lung] = kinds
    return labels, _without_halos(frame, labels, np.asarray(border - level, dtype=np.float32))


def _without_halos(frame: LungFrame, labels: NDArray[np.uint8], border: FloatArray) -> FloatArray:
    """The border's distance, far negative where the fading edge of a patch remains that fell short of being truth."""
    inside = marked_nodes(frame.lattice, labels > Pattern.NORMAL)
    step = frame.lattice.step_mm
    if not inside.any():
        return np.full_like(border, -20)
    away = edt.edt(~inside, anisotropy=(step,) * 3, parallel=1)
    return np.where(away > FADE_MM, np.float32(-20), border)


def _order_beside(frame: LungFrame, pattern: Pattern, rng: np.random.Generator) -> FloatArray:
    if pattern is Pattern.CONSOLIDATION:
        return outline(frame, field(frame, Distribution.PATCHY, 0.0, rng), 6.0)
    shape, step = frame.lattice.shape, frame.lattice.step_mm
    return np.asarray(
        smooth_noise(rng, shape, step, 9) + 0.9 * smooth_noise(rng, shape, step, 45) + 1.2 * frame.height,
        dtype=np.float32,
    )


def _split(
    frame: LungFrame, lung: NDArray[np.bool_], ild: NDArray[np.bool_], kinds: NDArray[np.uint8],
    counted: NDArray[np.bool_], spec: DiseaseSpec, rng: np.random.Generator,
) -> None:
    """Share the territory among honeycombing (subpleural, basal), reticulation and ground glass. Fills `kinds`."""
    total = int((ild & counted).sum())
    if not total:
        return
    glass, net, comb = (share / sum(spec.shares) for share in spec.shares)
    shape, step = frame.lattice.shape, frame.lattice.step_mm
    slow = smooth_noise(rng, shape, step, 26)
    toward_pleura = np.asarray(-frame.pleura_mm / 10 + 0.5 * slow - 1.2 * frame.height, dtype=np.float32)
    order = fine_values(frame, toward_pleura, lung)[ild]
    inner = np.full(len(order), Pattern.GROUND_GLASS, dtype=np.uint8)
    here = counted[ild]
    netted = cut(order, here, round(total * (net + comb))) if glass > 0 else np.ones(len(order), dtype=bool)
    inner[netted] = Pattern.RETICULATION
    inner[cut(order, here, round(total * comb))] = Pattern.HONEYCOMBING
    kinds[ild] = inner


def nsip(extent_percent: float) -> DiseaseSpec:
    """Scleroderma-like: ground glass with fine reticulation, basal, symmetric."""
    return DiseaseSpec(
        extent_percent, ground_glass=0.55, reticulation=0.45, distribution=Distribution.NSIP, density=0.22,
        net_density=0.16, traction=extent_percent > 6,
    )


def uip(extent_percent: float) -> DiseaseSpec:
    """Coarse reticulation and honeycombing, subpleural and basal."""
    return DiseaseSpec(
        extent_percent, ground_glass=0.15, reticulation=0.5, honeycombing=0.35, distribution=Distribution.UIP,
        coarse=True, density=0.2, net_density=0.12, traction=True,
    )


def patchy(extent_percent: float) -> DiseaseSpec:
    """Patches of ground glass anywhere."""
    return DiseaseSpec(extent_percent, distribution=Distribution.PATCHY, density=0.26)


def peribronchovascular(extent_percent: float) -> DiseaseSpec:
    """Ground glass and some fine lines along bronchi and vessels."""
    return DiseaseSpec(
        extent_percent, ground_glass=0.75, reticulation=0.25, distribution=Distribution.PERIBRONCHOVASCULAR,
        density=0.26, net_density=0.15,
    )


PRESETS: dict[str, Callable[[float], DiseaseSpec]] = {
    "nsip": nsip, "uip": uip, "patchy": patchy, "peribronchovascular": peribronchovascular,
}


def random_disease(seed: int, extent_percent: float) -> DiseaseSpec:
    """A mix drawn from a seed, weighted as in early scleroderma: mostly NSIP-like."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, 7))))
    name = rng.choice(list(PRESETS), p=[0.55, 0.2, 0.1, 0.15])
    base = PRESETS[str(name)](extent_percent)
    return replace(
        base,
        ground_glass=base.ground_glass * float(rng.uniform(0.5, 1.5)),
        reticulation=base.reticulation * float(rng.uniform(0.5, 1.5)),
        honeycombing=base.honeycombing * float(rng.uniform(0.3, 1.3)),
        coarse=base.coarse or bool(rng.random() < 0.15),
        density=float(np.clip(base.density + rng.uniform(-0.06, 0.1), 0.15, 0.4)),
        net_density=float(np.clip(base.net_density + rng.uniform(-0.05, 0.08), 0.05, 0.25)),
        asymmetry=float(rng.normal(0, 0.12)),
    )
