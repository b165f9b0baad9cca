"""In which slices the patient moved: doubled borders, and steps between slices.

In: a volume, its lungs, and block means of the lungs' box. Out: indices of the slices. A slice is doubled where the
upright borders of the lungs are less sharp, across or front to back, than in the slices around it; between two slices
is a step where they differ by far more than their neighbours do. Only what is unlike the slices beside it is found:
a scan that is blurred throughout is not, nor a heart that beats, nor a diaphragm that moves along z.

Both limits stand between clear scans (lidc-0001, lidc-0002, 4dlung-113, each also with noise of 30 and 60 HU, softer,
mirrored, thicker and less inflated, and six made-up chests) and motion written into them. Sharpness against the
slices around: 0.82 at least in the clear ones, 0.55 to 0.78 where 10 mm of slices became the mean of themselves and
themselves 2 to 4 mm aside (157 of 162 slices are told; the others are at a band's end in 4dlung-113, which is
blurred as a whole, or 2 mm aside in a chest with pixels of 1.5 mm). Step against the slices around: 1.17 at most in
the clear ones (the outermost slices aside), 1.2 to 4.3 where all above a slice was moved by 3 to 5 mm, told in 22
of 24. The second limit stands nearer to motion than to the clear scans: three real ones are few.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.grid import Grid
from ssc_hrct.core.volume import Volume
from ssc_hrct.measure.coarse import Blocks
from ssc_hrct.measure.shapes import Mask

SOFTER = 0.78
STEPPED = 1.45
LINE_MM = 3.0
"""Borders are looked at along lines this far apart."""
REACH_MM = 5.0
RISE_MM = 1.4
"""Sharpness is the largest rise over this length, as a part of the whole rise within REACH_MM."""
UPRIGHT_MM = 2.5
"""A border is upright where it stays in place so far above and below: oblique ones are soft without motion."""
LEAST_RISE_HU = 500.0
LEAST_BORDERS = 20
AROUND_MM = 25.0
STEP_AROUND_MM = 10.0
OUTERMOST = 0.1
"""This part of the lungs' height at either end changes from slice to slice as a step does."""
TIP = 0.06
"""This part of it at either end holds too little border."""
LEAST_LOOKED_AT = 0.5
"""Part of the slices between the tips whose borders are sharp and many enough to be judged: 0.93 to 1.0 in the clear
scans, thick slices of 5 mm and a made-up chest with 85 percent of ground glass, 0 in a chest blurred by 6 mm."""


def moved_slices(
    volume: Volume, regions_lung: Mask, box: tuple[slice, slice, slice], hu: NDArray[np.float32],
    lung: NDArray[np.float32], blocks: Blocks,
) -> tuple[int, ...] | None:
    """Slices of the volume with signs of motion, rising. None: no sign was seen, but too little could be looked at.

    regions_lung: lung on the box (slices of the full array); hu, lung: block means of the box, share of lung.
    """
    doubled, looked_at = _doubled(volume, regions_lung, box)
    stepped = _stepped(volume, box, hu, lung, blocks)
    found = doubled if stepped is None else doubled | stepped
    if not found.any() and (stepped is None or looked_at < LEAST_LOOKED_AT):
        return None
    return tuple(int(k) for k in np.flatnonzero(found))


def _doubled(volume: Volume, lung: Mask, box: tuple[slice, slice, slice]) -> tuple[NDArray[np.bool_], float]:
    """Slices whose borders are doubled; the part of the slices between the tips whose borders could be judged."""
    dz, dy, dx = volume.grid.spacing_mm
    rows, columns = max(1, round(LINE_MM / dy)), max(1, round(LINE_MM / dx))
    margin = round(REACH_MM / min(dy, dx)) + 1
    z = box[0]
    y, x = (slice(max(0, s.start - margin), min(n, s.stop + margin))
            for s, n in zip(box[1:], volume.grid.shape[1:], strict=True))
    wide = np.zeros((z.stop - z.start, y.stop - y.start, x.stop - x.start), np.bool_)
    wide[:, box[1].start - y.start : box[1].stop - y.start, box[2].start - x.start : box[2].stop - x.start] = lung
    hu = volume.hu[z, y, x]
    across = _sharpness(hu[:, ::rows], wide[:, ::rows], dx, dz)
    along = _sharpness(hu[:, :, ::columns].swapaxes(1, 2), wide[:, :, ::columns].swapaxes(1, 2), dy, dz)
    against = np.stack([_against(across, dz), _against(along, dz)])
    tip = int(np.ceil(TIP * against.shape[1]))
    against[:, :tip] = against[:, -tip:] = np.nan
    found = np.zeros(volume.grid.shape[0], np.bool_)
    found[z] = (against < SOFTER).any(axis=0)
    judged = int(np.count_nonzero(~np.isnan(against).all(axis=0)))
    return found, judged / max(1, against.shape[1] - 2 * tip)


def _sharpness(hu: NDArray[np.int16], lung: Mask, pixel_mm: float, slice_mm: float) -> NDArray[np.float64]:
    """Median sharpness of the upright borders in each slice, along the last axis; NaN where there are too few."""
    hu, lung = np.ascontiguousarray(hu), np.ascontiguousarray(lung)
    rise = max(1, round(RISE_MM / pixel_mm))
    reach = max(rise + 1, round(REACH_MM / pixel_mm))
    still = max(1, round(UPRIGHT_MM / slice_mm))
    out = np.full(len(hu), np.nan)
    if len(hu) <= 2 * still or hu.shape[2] <= 2 * reach + 1:
        return out
    edge = lung[:, :, 1:] != lung[:, :, :-1]
    edge[:, :, :reach] = edge[:, :, -reach:] = False
    edge[:still] = edge[-still:] = False
    at = np.flatnonzero(edge)
    line = at // edge.shape[2]
    at = at + line  # an edge is one shorter than its line
    inside, layer = lung.reshape(-1), lung.shape[1] * lung.shape[2]
    before, after = at - rise, at + 1 + rise
    upright = inside[before] != inside[after]
    for step in (-still * layer, still * layer):
        upright &= (inside[before + step] == inside[before]) & (inside[after + step] == inside[after])
    at, line = at[upright], line[upright]
    window = hu.reshape(-1)[at[:, None] + np.arange(-reach + 1, reach + 1)].clip(-1000, 100).astype(np.float32)
    whole = window.max(axis=1) - window.min(axis=1)
    steepest = np.abs(window[:, rise:] - window[:, :-rise]).max(axis=1)
    real = whole > LEAST_RISE_HU
    sharp, slices = steepest[real] / whole[real], line[real] // hu.shape[1]
    ends = np.searchsorted(slices, np.arange(len(hu) + 1))
    for k, (start, stop) in enumerate(pairwise(ends)):
        if stop - start >= LEAST_BORDERS:
            out[k] = float(np.median(sharp[start:stop]))
    return out


def _against(values: NDArray[np.float64], slice_mm: float) -> NDArray[np.float64]:
    """Each value against the median of those within AROUND_MM; NaN where it, or too much around it, is not known."""
    reach = max(2, round(AROUND_MM / slice_mm))
    out = np.full(len(values), np.nan)
    known = ~np.isnan(values)
    for k in np.flatnonzero(known):
        around = slice(max(0, k - reach), k + reach + 1)
        if np.count_nonzero(known[around]) >= 5:
            out[k] = values[k] / float(np.median(values[around][known[around]]))
    return out


def _stepped(
    volume: Volume, box: tuple[slice, slice, slice], hu: NDArray[np.float32], lung: NDArray[np.float32], blocks: Blocks
) -> NDArray[np.bool_] | None:
    """Slices on both sides of a step, told by the mean difference of neighbouring layers of blocks; None where there
    are too few layers.
    """
    found = np.zeros(volume.grid.shape[0], np.bool_)
    pairs = Blocks(Grid(blocks.shape, blocks.spacing_mm), (1, 2, 2))
    if min(pairs.shape) < 2:
        return None
    layers, used = pairs.mean(hu).clip(-1000, 50), pairs.mean(lung) > 0.2
    either = used[1:] | used[:-1]
    apart = (np.abs(layers[1:] - layers[:-1]) * either).sum(axis=(1, 2)) / np.maximum(either.sum(axis=(1, 2)), 1)
    reach = max(3, round(STEP_AROUND_MM / blocks.spacing_mm[0]))
    outermost = int(np.ceil(OUTERMOST * len(apart)))
    if len(apart) <= 2 * outermost:
        return None
    filled = [not uid for uid in volume.source.sop_instance_uids]
    for k in range(outermost, len(apart) - outermost):
        around = np.concatenate([apart[max(0, k - reach) : k + 1], apart[k + 1 : k + 1 + reach]])
        if apart[k] <= STEPPED * float(np.percentile(around, 75)):
            continue
        middle = box[0].start + (k + 1) * blocks.factors[0]
        both = slice(middle - 1, middle + 1)
        if not any(filled[max(0, middle - blocks.factors[0] - 1) : middle + blocks.factors[0] + 1]):
            found[both] = True
    return found
