"""Where disease lies: fields over the lungs, cut at the quantile that gives the asked extent.

The territory is what a reader would outline: smooth-edged, following lobules on part of its border, without crumbs.
Truth is counted on the fine grid, so that the percent is exact to the voxel.
"""

from __future__ import annotations

from dataclasses import dataclass

import cc3d
import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.morphology import convex_hull_image

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Region, both_lungs
from ssc_hrct.phantom.lattice import FloatArray, Lattice, lattice_over, smooth_noise, smoothstep
from ssc_hrct.phantom.spec import Distribution

BoolArray = NDArray[np.bool_]
SMALLEST_ISLAND_ML = 0.4
LOBULE_MM = 17.0


@dataclass(frozen=True, slots=True)
class LungFrame:
    """The lungs' box and what is known of each place in it, on a coarse lattice.

    box: slices of the whole grid. grid: of the box. lung: bool on the lattice. pleura_mm: depth from chest wall and
    diaphragm. height: 0 lowest to 1 highest. back: 0 front to 1 back. bundle_mm: distance from larger vessels.
    """

    box: tuple[slice, slice, slice]
    grid: Grid
    lattice: Lattice
    lung: BoolArray
    right: BoolArray
    pleura_mm: FloatArray
    height: FloatArray
    back: FloatArray
    bundle_mm: FloatArray


def lung_frame(hu: NDArray[np.generic], grid: Grid, regions: NDArray[np.uint8], step_mm: float = 2.2) -> LungFrame:
    """Measure the lungs of any volume. hu: [z, y, x]; regions: `Region`, at least one voxel of lung."""
    lung = both_lungs(regions)
    box = _box(lung, grid, 8.0)
    origin = grid.to_lps_mm(tuple(float(s.start) for s in box))
    shape = tuple(s.stop - s.start for s in box)
    inner = Grid(shape, grid.spacing_mm, tuple(float(v) for v in origin))  # type: ignore[arg-type]
    lattice = lattice_over(inner, max(step_mm, 1.3 * grid.spacing_mm[1]))
    here = np.ix_(*(_nearest(nodes, fine) for nodes, fine in _axes(lattice)))
    labels = regions[box][here]
    coarse = both_lungs(labels)
    dense = ndimage.gaussian_filter(np.asarray(hu[box][here], dtype=np.float32), 0.5) > -520
    heart_side = ndimage.binary_erosion(coarse, iterations=2)
    bundle = edt.edt(~(dense & heart_side), anisotropy=(lattice.step_mm,) * 3, parallel=1)
    z = lattice.z[np.flatnonzero(coarse.any(axis=(1, 2)))[[0, -1]]]
    y = lattice.y[np.flatnonzero(coarse.any(axis=(0, 2)))[[0, -1]]]
    nodes_z, nodes_y, _ = lattice.nodes()
    return LungFrame(
        box, inner, lattice, coarse, labels == Region.RIGHT_LUNG, _depth(coarse, lattice.step_mm),
        np.asarray(np.broadcast_to((nodes_z - z[0]) / max(float(z[1] - z[0]), 1.0), lattice.shape)),
        np.asarray(np.broadcast_to((nodes_y - y[0]) / max(float(y[1] - y[0]), 1.0), lattice.shape)),
        np.asarray(bundle, dtype=np.float32),
    )


def _axes(lattice: Lattice) -> list[tuple[FloatArray, FloatArray]]:
    return [(lattice.z, lattice.fine_z), (lattice.y, lattice.fine_y), (lattice.x, lattice.fine_x)]


def _nearest(nodes: FloatArray, fine: FloatArray) -> NDArray[np.intp]:
    step = float(fine[1] - fine[0]) if len(fine) > 1 else 1.0
    place = np.clip(np.rint((nodes - fine[0]) / step), 0, len(fine) - 1)
    return np.asarray(place, dtype=np.intp)


def _box(mask: BoolArray, grid: Grid, margin_mm: float) -> tuple[slice, slice, slice]:
    parts = []
    for axis in range(3):
        others = tuple(i for i in range(3) if i != axis)
        seen = np.flatnonzero(mask.any(axis=others))
        pad = int(np.ceil(margin_mm / grid.spacing_mm[axis]))
        parts.append(slice(max(0, int(seen[0]) - pad), min(mask.shape[axis], int(seen[-1]) + pad + 1)))
    return parts[0], parts[1], parts[2]


def _depth(lung: BoolArray, step_mm: float) -> FloatArray:
    """Depth in mm from the chest wall and the diaphragm; the mediastinal surface does not count.

    The chest wall is where a slice's convex hull of both lungs ends; the diaphragm where the surface looks down.
    """
    hull = np.zeros_like(lung)
    for k in range(len(lung)):
        if lung[k].any():
            hull[k] = convex_hull_image(lung[k])
    outside = ~hull
    near_wall = edt.edt(hull, anisotropy=(step_mm,) * 3, parallel=1) <= 7.0
    soft = ndimage.gaussian_filter(lung.astype(np.float32), 1.5)
    slope = np.gradient(soft)
    size = np.sqrt(slope[0] ** 2 + slope[1] ** 2 + slope[2] ** 2) + 1e-6
    below = (slope[0] / size > 0.5) & ~lung
    wall = outside | (~lung & (near_wall | below))
    return np.asarray(edt.edt(~wall, anisotropy=(step_mm,) * 3, parallel=1), dtype=np.float32)


def field(
    frame: LungFrame, distribution: Distribution, asymmetry: float, rng: np.random.Generator
) -> FloatArray:
    """How soon each place is diseased as the extent grows; higher is sooner. asymmetry: -1 all right to 1 all left."""
    lattice = frame.lattice
    shape, step = lattice.shape, lattice.step_mm
    basal = 1 / (1 + np.exp((frame.height - rng.uniform(0.3, 0.45)) / 0.13))
    slow = smooth_noise(rng, shape, step, float(rng.uniform(28, 55)))
    quick = smooth_noise(rng, shape, step, 12)
    depth = frame.pleura_mm
    if distribution is Distribution.UIP:
        p = np.exp(-depth / 11) * (0.15 + basal) * (1 + 0.3 * smoothstep(0.5, 0.9, frame.back))
        p = np.log(p + 1e-4) + 0.55 * slow + 0.12 * quick
    elif distribution is Distribution.NSIP:
        rim = float(rng.choice([0.0, 2.5, 4.5]))
        band = smoothstep(rim - 1, rim + 1.5, depth) * np.exp(-np.clip(depth - 18, 0, None) / 16) if rim else np.exp(
            -np.clip(depth - 8, 0, None) / 18
        )
        p = np.log(band * (0.05 + basal) * (1 + 0.6 * smoothstep(0.4, 0.9, frame.back)) + 1e-4)
        p = p + 0.35 * slow + 0.1 * quick
    elif distribution is Distribution.PATCHY:
        p = slow + 0.45 * smooth_noise(rng, shape, step, 20) + 0.15 * quick + 0.4 * basal
    else:
        p = -frame.bundle_mm / 8 + 0.8 * slow + 0.15 * quick + 0.5 * basal
    p = np.asarray(p + 0.45 * _lobules(frame, rng), dtype=np.float32)
    return np.asarray(p + np.where(frame.right, -asymmetry, asymmetry), dtype=np.float32)


def _lobules(frame: LungFrame, rng: np.random.Generator) -> FloatArray:
    """A level per lobule (Voronoi cells of about 17 mm), SD 1, near and in the lungs."""
    lattice = frame.lattice
    seeds = jittered(rng, lattice, LOBULE_MM, 0.45)
    level = rng.standard_normal(len(seeds)).astype(np.float32)
    near = ndimage.binary_dilation(frame.lung, iterations=3)
    index = np.argwhere(near).astype(np.float32)
    start = np.array([lattice.z[0], lattice.y[0], lattice.x[0]], dtype=np.float32)
    points = start + index * np.float32(lattice.step_mm)
    out = np.zeros(lattice.shape, dtype=np.float32)
    out[near] = level[cKDTree(seeds, balanced_tree=False, compact_nodes=False).query(points, workers=1)[1]]
    return out


def jittered(rng: np.random.Generator, lattice: Lattice, spacing_mm: float, jitter: float) -> FloatArray:
    """Points of a jittered cubic lattice that covers a coarse one and 1.5 cells more on each side."""
    axes = [
        np.arange(nodes[0] - 1.5 * spacing_mm, nodes[-1] + 1.6 * spacing_mm, spacing_mm)
        for nodes in (lattice.z, lattice.y, lattice.x)
    ]
    mesh = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    return np.asarray(mesh + rng.uniform(-jitter, jitter, mesh.shape) * spacing_mm, dtype=np.float32)


def outline(frame: LungFrame, p: FloatArray, percent: float) -> FloatArray:
    """Signed distance in mm from the border of the territory (positive inside) on the lattice, crumbs removed."""
    level = float(np.quantile(p[frame.lung], 1 - percent / 100))
    near = ndimage.binary_dilation(frame.lung, iterations=3)
    inside = (p > level) & near
    step = frame.lattice.step_mm
    least = max(2, int(SMALLEST_ISLAND_ML * 1000 / step**3))
    in_lung = np.asarray(cc3d.dust(inside & frame.lung, threshold=least, connectivity=6)).astype(bool)
    inside &= ndimage.binary_dilation(in_lung, iterations=3)
    holes = ~inside & frame.lung
    filled = holes & ~np.asarray(cc3d.dust(holes, threshold=least, connectivity=6)).astype(bool)
    inside |= filled
    away = edt.sdf(inside, anisotropy=(step,) * 3, parallel=1) if inside.any() else np.full(p.shape, -20.0)
    soft = ndimage.gaussian_filter(np.clip(away, -20, 20).astype(np.float32), 0.75)
    # A far-reaching order keeps the quantile on the fine grid well defined.
    return np.asarray(soft + 0.05 * np.clip(p - level, -8, 8), dtype=np.float32)


def marked_nodes(lattice: Lattice, where: BoolArray) -> BoolArray:
    """The nodes that lie nearest to any true voxel of `where` [z, y, x] of the box."""
    marked = np.zeros(lattice.shape, dtype=bool)
    near = [np.rint((fine - nodes[0]) / lattice.step_mm).astype(np.intp) for nodes, fine in _axes(lattice)]
    for k in range(len(where)):
        y, x = np.nonzero(where[k])
        marked[near[0][k], near[1][y], near[2][x]] = True
    return marked


def counted_voxels(frame: LungFrame, lung: BoolArray, every: int) -> BoolArray:
    """Which voxels of lung count for a percent: of each run of `every` planes of the whole grid the middle one."""
    planes = np.zeros(len(lung), dtype=bool)
    planes[(every // 2 - frame.box[0].start) % every :: every] = True
    return np.asarray(np.broadcast_to(planes[:, None, None], lung.shape)[lung])


def fine_values(frame: LungFrame, coarse: FloatArray, where: BoolArray) -> FloatArray:
    """Values of a coarse field at the true voxels of `where` [z, y, x] of the box, in array order."""
    parts = [frame.lattice.up(coarse, k)[where[k]] for k in range(len(where))]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)


def cut(values: FloatArray, counted: BoolArray, wanted: int) -> BoolArray:
    """The highest values, so many that `wanted` of the counted ones are among them (ties by order)."""
    total = int(counted.sum())
    if wanted <= 0 or total == 0:
        return np.zeros(values.shape, dtype=bool)
    if wanted >= total:
        return np.ones(values.shape, dtype=bool)
    level = np.partition(values[counted], total - wanted)[total - wanted]
    return np.asarray(values >= level)
