"""CT images without identity: a new file that holds what is named here, and nothing else of the old one.

In: a file, and what its subject, UIDs and dates become. Out: a CT image that other programs read and that is scored to
the same numbers. By the basic profile of PS3.15 annex E turned round: not what must go is listed, but what may stay.
Private elements, free text, overlays and everything unknown go, and what is not of the kind that the dictionary names
(`kept_values`). Text that stays is looked through for the patient's own names and numbers, and goes where it holds one
(`own_words`). Beside the pixels' values nothing stays of what holds them
(`clean_pixels`). What is burned into pixels cannot be seen here: pages and captures, and images that say so, are not
written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import StrEnum
from pathlib import Path

import pydicom
from pydicom.datadict import dictionary_VM, dictionary_VR
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID

from ssc_hrct.core.paths import written_whole
from ssc_hrct.dicom.clean_pixels import NotWritten, clean_pixels, pixel_bytes
from ssc_hrct.dicom.files import READ_ERRORS, read_dataset, syntax_of
from ssc_hrct.dicom.headers import CT_IMAGE, ENHANCED_CT, FIRST_CT, MOST_ELEMENTS, has_contrast, names_expiration
from ssc_hrct.dicom.kept_values import is_sound, texts
from ssc_hrct.dicom.own_words import names_someone, own_words, text_names_someone
from ssc_hrct.dicom.quiet import quiet
from ssc_hrct.dicom.write_ct import IMPLEMENTATION_UID
from ssc_hrct.version import __version__

_STAY = frozenset((
    "ImageType", "Modality", "Manufacturer", "ManufacturerModelName", "SoftwareVersions",
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
    "AcquisitionDuration", "FrameType", "FrameAcquisitionNumber", "FrameAcquisitionDuration",
    "DimensionIndexValues", "StackID", "InStackPositionNumber", "TemporalPositionIndex",
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
_NEEDED = frozenset((
    "Modality", "SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns", "BitsAllocated",
    "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit", "RescaleIntercept",
    "RescaleSlope", "RescaleType", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient",
))
"""Without these the pixels would mean something else: where one is not what it should be, the file is damaged."""
_BY_PLACE = frozenset(("ImageType", "FrameType"))
"""Values that mean something by their place: one that names someone is replaced, and the others stay."""
_DATE, _TIME = "(?P<day>[0-9]{8})", r"(?P<hour>[0-9]{2})((?P<minute>[0-9]{2})((?P<second>[0-9]{2})(\.[0-9]{1,6})?)?)?"
_SHAPES = {"DA": re.compile(_DATE), "TM": re.compile(_TIME),
           "DT": re.compile(f"{_DATE}({_TIME})?([+-][01][0-9][0-5][0-9])?")}
"""What a date, time or moment looks like (PS3.5 6.2); anything else may be a name."""
_IN_A_NAME = re.compile(r"[\\^=]")
"""Signs that part a name into components, groups and values."""


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


def write_deidentified(file: Path, out: Path, rules: Rules) -> frozenset[str]:
    """The CT image in `file` without identity, as `out`. `file` is not changed.

    Gives the keywords of what would have stayed, and went because it holds a part of a name or number. Raises
    NotWritten for what is no CT image, may show a name in its pixels, or cannot be read; HrctError
    (OUTPUT_NOT_WRITABLE).
    """
    with quiet():
        try:
            made, gone = _made(_read(file), rules)
        except NotWritten:
            raise
        except Exception as problem:  # an element of the wrong kind breaks whatever uses it
            raise NotWritten("it is damaged") from problem
        with written_whole(out) as aside:
            try:
                made.save_as(aside, enforce_file_format=True)
            except OSError:
                raise
            except Exception as problem:  # the writer complains of broken values in every way
                raise NotWritten("it is damaged") from problem
    return gone


def _read(file: Path) -> FileDataset:
    try:
        read = read_dataset(file)
        if len(read) > MOST_ELEMENTS:
            raise NotWritten("it is damaged")
        read.decode()
        for _ in read.iterall():  # parses all, so that what is broken shows here
            pass
    except NotWritten:
        raise
    except READ_ERRORS as problem:
        raise NotWritten("it cannot be read") from problem
    except Exception as problem:  # the parser complains of broken files in every way
        raise NotWritten("it is damaged") from problem
    if not read.get("SOPClassUID"):
        raise NotWritten("it is damaged")  # a file that ends in its header reads as one that holds nothing
    if read.get("SOPClassUID", "") not in (CT_IMAGE, *ENHANCED_CT):
        raise NotWritten("it is no CT image, and may show a name in its pixels or text")
    if any(text.strip().upper() == "YES" for text in texts(read.get("BurnedInAnnotation"))):
        raise NotWritten("it says that text is burned into its pixels")
    if "PixelData" not in read:
        raise NotWritten("it holds no pixels")
    if not read["PixelData"].is_undefined_length and len(read.PixelData) < pixel_bytes(read):
        raise NotWritten("it is damaged")
    return read


def _made(old: FileDataset, rules: Rules) -> tuple[FileDataset, frozenset[str]]:
    """The copy, and the keywords of what names someone."""
    pixels, syntax = clean_pixels(old, syntax_of(old))
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = UID(IMPLEMENTATION_UID)
    meta.ImplementationVersionName = f"SSC_HRCT_{__version__}"[:16]
    made = FileDataset("", {}, file_meta=meta, preamble=bytes(128), is_implicit_VR=syntax.is_implicit_VR,
                       is_little_endian=syntax.is_little_endian)
    made.SpecificCharacterSet = "ISO_IR 192"
    made.SOPClassUID = UID(str(old.SOPClassUID))
    gone = _copy(old, made, rules, own_words(old))
    for name in _EMPTY:
        made.setdefault(name, "")
    made.PatientID, made.PatientName = rules.subject_id, _IN_A_NAME.sub("_", rules.subject_id)
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
    return made, frozenset(gone)


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


def _copy(old: Dataset, made: Dataset, rules: Rules, own: frozenset[str]) -> set[str]:
    """What may stay of one dataset, and of its sequences likewise; gives the keywords of what names someone."""
    gone: set[str] = set()
    for element in old:
        name = element.keyword
        if name in _SEQUENCES:
            if element.VR != "SQ":
                raise NotWritten("it is damaged")
            items = [Dataset() for _ in element.value]
            for item, new in zip(element.value, items, strict=True):
                gone |= _copy(item, new, rules, own)
            made.add_new(element.tag, "SQ", items)
        elif name in _UIDS:
            uids = [rules.new_uid(uid) for uid in _uids(element)]
            if uids:
                made.add_new(element.tag, "UI", uids if len(uids) > 1 else uids[0])
        elif name in _DATES or name in _TIMES or name in _MOMENTS:
            kind = dictionary_VR(element.tag)
            made.add_new(element.tag, kind, _when("\\".join(texts(element.value)), kind, rules))
        elif name in _STAY:
            if not is_sound(element):
                if name in _NEEDED:
                    raise NotWritten("it is damaged")
                continue
            names = names_someone(element, own)
            if names:
                gone.add(name)
            if names and name in _BY_PLACE:
                kept = [_GONE if text_names_someone(text, own) else text for text in texts(element.value)]
                made.add_new(element.tag, element.VR, kept)
            elif not names:
                made[element.tag] = element
    return gone


def _uids(element: pydicom.DataElement) -> list[str]:
    """What stands in the place of a UID, whatever it is; one where there can be but one."""
    found = [uid for uid in texts(element.value) if uid]
    return found if dictionary_VM(element.tag) != "1" or not found else ["\\".join(found)]


def _when(value: str, kind: str, rules: Rules) -> str:
    """The date, time or moment as the rules have it; nothing where it is none, or from before there was CT."""
    found = _SHAPES[kind].fullmatch(value)
    if rules.dates is Dates.DROP or found is None:
        return ""
    parts = found.groupdict()
    try:
        time(int(parts.get("hour") or 0), int(parts.get("minute") or 0), min(59, int(parts.get("second") or 0)))
        if kind == "TM":
            return value
        day = date(int(value[:4]), int(value[4:6]), int(value[6:8]))
        moved = day + timedelta(days=rules.days if rules.dates is Dates.SHIFT else 0)
    except (ValueError, OverflowError):
        return ""
    return f"{moved:%Y%m%d}{value[8:]}" if day.year >= FIRST_CT else ""


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
