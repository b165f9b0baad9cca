"""The renderer "sheets": disease drawn from level sets of random fields, evaluated at every voxel.

Ground glass is exponentiated noise of many scales; lines are the zero sheets of fields of several scales, some
stretched, all broken by another field; cysts are the cells between three families of sheets, eroded and rounded;
dilated bronchi and the air in consolidation run where two fields are nought. Tissue is only added to air.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.phantom.acquisition import Sampling, averaged
from ssc_hrct.phantom.bands import Band, away_mm, band, between_nodes, covered, fractal, sheet
from ssc_hrct.phantom.lattice import FloatArray, smoothstep
from ssc_hrct.phantom.spec import DiseaseSpec
from ssc_hrct.phantom.spread import WIDEST_FADE_MM, Spread
from ssc_hrct.phantom.territory import LungFrame

TISSUE_HU = 1050.0
"""HU from air to soft tissue: t = (HU + 1000) / 1050."""
_MOST_ADDED = 0.45
_SLAB_MM = 12.0
_TURN_MM = 2.0
"""Half the width over which nets and ground glass change into each other."""


class SheetWriter:
    """Knows where disease lies in one chest and how each pattern looks there."""

    def __init__(
        self, frame: LungFrame, where: Spread, spec: DiseaseSpec, sampling: Sampling, rng: np.random.Generator
    ) -> None:
        self._frame, self._where, self._spec = frame, where, spec
        self._offsets_mm, self._voxel = sampling.offsets_mm, sampling.voxel_mm
        self._grain = fractal(rng, float(rng.uniform(12, 30)), 2.4, float(rng.uniform(0.2, 0.6)))
        self._unevenness = float(rng.uniform(0.18, 0.34))
        fibrosis = where.net is not None or where.comb is not None
        self._net = _Net(rng, spec.coarse) if where.net is not None else None
        self._cysts = _Cysts(rng, spec.cyst_mm) if where.comb is not None else None
        self._traction = _Tubes(rng, 42.0, (1.0, 2.4), (0.8, 1.6)) if spec.traction and fibrosis else None
        self._bronchogram = _Tubes(rng, 26.0, (0.5, 1.3), (0.0, 0.0)) if where.dense is not None else None

    def slabs(
        self, hu: NDArray[np.generic], *, progress: Progress = SILENT
    ) -> Iterator[tuple[slice, FloatArray]]:
        """Change in HU per slab of planes. hu: [z, y, x] of the box, without much noise."""
        step = max(1, round(_SLAB_MM / self._frame.grid.spacing_mm[0]))
        planes = len(self._where.labels)
        for first in range(0, planes, step):
            progress.step("Writing disease", first, planes)
            slab = slice(first, min(first + step, planes))
            view = hu[slab]
            change = averaged((self._slab(slab, view, at) for at in self._offsets_mm), len(self._offsets_mm))
            if change is not None:
                yield slab, change

    def _slab(self, slab: slice, hu: NDArray[np.generic], offset_mm: float) -> FloatArray | None:
        """Change in HU in the planes so many mm above the slices' middles; None where there is none."""
        touched = self._touched(slab, offset_mm)
        if not touched.any():
            return None
        points = self._points(slab, touched, offset_mm)
        air = np.clip((hu[touched].astype(np.float32) + 1000) / TISSUE_HU, 0, 1)
        added, kept = self._drawn(self._where.labels[slab][touched], points, air)
        tissue = air * kept
        tissue = tissue + added * (1 - tissue)
        change = np.zeros(hu.shape, dtype=np.float32)
        change[touched] = (tissue - air) * TISSUE_HU
        return change

    def _touched(self, slab: slice, offset_mm: float) -> NDArray[np.bool_]:
        """Voxels of lung that any pattern or its fading border may reach."""
        where, up = self._where, self._frame.lattice.up
        touched = self._where.labels[slab] > Pattern.NORMAL
        for field, reach in ((where.ild, WIDEST_FADE_MM), (where.dense, 1.2), (where.holes, 1.2)):
            if field is not None:
                for i in range(len(touched)):
                    touched[i] |= up(field, slab.start + i, offset_mm) > -reach
        return np.asarray(touched & (self._where.labels[slab] > 0))

    def _drawn(self, kinds: NDArray[np.uint8], points: FloatArray, air: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Tissue added and the share of the old tissue that is kept, per voxel."""
        where, spec = self._where, self._spec
        grain = self._grain.at(points)
        depth = self._at(where.ild, points)
        fade = np.clip(0.5 + depth / (2 * self._at(where.soft_mm, points)), 0, 1)
        beside = (kinds == Pattern.CONSOLIDATION) | (kinds == Pattern.EMPHYSEMA)
        fade = np.where(beside, 0, fade)
        netted = self._share(where.net, points, _TURN_MM)
        combed = self._share(where.comb, points, 1.0) * (fade > 0)
        level = np.float32(spec.density) * (1 - netted) + np.float32(spec.net_density) * netted
        haze = level * np.exp(self._unevenness * np.clip(grain, -2.5, 2.5) - self._unevenness**2 / 2)
        haze = np.where(kinds == Pattern.GROUND_GLASS, np.maximum(haze, spec.least_added), haze)
        most = 1.2 * spec.density if spec.density > 0.4 else _MOST_ADDED
        added = np.asarray(np.minimum(haze, most) * fade, dtype=np.float32)
        kept = np.ones_like(added)
        if self._net is not None:
            here = (netted * fade > 0.02) & (combed < 1)
            lines = self._net.drawn(points[here], grain[here], self._voxel) * netted[here] * fade[here]
            added[here] = 1 - (1 - added[here]) * (1 - lines)
        # Air in bronchi stays air.
        added *= 1 - smoothstep(0.05, 0.02, air)
        if self._cysts is not None and where.comb is not None:
            here = combed > 0
            inside = np.minimum(depth[here], self._at(where.comb, points[here]))
            self._cysts.lay(added, kept, here, points[here], combed[here], inside, self._voxel)
        if self._traction is not None:
            here = np.maximum(netted, combed) * fade > 0.5
            lumen, wall = self._traction.drawn(points[here], self._voxel)
            added[here] = np.maximum(added[here], 0.9 * wall) * (1 - lumen)
            kept[here] *= 1 - 0.95 * lumen
        self._beside(added, kept, kinds, points, grain, air)
        return added, kept

    def _beside(
        self, added: FloatArray, kept: FloatArray, kinds: NDArray[np.uint8], points: FloatArray, grain: FloatArray,
        tissue: FloatArray,
    ) -> None:
        """Lay consolidation and emphysema; vessels stay in it. Changes `added` and `kept`."""
        where = self._where
        if where.dense is not None and self._bronchogram is not None:
            here = (kinds == Pattern.CONSOLIDATION) | (kinds == Pattern.NORMAL)
            share = self._share(where.dense, points[here], 1.2)
            lumen, _ = self._bronchogram.drawn(points[here], self._voxel)
            dense = np.clip(0.97 + 0.015 * grain[here], 0.93, 1.0) * share * (1 - lumen)
            added[here] = np.maximum(added[here], dense)
            kept[here] *= 1 - 0.9 * lumen * share
        if where.holes is not None:
            here = (kinds == Pattern.EMPHYSEMA) | (kinds == Pattern.NORMAL)
            share = self._share(where.holes, points[here], 1.2) * smoothstep(0.5, 0.25, tissue[here])
            kept[here] *= 1 - share * np.clip(0.66 - 0.06 * grain[here], 0.5, 0.8)

    def _share(self, field: FloatArray | None, points: FloatArray, soft_mm: float) -> FloatArray:
        """0 outside to 1 inside a field's border, half on it."""
        if field is None:
            return np.zeros(len(points), dtype=np.float32)
        return np.asarray(np.clip(0.5 + self._at(field, points) / (2 * soft_mm), 0, 1), dtype=np.float32)

    def _at(self, field: FloatArray, points: FloatArray) -> FloatArray:
        return between_nodes(self._frame.lattice, field, points)

    def _points(self, slab: slice, where: NDArray[np.bool_], offset_mm: float) -> FloatArray:
        lattice = self._frame.lattice
        z, y, x = np.nonzero(where)
        heights = lattice.fine_z[slab] + np.float32(offset_mm)
        return np.stack([heights[z], lattice.fine_y[y], lattice.fine_x[x]], axis=1)


class _Net:
    """Lines: three families of zero sheets, each with holes. Fine meshes of about 4 to 8 mm, coarse of 8 to 15."""

    def __init__(self, rng: np.random.Generator, coarse: bool) -> None:
        wave = float(rng.uniform(14, 22)) if coarse else float(rng.uniform(7, 12))
        thick = float(rng.uniform(1.0, 1.5)) if coarse else float(rng.uniform(0.6, 0.9))
        self._families = [
            (away_mm(band(rng, wave)), thick),
            (away_mm(band(rng, wave * float(rng.uniform(1.1, 1.5)), stretch=float(rng.uniform(1.5, 3)))), thick),
            (away_mm(band(rng, float(rng.uniform(24, 34)))), 1.1 * thick),
        ]
        self._holes = band(rng, 1.3 * wave, spread=0.5)
        self._broken = float(rng.uniform(-0.7, 0.0))
        self._strength = float(rng.uniform(0.6, 0.9))

    def drawn(self, points: FloatArray, grain: FloatArray, voxel_mm: float) -> FloatArray:
        """Tissue that lines add, 0 to 1, before anything fades."""
        whole = self._holes.at(points)
        none = np.ones(len(points), dtype=np.float32)
        uneven = np.clip(1 + 0.25 * grain, 0.6, 1.5)
        for sign, (family, thick) in zip((1, -1, 0), self._families, strict=True):
            there = smoothstep(self._broken - 0.25, self._broken + 0.25, sign * whole) if sign else np.float32(1)
            none = none * (1 - sheet(family.at(points), thick * uneven, voxel_mm) * there)
        return np.asarray(self._strength * (1 - none), dtype=np.float32)


class _Cysts:
    """Honeycombing: what three families of sheets leave between them, rounded, air inside and walls shared."""

    def __init__(self, rng: np.random.Generator, cyst_mm: float | None) -> None:
        size = cyst_mm if cyst_mm is not None else float(rng.uniform(3.5, 8.0))
        waves = [max(size * scale, least) for scale, least in ((2.1, 7.0), (2.6, 8.5), (3.4, 11.0))]
        self._families: list[Band] = [away_mm(band(rng, wave, spread=0.4)) for wave in waves]
        self._wall = min(float(rng.uniform(0.7, 1.5)), 0.3 * size)
        self._round = float(rng.uniform(0.15, 0.3)) * min(1.0, size / 5)
        self._dense = float(rng.uniform(0.75, 0.95))
        self._air = float(rng.uniform(0.02, 0.06))

    def lay(
        self, added: FloatArray, kept: FloatArray, here: NDArray[np.bool_], points: FloatArray, combed: FloatArray,
        inside_mm: FloatArray, voxel_mm: float,
    ) -> None:
        """Lay walls and lumens over what is there, and a wall along the border. Changes `added` and `kept`."""
        total = np.exp(np.clip(-np.abs(inside_mm) / np.float32(self._round), -30, 0))
        for family in self._families:
            total += np.exp(np.clip(-np.abs(family.at(points)) / np.float32(self._round), -30, 0))
        free = -np.float32(self._round) * np.log(np.maximum(total, 1e-12)) - np.float32(self._wall / 2)
        lumen = covered(free, voxel_mm)
        fresh = np.float32(self._dense) * (1 - lumen) + np.float32(self._air) * lumen
        added[here] = added[here] * (1 - combed) + fresh * combed
        kept[here] = kept[here] * (1 - combed * lumen * np.float32(0.8))


class _Tubes:
    """Winding tubes where two fields are nought, in pieces, of uneven width."""

    def __init__(
        self, rng: np.random.Generator, wave_mm: float, radius_mm: tuple[float, float], wall_mm: tuple[float, float]
    ) -> None:
        self._pair = (away_mm(band(rng, wave_mm)), away_mm(band(rng, wave_mm)))
        self._bulges = band(rng, 8.0, spread=0.4)
        self._pieces = band(rng, 0.8 * wave_mm, spread=0.5)
        self._radius = float(rng.uniform(*radius_mm))
        self._wall = float(rng.uniform(*wall_mm))

    def drawn(self, points: FloatArray, voxel_mm: float) -> tuple[FloatArray, FloatArray]:
        """Share of each voxel inside the lumen, and inside the lumen or the wall."""
        away = np.hypot(self._pair[0].at(points), self._pair[1].at(points))
        lumen, wall = np.zeros_like(away), np.zeros_like(away)
        near = away < 1.6 * self._radius + self._wall + voxel_mm
        there = smoothstep(-0.5, 0.0, self._pieces.at(points[near]))
        radius = self._radius * np.clip(1 + 0.3 * self._bulges.at(points[near]), 0.5, 1.6) * there
        lumen[near] = covered(radius - away[near], voxel_mm) * there
        wall[near] = covered(radius + self._wall - away[near], voxel_mm) * there
        return lumen, wall
