"""May the lungs that a person gave be used for this scan? Judges what was measured of their mask; measures nothing."""

from __future__ import annotations

from collections.abc import Iterator

from ssc_hrct.core.findings import Finding, caution, refusal
from ssc_hrct.core.given_lungs import GivenFacts
from ssc_hrct.core.protocol import Protocol


def check_given_lungs(facts: GivenFacts, protocol: Protocol) -> tuple[Finding, ...]:
    """LUNGS_GIVEN always, so that the row says whose outline it is; and what stands against the mask."""
    many = f"{facts.labels} labels" if facts.labels > 1 else "one label"
    agrees = "" if facts.overlap is None else f", overlap {facts.overlap:.2f} with the lungs found here"
    return (caution("LUNGS_GIVEN", f"A mask of {many}{agrees}."), *_against(facts, protocol))


def _against(facts: GivenFacts, protocol: Protocol) -> Iterator[Finding]:
    limits = protocol.limits
    if facts.resampled:
        yield caution("MASK_RESAMPLED")
    if facts.overlap is None or facts.uncovered_percent is None:
        yield caution("MASK_DIFFERS", "No lungs were found here to compare the mask with, and no airways to leave out.")
        return
    beyond = f"{facts.uncovered_percent:.0f} percent of the lungs found here lie beyond the end of the mask's file."
    if facts.uncovered_percent > limits.given_uncovered_refused_percent:
        yield refusal("MASK_REFUSED", beyond)
    elif facts.overlap < limits.given_overlap_low:
        yield caution("MASK_DIFFERS", f"The overlap is {facts.overlap:.2f}.")
    elif facts.uncovered_percent > limits.given_uncovered_caution_percent:
        yield caution("MASK_DIFFERS", beyond)
