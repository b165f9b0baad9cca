"""A page for the archive: as pictures that every viewer shows (Secondary Capture) and as a document (Encapsulated PDF).

In: the series, and the page's pixels or bytes. Out: files that stand in the scan's own study. Of the source's header
only what an allow-list names is taken over; the patient is called by the subject's name. They point at no image, so
that files without SOP instance UIDs or frame of reference do as well.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from ssc_hrct.core.paths import written_whole
from ssc_hrct.dicom.codes import REPORT, concept
from ssc_hrct.dicom.quiet import quiet
from ssc_hrct.dicom.series import Series
from ssc_hrct.dicom.source_headers import check_study, stamp, study_header
from ssc_hrct.dicom.write_ct import IMPLEMENTATION_UID
from ssc_hrct.version import __version__

PICTURE_SERIES, DOCUMENT_SERIES = 102, 103
_ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
_TITLE = "ssc_hrct page, research only"
_TAKEN = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate", "StudyTime",
          "ReferringPhysicianName", "StudyID", "AccessionNumber", "PatientIdentityRemoved", "DeidentificationMethod")


def write_pictures(
    files: list[Path], series: Series, pictures: list[bytes], *, subject_id: str, new_uid: Callable[[], str],
    now: datetime, identity_removed: bool = True,
) -> None:
    """Each picture (PNG) as one file; together they are a series.

    identity_removed: the files say so; they must not where `subject_id` is the patient's own number.
    Raises HrctError: SOURCE_INCOMPLETE where the scan has no study UID, SOURCE_GONE, OUTPUT_NOT_WRITABLE.
    """
    check_study(series, "a page")
    with quiet():
        study, series_uid = study_header(series, subject_id, identity_removed), new_uid()
        for number, (file, picture) in enumerate(zip(files, pictures, strict=True), start=1):
            made = _picture(picture, study, series_uid, number, new_uid, now)
            with written_whole(file) as aside:
                made.save_as(aside, enforce_file_format=True)


def _picture(png: bytes, study: Any, series_uid: str, number: int, new_uid: Callable[[], str], now: datetime) -> Any:
    import highdicom as hd
    from PIL import Image

    made: Any = hd.sc.SCImage(
        pixel_array=np.asarray(Image.open(io.BytesIO(png)).convert("RGB")), photometric_interpretation="RGB",
        bits_allocated=8, coordinate_system="PATIENT", patient_orientation=("L", "F"),
        study_instance_uid=study.StudyInstanceUID, series_instance_uid=series_uid, series_number=PICTURE_SERIES,
        sop_instance_uid=new_uid(), instance_number=number, manufacturer="ssc_hrct",
    )
    _file_with(made, study)
    made.SpecificCharacterSet = "ISO_IR 192"
    made.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
    made.ConversionType = "WSD"
    made.Laterality = made.PatientOrientation = ""  # a page has neither
    made.BurnedInAnnotation = "YES"  # the subject and the date of the scan stand on it
    made.ManufacturerModelName, made.SoftwareVersions = "ssc_hrct", __version__
    made.DateOfSecondaryCapture, made.TimeOfSecondaryCapture = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    stamp(made, now, _TITLE)
    return made


def write_document(
    file: Path, series: Series, pdf: bytes, *, subject_id: str, new_uid: Callable[[], str], now: datetime,
    identity_removed: bool = True,
) -> None:
    """The document as one file (PS3.3 A.45.1). identity_removed, and what is raised: as in `write_pictures`."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.sequence import Sequence
    from pydicom.uid import UID, ExplicitVRLittleEndian

    check_study(series, "a page")
    with quiet():
        meta = FileMetaDataset()
        meta.TransferSyntaxUID, meta.ImplementationClassUID = ExplicitVRLittleEndian, UID(IMPLEMENTATION_UID)
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(_ENCAPSULATED_PDF), UID(new_uid())
        made = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
        _file_with(made, study_header(series, subject_id, identity_removed))
        made.SpecificCharacterSet = "ISO_IR 192"
        made.SOPClassUID, made.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
        made.SeriesInstanceUID, made.SeriesNumber, made.Modality, made.InstanceNumber = (
            new_uid(), DOCUMENT_SERIES, "DOC", 1)
        made.Manufacturer = made.ManufacturerModelName = "ssc_hrct"
        made.SoftwareVersions, made.ConversionType = __version__, "WSD"
        made.BurnedInAnnotation, made.DocumentTitle = "YES", _TITLE
        made.AcquisitionDateTime = ""
        made.ConceptNameCodeSequence = Sequence([concept(REPORT)])
        made.MIMETypeOfEncapsulatedDocument = "application/pdf"
        made.EncapsulatedDocumentLength = len(pdf)
        made.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
        stamp(made, now, f"{_TITLE} (PDF)")
        with written_whole(file) as aside:
            made.save_as(aside, enforce_file_format=True)


def _file_with(made: Any, study: Any) -> None:
    """Subject and study, so that an archive files it with the scan."""
    for name in _TAKEN:
        if name in study:
            made[name] = study[name]
