"""Codestreams without words: JPEG, JPEG-LS and JPEG 2000 may carry comments, and bytes of any kind behind their end.

In: one encoded frame of one sample a pixel. Out: a frame that decodes to the same values, and holds what a decoder
needs and nothing else. Parts are named that stay; comments and application data go, and a stream with any other part
is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

_EOI, _SOS, _JPEG_LS, _LSE = 0xD9, 0xDA, 0xF7, 0xF8
_RESTARTS = range(0xD0, 0xD8)
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, _JPEG_LS}
"""Start of frame: baseline, extended, progressive and lossless of ITU T.81; of T.87 (JPEG-LS)."""
_JPEG_STAY = {0xC4, 0xCC, 0xDB, 0xDC, 0xDD, _LSE, _SOS, *_FRAMES}
"""Besides the frame: tables of Huffman, arithmetic coding and quantisation, lines, restarts, parameters, scans."""
_JPEG_GO = {*range(0xE0, 0xF0), 0xFE}
"""Application data and comments."""
_LENGTHS = {**dict.fromkeys(_FRAMES, 11), _SOS: 8, 0xDC: 4, 0xDD: 4, _LSE: 13}
"""Of parts that are always as long in grey images: what is longer holds something else."""
_PRESETS = 1
"""The kind of a JPEG-LS parameter segment that a decoder of grey values needs (T.87 C.2.4.1); others hold tables."""

_SOC, _J2K_EOC, _SOT, _SOD = b"\xff\x4f", b"\xff\xd9", 0xFF90, 0xFF93
_SIZ, _GREY_SIZ, _COM = 0xFF51, 41, 0xFF64
_J2K_STAY = {0xFF50, _SIZ, 0xFF52, 0xFF53, 0xFF55, 0xFF56, 0xFF57, 0xFF58, 0xFF59, 0xFF5C, 0xFF5D, 0xFF5E, 0xFF5F,
             0xFF60, 0xFF61, 0xFF63}
"""Main and tile-part headers of ITU T.800 annex A, and of T.814 (CAP, CPF)."""
_JP2_BEGINS = b"\x00\x00\x00\x0cjP  "
_LEAST_BOX = 8
"""Bytes of a box's own header. Lengths below this have meanings of their own, which only the last box needs."""


@dataclass(frozen=True, slots=True)
class Bare:
    """stream: what is left. rows, columns: as many as it says that it holds; bits: of each value."""

    stream: bytes
    rows: int
    columns: int
    bits: int


def bare(frame: bytes) -> Bare:
    """The frame without comments, application data, boxes, and what lies behind its end.

    Raises ValueError where it is broken, in colour, or holds what is not known.
    """
    try:
        frame = unboxed(frame)
        if frame.startswith(_SOC):
            return _bare_jpeg2000(frame)
        if frame.startswith(b"\xff\xd8"):
            return _bare_jpeg(frame)
    except IndexError as problem:
        raise ValueError("the codestream ends too soon") from problem
    raise ValueError("no codestream begins here")


def _number(source: bytes | bytearray, at: int, length: int = 2) -> int:
    if at + length > len(source):
        raise ValueError("the codestream ends too soon")
    return int.from_bytes(source[at : at + length], "big")


def _bare_jpeg(frame: bytes) -> Bare:
    kept = bytearray(frame[:2])
    size: tuple[int, int, int] | None = None
    at, stuffed = 2, 1
    while True:
        while _number(frame, at) == 0xFFFF:
            at += 1
        first, marker = frame[at], frame[at + 1]
        if first != 0xFF or marker not in _JPEG_STAY | _JPEG_GO | {_EOI}:
            raise ValueError("the codestream holds a part that is not known")
        if marker == _EOI:
            if size is None:
                raise ValueError("the codestream holds no frame")
            return Bare(bytes(kept) + b"\xff\xd9", *size)
        length = _number(frame, at + 2)
        end = at + 2 + length
        if length < 2 or length != _LENGTHS.get(marker, length) or (marker == _LSE and frame[at + 4] != _PRESETS):
            raise ValueError("the codestream is in colour, or holds a part that is not known")
        if marker in _FRAMES:
            size = _number(frame, at + 5), _number(frame, at + 7), frame[at + 4]
            stuffed = 0x80 if marker == _JPEG_LS else 1
        if marker == _SOS:
            end = _scan_ends(frame, end, stuffed)
        if marker in _JPEG_STAY:
            kept += frame[at:end]
        at = end


def _scan_ends(frame: bytes, at: int, stuffed: int) -> int:
    """Where the coded data that begin at `at` end: at the first marker that is no restart.

    stuffed: bytes below this one that follow FF belong to the data.
    """
    while True:
        at = frame.find(b"\xff", at)
        if at < 0 or at + 1 >= len(frame):
            raise ValueError("the codestream has no end")
        after = frame[at + 1]
        if after == 0xFF:
            at += 1
        elif after < stuffed or after in _RESTARTS:
            at += 2
        else:
            return at


def unboxed(frame: bytes) -> bytes:
    """The codestream in a JP2 file (ITU T.800 annex I); a frame without boxes as it is.

    Raises ValueError where the boxes lead nowhere, or the values are numbers of colours.
    """
    if not frame.startswith(_JP2_BEGINS):
        return frame
    at = 0
    while at + 8 <= len(frame):
        length, kind = _number(frame, at, 4), frame[at + 4 : at + 8]
        if kind == b"jp2c":
            begins = at + (16 if length == 1 else 8)
            return frame[begins : at + (_number(frame, at + 8, 8) if length == 1 else length or len(frame))]
        if kind == b"jp2h" and b"pclr" in frame[at : at + length]:
            raise ValueError("the values are numbers of colours")
        if length < _LEAST_BOX:
            break
        at += length
    raise ValueError("a box of JPEG 2000 leads nowhere")


def _bare_jpeg2000(frame: bytes) -> Bare:
    """Comments are overwritten in place, so that the lengths that tile parts are told with stay true."""
    kept = bytearray(frame)
    at = _blank_comments(kept, 2, _SOT)
    siz = 2  # the first segment (T.800 A.5.1)
    if _number(kept, siz) != _SIZ or _number(kept, siz + 2) != _GREY_SIZ:
        raise ValueError("the codestream is in colour, or does not say how large it is")
    wide, high, left, top = (_number(kept, siz + 6 + 4 * i, 4) for i in range(4))
    while _number(kept, at) == _SOT:
        length = _number(kept, at + 6, 4)
        begins = _blank_comments(kept, at + 12, _SOD) + 2
        end = kept.find(_J2K_EOC, begins) if length == 0 else at + length
        if end < begins or end > len(kept):
            raise ValueError("a tile part does not lie in the codestream")
        at = end
        if at + 1 >= len(kept):  # some writers leave out the end
            kept[at:] = _J2K_EOC
    if bytes(kept[at : at + 2]) != _J2K_EOC:
        raise ValueError("the codestream has no end")
    return Bare(bytes(kept[: at + 2]), high - top, wide - left, (kept[siz + 40] & 0x7F) + 1)


def _blank_comments(kept: bytearray, at: int, until: int) -> int:
    """Overwrite the comments of the header that begins at `at`. Returns where the marker `until` stands."""
    while (marker := _number(kept, at)) != until:
        length = _number(kept, at + 2)
        end = at + 2 + length
        if marker not in _J2K_STAY | {_COM} or length < 2 or end > len(kept):
            raise ValueError("the codestream holds a part that is not known")
        if marker == _COM:
            kept[at + 4 : end] = bytes(length - 2)
        at = end
    return at
