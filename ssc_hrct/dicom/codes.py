"""The codes that our objects carry: one list, from which segments and reports take theirs.

Standard codes (DICOM PS3.16, SNOMED CT as used there) wherever there is one; what has none is in a private scheme of
our own, declared with its name in every object that uses it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ssc_hrct.core.lungs import Region
from ssc_hrct.core.patterns import Pattern

PRIVATE_SCHEME = "99SSCHRCT"


@dataclass(frozen=True, slots=True)
class Code:
    """value in scheme, and what it means in words (at most 64 characters)."""

    value: str
    scheme: str
    meaning: str


ANATOMICAL_STRUCTURE = Code("123037004", "SCT", "Anatomical Structure")
ALTERED_STRUCTURE = Code("49755003", "SCT", "Morphologically Altered Structure")
LUNG = Code("39607008", "SCT", "Lung")
RIGHT = Code("24028007", "SCT", "Right")
LEFT = Code("7771000", "SCT", "Left")
BOTH = Code("51440002", "SCT", "Right and left")


@dataclass(frozen=True, slots=True)
class Property:
    """What a segment shows: category, type, the side of a paired organ, and the region that it lies in."""

    label: str
    category: Code
    type: Code
    side: Code | None = None
    region: Code | None = None
    region_side: Code | None = None


def _in_lungs(label: str, code: Code) -> Property:
    return Property(label, ALTERED_STRUCTURE, code, region=LUNG, region_side=BOTH)


ORGANS = {
    Region.RIGHT_LUNG: Property("Right lung", ANATOMICAL_STRUCTURE, LUNG, RIGHT),
    Region.LEFT_LUNG: Property("Left lung", ANATOMICAL_STRUCTURE, LUNG, LEFT),
    Region.AIRWAYS: Property(
        "Trachea and bronchi", ANATOMICAL_STRUCTURE, Code("110726009", "SCT", "Trachea and bronchus")
    ),
}
VESSELS = Property(
    "Vessels in the lungs", ANATOMICAL_STRUCTURE, Code("59820001", "SCT", "Blood Vessel"), region=LUNG,
    region_side=BOTH,
)
PATTERNS = {
    Pattern.GROUND_GLASS: _in_lungs("Ground glass", Code("112120", "DCM", "Ground glass opacity")),
    Pattern.RETICULATION: _in_lungs("Reticulation", Code("112113", "DCM", "Reticular pattern")),
    Pattern.HONEYCOMBING: _in_lungs("Honeycombing", Code("112106", "DCM", "Honeycomb pattern")),
    Pattern.CONSOLIDATION: _in_lungs("Consolidation", Code("95436008", "SCT", "Lung consolidation")),
    Pattern.EMPHYSEMA: _in_lungs("Emphysema", Code("87433001", "SCT", "Pulmonary emphysema")),
}
