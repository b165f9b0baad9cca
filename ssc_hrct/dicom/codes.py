"""The codes that our objects carry: one list, from which segments and reports take theirs.

Standard codes (DICOM PS3.16, SNOMED CT as used there) wherever there is one; what has none is in a private scheme of
our own, declared with its name in every object that uses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ssc_hrct.core.grade import Severity
from ssc_hrct.core.lungs import Region, Zone
from ssc_hrct.core.patterns import Pattern

PRIVATE_SCHEME = "99SSCHRCT"


@dataclass(frozen=True, slots=True)
class Code:
    """value in scheme, and what it means in words (at most 64 characters)."""

    value: str
    scheme: str
    meaning: str


def concept(code: Code) -> Any:
    """The code as an item of a dataset."""
    import highdicom as hd  # slow to import, and not needed to read

    return hd.sr.CodedConcept(code.value, code.scheme, code.meaning)


MORPHOLOGY = Code("123104", "DCM", "Morphological Operations")
LEARNED = Code("123110", "DCM", "Artificial Intelligence")
"""Families of algorithms (PS3.16 CID 7162)."""
BASELINE = Code("121079", "DCM", "Baseline")
REPORT = Code("126000", "DCM", "Imaging Measurement Report")
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

PRIVATE_SCHEME_UID = "2.25.304411573064290331486337013157254513041"
SOURCE_IMAGE = Code("121322", "DCM", "Source image for image processing operation")
SEGMENTED = Code("113076", "DCM", "Segmentation")
INTERSTITIAL_PATTERN = Code("112004", "DCM", "Abnormal interstitial pattern")
CT_OF_CHEST = Code("169069000", "SCT", "CT of chest")
VOLUME = Code("118565006", "SCT", "Volume")
ATTENUATION = Code("112031", "DCM", "Attenuation Coefficient")
MEAN = Code("373098007", "SCT", "Mean")
SEVERITY = Code("246112005", "SCT", "Severity")
UPPER_RANGE = Code("371886008", "SCT", "+, range of upper measurement uncertainty")
LOWER_RANGE = Code("371885007", "SCT", "-, range of lower measurement uncertainty")
ML = Code("ml", "UCUM", "milliliter")
PERCENT = Code("%", "UCUM", "percent")
HU = Code("[hnsf'U]", "UCUM", "Hounsfield unit")
SEVERITIES = {
    Severity.MINIMAL: Code("255605001", "SCT", "Minimal"), Severity.MILD: Code("255604002", "SCT", "Mild"),
    Severity.MODERATE: Code("6736007", "SCT", "Moderate"), Severity.SEVERE: Code("24484000", "SCT", "Severe"),
}
_THIRDS = {
    "upper": Code("281392002", "SCT", "Upper zone of lung"), "middle": Code("281393007", "SCT", "Middle zone of lung"),
    "lower": Code("281394001", "SCT", "Lower zone of lung"),
}
ZONES = {zone: _THIRDS[zone.word.split("_")[1]] for zone in Zone}
"""The standard's zones are those of a radiograph; ours are thirds by volume, and the group's label says so."""


def _ours(value: str, meaning: str) -> Code:
    """value: at most 16 characters, as CodeValue holds."""
    return Code(value, PRIVATE_SCHEME, meaning)


ILD_EXTENT = _ours("ILD_EXTENT", "Interstitial lung disease extent, percent of lung")
FIBROSIS_EXTENT = _ours("FIBROSIS_EXTENT", "Fibrosis extent, percent of lung")
FIBROSIS_SEVERITY = _ours("FIBROSIS_SEV", "Severity by fibrosis extent")
STABILITY = _ours("SEV_STABILITY", "Stability of severity within the interval")
CAUTION = _ours("CAUTION", "Caution")
EXTENTS = {
    Pattern.GROUND_GLASS: _ours("GGO_EXTENT", "Ground glass extent, percent of lung"),
    Pattern.RETICULATION: _ours("RETIC_EXTENT", "Reticulation extent, percent of lung"),
    Pattern.HONEYCOMBING: _ours("HONEY_EXTENT", "Honeycombing extent, percent of lung"),
    Pattern.CONSOLIDATION: _ours("CONSOL_EXTENT", "Consolidation extent, percent of lung"),
    Pattern.EMPHYSEMA: _ours("EMPH_EXTENT", "Emphysema extent, percent of lung"),
}
