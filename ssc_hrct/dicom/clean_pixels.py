"""Pixels in which no text hides: nothing beyond the bits that count, behind the last frame, or beside the codestreams.

In: a dataset with pixels. Out: its pixel element with the same values, and the transfer syntax that it is written in
now. What cannot be looked through is `NotWritten`. Words that are drawn into the image itself cannot be seen here.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import UID, ExplicitVRLittleEndian, RLELossless

from ssc_hrct.dicom import decoders
from ssc_hrct.dicom.codestreams import Bare, bare

_PLAIN_BITS = (8, 16, 32)
_MOST_OFFSET = 2**32 - 1


class NotWritten(Exception):
    """Why a file is not written, as a sentence without identifiers. Stays in this room and its use case."""


def clean_pixels(old: FileDataset, syntax: UID) -> tuple[pydicom.DataElement, UID]:
    """The pixel element of `old` and its transfer syntax.

    Plain pixels: bits beyond BitsStored are cleared, the value lies in the lowest bits, bytes behind the last frame
    go. Codestreams: comments and application data go. Of RLE, and of streams with more bits than the header says, any
    bit may hold something: they are decoded and written plainly.

    Raises NotWritten.
    """
    if not decoders.can_decode(str(syntax)):
        raise NotWritten("its pixels are compressed in a way that is not read")
    if _whole(old, "SamplesPerPixel", 1) != 1:
        raise NotWritten("it is in colour, and may show a name in its pixels")
    allocated, stored = _whole(old, "BitsAllocated", 0), _whole(old, "BitsStored", 0)
    if allocated not in _PLAIN_BITS or not 0 < stored <= allocated or syntax.is_encapsulated is not _in_items(old):
        raise NotWritten("it is damaged")
    if not syntax.is_encapsulated:
        return _plain(_without_unused_bits(old, syntax)), syntax
    frames = _frames(old)
    if syntax != RLELossless:
        try:
            streams = [bare(frame) for frame in frames]
        except ValueError as problem:
            raise NotWritten("its compressed pixels cannot be looked through") from problem
        if any((s.rows, s.columns) != (_whole(old, "Rows", 1), _whole(old, "Columns", 1)) for s in streams):
            raise NotWritten("it is damaged")
        if all(s.bits <= stored for s in streams):
            return _in_codestreams(streams), syntax
    return _plain(_decoded(old, syntax, len(frames))), ExplicitVRLittleEndian


def pixel_bytes(old: FileDataset) -> int:
    """As many bytes as its plain pixels take. Raises NotWritten where it does not say."""
    numbers = ("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "BitsAllocated")
    return prod(_whole(old, name, 1) for name in numbers) // 8


def _whole(old: FileDataset, name: str, otherwise: int) -> int:
    try:
        return int(old.get(name) or otherwise)
    except (TypeError, ValueError) as problem:
        raise NotWritten("it is damaged") from problem


def _in_items(old: FileDataset) -> bool:
    return bool(old["PixelData"].is_undefined_length)


def _frames(old: FileDataset) -> list[bytes]:
    """The encoded frames, in order, whatever fragments they came in."""
    number = _whole(old, "NumberOfFrames", 1)
    offsets = None
    if "ExtendedOffsetTable" in old and "ExtendedOffsetTableLengths" in old:
        offsets = old.ExtendedOffsetTable, old.ExtendedOffsetTableLengths
    try:
        frames = list(generate_frames(old.PixelData, number_of_frames=number, extended_offsets=offsets))
    except Exception as problem:  # the parser complains of broken items in every way
        raise NotWritten("it is damaged") from problem
    if len(frames) != number:
        raise NotWritten("it is damaged")
    return frames


def _in_codestreams(streams: list[Bare]) -> pydicom.DataElement:
    coded = [stream.stream for stream in streams]
    has_table = sum(len(stream) + 8 for stream in coded) < _MOST_OFFSET
    made = pydicom.DataElement("PixelData", "OB", encapsulate(coded, has_bot=has_table))
    made.is_undefined_length = True
    return made


def _plain(values: NDArray[Any]) -> pydicom.DataElement:
    data = values.tobytes()
    return pydicom.DataElement("PixelData", "OW", data + bytes(len(data) % 2))


def _decoded(old: FileDataset, syntax: UID, frames: int) -> NDArray[Any]:
    """Values [frame, row, column], as they are loaded too. Raises NotWritten where they do not fit what is stored."""
    decoders.register()
    unused = int(old.BitsAllocated) - int(old.BitsStored)
    kind = _kind(old, "<")
    made = []
    for number in range(frames):
        try:
            values = decoders.decode(old, str(syntax), number)
        except Exception as problem:  # codecs complain of broken streams in every way
            raise NotWritten("its pixels cannot be decoded") from problem
        cleared = np.right_shift(np.left_shift(values.astype(kind), unused), unused)
        if not np.array_equal(cleared, values):
            raise NotWritten("its pixels hold more bits than its header says")
        made.append(cleared)
    return np.stack(made)


def _kind(old: FileDataset, order: str) -> str:
    return f"{order}{'i' if old.get('PixelRepresentation') == 1 else 'u'}{int(old.BitsAllocated) // 8}"


def _without_unused_bits(old: FileDataset, syntax: UID) -> NDArray[Any]:
    """Plain values; the bits beyond BitsStored are cleared: old overlays lie there."""
    allocated, stored = int(old.BitsAllocated), int(old.BitsStored)
    above = allocated - 1 - _whole(old, "HighBit", stored - 1)
    kind = _kind(old, "<" if syntax.is_little_endian else ">")
    whole = np.frombuffer(old.PixelData[: pixel_bytes(old)], kind)
    cleared: NDArray[Any] = np.right_shift(np.left_shift(whole, max(0, above)), allocated - stored).astype(kind)
    return cleared
