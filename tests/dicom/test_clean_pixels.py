"""Text beside the pixels goes, whatever they are coded in, and their values stay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate, generate_frames

from ssc_hrct.dicom import pixels
from ssc_hrct.dicom.clean_pixels import NotWritten
from ssc_hrct.dicom.codestreams import bare
from ssc_hrct.dicom.deidentify import write_deidentified
from ssc_hrct.dicom.headers import read_header
from ssc_hrct.dicom.multiframe import read_headers
from ssc_hrct.dicom.quiet import quiet
from ssc_hrct.dicom.series import SliceHeader
from tests.dicom.making import change, noise_volume, write, write_enhanced
from tests.dicom.test_deidentify import rules

TEXT = b"DOE^JANE 19501231"
Pixels = NDArray[Any]


def _jpeg(coded: Any) -> bytes:
    """A comment and application data behind the beginning, and text behind the end."""
    stream, size = bytes(coded), (len(TEXT) + 2).to_bytes(2, "big")
    return stream[:2] + b"\xff\xfe" + size + TEXT + b"\xff\xe1" + size + TEXT + stream[2:] + TEXT


def _jpeg2000(coded: Any) -> bytes:
    """A comment in the main header and in that of the tile part, whose length tells of it; text behind the end."""
    stream = bytes(coded)
    comment = b"\xff\x64" + (len(TEXT) + 4).to_bytes(2, "big") + b"\x00\x01" + TEXT
    at = stream.index(b"\xff\x90")
    length = int.from_bytes(stream[at + 6 : at + 10], "big")
    told = (length + len(comment)).to_bytes(4, "big") if length else bytes(4)
    assert length in (0, len(stream) - 2 - at), "one tile part"
    return stream[:at] + comment + stream[at : at + 6] + told + stream[at + 10 : at + 12] + comment + stream[
        at + 12 :] + TEXT


def _boxed(coded: Any) -> bytes:
    """Text in a box beside the codestream."""
    stream = bytes(coded)
    at = stream.index(b"jp2h") - 4
    return stream[:at] + (len(TEXT) + 8).to_bytes(4, "big") + b"xml " + TEXT + stream[at:]


CODED: dict[str, tuple[str, Callable[[Pixels], bytes]]] = {
    "jpeg": (uid.JPEGBaseline8Bit, lambda v: _jpeg(imagecodecs.jpeg8_encode((v >> 4).astype(np.uint8)))),
    "jpeg lossless": (uid.JPEGLosslessSV1, lambda v: _jpeg(imagecodecs.ljpeg_encode(v, bitspersample=12))),
    "jpeg-ls": (uid.JPEGLSLossless, lambda v: _jpeg(imagecodecs.jpegls_encode(v))),
    "jpeg 2000": (uid.JPEG2000Lossless, lambda v: _jpeg2000(imagecodecs.jpeg2k_encode(
        v, codecformat="j2k", bitspersample=12, reversible=True))),
    "jpeg 2000 in boxes": (uid.JPEG2000Lossless, lambda v: _boxed(imagecodecs.jpeg2k_encode(
        v, codecformat="jp2", bitspersample=12, reversible=True))),
    "htj2k": (uid.HTJ2KLossless, lambda v: _jpeg2000(imagecodecs.htj2k_encode(v, reversible=True, level=0))),
    "rle": (uid.RLELossless, lambda v: _rle(v)),
}


def _rle(values: Pixels) -> bytes:
    """Text between the header and the first segment."""
    planes = (values >> 8).astype("u1"), values.astype("u1")
    parts = [bytes(imagecodecs.packbits_encode(plane.tobytes())) for plane in planes]
    starts = [2, 64 + len(TEXT), 64 + len(TEXT) + len(parts[0]), *[0] * 13]
    return np.array(starts, "<u4").tobytes() + TEXT + b"".join(parts)


def stored(file: Path) -> NDArray[np.int64]:
    with quiet():
        header = read_header(file)
        assert isinstance(header, SliceHeader)
        return pixels.stored_values(header).astype(np.int64)


def plain(dataset: FileDataset) -> Pixels:
    return (np.frombuffer(dataset.PixelData, "<u2") & 0x0FFF).reshape(dataset.Rows, dataset.Columns)


def coded(file: Path, coding: str, bits: int = 12) -> Path:
    syntax, encode = CODED[coding]

    def into(dataset: FileDataset, _: int) -> None:
        values = plain(dataset)
        dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = bits, bits - 1, 0
        if coding == "jpeg":
            dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
        del dataset.PixelPaddingValue
        dataset.PixelData = encapsulate([encode(values)])
        dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
        dataset.file_meta.TransferSyntaxUID = uid.UID(syntax)

    change([file], into)
    return file


@pytest.mark.parametrize("bits", [12, 16])
@pytest.mark.parametrize("coding", CODED)
def test_text_beside_the_values_goes_and_the_values_stay(tmp_path: Path, coding: str, bits: int) -> None:
    (file, *_) = write(noise_volume(), tmp_path / "in")
    coded(file, coding, bits)
    assert TEXT in file.read_bytes()
    write_deidentified(file, tmp_path / "out.dcm", rules())
    assert TEXT not in (tmp_path / "out.dcm").read_bytes()
    np.testing.assert_array_equal(stored(tmp_path / "out.dcm"), stored(file))


@pytest.mark.parametrize("coding", ["rle", "jpeg lossless"])
def test_bits_beyond_those_that_count_go(tmp_path: Path, coding: str) -> None:
    (file, *_) = write(noise_volume(), tmp_path / "in")
    values = plain(pydicom.dcmread(file))
    hidden = values | 0x5000
    stream = _rle(hidden) if coding == "rle" else bytes(imagecodecs.ljpeg_encode(hidden, bitspersample=16))
    coded(file, coding)
    change([file], lambda dataset, _: setattr(dataset, "PixelData", encapsulate([stream])))
    write_deidentified(file, tmp_path / "out.dcm", rules())
    copy = pydicom.dcmread(tmp_path / "out.dcm")
    np.testing.assert_array_equal(np.frombuffer(copy.PixelData, "<u2").reshape(values.shape), values)
    np.testing.assert_array_equal(stored(tmp_path / "out.dcm"), stored(file))


def test_bits_that_other_codecs_hand_on_are_refused(tmp_path: Path) -> None:
    """A JPEG-LS reader shows these bits: without them the copy would not be the same image."""
    (file, *_) = write(noise_volume(), tmp_path / "in")
    stream = bytes(imagecodecs.jpegls_encode(plain(pydicom.dcmread(file)) | 0x5000))
    coded(file, "jpeg-ls")
    change([file], lambda dataset, _: setattr(dataset, "PixelData", encapsulate([stream])))
    with pytest.raises(NotWritten, match="more bits than its header says"):
        write_deidentified(file, tmp_path / "out.dcm", rules())


@pytest.mark.parametrize("fragments", [1, 3])
@pytest.mark.parametrize("table", ["basic", "none", "extended"])
def test_many_frames_keep_their_order(tmp_path: Path, fragments: int, table: str) -> None:
    if table == "none" and fragments > 1:
        fragments = 1  # nobody could tell the frames apart
    files = write(noise_volume(), tmp_path / "single")
    many = write_enhanced(files, tmp_path / "many" / "frames", uid.JPEGLSLossless)

    def hide(dataset: FileDataset, _: int) -> None:
        frames = [_jpeg(frame) for frame in generate_frames(dataset.PixelData, number_of_frames=len(files))]
        if table == "extended":
            data, *tables = pydicom.encaps.encapsulate_extended(frames)
            dataset.PixelData, dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths = data, *tables
        else:
            dataset.PixelData = encapsulate(frames, fragments_per_frame=fragments, has_bot=table == "basic")

    change([many], hide)
    write_deidentified(many, tmp_path / "out.dcm", rules())
    assert TEXT not in (tmp_path / "out.dcm").read_bytes()
    assert "ExtendedOffsetTable" not in pydicom.dcmread(tmp_path / "out.dcm")
    with quiet():
        before, after = read_headers(many), read_headers(tmp_path / "out.dcm")
        assert isinstance(before, tuple)
        assert isinstance(after, tuple)
        for old, new in zip(before, after, strict=True):
            np.testing.assert_array_equal(pixels.stored_values(new), pixels.stored_values(old))


def test_what_is_coded_in_a_way_that_is_not_known_is_not_written(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path / "in")
    coded(files[0], "jpeg lossless")
    change(files[:1], lambda d, _: setattr(d.file_meta, "TransferSyntaxUID", "1.2.840.10008.1.2.4.55"))
    coded(files[1], "jpeg-ls")
    change(files[1:2], lambda d, _: setattr(d, "PixelData", d.PixelData.replace(b"\xff\xf8", b"\xff\x01")))
    files[2].write_bytes(files[2].read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0"))
    for file, why in zip(files, ("not read", "looked through", "damaged"), strict=False):
        with quiet(), pytest.raises(NotWritten, match=why):
            write_deidentified(file, tmp_path / "out.dcm", rules())


@pytest.mark.parametrize("coding", [c for c in CODED if c != "rle"])
def test_no_damage_to_a_codestream_is_more_than_a_refusal(coding: str) -> None:
    values = (noise_volume().hu[0].astype(np.int32) + 1024).astype(np.uint16)
    stream = CODED[coding][1](values)
    chance = np.random.default_rng(5)
    for _ in range(300):
        broken = bytearray(stream[: int(chance.integers(1, len(stream)))])
        for at in chance.integers(0, len(broken), 4):
            broken[at] = int(chance.integers(0, 256))
        try:
            bare(bytes(broken))
        except ValueError:
            pass


def test_every_transfer_syntax_keeps_its_values(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "robust" / "transfer-syntaxes"
    for file in sorted(file for file in folder.glob("ct*.dcm") if "retired" not in file.name):
        write_deidentified(file, tmp_path / file.name, rules())
        np.testing.assert_array_equal(stored(tmp_path / file.name), stored(file), err_msg=file.name)
