"""The score as a DICOM Structured Report (TID 1500, Comprehensive SR), by highdicom.

In: the series, its `Volume`, the `Score`, and the segmentations that were written of it. Out: one file. Whole lungs,
each lung, each pattern and each zone are a measurement group of their own, with volumes in ml, extents in percent of
the lung and, for the two headline extents, the ends of the 90 percent interval; a group of a segment points at it. An
extent is measured, not diagnosed: no finding says that a disease is there. Numbers are those of the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.extents import Extents
from ssc_hrct.core.intervals import Interval
from ssc_hrct.core.lungs import Region, Zone
from ssc_hrct.core.numbers import rounded
from ssc_hrct.core.paths import written_whole
from ssc_hrct.core.patterns import FIBROSIS
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.score import Score
from ssc_hrct.core.subject import BASELINE, Visit
from ssc_hrct.core.volume import Volume
from ssc_hrct.dicom import codes
from ssc_hrct.dicom.codes import Code, concept
from ssc_hrct.dicom.quiet import quiet
from ssc_hrct.dicom.series import Series
from ssc_hrct.dicom.source_headers import check_complete, source_images, stamp
from ssc_hrct.dicom.write_seg import WrittenSeg
from ssc_hrct.version import __version__

SERIES_NUMBER = 101
_SEG_CLASS = "1.2.840.10008.5.1.4.1.1.66.4"
_RIGHT = (Zone.RIGHT_UPPER, Zone.RIGHT_MIDDLE, Zone.RIGHT_LOWER)
_LEFT = (Zone.LEFT_UPPER, Zone.LEFT_MIDDLE, Zone.LEFT_LOWER)


@dataclass(frozen=True, slots=True)
class _Number:
    what: Code
    value: Decimal
    unit: Code
    interval: Interval | None = None
    derivation: Code | None = None


@dataclass(frozen=True, slots=True)
class _Group:
    """label: what tracks it through visits. words: concept and value, coded. texts: concept and free words of ours."""

    label: str
    finding: Code
    side: Code | None
    place: Code | None
    numbers: tuple[_Number, ...]
    segment: tuple[WrittenSeg, int] | None = None
    words: tuple[tuple[Code, Code], ...] = ()
    texts: tuple[tuple[Code, str], ...] = ()


def write_sr(
    file: Path, series: Series, volume: Volume, score: Score, segmentations: Sequence[WrittenSeg], *,
    new_uid: Callable[[], str], now: datetime, identity_removed: bool = True, progress: Progress = SILENT,
) -> None:
    """Write the report; identity_removed: it says so, as a segmentation does.

    Raises HrctError: NOTHING_MEASURED where the scan was refused, SOURCE_INCOMPLETE, SOURCE_GONE, OUTPUT_NOT_WRITABLE.
    """
    if score.extents is None:
        raise HrctError("NOTHING_MEASURED", "The scan was refused: there is nothing to report.", "See its reasons.")
    check_complete(series, "a report")
    progress.step("Writing the report", 0, 2)
    with quiet():
        images = source_images(series, volume.source, score.subject_id, identity_removed)
        made = _report(images, list(_groups(score, score.extents, segmentations)), score, segmentations, new_uid, now)
        progress.step("Writing the report", 1, 2)
        with written_whole(file) as aside:
            made.save_as(aside, enforce_file_format=True)


def _groups(score: Score, extents: Extents, segmentations: Sequence[WrittenSeg]) -> Iterator[_Group]:
    found = {segment.what: (seg, number) for seg in segmentations for number, segment in enumerate(seg.segments, 1)}
    yield _whole(score, extents)
    for region, side, zones in ((Region.RIGHT_LUNG, codes.RIGHT, _RIGHT), (Region.LEFT_LUNG, codes.LEFT, _LEFT)):
        what = codes.ORGANS[region]
        yield _Group(what.label, codes.LUNG, side, None, tuple(_place(extents, zones)), found.get(what))
    for pattern, what in codes.PATTERNS.items():
        numbers = (_Number(codes.VOLUME, extents.ml([pattern]), codes.ML),
                   *_percent(codes.EXTENTS[pattern], extents.percent([pattern])))
        yield _Group(what.label, what.type, codes.BOTH, None, numbers, found.get(what))
    for zone in Zone:
        side = codes.RIGHT if zone in _RIGHT else codes.LEFT
        label = f"{zone.word.replace('_', ' ').capitalize()} third by volume"
        yield _Group(label, codes.LUNG, side, codes.ZONES[zone], tuple(_place(extents, (zone,))))


def _whole(score: Score, extents: Extents) -> _Group:
    numbers = (
        _Number(codes.VOLUME, extents.ml(), codes.ML),
        *_percent(codes.ILD_EXTENT, extents.ild_percent, score.ild_interval),
        *_percent(codes.FIBROSIS_EXTENT, extents.fibrosis_percent, score.fibrosis_interval),
        _Number(codes.ATTENUATION, rounded(extents.hu_sum / extents.voxels(), 1), codes.HU, derivation=codes.MEAN),
    )
    words = tuple((what, codes.SEVERITIES[grade]) for what, grade in (
        (codes.SEVERITY, score.severity), (codes.FIBROSIS_SEVERITY, score.fibrosis_severity)) if grade is not None)
    texts = [(codes.CAUTION, f.code) for f in score.findings]
    if score.severity_stability:
        texts.insert(0, (codes.STABILITY, score.severity_stability))
    return _Group("Both lungs", codes.INTERSTITIAL_PATTERN, codes.BOTH, None, numbers, words=words, texts=tuple(texts))


def _place(extents: Extents, zones: tuple[Zone, ...]) -> Iterator[_Number]:
    yield _Number(codes.VOLUME, extents.ml(zones=zones), codes.ML)
    yield from _percent(codes.ILD_EXTENT, extents.percent(extents.ild_patterns, zones))
    yield from _percent(codes.FIBROSIS_EXTENT, extents.percent(FIBROSIS, zones))


def _percent(what: Code, value: Decimal | None, interval: Interval | None = None) -> Iterator[_Number]:
    if value is not None:
        yield _Number(what, value, codes.PERCENT, interval)


def _report(
    images: list[Any], groups: list[_Group], score: Score, segmentations: Sequence[WrittenSeg],
    new_uid: Callable[[], str], now: datetime,
) -> Any:
    import highdicom as hd

    observer = hd.sr.ObserverContext(
        observer_type=hd.sr.CodedConcept("121007", "DCM", "Device"),
        observer_identifying_attributes=hd.sr.DeviceObserverIdentifyingAttributes(
            uid=new_uid(), name="ssc_hrct", manufacturer_name="ssc_hrct", model_name=f"ssc_hrct {__version__}",
        ),
    )
    algorithm = hd.sr.AlgorithmIdentification(
        "ssc_hrct", __version__,
        parameters=[f"protocol {score.protocol_name}", f"protocol sha256 {score.protocol_sha256}"],
    )
    content = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(observer_device_context=observer),
        procedure_reported=concept(codes.CT_OF_CHEST),
        imaging_measurements=[_measured(group, images, algorithm, score.visit, new_uid) for group in groups],
    )
    made = hd.sr.ComprehensiveSR(
        evidence=[*images, *(_as_evidence(seg, images[0]) for seg in segmentations)], content=content[0],
        series_instance_uid=new_uid(), series_number=SERIES_NUMBER, sop_instance_uid=new_uid(), instance_number=1,
        manufacturer="ssc_hrct", manufacturer_model_name="ssc_hrct", software_versions=__version__,
        device_serial_number="0", is_complete=True,
    )
    stamp(made, now, "ssc_hrct report, research only")
    made.CodingSchemeIdentificationSequence = [_scheme()]
    return made


def _measured(
    group: _Group, images: list[Any], algorithm: Any, visit: Visit, new_uid: Callable[[], str]
) -> Any:
    import highdicom as hd

    tracked = new_uid() if group.segment is None else group.segment[0].tracking_uids[group.segment[1] - 1]
    tracking = hd.sr.TrackingIdentifier(uid=tracked, identifier=group.label)
    modifier = concept(group.place) if group.place else None
    common: dict[str, Any] = {
        "tracking_identifier": tracking, "finding_type": concept(group.finding), "algorithm_id": algorithm,
        "finding_sites": [
            hd.sr.FindingSite(concept(codes.LUNG), concept(group.side) if group.side else None, modifier)
        ],
        "time_point_context": hd.sr.TimePointContext(
            time_point=visit.name, time_point_type=concept(codes.BASELINE) if visit == BASELINE else None,
            protocol_time_point_identifier=visit.name),
        "measurements": [_number(number) for number in group.numbers],
        "qualitative_evaluations": [hd.sr.QualitativeEvaluation(concept(a), concept(b)) for a, b in group.words],
    }
    made: Any
    if group.segment is None:
        made = hd.sr.MeasurementsAndQualitativeEvaluations(**common)
    else:
        seg, number = group.segment
        made = hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
            referenced_segment=hd.sr.ReferencedSegment(
                _SEG_CLASS, seg.sop_instance_uid, number,
                source_series=hd.sr.SourceSeriesForSegmentation(images[0].SeriesInstanceUID),
            ), **common,
        )
    for what, text in group.texts:
        made[0].ContentSequence.append(hd.sr.TextContentItem(
            concept(what), text, relationship_type=hd.sr.RelationshipTypeValues.CONTAINS))
    return made


def _number(number: _Number) -> Any:
    import highdicom as hd

    made = hd.sr.Measurement(
        concept(number.what), float(number.value), concept(number.unit),
        derivation=concept(number.derivation) if number.derivation else None,
    )
    made[0].MeasuredValueSequence[0].NumericValue = str(number.value)  # with the table's own decimals
    if number.interval is not None:
        if "ContentSequence" not in made[0]:
            made[0].ContentSequence = hd.sr.ContentSequence()
        low, high = rounded(number.interval.low_percent, 2), rounded(number.interval.high_percent, 2)
        for what, off in ((codes.UPPER_RANGE, high - number.value), (codes.LOWER_RANGE, number.value - low)):
            made[0].ContentSequence.append(hd.sr.NumContentItem(
                concept(what), float(off), concept(number.unit),
                relationship_type=hd.sr.RelationshipTypeValues.HAS_PROPERTIES))
    return made


def _as_evidence(seg: WrittenSeg, image: Any) -> Any:
    """As much of a segmentation as a reference to it needs."""
    from copy import deepcopy

    made = deepcopy(image)
    made.SOPClassUID, made.SOPInstanceUID, made.SeriesInstanceUID = (
        _SEG_CLASS, seg.sop_instance_uid, seg.series_instance_uid)
    made.Modality = "SEG"
    return made


def _scheme() -> Any:
    from pydicom.dataset import Dataset

    made = Dataset()
    made.CodingSchemeDesignator = codes.PRIVATE_SCHEME
    made.CodingSchemeUID = codes.PRIVATE_SCHEME_UID
    made.CodingSchemeName = "ssc_hrct, open research software"
    return made
