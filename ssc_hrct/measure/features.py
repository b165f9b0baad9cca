"""What the neighbourhood of each point in the lungs looks like, in numbers for a trained classifier.

In: volume, lungs and stats. Out: `Features`, one row per point of a lattice of about 3 mm. All densities are
relative to the patient's own normal lung at that height, seen at one resolution (about 1.8 mm) whatever the
scan's. A rim of one voxel under the pleura is left out of every share, and dense
strands (vessels) are counted apart, so that partial volume and vessels do not look like disease.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Lungs, Region
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.stats import FWHM_PER_SIGMA, ImageStats
from ssc_hrct.core.volume import LOWEST_HU, Volume
from ssc_hrct.measure.coarse import Blocks, ball_mean, blocks_of
from ssc_hrct.measure.shapes import Mask, bounds, distance_mm, shrink
from ssc_hrct.measure.shares import Shares
from ssc_hrct.measure.threads import side_by_side
from ssc_hrct.measure.zones import chest_wall_depth_mm

FloatMap = NDArray[np.float32]
_SIDES = (Region.RIGHT_LUNG, Region.LEFT_LUNG)

STRAND_HU = 420.0
"""Over own normal lung: vessels, thick walls and other dense strands."""
STRAND_PART = np.float32(0.15)
"""How much a strand counts among thin tissue: vessels (5 percent of normal lung) add under 1 percent, and lung that
is nearly solid is raised throughout."""
SOLID_MM = 8.0
SOLID_REACH_MM = 6.0
SOLID_SHARE = (0.6, 0.8)
"""Dense tissue counts whole where it fills a ball of so many mm by the second share, not at all by the first: in it a
vessel of 10 mm fills 0.62, one of 6 mm 0.30, a band of 8 mm 0.74, one of 12 mm 0.91 (`ball_mean`). Its rim lies within
the reach of such a place."""
RAISED = {60: (8,), 90: (5, 8, 12, 20), 150: (5, 8), 250: (8,)}
"""Over own normal lung by so many HU; in balls of so many mm."""
LOW_HU = -40.0
EMPTY_HU = -950.0
SIGHT_FWHM_MM = 1.8
USUAL_FWHM_MM = 1.3
FINE_Z_MM = 2.5
"""Slices are averaged to about this, so that scans of 0.6 to 3 mm look alike and partial volume is the same."""
USUAL_TISSUE_HU = 140.0
"""Own normal lung at full breath lies at most so far above -1000 HU. With 115, nets in made-up chests at 0.8 of full
breath were half missed."""
MOST_UNEVEN = 1.6
BESIDE_MM = (5, 8)
FAINTEST_TOP_HU = 80.0
"""Parts are of no less than this, so that noise in normal lung has no tops."""
HIGHEST_TOP_HU = 250.0
"""Tops over this are alike. Else the denser a ball was, the less of it was called: 82, 78, 74 percent at 250, 350 and
450 HU over normal lung."""
DEEPEST_MM = 30.0
RIDGE_HU = 50.0

NAMES = (
    "raised60_8", "raised90_5", "raised90_8", "raised90_12", "raised90_20", "raised150_5", "raised150_8",
    "raised250_8", "mean_5", "mean_8", "all_8", "strands_5", "strands_8", "strands_12",
    "low_5", "low_12", "empty_5", "cysts_8", "cysts_12",
    "roughness_5", "roughness_12", "ridge_5", "ridge_12", "valley_5",
    "energy_5", "least_5", "least_12", "round_5", "part_5", "part_8", "top_8", "depth_mm", "surface_mm",
)
"""Shares are 0 to 1 in balls of 5, 8, 12 or 20 mm: raised, of thin tissue over own normal lung by so many HU; strands;
low, emptier than normal lung; empty; cysts, the smaller of low and strands, which only walls with lumen between
them have both of; ridge and valley, off their 3 mm mean by RIDGE_HU. In HU: mean of thin tissue, mean of all,
roughness (SD about the 3 mm mean); energy and least in HU per mm (`_directions`), round their ratio; top, the
largest mean_5 within so many mm along each axis, and part, how much of it is reached here (`_beside`). Depths from the
chest wall (`chest_wall_depth_mm`) and from any surface, to DEEPEST_MM."""
IN_HU = ("mean", "all", "roughness", "energy", "least", "top")


@dataclass(frozen=True, slots=True)
class Features:
    """values: float32 [points, len(NAMES)], points = true voxels of `near` in array order.

    box: slices of the full array. blocks: the lattice over the box. near: lattice voxels that hold any lung.
    Bool [z, y, x]. share: float32 [z, y, x], the part of each lattice voxel that is lung.
    """

    box: tuple[slice, slice, slice]
    blocks: Blocks
    near: Mask
    share: FloatMap
    values: FloatMap


def features(volume: Volume, lungs: Lungs, stats: ImageStats, *, progress: Progress = SILENT) -> Features:
    """Rows for a classifier. The lungs hold at least one voxel."""
    view = _view(volume, lungs, stats)
    fine, rough = view.fine, _rough(view.fine)
    factors = [f * p for f, p in zip(fine.factors, rough.factors, strict=True)]
    blocks = Blocks(fine.full, (factors[0], factors[1], factors[2]))
    share = rough.mean(view.lung_share)
    near = share > 0
    inside, thins = Shares(view.inner, rough, near), Shares(view.thin, rough, near)
    progress.step("looking at neighbourhoods", 0, 2)
    maps, unevenness = side_by_side(
        lambda: _densities(view, rough, near, inside, thins),
        lambda: _textures(view, rough, inside, thins) | _directions(view, inside, rough),
        meanwhile=lambda: progress.step("looking at neighbourhoods", 0, 2),
    )
    progress.step("looking at neighbourhoods", 1, 2)
    maps |= unevenness
    maps |= _beside(maps["mean_5"], near, blocks)
    right, left = (_labelled(lungs.regions.labels[view.box], blocks, side) for side in _SIDES)
    depth = chest_wall_depth_mm(right, left, blocks.spacing_mm)
    maps["depth_mm"] = np.minimum(depth, DEEPEST_MM)[near]
    maps["surface_mm"] = np.minimum(distance_mm(share > 0.5, blocks.spacing_mm), DEEPEST_MM)[near]
    values = np.stack([in_steps(maps[name], name) for name in NAMES], axis=1)
    return Features(view.box, blocks, near, share, values)


@dataclass(frozen=True, slots=True)
class _View:
    """The scan at one sight, on the lattice `fine` of the box. Arrays [z, y, x].

    lung_share: part of each voxel that is lung; inner: lung without its rim; thin: of that, what is no strand.
    hu: density; over: the same over own normal lung, 0 outside the lungs.
    """

    box: tuple[slice, slice, slice]
    fine: Blocks
    lung_share: FloatMap
    inner: Mask
    thin: Mask
    hu: FloatMap
    over: FloatMap


def _view(volume: Volume, lungs: Lungs, stats: ImageStats) -> _View:
    regions = lungs.regions.labels
    margin = [round(12.0 / d) for d in volume.grid.spacing_mm]
    right, left = _SIDES
    box = bounds((regions == right) | (regions == left), margin)
    part = regions[box]
    fine = fine_blocks(Grid((part.shape[0], part.shape[1], part.shape[2]), volume.grid.spacing_mm))
    hu = _one_sight(fine.mean(np.maximum(volume.hu[box], LOWEST_HU)), fine, volume, stats)
    lung_share = fine.mean(((part == right) | (part == left)).view(np.uint8))
    lung = lung_share > 0.5
    inner = shrink(lung)
    over = np.where(lung, (hu - normal_hu(lung, stats, fine)) / _unevenness(stats), 0).astype(np.float32)
    return _View(box, fine, lung_share, inner, inner & (over < STRAND_HU), hu, over)


def _rough(fine: Blocks) -> Blocks:
    """Pairs along each axis that is finer than 2 mm: about 3 mm."""
    z, y, x = (2 if d < 2.0 else 1 for d in fine.spacing_mm)
    return Blocks(Grid(fine.shape, fine.spacing_mm), (z, y, x))


def _densities(view: _View, rough: Blocks, near: Mask, inside: Shares, thins: Shares) -> dict[str, FloatMap]:
    """How much is raised, dense or empty, and by how much."""
    over, inner, thin = view.over, view.inner, view.thin
    # Where all is dense, all is raised: solid tissue counts whole, strands a little.
    dense = inside.weight - thins.weight
    dense *= STRAND_PART + (1 - STRAND_PART) * _solid(dense, inside.weight, rough)
    mostly = Shares(thins.weight + dense, rough, near)
    maps: dict[str, FloatMap] = {}
    for level, radii in RAISED.items():
        raised = rough.mean((over > level) & thin) + dense
        for radius in radii:
            maps[f"raised{level}_{radius}"] = mostly.share(raised, radius)
    mean = rough.mean(np.where(thin, np.clip(over, -150, STRAND_HU), 0)) + np.float32(STRAND_HU) * dense
    maps["mean_5"], maps["mean_8"] = mostly.share(mean, 5), mostly.share(mean, 8)
    maps["all_8"] = inside.share(rough.mean(np.where(inner, np.clip(over, -150, 800), 0)), 8)
    for radius in (5, 8, 12):
        maps[f"strands_{radius}"] = np.clip(1 - inside.share(thins.weight, radius), 0, 1)
    low = rough.mean((over < LOW_HU) & inner)
    for radius in (5, 8, 12):
        maps[f"low_{radius}"] = inside.share(low, radius)
    for radius in (8, 12):
        maps[f"cysts_{radius}"] = np.minimum(maps[f"low_{radius}"], maps[f"strands_{radius}"])
    maps["empty_5"] = inside.share(rough.mean((view.hu < EMPTY_HU) & inner), 5)
    return maps


def _beside(mean: FloatMap, near: Mask, blocks: Blocks) -> dict[str, FloatMap]:
    """How dense the densest nearby is, and how much of that is reached here. A blurred edge lies where half of it is
    reached, however dense the inside: the denser it is, the further a fixed density would put the border outward."""
    own = np.zeros(near.shape, np.float32)
    own[near] = np.maximum(mean, 0)
    maps = {}
    for reach in BESIDE_MM:
        top = own
        for axis, d in enumerate(blocks.spacing_mm):
            top = top_along(top, axis, reach / d)
        maps[f"top_{reach}"] = np.minimum(top[near], np.float32(HIGHEST_TOP_HU))
        most = np.maximum(top[near], np.float32(FAINTEST_TOP_HU))
        maps[f"part_{reach}"] = np.asarray(own[near] / most, np.float32)
    return maps


def top_along(array: FloatMap, axis: int, reach: float) -> FloatMap:
    """The largest within so many voxels before and behind. Between whole numbers the two are blended, so that nothing
    jumps with the size of a pixel."""
    whole = int(reach)
    near, far = (ndimage.maximum_filter1d(array, 2 * n + 1, axis, mode="constant") for n in (whole, whole + 1))
    return np.asarray(near + np.float32(reach - whole) * (far - near), np.float32)


def _textures(view: _View, rough: Blocks, inside: Shares, thins: Shares) -> dict[str, FloatMap]:
    """How far density differs from its own mean over 3 mm."""
    over, thin, spacing = view.over, view.thin, view.fine.spacing_mm
    weight = np.maximum(ball_mean(thin.astype(np.float32), 3.0, spacing), 1e-3)
    smooth = ball_mean(np.where(thin, over, 0), 3.0, spacing) / weight
    apart = np.where(thin, over - smooth, 0)
    square = rough.mean(apart * apart)
    ridge = rough.mean(((over - smooth) > RIDGE_HU) & view.inner)
    maps = {f"roughness_{radius}": np.sqrt(np.maximum(thins.share(square, radius), 0)) for radius in (5, 12)}
    maps |= {f"ridge_{radius}": inside.share(ridge, radius) for radius in (5, 12)}
    maps["valley_5"] = inside.share(rough.mean(apart < -RIDGE_HU), 5)
    return maps


def _solid(dense: FloatMap, inside: FloatMap, rough: Blocks) -> FloatMap:
    """0 for strands to 1 for solid tissue, out to the rim of what is solid. Parts of each voxel of `rough`."""
    held = np.maximum(ball_mean(inside, SOLID_MM, rough.spacing_mm), 0.1)
    share = ball_mean(dense, SOLID_MM, rough.spacing_mm) / held
    low, high = SOLID_SHARE
    reach = [2 * round(SOLID_REACH_MM / d) + 1 for d in rough.spacing_mm]
    core = np.clip((share - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(ndimage.maximum_filter(core, reach, mode="constant"), np.float32)


def fine_blocks(grid: Grid) -> Blocks:
    """Blocks of about 1.5 mm in the plane and FINE_Z_MM along z."""
    plane = blocks_of(grid)
    along = min(grid.shape[0], max(1, round(FINE_Z_MM / grid.spacing_mm[0])))
    return Blocks(grid, (along, plane.factors[1], plane.factors[2]))


def _unevenness(stats: ImageStats) -> float:
    """How much more uneven normal lung is than at full breath: the less air, the more tissue in every voxel, and
    the larger its differences (tissue times volume is constant). The root of it, as a compromise:
    what disease adds does not grow with it."""
    tissue = (stats.normal_mode_hu + 1000.0) / USUAL_TISSUE_HU
    return float(np.clip(np.sqrt(max(tissue, 0.0)), 1.0, MOST_UNEVEN))


def in_steps(values: FloatMap, name: str) -> FloatMap:
    """Whole steps, far above the last bits in which processors may differ: a flip at a border becomes rare."""
    step = np.float32(0.1 if name.endswith(("_mm", "_hu")) or name.startswith(IN_HU) else 0.001)
    return np.asarray(np.rint(values / step) * step, np.float32)


def _labelled(part: NDArray[np.uint8], blocks: Blocks, region: Region) -> Mask:
    z, y, x = (f // 2 + f * np.arange(n) for f, n in zip(blocks.factors, blocks.shape, strict=True))
    return np.asarray(part[z][:, y][:, :, x] == region, np.bool_)


def _directions(view: _View, inside: Shares, rough: Blocks) -> dict[str, FloatMap]:
    """Structure tensor: how much density changes, and how much in the direction in which it changes least.

    Along a vessel nothing changes; across a net everything does.
    """
    gradients = []
    over, ok = np.clip(view.over, -150, STRAND_HU), shrink(view.inner)
    for axis, d in enumerate(view.fine.spacing_mm):
        g = np.zeros_like(over)
        lo, hi, mid = [slice(None)] * 3, [slice(None)] * 3, [slice(None)] * 3
        lo[axis], hi[axis], mid[axis] = slice(0, -2), slice(2, None), slice(1, -1)
        g[tuple(mid)] = (over[tuple(hi)] - over[tuple(lo)]) / np.float32(2 * d)
        gradients.append(np.where(ok, g, np.float32(0)))
    pairs = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]
    means = [rough.mean(gradients[a] * gradients[b]) for a, b in pairs]
    out = {}
    for radius in (5, 12):
        least, most, whole = _spread([inside.share(m, radius) for m in means])
        out[f"least_{radius}"] = least
        if radius == 5:
            out["energy_5"] = whole
            out["round_5"] = np.asarray(least / np.maximum(most, 1.0), np.float32)
    return out


def _spread(tensor: list[FloatMap]) -> tuple[FloatMap, FloatMap, FloatMap]:
    """Roots of the smallest and largest eigenvalue and of the trace of symmetric 3 x 3 tensors, given as their
    elements zz, yy, xx, zy, zx, yx (trigonometric solution: Smith, Commun ACM 1961;4:168)."""
    zz, yy, xx, zy, zx, yx = (t.astype(np.float64) for t in tensor)
    trace = zz + yy + xx
    mean = trace / 3
    a, b, c = zz - mean, yy - mean, xx - mean
    size = np.sqrt((a * a + b * b + c * c + 2 * (zy * zy + zx * zx + yx * yx)) / 6)
    determinant = a * (b * c - yx * yx) - zy * (zy * c - yx * zx) + zx * (zy * yx - b * zx)
    angle = np.arccos(np.clip(determinant / np.maximum(2 * size**3, 1e-9), -1, 1)) / 3
    most = mean + 2 * size * np.cos(angle)
    least = mean + 2 * size * np.cos(angle + 2 * np.pi / 3)
    smallest, largest, whole = (np.sqrt(np.maximum(v, 0)).astype(np.float32) for v in (least, most, trace))
    return smallest, largest, whole


def _one_sight(hu: FloatMap, fine: Blocks, volume: Volume, stats: ImageStats) -> FloatMap:
    """Blurred to about SIGHT_FWHM_MM along each axis, as far as it is sharper than that."""
    plane = stats.fwhm_mm if stats.fwhm_mm is not None else USUAL_FWHM_MM
    thickness = volume.acquisition.slice_thickness_mm or volume.grid.spacing_mm[0]
    wanted = (SIGHT_FWHM_MM / FWHM_PER_SIGMA) ** 2
    has = (thickness**2 / 12, (plane / FWHM_PER_SIGMA) ** 2, (plane / FWHM_PER_SIGMA) ** 2)
    for axis, (d, f, variance) in enumerate(zip(fine.spacing_mm, fine.factors, has, strict=True)):
        box = (d * d - (d / f) ** 2) / 12
        share = min(0.25, max(0.0, wanted - variance - box) / (2 * d * d))
        if share > 0.01:
            hu = _three(hu, axis, share)
    return hu


def _three(array: FloatMap, axis: int, share: float) -> FloatMap:
    """Weights share, 1 - 2 share, share along an axis; the ends are repeated."""
    moved = np.moveaxis(array, axis, 0)
    before = np.concatenate([moved[:1], moved[:-1]])
    after = np.concatenate([moved[1:], moved[-1:]])
    return np.moveaxis((1 - 2 * np.float32(share)) * moved + np.float32(share) * (before + after), 0, axis)


def normal_hu(lung: Mask, stats: ImageStats, blocks: Blocks) -> FloatMap:
    """Density of own normal lung by row, [1, y, 1]: the mode at mid height and gravity's gradient."""
    rows = np.flatnonzero(lung.any(axis=(0, 2)))
    middle = (rows[0] + rows[-1]) / 2
    y = (np.arange(lung.shape[1]) - middle) * blocks.spacing_mm[1]
    return np.asarray(stats.normal_mode_hu + stats.gravity_hu_per_mm * y, np.float32)[None, :, None]
