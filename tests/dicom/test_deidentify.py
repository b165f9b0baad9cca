"""Copies without identity: nothing of the person in any byte, and everything that the score needs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from ssc_hrct import dicom
from ssc_hrct.app.assets import default_protocol
from ssc_hrct.app.deidentify import deidentify, new_uid
from ssc_hrct.dicom.clean_pixels import NotWritten
from ssc_hrct.dicom.deidentify import _EMPTY, _MUST, _SEQUENCES, _STAY, _UIDS, Dates, Rules, write_deidentified
from ssc_hrct.dicom.quiet import quiet
from tests.dicom.making import change, complete_enhanced, noise_volume, only, write, write_enhanced

KEY = bytes(range(32))
OLD_STUDY, OLD_SERIES, OLD_FRAME = "2.25.1000001", "2.25.1000002", "2.25.1000003"
CANARIES = {
    "PatientName": "CANARYLAST^Canaryfirst", "PatientID": "CANARY-4711", "PatientBirthDate": "19501231",
    "OtherPatientIDs": "CANARY-OTHER", "AccessionNumber": "CANACC99", "InstitutionName": "Canary Hospital",
    "InstitutionAddress": "1 Canary Lane", "ReferringPhysicianName": "CANARYDOC^Ref", "OperatorsName": "CANARYOP^A",
    "StudyDescription": "Canary study of Canaryfirst", "SeriesDescription": "canary series", "StationName": "CANSTAT1",
    "ImageComments": "canary comment", "PatientComments": "canary again", "DeviceSerialNumber": "CANARYSERIAL",
    "RequestedProcedureDescription": "canary procedure", "ProtocolName": "canary protocol", "StudyID": "CANID7",
    "PatientTelephoneNumbers": "CANARY-PHONE", "RequestingPhysician": "CANARYREQ^B",
}


def rules(dates: Dates = Dates.KEEP, days: int = -100) -> Rules:
    return Rules("subj-0007", lambda old: new_uid(KEY, old, dates), dates, days)


def marked(files: list[Path]) -> None:
    """An identifier wherever one may hide."""
    def mark(dataset: FileDataset, index: int) -> None:
        for name, value in CANARIES.items():
            setattr(dataset, name, value)
        block = dataset.private_block(0x0009, "CANARY PRIVATE", create=True)
        block.add_new(1, "LO", "CANARY-4711")
        item = Dataset()
        item.RequestedProcedureID, item.ScheduledProcedureStepDescription = "CANARYREQID", "canary step"
        dataset.RequestAttributesSequence = [item]
        dataset.add_new(0x60003000, "OW", b"CANARYOVERLAY!")
        dataset.ConvolutionKernel = ["LUNG", "CANARY-4711"] if index == 0 else "LUNG"
        dataset.file_meta.SourceApplicationEntityTitle = "CANARYAE"
        dataset.preamble = b"CANARYPREAMBLE".ljust(128, b"\0")

    change(files, mark)


@pytest.mark.parametrize("dates", Dates)
def test_no_identifier_survives_in_any_byte(tmp_path: Path, dates: Dates) -> None:
    files = write(noise_volume(), tmp_path / "in", study=OLD_STUDY, series=OLD_SERIES, frame_of_reference_uid=OLD_FRAME)
    marked(files)
    old_dates = {str(pydicom.dcmread(files[0]).StudyDate)}
    for place, file in enumerate(files):
        write_deidentified(file, tmp_path / "out" / f"{place}.dcm", rules(dates))
    content = b"".join(file.read_bytes() for file in (tmp_path / "out").iterdir()).lower()
    words = [b"canary", b"cans", b"canacc", b"canid", b"19501231"]
    words += [uid.encode() for uid in (OLD_STUDY, OLD_SERIES, OLD_FRAME)]
    words += [] if dates is Dates.KEEP else [d.encode() for d in old_dates]
    assert not [word for word in words if word in content]
    assert pydicom.dcmread(tmp_path / "out" / "3.dcm").PatientID == "subj-0007"
    assert "ConvolutionKernel" not in pydicom.dcmread(tmp_path / "out" / "0.dcm")


@pytest.mark.parametrize("coding", ["single", "frames", "frames, compressed"])
def test_the_copy_is_the_same_scan(tmp_path: Path, coding: str) -> None:
    files = write(noise_volume(), tmp_path / "in")
    change(files, lambda dataset, _: setattr(dataset, "ContrastBolusAgent", "Ultravist for J. Canary"))
    if coding != "single":
        syntax = RLELossless if "compressed" in coding else ExplicitVRLittleEndian
        files = [write_enhanced(files, tmp_path / "many" / "frames", syntax)]
    old = only(files[0].parent)
    for place, file in enumerate(files):
        write_deidentified(file, tmp_path / "out" / f"{place}.dcm", rules())
    new = only(tmp_path / "out")
    np.testing.assert_array_equal(dicom.load(new).hu, dicom.load(old).hu)
    assert dicom.load(new).grid == dicom.load(old).grid
    for name in ("kernel", "kvp", "slice_thickness_mm", "contrast", "patient_position", "scan_date", "manufacturer",
                 "image_type", "kind", "slices"):
        assert getattr(new.acquisition, name) == getattr(old.acquisition, name), name
    assert new.identity.removed


def test_uids_hang_together_and_come_out_the_same_again(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path / "in")
    for again in ("a", "b"):
        for place, file in enumerate(files):
            write_deidentified(file, tmp_path / again / f"{place:02d}.dcm", rules())
    first = [file.read_bytes() for file in sorted((tmp_path / "a").iterdir())]
    assert first == [file.read_bytes() for file in sorted((tmp_path / "b").iterdir())]
    images = [pydicom.dcmread(file) for file in (tmp_path / "a").iterdir()]
    assert len({i.StudyInstanceUID for i in images}) == len({i.SeriesInstanceUID for i in images}) == 1
    assert len({i.SOPInstanceUID for i in images}) == len(files)
    assert all(i.SOPInstanceUID == i.file_meta.MediaStorageSOPInstanceUID for i in images)


def test_dates_move_together(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path / "in", scan_date="2020-03-05")
    change(files, lambda dataset, _: setattr(dataset, "AcquisitionDateTime", "20200305101112.5"))
    write_deidentified(files[0], tmp_path / "out.dcm", rules(Dates.SHIFT, days=-65))
    moved = pydicom.dcmread(tmp_path / "out.dcm")
    assert (moved.StudyDate, moved.AcquisitionDateTime) == ("20191231", "20191231101112.5")
    assert moved.LongitudinalTemporalInformationModified == "MODIFIED"
    write_deidentified(files[0], tmp_path / "none.dcm", rules(Dates.DROP))
    none = pydicom.dcmread(tmp_path / "none.dcm")
    assert (none.StudyDate, none.StudyTime, none.get("AcquisitionDateTime", "")) == ("", "", "")


def test_a_text_in_unused_bits_goes(tmp_path: Path) -> None:
    (file, *_) = write(noise_volume(), tmp_path / "in")

    def hide(dataset: FileDataset, index: int) -> None:
        values = np.frombuffer(dataset.PixelData, "<u2") & 0x0FFF
        dataset.PixelData = (values | 0x7000).astype("<u2").tobytes()
        dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 0

    change([file], hide)
    write_deidentified(file, tmp_path / "out.dcm", rules())
    assert int(pydicom.dcmread(tmp_path / "out.dcm").pixel_array.max()) < 0x1000


def test_what_may_show_a_name_is_not_written(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path / "in")
    change(files[:1], lambda dataset, _: setattr(dataset, "BurnedInAnnotation", "YES"))
    change(files[1:2], lambda dataset, _: setattr(dataset, "SOPClassUID", "1.2.840.10008.5.1.4.1.1.7"))
    change(files[2:3], lambda dataset, _: delattr(dataset, "PixelData"))
    files[3].write_bytes(files[3].read_bytes()[:400])
    for file, why in zip(files, ("burned into", "no CT image", "no pixels", "."), strict=False):
        with pytest.raises(NotWritten, match=why):
            write_deidentified(file, tmp_path / "out" / "x.dcm", rules())
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools is not installed")
@pytest.mark.parametrize("dates", Dates)
def test_the_copy_is_what_the_standard_wants(tmp_path: Path, dates: Dates) -> None:
    files = write(noise_volume(), tmp_path / "in")
    marked(files)
    write_deidentified(files[5], tmp_path / "out.dcm", rules(dates))
    told = subprocess.run(["dciodvfy", str(tmp_path / "out.dcm")], capture_output=True, text=True, check=False)
    assert "CTImage" in told.stderr + told.stdout
    assert "Error" not in told.stderr + told.stdout


@pytest.mark.parametrize("name", ["Ono^Yoko", "Mar^Ina", "Lung^Mary", "Prim^Axial", "Head^First"])
def test_names_that_are_parts_of_common_words_cost_nothing_that_the_score_needs(tmp_path: Path, name: str) -> None:
    files = write(noise_volume(), tmp_path / "in")

    def call(dataset: FileDataset, index: int) -> None:
        dataset.PatientName, dataset.InstitutionName = name, "St Mary Medical"

    change(files, call)
    write_deidentified(files[0], tmp_path / "out.dcm", rules())
    old, new = pydicom.dcmread(files[0]), pydicom.dcmread(tmp_path / "out.dcm")
    for kept in ("PhotometricInterpretation", "ImageType", "PatientPosition", "RescaleType", "ConvolutionKernel"):
        assert new[kept].value == old[kept].value, kept


@pytest.mark.parametrize(("name", "hidden"), [
    ("王^芳", "王芳 1"), ("Wang^Fang=王^小芳", "x 王小芳"), ("DOE^JANE", "v doejane 2"),
])
def test_names_in_other_scripts_and_joined_are_found_in_text_that_stays(tmp_path: Path, name: str, hidden: str) -> None:
    (file, *_) = write(noise_volume(), tmp_path / "in")

    def call(dataset: FileDataset, index: int) -> None:
        dataset.SpecificCharacterSet = "ISO_IR 192"
        dataset.PatientName, dataset.SoftwareVersions = name, hidden

    change([file], call)
    write_deidentified(file, tmp_path / "out.dcm", rules())
    assert "SoftwareVersions" not in pydicom.dcmread(tmp_path / "out.dcm")


def test_a_name_in_the_place_of_a_time_goes(tmp_path: Path) -> None:
    (file, *_) = write(noise_volume(), tmp_path / "in")

    def call(dataset: FileDataset, index: int) -> None:
        for tag, keyword, text in (("TM", "StudyTime", "DOE^JANE"), ("DT", "AcquisitionDateTime", "20200101 DOE^JANE"),
                                   ("DA", "SeriesDate", "DOE")):
            dataset[keyword] = pydicom.DataElement(keyword, tag, None)
            dataset[keyword].VR = "UN"
            dataset[keyword].value = text.encode()

    with quiet():
        change([file], call)
        write_deidentified(file, tmp_path / "out.dcm", rules())
    assert b"DOE" not in (tmp_path / "out.dcm").read_bytes()


def test_bytes_behind_the_pixels_and_bits_below_them_go(tmp_path: Path) -> None:
    (file, *_) = write(noise_volume(), tmp_path / "in")

    def hide(dataset: FileDataset, index: int) -> None:
        values = (np.frombuffer(dataset.PixelData, "<u2") & 0x0FFF) << 4
        dataset.PixelData = (values | 0x0007).astype("<u2").tobytes() + b"DOE^JANE MRN"
        dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 15, 0

    change([file], hide)
    write_deidentified(file, tmp_path / "out.dcm", rules())
    copy = pydicom.dcmread(tmp_path / "out.dcm")
    assert b"DOE" not in (tmp_path / "out.dcm").read_bytes()
    assert copy.HighBit == 11
    old = np.frombuffer(pydicom.dcmread(file).PixelData, "<u2")[: copy.Rows * copy.Columns] >> 4
    np.testing.assert_array_equal(np.frombuffer(copy.PixelData, "<u2"), old)


def test_pixels_that_are_cut_off_are_not_written(tmp_path: Path) -> None:
    (file, *_) = write(noise_volume(), tmp_path / "in")
    change([file], lambda dataset, _: setattr(dataset, "PixelData", dataset.PixelData[:-300]))
    with pytest.raises(NotWritten, match="damaged"):
        write_deidentified(file, tmp_path / "out.dcm", rules())


def enhanced(folder: Path) -> Path:
    files = write(noise_volume(), folder / "single")
    made = complete_enhanced(write_enhanced(files, folder / "many" / "frames", ExplicitVRLittleEndian))
    change([made], lambda dataset, _: setattr(dataset, "PatientIdentityRemoved", "NO"))
    return made


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools is not installed")
@pytest.mark.parametrize("dates", Dates)
def test_an_enhanced_copy_is_what_the_standard_wants(tmp_path: Path, dates: Dates) -> None:
    old = enhanced(tmp_path)
    write_deidentified(old, tmp_path / "out" / "new.dcm", rules(dates))
    for file in (old, tmp_path / "out" / "new.dcm"):
        told = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True, check=False)
        assert "EnhancedCTImage" in told.stderr + told.stdout
        assert "Error" not in told.stderr + told.stdout
    assert b"canary" not in (tmp_path / "out" / "new.dcm").read_bytes().lower()
    scan = only(tmp_path / "out").acquisition
    assert (scan.scan_date is None) is (dates is Dates.DROP)
    assert scan.kernel == "LUNG"


def test_each_of_several_uids_is_replaced_by_its_own(tmp_path: Path) -> None:
    old = enhanced(tmp_path)
    write_deidentified(old, tmp_path / "new.dcm", rules())
    (shared,) = pydicom.dcmread(tmp_path / "new.dcm").SharedFunctionalGroupsSequence
    assert list(shared.IrradiationEventIdentificationSequence[0].IrradiationEventUID) == [
        new_uid(KEY, "2.25.3003", Dates.KEEP), new_uid(KEY, "2.25.3004", Dates.KEEP)]


def test_what_an_enhanced_image_must_have_is_there_though_its_text_named_someone(tmp_path: Path) -> None:
    old = enhanced(tmp_path)
    change([old], lambda dataset, _: setattr(dataset, "SoftwareVersions", "1.0 for Canarylast"))
    for name in ("a", "b"):
        write_deidentified(old, tmp_path / f"{name}.dcm", rules())
        change([old], lambda dataset, _: setattr(dataset, "DeviceSerialNumber", "another"))
    one, other = pydicom.dcmread(tmp_path / "a.dcm"), pydicom.dcmread(tmp_path / "b.dcm")
    assert one.SoftwareVersions == "REMOVED"
    assert one.DeviceSerialNumber != other.DeviceSerialNumber
    assert one.DeviceSerialNumber.isdigit()


def test_missing_uids_are_made_and_hang_together(tmp_path: Path) -> None:
    for name, series in (("a", "2.25.2"), ("b", "2.25.3")):
        files = write(noise_volume(), tmp_path / "in" / name, series=series)

        def without(dataset: FileDataset, _: int) -> None:
            for uid in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "SOPInstanceUID"):
                del dataset[uid]

        change(files, without)
    deidentify([tmp_path / "in"], tmp_path / "out", dates=Dates.KEEP, protocol=default_protocol(),
               secret=tmp_path / "secret")
    copies = [pydicom.dcmread(file) for file in (tmp_path / "out").rglob("*.dcm")]
    assert len({copy.SOPInstanceUID for copy in copies}) == len(copies) == 48
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        assert len({copy[name].value for copy in copies}) == 2, "nothing says that the folders are one exam"


def test_all_elements_that_may_stay_are_known_by_name() -> None:
    names = {*_STAY, *_SEQUENCES, *_EMPTY, *_MUST, *_UIDS}
    assert [name for name in names if tag_for_keyword(name) is None] == []
