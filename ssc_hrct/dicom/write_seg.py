"""Label maps as a DICOM Segmentation that viewers lay over the scan (PS3.3 A.51), by highdicom.

In: the series that was loaded, the `Volume` it gave, and which labels become which segment. Out: one file: binary, on
the source's own rows and columns, in its frame of reference, each frame pointing at the image it lies on. Of the
source's header only what an allow-list names is taken over; the patient is called by the subject's name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.paths import written_whole
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.volume import LabelMap, Volume
from ssc_hrct.dicom.codes import MORPHOLOGY, SEGMENTED, SOURCE_IMAGE, Code, Property, concept
from ssc_hrct.dicom.geometry import as_stack
from ssc_hrct.dicom.headers import CT_IMAGE, ENHANCED_CT
from ssc_hrct.dicom.quiet import quiet
from ssc_hrct.dicom.series import Series, SliceHeader
from ssc_hrct.dicom.source_headers import check_complete, source_images, stamp
from ssc_hrct.version import __version__

Rgb = tuple[int, int, int]
SERIES_NUMBER = 100
_DERIVATION = 0x00089124
_SQ_HEADER_BYTES = 12
"""Tag, VR, two empty bytes and length of a sequence in explicit VR (PS3.5 7.1.2)."""


@dataclass(frozen=True, slots=True)
class Segment:
    """The voxels of `labels` (on the volume's grid) that hold `value`, shown as `rgb` (0 to 255).

    family: of what found them. given: they rest on an outline that came from elsewhere.
    """

    what: Property
    labels: LabelMap
    value: int
    rgb: Rgb
    family: Code = MORPHOLOGY
    given: bool = False


@dataclass(frozen=True, slots=True)
class WrittenSeg:
    """What a report needs to point at a segmentation: its UIDs, and its segments, which are numbered from 1.

    tracking_uids: of each segment, what names it in other objects too.
    """

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    segments: tuple[Segment, ...]
    tracking_uids: tuple[str, ...]


def write_seg(
    file: Path, series: Series, volume: Volume, segments: Sequence[Segment], *, subject_id: str,
    new_uid: Callable[[], str], now: datetime, what: str = "segmentation", number: int = SERIES_NUMBER,
    identity_removed: bool = True, keep_empty_frames: bool = False, progress: Progress = SILENT,
) -> WrittenSeg:
    """Write the segments, numbered from 1 in their order. Frames without any voxel are left out unless kept.

    what, number: what the series is called, in words that stand behind our name, and its number in the study.
    identity_removed: the file says so; it must not where `subject_id` is the patient's own number.

    Raises HrctError: SOURCE_INCOMPLETE where the source lacks what must be pointed at, SOURCE_GONE where its files
    are no longer there, SOURCE_SHEARED where the volume is not on the source's rows (tilt undone),
    OUTPUT_NOT_WRITABLE.
    """
    check_complete(series, "a segmentation")
    if volume.source.shear_mm_per_slice:
        raise HrctError(
            "SOURCE_SHEARED", "The gantry was tilted: what was scored lies between the rows of the files.",
            "Write NIfTI instead.",
        )
    progress.step("Writing the segmentation", 0, 3)
    with quiet():
        images = source_images(series, volume.source, subject_id, identity_removed)
        progress.step("Writing the segmentation", 1, 3)
        made = _segmentation(images, volume, segments, new_uid, keep_empty_frames)
        stamp(made, now, f"ssc_hrct {what}")
        made.SeriesNumber, made.ContentDescription = number, f"{what.capitalize()}, by ssc_hrct"
        _point_at_images(made, series, volume)
        progress.step("Writing the segmentation", 2, 3)
        with written_whole(file) as aside:
            made.save_as(aside, enforce_file_format=True)
    tracked = tuple(str(segment.TrackingUID) for segment in made.SegmentSequence)
    return WrittenSeg(made.StudyInstanceUID, made.SeriesInstanceUID, made.SOPInstanceUID, tuple(segments), tracked)


def _segmentation(
    images: list[Any], volume: Volume, segments: Sequence[Segment], new_uid: Callable[[], str], keep_empty: bool
) -> Any:
    import highdicom as hd

    pixels = _pixels(volume, segments)
    if not keep_empty and not pixels.any():
        pixels = pixels[:1]  # a segment must have a frame; without this the library would write them all
    made = hd.seg.Segmentation(
        source_images=images[:1],  # the others are pointed at below: compared with each plane they cost minutes
        pixel_array=hd.Volume(
            pixels, _affine(volume), coordinate_system="PATIENT", frame_of_reference_uid=images[0].FrameOfReferenceUID,
            channels={"SegmentNumber": [*range(1, len(segments) + 1)]} if pixels.ndim == 4 else None,
        ),
        segmentation_type="BINARY",
        segment_descriptions=[_described(i, s, new_uid) for i, s in enumerate(segments, start=1)],
        series_instance_uid=new_uid(), series_number=SERIES_NUMBER, sop_instance_uid=new_uid(), instance_number=1,
        manufacturer="ssc_hrct", manufacturer_model_name="ssc_hrct", software_versions=__version__,
        device_serial_number="0", content_label="SSC_HRCT",
        omit_empty_frames=not keep_empty,
    )
    made.ReferencedSeriesSequence[0].ReferencedInstanceSequence = [_reference(image) for image in images]
    dimensions = new_uid()
    for item in (*made.DimensionOrganizationSequence, *made.DimensionIndexSequence):
        item.DimensionOrganizationUID = dimensions
    return made


def _pixels(volume: Volume, segments: Sequence[Segment]) -> NDArray[np.uint8]:
    """Numbers of the segments [slice, row, column] where they are values of one map; else [..., segment], 0 or 1."""
    first, source = segments[0].labels.labels, volume.source
    if all(s.labels.labels is first for s in segments) and len({s.value for s in segments}) == len(segments):
        numbers: NDArray[np.uint8] = np.zeros(256, np.uint8)
        numbers[[s.value for s in segments]] = range(1, len(segments) + 1)
        return np.asarray(numbers[as_stack(first, source.axes, source.flipped)], np.uint8)
    stacked = np.zeros((*as_stack(first, source.axes, source.flipped).shape, len(segments)), np.bool_)
    for i, segment in enumerate(segments):
        labels = as_stack(segment.labels.labels, source.axes, source.flipped)
        np.equal(labels, segment.value, out=stacked[..., i])
    return stacked.view(np.uint8)


def _reference(image: Any) -> Any:
    from pydicom.dataset import Dataset

    made = Dataset()
    made.ReferencedSOPClassUID, made.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    return made


def _point_at_images(made: Any, series: Series, volume: Volume) -> None:
    """For each frame the image that it lies on, by its place; none for a slice that was filled in.

    The library does this only where every slice lies within a thousandth of a millimetre of its rung.
    """
    place: NDArray[Any] = np.linalg.inv(_affine(volume))
    there = {k for k, uid in enumerate(volume.source.sop_instance_uids) if uid}
    images = {_slice_at(place, header.position): header for header in series.slices if header.position is not None}
    encoded = {k: _encoded(_source_of(header)) for k, header in images.items() if k in there}
    nothing = _encoded([])
    shared = made.SharedFunctionalGroupsSequence[0]
    if "DerivationImageSequence" in shared:
        del shared.DerivationImageSequence
    for frame in made.PerFrameFunctionalGroupsSequence:
        k = _slice_at(place, frame.PlanePositionSequence[0].ImagePositionPatient)
        frame[_DERIVATION] = encoded.get(k, nothing)
        for name in ("FrameContentSequence", "PlanePositionSequence", "SegmentIdentificationSequence"):
            for item in frame.get(name, ()):
                _as_encoded(item)
        _as_encoded(frame)
    made["PixelData"].VR = "OB"
    _as_encoded(made)


def _source_of(header: SliceHeader) -> list[Any]:
    """Items of the DerivationImageSequence that point at this image (PS3.3 C.7.6.16.2.6)."""
    from pydicom.dataset import Dataset

    source = Dataset()
    source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID = header.sop_class or CT_IMAGE, header.sop_uid
    if header.sop_class in ENHANCED_CT:
        source.ReferencedFrameNumber = header.frame + 1
    source.PurposeOfReferenceCodeSequence = [concept(SOURCE_IMAGE)]
    item = Dataset()
    item.SourceImageSequence = [source]
    item.DerivationCodeSequence = [concept(SEGMENTED)]
    return [item]


def _encoded(items: list[Any]) -> Any:
    """The sequence as bytes: thousands of frames point at some hundred images, and encoding is most of the writing."""
    from pydicom.dataelem import DataElement, RawDataElement
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_data_element
    from pydicom.tag import Tag

    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = False, True
    write_data_element(buffer, DataElement(_DERIVATION, "SQ", items))
    value = buffer.getvalue()[_SQ_HEADER_BYTES:]
    return RawDataElement(Tag(_DERIVATION), "SQ", len(value), value, 0, False, True)


def _as_encoded(dataset: Any) -> None:
    """Say that it is explicit and little endian already, so that the writer takes over what is encoded."""
    dataset.set_original_encoding(False, True, dataset._character_set)  # noqa: SLF001 - compared with just this


def _slice_at(place: NDArray[np.float64], position: Any) -> int:
    """Index of the slice whose first pixel lies at this position in mm."""
    return round(float(place[0] @ np.array([*(float(v) for v in position), 1.0])))


def _affine(volume: Volume) -> NDArray[np.float64]:
    """From indices [slice, row, column] as stored to LPS in mm."""
    grid, source = volume.grid, volume.source
    corner = tuple(float(n - 1) if flip else 0.0 for n, flip in zip(grid.shape, source.flipped, strict=True))
    steps = [
        np.asarray(grid.direction[axis]) * grid.spacing_mm[axis] * (-1 if source.flipped[axis] else 1)
        for axis in (source.axes.index(stored) for stored in (0, 1, 2))
    ]
    out = np.eye(4)
    out[:3, :3] = np.stack(steps, axis=1)
    out[:3, 3] = grid.to_lps_mm(corner)
    return out


def _described(number: int, segment: Segment, new_uid: Callable[[], str]) -> Any:
    import highdicom as hd

    what = segment.what
    described = hd.seg.SegmentDescription(
        segment_number=number, segment_label=what.label, segmented_property_category=concept(what.category),
        segmented_property_type=concept(what.type),
        algorithm_type="SEMIAUTOMATIC" if segment.given else "AUTOMATIC",
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name="ssc_hrct, from an outline that was given" if segment.given else "ssc_hrct", version=__version__,
            family=concept(segment.family),
        ),
        tracking_uid=new_uid(), tracking_id=what.label,
        anatomic_regions=[concept(what.region)] if what.region else None,
        display_color=hd.color.CIELabColor.from_rgb(*segment.rgb),
    )
    if what.side:
        described.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [concept(what.side)]
    if what.region_side:
        described.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = [concept(what.region_side)]
    return described
