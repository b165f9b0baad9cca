"""The cheap engine: rules on neighbourhoods, no trained model. The baseline that any model must beat.

Territory first (abnormal or not), then its parts: the split never moves the total. Hazy and netted
lung is where most of the thin tissue within 8 mm lies over own normal lung; honeycombing is where
dense walls and empty lumen stand together near the chest wall (science.md 3.1, 10).

Each limit was chosen on composites of throw-away disease in lidc-0001 and lidc-0002 (12 cases, 4 to
33 percent; mean absolute error 1.9 points, clear scans 1.2 and 1.5 percent); docs/decisions.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.lungs import Lungs, Region
from ssc_hrct.core.patterns import PATTERN_NAMES, Pattern, Patterns
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.stats import ImageStats
from ssc_hrct.core.volume import LabelMap, Volume
from ssc_hrct.measure.coarse import ball_mean
from ssc_hrct.measure.neighbourhoods import DENSE_HU, EMPTY_HU, Neighbourhoods, neighbourhoods
from ssc_hrct.measure.shapes import Mask, dilate, open_ball, without_small

NAME = "cheap-1"
RAISED_8_SHARE = 0.50
RAISED_5_SHARE = 0.55
CYST_STRANDS_SHARE = 0.20
CYST_LUMEN_SHARE = 0.04
CYST_RAISED_SHARE = 0.25
CYST_DEPTH_MM = 20.0
NET_ROUGHNESS_HU = 50.0
"""Beyond the roughness that noise gives normal lung: ground glass lies below, nets above."""
DENSE_RADIUS_MM = 5.0
"""Consolidation holds a ball of this radius; intrapulmonary vessels do not."""
EMPTY_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class CheapEngine:
    """A `PatternClassifier`. Islands under smallest_island_ml go, gaps under largest_gap_ml fill."""

    smallest_island_ml: float
    largest_gap_ml: float

    def classify(
        self, volume: Volume, lungs: Lungs, stats: ImageStats, *, progress: Progress = SILENT
    ) -> Patterns:
        """Labels of `Pattern` on the volume's grid."""
        around = neighbourhoods(volume, lungs, stats, progress=progress)
        progress.step("deciding patterns", 0, 1)
        coarse = self._decide(around, stats)
        labels = np.zeros(volume.grid.shape, np.uint8)
        _write_labels(labels[around.box], lungs.regions.labels[around.box], coarse, around)
        return Patterns(LabelMap(labels, volume.grid, PATTERN_NAMES), NAME)

    def _decide(self, around: Neighbourhoods, stats: ImageStats) -> NDArray[np.uint8]:
        """Pattern per voxel of the coarse lattice."""
        voxel_ml = around.blocks.voxel_ml
        hazy = (around.raised_8 >= RAISED_8_SHARE) & (around.raised_5 >= RAISED_5_SHARE)
        cysts = (
            (around.strands_8 >= CYST_STRANDS_SHARE)
            & (around.low_5 >= CYST_LUMEN_SHARE)
            & (around.raised_8 >= CYST_RAISED_SHARE)
            & (around.depth_mm < CYST_DEPTH_MM)
        )
        dense = _dense(around)
        smallest = max(1, round(self.smallest_island_ml / voxel_ml))
        abnormal = without_small((hazy | cysts | dense) & around.near, smallest)
        gaps = around.near & ~abnormal
        abnormal |= gaps & ~without_small(gaps, max(1, round(self.largest_gap_ml / voxel_ml)))

        noise_hu = min(stats.normal_width_hu, NET_ROUGHNESS_HU)
        netted = around.roughness_hu > np.hypot(NET_ROUGHNESS_HU, noise_hu)
        labels = np.where(around.near, np.uint8(Pattern.NORMAL), np.uint8(Pattern.OUTSIDE))
        labels[_empty(around) & around.near] = Pattern.EMPHYSEMA
        labels[abnormal] = Pattern.GROUND_GLASS
        labels[abnormal & dense] = Pattern.CONSOLIDATION
        labels[abnormal & netted & ~dense] = Pattern.RETICULATION
        labels[abnormal & cysts] = Pattern.HONEYCOMBING
        return labels


def _dense(around: Neighbourhoods) -> Mask:
    """Solid lung: denser than DENSE_HU through a ball, grown back by the blurred border."""
    solid = open_ball((around.hu > DENSE_HU) & around.lung, DENSE_RADIUS_MM, around.blocks.spacing_mm)
    if not solid.any():
        return solid
    return dilate(solid, 1.01 * max(around.blocks.spacing_mm), around.blocks.spacing_mm) & around.near


def _empty(around: Neighbourhoods) -> Mask:
    """Emphysema: most of the neighbourhood is emptier than lung can be."""
    empty = ((around.hu < EMPTY_HU) & around.lung).astype(np.float32)
    lung = np.maximum(ball_mean(around.lung.astype(np.float32), 5.0, around.blocks.spacing_mm), 1e-3)
    return ball_mean(empty, 5.0, around.blocks.spacing_mm) / lung >= EMPTY_SHARE


def _write_labels(
    labels: NDArray[np.uint8], regions: NDArray[np.uint8], coarse: NDArray[np.uint8], around: Neighbourhoods
) -> None:
    """The coarse labels on the full grid, within the lungs."""
    for z in range(0, labels.shape[0], 32):
        stop = min(z + 32, labels.shape[0])
        lung = (regions[z:stop] == Region.RIGHT_LUNG) | (regions[z:stop] == Region.LEFT_LUNG)
        found = np.maximum(around.blocks.repeat(coarse, z, stop), Pattern.NORMAL)
        labels[z:stop] = np.where(lung, found, Pattern.OUTSIDE)
