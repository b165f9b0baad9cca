"""Is the outline of the lungs to be trusted, and does the classifier know what it saw? Judges; measures nothing.

The limits stand in the protocol, beyond what outlines that were looked at measure: those of lidc-0001, lidc-0002 and
4dlung-113, as they are and mirrored or averaged to slices of 2.5 to 6 mm, and of six made-up chests have 1 or 2 parts
over 20 ml (limit 2), holes of 0.1 to 3.0 ml (5), steps of 0.09 to 0.15 (0.25) and 0 to 8 ml of solid tissue at the
wall (12; more in `measure/missed.py`). On the far side stand outlines that are known to be wrong
(`tests/measure/test_mask_facts.py`): lesions at the wall, a layer of fluid 20 mm thick and a solid base are
over 12 ml, half a slice left out is a step of over 0.25. covid-p002 chose none of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from ssc_hrct.core.findings import Finding, caution
from ssc_hrct.core.mask_facts import MaskFacts
from ssc_hrct.core.patterns import ClassifierDoubt
from ssc_hrct.core.protocol import Limits, Protocol


def check_mask(facts: MaskFacts, protocol: Protocol) -> tuple[Finding, ...]:
    """Findings of the mask's shape. Volume, asymmetry, leak, cut-off and border are judged by `check_image`."""
    return tuple(_shape(facts, protocol.limits))


def _shape(facts: MaskFacts, limits: Limits) -> Iterator[Finding]:
    if facts.parts_over_20_ml > limits.parts_most:
        yield caution("MASK_PARTS", f"{facts.parts_over_20_ml} parts are over 20 ml.")
    if facts.holes_ml > limits.holes_ml:
        yield caution("MASK_HOLES", f"The holes hold {facts.holes_ml:.0f} ml.")
    if facts.sides_swapped:
        yield caution("MASK_SIDES", "The heart bulges into the lung that is called the right one.")
    if facts.largest_step > limits.step_share:
        changed = f"{100 * facts.largest_step:.0f} percent"
        yield caution("MASK_STEP", f"Its area changes by {changed} from one slice to the next.")
    if facts.missed_ml is not None and facts.missed_ml > limits.missed_ml:
        yield caution("MASK_MISSED_DISEASE", f"{facts.missed_ml:.0f} ml lie between lung and ribs.")
    unknown = [name for name, value in (("the sides by the heart", facts.sides_swapped),
                                        ("missed disease by the ribs", facts.missed_ml)) if value is None]
    if unknown:
        yield caution("MASK_UNKNOWN", f"Not checked: {' and '.join(unknown)}.")


def check_patterns(doubt: ClassifierDoubt | None, protocol: Protocol) -> tuple[Finding, ...]:
    """Findings of what a classifier knows of its own doubt; none where it knows nothing (None)."""
    if doubt is None or doubt.out_of_range_percent <= protocol.limits.out_of_range_percent:
        return ()
    return (caution("OUT_OF_RANGE", f"{doubt.out_of_range_percent:.1f} percent of the lung."),)
