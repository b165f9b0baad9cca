"""A made-up chest with its maps and a score counted on them; core values alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np

from ssc_hrct.core.acquisition import Acquisition, SeriesKind
from ssc_hrct.core.extents import Extents
from ssc_hrct.core.findings import Finding, in_order
from ssc_hrct.core.grade import grade, stability
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.intervals import Interval
from ssc_hrct.core.lungs import Region, Ring, Zone
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.score import Score
from ssc_hrct.core.subject import read_visit
from ssc_hrct.core.volume import PADDING_HU, SourceFrames, Volume

SHAPE = (40, 96, 128)
SPACING_MM = (7.0, 3.2, 2.8)
ILD = (Pattern.GROUND_GLASS, Pattern.RETICULATION, Pattern.HONEYCOMBING)
BOUNDS = (5.0, 10.0, 20.0)


def facts(series_uid: str = "1.2.3.1", **changes: Any) -> Acquisition:
    known: dict[str, Any] = {
        "study_instance_uid": "1.2.3", "series_instance_uid": series_uid, "modality": "CT", "kind": SeriesKind.AXIAL,
        "slices": SHAPE[0], "rows": SHAPE[1], "columns": SHAPE[2], "slice_thickness_mm": 1.25,
        "slice_spacing_mm": 1.25, "kernel": "BONEPLUS", "scan_date": "2024-03-02", "contrast": False,
    }
    return Acquisition(**(known | changes))


@dataclass(frozen=True)
class Chest:
    volume: Volume
    regions: np.ndarray
    patterns: np.ndarray
    zones: np.ndarray


def chest(acquisition: Acquisition | None = None) -> Chest:
    """Two ellipsoid lungs in an ellipse of tissue, outside a round field nothing; disease at the left base."""
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
    hu = np.full(SHAPE, -1000, dtype=np.int16)
    hu[(x / 0.95) ** 2 + (y / 0.8) ** 2 < 1] = 40
    hu[x**2 + y**2 > 1.35] = PADDING_HU
    right = ((x + 0.42) / 0.3) ** 2 + (y / 0.55) ** 2 + (z / 0.9) ** 2 < 1
    left = ((x - 0.42) / 0.3) ** 2 + (y / 0.55) ** 2 + (z / 0.9) ** 2 < 1
    regions = np.zeros(SHAPE, dtype=np.uint8)
    regions[right], regions[left] = Region.RIGHT_LUNG, Region.LEFT_LUNG
    trachea = (x / 0.06) ** 2 + ((y + 0.1) / 0.08) ** 2 < 1
    regions[trachea & (z > 0.1)] = Region.AIRWAYS
    hu[right | left] = -860
    hu[regions == Region.AIRWAYS] = -1000
    patterns = np.where(right | left, np.uint8(Pattern.NORMAL), np.uint8(0))
    patterns[left & (z < -0.5) & (y > 0.1)] = Pattern.GROUND_GLASS
    patterns[left & (z < -0.6) & (y > 0.3)] = Pattern.RETICULATION
    patterns[right & (z > 0.7)] = Pattern.EMPHYSEMA
    hu[patterns == Pattern.GROUND_GLASS] = -650
    zones = np.zeros(SHAPE, dtype=np.uint8)
    for lung, first in ((right, Zone.RIGHT_UPPER), (left, Zone.LEFT_UPPER)):
        zones[lung] = first + np.where(z[lung] > 0.25, 0, np.where(z[lung] > -0.25, 1, 2))
    grid = Grid(SHAPE, SPACING_MM, (-179.0, -153.0, -300.0))
    source = SourceFrames(tuple(f"1.2.3.4.{i}" for i in range(SHAPE[0])), "1.2.3.9")
    return Chest(Volume(hu, grid, acquisition or facts(), source), regions, patterns, zones)


def score_of(made: Chest, subject_id: str, visit: str, findings: tuple[Finding, ...] = ()) -> Score:
    """A score counted on the made-up maps."""
    lung = made.zones > 0
    counts = tuple(
        tuple(tuple(int(((made.zones == z) & (made.patterns == p)).sum()) if r is Ring.TO_10_MM else 0
                    for p in Pattern) for r in Ring) for z in Zone
    )
    slices = tuple(tuple(int((made.patterns[z][lung[z]] == p).sum()) for p in Pattern) for z in range(SHAPE[0]))
    extents = Extents(counts, slices, made.volume.grid.voxel_ml, int(made.volume.hu[lung].sum(dtype=np.int64)), ILD)
    ild, fibrosis = extents.ild_percent or Decimal(0), extents.fibrosis_percent or Decimal(0)
    return Score(
        subject_id, read_visit(visit), made.volume.acquisition, in_order(findings), extents, grade(ild, BOUNDS),
        grade(fibrosis, BOUNDS), None, "0.0", "made-up-1", "0" * 64, 1.5, datetime(2026, 1, 31, 9, 30, tzinfo=UTC),
        ild_interval=_around(ild, 1.2), fibrosis_interval=_around(fibrosis, 1.5),
        severity_stability=stability(ild, _around(ild, 1.2), BOUNDS),
    )


def _around(percent: Decimal, points: float) -> Interval:
    return Interval(max(float(percent) - points, 0.0), float(percent) + 1.5 * points)
