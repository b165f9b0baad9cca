"""A second look at what the first look of the trained engine said: where exactly does the territory end?

In: `Features` and the probability of abnormal at each point. Out: rows for a second, smaller model: what was said here
and around, how strongly at most nearby, and how much of the step in density from beside the territory to its inside is
reached here. A blurred border lies where half of the step is reached, however faint or dense the inside; a fixed
density puts it too far out or in. Stacking a model on the map of the one before: Tu and Bai, IEEE TPAMI 2010;32:1744
(auto-context); the step: Lankton and Tannenbaum, IEEE TIP 2008;17:2029 (means on both sides of a border).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.measure import features as first
from ssc_hrct.measure.coarse import ball_mean
from ssc_hrct.measure.features import Features, in_steps, top_along
from ssc_hrct.measure.shapes import Mask

FloatMap = NDArray[np.float32]

TOLD_MM = (4, 8, 16)
MOST_MM = 8
SIDES_MM = (10, 20)
ASKED_FROM = np.float32(0.12)
"""Only where within MOST_MM so much was said is it asked again; the rest stays far below any limit."""
SURE = 4
"""Sides are means weighted by probability to this power, so that what is unsure counts to neither."""
LEAST_STEP_HU = np.float32(40.0)
KEPT = ("mean_5", "part_8", "all_8", "strands_5", "depth_mm", "surface_mm")
NAMES = (
    "odds", *(f"told_{r}" for r in TOLD_MM), "most", "part_of_most", "inside_hu", "beside_hu",
    *(f"step_{r}" for r in SIDES_MM), *KEPT,
)
"""odds: natural logarithm of the odds here; told: mean probability in balls of so many mm; most: the largest within
MOST_MM along each axis, and part_of_most how much of it is said here; inside_hu, beside_hu: mean of `mean_5` on the two
sides of the border within SIDES_MM[0]; step: how much of the way from beside (0) to inside (1) `mean_5` is here. The
rest are features of the first look."""
RISING = ("odds", "told_4", "part_of_most", *(f"step_{r}" for r in SIDES_MM), "mean_5", "part_8", "all_8", "strands_5")
"""With these abnormal can only become likelier."""


@dataclass(frozen=True, slots=True)
class SecondLook:
    """asked: bool [points of `Features.near`]; values: float32 [points that are asked, len(NAMES)]."""

    asked: Mask
    values: FloatMap


def second_look(seen: Features, probability: FloatMap) -> SecondLook:
    """Rows for the second model. probability: float32 [points], what the first look said."""
    near, share, spacing = seen.near, seen.share, seen.blocks.spacing_mm
    told = np.zeros(near.shape, np.float32)
    told[near] = in_steps(probability, "told")
    most = told
    for axis, d in enumerate(spacing):
        most = top_along(most, axis, MOST_MM / d)
    asked = most[near] > ASKED_FROM
    where = near.copy()
    where[near] = asked
    here = np.clip(told[where], 1e-3, 1 - 1e-3)
    mean = np.zeros(near.shape, np.float32)
    mean[near] = seen.values[:, first.NAMES.index("mean_5")]
    maps = {"odds": np.log(here / (1 - here)), "most": most[where],
            "part_of_most": told[where] / np.maximum(most[where], np.float32(0.05))}
    for radius in TOLD_MM:
        held = ball_mean(share, radius, spacing)[where]
        maps[f"told_{radius}"] = ball_mean(told * share, radius, spacing)[where] / np.maximum(held, 1e-3)
    inside, beside = share * told**SURE, share * (1 - told) ** SURE
    for radius in SIDES_MM:
        ends = []
        for weight in (inside, beside):
            held = ball_mean(weight, radius, spacing)[where]
            ends.append(ball_mean(weight * mean, radius, spacing)[where] / np.maximum(held, 1e-4))
        step = np.maximum(ends[0] - ends[1], LEAST_STEP_HU)
        maps[f"step_{radius}"] = np.clip((mean[where] - ends[1]) / step, -1, 2)
        if radius == SIDES_MM[0]:
            maps["inside_hu"], maps["beside_hu"] = ends
    maps |= {name: seen.values[asked, first.NAMES.index(name)] for name in KEPT}
    return SecondLook(asked, np.stack([in_steps(maps[name], name) for name in NAMES], axis=1))
