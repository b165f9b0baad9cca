"""What the headers of one series say, measured once by `dicom`, judged by `quality`.

No identifier is in here: no name, birth date, patient or accession number, no free text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SeriesKind(StrEnum):
    """What a series is, by evident rules on its headers."""

    AXIAL = "axial"
    REFORMAT = "reformat"
    """Axial, but computed from another series (ImageType value 1 DERIVED)."""
    LOCALIZER = "localizer"
    NOT_AXIAL = "not_axial"
    """Coronal, sagittal, or oblique beyond what can be scored."""
    SECONDARY_CAPTURE = "secondary_capture"
    """Dose page, screen capture: no CT values."""
    NOT_CT = "not_ct"
    UNSUPPORTED = "unsupported"
    """CT images in a form that cannot be read as a stack (for example a perfusion map)."""


@dataclass(frozen=True, slots=True)
class Acquisition:
    """Facts of one series. `None` means: the files do not say, and it could not be derived.

    slices counts images in the stack after dropping exact duplicates.
    missing_mm: patient heights (LPS along the stack's normal, mm) of absent slices, undecodable
    ones included. holes: runs of neighbouring absent slices; largest_hole_mm: absent slices of the
    longest run x spacing. extra_copies: dropped exact duplicates. conflicting: images that share a
    position and differ. interleaved: two acquisitions share one stack. lattice: positions and
    orientation make one regular lattice (holes allowed). tilt_degrees: gantry tilt (slices
    sheared). oblique_degrees: angle of the image plane to the axial plane.
    """

    study_instance_uid: str
    series_instance_uid: str
    modality: str
    kind: SeriesKind
    slices: int
    rows: int = 0
    columns: int = 0
    image_type: tuple[str, ...] = ()
    slice_thickness_mm: float | None = None
    slice_spacing_mm: float | None = None
    pixel_spacing_mm: tuple[float, float] | None = None
    """Distance of neighbouring rows, then of neighbouring columns (DICOM's order)."""
    length_mm: float = 0.0
    """From the first to the last slice position, along the normal."""
    missing_mm: tuple[float, ...] = ()
    holes: int = 0
    largest_hole_mm: float = 0.0
    extra_copies: int = 0
    conflicting: int = 0
    interleaved: bool = False
    lattice: bool = True
    tilt_degrees: float = 0.0
    oblique_degrees: float = 0.0
    lossy: bool = False
    unreadable: int = 0
    """Slices whose pixels could not be decoded: known after loading."""
    transfer_syntaxes: tuple[str, ...] = ()
    undecodable_syntax: str = ""
    """Name of a transfer syntax that no decoder of ours reads, else empty."""
    kernel: str | None = None
    kvp: float | None = None
    manufacturer: str | None = None
    model: str | None = None
    reconstruction: str | None = None
    """Family of iterative or deep reconstruction, as the header names it."""
    contrast: bool | None = None
    """True: a contrast agent is named. None: the tag is absent or empty."""
    patient_position: str | None = None
    """HFS, FFS, HFP, ...: as PatientPosition says."""
    scan_date: str | None = None
    """YYYY-MM-DD."""
    frame_of_reference_uid: str | None = None
    tilt_tag_degrees: float = 0.0
    """Gantry tilt as the header names it (nominal); tilt_degrees is what the positions show."""
    value_unit: str = "HU"
    """What the rescaled values are, as RescaleType says; HU where it says nothing."""
