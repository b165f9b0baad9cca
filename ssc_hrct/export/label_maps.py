"""Label maps of other programs: NIfTI and NRRD, read whole or not at all.

In: a file. Out: a `LabelMap` on the file's own grid, in whatever order and direction its axes run; bringing it to a
scan is the engine's work. What is damaged, cut short, not 3D or no map of labels is WrongUsage with a plain sentence.
SimpleITK knows both formats and both conventions of patient space (RAS, LPS); it is imported here alone, when asked.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.errors import WrongUsage
from ssc_hrct.core.grid import Grid, Triple
from ssc_hrct.core.paths import is_there
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.volume import LabelMap

MOST_LABELS = 255
"""Different labels that a map may hold; an image or a map of probabilities holds more."""
HIGHEST_LABEL = 65535
MOST_VOXELS = 2**31
"""4,000 slices of 700 x 700. A header that promises more is damaged."""
_CHUNK = 1 << 24
_GZIP = b"\x1f\x8b"


def read_label_map(path: Path, *, progress: Progress = SILENT) -> LabelMap:
    """The labels of a NIfTI (.nii, .nii.gz) or NRRD (.nrrd, .nhdr) file.

    labels: uint8, 1 and up in the order of the file's own numbers, which `names` tells ("label 10"); 0 is outside.
    grid: as the file has it, its array axes slowest first; LPS. Raises WrongUsage where the file cannot be used.
    """
    if not is_there(path):
        raise WrongUsage(f"There is no file '{path}'.", "Check the path.")
    if path.is_dir():
        raise WrongUsage(f"'{path}' is a folder.", "Name one DICOM SEG, NIfTI or NRRD file.")
    ending = next((known for known in READERS if path.name.lower().endswith(known)), None)
    if ending is None:
        raise WrongUsage(
            f"'{path}' ends like no label map that is read here.", f"Save it as one of these: {', '.join(READERS)}."
        )
    progress.step("Reading the label map", 0, 3)
    try:
        return READERS[ending](path, progress)
    except OSError as problem:
        raise WrongUsage(f"'{path}' cannot be read ({problem.strerror or 'damaged'}).", "Check the file.") from problem


def _read_nifti(path: Path, progress: Progress) -> LabelMap:
    """NIfTI; its reader fills what a damaged file lacks with zeros, so that its length is looked at here."""
    _check_whole_nifti(path)
    progress.step("Reading the label map", 1, 3)
    return _read(path, "NiftiImageIO", progress)


def _read_nrrd(path: Path, progress: Progress) -> LabelMap:
    with path.open("rb") as file:
        if file.read(4) != b"NRRD":
            raise _not_what_it_says(path, "NRRD")
    return _read(path, "NrrdImageIO", progress)


READERS: dict[str, Callable[[Path, Progress], LabelMap]] = {
    ".nii.gz": _read_nifti, ".nii": _read_nifti, ".nrrd": _read_nrrd, ".nhdr": _read_nrrd,
}
"""By the end of a file's name."""


def _not_what_it_says(path: Path, format_name: str) -> WrongUsage:
    return WrongUsage(f"'{path}' is no {format_name} file, though its name says so.", "Save the label map again.")


def _cut_short(path: Path) -> WrongUsage:
    return WrongUsage(f"'{path}' is damaged: its end is missing.", "Copy or save the label map again.")


def _check_whole_nifti(path: Path) -> None:
    """Raises WrongUsage where the header is none (NIfTI-1 and -2), or promises more bytes than follow."""
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    with gzip.open(path) if packed else path.open("rb") as file:
        try:
            header = file.read(540)
            needed = _promised_bytes(header)
            if needed is None:
                raise _not_what_it_says(path, "NIfTI")
            if len(header) + _bytes_left(file) < needed:
                raise _cut_short(path)
        except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
            raise _cut_short(path) from problem


def _promised_bytes(header: bytes) -> int | None:
    """Length of the file by its header (nifti1.h and nifti2.h: sizeof_hdr, dim, bitpix, vox_offset), or None."""
    if len(header) < 348:
        return None
    for order in "<>":
        (size,) = struct.unpack_from(f"{order}i", header)
        if size == 348:
            dim = struct.unpack_from(f"{order}8h", header, 40)
            (bits,) = struct.unpack_from(f"{order}h", header, 72)
            (offset,) = struct.unpack_from(f"{order}f", header, 108)
            break
        if size == 540 and len(header) == 540:
            dim = struct.unpack_from(f"{order}8q", header, 16)
            (bits,) = struct.unpack_from(f"{order}h", header, 14)
            (offset,) = struct.unpack_from(f"{order}q", header, 168)
            break
    else:
        return None
    if not 1 <= dim[0] <= 7 or min(dim[1 : 1 + dim[0]]) < 1 or bits < 1 or not 0 <= offset < 2**40:
        return None
    return int(offset) + math.prod(int(n) for n in dim[1 : 1 + dim[0]]) * int(bits) // 8


def _bytes_left(file: BinaryIO | gzip.GzipFile) -> int:
    count = 0
    while chunk := file.read(_CHUNK):
        count += len(chunk)
    return count


def _read(path: Path, reader_name: str, progress: Progress) -> LabelMap:
    import SimpleITK as sitk  # noqa: N813 - the name that its manual uses

    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.SetImageIO(reader_name)
    try:
        reader.ReadImageInformation()
        _check_kind(path, reader.GetDimension(), reader.GetNumberOfComponents(), reader.GetSize())
        image = reader.Execute()
    except RuntimeError as problem:
        if "orthonormal" in str(problem):
            raise WrongUsage(f"The axes of '{path}' are not at right angles.", "Save it on a plain grid.") from problem
        raise WrongUsage(f"'{path}' cannot be read: it is damaged.", "Save the label map again.") from problem
    progress.step("Reading the label map", 2, 3)
    labels, values = _ranked(path, sitk.GetArrayViewFromImage(image))
    names = {0: "outside", **{rank: f"label {value}" for rank, value in enumerate(values, start=1)}}
    return LabelMap(labels, _grid(image), names)


def _check_kind(path: Path, dimension: int, components: int, size: tuple[int, ...]) -> None:
    if dimension != 3 or components != 1:
        raise WrongUsage(
            f"'{path}' is not one map in three dimensions, but a flat image, several maps or overlapping segments.",
            "Save one 3D label map in which each voxel has one label.",
        )
    if math.prod(size) > MOST_VOXELS:
        raise WrongUsage(f"'{path}' holds more voxels than any scan of a chest.", "Save the label map again.")


def _ranked(path: Path, voxels: NDArray[Any]) -> tuple[NDArray[np.uint8], tuple[int, ...]]:
    """Labels as 1, 2, ... in the order of the numbers that stand for them in the file, and those numbers."""
    seen = np.zeros(HIGHEST_LABEL + 1, np.bool_)
    for layer in voxels:
        if not np.isrealobj(layer) or not np.array_equal(layer, np.rint(layer)):
            raise _no_labels(path)
        if layer.min() < 0 or layer.max() > HIGHEST_LABEL:
            raise _no_labels(path)
        seen[: int(layer.max()) + 1] |= np.bincount(layer.ravel().astype(np.intp)) > 0
    values = np.flatnonzero(seen[1:]) + 1
    if values.size > MOST_LABELS:
        raise _no_labels(path)
    ranks = np.zeros(HIGHEST_LABEL + 1, np.uint8)
    ranks[values] = np.arange(1, values.size + 1)
    labels = np.empty(voxels.shape, np.uint8)
    for z, layer in enumerate(voxels):
        labels[z] = ranks[layer.astype(np.intp)]
    return labels, tuple(int(v) for v in values)


def _no_labels(path: Path) -> WrongUsage:
    return WrongUsage(
        f"'{path}' holds values that are no labels: an image, perhaps, or a map of probabilities.",
        "Save the label map: whole numbers, 0 outside.",
    )


def _grid(image: Any) -> Grid:
    """SimpleITK counts axes from the fastest and has their directions (LPS) as columns; arrays from the slowest."""
    x, y, z = image.GetSize()
    dx, dy, dz = image.GetSpacing()
    cosines = np.asarray(image.GetDirection(), np.float64).reshape(3, 3)

    def along(axis: int) -> Triple:
        a, b, c = (float(value) for value in cosines[:, axis])
        return a, b, c

    a, b, c = image.GetOrigin()
    return Grid((z, y, x), (float(dz), float(dy), float(dx)), (float(a), float(b), float(c)),
                (along(2), along(1), along(0)))
