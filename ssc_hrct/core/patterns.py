"""The patterns of lung tissue, and what a classifier returns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from ssc_hrct.core.volume import LabelMap


class Pattern(IntEnum):
    """Each voxel of lung has exactly one; 0 is outside the lungs."""

    OUTSIDE = 0
    NORMAL = 1
    GROUND_GLASS = 2
    RETICULATION = 3
    HONEYCOMBING = 4
    CONSOLIDATION = 5
    EMPHYSEMA = 6

    @property
    def word(self) -> str:
        """Lower-case name as in the CSV: ground_glass."""
        return self.name.lower()


PATTERN_NAMES = {int(p): p.word for p in Pattern}
LUNG_PATTERNS = tuple(p for p in Pattern if p is not Pattern.OUTSIDE)
FIBROSIS = (Pattern.RETICULATION, Pattern.HONEYCOMBING)
"""Fibrosis extent. The make-up of ILD extent is written in the protocol."""


@dataclass(frozen=True, slots=True)
class ClassifierDoubt:
    """How sure a classifier is, each in percent of the lung.

    unsure: abnormal or not was a near thing (odds within a factor of three of the limit's). split_unsure: abnormal, and
    fibrosis or not was a near thing. out_of_range: any feature lay outside what the classifier was trained on.
    """

    unsure_percent: float
    split_unsure_percent: float
    out_of_range_percent: float


@dataclass(frozen=True, slots=True)
class Patterns:
    """The classifier's answer: `labels` of `Pattern` on the volume's grid.

    doubt: None where the classifier knows nothing of its own doubt.
    """

    labels: LabelMap
    doubt: ClassifierDoubt | None = None
