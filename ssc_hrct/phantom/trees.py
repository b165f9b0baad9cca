"""Branching trees that fill the lungs: bronchi with their arteries, and veins.

Space is divided as in Tawhai's volume-filling method (Tawhai, Pullan, Hunter, Ann Biomed Eng 2000;28:793): each
branch feeds a cloud of end points, the cloud is cut in two along its widest spread across the branch, and each child
grows part of the way to its own cloud's centre. Radii follow Murray's law with an exponent a little under 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.phantom.lattice import FloatArray
from ssc_hrct.phantom.tubes import Tubes

_REACH = 0.4
"""A branch ends this share of the way to the centre of what it feeds."""
_UNEVEN = 0.8
"""Cuts lie up to this many SD of the cloud away from its centre."""
_STRAIGHT = 0.35
"""How much of its parent's direction a branch keeps."""
MURRAY = 2.5
"""Below 3: vessels near the hilum are as wide as in people while the last ones stay thin."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Branches, parents before children. start, end: [n, 3] (z, y, x) mm; feeds: end points beyond; parent: -1 root."""

    start: FloatArray
    end: FloatArray
    feeds: NDArray[np.int64]
    parent: NDArray[np.int64]
    generation: NDArray[np.int64]

    def radius_mm(self, end_radius_mm: float) -> FloatArray:
        """Radius of each branch by Murray's law from the radius of the last ones."""
        return np.asarray(end_radius_mm * self.feeds ** (1 / MURRAY), dtype=np.float32)


def grow(roots: FloatArray, points: FloatArray, owner: NDArray[np.int64], rng: np.random.Generator) -> Tree:
    """Grow a tree from each root [m, 3] to its points. points: [n, 3] mm; owner: which root feeds each point.

    Clouds are cut unevenly, so that some branches run on as axes and give off smaller ones.
    """
    order = np.argsort(owner, kind="stable")
    cloud, group = points[order].astype(np.float64), owner[order]
    keep, group = np.unique(group, return_inverse=True)
    tip = roots[keep].astype(np.float64)
    parent = np.full(len(keep), -1, dtype=np.int64)
    starts, ends, feeds, parents, generations = [], [], [], [], []
    ahead = np.zeros_like(tip)
    made = 0
    for generation in range(64):
        count = np.bincount(group, minlength=len(tip))
        first = np.cumsum(count) - count
        centre = np.add.reduceat(cloud, first, axis=0) / count[:, None]
        way = centre - tip
        single = count == 1
        far = np.linalg.norm(way, axis=1, keepdims=True)
        aim = way / np.maximum(far, 1e-6)
        if generation:
            aim = aim + _STRAIGHT * ahead
            aim = aim / np.maximum(np.linalg.norm(aim, axis=1, keepdims=True), 1e-6)
        end = tip + np.where(single[:, None], way, aim * far * _REACH)
        starts.append(tip)
        ends.append(end)
        feeds.append(count)
        parents.append(parent)
        generations.append(np.full(len(tip), generation))
        here = made + np.arange(len(tip))
        made += len(tip)
        if single.all():
            break
        uneven = rng.uniform(-_UNEVEN, _UNEVEN, len(tip))
        cut = _cut(cloud, group, count, first, centre, way, uneven)
        go_on = ~single[group]
        cloud, key = cloud[go_on], (2 * group + cut)[go_on]
        order = np.argsort(key, kind="stable")
        cloud, key = cloud[order], key[order]
        keep, group = np.unique(key, return_inverse=True)
        tip, parent, ahead = end[keep // 2], here[keep // 2], aim[keep // 2]
    return Tree(
        np.concatenate(starts).astype(np.float32),
        np.concatenate(ends).astype(np.float32),
        np.concatenate(feeds).astype(np.int64),
        np.concatenate(parents),
        np.concatenate(generations).astype(np.int64),
    )


def _cut(
    cloud: NDArray[np.float64],
    group: NDArray[np.int64],
    count: NDArray[np.int64],
    first: NDArray[np.int64],
    centre: NDArray[np.float64],
    way: NDArray[np.float64],
    uneven: NDArray[np.float64],
) -> NDArray[np.int64]:
    """0 or 1 per point: the side of the plane near its cloud's centre, across the widest spread."""
    length = np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-6)
    ahead = way / length
    away = cloud - centre[group]
    away_flat = away - 0.7 * ahead[group] * (away * ahead[group]).sum(axis=1, keepdims=True)
    spread = np.add.reduceat(away_flat[:, :, None] * away_flat[:, None, :], first, axis=0)
    axis = np.linalg.eigh(spread)[1][:, :, 2]
    axis *= np.where(axis[np.arange(len(axis)), np.abs(axis).argmax(axis=1)] < 0, -1, 1)[:, None]
    side = (away * axis[group]).sum(axis=1)
    wide = np.sqrt(np.add.reduceat(side**2, first) / count)
    side = side - (uneven * wide)[group]
    # Where rounding leaves one side empty, the first point changes sides.
    one = np.add.reduceat((side > 0).astype(np.int64), first)
    broken = (one == 0) | (one == count)
    cut = (side > 0).astype(np.int64)
    cut[first[broken]] = 1 - cut[first[broken]]
    return np.asarray(cut, dtype=np.int64)


def tubes_of(tree: Tree, radius_mm: FloatArray, chosen: NDArray[np.bool_], bow: FloatArray) -> Tubes:
    """Branches as tubes that taper from the parent's radius (at most 1.25 of their own) and bow a little sideways.

    bow: [n, 3] mm, how far the middle of each branch is moved.
    """
    at_start = np.where(tree.parent >= 0, np.minimum(radius_mm[tree.parent], 1.25 * radius_mm), radius_mm)
    start, end = tree.start[chosen], tree.end[chosen]
    middle = (start + end) / 2 + bow[chosen]
    r0, r1 = at_start[chosen], radius_mm[chosen]
    half = (r0 + r1) / 2
    return Tubes(
        np.concatenate([start, middle]),
        np.concatenate([middle, end]),
        np.concatenate([np.stack([r0, half], axis=1), np.stack([half, r1], axis=1)]).astype(np.float32),
    )


def shifted(tree: Tree, away: FloatArray) -> Tree:
    """The same tree beside itself: every branch's end moved by `away` [n, 3] mm, starts by their parents'."""
    at_start = np.where((tree.parent >= 0)[:, None], away[tree.parent], away)
    return Tree(tree.start + at_start, tree.end + away, tree.feeds, tree.parent, tree.generation)
