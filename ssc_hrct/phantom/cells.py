"""Nets and cysts: walls of cells around scattered centres, found exactly at each voxel, thinner than a voxel allowed.

Walls are where the nearest and second nearest centre are equally far (Worley 1996; with radii, a power diagram).
Candidates for the nearest centres are looked up once per 2 mm, then compared at every voxel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ssc_hrct.phantom.lattice import FloatArray

_CANDIDATES = 6
_BLOCK_MM = 2.0


@dataclass(frozen=True, slots=True)
class Net:
    """Cells and their walls. radius_mm: per centre, zeros for a plain net. A share of walls is missing, the rest are
    `thick_mm` times 0.7 to 1.3."""

    centres: FloatArray
    tree: cKDTree
    radius_mm: FloatArray
    thick_mm: float
    dropped: float
    salt: int
    rounded_mm: FloatArray | None
    """Per centre: what lies further out is wall as well, so that cells are round. None for a plain net."""


def tree_of(centres: FloatArray) -> cKDTree:
    """A tree to look centres up in; quick to build, as they lie evenly."""
    return cKDTree(centres, balanced_tree=False, compact_nodes=False)


def walls(net: Net, points: FloatArray, voxel_mm: float) -> FloatArray:
    """Share 0 to 1 of each voxel taken by walls. points: [n, 3] (z, y, x) mm."""
    if not len(points):
        return np.zeros(0, dtype=np.float32)
    ids = _candidates(net, points)
    best = np.full(len(points), np.inf, dtype=np.float32)
    second = best.copy()
    near = np.zeros(len(points), dtype=np.int32)
    next_near = near.copy()
    square = net.radius_mm**2
    for column in range(ids.shape[1]):
        here = ids[:, column]
        away = points - net.centres[here]
        power = (away * away).sum(axis=1) - square[here]
        closer = power < best
        between = ~closer & (power < second)
        second = np.where(closer, best, np.where(between, power, second))
        next_near = np.where(closer, near, np.where(between, here, next_near))
        best = np.where(closer, power, best)
        near = np.where(closer, here, near)
    apart = np.linalg.norm(net.centres[near] - net.centres[next_near], axis=1)
    distance = (second - best) / np.maximum(2 * apart, 0.1)
    chance = _hash(near, next_near, net.salt)
    thick = np.float32(net.thick_mm) * (0.7 + 0.6 * _hash(near, next_near, net.salt + 1))
    share = np.clip((thick + voxel_mm) / 2 - distance, 0, np.minimum(thick, voxel_mm)) / voxel_mm
    share = share * (chance >= net.dropped)
    if net.rounded_mm is not None:
        beyond = np.linalg.norm(points - net.centres[near], axis=1) - net.rounded_mm[near]
        share = np.maximum(share, np.clip(0.5 + beyond / voxel_mm, 0, 1))
    return np.asarray(share, dtype=np.float32)


def _candidates(net: Net, points: FloatArray) -> NDArray[np.int32]:
    low = points.min(axis=0)
    cell = np.floor((points - low) / _BLOCK_MM).astype(np.int32)
    shape = cell.max(axis=0) + 1
    flat = (cell[:, 0] * shape[1] + cell[:, 1]) * shape[2] + cell[:, 2]
    used = np.zeros(int(np.prod(shape)), dtype=bool)
    used[flat] = True
    number = np.cumsum(used, dtype=np.int32) - 1
    blocks = np.stack(np.unravel_index(np.flatnonzero(used), tuple(shape)), axis=1)
    middle = low + (blocks + 0.5) * _BLOCK_MM
    count = min(_CANDIDATES, len(net.centres))
    found = net.tree.query(middle, k=count, workers=1)[1]
    return np.asarray(found.reshape(len(middle), count).astype(np.int32)[number[flat]])


def _hash(a: NDArray[np.int32], b: NDArray[np.int32], salt: int) -> FloatArray:
    """An even number in [0, 1) for each unordered pair."""
    low, high = np.minimum(a, b).astype(np.uint64), np.maximum(a, b).astype(np.uint64)
    mixed = low * np.uint64(0x9E3779B1) + high * np.uint64(0x85EBCA77) + np.uint64(salt % 2**32) * np.uint64(0xC2B2AE3D)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    return np.asarray((mixed & np.uint64(0xFFFFFF)).astype(np.float32) / np.float32(0x1000000))
