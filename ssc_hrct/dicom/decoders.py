"""Pixels out of every transfer syntax that CT comes in: imagecodecs as a plug-in of pydicom's decoders.

In: a dataset. Out: its stored values. imagecodecs reads JPEG (8 and 12 bit, lossless), JPEG-LS, JPEG
2000, HTJ2K, and the runs of RLE; pydicom alone the rest. For 400 slices these took 2.2 s of JPEG-LS, 1.2
of JPEG, 1.0 of HTJ2K, 0.5 of RLE, each the least of the readers tried, and 12.8 of JPEG 2000 (gdcm 8.5; on
two threads 6.2 against 8.3). Nothing here is GPL. Which plug-in is used is fixed by name, so that the
values do not depend on what else is installed. RLE is put together from its segments here (PS3.5 annex
G): of damaged streams pylibjpeg-rle panics and imagecodecs' own reader ends the process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import DecodeRunner, get_decoder

from ssc_hrct.dicom.codestreams import unboxed

PLUGIN = "imagecodecs"
_CODECS: dict[str, Callable[..., Any]] = {
    uid.JPEGBaseline8Bit: imagecodecs.jpeg_decode,
    uid.JPEGExtended12Bit: imagecodecs.jpeg_decode,
    uid.JPEGLossless: imagecodecs.jpeg_decode,
    uid.JPEGLosslessSV1: imagecodecs.jpeg_decode,
    uid.JPEGLSLossless: imagecodecs.jpegls_decode,
    uid.JPEGLSNearLossless: imagecodecs.jpegls_decode,
    uid.JPEG2000Lossless: imagecodecs.jpeg2k_decode,
    uid.JPEG2000: imagecodecs.jpeg2k_decode,
    uid.HTJ2KLossless: imagecodecs.jpeg2k_decode,
    uid.HTJ2KLosslessRPCL: imagecodecs.jpeg2k_decode,
    uid.HTJ2K: imagecodecs.jpeg2k_decode,
}
_FRAME_MARKERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
"""Start of frame, of ITU T.81 and (F7) of T.87."""
MOST_TIMES = 4
_NATIVE = {
    uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian, uid.DeflatedExplicitVRLittleEndian,
}
LOSSY = {
    str(uid.JPEGBaseline8Bit), str(uid.JPEGExtended12Bit), str(uid.JPEGLSNearLossless),
    "1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55",
}
"""Always lossy. JPEG 2000 and HTJ2K may be either: there LossyImageCompression tells."""

_IN_BOXES = {uid.JPEG2000Lossless, uid.JPEG2000, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K}
_SYNTAXES = (*_CODECS, uid.RLELossless)
DECODER_DEPENDENCIES = {uid.UID(syntax): ("numpy", "imagecodecs") for syntax in _SYNTAXES}
_RLE_HEADER = 64


def is_available(syntax: str) -> bool:
    """Asked by pydicom when the plug-in is registered."""
    return syntax in _SYNTAXES


def decode_frame(source: bytes, runner: DecodeRunner) -> bytes:
    """One encoded frame as little-endian bytes. Called by pydicom."""
    if runner.transfer_syntax == uid.RLELossless:
        return _from_segments(source, runner.rows * runner.columns, runner.bits_allocated // 8)
    size = coded_size(source)
    if size is not None and size[0] * size[1] > MOST_TIMES * max(runner.rows * runner.columns, 1):
        raise ValueError("the codestream is far larger than the header says")
    values: NDArray[Any] = _CODECS[runner.transfer_syntax](source)
    if values.dtype.itemsize > 4 or values.dtype.kind not in "iu":
        raise ValueError("the codestream holds no integers")
    runner.set_option("bits_allocated", 8 * values.dtype.itemsize)
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).tobytes()


def _from_segments(source: bytes, pixels: int, bytes_each: int) -> bytes:
    """A frame of one sample a pixel: a segment of PackBits for each byte of a pixel, the highest first."""
    header = np.frombuffer(source[:_RLE_HEADER], "<u4")
    if header.size < 1 + bytes_each or header[0] != bytes_each:
        raise ValueError("the segments are not those of one sample a pixel")
    ends = [*(int(n) for n in header[2 : 1 + bytes_each]), len(source)]
    out = np.empty((pixels, bytes_each), np.uint8)
    for i, end in enumerate(ends):
        start = int(header[1 + i])
        if not _RLE_HEADER <= start <= end <= len(source):
            raise ValueError("the segments do not lie in the frame")
        part = imagecodecs.packbits_decode(source[start:end])
        if len(part) < pixels:
            raise ValueError("a segment ends too soon")
        out[:, bytes_each - 1 - i] = np.frombuffer(part, np.uint8, pixels)
    return out.tobytes()


def coded_size(source: bytes) -> tuple[int, int] | None:
    """Rows and columns that a JPEG, JPEG-LS or JPEG 2000 stream says it holds; None where it says nothing.

    Asked before decoding: codecs make room for what a stream promises.
    """
    at = source.find(b"\xff\x4f\xff\x51", 0, 4096)
    if at >= 0:
        wide, high, left, top = (int.from_bytes(source[at + 8 + 4 * i : at + 12 + 4 * i], "big") for i in range(4))
        return max(0, high - top), max(0, wide - left)
    at = 2
    while at + 9 <= len(source) and source[at] == 0xFF:
        marker = source[at + 1]
        if marker in _FRAME_MARKERS:
            return int.from_bytes(source[at + 5 : at + 7], "big"), int.from_bytes(source[at + 7 : at + 9], "big")
        at += 1 if marker == 0xFF else 2 + int.from_bytes(source[at + 2 : at + 4], "big")
    return None


def register() -> None:
    """Make the plug-in known to pydicom; doing it again changes nothing."""
    for syntax in _SYNTAXES:
        decoder = get_decoder(syntax)
        if PLUGIN not in decoder.available_plugins:
            decoder.add_plugin(PLUGIN, (__name__, decode_frame.__name__))


def can_decode(transfer_syntax: str) -> bool:
    return transfer_syntax in _SYNTAXES or transfer_syntax in _NATIVE


def is_plain(transfer_syntax: str) -> bool:
    """Whether each pixel is stored as it lies in memory, unused bits included: uncompressed, or as RLE."""
    return transfer_syntax in _NATIVE or transfer_syntax == uid.RLELossless


def name(transfer_syntax: str) -> str:
    """The standard's name of a transfer syntax, or its UID where it is private."""
    return uid.UID(transfer_syntax).name or "unknown"


def encoded(dataset: Dataset, frame: int) -> bytes:
    """The encoded bytes of a frame (from 0). Raises whatever the parser raises on broken items."""
    offsets = None
    if "ExtendedOffsetTable" in dataset and "ExtendedOffsetTableLengths" in dataset:
        offsets = dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths
    number = int(dataset.get("NumberOfFrames") or 1)
    return get_frame(dataset.PixelData, frame, number_of_frames=number, extended_offsets=offsets)


def decode(dataset: Dataset, transfer_syntax: str, frame: int, *, all_bits: bool = False) -> NDArray[Any]:
    """Stored values [rows, columns] of a frame (from 0) of a dataset's pixels, before rescale.

    all_bits: plain pixels as they lie there, unused bits too; pydicom clears those wherever HighBit says that they are.
    Raises whatever the decoder raises on broken data; the caller turns that into an absent slice.
    """
    if transfer_syntax in _IN_BOXES:
        unboxed(encoded(dataset, frame))  # boxes that lead nowhere are refused: pydicom would follow them for good
    plugin = PLUGIN if transfer_syntax in _SYNTAXES else ""
    more: dict[str, Any] = {"correct_unused_bits": False} if all_bits else {}
    array: NDArray[Any] = get_decoder(transfer_syntax).as_array(
        dataset, index=frame, raw=True, decoding_plugin=plugin, **more
    )[0]
    return array
