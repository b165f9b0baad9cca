"""The headers of the scan, as objects that point at it need them: cut to an allow-list, under the subject's name.

In: a `Series` and its `SourceFrames`. Out: pydicom datasets without pixels; or what the files lack for this, told
before any work.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.volume import SourceFrames
from ssc_hrct.dicom.files import READ_ERRORS, read_dataset
from ssc_hrct.dicom.headers import CT_IMAGE
from ssc_hrct.dicom.series import Series, SliceHeader

_DATE, _TIME = re.compile(r"\d{8}"), re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?")
_UID = re.compile(r"[0-2](\.(0|[1-9]\d*))+")
_LOSSY = ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")
_METHOD = re.compile(r"ISO_\d{5}_\d{1,2}")
"""As the defined terms of PS3.3 C.7.6.1.1.5 look."""
_TAKEN = (
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "StudyDate",
    "StudyTime", "Modality", "ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing", "SliceThickness",
    "Rows", "Columns", "NumberOfFrames", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
    "LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod",
)
"""What an object says of its source, and nothing else of it."""
_PLACE = "PlanePositionSequence"
_GROUPS = {
    _PLACE: ("ImagePositionPatient",),
    "PlaneOrientationSequence": ("ImageOrientationPatient",),
    "PixelMeasuresSequence": ("PixelSpacing", "SliceThickness"),
}


STUDY_UID = "Study Instance UID"


def lacking(series: Series) -> tuple[str, ...]:
    """What the source files lack for objects that point at them, in DICOM's words; empty where nothing does."""
    asked: tuple[tuple[str, Callable[[Any], str]], ...] = (
        ("SOP Instance UID", lambda h: h.sop_uid), ("Series Instance UID", lambda h: h.series_uid),
        (STUDY_UID, lambda h: h.study_uid), ("Frame of Reference UID", lambda h: h.frame_of_reference_uid),
    )
    return tuple(name for name, of in asked if not all(is_uid(of(header)) for header in series.slices))


def one_of(names: Sequence[str]) -> str:
    """'A, B or C'."""
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def is_uid(text: str) -> bool:
    """Whether it is a UID as PS3.5 section 9.1 wants it."""
    return len(text) <= 64 and _UID.fullmatch(text) is not None


def check_complete(series: Series, what: str) -> None:
    """Raises HrctError(SOURCE_INCOMPLETE) where the files lack what an object (`what`, in words) must point at."""
    _refuse_without(lacking(series), what)


def check_study(series: Series, what: str) -> None:
    """The same for an object that points at no image and stands in the scan's study."""
    _refuse_without(tuple(name for name in lacking(series) if name == STUDY_UID), what)


def _refuse_without(missing: tuple[str, ...], what: str) -> None:
    if missing:
        raise HrctError(
            "SOURCE_INCOMPLETE", f"The files have no {one_of(missing)}, which {what} must point at.",
            "Write NIfTI instead, or export the scan from the archive once more.",
        )


def source_images(series: Series, source: SourceFrames, subject_id: str, identity_removed: bool) -> list[Any]:
    """Headers of the images that the volume's slices came from, feet to head, each image once.

    identity_removed: that is said of them; not where `subject_id` is the patient's own number.

    Of files that hold one image the first is read: what is said of the others is known since they were found.
    Raises HrctError(SOURCE_GONE) where the file is no longer there.
    """
    wanted = {uid for uid in source.sop_instance_uids if uid}
    headers = {header.sop_uid: header for header in reversed(series.slices) if header.sop_uid in wanted}
    first, *others = reversed(headers.values())
    image = _read(first.path, subject_id, identity_removed)
    _cut_groups(image)
    return [image, *(_other_image(image, header) for header in others)]


def _other_image(image: Any, header: SliceHeader) -> Any:
    """The same header with the name and place of another image; elements are replaced, since the two share the rest."""
    from pydicom.dataset import Dataset

    made = Dataset()
    made.update(image)
    made.add_new("SOPInstanceUID", "UI", header.sop_uid)
    if "ImagePositionPatient" in made and header.position is not None:
        made.add_new("ImagePositionPatient", "DS", list(header.position))
    return made


def study_header(series: Series, subject_id: str, identity_removed: bool) -> Any:
    """Header of one image, for an object that stands in the same study. Raises HrctError(SOURCE_GONE)."""
    return _read(series.files[0], subject_id, identity_removed)


def _read(file: Path, subject_id: str, identity_removed: bool) -> Any:
    try:
        image = read_dataset(file, tags=_TAKEN, pixels=False)
    except READ_ERRORS as problem:
        raise HrctError(
            "SOURCE_GONE", "The DICOM files of this scan are no longer where they were.",
            "Open the folder again; what points at its images is made with their headers.",
        ) from problem
    image.setdefault("SOPClassUID", CT_IMAGE)
    _name(image, subject_id, identity_removed)
    _check_compression(image)
    return image


def stamp(made: Any, now: datetime, description: str) -> None:
    """Put `now` wherever the writer took the clock, so that the same input gives the same bytes."""
    made.InstanceCreationDate = made.ContentDate = made.SeriesDate = now.strftime("%Y%m%d")
    made.InstanceCreationTime = made.ContentTime = made.SeriesTime = now.strftime("%H%M%S")
    for item in made.get("ContributingEquipmentSequence", ()):
        item.ContributionDateTime = now.strftime("%Y%m%d%H%M%S")
    made.SeriesDescription = description


def _name(image: Any, subject_id: str, identity_removed: bool) -> None:
    image.PatientID, image.PatientName = subject_id, re.sub("[=^]", "_", subject_id)
    image.PatientIdentityRemoved = "YES" if identity_removed else "NO"
    if identity_removed:
        image.DeidentificationMethod = "ssc_hrct: named tags alone are taken over"
    image.PatientBirthDate = image.PatientSex = image.AccessionNumber = image.StudyID = ""
    image.ReferringPhysicianName = ""
    for name, shape in (("StudyDate", _DATE), ("StudyTime", _TIME)):
        if not shape.fullmatch(str(image.get(name, ""))):
            setattr(image, name, "")


def _check_compression(image: Any) -> None:
    """What is said of lossy compression stays where it is what the standard defines: free text may be anything."""
    said = image.get("LossyImageCompression")
    ratios, methods = (_several(image.get(name)) for name in _LOSSY[1:])
    if said not in ("00", "01") or not all(isinstance(r, int | float | Decimal) for r in ratios) or not all(
            _METHOD.fullmatch(str(method)) for method in methods):
        for name in _LOSSY:
            if name in image:
                del image[name]


def _several(value: Any) -> list[Any]:
    return [] if value is None or value == "" else [value] if isinstance(value, str | int | float) else list(value)


def _cut_groups(image: Any) -> None:
    """Of the functional groups of many frames: where each lies. What all frames share stands in the shared group.

    Raises HrctError(SOURCE_MIXED) where the frames make several stacks.
    """
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    if "PerFrameFunctionalGroupsSequence" not in image:
        return
    shared = Dataset()
    old = next(iter(image.get("SharedFunctionalGroupsSequence") or ()), Dataset())
    frames = [Dataset() for _ in image.PerFrameFunctionalGroupsSequence]
    for name, tags in _GROUPS.items():
        items = [_bare(frame.get(name) or old.get(name), tags) for frame in image.PerFrameFunctionalGroupsSequence]
        if name != _PLACE and any(item != items[0] for item in items):
            raise HrctError(
                "SOURCE_MIXED", "The file holds frames of several orientations or spacings.", "Write NIfTI instead."
            )
        if name != _PLACE:
            setattr(shared, name, Sequence(items[:1]))
            continue
        for frame, item in zip(frames, items, strict=True):
            setattr(frame, name, Sequence([item]))
    image.SharedFunctionalGroupsSequence = Sequence([shared])
    image.PerFrameFunctionalGroupsSequence = Sequence(frames)


def _bare(items: Any, tags: tuple[str, ...]) -> Any:
    """The first of `items` with these tags alone."""
    from pydicom.dataset import Dataset

    bare = Dataset()
    for item in list(items or ())[:1]:
        for tag in tags:
            if tag in item:
                bare[tag] = item[tag]
    return bare
