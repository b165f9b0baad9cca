"""Where disease lies for the renderer "sheets": smooth random fields on slopes of depth and height, cut at a level.

The lobules and signed distances of the other renderer are not used; what both share stands in docs/method.md, 5. A
border fades by its own field's slope: wide where the field is flat. Truth is counted on the fine grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import cc3d
import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ssc_hrct.core.patterns import Pattern
from ssc_hrct.phantom.lattice import FloatArray, smooth_noise, smoothstep
from ssc_hrct.phantom.spec import DiseaseSpec, Distribution
from ssc_hrct.phantom.territory import BoolArray, LungFrame, cut, fine_values, marked_nodes

WIDEST_FADE_MM = 4.0
_FAR_MM = -20.0
_LEAST_ISLAND_ML = 0.5


@dataclass(frozen=True, slots=True)
class Spread:
    """labels: `Pattern` per voxel of the box. The rest lies on the lattice, in mm from a border, positive inside:
    ild, net (reticulation against ground glass), comb, dense (consolidation), holes (emphysema); None where there
    is none of it. soft_mm: half the width over which the border of `ild` fades.
    """

    labels: NDArray[np.uint8]
    ild: FloatArray
    soft_mm: FloatArray
    net: FloatArray | None
    comb: FloatArray | None
    dense: FloatArray | None
    holes: FloatArray | None


def spread_over(
    frame: LungFrame, lung: BoolArray, counted: BoolArray, spec: DiseaseSpec, rng: np.random.Generator
) -> Spread:
    """Lay disease over the lungs. lung: bool [z, y, x] of the box; counted: per voxel of lung, whether it counts
    for the percent."""
    total = int(counted.sum())
    slope = _slopes(frame, potential(frame, spec.distribution, spec.asymmetry, rng))
    away, flat = slope
    away = _without_islands(frame, away, spec.extent_percent)
    values = fine_values(frame, away, lung)
    ild = cut(values, counted, round(total * spec.extent_percent / 100))
    away = away - np.float32(values[ild].min() if ild.any() else -_FAR_MM)
    kinds = np.where(ild, np.uint8(Pattern.GROUND_GLASS), np.uint8(Pattern.NORMAL)).astype(np.uint8)
    labels = np.zeros(lung.shape, dtype=np.uint8)
    labels[lung] = kinds
    net, comb = _parted(frame, labels, counted[ild], spec, rng)
    beside = [
        _beside(frame, lung, labels, counted, pattern, percent, rng)
        for pattern, percent in (
            (Pattern.CONSOLIDATION, spec.consolidation_percent), (Pattern.EMPHYSEMA, spec.emphysema_percent),
        )
    ]
    # Faint ground glass fades over less, so that hardly any of it is fainter than what is called ground glass.
    widest = min(WIDEST_FADE_MM, max(0.4, 20 * (spec.density - 0.1)))
    soft_mm = np.clip(float(rng.uniform(0.8, 3.2)) * flat, 0.4, widest)
    ild_labels = (labels > Pattern.NORMAL) & (labels < Pattern.CONSOLIDATION)
    return Spread(
        labels, _near(frame, ild_labels, away), np.asarray(soft_mm, dtype=np.float32), net, comb, beside[0], beside[1]
    )


def potential(
    frame: LungFrame, distribution: Distribution, asymmetry: float, rng: np.random.Generator
) -> FloatArray:
    """How soon each place of the lattice falls ill; higher is sooner. asymmetry: -1 all right to 1 all left."""
    depth, height, back = frame.pleura_mm, frame.height, frame.back

    def noise(low_mm: float, high_mm: float) -> FloatArray:
        return smooth_noise(rng, frame.lattice.shape, frame.lattice.step_mm, float(rng.uniform(low_mm, high_mm)))

    if distribution is Distribution.UIP:
        p = -depth / rng.uniform(6, 10) - rng.uniform(1.5, 3.0) * height + 0.5 * back
        p = p + 0.9 * noise(26, 42) + 0.35 * noise(12, 18)
    elif distribution is Distribution.NSIP:
        middle = float(rng.uniform(6, 13))
        spared = bool(rng.random() < 0.5)
        out = np.clip(middle - depth, 0, None) / (rng.uniform(0.35, 0.6) * middle) if spared else 0.0
        within = np.clip(depth - middle, 0, None) / rng.uniform(12, 20)
        p = -0.5 * (np.square(out) + within**2) - rng.uniform(1.8, 2.8) * smoothstep(0.1, 0.8, height)
        p = p + 0.5 * back + 0.4 * noise(36, 60) + 0.2 * noise(14, 22)
    elif distribution is Distribution.PATCHY:
        # The union of two fields: patches that meet.
        p = np.logaddexp(2.5 * noise(30, 60), 2.5 * noise(24, 40)) / 2.5 + 0.3 * noise(12, 18) - 0.3 * height
    else:
        p = -np.sqrt((frame.bundle_mm + 6) / rng.uniform(1.5, 3)) - np.clip(6 - depth, 0, None) / 6 - 0.6 * height
        p = p + 0.6 * noise(28, 48) + 0.25 * noise(12, 16)
    return np.asarray(p + 2.5 * np.where(frame.right, -asymmetry, asymmetry), dtype=np.float32)


def _slopes(frame: LungFrame, p: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A field as mm from where it is nought, to first order, and how flat it is (1 is usual)."""
    square = np.zeros_like(p)
    for part in np.gradient(p, frame.lattice.step_mm):
        square += np.asarray(part, dtype=np.float32) ** 2
    steep = np.sqrt(ndimage.gaussian_filter(square, 1.5))
    usual = float(np.median(steep[frame.lung]))
    level = float(np.median(p[frame.lung]))
    return np.asarray((p - level) / usual, dtype=np.float32), np.asarray(usual / (steep + 0.2 * usual))


def _without_islands(frame: LungFrame, away: FloatArray, percent: float) -> FloatArray:
    """The same field, sunk where it would make islands too small for a reader to outline."""
    level = float(np.quantile(away[frame.lung], 1 - min(percent, 99.0) / 100))
    inside = (away > level) & frame.lung
    least = max(2, int(_LEAST_ISLAND_ML * 1000 / frame.lattice.step_mm**3))
    small = inside & ~np.asarray(cc3d.dust(inside, threshold=least, connectivity=6)).astype(bool)
    if not small.any():
        return away
    sunk = ndimage.binary_dilation(small, iterations=1) & (small | ~inside)
    return np.where(sunk, np.minimum(away, np.float32(level - 6)), away)


def _near(frame: LungFrame, where: BoolArray, away: FloatArray) -> FloatArray:
    """The field, far outside wherever no voxel of `where` is within reach of a fading border."""
    marked = marked_nodes(frame.lattice, where)
    if not marked.any():
        return np.full_like(away, _FAR_MM)
    far = edt.edt(~marked, anisotropy=(frame.lattice.step_mm,) * 3, parallel=1)
    return np.where(far > WIDEST_FADE_MM, np.float32(_FAR_MM), away).astype(np.float32)


def _parted(
    frame: LungFrame, labels: NDArray[np.uint8], counted: BoolArray, spec: DiseaseSpec, rng: np.random.Generator
) -> tuple[FloatArray | None, FloatArray | None]:
    """Share the territory: honeycombing in layers under the pleura, nets where one more field is high, the rest
    ground glass. Fills `labels`; gives the two fields in mm from their borders."""
    shape, step = frame.lattice.shape, frame.lattice.step_mm
    glass, net, comb = (share / sum(spec.shares) for share in spec.shares)
    layers_mm = float(rng.uniform(1, 4)) * (spec.cyst_mm or 6.0)
    order_comb = -np.clip(frame.pleura_mm - layers_mm, -3, None) / 4 - 1.5 * frame.height + 0.4 * frame.back
    order_comb = order_comb + 0.6 * smooth_noise(rng, shape, step, 20)
    by_depth = float(rng.uniform(0, 1)) if spec.distribution is not Distribution.UIP else float(rng.uniform(0.7, 1))
    order_net = by_depth * (-frame.pleura_mm / 9 - 1.2 * frame.height)
    order_net = order_net + (1.3 - by_depth) * smooth_noise(rng, shape, step, float(rng.uniform(18, 34)))
    order_net = order_net + 0.3 * smooth_noise(rng, shape, step, 12)
    ild = labels == Pattern.GROUND_GLASS
    kinds = labels[ild]
    total = int(counted.sum())
    found: list[FloatArray | None] = []
    free = np.ones(len(kinds), dtype=bool)
    for order, share, pattern in (
        (order_comb, comb, Pattern.HONEYCOMBING), (order_net, net if glass > 0 else 1 - comb, Pattern.RETICULATION),
    ):
        wanted = min(round(total * share), int((free & counted).sum()))
        if wanted <= 0:
            found.append(None)
            continue
        away = _slopes(frame, np.asarray(order, dtype=np.float32))[0]
        values = fine_values(frame, away, ild)
        chosen = free.copy()
        chosen[free] = cut(values[free], counted[free], wanted)
        kinds[chosen] = pattern
        free &= ~chosen
        all_of_it = wanted == total
        found.append(np.full_like(away, -_FAR_MM) if all_of_it else away - np.float32(values[chosen].min()))
    labels[ild] = kinds
    return found[1], found[0]


def _beside(
    frame: LungFrame, lung: BoolArray, labels: NDArray[np.uint8], counted: BoolArray, pattern: Pattern,
    percent: float, rng: np.random.Generator,
) -> FloatArray | None:
    """Put consolidation or emphysema into what is still normal. Fills `labels`; mm from its border."""
    wanted = round(int(counted.sum()) * percent / 100)
    if wanted <= 0:
        return None
    shape, step = frame.lattice.shape, frame.lattice.step_mm
    if pattern is Pattern.CONSOLIDATION:
        p = smooth_noise(rng, shape, step, float(rng.uniform(24, 40))) + 0.5 * smooth_noise(rng, shape, step, 12)
        p = p + 0.5 * frame.back - 0.5 * frame.height
    else:
        clusters = smooth_noise(rng, shape, step, float(rng.uniform(30, 50)))
        p = 1.5 * smooth_noise(rng, shape, step, float(rng.uniform(7, 12))) + 1.2 * clusters + 1.5 * frame.height
    away = _slopes(frame, np.asarray(p, dtype=np.float32))[0]
    free = labels[lung] == Pattern.NORMAL
    values = fine_values(frame, away, lung)[free]
    chosen = free.copy()
    chosen[free] = cut(values, counted[free], wanted)
    kinds = labels[lung]
    kinds[chosen] = pattern
    labels[lung] = kinds
    level = values[chosen[free]].min() if chosen.any() else np.float32(-_FAR_MM)
    return _near(frame, labels == pattern, away - np.float32(level))
