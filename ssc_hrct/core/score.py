"""A score: one scan, measured under one protocol by one version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ssc_hrct.core.acquisition import Acquisition
from ssc_hrct.core.extents import Extents
from ssc_hrct.core.findings import Finding, is_refused
from ssc_hrct.core.grade import Severity
from ssc_hrct.core.intervals import Interval
from ssc_hrct.core.stats import ImageStats
from ssc_hrct.core.subject import ScoreKind, Visit


class Status(StrEnum):
    SCORED = "scored"
    SCORED_WITH_CAUTION = "scored_with_caution"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Score:
    """findings stand in order (`findings.in_order`); a refused score has no extents and no grades.

    ild_interval, fibrosis_interval: 90 percent intervals of the two extents; None where no model of them was given.
    severity_stability: what `grade.stability` says of the severity, one of `grade.STABILITIES`.
    """

    subject_id: str
    visit: Visit
    acquisition: Acquisition
    findings: tuple[Finding, ...]
    extents: Extents | None
    severity: Severity | None
    fibrosis_severity: Severity | None
    stats: ImageStats | None
    software_version: str
    protocol_name: str
    protocol_sha256: str
    runtime_s: float
    scored_at: datetime
    """With time zone UTC."""
    kind: ScoreKind = ScoreKind.AUTOMATIC
    version: int = 1
    ild_interval: Interval | None = None
    fibrosis_interval: Interval | None = None
    severity_stability: str | None = None

    @property
    def status(self) -> Status:
        if is_refused(self.findings):
            return Status.REFUSED
        return Status.SCORED_WITH_CAUTION if self.findings else Status.SCORED
