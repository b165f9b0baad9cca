"""One file's header: is this DICOM, is it an image, and what does it say?

In: a path. Out: a `SliceHeader`, or a `NoImage` that says why there is none. The first 16 KB are
read and parsed from memory (measured: 0.5 ms a file, through the file 1.1 to 1.2 ms); only
where the pixels begin later is the file itself parsed. Nothing is decoded and nothing is raised for
a bad file.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from datetime import date
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Literal

from pydicom.filereader import data_element_generator
from pydicom.tag import BaseTag, Tag

from ssc_hrct.core.subject import Identity
from ssc_hrct.dicom.files import DEFLATED, HEAD_BYTES, READ_ERRORS, ZIP_BEGINS, inflated, open_file
from ssc_hrct.dicom.series import Orientation, SliceHeader

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_CT = ("1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2")
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
HU = "HU"
FIRST_CT = 1971
"""The year of the first scan of a patient (Beckmann, Br J Radiol 2006; 79:5)."""
MOST_ELEMENTS = 20_000
"""Of one header; megabytes of zeros after a true beginning would be read as millions of them."""
_NOT_IMAGES = {"SEG", "RTDOSE", "RTSTRUCT", "RTPLAN", "RTRECORD", "SR", "PR", "KO", "REG", "DOC", "AU", "ECG", "HD"}
_MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
_PIXELS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
_SYNTAX_TAG, _CLASS_TAG = 0x00020010, 0x00020002
_UNDEFINED = 0xFFFFFFFF
_GE_ITERATIVE = 0x00531040
"""GE's private "Iterative Recon Annotation"."""

_NAMES = (
    "SpecificCharacterSet", "ImageType", "SOPClassUID", "SOPInstanceUID", "StudyDate", "SeriesDate", "AcquisitionDate",
    "ContentDate", "AcquisitionDateTime", "AcquisitionTime", "Modality", "Manufacturer", "ManufacturerModelName",
    "SeriesDescription", "ProtocolName", "PatientName", "PatientID", "PatientBirthDate", "PatientSex",
    "PatientIdentityRemoved", "ContrastBolusAgent", "ContrastBolusAgentSequence", "SliceThickness", "KVP",
    "GantryDetectorTilt", "ConvolutionKernel", "PatientPosition", "StudyInstanceUID", "SeriesInstanceUID",
    "AcquisitionNumber", "TemporalPositionIdentifier", "ImagePositionPatient", "ImageOrientationPatient",
    "FrameOfReferenceUID", "SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns",
    "PixelSpacing", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue",
    "PixelPaddingRangeLimit", "RescaleIntercept", "RescaleSlope", "RescaleType", "LossyImageCompression",
    "ReconstructionAlgorithm", "DirectoryRecordSequence",
)
_TAG_OF: dict[str, int] = {name: int(Tag(name)) for name in _NAMES} | {"GEIterative": _GE_ITERATIVE}
_TAGS: list[BaseTag | int] = list(_TAG_OF.values())
"""Plain integers: the parser looks each element up in this list, and its own tag type is slow to compare."""
_SHORTS = {"Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
           "PixelPaddingValue", "PixelPaddingRangeLimit"}
_EXPIRATION = re.compile(r"\b(exp|expir\w*|exsp\w*)\b", re.IGNORECASE)
_NO_CONTRAST = {"NONE", "NO", "N", "WITHOUT", "WITHOUT CONTRAST", "W/O", "NATIVE", "NATIV", "0"}


class NoImage(StrEnum):
    """Why a file gives no image."""

    NOT_DICOM = "not_dicom"
    DAMAGED = "damaged"
    ARCHIVE = "archive"
    LOCKED = "locked"
    """This person may not open it."""
    OTHER = "other"
    """DICOM without an image: a report, a structure set, a segmentation, a DICOMDIR."""


def read_header(path: Path) -> SliceHeader | NoImage:
    """The header of one file; call it within `quiet()`."""
    try:
        with open_file(path) as (file, size):
            head = file.read(HEAD_BYTES)
            if not _looks_like_dicom(head):
                return NoImage.ARCHIVE if head.startswith(ZIP_BEGINS) else NoImage.NOT_DICOM
            elements = _parse(file, head)
    except PermissionError:
        return NoImage.LOCKED
    except READ_ERRORS:
        return NoImage.DAMAGED
    return NoImage.DAMAGED if elements is None else _judge(path, elements, size, head)


def _looks_like_dicom(head: bytes) -> bool:
    """A preamble with DICM, or, without one, a first element of group 2 or 8 that makes sense."""
    if head[128:132] == b"DICM":
        return True
    if len(head) < 16 or head[:2] not in (b"\x02\x00", b"\x08\x00", b"\x00\x02", b"\x00\x08"):
        return False
    if head[4:6].isalpha() and head[4:6].isupper():
        return True
    return head[1] == 0 and head[3] == 0 and int.from_bytes(head[4:8], "little") < 1024


class _Elements:
    """The wanted elements of one dataset as text by name, and where its pixels begin.

    The parser's own dataset and conversions cost twice the parsing, so its generator is used alone.
    pixel_offset: where the value of the pixel element begins in the source; pixel_length: its
    length as declared, -1 where no pixel element was reached.
    """

    def __init__(self, source: BinaryIO) -> None:
        self.pixel_offset, self.pixel_length, self.elements = 0, -1, 0
        self.meta = _read_meta(source)
        self.syntax = self.meta.get(_SYNTAX_TAG, "") or _guess_syntax(source)
        if self.syntax == DEFLATED:
            source = BytesIO(inflated(source.read()))
        self.tell = source.tell
        little = self.syntax != BIG_ENDIAN
        self.order: Literal["little", "big"] = "little" if little else "big"
        elements = data_element_generator(
            source, self.syntax == IMPLICIT, little, stop_when=self._at_pixels, specific_tags=_TAGS
        )
        self.found = {int(element.tag): element for element in elements}

    def _at_pixels(self, tag: BaseTag, vr: str | None, length: int) -> bool:
        self.elements += 1
        if self.elements > MOST_ELEMENTS:
            raise ValueError("a header of so many elements is none")
        if int.__lt__(tag, _PIXELS[0]):
            return False
        if int(tag) in _PIXELS:
            self.pixel_offset, self.pixel_length = self.tell(), length
        return True

    def get(self, name: str) -> str:
        """The element's text; several values with a backslash between; empty where it is absent."""
        element = self.found.get(_TAG_OF[name])
        value = element.value if element is not None else None
        if isinstance(value, bytes):
            if name in _SHORTS:
                return str(int.from_bytes(value[:2], self.order, signed=getattr(element, "VR", "") == "SS"))
            return _decoded(value)
        return ""

    def has_items(self, name: str) -> bool:
        element = self.found.get(_TAG_OF[name])
        return element is not None and element.value is not None and len(element.value) > 0


def _decoded(value: bytes) -> str:
    """Text of a value, whatever character set it claims: only kept whole and never shown."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    return text.strip(" \0\t\r\n")


def _read_meta(source: BinaryIO) -> dict[int, str]:
    """The file meta group (always explicit, little endian); leaves the source at the dataset."""
    start = 132 if source.read(132)[128:] == b"DICM" else 0
    source.seek(start)
    meta: dict[int, str] = {}
    while True:
        here, first = source.tell(), source.read(8)
        if len(first) < 8 or first[:2] != b"\x02\x00":
            source.seek(here)
            return meta
        length = int.from_bytes(first[6:8], "little")
        if first[4:6] in (b"OB", b"UN"):
            length = int.from_bytes(source.read(4), "little")
        meta[0x00020000 | int.from_bytes(first[2:4], "little")] = _decoded(source.read(length))


def _guess_syntax(source: BinaryIO) -> str:
    """How the dataset is written where the file does not say: by its first element."""
    here = source.tell()
    first = source.read(6)
    source.seek(here)
    if not (first[4:6].isalpha() and first[4:6].isupper()):
        return IMPLICIT
    return EXPLICIT if first[1:2] == b"\0" else BIG_ENDIAN


def _parse(file: BinaryIO, head: bytes) -> _Elements | None:
    """The elements, from the beginning alone where that reaches the pixels; None where nothing parses.

    A parser fed with broken bytes may complain in any way, so any complaint means "damaged".
    """
    try:
        elements = _Elements(BytesIO(head))
        if elements.pixel_length >= 0:
            return elements
    except Exception:  # noqa: BLE001, S110  the beginning may end inside a sequence or a deflated stream
        pass
    file.seek(0)
    try:
        return _Elements(file)
    except Exception:  # noqa: BLE001 - any complaint of the parser about the whole file means "damaged"
        return None


def _judge(path: Path, elements: _Elements, size: int, head: bytes) -> SliceHeader | NoImage:
    if elements.meta.get(_CLASS_TAG) == _MEDIA_DIRECTORY or elements.has_items("DirectoryRecordSequence"):
        return NoImage.OTHER
    sop_class = elements.get("SOPClassUID")
    modality = elements.get("Modality").upper() or ("CT" if sop_class.startswith(CT_IMAGE) else "")
    if modality in _NOT_IMAGES:
        return NoImage.OTHER
    rows, columns = _whole(elements.get("Rows")), _whole(elements.get("Columns"))
    if elements.pixel_length < 0:
        damaged = rows or not elements.found or sop_class.startswith(CT_IMAGE)
        return NoImage.DAMAGED if damaged else NoImage.OTHER
    if not rows or not columns:
        return NoImage.DAMAGED
    return _header(path, elements, modality, sop_class, rows, columns, size, head)


def _header(
    path: Path, ds: _Elements, modality: str, sop_class: str, rows: int, columns: int, size: int, head: bytes,
) -> SliceHeader:
    frames = max(_whole(ds.get("NumberOfFrames")), 1)
    samples = max(_whole(ds.get("SamplesPerPixel")), 1)
    allocated = _whole(ds.get("BitsAllocated")) or 16
    stored = _whole(ds.get("BitsStored")) or allocated
    signed = _whole(ds.get("PixelRepresentation")) == 1
    in_place = ds.syntax != DEFLATED
    native = ds.pixel_length != _UNDEFINED
    needed = rows * columns * frames * samples * allocated // 8
    sop_uid = ds.get("SOPInstanceUID")
    identity = Identity(
        patient_id=ds.get("PatientID"), birth_date=ds.get("PatientBirthDate"),
        sex=ds.get("PatientSex"), removed=ds.get("PatientIdentityRemoved").upper() == "YES",
    )
    owner = (
        identity.patient_id, ds.get("PatientName"), identity.birth_date, identity.sex, ds.get("StudyDate"),
        str(path.parent),
    )
    rescale = ds.get("RescaleType")
    spacing = _numbers(ds.get("PixelSpacing"), 2)
    return SliceHeader(
        path=path, owner=owner, identity=identity, study_uid=ds.get("StudyInstanceUID"),
        series_uid=ds.get("SeriesInstanceUID"), sop_uid=sop_uid,
        sop_class=sop_class, frame_of_reference_uid=ds.get("FrameOfReferenceUID"), modality=modality,
        image_type=_words(ds.get("ImageType")), transfer_syntax=ds.syntax, rows=rows, columns=columns, frame=0,
        frames=frames,
        samples=samples, photometric=ds.get("PhotometricInterpretation").upper(), bits_allocated=allocated,
        bits_stored=stored, high_bit=_whole(ds.get("HighBit")) or stored - 1, signed=signed,
        slope=_number(ds.get("RescaleSlope")) or 1.0, intercept=_number(ds.get("RescaleIntercept")) or 0.0,
        value_unit=unit_of(rescale), padding=_padding(ds, signed), orientation=_orientation(ds),
        position=_triple(ds), pixel_spacing_mm=(spacing[0], spacing[1]) if spacing and min(spacing) > 0 else None,
        thickness_mm=_positive(ds.get("SliceThickness")), tilt_tag_degrees=_number(ds.get("GantryDetectorTilt")) or 0.0,
        acquisition=(
            ds.get("AcquisitionNumber"), ds.get("AcquisitionDateTime") or ds.get("AcquisitionTime"),
            ds.get("TemporalPositionIdentifier"),
        ),
        kernel=" ".join(_words(ds.get("ConvolutionKernel"))) or None, kvp=_positive(ds.get("KVP")),
        manufacturer=ds.get("Manufacturer") or None, model=ds.get("ManufacturerModelName") or None,
        reconstruction=_reconstruction(ds),
        contrast=has_contrast(ds.get("ContrastBolusAgent"), ds.has_items("ContrastBolusAgentSequence")),
        patient_position=ds.get("PatientPosition").upper() or None, scan_date=_scan_date(ds),
        lossy=ds.get("LossyImageCompression") == "01",
        expiration=any(names_expiration(ds.get(n)) for n in ("SeriesDescription", "ProtocolName")),
        fingerprint=sop_uid or hashlib.sha256(head).hexdigest(),
        pixel_offset=ds.pixel_offset if in_place else 0, pixel_length=ds.pixel_length if native else None,
        truncated=native and (ds.pixel_length < needed or (in_place and ds.pixel_offset + needed > size)),
    )


def _words(value: str) -> tuple[str, ...]:
    """A value of several words; empty ones at the end are dropped."""
    text = value.rstrip("\\ ")
    return tuple(word.strip() for word in text.split("\\")) if text else ()


def _number(value: str) -> float | None:
    """A finite number, or None where the text is none."""
    first = value.split("\\")[0]
    try:
        number = float(first)
    except ValueError:
        return None
    return number if abs(number) < 1e12 else None


def _positive(value: str) -> float | None:
    number = _number(value)
    return number if number is not None and number > 0 else None


def _whole(value: str) -> int:
    number = _number(value)
    return int(number) if number is not None else 0


def _numbers(value: str, count: int) -> tuple[float, ...] | None:
    """Exactly so many finite numbers, or None."""
    parts = value.split("\\")
    numbers = [n for n in (_number(p) for p in parts) if n is not None]
    return tuple(numbers) if len(numbers) == len(parts) == count else None


def _orientation(ds: _Elements) -> Orientation | None:
    values = _numbers(ds.get("ImageOrientationPatient"), 6)
    return None if values is None else (values[0], values[1], values[2], values[3], values[4], values[5])


def _triple(ds: _Elements) -> tuple[float, float, float] | None:
    values = _numbers(ds.get("ImagePositionPatient"), 3)
    return None if values is None else (values[0], values[1], values[2])


def unit_of(rescale_type: str) -> str:
    """HU where RescaleType says so, in its known spellings, or says nothing (PS3.3 C.11.1.1.2)."""
    word = rescale_type.upper()
    plain = not word or word in {"US", "UNSPECIFIED", "NORMALIZED"} or word.startswith(("HU", "HOUN"))
    return HU if plain or "HOUNS" in word or "HOUND" in word else word[:16]


def _padding(ds: _Elements, signed: bool) -> tuple[int, int] | None:
    """Stored values that mean "nothing here" (PS3.3 C.7.5.1.1.2), as the pixels' own type holds them.

    Writers get the sign wrong: 63536 in signed data is -2000, -2000 in unsigned data is 63536.
    """
    value = _number(ds.get("PixelPaddingValue"))
    if value is None:
        return None
    limit = _number(ds.get("PixelPaddingRangeLimit"))
    ends = sorted(_as_stored(int(v), signed) for v in (value, value if limit is None else limit))
    return ends[0], ends[1]


def _as_stored(value: int, signed: bool) -> int:
    if signed and 0x8000 <= value <= 0xFFFF:
        return value - 0x10000
    if not signed and -0x8000 <= value < 0:
        return value + 0x10000
    return value


def _reconstruction(ds: _Elements) -> str | None:
    """Family of iterative or deep reconstruction: named by the header, GE's annotation, or Siemens' I and Q kernels."""
    named = ds.get("ReconstructionAlgorithm")
    if named:
        return named
    annotated = ds.get("GEIterative")
    if annotated:
        return annotated
    kernel = _words(ds.get("ConvolutionKernel"))
    if kernel and "SIEMENS" in ds.get("Manufacturer").upper() and re.fullmatch(r"[IQ]\d{2}[a-z]?", kernel[0]):
        return " ".join(("iterative", *kernel[1:]))
    return None


def has_contrast(agent: str, has_items: bool) -> bool | None:
    """What ContrastBolusAgent, and whether its sequence has items, say of contrast medium; None where nothing."""
    if agent:
        return agent.upper() not in _NO_CONTRAST
    return True if has_items else None


def names_expiration(text: str) -> bool:
    """Whether a description says that the scan was taken in expiration."""
    return _EXPIRATION.search(text.replace("_", " ")) is not None


def _scan_date(ds: _Elements) -> str | None:
    """Date of the acquisition as YYYY-MM-DD; else of the exam, the series, the image. A date from before there was CT
    stands where one was taken away."""
    for name in ("AcquisitionDateTime", "AcquisitionDate", "StudyDate", "SeriesDate", "ContentDate"):
        digits = ds.get(name).replace(".", "")[:8]
        with suppress(ValueError):
            found = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
            if found.year >= FIRST_CT:
                return found.isoformat()
    return None
