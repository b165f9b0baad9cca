"""What is painted into the chest: bones, great vessels, bronchi and lung vessels, bowel gas, oesophagus.

Each is a share per voxel (uint8, 255 full) on the fine grid. All places in the phantom's real mm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.grid import Grid
from ssc_hrct.phantom import anatomy
from ssc_hrct.phantom.anatomy import Build
from ssc_hrct.phantom.lattice import FloatArray
from ssc_hrct.phantom.trees import Tree, grow, shifted, tubes_of
from ssc_hrct.phantom.tubes import Tubes, curve, joined, paint, polyline

Cover = NDArray[np.uint8]
TERMINAL_SPACING_MM = 11.5
CARINA = (172.0, 18.0, 2.0)


@dataclass(frozen=True, slots=True)
class Structures:
    """Cover per voxel. large_airways: trachea, main and lobar bronchi with their wall."""

    bone: Cover
    marrow: Cover
    cartilage: Cover
    blood: Cover
    soft: Cover
    lung_vessel: Cover
    airway_wall: Cover
    airway_air: Cover
    large_airways: Cover
    gas: Cover


LOBES = ("right_upper", "right_middle", "right_lower", "left_upper", "left_lower")
LOBAR_START = {
    "right_upper": (168.0, 16.0, -43.0),
    "right_middle": (138.0, 2.0, -42.0),
    "right_lower": (132.0, 26.0, -40.0),
    "left_upper": (158.0, 6.0, 46.0),
    "left_lower": (138.0, 28.0, 42.0),
}


def oblique_height(build: Build, y: NDArray[np.floating], x: NDArray[np.floating], side: int) -> FloatArray:
    """Height of the oblique fissure over each (y, x). Reference mm. The lower lobe lies below and behind."""
    slope = 1.0 if side < 0 else 1.12
    level = 132 + build.fissure_mm - 0.004 * (side * x - 70) ** 2
    return np.asarray(level + slope * y + 4 * np.sin(y / 33.0), dtype=np.float32)


def horizontal_height(build: Build, y: NDArray[np.floating], x: NDArray[np.floating]) -> FloatArray:
    """Height of the right horizontal fissure. Reference mm. The middle lobe lies below it, before the oblique one."""
    return np.asarray(146 + 0.7 * build.fissure_mm - 0.002 * (x + 70) ** 2 + 0.08 * y, dtype=np.float32)


def build_structures(
    build: Build, grid: Grid, rng: np.random.Generator, bowel_gas: bool
) -> Structures:
    """Paint everything. Places depend on build and rng alone, not on the grid."""
    cover = {name: np.zeros(grid.shape, dtype=np.uint8) for name in Structures.__dataclass_fields__}
    _bones(build, grid, cover, rng)
    paint(cover["blood"], grid, _great_tubes(build))
    large, lobar = _large_airways(build)
    paint(cover["airway_air"], grid, large)
    walls = _thicker(large, 1.6)
    paint(cover["airway_wall"], grid, walls)
    paint(cover["large_airways"], grid, walls)
    _lung_trees(build, grid, rng, lobar, cover)
    _oesophagus(build, grid, cover, rng)
    if bowel_gas:
        _bowel(build, grid, cover, rng)
    return Structures(**cover)


def _real(build: Build, points: NDArray[np.floating] | Sequence[tuple[float, float, float]]) -> FloatArray:
    return np.asarray(np.asarray(points, dtype=np.float64) * np.asarray(build.scale), dtype=np.float32)


def _thicker(tubes: Tubes, wall_mm: float) -> Tubes:
    return Tubes(tubes.start, tubes.end, tubes.radius_mm + np.float32(wall_mm))


def _large_airways(build: Build) -> tuple[Tubes, dict[str, FloatArray]]:
    """Trachea, main and lobar bronchi (lumen), and where each lobar bronchus ends."""
    wide = 9.4 if build.male else 8.3
    z, y, x = CARINA
    trachea = curve(_real(build, [(275, -4, 0), (250, 2, 0), (215, 9, 1), (190, 15, 2), CARINA]), 24)
    end = {name: _real(build, [place])[0] for name, place in LOBAR_START.items()}
    carina = _real(build, [CARINA])[0]
    right = _real(build, [(z - 14, y + 0, x - 24)])[0]
    left = _real(build, [(z - 20, y + 2, x + 34)])[0]
    middle = _real(build, [(146, 16, -34)])[0]
    parts = [
        polyline(trachea, wide),
        polyline(np.stack([carina, right]), np.array([7.6, 6.8])),
        polyline(np.stack([carina, left]), np.array([7.2, 5.8])),
        polyline(np.stack([right, end["right_upper"]]), np.array([5.2, 4.2])),
        polyline(np.stack([right, middle]), np.array([5.8, 5.0])),
        polyline(np.stack([middle, end["right_middle"]]), np.array([3.6, 3.0])),
        polyline(np.stack([middle, end["right_lower"]]), np.array([4.8, 4.0])),
        polyline(np.stack([left, end["left_upper"]]), np.array([4.8, 4.0])),
        polyline(np.stack([left, end["left_lower"]]), np.array([4.8, 4.0])),
    ]
    return joined(parts), end


def _great_tubes(build: Build) -> Tubes:
    """Aorta, superior vena cava, pulmonary arteries, neck vessels."""
    a = build.aorta_mm
    sy = [float(anatomy.spine_y(build, np.array(h))) - 12 for h in (165, 110, 50, -20, -80)]
    aorta = curve(
        _real(build, [
            (118, -20, 4), (150, -32, -14), (178, -26, -12), (196, -8, 2), (197, 14, 16), (184, 30, 22),
            (165, sy[0], 21), (110, sy[1], 21), (50, sy[2], 18), (-20, sy[3], 8), (-80, sy[4], 2),
        ]), 70,
    )
    cava = curve(_real(build, [(120, -14, -26), (160, -14, -30), (195, -12, -26), (225, -10, -20)]), 24)
    trunk = curve(_real(build, [(128, -44, 14), (148, -36, 18), (160, -18, 20), (160, 2, 36)]), 20)
    right = curve(_real(build, [(158, -20, 18), (156, -10, -8), (152, 0, -38)]), 16)
    neck = [
        curve(_real(build, [(200, -4, 4), (225, -6, s * 8 + 2), (262, -2, s * 26)]), 12) for s in (-1.6, 1.0)
    ]
    parts = [polyline(aorta, a), polyline(cava, 9.0), polyline(trunk, 12.5), polyline(right, 10.0)]
    return joined([*parts, *(polyline(n, 5.0) for n in neck)])


def _lobe_of(build: Build, points: FloatArray, side: int) -> NDArray[np.int64]:
    z, y, x = (points / np.asarray(build.scale, dtype=np.float32)).T
    lower = z < oblique_height(build, y, x, side)
    if side > 0:
        return np.where(lower, 4, 3).astype(np.int64)
    return np.where(lower, 2, np.where(z < horizontal_height(build, y, x), 1, 0)).astype(np.int64)


def _scatter(rng: np.random.Generator, build: Build, side: int) -> FloatArray:
    """Jittered points (real mm) about TERMINAL_SPACING_MM apart in one lung, at least 3 mm below the pleura."""
    scale = np.asarray(build.scale)
    low = np.array([-30.0, -120.0, -5.0 if side > 0 else -150.0]) * scale
    high = np.array([265.0, 120.0, 150.0 if side > 0 else 5.0]) * scale
    axes = [np.arange(a, b, TERMINAL_SPACING_MM) for a, b in zip(low, high, strict=True)]
    mesh = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    points = (mesh + rng.uniform(-0.48, 0.48, mesh.shape) * TERMINAL_SPACING_MM).astype(np.float32)
    return points[anatomy.depth_below_pleura(build, points / scale, side) > 3.0]


def _lung_trees(
    build: Build, grid: Grid, rng: np.random.Generator, lobar: dict[str, FloatArray], cover: dict[str, Cover]
) -> None:
    roots = np.stack([lobar[name] for name in LOBES])
    for kind in ("artery", "vein"):
        clouds, owners = [], []
        for side in (-1, 1):
            cloud = _scatter(rng, build, side)
            clouds.append(cloud)
            owners.append(_lobe_of(build, cloud, side))
        starts = roots if kind == "artery" else _vein_roots(build)
        tree = grow(starts.astype(np.float32), np.concatenate(clouds), np.concatenate(owners), rng)
        length = np.linalg.norm(tree.end - tree.start, axis=1, keepdims=True)
        bow = (rng.standard_normal(tree.end.shape) * 0.04 * length).astype(np.float32)
        smallest = float(rng.uniform(0.36, 0.43))
        radius = tree.radius_mm(smallest)
        if kind == "vein":
            paint(cover["lung_vessel"], grid, tubes_of(tree, radius, np.ones(len(radius), dtype=bool), bow))
            continue
        lumen = np.asarray(0.85 * radius, dtype=np.float32)
        wall = np.asarray(np.clip(0.22 * lumen, 0.3, 1.2), dtype=np.float32)
        seen = lumen > 0.55
        paint(cover["airway_air"], grid, tubes_of(tree, lumen, seen, bow))
        paint(cover["airway_wall"], grid, tubes_of(tree, lumen + wall, seen, bow))
        beside = np.where(seen, radius + lumen + wall, 0.6 * radius)[:, None] * _beside(tree)
        artery = shifted(tree, beside.astype(np.float32))
        paint(cover["lung_vessel"], grid, tubes_of(artery, radius, np.ones(len(radius), dtype=bool), bow))


def _vein_roots(build: Build) -> FloatArray:
    return _real(build, [(146, 0, -36), (134, -4, -36), (122, 20, -34), (146, -4, 38), (124, 20, 36)])


def _beside(tree: Tree) -> FloatArray:
    """A direction across each branch, kept from its parent as far as that is across."""
    way = tree.end - tree.start
    way = way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-6)
    side = np.tile(np.array([0.3, -0.8, 0.5], dtype=np.float32), (len(way), 1))
    for generation in range(int(tree.generation.max()) + 1):
        here = tree.generation == generation
        at = side[tree.parent[here]] if generation else side[here]
        across = at - 0.8 * way[here] * (at * way[here]).sum(axis=1, keepdims=True)
        side[here] = across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-3)
    return np.asarray(side, dtype=np.float32)


def _oesophagus(build: Build, grid: Grid, cover: dict[str, Cover], rng: np.random.Generator) -> None:
    heights = np.array([262, 225, 190, 160, 120, 80, 40])
    y = anatomy.spine_y(build, heights) - np.array([20, 22, 23, 24, 24, 26, 30])
    path = curve(_real(build, np.stack([heights, y, np.array([3, 4, 5, 4, 3, 8, 14])], axis=1)), 40)
    wide = float(rng.uniform(6, 8))
    paint(cover["soft"], grid, polyline(path, wide))
    if rng.random() < 0.5:
        air = np.clip(rng.normal(0, 2.2, len(path)), 0, wide - 3).astype(np.float32)
        paint(cover["gas"], grid, polyline(path, np.maximum(np.convolve(air, np.ones(5) / 5, "same"), 0.1)))


def _bowel(build: Build, grid: Grid, cover: dict[str, Cover], rng: np.random.Generator) -> None:
    """Colon gas under the left dome: a chain of pouches, in some seeds close below the diaphragm."""
    below = float(rng.choice([6.0, 14.0, 24.0]))
    x = np.linspace(30, 92, 9)
    y = np.linspace(-52, 8, 9) + rng.uniform(-6, 6, 9)
    roof = np.array([float(anatomy.diaphragm(build, np.array(b), np.array(a), 1)) for a, b in zip(x, y, strict=True)])
    wide = rng.uniform(7, 14, 9)
    wide[rng.random(9) < 0.25] = 2.0
    path = _real(build, np.stack([roof - below - wide, y, x], axis=1))
    paint(cover["gas"], grid, polyline(curve(path, 33), np.interp(np.linspace(0, 8, 33), np.arange(9), wide)))


def _bones(build: Build, grid: Grid, cover: dict[str, Cover], rng: np.random.Generator) -> None:
    shells, marrow, cartilage = [], [], []
    for number in range(12):
        top = 262 - 22.5 * (number + 0.4 * build.rib_phase)
        drop = np.interp(number, [0, 2, 6, 11], [24, 44, 68, 60])
        last = np.interp(number, [0, 1, 6, 8, 11], [140, 148, 150, 128, 70])
        for side in (-1, 1):
            path = _rib_path(build, top, float(drop), float(last), side)
            for lift in (-3.2, 0.0, 3.2):
                shells.append(polyline(path + np.array([lift, 0, 0], dtype=np.float32), 3.0))
                marrow.append(polyline(path + np.array([lift * 0.8, 0, 0], dtype=np.float32), 1.7))
            if number < 8:
                end = _real(build, [(max(float(path[-1, 0]) / build.scale[0] + 6, 96.0), 0, side * 13)])[0]
                end[1] = _sternum_y(build, float(end[0]) / build.scale[0]) * build.scale[1]
                cartilage.append(polyline(np.stack([path[-1], (path[-1] + end) / 2 - np.float32(3), end]), 4.5))
    outer, inner = _spine_bits(build)
    _shoulders(build, shells, marrow)
    paint(cover["cartilage"], grid, joined(cartilage))
    paint(cover["bone"], grid, joined([*shells, outer]))
    paint(cover["marrow"], grid, joined([*marrow, inner]))


def _sternum_y(build: Build, z: float) -> float:
    _, middle_y, _, half_y = anatomy.thorax_profile(build, np.array(z))
    return float(middle_y - half_y * 0.93) - 5.0


def _rib_path(build: Build, top: float, drop: float, last: float, side: int) -> FloatArray:
    """From the spine round the side to the front, 5 mm outside the pleura. Real mm."""
    angle = np.radians(np.linspace(-42, last, 46))
    z = top - drop * (0.5 - 0.5 * np.cos(np.clip(angle + 0.6, 0, np.pi))) - 4
    middle_x, middle_y, _, _ = anatomy.thorax_profile(build, z)
    low, high = np.zeros_like(z), np.full_like(z, 190.0)
    for _ in range(15):
        far = (low + high) / 2
        y, x = middle_y + far * np.cos(angle), side * (middle_x + far * np.sin(angle))
        outside = anatomy.half_thorax(build, z, y, x, side) > 5.0
        low, high = np.where(outside, low, far), np.where(outside, far, high)
    ribs = np.stack([z, middle_y + low * np.cos(angle), side * (middle_x + low * np.sin(angle))], axis=1)
    neck = np.array([[z[0] + 3, float(anatomy.spine_y(build, z[0])) + 14, side * 18]])
    return _real(build, np.concatenate([neck, ribs]))


def _spine_bits(build: Build) -> tuple[Tubes, Tubes]:
    """Arches, transverse and spinous processes, sternum."""
    outer, inner = [], []
    for level in range(16):
        z = 280 - 22.5 * (level + 0.4 * build.rib_phase)
        y = float(anatomy.spine_y(build, np.array(z)))
        for s in (-1, 1):
            arch = _real(build, [(z, y + 12, s * 13), (z - 4, y + 24, s * 12), (z - 8, y + 33, s * 2)])
            outer.append(polyline(arch, 3.4))
            inner.append(polyline(arch, 1.6))
            outer.append(polyline(_real(build, [(z - 2, y + 22, s * 12), (z, y + 28, s * 30)]), 4.0))
        spine = _real(build, [(z - 8, y + 33, 0), (z - 22, y + 54, 0)])
        outer.append(polyline(spine, 3.6))
        inner.append(polyline(spine, 1.8))
    heights = np.linspace(92, 222, 18)
    for x in np.linspace(-13, 13, 9):
        points = [(h, _sternum_y(build, float(h)), float(x) * (1.25 if h > 190 else 0.9)) for h in heights]
        outer.append(polyline(_real(build, points), 5.2))
        inner.append(polyline(_real(build, points), 3.8))
    return joined(outer), joined(inner)


def _shoulders(build: Build, shells: list[Tubes], marrow: list[Tubes]) -> None:
    """Clavicles, shoulder blades and heads of the humerus, arms raised."""
    for s in (-1, 1):
        ends = [(226, -50, s * 18), (240, -46, s * 60), (252, -22, s * 105), (262, 6, s * 140)]
        clavicle = curve(_real(build, ends), 24)
        shells.append(polyline(clavicle, 5.5))
        marrow.append(polyline(clavicle, 3.2))
        humerus = curve(_real(build, [(252, 12, s * 150), (272, 4, s * 152), (300, -10, s * 158)]), 12)
        shells.append(polyline(humerus, np.linspace(22, 13, 12)))
        marrow.append(polyline(humerus, np.linspace(20, 9, 12)))
        for f in np.linspace(0, 1, 42):
            inner = (240 - 125 * f, 92 + 4 * f, s * (88 + 6 * f))
            outer = (246 - 120 * f, 66 + 24 * f, s * (142 - 40 * f))
            shells.append(polyline(_real(build, [inner, outer]), 2.3))
            shells.append(polyline(_real(build, [inner, inner]), 3.6))
        ridge = curve(_real(build, [(226, 104, s * 92), (240, 98, s * 120), (256, 52, s * 150)]), 18)
        shells.append(polyline(ridge, 5.0))
        marrow.append(polyline(ridge, 2.5))
