"""May two scores be compared? The gate between two visits: pure, from two scores and a protocol.

In: the scores of two visits of one subject. Out: a `Comparison` with what differs, how far that reaches,
and the changes where they may be read. Row by row as the table "Fit to compare"; limits come from the
protocol. What a side does not know is a caution of its own, never silence.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from ssc_hrct.core.comparison import Comparability, Comparison
from ssc_hrct.core.errors import WrongUsage
from ssc_hrct.core.findings import Finding, Level, in_order, not_comparable, pair_caution
from ssc_hrct.core.kernels import kernel_class
from ssc_hrct.core.numbers import rounded
from ssc_hrct.core.protocol import Protocol
from ssc_hrct.core.rows import contrast_word
from ssc_hrct.core.score import Score, Status

Check = Callable[[Score, Score, Protocol], "Finding | None"]


def compare_scores(
    baseline: Score, followup: Score, protocol: Protocol, *, known: tuple[Finding, ...] = ()
) -> Comparison:
    """The comparison. known: what the caller found already of the pair (a visit that was not named).

    Raises WrongUsage where the scores are of two subjects.
    """
    if baseline.subject_id != followup.subject_id:
        raise WrongUsage(
            "The two scans are of different subjects.", "If they are of one person, name the subject with --subject."
        )
    found = [finding for check in CHECKS if (finding := check(baseline, followup, protocol)) is not None]
    findings = in_order((*found, *known))
    comparability = _comparability(findings)
    may = comparability is not Comparability.NOT_COMPARABLE
    return Comparison(
        baseline=baseline,
        followup=followup,
        comparability=comparability,
        findings=findings,
        ild_change_points=_difference(_ild(baseline), _ild(followup)) if may else None,
        fibrosis_change_points=_difference(_fibrosis(baseline), _fibrosis(followup)) if may else None,
        lung_volume_change_percent=volume_change_percent(baseline, followup) if may else None,
    )


def volume_change_percent(baseline: Score, followup: Score) -> Decimal | None:
    """Change of the printed lung volume in percent of the baseline's, to 0.01; None where a side has none."""
    before, after = _lung_ml(baseline), _lung_ml(followup)
    if before is None or after is None or before == 0:
        return None
    return rounded(100 * (after - before) / before, 2)


def _comparability(findings: tuple[Finding, ...]) -> Comparability:
    if any(f.level is not Level.CAUTION for f in findings):
        return Comparability.NOT_COMPARABLE
    return Comparability.WITH_CAUTION if findings else Comparability.COMPARABLE


def _difference(before: Decimal | None, after: Decimal | None) -> Decimal | None:
    return None if before is None or after is None else after - before


def _ild(score: Score) -> Decimal | None:
    return score.extents.ild_percent if score.extents else None


def _fibrosis(score: Score) -> Decimal | None:
    return score.extents.fibrosis_percent if score.extents else None


def _lung_ml(score: Score) -> Decimal | None:
    return score.extents.ml() if score.extents else None


def _refused(score: Score) -> bool:
    return score.status is Status.REFUSED


def _sides(before: object, after: object, unit: str = "") -> str:
    return f"baseline {before}{unit}, follow-up {after}{unit}"


def _side(baseline: Score, followup: Score, protocol: Protocol) -> Finding | None:
    sides = [name for name, score in (("baseline", baseline), ("follow-up", followup)) if _refused(score)]
    return not_comparable("SIDE_REFUSED", " and ".join(sides)) if sides else None


def _version(baseline: Score, followup: Score, protocol: Protocol) -> Finding | None:
    if baseline.software_version == followup.software_version:
        return None
    return not_comparable("VERSION_DIFFERS", _sides(baseline.software_version, followup.software_version))


def _protocol(baseline: Score, followup: Score, protocol: Protocol) -> Finding | None:
    if baseline.protocol_sha256 == followup.protocol_sha256:
        return None
    return not_comparable("PROTOCOL_DIFFERS", _sides(baseline.protocol_name, followup.protocol_name))


def _volume(baseline: Score, followup: Score, protocol: Protocol) -> Finding | None:
    if _refused(baseline) or _refused(followup):
        return None
    change = volume_change_percent(baseline, followup)
    if change is None:
        return pair_caution("VOLUME_UNKNOWN")
    detail = f"changed by {change} percent"
    if abs(change) > Decimal(str(protocol.limits.pair_volume_refused_percent)):
        return not_comparable("VOLUME_DIFFERS", detail)
    if abs(change) > Decimal(str(protocol.limits.pair_volume_caution_percent)):
        return pair_caution("VOLUME_DIFFERS", detail)
    return None


def _thickness(baseline: Score, followup: Score, protocol: Protocol) -> Finding | None:
    before, after = baseline.acquisition.slice_thickness_mm, followup.acquisition.slice_thickness_mm
    if before is None or after is None:
        return pair_caution("THICKNESS_UNKNOWN")
    limits = protocol.limits
    first, second = rounded(before, 3), rounded(after, 3)  # as printed, so that 1.1 and 0.6 are 0.5 apart
    apart = abs(first - second)
    thin = Decimal(str(limits.thin_mm))
    other_side = (first <= thin) != (second <= thin)
    detail = _sides(first.normalize(), second.normalize(), " mm")
    if other_side and apart > Decimal(str(limits.pair_thickness_refused_mm)):
        return not_comparable("THICKNESS_DIFFERS", detail)
    if other_side or apart > Decimal(str(limits.pair_thickness_caution_mm)):
        return pair_caution("THICKNESS_DIFFERS", detail)
    return None


def _kernel(baseline: Score, followup: Score, protocol: Protocol) -> Finding | None:
    """Class by name, and sharpness by measure. One name on both sides is one kernel, known to us or not."""
    sharpness = _sharpness(baseline, followup, protocol)
    if sharpness is not None and sharpness.code == "KERNEL_DIFFERS":
        return sharpness
    before, after = baseline.acquisition.kernel, followup.acquisition.kernel
    if before and after and before.strip().casefold() == after.strip().casefold():
        return sharpness
    classes = kernel_class(before), kernel_class(after)
    if None in classes:
        return pair_caution("KERNEL_UNKNOWN", _sides(before or "not known", after or "not known"))
    return sharpness if classes[0] is classes[1] else pair_caution("KERNEL_DIFFERS", _sides(before, after))


def _sharpness(baseline: Score, followup: Score, protocol: Protocol) -> Finding | None:
    """KERNEL_DIFFERS by measure, or KERNEL_UNKNOWN where a side that was scored could not be measured."""
    before, after = (score.stats.fwhm_mm if score.stats else None for score in (baseline, followup))
    if not before or not after:
        detail = f"measured sharpness: {_sides(_measured(before, 2, ' mm'), _measured(after, 2, ' mm'))}"
        return None if _refused(baseline) or _refused(followup) else pair_caution("KERNEL_UNKNOWN", detail)
    narrow, wide = sorted((before, after))
    if 100 * (wide / narrow - 1) <= protocol.limits.pair_sharpness_percent:
        return None
    widths = _sides(rounded(before, 2), rounded(after, 2), " mm")
    return pair_caution("KERNEL_DIFFERS", f"measured sharpness: {widths}")


def _measured(value: float | None, places: int, unit: str) -> str:
    return f"{rounded(value, places)}{unit}" if value is not None else "not measured"


def _manufacturer(baseline: Score, followup: Score, protocol: Protocol) -> Finding | None:
    before, after = baseline.acquisition.manufacturer, followup.acquisition.manufacturer
    if not before or not after:
        return pair_caution("MANUFACTURER_UNKNOWN")
    return None if _maker(before) == _maker(after) else pair_caution("MANUFACTURER_DIFFERS", _sides(before, after))


_RENAMED_MAKERS = {"toshiba": "canon", "marconi": "philips", "picker": "philips"}
"""Companies whose scanners went on under another name."""


def _maker(name: str) -> str:
    """First word, so that GE MEDICAL SYSTEMS and GE HealthCare are one maker."""
    words = name.casefold().replace("_", " ").replace(",", " ").split()
    return _RENAMED_MAKERS.get(words[0], words[0]) if words else ""


def _reconstruction(baseline: Score, followup: Score, protocol: Protocol) -> Finding | None:
    """Most headers name no family, so two that name none count as alike (decision 11)."""
    before, after = ((s.acquisition.reconstruction or "").strip() for s in (baseline, followup))
    if before.casefold() == after.casefold():
        return None
    code = "RECONSTRUCTION_DIFFERS" if before and after else "RECONSTRUCTION_UNKNOWN"
    return pair_caution(code, _sides(before or "none named", after or "none named"))


def _kvp(baseline: Score, followup: Score, protocol: Protocol) -> Finding | None:
    before, after = baseline.acquisition.kvp, followup.acquisition.kvp
    if before is None or after is None:
        return pair_caution("KVP_UNKNOWN")
    first, second = rounded(before, 0), rounded(after, 0)
    return None if first == second else pair_caution("KVP_DIFFERS", _sides(first, second, " kV"))


def _contrast(baseline: Score, followup: Score, protocol: Protocol) -> Finding | None:
    before, after = contrast_word(baseline), contrast_word(followup)
    if "unknown" in (before, after):
        return pair_caution("CONTRAST_UNKNOWN", _sides(before, after))
    return None if before == after else pair_caution("CONTRAST_DIFFERS", _sides(before, after))


def _posture(score: Score) -> str:
    """How the patient lay: S supine, P prone, DL or DR on a side; empty where not known.

    The couch in the image is believed before the header. PatientPosition is HFS, FFP, HFDL and so on (DICOM
    C.7.3.1.1.2): what follows the first two letters.
    """
    if score.stats and score.stats.table_behind is not None:
        return "S" if score.stats.table_behind else "P"
    text = (score.acquisition.patient_position or "").strip().upper()
    if len(text) >= 3 and text[2:] in {"S", "P", "DL", "DR"}:
        return text[2:]
    seen = score.stats.supine if score.stats else None
    return "" if seen is None else "S" if seen else "P"


def _position(baseline: Score, followup: Score, protocol: Protocol) -> Finding | None:
    before, after = _posture(baseline), _posture(followup)
    if not before or not after:
        return pair_caution("POSITION_UNKNOWN")
    return None if before == after else pair_caution("POSITION_DIFFERS")


def _hu_apart(what: str, before: float | None, after: float | None, protocol: Protocol) -> Finding | None:
    """<WHAT>_DIFFERS or <WHAT>_UNKNOWN; None where both are known and close enough."""
    if before is None or after is None:
        return pair_caution(f"{what}_UNKNOWN", _sides(_measured(before, 0, " HU"), _measured(after, 0, " HU")))
    if abs(before - after) <= protocol.limits.pair_hu:
        return None
    return pair_caution(f"{what}_DIFFERS", _sides(rounded(before, 0), rounded(after, 0), " HU"))


def _air(baseline: Score, followup: Score, protocol: Protocol) -> Finding | None:
    before, after = (score.stats.air_hu if score.stats else None for score in (baseline, followup))
    if (before is None or after is None) and (_refused(baseline) or _refused(followup)):
        return None
    return _hu_apart("AIR", before, after, protocol)


def _blood(baseline: Score, followup: Score, protocol: Protocol) -> Finding | None:
    """Where contrast was given, or may have been, blood says nothing of the scanner (CONTRAST_* says that)."""
    before, after = (score.stats.blood_hu if score.stats else None for score in (baseline, followup))
    if {contrast_word(baseline), contrast_word(followup)} != {"no"}:
        return None
    if (before is None or after is None) and (_refused(baseline) or _refused(followup)):
        return None
    return _hu_apart("BLOOD", before, after, protocol)


def _on_one_side(code: str, baseline: Score, followup: Score) -> str:
    """Which side alone has this finding; empty for none or both."""
    before, after = (any(f.code == code for f in score.findings) for score in (baseline, followup))
    return "" if before == after else "baseline" if before else "follow-up"


def _coverage(baseline: Score, followup: Score, protocol: Protocol) -> Finding | None:
    side = _on_one_side("CUT_OFF", baseline, followup)
    return pair_caution("COVERAGE_DIFFERS", f"{side} is cut off") if side else None


def _motion(baseline: Score, followup: Score, protocol: Protocol) -> Finding | None:
    side = _on_one_side("MOTION", baseline, followup)
    return pair_caution("MOTION_DIFFERS", side) if side else None


def _dates(baseline: Score, followup: Score, protocol: Protocol) -> Finding | None:
    before, after = baseline.acquisition.scan_date, followup.acquisition.scan_date
    if not before or not after:
        return pair_caution("DATES_UNKNOWN")
    return pair_caution("DATES_REVERSED") if after < before else None


CHECKS: tuple[Check, ...] = (
    _side, _version, _protocol, _volume, _thickness, _kernel, _manufacturer, _reconstruction, _kvp,
    _contrast, _position, _air, _blood, _coverage, _motion, _dates,
)
"""In this order findings are told."""
