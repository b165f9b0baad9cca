"""The seam behind which the patterns are decided. Changing the engine is changing what stands here."""

from __future__ import annotations

from typing import Protocol

from ssc_hrct.core.lungs import Lungs
from ssc_hrct.core.patterns import Patterns
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.stats import ImageStats
from ssc_hrct.core.volume import Volume


class PatternClassifier(Protocol):
    """Says for each voxel of lung which pattern it is."""

    def classify(self, volume: Volume, lungs: Lungs, stats: ImageStats, *, progress: Progress = SILENT) -> Patterns:
        """Labels of `Pattern` on the volume's grid: exactly one for each voxel of lung, 0 outside."""
        ...
