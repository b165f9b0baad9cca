"""The shape of one made-up chest: drawn from a seed, given as distances in mm from surfaces (negative inside).

A reference chest (lungs 250 mm high, coordinates z up from the lowest recess, y to the back, x to the left)
is varied by the seed and scaled to the wanted lung volume. Inspiration moves the diaphragm, hardly the ribs.
Proportions are ours, compared by eye with public CT scans.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.phantom.lattice import FloatArray, smoothstep

Array = NDArray[np.floating]
HEIGHT_MM = 250.0
"""Of the reference lungs, from the lowest recess to the apex."""


@dataclass(frozen=True, slots=True)
class Build:
    """What varies between chests, in reference mm; `scale` (z, y, x) brings it to real mm."""

    male: bool
    scale: tuple[float, float, float]
    lung_ml: float
    """Of both lungs at full inspiration."""
    fat_mm: float
    breast_mm: float
    depth: float
    """Front-to-back depth of the thorax against the usual, about 0.92 to 1.08."""
    heart: float
    junction_mm: float
    """Half thickness of tissue where the lungs meet behind the sternum."""
    dome_right_mm: float
    dome_left_mm: float
    tilt: float
    rib_phase: float
    kyphosis_mm: float
    aorta_mm: float
    fissure_mm: float
    """How far the fissures stand above their usual place."""
    raised_mm: float = 0.0
    """How far the diaphragm stands above full inspiration."""


def draw_build(rng: np.random.Generator) -> Build:
    """A build from a random stream, not yet scaled to its volume."""
    male = bool(rng.random() < 0.35)
    lung_ml = float(np.clip(rng.normal(5200 if male else 4300, 500), 3000, 6000))
    right = float(rng.normal(82, 5))
    return Build(
        male=male,
        scale=(1.0, 1.0, 1.0),
        lung_ml=lung_ml,
        fat_mm=float(rng.uniform(7, 24)),
        breast_mm=0.0 if male else float(rng.uniform(2, 16)),
        depth=float(rng.uniform(0.93, 1.07)),
        heart=float(rng.uniform(0.98, 1.14)),
        junction_mm=float(rng.choice([0.5, 0.8, 1.5, 4.0, 8.0])),
        dome_right_mm=right,
        dome_left_mm=right - float(rng.uniform(4, 16)),
        tilt=float(rng.uniform(-4, 4)),
        rib_phase=float(rng.uniform(0, 1)),
        kyphosis_mm=float(rng.uniform(2, 10)),
        aorta_mm=float(rng.uniform(10.5, 14.5)),
        fissure_mm=float(rng.normal(0, 6)),
    )


def scaled(build: Build, factor: float) -> Build:
    """The same chest, its lungs larger or smaller by `factor` cubed; wide lungs are less tall than wide."""
    z, y, x = build.scale
    wide = factor**1.15
    return replace(build, scale=(z * factor**0.7, y * wide, x * wide))


def spine_y(build: Build, z: Array) -> FloatArray:
    """Front-to-back place of the middle of the vertebral bodies. Reference mm."""
    u = np.asarray(z, dtype=np.float32) / HEIGHT_MM
    return np.asarray(50 + build.kyphosis_mm * (1 - (2 * (u - 0.55)) ** 2), dtype=np.float32)


def thorax_profile(build: Build, z: Array) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Centre x, centre y, half width, half depth of one half of the thorax at height z. Reference mm."""
    u = np.clip(np.asarray(z, dtype=np.float32) / HEIGHT_MM, -0.4, 1.25)
    closing = np.sqrt(np.clip(1 - (np.clip(u - 0.32, 0, None) / 0.68) ** 2.4, 1e-4, 1))
    low = 1 - 0.05 * (np.clip(0.32 - u, 0, None) / 0.32) ** 2
    over = np.clip(u - 1, 0, None)
    half_x = 69 * closing * low - 160 * over
    deep = build.depth * np.interp(u, [-0.4, 0, 0.25, 0.5, 0.7, 1], [80, 83, 88, 87, 76, 70])
    half_y = deep * closing**0.8 - 160 * over
    middle_x = 62 - 9 * smoothstep(0.5, 1.0, u)
    middle_y = np.interp(u, [-0.4, 0, 0.25, 0.5, 0.7, 0.85, 0.95, 1], [-10, -8, -5, 0, 10, 24, 34, 38])
    return _f(middle_x), _f(middle_y), _f(half_x), _f(half_y)


def half_thorax(build: Build, z: Array, y: Array, x: Array, side: int) -> FloatArray:
    """Distance from the inner chest wall of one half (side -1 right, +1 left), negative inside. Reference mm."""
    middle_x, middle_y, half_x, half_y = thorax_profile(build, z)
    # The right half is the wider one.
    wider = 1.015 if side < 0 else 0.975
    a, b = np.maximum(half_x * wider, 2.0), np.maximum(half_y, 2.0)
    u, v = (side * x - middle_x) / a, (y - middle_y) / b
    # The front corner towards the side is rounder than the back one.
    power = 2.35
    value = (np.abs(u) ** power + np.abs(v) ** power) ** (1 / power)
    # First-order distance: the value over the length of its gradient.
    g = np.maximum(value, 0.05) ** (1 - power)
    slope = np.hypot(g * np.abs(u) ** (power - 1) / a, g * np.abs(v) ** (power - 1) / b)
    closed = np.maximum(2 - half_x, 0) * 1.2
    return _f((value - 1) / np.maximum(slope, 1 / 140) + closed)


def diaphragm(build: Build, y: Array, x: Array, side: int) -> FloatArray:
    """Height of one dome over each (y, x). Reference mm."""
    top = (build.dome_right_mm if side < 0 else build.dome_left_mm) + build.raised_mm
    u, v = (side * x - 60) / 69, (y + 3) / (88 * build.depth)
    steep = 1 + build.raised_mm / 120
    fall = 30 * np.clip(u, 0, None) ** 2.4 + 16 * np.clip(-u, 0, None) ** 2
    back = 60 * np.clip(v + 0.28, 0, None) ** 1.55
    front = 16 * np.clip(-v - 0.35, 0, None) ** 1.8
    return _f(top - steep * (fall + back + front) + build.tilt * v)


def mediastinum(build: Build, z: Array, y: Array, x: Array) -> FloatArray:
    """Distance from the border of all that lies between the lungs, negative inside. Reference mm."""
    parts = [
        heart(build, z, y, x),
        great_vessels(build, z, y, x),
        spine_body(build, z, y, x) - 2.0,
        _hila(z, y, x),
        _junctions(build, z, y, x),
    ]
    joined = parts[0]
    for part in parts[1:]:
        joined = _soft_union(joined, part, 7.0)
    return joined


def heart(build: Build, z: Array, y: Array, x: Array) -> FloatArray:
    """Distance from the heart's border, negative inside: left and right ventricle, both atria. Reference mm."""
    lift = 0.55 * build.raised_mm + (build.dome_left_mm - 72) * 0.6
    h = build.heart
    ventricles = _turned_ball(z, y, x, (103 + lift, -34, 25), (40 * h, 41 * h, 62 * h), 36.0)
    right_atrium = _ball(z, y, x, (112 + lift, -14, -22), (38 * h, 30 * h, 26 * h))
    left_atrium = _ball(z, y, x, (128 + lift, 10, 3), (25 * h, 20 * h, 36 * h))
    return _soft_union(_soft_union(ventricles, right_atrium, 12.0), left_atrium, 8.0)


def great_vessels(build: Build, z: Array, y: Array, x: Array) -> FloatArray:
    """Distance from the column above the heart (ascending aorta, superior vena cava, trachea) and from the
    descending aorta beside the spine. Reference mm."""
    u = np.clip((np.asarray(z, dtype=np.float32) - 130) / 110, 0, 1)
    middle_y = -20 + 28 * u
    wide, deep = 37 - 12 * u, 33 - 8 * u
    column = (np.sqrt((x / wide) ** 2 + ((y - middle_y) / deep) ** 2) - 1) * np.minimum(wide, deep)
    column = np.maximum(column, (125 - z) * 0.7)
    column = np.maximum(column, np.abs(z - 190) - 95)
    from_spine = np.hypot(x - 21, y - (spine_y(build, z) - 12)) - build.aorta_mm - 1.5
    descending = np.maximum(from_spine, z - 192)
    return _soft_union(_f(column), _f(descending), 6.0)


def spine_body(build: Build, z: Array, y: Array, x: Array) -> FloatArray:
    """Distance from the vertebral column with the muscles in its grooves, negative inside. Reference mm."""
    away = y - spine_y(build, z)
    body = (np.sqrt((x / 19) ** 2 + (away / 16) ** 2) - 1) * 16
    arch = (np.sqrt((x / 32) ** 2 + ((away - 34) / 20) ** 2) - 1) * 20
    return _soft_union(_f(body), _f(arch), 8.0)


def _hila(z: Array, y: Array, x: Array) -> FloatArray:
    right = _ball(z, y, x, (150, 8, -38), (24, 17, 15))
    left = _ball(z, y, x, (154, 10, 40), (22, 17, 14))
    return np.minimum(right, left)


def _junctions(build: Build, z: Array, y: Array, x: Array) -> FloatArray:
    """The sheets where the lungs meet: behind the sternum and before the spine. Reference mm."""
    low_and_high = 16 * smoothstep(190, 225, z) + 12 * smoothstep(118, 95, z)
    behind_sternum = 7 * smoothstep(-66, -86, y - 40 * smoothstep(120, 250, z))
    half = build.junction_mm + low_and_high + behind_sternum
    return _f(np.abs(x - 3 - 4 * smoothstep(150, 90, z)) - half)


def depth_below_pleura(build: Build, points_zyx: Array, side: int) -> FloatArray:
    """Depth of points [n, 3] inside one lung, negative outside, a little short below the diaphragm. Reference mm."""
    z, y, x = np.asarray(points_zyx, dtype=np.float32).T
    above = (z - diaphragm(build, y, x, side)) * 0.75
    walls = np.minimum(-half_thorax(build, z, y, x, side), mediastinum(build, z, y, x))
    return _f(np.minimum(walls, above))


def body(build: Build, z: Array, y: Array, x: Array) -> FloatArray:
    """Distance from the skin, negative inside. Reference mm, the skin's thickness not scaled."""
    u = np.asarray(z, dtype=np.float32) / HEIGHT_MM
    fat = build.fat_mm
    wide = 147 + 0.8 * fat + 26 * smoothstep(0.55, 1.05, u) - 4 * smoothstep(0.2, -0.3, u)
    forward = np.interp(u, [-0.4, 0, 0.35, 0.6, 0.8, 1, 1.2], [-106, -108, -108, -98, -78, -52, -40])
    front = forward * build.depth - fat * 0.8
    back = 112 + 0.6 * fat - 10 * smoothstep(0.9, 1.2, u)
    middle, deep = (front + back) / 2, (back - front) / 2
    power = 2.7
    value = (np.abs(x / wide) ** power + np.abs((y - middle) / deep) ** power) ** (1 / power)
    trunk = (value - 1) * np.minimum(wide, deep) * (1 + 0.25 * np.abs(x / wide))
    if build.breast_mm <= 0:
        return _f(trunk)
    size = build.breast_mm
    breast = _ball(z, y, np.abs(x), (98, -88 * build.depth - fat * 0.6, 95), (70, 22 + size, 62))
    return _soft_union(_f(trunk), breast, 26.0)


def trunk_muscle(build: Build, z: Array, y: Array, x: Array) -> FloatArray:
    """Distance from the outer border of muscle, negative inside. Reference mm."""
    return body(replace(build, breast_mm=0.0), z, y, x) + 2.0 + build.fat_mm * 0.8


def _ball(
    z: Array, y: Array, x: Array, middle: tuple[float, float, float], half: tuple[float, float, float]
) -> FloatArray:
    a = ((z - middle[0]) / half[0]) ** 2 + ((y - middle[1]) / half[1]) ** 2 + ((x - middle[2]) / half[2]) ** 2
    b = ((z - middle[0]) / half[0] ** 2) ** 2 + ((y - middle[1]) / half[1] ** 2) ** 2
    b = b + ((x - middle[2]) / half[2] ** 2) ** 2
    root = np.sqrt(a)
    return _f(root * (root - 1) / np.maximum(np.sqrt(b), 1e-4))


def _turned_ball(
    z: Array, y: Array, x: Array, middle: tuple[float, float, float], half: tuple[float, float, float], degrees: float
) -> FloatArray:
    """An ellipsoid whose long (x) axis is turned toward the front on the left, and down."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    along = c * (x - middle[2]) - s * (y - middle[1])
    across = s * (x - middle[2]) + c * (y - middle[1])
    height = z - middle[0] + 0.3 * along
    return _ball(height, across, along, (0, 0, 0), half)


def _soft_union(a: FloatArray, b: FloatArray, width_mm: float) -> FloatArray:
    """Union of two shapes with a rounded seam of about `width_mm`."""
    h = np.clip(width_mm - np.abs(a - b), 0, None) / width_mm
    return _f(np.minimum(a, b) - h * h * width_mm * 0.25)


def _f(value: Array) -> FloatArray:
    return np.asarray(value, dtype=np.float32)
