"""CT images without identity: a new file that holds what is named here, and nothing else of the old one.

In: a file, and what its subject, UIDs and dates become. Out: a CT image that other programs read and that is scored to
the same numbers. By the basic profile of PS3.15 annex E turned round: not what must go is listed, but what may stay.
Private elements, free text, overlays and everything unknown go. Text that stays is looked through for the patient's
own names and numbers, and goes where it holds one. Beside the pixels' values nothing stays of what holds them
(`clean_pixels`). What is burned into pixels cannot be seen here: pages and captures, and images that say so, are not
written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID

from ssc_hrct.core.paths import written_whole
from ssc_hrct.dicom.clean_pixels import NotWritten, clean_pixels, pixel_bytes
from ssc_hrct.dicom.files import READ_ERRORS, read_dataset, syntax_of
from ssc_hrct.dicom.headers import CT_IMAGE, ENHANCED_CT, has_contrast, names_expiration
from ssc_hrct.dicom.quiet import quiet
from ssc_hrct.dicom.write_ct import IMPLEMENTATION_UID
from ssc_hrct.version import __version__

SHORTEST_NAME, LONG_ENOUGH = 2, 6
"""Parts of names and numbers are looked for as whole words from the first length on, anywhere in a text from the
second; signs of which one is a word (Chinese, Korean, Japanese) always."""
_SPLIT = re.compile(r"[\W_]+")
_STAY = frozenset((
    "SOPClassUID", "ImageType", "Modality", "Manufacturer", "ManufacturerModelName", "SoftwareVersions",
    "PatientPosition", "BodyPartExamined", "SeriesNumber", "AcquisitionNumber", "InstanceNumber",
    "TemporalPositionIdentifier", "NumberOfTemporalPositions", "ScanOptions", "KVP", "DataCollectionDiameter",
    "ReconstructionDiameter", "DistanceSourceToDetector", "DistanceSourceToPatient", "GantryDetectorTilt",
    "TableHeight", "RotationDirection", "ExposureTime", "XRayTubeCurrent", "Exposure", "FilterType",
    "GeneratorPower", "FocalSpots", "ConvolutionKernel", "RevolutionTime", "SingleCollimationWidth",
    "TotalCollimationWidth", "TableSpeed", "TableFeedPerRotation", "SpiralPitchFactor", "ExposureModulationType",
    "CTDIvol", "ReconstructionAlgorithm", "SliceThickness", "SpacingBetweenSlices", "SliceLocation",
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "PositionReferenceIndicator",
    "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames", "Rows", "Columns",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SmallestImagePixelValue",
    "LargestImagePixelValue", "PixelPaddingValue", "PixelPaddingRangeLimit", "RescaleIntercept", "RescaleSlope",
    "RescaleType", "WindowCenter", "WindowWidth", "LossyImageCompression", "LossyImageCompressionRatio",
    "LossyImageCompressionMethod", "BurnedInAnnotation", "QualityControlImage", "PixelPresentation",
    "VolumetricProperties", "VolumeBasedCalculationTechnique", "ContentQualification", "PresentationLUTShape",
    "AcquisitionDuration", "FrameType", "FrameAcquisitionNumber", "FrameReferenceDateTime", "FrameAcquisitionDateTime",
    "FrameAcquisitionDuration", "DimensionIndexValues", "StackID", "InStackPositionNumber", "TemporalPositionIndex",
    "DimensionIndexPointer", "FunctionalGroupPointer", "DimensionOrganizationType", "FrameLaterality",
    "AcquisitionType", "TubeAngle", "ConstantVolumeFlag", "FluoroscopyFlag", "ReconstructionFieldOfView",
    "ReconstructionPixelSpacing", "ReconstructionAngle", "ReconstructionTargetCenterPatient",
    "DataCollectionCenterPatient", "TablePosition", "ExposureTimeInms", "ExposureInmAs", "XRayTubeCurrentInmA",
    "CodeValue", "CodingSchemeDesignator", "CodingSchemeVersion", "CodeMeaning", "LongCodeValue",
    "ConvolutionKernelGroup", "ImageFilter", "FilterMaterial", "DistanceSourceToDataCollectionCenter", "Laterality",
))
_DATES = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")
_TIMES = ("StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime")
_MOMENTS = ("AcquisitionDateTime", "FrameReferenceDateTime", "FrameAcquisitionDateTime")
_UIDS = ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "DimensionOrganizationUID",
         "IrradiationEventUID")
_SEQUENCES = frozenset((
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "PixelMeasuresSequence",
    "PlanePositionSequence", "PlaneOrientationSequence", "PixelValueTransformationSequence", "FrameContentSequence",
    "FrameAnatomySequence", "AnatomicRegionSequence", "CTImageFrameTypeSequence", "CTAcquisitionTypeSequence",
    "CTAcquisitionDetailsSequence", "CTTableDynamicsSequence", "CTPositionSequence", "CTGeometrySequence",
    "CTReconstructionSequence", "CTExposureSequence", "CTXRayDetailsSequence", "FrameVOILUTSequence",
    "DimensionOrganizationSequence", "DimensionIndexSequence", "IrradiationEventIdentificationSequence",
    "CTAdditionalXRaySourceSequence", "CTDIPhantomTypeCodeSequence",
))
_EMPTY = ("PatientBirthDate", "PatientSex", "AccessionNumber", "ReferringPhysicianName", "StudyID", "StudyDate",
          "StudyTime", "Manufacturer", "PositionReferenceIndicator")
"""What a CT image must have, even without a value (PS3.3 A.3: type 2)."""
_NEVER, _GONE = "19000101", "REMOVED"
_MUST = {
    "ContentDate": _NEVER, "ContentTime": "000000", "AcquisitionDateTime": f"{_NEVER}000000",
    "FrameReferenceDateTime": f"{_NEVER}000000", "FrameAcquisitionDateTime": f"{_NEVER}000000",
    "Manufacturer": _GONE, "ManufacturerModelName": _GONE, "SoftwareVersions": _GONE,
}
"""What an enhanced image must have with a value (PS3.3 A.38: type 1), and what stands there when the value went."""
_TEXT = {"CS", "LO", "LT", "SH", "ST", "UC", "UT", "PN", "AE"}


_SHAPES = {
    "date": re.compile(r"\d{8}"), "time": re.compile(r"\d{2,6}(\.\d{1,6})?"),
    "moment": re.compile(r"\d{8}(\d{2,6}(\.\d{1,6})?)?([+-]\d{4})?"),
}
"""What a date, time or moment looks like (PS3.5 6.2); anything else may be a name."""
_DEFINED = {"PhotometricInterpretation", "PatientPosition", "RescaleType", "Modality", "BodyPartExamined", "ImageType",
            "LossyImageCompressionMethod", "FrameType", "RotationDirection", "ExposureModulationType"}
"""Code strings of known words. They stay where each is a word of capitals, whatever the patient is called."""
_WORD = re.compile(r"[A-Z0-9][A-Z0-9_ ]{0,15}")


class Dates(StrEnum):
    KEEP = "keep"
    SHIFT = "shift"
    """All dates of a subject by the same number of days."""
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Rules:
    """What one exam's identity becomes. new_uid: the UID that stands for an old one, always the same.

    days: by which dates move where they are shifted. study, series: what stands for a UID that the file lacks.
    """

    subject_id: str
    new_uid: Callable[[str], str]
    dates: Dates
    days: int = 0
    study: str = ""
    series: str = ""


def write_deidentified(file: Path, out: Path, rules: Rules) -> None:
    """The CT image in `file` without identity, as `out`. `file` is not changed.

    Raises NotWritten for what is no CT image, may show a name in its pixels, or cannot be read; HrctError
    (OUTPUT_NOT_WRITABLE).
    """
    with quiet():
        made = _made(_read(file), rules)
        with written_whole(out) as aside:
            made.save_as(aside, enforce_file_format=True)


def _read(file: Path) -> FileDataset:
    try:
        read = read_dataset(file)
        read.decode()
        for _ in read.iterall():  # parses all, so that what is broken shows here
            pass
    except READ_ERRORS as problem:
        raise NotWritten("it cannot be read") from problem
    except Exception as problem:  # the parser complains of broken files in every way
        raise NotWritten("it is damaged") from problem
    if read.get("SOPClassUID", "") not in (CT_IMAGE, *ENHANCED_CT):
        raise NotWritten("it is no CT image, and may show a name in its pixels or text")
    if str(read.get("BurnedInAnnotation", "")).upper() == "YES":
        raise NotWritten("it says that text is burned into its pixels")
    if "PixelData" not in read:
        raise NotWritten("it holds no pixels")
    if not read["PixelData"].is_undefined_length and len(read.PixelData) < pixel_bytes(read):
        raise NotWritten("it is damaged")
    return read


def _made(old: FileDataset, rules: Rules) -> FileDataset:
    pixels, syntax = clean_pixels(old, syntax_of(old))
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = UID(IMPLEMENTATION_UID)
    meta.ImplementationVersionName = f"SSC_HRCT_{__version__}"[:16]
    made = FileDataset("", {}, file_meta=meta, preamble=bytes(128), is_implicit_VR=syntax.is_implicit_VR,
                       is_little_endian=syntax.is_little_endian)
    made.SpecificCharacterSet = "ISO_IR 192"
    _copy(old, made, rules, _own_words(old))
    for name in _EMPTY:
        made.setdefault(name, "")
    made.PatientID = made.PatientName = rules.subject_id
    made.PatientIdentityRemoved = "YES"
    made.DeidentificationMethod = f"ssc_hrct {__version__}: named elements alone stay"
    made.DeidentificationMethodCodeSequence = Items([_code(*code) for code in _methods(rules.dates)])
    made.LongitudinalTemporalInformationModified = {
        Dates.KEEP: "UNMODIFIED", Dates.SHIFT: "MODIFIED", Dates.DROP: "REMOVED"}[rules.dates]
    for name, known in (("StudyInstanceUID", rules.study), ("SeriesInstanceUID", rules.series),
                        ("FrameOfReferenceUID", f"frame of reference\0{rules.series}")):
        if name not in made:
            setattr(made, name, rules.new_uid(known))
    if "SOPInstanceUID" not in made:
        which = (old.get("SeriesInstanceUID") or rules.series, old.get("InstanceNumber", ""),
                 old.get("ImagePositionPatient", ""))
        made.SOPInstanceUID = rules.new_uid("\0".join(map(str, which)))
    agent = has_contrast(str(old.get("ContrastBolusAgent", "")), bool(old.get("ContrastBolusAgentSequence")))
    if agent is not None:
        made.ContrastBolusAgent = "CONTRAST" if agent else "NONE"
    if any(names_expiration(str(old.get(name, ""))) for name in ("SeriesDescription", "ProtocolName")):
        made.SeriesDescription = "EXPIRATION"
    if made.SOPClassUID in ENHANCED_CT:
        _complete_enhanced(old, made, rules)
    made["PixelData"] = pixels
    if not syntax.is_encapsulated:
        made.HighBit = made.BitsStored - 1  # where the cleared values lie
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = made.SOPClassUID, made.SOPInstanceUID
    return made


def _complete_enhanced(old: Dataset, made: FileDataset, rules: Rules) -> None:
    """What an enhanced image must have and what went with its values (PS3.3 A.38)."""
    made.DeviceSerialNumber = rules.new_uid(f"device\0{old.get('DeviceSerialNumber', '')}")[-16:]
    made.AcquisitionContextSequence = Items()
    for name in ("ManufacturerModelName", "SoftwareVersions"):
        if name in old:
            made.setdefault(name, "")
    for element in made.iterall():
        if element.keyword in _MUST and not element.value:
            element.value = _MUST[element.keyword]


def _copy(old: Dataset, made: Dataset, rules: Rules, own: frozenset[str]) -> None:
    """What may stay of one dataset, and of its sequences likewise."""
    for element in old:
        name = element.keyword
        if name in _SEQUENCES:
            made.add_new(element.tag, "SQ", [_inside(item, rules, own) for item in element.value])
        elif name in _UIDS:
            if element.value:
                uids = [rules.new_uid(str(uid)) for uid in _each(element.value)]
                made.add_new(element.tag, "UI", uids if len(uids) > 1 else uids[0])
        elif name in _DATES or name in _TIMES or name in _MOMENTS:
            made.add_new(element.tag, element.VR, _when(str(element.value or ""), name, rules))
        elif name in _STAY and not _names_someone(element, own):
            made[element.tag] = element


def _inside(item: Dataset, rules: Rules, own: frozenset[str]) -> Dataset:
    made = Dataset()
    _copy(item, made, rules, own)
    return made


def _when(value: str, name: str, rules: Rules) -> str:
    shape = _SHAPES["date" if name in _DATES else "time" if name in _TIMES else "moment"]
    if rules.dates is Dates.DROP or not shape.fullmatch(value):
        return ""
    if rules.dates is Dates.KEEP or name in _TIMES:
        return value
    try:
        moved = date(int(value[:4]), int(value[4:6]), int(value[6:8])) + timedelta(days=rules.days)
    except (ValueError, OverflowError):
        return ""
    return f"{moved:%Y%m%d}{value[8:]}"


def _names_someone(element: pydicom.DataElement, own: frozenset[str]) -> bool:
    """Whether a text that may stay holds a word of the patient's own, whole."""
    if element.VR not in _TEXT:
        return False
    if element.keyword in _DEFINED:
        return not all(_WORD.fullmatch(text.upper()) for text in _texts(element.value) if text)
    for text in _texts(element.value):
        words = {text, *_SPLIT.split(text)}
        joined = "".join(_SPLIT.split(text))
        if words & own or any(len(word) >= LONG_ENOUGH and word in joined for word in own):
            return True
    return False


def _own_words(old: Dataset) -> frozenset[str]:
    """The patient's and the exam's own names and numbers, in small letters."""
    names = ("PatientName", "PatientID", "OtherPatientIDs", "OtherPatientNames", "PatientBirthName", "AccessionNumber",
             "PatientBirthDate", "PatientMotherBirthName", "InstitutionName", "ReferringPhysicianName",
             "OperatorsName", "PerformingPhysicianName", "StationName", "StudyID")
    found = set()
    for name in names:
        for value in _texts(old.get(name)):
            parts = [part for part in _SPLIT.split(value) if part]
            found |= {value, *parts, *("".join(pair) for pair in pairwise(parts))}
    return frozenset(word for word in found if len(word) >= SHORTEST_NAME or any(ord(sign) > 0x2E7F for sign in word))


def _texts(value: Any) -> Iterator[str]:
    if value is not None:
        yield from (str(one).strip().lower() for one in _each(value))


def _each(value: Any) -> Iterable[Any]:
    """The values of an element that may have one or several."""
    return value if isinstance(value, (list, pydicom.multival.MultiValue)) else [value]


def _methods(dates: Dates) -> list[tuple[str, str]]:
    """PS3.16 CID 7050."""
    kept = {Dates.KEEP: [("113106", "Retain Longitudinal Temporal Information Full Dates Option")],
            Dates.SHIFT: [("113107", "Retain Longitudinal Temporal Information Modified Dates Option")],
            Dates.DROP: []}
    return [("113100", "Basic Application Confidentiality Profile"), *kept[dates]]


def _code(value: str, meaning: str) -> Dataset:
    made = Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = value, "DCM", meaning
    return made
