"""May this scan be scored, as far as its image tells? Judges what was measured; measures nothing.

The limits stand in the protocol. Those of air, blood, noise, breath, coverage and field of view are what readers ask
of a scan. The others are ours and stand beyond what scans that were looked at measure: in lidc-0001, lidc-0002 and
4dlung-113, as they are and acquired again (noise of 30 and 60 HU, sharper, softer, thicker, less inflated), and in
six made-up chests (eight for the airways) the airways hold 23 to 60 ml (`airways_low_ml` 15, `airway_leak_ml` 100; a
chest whose airways are filled 0), 0 to 2 percent of the lung is under -970 HU (`low_density_percent` 15), the right
lung is 52 to 53 percent of both at full breath (`right_share_low`, `right_share_high` 0.5 and 0.6; 62 in 4dlung-113,
in free breathing, which is told), no slice moved (`motion_slices` 2: a step shows on both its sides), and the
windpipe's back wall lies 0.3 to 5.3 mm
behind its sides (`windpipe_bow_mm` 1.0 in front: made-up walls are measured to 0.8 mm, so only one that is surely
bowed forward speaks). covid-p002 chose none of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from ssc_hrct.core.acquisition import Acquisition
from ssc_hrct.core.extents import Extents
from ssc_hrct.core.findings import Finding, caution, refusal
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.protocol import Limits, Protocol
from ssc_hrct.core.stats import ImageStats
from ssc_hrct.core.volume import LOWEST_HU

MOST_NAMED = 6
"""So many runs of slices are listed."""


def check_image(stats: ImageStats, acquisition: Acquisition, protocol: Protocol) -> tuple[Finding, ...]:
    """Findings of what calibration measured, by the limits of the protocol."""
    limits = protocol.limits
    return (
        *_values(stats, acquisition, limits),
        *_position(stats, acquisition),
        *_breath(stats, limits),
        *_coverage(stats, limits),
        *_motion(stats, limits),
        *_mask(stats, limits),
    )


def _values(stats: ImageStats, acquisition: Acquisition, limits: Limits) -> Iterator[Finding]:
    air_hu, where = stats.air_hu, "Tracheal air"
    if air_hu is None:
        air_hu, where = stats.air_around_hu, "Air in front of the patient"
    if air_hu is not None:
        off = abs(air_hu - limits.air_hu)
        detail = f"{where} is at {air_hu:.0f} HU."
        if off > limits.air_refused_hu:
            yield refusal("NOT_HU", detail)
        elif off > limits.air_caution_hu:
            yield caution("HU_OFFSET", detail)
        elif air_hu <= LOWEST_HU < limits.air_hu and not _blood_is_usual(stats, acquisition, limits):
            yield caution("HU_OFFSET", f"{detail} Values are clipped there: it may lie lower.")
    if stats.blood_hu is not None:
        detail = f"Heart and great vessels are at {stats.blood_hu:.0f} HU."
        if stats.blood_hu > limits.contrast_blood_hu:
            yield caution("CONTRAST", detail)
        elif not acquisition.contrast and not limits.blood_low_hu <= stats.blood_hu <= limits.blood_high_hu:
            yield caution("HU_OFFSET", detail)
    if stats.noise_hu is not None and stats.noise_hu > limits.noise_caution_hu:
        heart = " It was measured in the heart: air in the windpipe does not show it." if stats.noise_in_blood else ""
        detail = f"Noise is {stats.noise_hu:.0f} HU, scaled to slices of 1 mm.{heart}"
        yield (refusal if stats.noise_hu > limits.noise_refused_hu else caution)("NOISY", detail)
    missing = [name for name, value in (("air", stats.air_hu), ("noise", stats.noise_hu),
                                        ("sharpness", stats.fwhm_mm), ("blood", stats.blood_hu),
                                        ("motion", stats.moved_slices)) if value is None]
    if missing:
        yield caution("IMAGE_UNKNOWN", f"Not measured: {', '.join(missing)}.")


def _blood_is_usual(stats: ImageStats, acquisition: Acquisition, limits: Limits) -> bool:
    """Blood without contrast medium at its usual density vouches for all values; with, it may have any."""
    blood = stats.blood_hu
    return blood is not None and not acquisition.contrast and limits.blood_low_hu <= blood <= limits.blood_high_hu


def _position(stats: ImageStats, acquisition: Acquisition) -> Iterator[Finding]:
    """What the image shows, beside what the header said: the couch before the density, the density before nothing."""
    told = {"HFS": True, "FFS": True, "HFP": False, "FFP": False}.get(acquisition.patient_position or "")
    if stats.table_behind is not None:
        side = "behind" if stats.table_behind else "in front of"
        seen = f"The couch in the image lies {side} the patient"
        if told is None:
            yield caution("POSITION_UNKNOWN", f"{seen}.")
        elif told != stats.table_behind:
            header = f"{seen}, though the header says {acquisition.patient_position}."
            yield caution("PRONE" if told else "POSITION_UNKNOWN", header)
        if told is None and not stats.table_behind:
            yield caution("PRONE", f"{seen}.")
    elif told is None:
        yield caution("POSITION_UNKNOWN", _by_density(stats))
    elif stats.density_supine is not None and stats.density_supine != told:
        denser = "back" if stats.density_supine else "front"
        header = f"though the header says {acquisition.patient_position}, and no couch is seen."
        yield caution("POSITION_UNKNOWN", f"Normal lung grows denser to the {denser}, {header}")


def _by_density(stats: ImageStats) -> str:
    if stats.density_supine is None:
        return "The image does not show it either: dependent lung is judged as if the patient lay on the back."
    side = "back" if stats.density_supine else "front"
    return f"No couch is seen; normal lung grows denser to the {side}, and the patient is taken to have lain on it."


def _breath(stats: ImageStats, limits: Limits) -> Iterator[Finding]:
    if stats.lung_ml < limits.volume_refused_ml:
        yield refusal("EXPIRATION", f"Both lungs together hold {stats.lung_ml:.0f} ml.")
    else:
        signs = tuple(_shallow(stats, limits))
        if signs:
            yield caution("LOW_INSPIRATION", " ".join(signs))
    if stats.normal_predicted:
        told = f"the density expected of lungs of {stats.lung_ml:.0f} ml, {stats.normal_mode_hu:.0f} HU, stands in"
        yield caution("NO_NORMAL_LUNG", f"Own normal lung could not be measured: {told}.")
    elif stats.normal_share < limits.normal_share_low:
        yield caution("NO_NORMAL_LUNG", f"{100 * stats.normal_share:.0f} percent of the lung looks normal.")


def _shallow(stats: ImageStats, limits: Limits) -> Iterator[str]:
    """Signs of a shallow breath, each a sentence. A predicted mode says nothing of the breath beyond the volume."""
    if stats.normal_mode_hu > limits.normal_mode_high_hu and not stats.normal_predicted:
        yield f"The least dense lung is at {stats.normal_mode_hu:.0f} HU."
    if stats.lung_ml < limits.volume_low_ml:
        yield f"Both lungs together hold {stats.lung_ml:.0f} ml."
    if stats.windpipe_bow_mm is not None and stats.windpipe_bow_mm > limits.windpipe_bow_mm:
        yield f"The back wall of the windpipe is bowed forward by {stats.windpipe_bow_mm:.1f} mm."


def _coverage(stats: ImageStats, limits: Limits) -> Iterator[Finding]:
    if stats.cut_off_percent > limits.cut_off_caution_percent:
        at_both = stats.cut_off_lesser_percent > limits.cut_off_caution_percent
        ends = ", at both ends" if at_both else ""
        detail = f"About {stats.cut_off_percent:.1f} percent of the lungs lies beyond the slices{ends}."
        too_much = at_both or stats.cut_off_percent > limits.cut_off_refused_percent
        yield (refusal if too_much else caution)("CUT_OFF", detail)
    if stats.view_percent > 0:
        detail = f"{stats.view_percent:.1f} percent of the lungs' outline lies at the edge of the image."
        too_much = stats.view_percent > limits.view_refused_percent
        yield (refusal if too_much else caution)("FIELD_OF_VIEW", detail)


def _motion(stats: ImageStats, limits: Limits) -> Iterator[Finding]:
    moved = stats.moved_slices or ()
    if len(moved) >= limits.motion_slices:
        yield caution("MOTION", f"{len(moved)} slices show it, counted from the feet: {_runs(moved)}.")


def _runs(slices: tuple[int, ...]) -> str:
    """The slices as runs: 12 to 15, 40; of many the rest is left off."""
    runs: list[list[int]] = []
    for k in slices:
        if runs and k == runs[-1][1] + 1:
            runs[-1][1] = k
        else:
            runs.append([k, k])
    named = [f"{first + 1} to {last + 1}" if last > first else f"{first + 1}" for first, last in runs]
    return ", ".join(named[:MOST_NAMED]) + (" and more" if len(named) > MOST_NAMED else "")


def _mask(stats: ImageStats, limits: Limits) -> Iterator[Finding]:
    if limits.volume_refused_ml <= stats.lung_ml and not limits.volume_low_ml <= stats.lung_ml <= limits.volume_high_ml:
        yield caution("MASK_VOLUME", f"Both lungs together hold {stats.lung_ml:.0f} ml.")
    if not limits.right_share_low <= stats.right_share <= limits.right_share_high:
        yield caution("MASK_ASYMMETRY", f"The right lung is {round(100 * stats.right_share, 1):g} percent of both.")
    if stats.airways_ml < limits.airways_low_ml:
        yield caution("MASK_AIRWAYS", f"The airways that were found hold {round(stats.airways_ml, 1):g} ml.")
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
