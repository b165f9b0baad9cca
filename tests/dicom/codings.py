"""One CT series as the files that different archives and exports make of it: all mean the same voxels.

In: uncompressed single-frame files. Out: the same images in other transfer syntaxes, under other names, in a zip, as
one multi-frame file. Shared by tests and benchmarks.
"""

from __future__ import annotations

import random
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pydicom
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from tests.dicom.making import write_enhanced

SYNTAXES = {"JPEG-LS lossless": JPEGLSLossless, "RLE": RLELossless, "JPEG 2000 lossless": JPEG2000Lossless}


def coded(files: Sequence[Path], folder: Path, syntax: UID) -> Path:
    """The same images in another transfer syntax."""
    folder.mkdir(parents=True)
    for file in files:
        image = pydicom.dcmread(file)
        image.compress(syntax, generate_instance_uid=False)
        image.save_as(folder / file.name, enforce_file_format=True)
    return folder


def uncompressed(files: Sequence[Path], folder: Path) -> list[Path]:
    """The same images in Explicit VR Little Endian, however they are stored, in the files' order."""
    folder.mkdir(parents=True)
    made = []
    for file in files:
        image = pydicom.dcmread(file)
        if image.file_meta.TransferSyntaxUID.is_compressed:
            image.decompress(generate_instance_uid=False)
        image.save_as(folder / file.name, enforce_file_format=True)
        made.append(folder / file.name)
    return made


def zipped(files: Sequence[Path], archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for file in files:
            out.write(file, file.name)
    return archive


def shuffled(files: Sequence[Path], folder: Path, seed: int = 5) -> Path:
    """The same files under names that say nothing of their order."""
    folder.mkdir(parents=True)
    numbers = random.Random(seed).sample(range(len(files)), len(files))
    for number, file in zip(numbers, files, strict=True):
        shutil.copyfile(file, folder / f"{number:05d}")
    return folder


def in_all_codings(files: Sequence[Path], folder: Path) -> dict[str, Path]:
    """What to read, by the name of its coding; the first is the files themselves, which lie in one folder alone."""
    made = {"uncompressed": files[0].parent}
    for name, syntax in SYNTAXES.items():
        made[name] = coded(files, folder / name, syntax)
    made["shuffled names"] = shuffled(files, folder / "shuffled")
    made["zip"] = zipped(files, folder / "exam.zip")
    made["multi-frame"] = write_enhanced(files, folder / "frames" / "all", ExplicitVRLittleEndian).parent
    return made
