"""The values of this room: what one file's header says, a series of files, what was found, what was chosen.

`SliceHeader` stays inside this room (it names files and offsets in them); the others are its seam.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from ssc_hrct.core.acquisition import Acquisition
from ssc_hrct.core.findings import Finding
from ssc_hrct.core.grid import Triple
from ssc_hrct.core.subject import Identity

Orientation = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True, repr=False)
class SliceHeader:
    """What the header of one image file says, parsed once.

    orientation: ImageOrientationPatient (direction of a row, then of a column); position:
    ImagePositionPatient in mm; pixel_spacing_mm: distance of rows, then of columns.
    frame: which image of the file this is, from 0; frames: how many images this header stands for.
    padding: lowest and highest stored value that means "nothing here". pixel_offset and
    pixel_length: where the pixels lie in the file; length None where they are encapsulated, offset
    0 where they cannot be read in place (deflated). truncated: the file ends before its pixels do.
    owner: patient ID, name, birth date, sex, exam date and folder: what tells patients apart where
    UIDs do not; stays in memory.
    """

    path: Path
    owner: tuple[str, ...]
    identity: Identity
    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class: str
    frame_of_reference_uid: str
    modality: str
    image_type: tuple[str, ...]
    transfer_syntax: str
    rows: int
    columns: int
    frame: int
    frames: int
    samples: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    slope: float
    intercept: float
    value_unit: str
    padding: tuple[int, int] | None
    orientation: Orientation | None
    position: Triple | None
    pixel_spacing_mm: tuple[float, float] | None
    thickness_mm: float | None
    tilt_tag_degrees: float
    acquisition: tuple[str, ...]
    """Tags that tell acquisitions of one series apart: number, time, temporal position."""
    kernel: str | None
    kvp: float | None
    manufacturer: str | None
    model: str | None
    reconstruction: str | None
    contrast: bool | None
    patient_position: str | None
    scan_date: str | None
    lossy: bool
    expiration: bool
    """The series names itself expiratory."""
    fingerprint: str
    """SOP instance UID, or a hash of the file's beginning where there is none."""
    pixel_offset: int
    pixel_length: int | None
    truncated: bool


@dataclass(frozen=True, slots=True)
class Series:
    """One stack of images. files: all of them, feet to head; finding these files again gives this series.

    slices: parsed headers, feet to head, of the files that `load` reads: exact copies and cut-off
    files are left out. Empty where a caller made the series by hand; then `load` reads the headers.
    expiration: the series names itself expiratory.
    """

    acquisition: Acquisition
    files: tuple[Path, ...]
    identity: Identity
    slices: tuple[SliceHeader, ...] = field(default=(), repr=False)
    expiration: bool = False

    @property
    def slices_sha256(self) -> str:
        """Tells stacks apart that come from one file under one UID: a hash of the slices' fingerprints."""
        return hashlib.sha256("\n".join(header.fingerprint for header in self.slices).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Found:
    """What a pass over files found.

    files: how many were looked at. not_dicom: of these, no DICOM. damaged: DICOM that cannot be
    read to its end. other: DICOM that holds no image (reports, structures, segmentations, DICOMDIR).
    locked: files and folders that may not be opened.
    """

    series: tuple[Series, ...]
    files: int
    not_dicom: int
    damaged: tuple[Path, ...]
    other: int = 0
    locked: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class ExamChoice:
    """The scan of one exam. findings: the judge's of `scan`; a refusal is among them where nothing
    in the exam can be scored. others: the exam's other series, each with why it was not chosen.
    """

    study_instance_uid: str
    identity: Identity
    scan: Series
    findings: tuple[Finding, ...]
    others: tuple[tuple[Series, str], ...]
