"""A comparison: two scores of one subject, and what may be said of their difference."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from ssc_hrct.core.findings import Finding
from ssc_hrct.core.score import Score


class Comparability(StrEnum):
    COMPARABLE = "comparable"
    WITH_CAUTION = "with_caution"
    NOT_COMPARABLE = "not_comparable"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Changes are follow-up minus baseline of the printed percents; None where not comparable."""

    baseline: Score
    followup: Score
    comparability: Comparability
    findings: tuple[Finding, ...]
    ild_change_points: Decimal | None
    fibrosis_change_points: Decimal | None
    lung_volume_change_percent: Decimal | None
