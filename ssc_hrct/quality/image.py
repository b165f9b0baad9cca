"""May this scan be scored, as far as its image tells? Judges what was measured; measures nothing."""

from __future__ import annotations

from collections.abc import Iterator

from ssc_hrct.core.acquisition import Acquisition
from ssc_hrct.core.extents import Extents
from ssc_hrct.core.findings import Finding, caution, refusal
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.protocol import Limits, Protocol
from ssc_hrct.core.stats import ImageStats


def check_image(stats: ImageStats, acquisition: Acquisition, protocol: Protocol) -> tuple[Finding, ...]:
    """Findings of what calibration measured, by the limits of the protocol."""
    limits = protocol.limits
    return (
        *_values(stats, acquisition, limits),
        *_breath(stats, limits),
        *_coverage(stats, limits),
        *_mask(stats, limits),
    )


def _values(stats: ImageStats, acquisition: Acquisition, limits: Limits) -> Iterator[Finding]:
    if stats.air_hu is not None:
        off = abs(stats.air_hu - limits.air_hu)
        detail = f"Tracheal air is at {stats.air_hu:.0f} HU."
        if off > limits.air_refused_hu:
            yield refusal("NOT_HU", detail)
        elif off > limits.air_caution_hu:
            yield caution("HU_OFFSET", detail)
    if stats.blood_hu is not None:
        detail = f"Heart and great vessels are at {stats.blood_hu:.0f} HU."
        if stats.blood_hu > limits.contrast_blood_hu:
            yield caution("CONTRAST", detail)
        elif not acquisition.contrast and not limits.blood_low_hu <= stats.blood_hu <= limits.blood_high_hu:
            yield caution("HU_OFFSET", detail)
    if stats.noise_hu is not None and stats.noise_hu > limits.noise_caution_hu:
        detail = f"Noise is {stats.noise_hu:.0f} HU, scaled to slices of 1 mm."
        yield (refusal if stats.noise_hu > limits.noise_refused_hu else caution)("NOISY", detail)


def _breath(stats: ImageStats, limits: Limits) -> Iterator[Finding]:
    if stats.lung_ml < limits.volume_refused_ml:
        yield refusal("EXPIRATION", f"Both lungs together hold {stats.lung_ml:.0f} ml.")
    elif stats.normal_mode_hu > limits.normal_mode_high_hu:
        yield caution("LOW_INSPIRATION", f"The least dense lung is at {stats.normal_mode_hu:.0f} HU.")
    if stats.normal_share < limits.normal_share_low:
        yield caution("NO_NORMAL_LUNG", f"{100 * stats.normal_share:.0f} percent of the lung looks normal.")


def _coverage(stats: ImageStats, limits: Limits) -> Iterator[Finding]:
    if stats.cut_off_percent > limits.cut_off_caution_percent:
        detail = f"About {stats.cut_off_percent:.1f} percent of the lungs lies beyond the slices."
        too_much = stats.cut_off_percent > limits.cut_off_refused_percent
        yield (refusal if too_much else caution)("CUT_OFF", detail)
    if stats.view_percent > 0:
        detail = f"{stats.view_percent:.1f} percent of the lungs' outline lies at the edge of the image."
        too_much = stats.view_percent > limits.view_refused_percent
        yield (refusal if too_much else caution)("FIELD_OF_VIEW", detail)


def _mask(stats: ImageStats, limits: Limits) -> Iterator[Finding]:
    if limits.volume_refused_ml <= stats.lung_ml and not limits.volume_low_ml <= stats.lung_ml <= limits.volume_high_ml:
        yield caution("MASK_VOLUME", f"Both lungs together hold {stats.lung_ml:.0f} ml.")
    if not limits.right_share_low <= stats.right_share <= limits.right_share_high:
        yield caution("MASK_ASYMMETRY", f"The right lung is {round(100 * stats.right_share, 1):g} percent of both.")
    if stats.airways_ml > limits.airway_leak_ml:
        yield caution("MASK_LEAK", f"The airways hold {stats.airways_ml:.0f} ml.")
    if stats.low_density_percent > limits.low_density_percent:
        yield caution("MASK_LOW_DENSITY", f"{stats.low_density_percent:.0f} percent of the lung is under -970 HU.")


def check_extents(extents: Extents, protocol: Protocol) -> tuple[Finding, ...]:
    """Findings of what was counted."""
    consolidated = extents.percent((Pattern.CONSOLIDATION,))
    if consolidated is not None and consolidated > protocol.limits.consolidation_caution_percent:
        return (caution("CONSOLIDATION", f"{consolidated} percent of the lung."),)
    return ()
