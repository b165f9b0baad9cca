"""The lungs of another program from a DICOM Segmentation, by highdicom.

In: a file. Out: a `LabelMap` on the segmentation's own grid, one label a segment of lung, as coded or, where nothing is
coded as lung, as named. What is damaged, holds no lungs, or makes no volume is WrongUsage with a plain sentence.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from ssc_hrct.core.errors import WrongUsage
from ssc_hrct.core.grid import Grid, Triple
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.volume import LabelMap
from ssc_hrct.dicom.load import MOST_VOXELS
from ssc_hrct.dicom.quiet import quiet

LUNG_CODES = {"39607008", "3341006", "44029006", "T-28000", "T-28100", "T-28500"}
"""Lung, right lung, left lung: in SNOMED CT, and in the older SRT that files still carry."""
_NAMED = re.compile(r"((right|left|both|whole)[\s_-]*)?lungs?([\s_-]*(right|left|[rl]))?", re.IGNORECASE)
_HALF = 0.5
MOST_TIMES, MOST_EMPTY = 100, 1000
"""More slices than so many times the frames, and so many more, are no lungs with empty slices left out."""
_SAME_PLACE_MM = 1e-6


def is_dicom(path: Path) -> bool:
    """Whether the file begins as a DICOM file does."""
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def read_seg_lungs(path: Path, *, progress: Progress = SILENT) -> LabelMap:
    """labels: uint8 by the file's slices, rows and columns, 1 and up for the segments of lung; a voxel of a fractional
    segment belongs to it from a half on. Raises WrongUsage where the file cannot be used."""
    import highdicom as hd

    progress.step("Reading the segmentation", 0, 2)
    with quiet():
        try:
            seg = hd.seg.segread(path)
        except Exception as problem:  # the parser complains of broken files in every way
            raise WrongUsage(
                f"'{path}' is no DICOM segmentation that can be read.", "Name a DICOM SEG, NIfTI or NRRD file."
            ) from problem
        numbers = _lungs(seg)
        if not numbers:
            raise WrongUsage(
                f"'{path}' holds no segment that is coded or named as lung.", "Save the lungs as segments of their own."
            )
        progress.step("Reading the segmentation", 1, 2)
        try:
            slices, frames = _slices(seg), len(seg.PerFrameFunctionalGroupsSequence)
            room = slices * int(seg.Rows) * int(seg.Columns)
        except Exception as problem:  # what is said of the places may be absent or damaged in every way
            raise _no_volume(path) from problem
        if slices > MOST_TIMES * frames + MOST_EMPTY or room > MOST_VOXELS:
            raise WrongUsage(
                f"The frames of '{path}' lie so far apart that they would make {slices} slices.",
                "Save the lungs on the scan's own slices.",
            )
        try:
            parts = [seg.get_volume(segment_numbers=[n], rescale_fractional=True) for n in numbers]
        except Exception as problem:
            raise _no_volume(path) from problem
    labels = np.zeros(parts[0].array.shape[:3], np.uint8)
    for label, part in enumerate(parts, start=1):
        inside = part.array[..., 0] >= _HALF if part.array.ndim == 4 else part.array >= _HALF
        if (labels[inside] > 0).any():
            raise WrongUsage(f"Segments of lung in '{path}' overlap.", "Save lungs that do not overlap.")
        labels[inside] = label
    names = {0: "outside", **{i: f"segment {n}" for i, n in enumerate(numbers, start=1)}}
    frame_of_reference = str(seg.get("FrameOfReferenceUID") or "")
    return LabelMap(labels, _grid(labels.shape, parts[0].affine), names, frame_of_reference)


def _no_volume(path: Path) -> WrongUsage:
    return WrongUsage(f"The frames of '{path}' make no volume.", "Save the lungs on the scan's own slices.")


def _slices(seg: Any) -> int:
    """How many slices the library would make room for, from the places and the spacing of the frames alone."""
    groups = [*seg.PerFrameFunctionalGroupsSequence, *seg.get("SharedFunctionalGroupsSequence", ())]

    def told(sequence: str, name: str) -> list[Any]:
        items = (group[sequence][0] for group in groups if group.get(sequence))
        return [item[name].value for item in items if item.get(name) is not None]

    turned = np.asarray(told("PlaneOrientationSequence", "ImageOrientationPatient")[0], np.float64)
    places = np.asarray(told("PlanePositionSequence", "ImagePositionPatient"), np.float64)
    heights = np.unique(places @ np.cross(turned[:3], turned[3:]))
    steps = [abs(float(step)) for step in told("PixelMeasuresSequence", "SpacingBetweenSlices")]
    if len(heights) < 2:
        return 1
    steps += [] if steps else [float(step) for step in np.diff(heights) if step > _SAME_PLACE_MM]
    return 1 + round(float(heights[-1] - heights[0]) / min(steps))


def _lungs(seg: Any) -> list[int]:
    """Numbers of the segments that are lungs: by code, else by name."""
    segments = [(int(s.SegmentNumber), s) for s in seg.SegmentSequence]
    coded = [n for n, s in segments
             if str(s.SegmentedPropertyTypeCodeSequence[0].get("CodeValue", "")) in LUNG_CODES]
    return coded or [n for n, s in segments if _NAMED.fullmatch(str(s.get("SegmentLabel", "")).strip())]


def _grid(shape: tuple[int, ...], affine: Any) -> Grid:
    """highdicom's affine maps indices [slice, row, column] to LPS in mm."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)

    def along(axis: int) -> Triple:
        a, b, c = (float(v) for v in affine[:3, axis] / spacing[axis])
        return a, b, c

    z, y, x = shape
    dz, dy, dx = (float(d) for d in spacing)
    a, b, c = (float(v) for v in affine[:3, 3])
    return Grid((z, y, x), (dz, dy, dx), (a, b, c), (along(0), along(1), along(2)))
