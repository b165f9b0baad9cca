"""May this scan be scored, as far as its headers tell? The header rows of "Fit to score".

In: an `Acquisition` and a `Protocol` (the limits). Out: findings, each with the value behind it in
plain words. What is no axial CT gets that one finding alone: the rest would say nothing about it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ssc_hrct.core.acquisition import Acquisition, SeriesKind
from ssc_hrct.core.findings import Finding, caution, in_order, refusal
from ssc_hrct.core.kernels import KernelClass, kernel_class
from ssc_hrct.core.protocol import Limits, Protocol

TOLERANCE_MM = 0.005
"""Headers give lengths as decimal text: 1.5 and 1.500001 are the same limit."""
OBLIQUE_FROM_DEGREES = 1.0
"""Below this a plane counts as axial: rounding of the direction cosines alone gives some tenths."""
MOST_NAMED = 6
"""So many missing positions are listed; of more, the rest is counted."""


def check_header(acquisition: Acquisition, protocol: Protocol) -> tuple[Finding, ...]:
    """Findings of one series, refusals first."""
    other = _is_no_axial_ct(acquisition)
    if other is not None:
        return (other,)
    limits = protocol.limits
    return in_order((
        *_readable(acquisition),
        *_stack(acquisition, limits),
        *_slices(acquisition, limits),
        *_pixels(acquisition, limits),
        *_origin(acquisition),
        *_exposure(acquisition, limits),
        *_position(acquisition),
    ))


def _is_no_axial_ct(facts: Acquisition) -> Finding | None:
    match facts.kind:
        case SeriesKind.NOT_CT if facts.modality == "CT" and facts.value_unit == "HU":
            return refusal("NOT_CT", "These are objects of another kind than CT images.")
        case SeriesKind.NOT_CT if facts.modality == "CT":
            return refusal("NOT_CT", f"The values are not in Hounsfield units but in {facts.value_unit}.")
        case SeriesKind.NOT_CT:
            return refusal("NOT_CT", f"The modality is {facts.modality or 'not named'}.")
        case SeriesKind.SECONDARY_CAPTURE:
            return refusal("NOT_CT", "It is a page or a screen capture without CT values.")
        case SeriesKind.LOCALIZER:
            return refusal("LOCALIZER", "The image type says localizer.")
        case SeriesKind.NOT_AXIAL:
            return refusal("NOT_AXIAL", f"The image plane is {_degrees(facts.oblique_degrees)} from axial.")
        case SeriesKind.UNSUPPORTED:
            return refusal(
                "UNREADABLE", "Projections, maps and files of several images without a place for each are not read."
            )
    return None


def _readable(facts: Acquisition) -> Iterator[Finding]:
    if facts.undecodable_syntax:
        yield refusal("UNREADABLE", f"The images are compressed as {facts.undecodable_syntax}, which is not read.")
    elif facts.unreadable:
        yield caution("UNREADABLE", f"{_count(facts.unreadable, 'slice')} could not be read.")


def _stack(facts: Acquisition, limits: Limits) -> Iterator[Finding]:
    """One regular stack of enough slices?"""
    if facts.slices < limits.fewest_slices:
        yield refusal("TOO_FEW_SLICES", f"There {_are(facts.slices, 'slice')}; {limits.fewest_slices} are needed.")
    if facts.interleaved:
        yield refusal("MIXED_ACQUISITIONS", "Two stacks of slices stand between each other, and no tag parts them.")
    elif facts.conflicting:
        yield refusal("DUPLICATE_SLICES", f"{facts.conflicting} images share a position and differ.")
    if facts.extra_copies:
        yield caution("DUPLICATE_SLICES", f"{_count(facts.extra_copies, 'exact copy', 'exact copies')} left out.")
    if not facts.lattice:
        yield refusal("BAD_GEOMETRY", _why_no_lattice(facts))
    yield from _tilt(facts, limits)
    yield from _oblique(facts, limits)


def _why_no_lattice(facts: Acquisition) -> str:
    if facts.pixel_spacing_mm is None:
        return "The files do not say how large the pixels are."
    if facts.slice_spacing_mm is None:
        return "The files do not say where the slices lie."
    return "The slices are not evenly spaced along one line."


def _tilt(facts: Acquisition, limits: Limits) -> Iterator[Finding]:
    tilt, named = facts.tilt_degrees, facts.tilt_tag_degrees
    if tilt > limits.tilt_allowed_degrees:
        most = _degrees(limits.tilt_allowed_degrees)
        yield refusal("GANTRY_TILT", f"The gantry was tilted by {_degrees(tilt)}; up to {most} is allowed.")
    elif tilt:
        yield caution("GANTRY_TILT", f"The gantry was tilted by {_degrees(tilt)}; the slices are sheared back.")
    elif named >= OBLIQUE_FROM_DEGREES and facts.oblique_degrees < OBLIQUE_FROM_DEGREES:
        told = f"The header names a tilt of {_degrees(named)} that the positions do not show"
        yield caution("GANTRY_TILT", f"{told}: nothing was sheared.")


def _oblique(facts: Acquisition, limits: Limits) -> Iterator[Finding]:
    oblique = facts.oblique_degrees
    if oblique > limits.oblique_allowed_degrees:
        most = _degrees(limits.oblique_allowed_degrees)
        yield refusal("NOT_AXIAL", f"The slices are oblique by {_degrees(oblique)}; up to {most} is allowed.")
    elif oblique >= OBLIQUE_FROM_DEGREES:
        yield caution("NOT_AXIAL", f"The slices are oblique by {_degrees(oblique)} and are scored as they lie.")


def _slices(facts: Acquisition, limits: Limits) -> Iterator[Finding]:
    """Thickness, spacing, holes."""
    thickness, spacing = facts.slice_thickness_mm, facts.slice_spacing_mm
    if thickness is None:
        yield refusal("THICK_SLICES", "The slice thickness is not known and cannot be derived.")
    elif thickness > limits.thick_refused_mm + TOLERANCE_MM:
        yield refusal("THICK_SLICES", f"The slices are {_mm(thickness)} thick: over {_mm(limits.thick_refused_mm)}.")
    elif thickness > limits.thin_mm + TOLERANCE_MM:
        yield caution("THICK_SLICES", f"The slices are {_mm(thickness)} thick.")
    if not facts.lattice:
        return
    if spacing and thickness and spacing > thickness + limits.gap_allowed_mm + TOLERANCE_MM:
        yield refusal("SPACED_SLICES", f"Slices of {_mm(thickness)} stand {_mm(spacing)} apart.")
    if facts.holes > 1 or facts.largest_hole_mm > limits.hole_allowed_mm + TOLERANCE_MM:
        yield refusal("MISSING_SLICES", _missing(facts))
    elif facts.holes:
        yield caution("MISSING_SLICES", f"{_missing(facts)} Filled from the slices beside.")


def _missing(facts: Acquisition) -> str:
    named = ", ".join(f"{z:g}" for z in facts.missing_mm[:MOST_NAMED])
    more = len(facts.missing_mm) - MOST_NAMED
    rest = f" and {more} more" if more > 0 else ""
    return f"{_count(len(facts.missing_mm), 'slice')} missing at z = {named}{rest} mm."


def _pixels(facts: Acquisition, limits: Limits) -> Iterator[Finding]:
    if facts.pixel_spacing_mm is None:
        return
    largest, smallest = max(facts.pixel_spacing_mm), min(facts.pixel_spacing_mm)
    if largest > limits.pixel_refused_mm + TOLERANCE_MM:
        yield refusal("COARSE_PIXELS", f"The pixels are {_mm(largest)} large: over {_mm(limits.pixel_refused_mm)}.")
    elif largest > limits.pixel_large_mm + TOLERANCE_MM:
        yield caution("COARSE_PIXELS", f"The pixels are {_mm(largest)} large.")
    if smallest < limits.pixel_small_mm - TOLERANCE_MM:
        width = smallest * min(facts.rows, facts.columns)
        told = f"The pixels are {_mm(smallest)} small and the image is {width:.0f} mm wide"
        yield caution("FIELD_OF_VIEW", f"{told}: it may not hold both lungs.")


def _origin(facts: Acquisition) -> Iterator[Finding]:
    if facts.kind is SeriesKind.REFORMAT:
        kinds = "\\".join(facts.image_type[:4])
        yield caution("DERIVED_SERIES", f"The image type is {kinds}.")
    if facts.lossy:
        yield caution("LOSSY", "The header or the transfer syntax says lossy.")


def _exposure(facts: Acquisition, limits: Limits) -> Iterator[Finding]:
    kind = kernel_class(facts.kernel)
    if facts.kernel is None:
        yield caution("KERNEL_UNKNOWN", "The header names no kernel.")
    elif kind is None:
        yield caution("KERNEL_UNKNOWN", f"The kernel {facts.kernel} is not among the known ones.")
    elif kind is KernelClass.EXTREME:
        yield caution("KERNEL_UNKNOWN", f"The kernel {facts.kernel} is an extreme one.")
    if facts.kvp is None:
        yield caution("KVP_UNUSUAL", "The header names no tube voltage.")
    elif not limits.kvp_low <= facts.kvp <= limits.kvp_high:
        yield caution("KVP_UNUSUAL", f"The tube voltage is {facts.kvp:g} kV.")
    if facts.contrast:
        yield caution("CONTRAST", "The header names a contrast agent.")


def _position(facts: Acquisition) -> Iterator[Finding]:
    position = facts.patient_position
    if not position:
        yield caution("POSITION_UNKNOWN", "The header names no patient position.")
    elif position in {"HFP", "FFP"}:
        yield caution("PRONE", f"The patient position is {position}.")
    elif position not in {"HFS", "FFS"}:
        yield caution("POSITION_UNKNOWN", f"The patient position is {position}, neither on the back nor prone.")


def _mm(value: float) -> str:
    return f"{round(value, 2):g} mm"


def _degrees(value: float) -> str:
    return f"{round(value, 1):g} degrees"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _are(number: int, one: str) -> str:
    return f"{'is' if number == 1 else 'are'} {_count(number, one)}"
