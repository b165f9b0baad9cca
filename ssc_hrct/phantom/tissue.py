"""From shapes to HU, one plane at a time: body, bones, organs, lungs, bronchi and vessels, before any blur."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ssc_hrct.core.lungs import Region
from ssc_hrct.phantom import anatomy
from ssc_hrct.phantom.anatomy import Build
from ssc_hrct.phantom.lattice import FloatArray, Lattice, smooth_noise, smoothstep
from ssc_hrct.phantom.structures import Structures, horizontal_height, oblique_height

AIR, FAT, MUSCLE, LIVER, HEART, SKIN = -1000.0, -100.0, 52.0, 60.0, 42.0, 30.0
_GRAIN_MM, _FINE_HU = 0.8, 15.0
CORTEX, MARROW, CARTILAGE, VESSEL, WALL = 700.0, 190.0, 110.0, 40.0, 20.0


class Tissue:
    """Coarse fields of one chest and the recipe that turns them into planes."""

    def __init__(
        self, build: Build, lattice: Lattice, rng: np.random.Generator, inspiration: float, contrast: bool,
        dependent: bool,
    ) -> None:
        self._build, self._lattice = build, lattice
        sz, sy, sx = build.scale
        z, y, x = (node / s for node, s in zip(lattice.nodes(), build.scale, strict=True))
        mean = np.float32((sz * sy * sx) ** (1 / 3))
        self._body = anatomy.body(build, z, y, x) * mean
        self._muscle = anatomy.trunk_muscle(build, z, y, x) * mean
        self._chest = tuple(anatomy.half_thorax(build, z, y, x, side) * mean for side in (-1, 1))
        self._between = anatomy.mediastinum(build, z, y, x) * mean
        self._heart = anatomy.heart(build, z, y, x) * mean
        self._y, self._x = lattice.fine_y[:, None] / sy, lattice.fine_x[None, :] / sx
        self._dome, self._steep = [], []
        dy, dx = self._y[1, 0] - self._y[0, 0], self._x[0, 1] - self._x[0, 0]
        for side in (-1, 1):
            dome = anatomy.diaphragm(build, self._y, self._x, side)
            gy, gx = np.gradient(dome, float(dy), float(dx))
            self._dome.append(dome)
            self._steep.append(np.asarray(1 / np.sqrt(1 + gy**2 + gx**2), dtype=np.float32))
        self._blood = float(rng.uniform(260, 380)) if contrast else float(rng.uniform(36, 48))
        self._mode = float(rng.uniform(-888, -852))
        self._gravity = float(rng.uniform(20, 40))
        self._inspiration = inspiration
        band = float(rng.choice([0.0, 40.0, 80.0, 130.0])) if dependent else 0.0
        self._band = band + (300 * (1 - inspiration) if dependent else 0.0)
        self._band_mm = float(rng.uniform(2.5, 5.0)) / inspiration**2
        shape, step = lattice.shape, lattice.step_mm
        self._texture = 7 * smooth_noise(rng, shape, step, 5) + 6 * smooth_noise(rng, shape, step, 12)
        self._texture += 5 * smooth_noise(rng, shape, step, 45)
        self._fine = _fine_texture(rng, max(1.0, float(lattice.fine_x[1] - lattice.fine_x[0])))
        self._soft_texture = smooth_noise(rng, shape, step, 9)
        self._gap = float(rng.uniform(3, 14))
        self._couch_bend = float(rng.choice([0.0, 0.0005, 0.0008]))
        self._stomach = float(rng.uniform(0.4, 1.0))
        self._empty = self._table()

    def plane(self, k: int, painted: Structures) -> tuple[FloatArray, NDArray[np.uint8]]:
        """HU and `Region` of plane `k` [y, x]."""
        lattice = self._lattice
        z = float(lattice.fine_z[k]) / self._build.scale[0]
        width = np.float32(lattice.fine_x[1] - lattice.fine_x[0])
        up = lattice.up
        body, muscle = up(self._body, k), up(self._muscle, k)
        between, heart = up(self._between, k), up(self._heart, k)
        sides = [up(field, k) for field in self._chest]
        soft = up(self._soft_texture, k)
        hu = self._empty.copy()
        _over(hu, _inside(body, width), SKIN)
        _over(hu, _inside(body + 1.8, width), FAT + 6 * soft)
        wall = np.minimum(sides[0], sides[1])
        layers = np.minimum(muscle, wall - 9)
        _over(hu, _inside(np.maximum(layers, body + 3), width), MUSCLE + 5 * soft)
        # Fat between the layers of muscle, thicker in places.
        planes = np.minimum(np.abs(muscle + 10), np.abs(wall - 11)) - 0.9 - 0.8 * soft
        _over(hu, _inside(np.maximum(planes, 9 - wall), width) * _inside(muscle, width), FAT)
        if z < max(float(self._dome[0].max()), float(self._dome[1].max())) + 3:
            self._abdomen(hu, z, wall, width, soft)
        cover = [
            _inside(np.maximum(np.maximum(sides[i], -between), (self._dome[i] - z) * self._steep[i]), width)
            for i in range(2)
        ]
        above = np.minimum(self._dome[0], self._dome[1]) - z
        filled = np.maximum(np.maximum(between, wall - 6), above)
        _over(hu, _inside(np.asarray(filled, dtype=np.float32), width), FAT + 6 * soft)
        _over(hu, _inside(np.maximum(heart, _below_all(self._dome, z)), width), HEART + (self._blood - 40) * 0.9)
        self._spine(hu, z, width)
        self._paint_outside(hu, painted, k)
        lung_hu = self._parenchyma(z, k, sides)
        self._fissures(lung_hu, z, width, soft)
        vessel = _share(painted.lung_vessel[k])
        _over(lung_hu, vessel, VESSEL if self._blood < 100 else self._blood * 0.9)
        both = np.clip(cover[0] + cover[1], 0, 1)
        _over(hu, both, lung_hu)
        outside = 1 - both
        _over(hu, vessel * outside * (between < 12), VESSEL if self._blood < 100 else self._blood * 0.9)
        _over(hu, _share(painted.airway_wall[k]), WALL)
        _over(hu, _share(painted.airway_air[k]), -995.0)
        regions = np.zeros(hu.shape, dtype=np.uint8)
        regions[cover[0] >= 0.5] = Region.RIGHT_LUNG
        regions[(cover[1] >= 0.5) & (cover[1] > cover[0])] = Region.LEFT_LUNG
        regions[painted.large_airways[k] >= 128] = Region.AIRWAYS
        return hu, regions

    def _parenchyma(self, z: float, k: int, sides: list[FloatArray]) -> FloatArray:
        """HU of lung without what runs through it."""
        v = self._inspiration
        share = (self._mode + 1000) / v + self._gravity / v**2 * (self._y - 5) / 170 * self._build.scale[1]
        texture = self._lattice.up(self._texture, k) + self._fine_plane(k)
        hu = share * (1 + texture / 130) - 1000
        if self._band > 0:
            _, middle_y, _, half_y = anatomy.thorax_profile(self._build, np.array(z))
            back = smoothstep(0.35, 0.8, (self._y - middle_y) / max(float(half_y), 10.0))
            deep = np.clip(-np.minimum(sides[0], sides[1]), 0, None)
            hu = hu + self._band * back * np.exp(-deep / self._band_mm) * (1 + 0.02 * texture)
        return np.asarray(np.clip(hu, -980, 0), dtype=np.float32)

    def _fine_plane(self, k: int) -> FloatArray:
        """Unresolved septa and vessels of plane `k`, from a block that repeats every 56 mm."""
        z, y, x = (
            np.rint(at / _GRAIN_MM).astype(np.intp) % len(self._fine)
            for at in (self._lattice.fine_z[k : k + 1], self._lattice.fine_y, self._lattice.fine_x)
        )
        return np.asarray(np.take(self._fine[z[0]][y], x, axis=1))

    def _fissures(self, hu: FloatArray, z: float, width: np.float32, soft: FloatArray) -> None:
        """Sheets about 0.8 mm thick between the lobes."""
        y, x = self._y, self._x
        thick = 0.7
        faint = 0.5 * smoothstep(-0.9, 0.3, soft)
        for side in (-1, 1):
            away = (z - oblique_height(self._build, y, x, side)) * 0.7
            here = (side * x > 0).astype(np.float32)
            _over(hu, _sheet(away, thick, width) * here * faint, -350.0)
        before = (z > oblique_height(self._build, y, x, -1)) & (x < 0)
        _over(hu, _sheet(z - horizontal_height(self._build, y, x), thick, width) * before * faint, -350.0)

    def _abdomen(self, hu: FloatArray, z: float, wall: FloatArray, width: np.float32, soft: FloatArray) -> None:
        """What lies under the domes: fat, liver, spleen, stomach with its gas bubble in front."""
        y, x = self._y, self._x
        right = np.maximum(wall, (z - self._dome[0]) * self._steep[0] + 0.5)
        left = np.maximum(wall, (z - self._dome[1]) * self._steep[1] + 0.5)
        roof = np.minimum(right, left)
        _over(hu, _inside(roof, width), MUSCLE)
        _over(hu, _inside(roof + 3, width), FAT + 6 * soft)
        reach = 18 - 0.35 * (y + 60) + 0.2 * z
        liver = np.maximum(np.minimum(right, left) + 2.5, x - reach)
        liver = np.maximum(liver, y - 74)
        _over(hu, _inside(np.asarray(liver, dtype=np.float32), width), LIVER + 3 * soft)
        top = float(self._build.dome_left_mm + self._build.raised_mm)
        spleen = (np.sqrt(((z - top + 55) / 48) ** 2 + ((y - 42) / 38) ** 2 + ((x - 86) / 34) ** 2) - 1) * 34
        _over(hu, _inside(np.maximum(spleen, left + 3).astype(np.float32), width), 50.0)
        size = self._stomach
        ball = np.sqrt(((z - top + 42) / (38 * size)) ** 2 + ((y + 16) / 42) ** 2 + ((x - 62) / 30) ** 2)
        stomach = np.maximum((ball - 1) * 30 * size, left + 4).astype(np.float32)
        _over(hu, _inside(stomach, width), 35.0)
        gas = np.maximum(stomach + 3.5, y + 26 - 12 * size).astype(np.float32)
        _over(hu, _inside(gas, width), -990.0)

    def _spine(self, hu: FloatArray, z: float, width: np.float32) -> None:
        """Vertebral bodies and discs, the canal with its cord."""
        middle = float(anatomy.spine_y(self._build, np.array(z)))
        rows = _within(self._y[:, 0], middle - 20, middle + 36)
        columns = _within(self._x[0], -24, 24)
        hu = hu[rows, columns]
        x, away = self._x[:, columns], self._y[rows] - middle
        phase = (280 - z) / 22.5 - 0.4 * self._build.rib_phase
        gap = abs(phase - np.floor(phase) - 0.5) * 2
        disc = gap > 0.78
        waist = 1 - 0.07 * (1 - gap)
        body = ((np.sqrt((x / (17 * waist)) ** 2 + (away / (13.5 * waist)) ** 2) - 1) * 13.5).astype(np.float32)
        _over(hu, _inside(body, width), 90.0 if disc else CORTEX * 0.75)
        _over(hu, _inside(body + 1.3, width), 90.0 if disc else MARROW)
        canal = (np.hypot(x / 1.2, away - 21) - 8).astype(np.float32)
        _over(hu, _inside(canal, width), 15.0)
        _over(hu, _inside(canal + 4, width), 40.0)

    def _paint_outside(self, hu: FloatArray, painted: Structures, k: int) -> None:
        _over(hu, _share(painted.soft[k]), 40.0)
        _over(hu, _share(painted.blood[k]), self._blood)
        _over(hu, _share(painted.cartilage[k]), CARTILAGE)
        _over(hu, _share(painted.bone[k]), CORTEX)
        _over(hu, _share(painted.marrow[k]), MARROW)
        _over(hu, _share(painted.gas[k]), -985.0)

    def _table(self) -> FloatArray:
        """A couch, flat or curved, below the back and parted from it by air: two hard shells, foam between."""
        width = np.float32(self._lattice.fine_x[1] - self._lattice.fine_x[0])
        hu = np.full((len(self._lattice.fine_y), len(self._lattice.fine_x)), AIR, dtype=np.float32)
        lowest = 112 + 0.6 * self._build.fat_mm
        y, x = self._y * self._build.scale[1], self._x * self._build.scale[2]
        arch = y - (lowest * self._build.scale[1] + self._gap) + self._couch_bend * x**2
        edge = np.abs(x) - 215
        _over(hu, _inside(np.maximum(np.maximum(-arch, arch - 28), edge).astype(np.float32), width), -940.0)
        for at in (0.6, 28.0):
            _over(hu, _inside(np.maximum(np.abs(arch - at) - 0.9, edge).astype(np.float32), width), 40.0)
        return hu


def _fine_texture(rng: np.random.Generator, voxel_mm: float) -> FloatArray:
    """A block of noise of about 2 mm grain, in HU at normal density; less where voxels average over it."""
    block = ndimage.gaussian_filter(rng.standard_normal((70, 70, 70), dtype=np.float32), 1.0, mode="wrap")
    return np.asarray(_FINE_HU / voxel_mm * block / block.std(), dtype=np.float32)


def _below_all(domes: list[FloatArray], z: float) -> FloatArray:
    return np.asarray(np.maximum(domes[0], domes[1]) - z - 12, dtype=np.float32)


def _within(places: FloatArray, low: float, high: float) -> slice:
    first, last = np.searchsorted(places, [low, high])
    return slice(int(first), int(last))


def _inside(distance: FloatArray, width: np.float32) -> FloatArray:
    """Share of a voxel inside a surface from the distance of its centre."""
    return np.asarray(np.clip(np.float32(0.5) - distance / width, 0, 1), dtype=np.float32)


def _sheet(away: FloatArray, thick: float, width: np.float32) -> FloatArray:
    """Share of a voxel inside a thin sheet from the distance to its middle."""
    return np.asarray(
        np.clip((thick + width) / 2 - np.abs(away), 0, min(thick, float(width))) / width, dtype=np.float32
    )


def _share(cover: NDArray[np.uint8]) -> FloatArray:
    return cover * np.float32(1 / 255)


def _over(hu: FloatArray, share: NDArray[np.floating], value: NDArray[np.floating] | float) -> None:
    """Lay a tissue over what is there. Changes `hu`."""
    hu += share * (value - hu)
