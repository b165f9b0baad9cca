"""The page as files of the scan's study: pictures and a document that other programs open."""

from __future__ import annotations

import io
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import FileDataset

from ssc_hrct import dicom
from ssc_hrct.core.errors import HrctError
from tests.dicom.making import change, noise_volume, only, uids, write

NOW = datetime(2026, 3, 4, 5, 6, 7)  # noqa: DTZ001 - DICOM's moments carry no time zone here
PDF = b"%PDF-1.7\nodd\n"
NAMES = ("DOE^JANE", "MRN-4711", "19501231", "ACC-99", "St. Elsewhere")


def png(shade: int) -> bytes:
    pixels = np.random.default_rng(shade).integers(0, 255, (40, 30, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return stream.getvalue()


def named(dataset: FileDataset, index: int) -> None:
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate, dataset.AccessionNumber = NAMES[:4]
    dataset.InstitutionName = NAMES[4]


def written(folder: Path) -> list[Path]:
    change(write(noise_volume(), folder / "in"), named)
    series, new_uid = only(folder / "in"), uids("2.25.7")
    files = [folder / "out" / name for name in ("page.dcm", "page-2.dcm", "page_pdf.dcm")]
    dicom.write_pictures(files[:2], series, [png(1), png(2)], subject_id="0007", new_uid=new_uid, now=NOW)
    dicom.write_document(files[2], series, PDF, subject_id="0007", new_uid=new_uid, now=NOW)
    return files


def test_pictures_and_document_come_back_as_they_were(tmp_path: Path) -> None:
    one, two, document = map(pydicom.dcmread, written(tmp_path))
    for made, shade in ((one, 1), (two, 2)):
        np.testing.assert_array_equal(made.pixel_array, np.asarray(Image.open(io.BytesIO(png(shade)))))
    assert (one.SeriesInstanceUID, one.InstanceNumber, two.InstanceNumber) == (two.SeriesInstanceUID, 1, 2)
    assert document.EncapsulatedDocument[: document.EncapsulatedDocumentLength] == PDF
    assert document.MIMETypeOfEncapsulatedDocument == "application/pdf"


def test_they_stand_in_the_scans_study_under_the_subject_and_nobodys_name(tmp_path: Path) -> None:
    files = written(tmp_path)
    source = pydicom.dcmread(next((tmp_path / "in").iterdir()), stop_before_pixels=True)
    for file in files:
        made = pydicom.dcmread(file)
        assert (made.PatientID, made.StudyInstanceUID) == ("0007", source.StudyInstanceUID)
        assert made.BurnedInAnnotation == "YES"
        assert not [name for name in NAMES if name.encode() in file.read_bytes()]


def test_a_conformance_checker_finds_no_error(tmp_path: Path) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed (Debian: dicom3tools).")
    for file in written(tmp_path):
        told = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True, check=False)
        assert [line for line in told.stderr.splitlines() if line.startswith("Error")] == []


def test_the_same_page_gives_the_same_bytes(tmp_path: Path) -> None:
    first, again = written(tmp_path / "a"), written(tmp_path / "b")
    assert [f.read_bytes() for f in first] == [f.read_bytes() for f in again]


def test_a_scan_without_a_study_is_refused_and_one_without_images_uids_is_not(tmp_path: Path) -> None:
    def without(tag: str) -> dicom.Series:
        def drop(dataset: FileDataset, index: int) -> None:
            delattr(dataset, tag)

        change(write(noise_volume(), tmp_path / tag), drop)
        return only(tmp_path / tag)

    new_uid = uids("2.25.7")
    for tag in ("FrameOfReferenceUID", "SOPInstanceUID"):
        file = tmp_path / f"{tag}.dcm"
        dicom.write_pictures([file], without(tag), [png(1)], subject_id="0007", new_uid=new_uid, now=NOW)
        assert file.exists()
    with pytest.raises(HrctError, match="no Study Instance UID") as refused:
        dicom.write_document(tmp_path / "x.dcm", without("StudyInstanceUID"), PDF, subject_id="0007", new_uid=new_uid,
                             now=NOW)
    assert refused.value.code == "SOURCE_INCOMPLETE"
    assert not (tmp_path / "x.dcm").exists()


def test_files_that_are_gone_are_named_as_gone(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path / "in")
    series = only(tmp_path / "in")
    for file in files:
        file.unlink()
    with pytest.raises(HrctError) as refused:
        dicom.write_document(tmp_path / "x.dcm", series, PDF, subject_id="0007", new_uid=uids("2.25.7"), now=NOW)
    assert refused.value.code == "SOURCE_GONE"
