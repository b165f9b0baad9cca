"""May this scan be scored, as far as its image tells? Judges what was measured; measures nothing."""

from __future__ import annotations

from ssc_hrct.core.acquisition import Acquisition
from ssc_hrct.core.extents import Extents
from ssc_hrct.core.findings import Finding
from ssc_hrct.core.protocol import Protocol
from ssc_hrct.core.stats import ImageStats


def check_image(stats: ImageStats, acquisition: Acquisition, protocol: Protocol) -> tuple[Finding, ...]:
    """Findings of what calibration measured."""
    return ()


def check_extents(extents: Extents, protocol: Protocol) -> tuple[Finding, ...]:
    """Findings of what was counted."""
    return ()
