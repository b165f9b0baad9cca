"""The pixels of one file: stored values, and from them HU.

In: a `SliceHeader`. Out: arrays [row, column]. Uncompressed pixels are read in place, without
parsing the file again; everything else goes through pydicom's decoders. Broken pixels raise
`BadPixels` here and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import UID

from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.volume import HIGHEST_HU, LOWEST_HU, PADDING_HU
from ssc_hrct.dicom import decoders
from ssc_hrct.dicom.files import READ_ERRORS, open_file, read_dataset
from ssc_hrct.dicom.headers import EXPLICIT, IMPLICIT
from ssc_hrct.dicom.series import SliceHeader

OUT_OF_VIEW_HU = -1500
"""Lower than this is a filling and no measurement: air with a noise of 90 HU (the noisiest that is
scored) stays above it, and fillings lie at -2000 or below. Between this and -1024, scanners with an
extended scale measured noise in air; it is clipped like that of all others."""

_PIXEL_TAGS: list[str] = [
    "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames", "Rows", "Columns",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelData", "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
]
"""All that a decoder needs; the rest of the header was read before."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Files of many frames, read once. parsed: datasets with coded pixels. plain: bytes of single frames of archives'
    members, by file and offset."""

    parsed: Mapping[Path, Dataset] = field(default_factory=dict)
    plain: Mapping[tuple[Path, int], bytes] = field(default_factory=dict)


_NOTHING = Opened()


class BadPixels(Exception):
    """The pixels of one file cannot be decoded. Stays in this room."""


def stored_values(header: SliceHeader, opened: Opened = _NOTHING) -> NDArray[Any]:
    """Stored values [rows, columns] of one frame, unused bits cleared. opened: files that were read before.

    Raises BadPixels.
    """
    values = _read_in_place(header, opened) if _in_place(header) else _decode(header, opened)
    if values.shape != (header.rows, header.columns):
        raise BadPixels("the pixels have another shape than the header says")
    return _without_unused_bits(values, header)


def open_files(headers: Iterable[SliceHeader], *, progress: Progress = SILENT) -> Opened:
    """Files of which several frames are to be decoded, each read once. What cannot be read is left out.

    Plain pixels are taken from the disk where they lie, but a member of an archive must be unpacked from its beginning
    on each time that it is opened: there the bytes of these frames are kept, and no others.
    """
    frames: dict[Path, list[SliceHeader]] = {}
    for header in headers:
        frames.setdefault(header.path, []).append(header)
    parsed: dict[Path, Dataset] = {}
    plain: dict[tuple[Path, int], bytes] = {}
    for path, wanted in frames.items():
        if len(wanted) == 1:
            continue
        if not _in_place(wanted[0]):
            with suppress(BadPixels):
                parsed[path] = _parsed(wanted[0])
        elif not path.is_file():
            with suppress(*READ_ERRORS), open_file(path) as (file, _):
                for header in sorted(wanted, key=lambda h: h.pixel_offset):
                    progress.step("Reading slices", 0, len(wanted))
                    plain[path, header.pixel_offset] = _bytes_at(file, header)
    return Opened(parsed, plain)


def _in_place(header: SliceHeader) -> bool:
    return (
        header.transfer_syntax in (IMPLICIT, EXPLICIT) and header.bits_allocated == 16 and header.samples == 1
        and header.pixel_offset > 0 and header.pixel_length is not None
    )


def _bytes_at(file: BinaryIO, header: SliceHeader) -> bytes:
    file.seek(header.pixel_offset)
    return file.read(2 * header.rows * header.columns)


def _read_in_place(header: SliceHeader, opened: Opened) -> NDArray[Any]:
    data = opened.plain.get((header.path, header.pixel_offset))
    try:
        if data is None:
            with open_file(header.path) as (file, _):
                data = _bytes_at(file, header)
    except READ_ERRORS as problem:
        raise BadPixels("the file cannot be read") from problem
    if len(data) < 2 * header.rows * header.columns:
        raise BadPixels("the file ends before its pixels do")
    return np.frombuffer(data, dtype="<i2" if header.signed else "<u2").reshape(header.rows, header.columns)


def _parsed(header: SliceHeader) -> Dataset:
    try:
        dataset = read_dataset(header.path, tags=_PIXEL_TAGS)
        if "TransferSyntaxUID" not in dataset.file_meta:
            dataset.file_meta.TransferSyntaxUID = UID(header.transfer_syntax)
    except Exception as problem:  # the parser complains of broken files in every way; all of them mean the same
        raise BadPixels(f"the file cannot be parsed ({type(problem).__name__})") from problem
    return dataset


def _decode(header: SliceHeader, opened: Opened) -> NDArray[Any]:
    decoders.register()
    dataset = opened.parsed.get(header.path) or _parsed(header)
    try:
        return decoders.decode(dataset, header.transfer_syntax, header.frame, all_bits=True)
    except Exception as problem:  # codecs complain of broken streams in every way; all of them mean the same
        raise BadPixels(f"the pixels cannot be decoded ({type(problem).__name__})") from problem


def _without_unused_bits(values: NDArray[Any], header: SliceHeader) -> NDArray[Any]:
    """Values of the stored bits alone: some writers keep overlays or rubbish in the others, and a codestream of 12 bits
    does not say that its highest one is a sign. HighBit tells where plain bits lie; a codestream's are the lowest."""
    unused = 8 * values.dtype.itemsize - header.bits_stored
    above = 8 * values.dtype.itemsize - 1 - header.high_bit if decoders.is_plain(header.transfer_syntax) else unused
    if unused <= 0 or above < 0:
        return values
    moved = np.left_shift(values, above) if above else values
    cleared: NDArray[Any] = np.right_shift(moved, unused)
    return cleared


def pixel_key(header: SliceHeader, opened: Opened = _NOTHING) -> str:
    """Equal for images whose decoded values in HU are equal, whatever their transfer syntax; a key of the
    raw bytes where they cannot be decoded."""
    digest = hashlib.sha256(f"{header.rows} {header.columns} {header.slope} {header.intercept}".encode())
    try:
        digest.update(np.ascontiguousarray(stored_values(header, opened), dtype="<i4").tobytes())
    except BadPixels:
        try:
            with open_file(header.path) as (file, _):
                file.seek(header.pixel_offset)
                digest.update(file.read())
        except READ_ERRORS:
            digest.update(str(header.path).encode())
    return digest.hexdigest()


def encoded_key(header: SliceHeader, opened: Opened = _NOTHING) -> str:
    """Equal only for images whose encoded pixels are equal, and all that tells how to decode them: those have equal
    values, and nothing is decoded to know it. A key of its own for what cannot be read."""
    told = (
        header.rows, header.columns, header.transfer_syntax, header.samples, header.photometric, header.bits_allocated,
        header.bits_stored, header.high_bit, header.signed, header.slope, header.intercept,
    )
    digest = hashlib.sha256(repr(told).encode())
    try:
        if header.path in opened.parsed:
            digest.update(decoders.encoded(opened.parsed[header.path], header.frame))
        elif _in_place(header) and (header.path, header.pixel_offset) in opened.plain:
            digest.update(opened.plain[header.path, header.pixel_offset])
        else:
            with open_file(header.path) as (file, _):
                file.seek(header.pixel_offset)
                length = header.pixel_length if header.pixel_offset else None
                digest.update(file.read(-1 if length is None else length))
            digest.update(f" {header.frame}".encode())
    except Exception:  # noqa: BLE001 - the parser complains of broken items in every way
        digest.update(f"{header.path} {header.frame}".encode())
    return digest.hexdigest()


def to_hu(values: NDArray[Any], header: SliceHeader) -> NDArray[np.int16]:
    """HU of stored values [rows, columns], by this slice's own rescale (PS3.3 C.11.1).

    PhotometricInterpretation says how to show values, not what they are, so MONOCHROME1 changes
    nothing. Where the padding value means a HU that tissue or air may have too, only the part that
    reaches the image's edge counts as padding: inside the body it is a measurement.
    """
    hu, filling = _shifted(values, header) if _by_shift(values, header) else _scaled(values, header)
    if filling.any():
        hu[filling] = PADDING_HU
    if header.padding is not None:
        _mark_padding(hu, values, header)
    return hu


def _by_shift(values: NDArray[Any], header: SliceHeader) -> bool:
    """Whether the rescale is a whole shift of 16-bit values: nearly all CT, and five times as fast."""
    return (
        header.slope == 1.0 and header.intercept.is_integer() and -30_000 < header.intercept <= HIGHEST_HU
        and values.dtype in (np.int16, np.uint16)
    )


def _shifted(values: NDArray[Any], header: SliceHeader) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """Clipped HU, and where the value was a filling; in 16 bits throughout."""
    shift = int(header.intercept)
    ends = np.iinfo(values.dtype)
    low, high, view = (min(max(limit - shift, ends.min), ends.max) for limit in (LOWEST_HU, HIGHEST_HU, OUT_OF_VIEW_HU))
    hu = np.clip(values, low, high).astype(np.int16)
    hu += np.int16(shift)  # may wrap on the way and wraps back: the result is within the limits
    return hu, np.less(values, view)


def _scaled(values: NDArray[Any], header: SliceHeader) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """The same for any slope and intercept, by way of float64; rounded half to even."""
    scaled = np.rint(values.astype(np.float64) * header.slope + header.intercept)
    hu: NDArray[np.int16] = np.clip(scaled, LOWEST_HU, HIGHEST_HU).astype(np.int16)
    return hu, np.less(scaled, OUT_OF_VIEW_HU)


def _mark_padding(hu: NDArray[np.int16], values: NDArray[Any], header: SliceHeader) -> None:
    low, high = header.padding or (0, 0)
    ends = sorted((low * header.slope + header.intercept, high * header.slope + header.intercept))
    if ends[1] < OUT_OF_VIEW_HU:
        return
    padded = values == low if low == high else (values >= low) & (values <= high)
    if ends[0] > HIGHEST_HU or ends[1] < LOWEST_HU:
        hu[padded] = PADDING_HU
        return
    edge = np.concatenate([padded[0], padded[-1], padded[:, 0], padded[:, -1]])
    if edge.any():
        hu[_reaching_the_edge(padded)] = PADDING_HU


def _reaching_the_edge(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The 4-connected parts of a mask [rows, columns] that touch its border."""
    from scipy import ndimage  # not needed for most scans, and slow to import

    labels, count = ndimage.label(mask)
    at_edge = np.zeros(count + 1, dtype=bool)
    for line in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        at_edge[line] = True
    at_edge[0] = False
    return np.asarray(at_edge[labels], dtype=np.bool_)
