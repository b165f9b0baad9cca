"""Made-up values for tests of rooms that judge or print and never look at an image."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ssc_hrct.core.acquisition import Acquisition, SeriesKind
from ssc_hrct.core.extents import Extents
from ssc_hrct.core.findings import Finding, in_order
from ssc_hrct.core.grade import grade
from ssc_hrct.core.lungs import Ring, Zone
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.score import Score
from ssc_hrct.core.stats import ImageStats
from ssc_hrct.core.subject import read_visit

ILD = (Pattern.GROUND_GLASS, Pattern.RETICULATION, Pattern.HONEYCOMBING)
ZONE_VOXELS = 1000
SCORED_AT = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


def acquisition(**changed: Any) -> Acquisition:
    """A thin unenhanced supine chest CT."""
    facts: dict[str, Any] = {
        "study_instance_uid": "1.2.3", "series_instance_uid": "1.2.3.4", "modality": "CT", "kind": SeriesKind.AXIAL,
        "slices": 300, "slice_thickness_mm": 1.0, "slice_spacing_mm": 1.0, "pixel_spacing_mm": (0.7, 0.7),
        "kernel": "BONEPLUS", "kvp": 120.0, "manufacturer": "GE MEDICAL SYSTEMS", "model": "Made up",
        "contrast": False, "patient_position": "HFS", "scan_date": "2025-01-15",
    }
    return Acquisition(**facts | changed)


def stats(**changed: Any) -> ImageStats:
    facts: dict[str, Any] = {
        "lung_ml": 3000.0, "right_share": 0.55, "airways_ml": 40.0, "noise_hu": 20.0, "air_hu": -1000.0,
        "blood_hu": 40.0, "fwhm_mm": 1.0, "normal_mode_hu": -870.0, "normal_width_hu": 30.0, "normal_share": 0.9,
        "gravity_hu_per_mm": 0.1, "cut_off_percent": 0.0, "view_percent": 0.0, "low_density_percent": 1.0,
        "supine": True,
    }
    return ImageStats(**facts | changed)


def extents(diseased: Mapping[tuple[int, Pattern], int] | None = None, voxel_ml: float = 0.5) -> Extents:
    """Six zones of 1,000 voxels, all at -850 HU; diseased: voxels by zone and pattern, in the outer ring."""
    given = dict(diseased or {})
    counts = []
    for zone in Zone:
        rings = [[0] * len(Pattern) for _ in Ring]
        for pattern in Pattern:
            rings[0][pattern] = given.get((int(zone), pattern), 0)
        rings[0][Pattern.NORMAL] = ZONE_VOXELS - sum(rings[0])
        counts.append(tuple(tuple(ring) for ring in rings))
    lung = ZONE_VOXELS * len(Zone)
    return Extents(tuple(counts), (), voxel_ml, -850 * lung, ILD)


def a_score(
    *,
    subject: str = "0007",
    visit: str = "baseline",
    findings: tuple[Finding, ...] = (),
    facts: Acquisition | None = None,
    extents: Extents | str | None = "healthy",
    measured: ImageStats | str | None = "usual",
    version: str = "0.1.0",
    protocol_sha256: str = "a" * 64,
) -> Score:
    """A score; without more, of a healthy lung of 3,000 ml."""
    counted = _healthy() if isinstance(extents, str) else extents
    ild, fibrosis = (counted.ild_percent, counted.fibrosis_percent) if counted else (None, None)
    return Score(
        subject_id=subject, visit=read_visit(visit), acquisition=facts or acquisition(), findings=in_order(findings),
        extents=counted,
        severity=None if ild is None else grade(ild, (5, 10, 20)),
        fibrosis_severity=None if fibrosis is None else grade(fibrosis, (5, 10, 20)),
        stats=stats() if isinstance(measured, str) else measured,
        software_version=version, protocol_name="default-1", protocol_sha256=protocol_sha256, runtime_s=1.234,
        scored_at=SCORED_AT,
    )


def _healthy() -> Extents:
    return extents({(3, Pattern.GROUND_GLASS): 60})
