"""Disease written into any Volume that has its Lungs: a real scan read as clear, or a made-up chest.

In: HU, lungs, a `DiseaseSpec` and a seed. Out: the new HU and, per voxel, the territory of each pattern as a reader
would outline it. Tissue is only ever added to air: t' = t + a (1 - t), so vessels stay visible;
cyst lumens and emphysema take tissue away.

Two renderers draw with different mathematics: "cells" from scattered points (`territory.py`, `writing.py`,
`cells.py`), "sheets" from level sets of random fields (`spread.py`, `sheets.py`, `bands.py`). Both have that law, the
least density of ground glass, smooth noise, the cut at the wanted extent and the draw of the spec; docs/method.md, 5,
lists what is shared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Lungs, both_lungs
from ssc_hrct.core.patterns import PATTERN_NAMES, Pattern
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.stats import FWHM_PER_SIGMA
from ssc_hrct.core.volume import HIGHEST_HU, LOWEST_HU, PADDING_HU, LabelMap, Volume
from ssc_hrct.phantom.acquisition import Sampling, sampling
from ssc_hrct.phantom.lattice import FloatArray, smooth_noise
from ssc_hrct.phantom.sheets import SheetWriter
from ssc_hrct.phantom.spec import DiseaseSpec, Distribution, Renderer
from ssc_hrct.phantom.spread import spread_over
from ssc_hrct.phantom.territory import (
    LungFrame,
    counted_voxels,
    cut,
    field,
    fine_values,
    lung_frame,
    marked_nodes,
    outline,
)
from ssc_hrct.phantom.writing import FADE_MM, Writer


@dataclass(frozen=True, slots=True)
class Composite:
    """A volume with disease in it; patterns: `Pattern` per voxel of lung."""

    volume: Volume
    patterns: LabelMap


def write_disease(
    volume: Volume, lungs: Lungs, spec: DiseaseSpec, *, seed: int, fwhm_mm: float = 1.1,
    renderer: Renderer = Renderer.CELLS, progress: Progress = SILENT,
) -> Composite:
    """Write disease into a volume. fwhm_mm: the scan's own point spread in plane (width at half height).

    What is written is averaged over the thickness of a slice, as the header tells it, else the slices' distance.
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
    patterns = render(
        hu, volume.grid, regions, spec, rng, fwhm_mm=fwhm_mm, renderer=renderer, progress=progress,
        thickness_mm=volume.acquisition.slice_thickness_mm or volume.grid.spacing_mm[0],
    )
    return Composite(
        Volume(hu, volume.grid, volume.acquisition, volume.source), LabelMap(patterns, volume.grid, PATTERN_NAMES)
    )


def render(
    hu: NDArray[np.int16] | FloatArray, grid: Grid, regions: NDArray[np.uint8], spec: DiseaseSpec,
    rng: np.random.Generator, *, every: int = 1, fwhm_mm: float = 0.0, thickness_mm: float = 0.0,
    renderer: Renderer = Renderer.CELLS, progress: Progress = SILENT,
) -> NDArray[np.uint8]:
    """Write disease into `hu` [z, y, x] in place and return `Pattern` per voxel.

    every: of each run of so many planes only the middle one is counted for the percent. fwhm_mm, thickness_mm:
    0 where a scanner's blur and slice profile are still to come.
    """
    progress.step("Finding where disease lies", 0, 3)
    upright = Grid(grid.shape, grid.spacing_mm, grid.origin_mm)
    frame = lung_frame(hu, upright, regions)
    lung = both_lungs(regions[frame.box])
    counted = counted_voxels(frame, lung, every)
    labels, writer = _WRITERS[Renderer(renderer)](
        frame, lung, counted, spec, sampling(grid.spacing_mm, thickness_mm), rng
    )
    progress.step("Writing disease", 1, 3)
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
    view: NDArray[np.generic], writer: DiseaseWriter, spacing_mm: tuple[float, float, float], fwhm_mm: float,
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


class DiseaseWriter(Protocol):
    """The seam between renderers: changes in HU per slab of planes, given quiet HU of the lungs' box."""

    def slabs(
        self, hu: NDArray[np.generic], *, progress: Progress = SILENT
    ) -> Iterator[tuple[slice, FloatArray]]: ...


def _cells(
    frame: LungFrame, lung: NDArray[np.bool_], counted: NDArray[np.bool_], spec: DiseaseSpec,
    within: Sampling, rng: np.random.Generator,
) -> tuple[NDArray[np.uint8], DiseaseWriter]:
    labels, border = _territories(frame, lung, counted, spec, rng)
    return labels, Writer(frame, labels, border, spec, within, rng)


def _sheets(
    frame: LungFrame, lung: NDArray[np.bool_], counted: NDArray[np.bool_], spec: DiseaseSpec,
    within: Sampling, rng: np.random.Generator,
) -> tuple[NDArray[np.uint8], DiseaseWriter]:
    where = spread_over(frame, lung, counted, spec, rng)
    return where.labels, SheetWriter(frame, where, spec, within, rng)


_WRITERS = {Renderer.CELLS: _cells, Renderer.SHEETS: _sheets}


def _territories(
    frame: LungFrame, lung: NDArray[np.bool_], counted: NDArray[np.bool_], spec: DiseaseSpec,
    rng: np.random.Generator,
) -> tuple[NDArray[np.uint8], FloatArray]:
    """`Pattern` per voxel of the box, and signed distance in mm from the border of disease, on the lattice."""
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
