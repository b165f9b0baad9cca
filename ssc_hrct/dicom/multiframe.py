"""The frames of an enhanced multi-frame CT as slices of their own.

In: a file. Out: a `SliceHeader` for each of its frames, with its place, rescale, kernel and
thickness from the functional groups (PS3.3 A.38.1 and C.7.6.16): what a frame's own group says before what the shared
one says, either before the file's plain tags.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ssc_hrct.dicom.files import read_dataset
from ssc_hrct.dicom.headers import ENHANCED_CT, NoImage, read_header, unit_of
from ssc_hrct.dicom.series import SliceHeader

_TAGS: list[str] = ["SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"]


def read_headers(path: Path) -> tuple[SliceHeader, ...] | NoImage:
    """The headers of one file's images, one for each frame of an enhanced CT; call it within `quiet()`."""
    header = read_header(path)
    if isinstance(header, NoImage):
        return header
    return _frames_of(header) if header.sop_class in ENHANCED_CT else (header,)


def _frames_of(header: SliceHeader) -> tuple[SliceHeader, ...]:
    """One header for each frame, in the file's order; the header alone where there are no functional groups. A frame
    whose groups say nothing of its place has no position."""
    try:
        groups = read_dataset(header.path, tags=_TAGS, pixels=False)
        shared = next(iter(groups.get(_TAGS[0]) or ()), None)
        own = list(groups.get(_TAGS[1]) or ())
        if len(own) != header.frames:
            return (header,)
        return tuple(_frame(header, number, _Groups((frame, shared))) for number, frame in enumerate(own))
    except Exception:  # noqa: BLE001 - a parser fed with broken bytes complains in any way; then there are no frames
        return (header,)


class _Groups:
    """What the functional groups say: the first of `groups` that says it."""

    def __init__(self, groups: tuple[Any, ...]) -> None:
        self._groups = [g for g in groups if g is not None]

    def get(self, sequence: str, name: str) -> Any:
        return next(self._all(sequence, name), None)

    def _all(self, sequence: str, name: str) -> Iterator[Any]:
        for group in self._groups:
            for item in group.get(sequence) or ():
                value = item.get(name)
                if value is not None and value != "":
                    yield value

    def numbers(self, sequence: str, name: str, count: int) -> tuple[float, ...] | None:
        value = self.get(sequence, name)
        values = [value] if count == 1 else list(value or ())
        if value is None or len(values) != count:
            return None
        numbers = tuple(float(v) for v in values)
        return numbers if all(abs(n) < 1e12 for n in numbers) else None

    def number(self, sequence: str, name: str) -> float | None:
        found = self.numbers(sequence, name, 1)
        return found[0] if found else None


def _frame(header: SliceHeader, number: int, said: _Groups) -> SliceHeader:
    position = said.numbers("PlanePositionSequence", "ImagePositionPatient", 3)
    orientation = said.numbers("PlaneOrientationSequence", "ImageOrientationPatient", 6)
    spacing = said.numbers("PixelMeasuresSequence", "PixelSpacing", 2)
    slope = said.number("PixelValueTransformationSequence", "RescaleSlope")
    intercept = said.number("PixelValueTransformationSequence", "RescaleIntercept")
    rescale = said.get("PixelValueTransformationSequence", "RescaleType")
    kind = said.get("CTImageFrameTypeSequence", "FrameType")
    kernel = said.get("CTReconstructionSequence", "ConvolutionKernel")
    length = header.rows * header.columns * header.samples * header.bits_allocated // 8
    native = header.pixel_length is not None
    return replace(
        header, frame=number, frames=1, fingerprint=f"{header.fingerprint}.{number}",
        position=position if position is None else (position[0], position[1], position[2]),
        orientation=header.orientation if orientation is None else (
            orientation[0], orientation[1], orientation[2], orientation[3], orientation[4], orientation[5]
        ),
        pixel_spacing_mm=(spacing[0], spacing[1]) if spacing and min(spacing) > 0 else header.pixel_spacing_mm,
        thickness_mm=said.number("PixelMeasuresSequence", "SliceThickness") or header.thickness_mm,
        slope=slope or header.slope, intercept=header.intercept if intercept is None else intercept,
        value_unit=header.value_unit if rescale is None else unit_of(str(rescale)),
        image_type=tuple(str(k) for k in kind) if kind else header.image_type,
        kernel=(" ".join([kernel] if isinstance(kernel, str) else kernel) or None) if kernel else header.kernel,
        reconstruction=header.reconstruction or said.get("CTReconstructionSequence", "ReconstructionAlgorithm"),
        kvp=said.number("CTXRayDetailsSequence", "KVP") or header.kvp,
        tilt_tag_degrees=said.number("CTAcquisitionDetailsSequence", "GantryDetectorTilt") or header.tilt_tag_degrees,
        contrast=True if said.get("ContrastBolusUsageSequence", "ContrastBolusAgentNumber") else header.contrast,
        acquisition=(
            str(said.get("FrameContentSequence", "FrameAcquisitionNumber") or header.acquisition[0]),
            header.acquisition[1],
            str(said.get("FrameContentSequence", "TemporalPositionIndex") or header.acquisition[2]),
        ),
        pixel_offset=header.pixel_offset + number * length if native and header.pixel_offset else header.pixel_offset,
        pixel_length=length if native else None,
    )
