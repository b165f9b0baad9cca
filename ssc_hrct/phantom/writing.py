"""What disease looks like: tissue added and taken away, voxel by voxel, inside given territories.

The renderer "cells": `Writer(frame, labels, border, ...)` with `slabs(hu)`, which yields changes in HU. The other
one is `sheets.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import edt
import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.phantom.acquisition import Sampling, averaged
from ssc_hrct.phantom.cells import Net, tree_of, walls
from ssc_hrct.phantom.lattice import FloatArray, smooth_noise, smoothstep
from ssc_hrct.phantom.spec import LEAST_DENSITY, DiseaseSpec
from ssc_hrct.phantom.territory import LungFrame, jittered, marked_nodes
from ssc_hrct.phantom.tubes import Tubes, curve, joined, paint, polyline

FADE_MM = 4.0
"""A fading border reaches at most this far outside the territory."""
TISSUE_HU = 1050.0
"""HU from air to soft tissue: t = (HU + 1000) / 1050."""
_SLAB_MM = 14.0
_NETTED = (Pattern.RETICULATION, Pattern.HONEYCOMBING)


class Writer:
    """Knows the territories of one chest and how each pattern looks there."""

    def __init__(
        self, frame: LungFrame, labels: NDArray[np.uint8], border: FloatArray, spec: DiseaseSpec, sampling: Sampling,
        rng: np.random.Generator,
    ) -> None:
        self._frame, self._labels, self._border = frame, labels, border
        self._density, self._net_density, self._least = spec.density, spec.net_density, spec.least_added
        self._sampling, coarse = sampling, spec.coarse
        lattice = frame.lattice
        shape, step = lattice.shape, lattice.step_mm
        self._grain = np.asarray(
            (smooth_noise(rng, shape, step, 12) + 0.8 * smooth_noise(rng, shape, step, 6)) / 1.28, dtype=np.float32
        )
        # Faint ground glass fades over less, so that hardly any of it is fainter than what is called ground glass.
        widest = min(FADE_MM, 0.5 + 120 * (spec.density - LEAST_DENSITY))
        self._soft_mm = np.asarray(
            np.clip(2.0 + 1.6 * smooth_noise(rng, shape, step, 28), 0.3, widest), dtype=np.float32
        )
        self._warp = [np.asarray(1.4 * smooth_noise(rng, shape, step, 14), dtype=np.float32) for _ in range(3)]
        fibrosis = bool(np.isin(labels, _NETTED).any())
        self._net_is_near = _nearer(frame, np.isin(labels, _NETTED), labels == Pattern.GROUND_GLASS)
        size = float(rng.uniform(8, 12)) if coarse else float(rng.uniform(4.5, 7.0))
        thick = float(rng.uniform(1.0, 1.5)) if coarse else float(rng.uniform(0.55, 0.85))
        self._lines = float(rng.uniform(0.6, 0.9))
        self._net = _net(rng, frame, size, thick, float(rng.uniform(0.2, 0.45))) if fibrosis else None
        self._lobular = _net(rng, frame, 15.0, thick * 1.1, 0.4) if fibrosis else None
        has_cysts = bool((labels == Pattern.HONEYCOMBING).any())
        self._cysts = _cyst_net(rng, frame, spec.cyst_mm) if has_cysts else None
        tubes = _traction_tubes(rng, frame, labels) if spec.traction and fibrosis else None
        self._traction = {at: _painted(frame, tubes, at, sampling.voxel_mm) for at in sampling.offsets_mm if tubes}

    def slabs(
        self, hu: NDArray[np.generic], *, progress: Progress = SILENT
    ) -> Iterator[tuple[slice, FloatArray]]:
        """Change in HU per slab of planes. hu: [z, y, x] of the box, without much noise."""
        step = max(1, round(_SLAB_MM / self._frame.grid.spacing_mm[0]))
        planes = len(self._labels)
        for first in range(0, planes, step):
            progress.step("Writing disease", first, planes)
            slab = slice(first, min(first + step, planes))
            view, offsets = np.asarray(hu[slab], dtype=np.float32), self._sampling.offsets_mm
            change = averaged((self._slab(slab, view, at) for at in offsets), len(offsets))
            if change is not None:
                yield slab, change

    def _slab(self, slab: slice, hu: FloatArray, offset_mm: float) -> FloatArray | None:
        """Change in HU in the planes so many mm above the slices' middles; None where there is none."""
        lattice, labels = self._frame.lattice, self._labels[slab]
        lung = labels > 0
        near = np.stack([lattice.up(self._border, k, offset_mm) for k in range(slab.start, slab.stop)])
        beside = (labels == Pattern.CONSOLIDATION) | (labels == Pattern.EMPHYSEMA)
        where = lung & ((near > -FADE_MM) | beside)
        if not where.any():
            return None
        kinds, away = labels[where], near[where]
        air = np.clip((hu[where] + 1000) / TISSUE_HU, 0, 1)
        grain = self._pick(self._grain, slab, where, offset_mm)
        soft = self._pick(self._soft_mm, slab, where, offset_mm)
        fade = np.clip(0.5 + away / (2 * soft), 0, 1)
        # A border fades in the density of what it surrounds; else a faint net would lie in a denser halo.
        beyond = (kinds == Pattern.NORMAL) & (self._pick(self._net_is_near, slab, where, offset_mm) > 0)
        level = np.where(np.isin(kinds, _NETTED) | beyond, self._net_density, self._density)
        haze = level * np.clip(1 + 0.22 * grain, 0.6, 1.5)
        haze = np.where(kinds == Pattern.GROUND_GLASS, np.maximum(haze, self._least), haze)
        haze = np.minimum(haze, max(0.4, 1.2 * self._density) if self._density > 0.4 else 0.4) * fade
        haze[(kinds == Pattern.EMPHYSEMA) | (kinds == Pattern.CONSOLIDATION)] = 0
        added, kept = self._patterns(slab, where, kinds, haze, grain, offset_mm)
        # Air in bronchi stays air.
        bronchus = smoothstep(0.05, 0.02, air)
        added = added * (1 - bronchus * (kinds != Pattern.HONEYCOMBING))
        tissue = air * kept
        tissue = tissue + added * (1 - tissue)
        change = np.zeros(hu.shape, dtype=np.float32)
        change[where] = (tissue - air) * TISSUE_HU
        return change

    def _patterns(
        self, slab: slice, where: NDArray[np.bool_], kinds: NDArray[np.uint8], haze: FloatArray, grain: FloatArray,
        offset_mm: float,
    ) -> tuple[FloatArray, FloatArray]:
        """Tissue added and the share of the old tissue that is kept, per voxel of `where`."""
        added, kept = haze.astype(np.float32), np.ones(len(kinds), dtype=np.float32)
        voxel = self._sampling.voxel_mm
        net = kinds == Pattern.RETICULATION
        if net.any() and self._net is not None and self._lobular is not None:
            points = self._points(slab, where, offset_mm)[net]
            lines = np.maximum(walls(self._net, points, voxel), walls(self._lobular, points, voxel))
            added[net] = 1 - (1 - added[net]) * (1 - self._lines * lines)
        cyst = kinds == Pattern.HONEYCOMBING
        if cyst.any() and self._cysts is not None:
            wall = walls(self._cysts, self._points(slab, where, offset_mm)[cyst], voxel)
            added[cyst] = 0.03 + 0.87 * wall
            kept[cyst] = 0.25 + 0.75 * wall
        if self._traction:
            fibrosis = net | cyst
            walled, hollow = self._traction[offset_mm]
            wall = walled[slab][where] * np.float32(1 / 255) * fibrosis
            lumen = hollow[slab][where] * np.float32(1 / 255) * fibrosis
            added = np.maximum(added, 0.9 * wall) * (1 - lumen)
            kept = kept * (1 - 0.95 * lumen)
        dense = kinds == Pattern.CONSOLIDATION
        added[dense] = 0.97 + 0.015 * np.clip(grain[dense], -2, 2)
        hole = kinds == Pattern.EMPHYSEMA
        kept[hole] = np.clip(0.33 + 0.06 * grain[hole], 0.2, 0.5)
        return added, kept

    def _points(self, slab: slice, where: NDArray[np.bool_], offset_mm: float) -> FloatArray:
        """Warped places (z, y, x) in mm of the voxels of `where`."""
        lattice = self._frame.lattice
        z, y, x = np.nonzero(where)
        heights = lattice.fine_z[slab] + np.float32(offset_mm)
        points = np.stack([heights[z], lattice.fine_y[y], lattice.fine_x[x]], axis=1)
        for axis in range(3):
            points[:, axis] += self._pick(self._warp[axis], slab, where, offset_mm)
        return np.asarray(points, dtype=np.float32)

    def _pick(self, coarse: FloatArray, slab: slice, where: NDArray[np.bool_], offset_mm: float) -> FloatArray:
        up = self._frame.lattice.up
        return np.concatenate([up(coarse, slab.start + i, offset_mm)[where[i]] for i in range(len(where))])


def _nearer(frame: LungFrame, these: NDArray[np.bool_], those: NDArray[np.bool_]) -> FloatArray:
    """On the lattice: over 0 where the nearest of `these` [z, y, x] lies nearer than the nearest of `those`, in mm."""
    step, far = frame.lattice.step_mm, np.float32(4 * FADE_MM)
    away = []
    for where in (these, those):
        marked = marked_nodes(frame.lattice, where)
        found = edt.edt(~marked, anisotropy=(step,) * 3, parallel=1) if marked.any() else far
        away.append(np.minimum(found, far))
    return np.asarray(np.broadcast_to(away[1] - away[0], frame.lattice.shape), dtype=np.float32)


def _net(rng: np.random.Generator, frame: LungFrame, size_mm: float, thick_mm: float, dropped: float) -> Net:
    centres = jittered(rng, frame.lattice, size_mm, 0.5)
    radius = np.zeros(len(centres), dtype=np.float32)
    return Net(centres, tree_of(centres), radius, thick_mm, dropped, int(rng.integers(2**31)), None)


def _cyst_net(rng: np.random.Generator, frame: LungFrame, cyst_mm: float | None) -> Net:
    """Cysts of 3 to 10 mm, a few larger, or about `cyst_mm`, with shared walls of 1 to 1.8 mm."""
    apart_mm = float(rng.uniform(5.0, 7.5))
    size = cyst_mm / 6.25 if cyst_mm is not None else 1.0
    centres = jittered(rng, frame.lattice, cyst_mm if cyst_mm is not None else apart_mm, 0.42)
    radius = np.clip(rng.lognormal(np.log(2.6 * size), 0.35, len(centres)), 1.5 * size, 8 * size).astype(np.float32)
    tree = tree_of(centres)
    apart = np.asarray(tree.query(centres, k=2, workers=1)[0])[:, 1]
    rounded = np.asarray(np.maximum(0.95 * apart, radius), dtype=np.float32)
    return Net(centres, tree, radius, float(rng.uniform(1.0, 1.4)), 0.0, int(rng.integers(2**31)), rounded)


def _painted(
    frame: LungFrame, tubes: Tubes, offset_mm: float, width_mm: float
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Walls with their lumens, and lumens, as shares (255 is 1) of the voxels moved so many mm up."""
    x, y, z = frame.grid.origin_mm
    grid = replace(frame.grid, origin_mm=(x, y, z + offset_mm))
    wall, lumen = (np.zeros(grid.shape, dtype=np.uint8) for _ in range(2))
    paint(lumen, grid, tubes, width_mm)
    paint(wall, grid, Tubes(tubes.start, tubes.end, tubes.radius_mm + np.float32(1.2)), width_mm)
    return wall, lumen


def _traction_tubes(rng: np.random.Generator, frame: LungFrame, labels: NDArray[np.uint8]) -> Tubes | None:
    """Dilated bronchi of 2 to 5 mm lumen that wind, bulge and do not taper, about one in 12 ml of fibrosis."""
    fibrosis = np.flatnonzero(np.isin(labels, _NETTED))
    count = round(len(fibrosis) * frame.grid.voxel_ml / 12)
    if count == 0:
        return None
    picks = np.sort(rng.choice(fibrosis, count, replace=False))
    places = np.stack(np.unravel_index(picks, labels.shape), axis=1)
    lattice = frame.lattice
    fine = (lattice.fine_z, lattice.fine_y, lattice.fine_x)
    starts = np.stack([fine[axis][places[:, axis]] for axis in range(3)], axis=1)
    parts = []
    for start in starts:
        way = rng.standard_normal(3)
        turns = way + 0.7 * rng.standard_normal((6, 3))
        steps = 4.0 * turns / np.linalg.norm(turns, axis=1, keepdims=True)
        path = curve(start + np.cumsum(steps, axis=0), 24)
        phase = np.linspace(0, float(rng.uniform(2.5, 5)) * 2 * np.pi, 24)
        radius = float(rng.uniform(1.0, 2.3)) * (1 + 0.3 * np.sin(phase + rng.uniform(0, 6)))
        parts.append(polyline(path, radius.astype(np.float32)))
    return joined(parts)
