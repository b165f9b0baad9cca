"""A `Volume` as a CT series that other programs read.

In: a volume and who, what and when it shall say. Out: one uncompressed single-frame CT Image file per
slice (Explicit VR Little Endian), IM0001 nearest the feet. Used for the demonstration subject and for
tests; nothing in it is from a patient, and the files say that identity was removed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian
from pydicom.valuerep import DSfloat

from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.volume import PADDING_HU, Volume
from ssc_hrct.dicom.quiet import quiet
from ssc_hrct.version import __version__

INTERCEPT_HU = -1024
IMPLEMENTATION_UID = "2.25.35131933893206833468687801431554425880"


@dataclass(frozen=True, slots=True)
class _Header:
    """What all slices of the series say."""

    patient_id: str
    study_uid: str
    series_uid: str
    frame_uid: str
    scan_date: str
    series_number: int
    description: str
    manufacturer: str
    model: str
    kernel: str
    kvp: float | None
    thickness_mm: float
    position: str


def write_ct(
    volume: Volume,
    folder: Path,
    *,
    patient_id: str,
    study_instance_uid: str,
    series_instance_uid: str,
    new_uid: Callable[[], str],
    frame_of_reference_uid: str | None = None,
    scan_date: str | None = None,
    series_number: int = 1,
    series_description: str = "",
    manufacturer: str = "ssc_hrct phantom",
    model: str = "phantom",
    kernel: str | None = None,
    kvp: float | None = None,
    slice_thickness_mm: float | None = None,
    progress: Progress = SILENT,
) -> tuple[Path, ...]:
    """Write the series and return its files, feet to head. The folder is made where it is missing.

    new_uid: gives a fresh UID for each image (and for the frame of reference where none is named).
    scan_date: YYYY-MM-DD. kernel, kvp, slice_thickness_mm, scan_date and the patient's position come
    from the volume's acquisition where they are not given. Raises HrctError(OUTPUT_NOT_WRITABLE).
    """
    facts = volume.acquisition
    header = _Header(
        patient_id=patient_id, study_uid=study_instance_uid, series_uid=series_instance_uid,
        frame_uid=frame_of_reference_uid or new_uid(), scan_date=(scan_date or facts.scan_date or "").replace("-", ""),
        series_number=series_number, description=series_description, manufacturer=manufacturer, model=model,
        kernel=kernel or facts.kernel or "", kvp=kvp or facts.kvp, position=facts.patient_position or "HFS",
        thickness_mm=slice_thickness_mm or facts.slice_thickness_mm or volume.grid.spacing_mm[0],
    )
    slices = volume.grid.shape[0]
    files = tuple(folder / f"IM{index + 1:04d}" for index in range(slices))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with quiet():
            for index, file in enumerate(files):
                progress.step("Writing slices", index, slices)
                aside = file.with_suffix(".part")
                _slice(volume, index, header, new_uid()).save_as(aside, enforce_file_format=True)
                aside.replace(file)
    except OSError as problem:
        raise HrctError(
            "OUTPUT_NOT_WRITABLE", f"The series cannot be written to '{folder}'.", "Choose another folder."
        ) from problem
    return files


def _slice(volume: Volume, index: int, header: _Header, sop_uid: str) -> FileDataset:
    """One image with all elements that the CT Image IOD requires (PS3.3 A.3)."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = UID(sop_uid)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(IMPLEMENTATION_UID)
    meta.ImplementationVersionName = f"SSC_HRCT_{__version__}"[:16]
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    _about_the_subject(ds, header)
    _about_the_series(ds, header)
    ds.SOPClassUID = CTImageStorage
    ds.SOPInstanceUID = sop_uid
    ds.InstanceNumber = index + 1
    ds.AcquisitionNumber = 1
    ds.ContentDate = header.scan_date
    ds.ContentTime = ""
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    _about_the_plane(ds, volume, index, header)
    _about_the_pixels(ds, volume, index)
    return ds


def _about_the_subject(ds: FileDataset, header: _Header) -> None:
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.PatientName = header.patient_id
    ds.PatientID = header.patient_id
    ds.PatientBirthDate = ""
    ds.PatientSex = ""
    ds.PatientIdentityRemoved = "YES"
    ds.DeidentificationMethod = "Made up; no patient is behind it"
    ds.StudyInstanceUID = header.study_uid
    ds.StudyDate = header.scan_date
    ds.StudyTime = ""
    ds.StudyID = ""
    ds.AccessionNumber = ""
    ds.ReferringPhysicianName = ""


def _about_the_series(ds: FileDataset, header: _Header) -> None:
    ds.Modality = "CT"
    ds.SeriesInstanceUID = header.series_uid
    ds.SeriesNumber = header.series_number
    ds.SeriesDate = header.scan_date
    ds.AcquisitionDate = header.scan_date
    if header.description:
        ds.SeriesDescription = header.description
    ds.BodyPartExamined = "CHEST"
    ds.PatientPosition = header.position
    ds.FrameOfReferenceUID = header.frame_uid
    ds.PositionReferenceIndicator = ""
    ds.Manufacturer = header.manufacturer
    ds.ManufacturerModelName = header.model
    ds.SoftwareVersions = f"ssc_hrct {__version__}"
    ds.KVP = None if header.kvp is None else _number(header.kvp)
    if header.kernel:
        ds.ConvolutionKernel = header.kernel


def _about_the_plane(ds: FileDataset, volume: Volume, index: int, header: _Header) -> None:
    grid = volume.grid
    _, down, along = grid.direction
    ds.ImageOrientationPatient = [_number(v) for v in (*along, *down)]
    ds.ImagePositionPatient = [_number(float(v)) for v in grid.to_lps_mm((float(index), 0.0, 0.0))]
    ds.SliceLocation = _number(grid.height_mm(index))
    ds.SliceThickness = _number(header.thickness_mm)
    ds.PixelSpacing = [_number(grid.spacing_mm[1]), _number(grid.spacing_mm[2])]


def _about_the_pixels(ds: FileDataset, volume: Volume, index: int) -> None:
    hu = volume.hu[index]
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows, ds.Columns = hu.shape
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit = 15
    ds.PixelRepresentation = 1
    ds.PixelPaddingValue = PADDING_HU - INTERCEPT_HU
    ds.RescaleIntercept = _number(INTERCEPT_HU)
    ds.RescaleSlope = _number(1)
    ds.RescaleType = "HU"
    ds.LossyImageCompression = "00"
    ds.BurnedInAnnotation = "NO"
    ds.PixelData = (hu.astype("<i4") - INTERCEPT_HU).astype("<i2").tobytes()
    ds["PixelData"].VR = "OW"


def _number(value: float) -> DSfloat:
    """A decimal string of at most 16 characters, as DICOM wants it."""
    return DSfloat(float(np.round(value, 9)) + 0.0, auto_format=True)
