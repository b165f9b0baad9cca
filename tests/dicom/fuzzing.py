"""Broken and hostile DICOM from seeds, and what the program makes of it: a load, a count, or a refusal by name.

Of each input one image is copied without identity too: the one that was harmed, where it is still found as one.
"""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from ssc_hrct import dicom
from ssc_hrct.app.assets import default_protocol
from ssc_hrct.app.deidentify import new_uid
from ssc_hrct.core.errors import HrctError
from ssc_hrct.dicom.quiet import quiet
from ssc_hrct.quality import check_header
from tests.dicom.making import noise_volume, write, write_enhanced

SLICES = 4
ABSURD = ("", "0", "-1", "65535", "4294967295", "nan", "inf", "-inf", "1e308", "1e-308", "0\\0", "\\\\", "a" * 5000,
          "1\\0\\0\\0\\1\\0", "0\\0\\0\\0\\0\\0", "1e300\\1e300\\1e300", "'; --", "../../../etc/passwd")
WORDS = ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel",
         "PixelPaddingValue")
TEXTS = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "RescaleSlope",
         "RescaleIntercept", "NumberOfFrames", "ImageType", "Modality", "SOPClassUID", "SeriesInstanceUID", "StudyDate",
         "PhotometricInterpretation", "PatientID", "PatientName", "RescaleType", "WindowCenter", "KVP")
Rng = np.random.Generator


def bases(folder: Path) -> dict[str, Path]:
    """Small whole series, one folder each, in the codings that hospitals have, one of many frames and one zip."""
    volume = noise_volume(shape=(SLICES, 20, 28))
    plain = write(volume, folder / "explicit")
    made = {"explicit": folder / "explicit"}
    for name, syntax in (("deflated", DeflatedExplicitVRLittleEndian), ("rle", RLELossless), ("jpegls", JPEGLSLossless),
                         ("j2k", JPEG2000Lossless)):
        made[name] = folder / name
        made[name].mkdir()
        for file in plain:
            image = pydicom.dcmread(file)
            if name == "rle":
                image.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
            elif name != "deflated":
                values = image.pixel_array.astype(np.int16).view(np.uint16)
                encode = imagecodecs.jpegls_encode if name == "jpegls" else imagecodecs.jpeg2k_encode
                image.PixelData = encapsulate([bytes(encode(values))])
                image["PixelData"].VR = "OB"
            image.file_meta.TransferSyntaxUID = syntax
            image.save_as(made[name] / file.name, enforce_file_format=True)
    made["frames"] = write_enhanced(plain, folder / "frames" / "all", RLELossless).parent
    made["zip"] = folder / "zip"
    made["zip"].mkdir()
    with zipfile.ZipFile(made["zip"] / "exam.zip", "w", zipfile.ZIP_DEFLATED) as out:
        for file in plain:
            out.write(file, file.name)
    return made


def _flip(data: bytes, rng: Rng) -> bytes:
    changed = bytearray(data)
    reach = len(changed) if rng.random() < 0.3 else min(len(changed), 1500)
    for at in rng.integers(0, reach, int(rng.integers(1, 20))):
        changed[at] = int(rng.integers(0, 256))
    return bytes(changed)


def _cut(data: bytes, rng: Rng) -> bytes:
    return data[: int(rng.integers(0, len(data)))]


def _splice(data: bytes, rng: Rng) -> bytes:
    at, size = int(rng.integers(0, len(data))), int(rng.integers(1, 400))
    piece = rng.bytes(size) if rng.random() < 0.5 else data[at : at + size]
    return data[:at] + piece + data[at + (size if rng.random() < 0.5 else 0):]


def _lengths(data: bytes, rng: Rng) -> bytes:
    """A length in the header becomes absurd."""
    changed = bytearray(data)
    reach = range(132, min(len(data) - 4, 1600))
    places = [i for i in reach if data[i : i + 2].isalpha() and data[i : i + 2].isupper()]
    if places:
        at = int(rng.choice(places))
        absurd = (0, 1, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFE, 0x7FFFFFFF, int(rng.integers(0, 2**32)))
        changed[at + 2 : at + 8] = int(rng.choice(absurd)).to_bytes(6, "little")
    return bytes(changed)


def _element(data: bytes, rng: Rng) -> bytes:
    """An element gets an absurd value, in a file that is well formed otherwise."""
    image = pydicom.dcmread(io.BytesIO(data), force=True)
    name = str(rng.choice(WORDS + TEXTS))
    value = str(rng.choice(ABSURD))
    if name in WORDS:
        image.add_new(name, "US", int(rng.choice((0, 1, 3, 7, 17, 255, 4096, 65535))))
    else:
        image[name] = pydicom.DataElement(name, "UT", "")
        image[name].VR = "UN"
        image[name].value = value.encode()
    return _saved(image)


def _deep(data: bytes, rng: Rng) -> bytes:
    """Sequences in sequences, some hundreds deep, of undefined length."""
    image = pydicom.dcmread(io.BytesIO(data), force=True)
    depth = int(rng.integers(2, 3000))
    image.add_new(0x00082112, "UN", b"")
    inner = b"\x08\x00\x12\x21SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * depth
    saved = _saved(image)
    at = saved.find(b"\x08\x00\x12\x21UN")
    return saved[:at] + inner + saved[at + 12:]


def _stream(data: bytes, rng: Rng) -> bytes:
    """The pixels are harmed, the header is whole."""
    at = data.rfind(b"\xe0\x7f\x10\x00")
    if at < 0:
        return _flip(data, rng)
    changed = bytearray(data)
    for place in rng.integers(min(at + 12, len(data) - 1), len(data), int(rng.integers(1, 30))):
        changed[place] = int(rng.integers(0, 256))
    return bytes(changed)


def _syntax(data: bytes, rng: Rng) -> bytes:
    """Another transfer syntax than the pixels have."""
    known = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99",
             "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5",
             "1.2.840.10008.1.2.4.70", "1.2.3", "")
    image = pydicom.dcmread(io.BytesIO(data), force=True)
    old = str(image.file_meta.get("TransferSyntaxUID", ""))
    new = str(rng.choice(known)).ljust(len(old), "\0")[: len(old)]
    return data.replace(old.encode(), new.encode(), 1) if old else data


def _bomb(data: bytes, rng: Rng) -> bytes:
    """A deflated dataset that unpacks to far more than it is."""
    begins = 132 + 12 + int.from_bytes(data[140:144], "little")
    packed = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = b"".join(packed.compress(bytes(2**20)) for _ in range(int(rng.integers(10, 80)))) + packed.flush()
    return data[:begins] + body


def _rubbish(data: bytes, rng: Rng) -> bytes:
    return bytes(128) + b"DICM" + rng.bytes(int(rng.integers(0, 4000)))


def _saved(image: Dataset) -> bytes:
    out = io.BytesIO()
    with quiet():
        image.save_as(out, enforce_file_format=False)
    return out.getvalue()


MUTATORS: tuple[Callable[[bytes, Rng], bytes], ...] = (
    _flip, _flip, _cut, _splice, _lengths, _lengths, _element, _element, _element, _deep, _stream, _stream, _syntax,
    _bomb, _rubbish,
)


def input_of(seed: int, made: dict[str, Path], folder: Path) -> str:
    """Put input number `seed` into `folder`, which is emptied; what was done to it, in words."""
    rng = np.random.default_rng(seed)
    name = str(rng.choice(sorted(made)))
    mutate = MUTATORS[int(rng.integers(0, len(MUTATORS)))]
    if name in ("zip",) and mutate in (_element, _deep, _syntax, _bomb):
        mutate = _flip
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(made[name], folder)
    files = sorted(folder.iterdir())
    every = rng.random() < 0.2
    for file in files if every else [files[int(rng.integers(0, len(files)))]]:
        try:
            with quiet():
                file.write_bytes(mutate(file.read_bytes(), np.random.default_rng(seed)))
        except Exception:  # noqa: BLE001 - what pydicom cannot write is no input
            file.write_bytes(_flip(file.read_bytes(), rng))
    return f"{name}, {mutate.__name__.strip('_')}{', every file' if every else ''}"


def outcome(folder: Path) -> str:
    """What the program makes of a folder, in one word or code. Raises what should never be raised."""
    try:
        found = dicom.find([folder])
        _copy_without_identity(folder, found)
        choices = dicom.choose(found.series, lambda facts: check_header(facts, default_protocol()))
        told = "loaded" if choices else "nothing to load"
        for choice in choices:
            volume = dicom.load(choice.scan)
            assert volume.hu.dtype == np.int16
            assert np.isfinite(volume.grid.spacing_mm).all()
            assert np.isfinite(volume.grid.origin_mm).all()
    except HrctError as problem:
        return problem.code
    return told


def _copy_without_identity(folder: Path, found: dicom.Found) -> None:
    """The file that was changed last, where an image was found in it; of an archive the first image."""
    changed = max(folder.iterdir(), key=lambda each: each.stat().st_mtime_ns)
    images = [file for series in found.series for file in series.files if changed in (file, *file.parents)]
    if not images:
        return
    rules = dicom.Rules("subj-1", lambda old: new_uid(b"key", old, dicom.Dates.SHIFT), dicom.Dates.SHIFT, days=-100)
    with tempfile.TemporaryDirectory(prefix="ssc-hrct-fuzz-") as place:
        out = Path(place, "copy.dcm")
        try:
            dicom.write_deidentified(images[0], out, rules)
        except dicom.NotWritten:
            assert not out.exists()
            return
        with quiet():
            copy = pydicom.dcmread(out)
            assert copy.PatientID == "subj-1"
            assert "PixelData" in copy
