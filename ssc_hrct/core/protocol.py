"""The protocol: grade bounds, limits of fitness, visit windows. Every number carries its id and hash.

Read from JSON (the bytes come in from `app/assets.py`); the hash is of the canonical JSON.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.patterns import Pattern


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of fitness to score and to compare; docs/protocol.md says what each decides."""

    thin_mm: float
    thick_refused_mm: float
    gap_allowed_mm: float
    hole_allowed_mm: float
    fewest_slices: int
    tilt_allowed_degrees: float
    oblique_allowed_degrees: float
    pixel_small_mm: float
    pixel_large_mm: float
    pixel_refused_mm: float
    air_hu: float
    air_caution_hu: float
    air_refused_hu: float
    blood_low_hu: float
    blood_high_hu: float
    contrast_blood_hu: float
    kvp_low: float
    kvp_high: float
    noise_caution_hu: float
    noise_refused_hu: float
    normal_mode_high_hu: float
    volume_refused_ml: float
    volume_low_ml: float
    volume_high_ml: float
    right_share_low: float
    right_share_high: float
    airways_low_ml: float
    airway_leak_ml: float
    cut_off_caution_percent: float
    cut_off_refused_percent: float
    view_refused_percent: float
    low_density_percent: float
    windpipe_bow_mm: float
    motion_slices: int
    parts_most: int
    holes_ml: float
    step_share: float
    missed_ml: float
    out_of_range_percent: float
    given_overlap_low: float
    given_uncovered_caution_percent: float
    given_uncovered_refused_percent: float
    consolidation_caution_percent: float
    normal_share_low: float
    pair_volume_caution_percent: float
    pair_volume_refused_percent: float
    pair_thickness_caution_mm: float
    pair_thickness_refused_mm: float
    pair_sharpness_percent: float
    pair_hu: float


@dataclass(frozen=True, slots=True)
class VisitWindow:
    """A follow-up between so many weeks after baseline (both included) is `visit`."""

    visit: str
    from_weeks: float
    to_weeks: float


@dataclass(frozen=True, slots=True)
class Protocol:
    """One protocol. Bounds are the upper ends of minimal, mild and moderate, included."""

    id: str
    version: int
    sha256: str
    severity_bounds: tuple[float, float, float]
    fibrosis_severity_bounds: tuple[float, float, float]
    ild_patterns: tuple[Pattern, ...]
    smallest_island_ml: float
    largest_gap_ml: float
    limits: Limits
    visit_windows: tuple[VisitWindow, ...]

    @property
    def name(self) -> str:
        """Id with version, as rows carry it: default-1."""
        return f"{self.id}-{self.version}"


def canonical_sha256(content: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON (sorted keys, no spaces, UTF-8)."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def read_protocol(data: bytes) -> Protocol:
    """A protocol from its JSON. Raises HrctError(BAD_PROTOCOL) naming what is wrong."""
    try:
        content = json.loads(data)
        bounds = _bounds(content["severity_bounds"])
        fibrosis = _bounds(content["fibrosis_severity_bounds"])
        limits_given = content["limits"]
        unknown = set(limits_given) - {f.name for f in fields(Limits)}
        if unknown:
            raise ValueError(f"unknown limits {sorted(unknown)}")
        return Protocol(
            id=str(content["id"]),
            version=int(content["version"]),
            sha256=canonical_sha256(content),
            severity_bounds=bounds,
            fibrosis_severity_bounds=fibrosis,
            ild_patterns=tuple(Pattern[name.upper()] for name in content["ild_patterns"]),
            smallest_island_ml=float(content["smallest_island_ml"]),
            largest_gap_ml=float(content["largest_gap_ml"]),
            limits=Limits(**limits_given),
            visit_windows=tuple(VisitWindow(**w) for w in content["visit_windows"]),
        )
    except (ValueError, KeyError, TypeError) as problem:
        raise HrctError(
            "BAD_PROTOCOL", f"The protocol cannot be used: {problem}.", "Use the protocol that came with the program."
        ) from problem


def _bounds(values: list[float]) -> tuple[float, float, float]:
    low, middle, high = (float(v) for v in values)
    if not 0 < low < middle < high < 100:
        raise ValueError("grade bounds must rise between 0 and 100")
    return low, middle, high
