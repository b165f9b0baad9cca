"""Means in balls of what lives on a mask alone: "of the thin tissue within 8 mm, how much is raised?"

In: a mask and block means on its coarse lattice. Out: ball means of a quantity divided by those of the mask, so that
what lies outside the mask neither adds nor dilutes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.measure.coarse import Blocks, ball_mean
from ssc_hrct.measure.shapes import Mask

FloatMap = NDArray[np.float32]
LEAST_WEIGHT = 1e-3
"""Where the ball holds less of the mask than this the share is near 0, not a quotient of rounding errors."""


class Shares:
    """Ball means of a quantity on a mask, divided by the mask's own; those are kept for each radius.

    mask: bool on the fine lattice, or its part of each voxel on the rough one. near: bool on the rough lattice, where
    shares are wanted; None: everywhere. weight: float32 [z, y, x], the mask's part of each voxel of the rough lattice.
    """

    def __init__(self, mask: Mask | FloatMap, rough: Blocks, near: Mask | None = None) -> None:
        self.weight: FloatMap = rough.mean(mask) if mask.dtype == np.bool_ else np.asarray(mask, np.float32)
        self._spacing_mm, self._near = rough.spacing_mm, near
        self._balls: dict[float, FloatMap] = {}

    def share(self, quantity: FloatMap, radius_mm: float) -> FloatMap:
        """[points], in the order of `near`; [z, y, x] without it. quantity: [z, y, x] on the rough lattice, 0 outside
        the mask.
        """
        if radius_mm not in self._balls:
            self._balls[radius_mm] = np.maximum(self._around(self.weight, radius_mm), LEAST_WEIGHT)
        return self._around(quantity, radius_mm) / self._balls[radius_mm]

    def _around(self, quantity: FloatMap, radius_mm: float) -> FloatMap:
        means = ball_mean(quantity, radius_mm, self._spacing_mm)
        return means if self._near is None else means[self._near]
