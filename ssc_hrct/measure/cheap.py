"""The cheap engine: rules on neighbourhoods, no trained model. The baseline that any model must beat.

Territory first (abnormal or not), then its parts: the split never moves the territory. Hazy lung is where
most of the thin tissue within 8 mm lies over own normal lung; nets on normal background are where over
a third of it does, near the chest wall and over centilitres; honeycombing is where dense walls and
empty lumen stand together near the chest wall.

Each limit was chosen on development cases: disease of two renderers written into lidc-0001 and
lidc-0002, and made-up chests; docs/decisions.md, 9 and 12, has what was tried and how well it did.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.lungs import Lungs, Ring
from ssc_hrct.core.patterns import Pattern, Patterns
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.stats import ImageStats
from ssc_hrct.core.volume import Volume
from ssc_hrct.measure.coarse import ball_mean
from ssc_hrct.measure.labels import label_map, territory
from ssc_hrct.measure.neighbourhoods import Neighbourhoods, neighbourhoods
from ssc_hrct.measure.shapes import Mask, close_ball, fill_gaps, grow, without_small

HAZY_8_SHARE = 0.53
HAZY_5_SHARE = 0.66
NET_12_SHARE = 0.34
NET_8_SHARE = 0.32
NET_ISLAND_ML = 5.0
"""Nets on normal background fill lung by the centilitre; crossing vessels do not."""
CYST_STRANDS_SHARE = 0.12
CYST_LUMEN_SHARE = 0.02
CYST_RAISED_SHARE = 0.20
CLOSING_MM = 4.5
"""A reader outlines the ill lobules, not each mesh; chosen with the limits of nets (docs/decisions.md, 12)."""
ROUGHER = 1.5
"""Hazy lung that is rougher than own normal lung's median by this factor is netted."""
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
        coarse = self._decide(around)
        labels = label_map(
            lungs.regions.labels, volume.grid, around.box, around.blocks, coarse, territory(coarse).astype(np.float32),
            limit=0.5, smallest_island_ml=self.smallest_island_ml,
        )
        return Patterns(labels)

    def _decide(self, around: Neighbourhoods) -> NDArray[np.uint8]:
        """Pattern per voxel of the rough lattice, 0 far from the lungs."""
        voxel_ml = around.blocks.voxel_ml
        hazy = (around.raised_8 >= HAZY_8_SHARE) & (around.raised_5 >= HAZY_5_SHARE)
        peripheral = (around.depth > 0) & (around.depth < Ring.OVER_20_MM)
        cysts = (
            (around.strands_8 >= CYST_STRANDS_SHARE)
            & (around.low_5 >= CYST_LUMEN_SHARE)
            & (around.raised_8 >= CYST_RAISED_SHARE)
            & peripheral
        )
        smallest = max(1, round(self.smallest_island_ml / voxel_ml))
        abnormal = without_small((hazy | cysts | around.solid) & around.near, smallest)
        smooth = hazy & (around.roughness_hu <= ROUGHER * _usual_roughness_hu(around, hazy))
        nets = _nets(around, grow(smooth)) & peripheral
        nets = without_small(nets, max(smallest, round(NET_ISLAND_ML / voxel_ml)))
        abnormal = close_ball(abnormal | nets, CLOSING_MM, around.blocks.spacing_mm) & around.near
        abnormal = fill_gaps(abnormal, around.near, max(1, round(self.largest_gap_ml / voxel_ml)))

        netted = (around.roughness_hu > ROUGHER * _usual_roughness_hu(around, abnormal)) | nets
        labels = np.where(around.near, np.uint8(Pattern.NORMAL), np.uint8(Pattern.OUTSIDE))
        labels[(around.empty_5 >= EMPTY_SHARE) & around.near] = Pattern.EMPHYSEMA
        labels[abnormal] = Pattern.GROUND_GLASS
        labels[abnormal & around.solid] = Pattern.CONSOLIDATION
        labels[abnormal & netted & ~around.solid] = Pattern.RETICULATION
        labels[abnormal & cysts] = Pattern.HONEYCOMBING
        return labels


def _usual_roughness_hu(around: Neighbourhoods, abnormal: Mask) -> float:
    """Median roughness of own lung outside the abnormal; of all of it where nothing is left."""
    calm = around.middle & ~abnormal
    return float(np.median(around.roughness_hu[calm if calm.any() else around.middle]))


def _nets(around: Neighbourhoods, smooth: Mask) -> Mask:
    """Where raised lines are dense. Smooth haze is left out of the shares, so that it casts no halo."""
    spacing = around.blocks.spacing_mm
    thin, raised = np.where(smooth, 0, around.thin), np.where(smooth, 0, around.raised)
    wide, near = (
        ball_mean(raised, radius_mm, spacing) / np.maximum(ball_mean(thin, radius_mm, spacing), 1e-2)
        for radius_mm in (12.0, 8.0)
    )
    return (wide >= NET_12_SHARE) & (near >= NET_8_SHARE) & ~smooth
