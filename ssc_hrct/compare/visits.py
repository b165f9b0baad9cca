"""Which visit a follow-up is, from the dates of two scans and the protocol's windows."""

from __future__ import annotations

from datetime import date

from ssc_hrct.core.findings import Finding, pair_caution
from ssc_hrct.core.protocol import Protocol
from ssc_hrct.core.subject import UNSCHEDULED, Visit, read_visit

DAYS_PER_WEEK = 7


def followup_visit(
    baseline_date: str | None, followup_date: str | None, protocol: Protocol
) -> tuple[Visit, tuple[Finding, ...]]:
    """The visit whose window holds the distance of the dates (YYYY-MM-DD), both ends included.

    Else unscheduled, with the pair's caution VISIT_NOT_GIVEN that says how far apart the dates are.
    """
    if not baseline_date or not followup_date:
        return UNSCHEDULED, (pair_caution("VISIT_NOT_GIVEN", "a date is missing"),)
    days = (date.fromisoformat(followup_date) - date.fromisoformat(baseline_date)).days
    for window in protocol.visit_windows:
        if window.from_weeks * DAYS_PER_WEEK <= days <= window.to_weeks * DAYS_PER_WEEK:
            return read_visit(window.visit), ()
    return UNSCHEDULED, (pair_caution("VISIT_NOT_GIVEN", f"{days} days after baseline"),)
