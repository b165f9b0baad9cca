"""Label maps as a DICOM Segmentation that viewers lay over the scan (PS3.3 A.51), by highdicom.

In: the series that was loaded, the `Volume` it gave, and which labels become which segment. Out: one file: binary, on
the source's own rows and columns, in its frame of reference, each frame pointing at the image it lies on. Of the
source's header only what an allow-list names is taken over; the patient is called by the subject's name.
"""

from __future__ import annotations

import re
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
from ssc_hrct.core.volume import LabelMap, SourceFrames, Volume
from ssc_hrct.dicom.codes import Code, Property
from ssc_hrct.dicom.files import READ_ERRORS, open_file
from ssc_hrct.dicom.quiet import quiet
from ssc_hrct.dicom.series import Series
from ssc_hrct.version import __version__

Rgb = tuple[int, int, int]
_UID = re.compile(r"[0-2](\.(0|[1-9]\d*))+")
_TAKEN = (
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "StudyDate",
    "StudyTime", "Modality", "ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing", "SliceThickness",
    "Rows", "Columns", "PositionReferenceIndicator", "LossyImageCompression",
    "LossyImageCompressionRatio", "LossyImageCompressionMethod",
)
"""What a segmentation says of its source, and nothing else of it."""


@dataclass(frozen=True, slots=True)
class Segment:
    """The voxels of `labels` (on the volume's grid) that hold `value`, shown as `rgb` (0 to 255)."""

    what: Property
    labels: LabelMap
    value: int
    rgb: Rgb


def lacking(series: Series) -> tuple[str, ...]:
    """What the source files lack for objects that point at them, in DICOM's words; empty where nothing does."""
    asked: tuple[tuple[str, Callable[[Any], str]], ...] = (
        ("SOP Instance UID", lambda h: h.sop_uid), ("Series Instance UID", lambda h: h.series_uid),
        ("Study Instance UID", lambda h: h.study_uid), ("Frame of Reference UID", lambda h: h.frame_of_reference_uid),
    )
    return tuple(name for name, of in asked if not all(is_uid(of(header)) for header in series.slices))


def is_uid(text: str) -> bool:
    """Whether it is a UID as PS3.5 section 9.1 wants it."""
    return len(text) <= 64 and _UID.fullmatch(text) is not None


def write_seg(
    file: Path, series: Series, volume: Volume, segments: Sequence[Segment], *, subject_id: str,
    new_uid: Callable[[], str], now: datetime, keep_empty_frames: bool = False, progress: Progress = SILENT,
) -> None:
    """Write the segments, numbered from 1 in their order. Frames without any voxel are left out unless kept.

    Raises HrctError: SOURCE_INCOMPLETE where the source lacks what must be pointed at, SOURCE_GONE where its files
    are no longer there, SOURCE_SHEARED where the volume is not on the source's rows (tilt undone),
    OUTPUT_NOT_WRITABLE.
    """
    missing = lacking(series)
    if missing:
        raise HrctError(
            "SOURCE_INCOMPLETE", f"The files have no {' and no '.join(missing)}, which a segmentation must point at.",
            "Write NIfTI instead, or export the scan from the archive once more.",
        )
    if volume.source.shear_mm_per_slice:
        raise HrctError(
            "SOURCE_SHEARED", "The gantry was tilted: what was scored lies between the rows of the files.",
            "Write NIfTI instead.",
        )
    progress.step("Writing the segmentation", 0, 3)
    with quiet():
        images = _source_images(series, volume.source, subject_id)
        progress.step("Writing the segmentation", 1, 3)
        made = _segmentation(images, volume, segments, new_uid, keep_empty_frames, now)
        progress.step("Writing the segmentation", 2, 3)
        with written_whole(file) as aside:
            made.save_as(aside, enforce_file_format=True)


def _source_images(series: Series, source: SourceFrames, subject_id: str) -> list[Any]:
    """Headers of the images that the volume's slices came from, cut to the allow-list."""
    import pydicom

    wanted = {uid for uid in source.sop_instance_uids if uid}
    images = []
    for header in series.slices:
        if header.sop_uid not in wanted:
            continue
        try:
            with open_file(header.path) as (file, _):
                image = pydicom.dcmread(file, stop_before_pixels=True, force=True, specific_tags=list(_TAKEN))
        except READ_ERRORS as problem:
            raise HrctError(
                "SOURCE_GONE", "The DICOM files of this scan are no longer where they were.",
                "Open the folder again; a segmentation points at its images and is made with their headers.",
            ) from problem
        image.PatientID, image.PatientName = subject_id, f"{subject_id}^"
        image.PatientIdentityRemoved = "YES"
        image.DeidentificationMethod = "ssc_hrct: named tags alone are taken over"
        image.PatientBirthDate = image.PatientSex = image.AccessionNumber = image.StudyID = ""
        image.ReferringPhysicianName = ""
        image.setdefault("StudyDate", "")
        image.setdefault("StudyTime", "")
        images.append(image)
    return images


def _segmentation(
    images: list[Any], volume: Volume, segments: Sequence[Segment], new_uid: Callable[[], str], keep_empty: bool,
    now: datetime,
) -> Any:
    import highdicom as hd

    stacked = np.zeros((*_stored(volume.hu, volume.source).shape, len(segments)), np.bool_)
    for i, segment in enumerate(segments):
        np.equal(_stored(segment.labels.labels, volume.source), segment.value, out=stacked[..., i])
    made = hd.seg.Segmentation(
        source_images=images,
        pixel_array=hd.Volume(
            stacked.view(np.uint8), _affine(volume), coordinate_system="PATIENT",
            frame_of_reference_uid=images[0].FrameOfReferenceUID,
            channels={"SegmentNumber": [*range(1, len(segments) + 1)]},
        ),
        segmentation_type="BINARY",
        segment_descriptions=[_described(i, s, new_uid) for i, s in enumerate(segments, start=1)],
        series_instance_uid=new_uid(), series_number=100, sop_instance_uid=new_uid(), instance_number=1,
        manufacturer="ssc_hrct", manufacturer_model_name="ssc_hrct", software_versions=__version__,
        device_serial_number="0", content_description="Lungs and patterns, automatic", content_label="SSC_HRCT",
        omit_empty_frames=not keep_empty,
    )
    # What highdicom takes from the clock and from chance, for the same bytes each time.
    made.InstanceCreationDate = made.ContentDate = made.SeriesDate = now.strftime("%Y%m%d")
    made.InstanceCreationTime = made.ContentTime = made.SeriesTime = now.strftime("%H%M%S")
    for item in made.get("ContributingEquipmentSequence", ()):
        item.ContributionDateTime = now.strftime("%Y%m%d%H%M%S")
    dimensions = new_uid()
    for item in (*made.DimensionOrganizationSequence, *made.DimensionIndexSequence):
        item.DimensionOrganizationUID = dimensions
    made.SeriesDescription = "ssc_hrct segmentation"
    return made


def _stored(array: NDArray[Any], source: SourceFrames) -> NDArray[Any]:
    """A view of the volume [z, y, x] as the files have it: [slice, row, column]."""
    turned = array[tuple(slice(None, None, -1 if flip else 1) for flip in source.flipped)]
    return turned.transpose([source.axes.index(axis) for axis in (0, 1, 2)])


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
        segment_number=number, segment_label=what.label, segmented_property_category=_concept(what.category),
        segmented_property_type=_concept(what.type), algorithm_type="AUTOMATIC",
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name="ssc_hrct", version=__version__, family=_concept(Code("123110", "DCM", "Artificial Intelligence")),
        ),
        tracking_uid=new_uid(), tracking_id=what.label,
        anatomic_regions=[_concept(what.region)] if what.region else None,
        display_color=hd.color.CIELabColor.from_rgb(*segment.rgb),
    )
    if what.side:
        described.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [_concept(what.side)]
    if what.region_side:
        described.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = [_concept(what.region_side)]
    return described


def _concept(code: Code) -> Any:
    import highdicom as hd

    return hd.sr.CodedConcept(code.value, code.scheme, code.meaning)
