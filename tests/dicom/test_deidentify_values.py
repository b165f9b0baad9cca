"""Copies without identity: a name in the place of a number or code; whose words are looked for, whose not."""

from __future__ import annotations

import builtins
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence as Items
from pydicom.tag import Tag
from pydicom.uid import ImplicitVRLittleEndian

from ssc_hrct.app.assets import default_protocol
from ssc_hrct.app.deidentify import deidentify, new_uid
from ssc_hrct.dicom.clean_pixels import NotWritten
from ssc_hrct.dicom.deidentify import _STAY, Dates, write_deidentified
from ssc_hrct.dicom.headers import MOST_ELEMENTS
from ssc_hrct.dicom.kept_values import texts
from ssc_hrct.dicom.quiet import quiet
from tests.dicom.making import change, noise_volume, write
from tests.dicom.test_deidentify import KEY, enhanced, rules

TEXT = b"CANARY^JANE 1950"
LONG = {"OB", "OW", "UR", "UT", "UN", "UC"}


def raw(dataset: Dataset, keyword: str, kind: str, value: bytes) -> None:
    """An element of any kind with any bytes, as a file may hold it."""
    tag = Tag(keyword)
    dataset[tag] = RawDataElement(tag, kind, len(value), value, 0, False, True, True)


def one(folder: Path, how: Callable[[FileDataset], None] = lambda _: None) -> Path:
    (file, *_) = write(noise_volume(shape=(4, 20, 28)), folder / "in")
    with quiet():
        change([file], lambda dataset, _: how(dataset))
    return file


def copied(file: Path, **more: Any) -> FileDataset:
    out = file.parent.parent / "out.dcm"
    write_deidentified(file, out, rules(**more))
    return pydicom.dcmread(out)


@pytest.mark.parametrize(("keyword", "kind"), [
    ("SeriesNumber", "IS"), ("AcquisitionNumber", "IS"), ("XRayTubeCurrent", "IS"), ("KVP", "DS"),
    ("WindowCenter", "DS"), ("SmallestImagePixelValue", "US"), ("LargestImagePixelValue", "SS"), ("CTDIvol", "FD"),
    ("TablePosition", "FD"), ("DataCollectionCenterPatient", "FD"), ("InStackPositionNumber", "UL"),
    ("DimensionIndexValues", "UL"), ("DimensionIndexPointer", "AT"),
    *(("Manufacturer", kind) for kind in (
        "OB", "OW", "UR", "DA", "TM", "DT", "UI", "AS", "IS", "DS", "AT", "US", "FD", "PN", "UT")),
])
def test_a_text_in_the_place_of_another_kind_goes(tmp_path: Path, keyword: str, kind: str) -> None:
    file = one(tmp_path, lambda dataset: raw(dataset, keyword, kind, TEXT))
    assert TEXT in file.read_bytes()
    assert not copied(file).get(keyword)
    content = (tmp_path / "out.dcm").read_bytes()
    assert b"CANARY" not in content
    assert b"JANE" not in content


def test_numbers_stay_as_they_were_written(tmp_path: Path) -> None:
    given = {"SeriesNumber": b"3 ", "XRayTubeCurrent": b"+200", "KVP": b"1.2E+02 ", "WindowCenter": b"40\\-600",
             "SliceThickness": b".625", "SliceLocation": b"-0.00012345678901234567", "ExposureTime": b"500.0"}

    def put(dataset: FileDataset) -> None:
        for name, value in given.items():
            raw(dataset, name, "DS" if name in ("KVP", "WindowCenter", "SliceThickness", "SliceLocation") else "IS",
                value + b" " * (len(value) % 2))
        dataset.CTDIvol, dataset.TablePosition, dataset.TubeAngle = 5.25, -1234.5, 0.0
        dataset.InStackPositionNumber = 4096
        raw(dataset, "SmallestImagePixelValue", "SS", b"\xf9\xff")

    copy = copied(one(tmp_path, put))
    with quiet():
        for name, value in given.items():
            assert "\\".join(texts(copy[name].value)) == value.decode().strip(), name
    assert (copy.CTDIvol, copy.TablePosition, copy.TubeAngle) == (5.25, -1234.5, 0.0)
    assert (copy.SmallestImagePixelValue, copy.InStackPositionNumber) == (-7, 4096)


def test_padding_stays_where_the_file_names_no_kinds(tmp_path: Path) -> None:
    file = one(tmp_path)
    old = pydicom.dcmread(file)
    old.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    old.save_as(file, implicit_vr=True, little_endian=True)
    assert copied(file).PixelPaddingValue == old.PixelPaddingValue


def test_a_number_that_is_the_patients_own_goes(tmp_path: Path) -> None:
    def put(dataset: FileDataset) -> None:
        dataset.PatientID, dataset.AccessionNumber = "47114711", "9"
        dataset.AcquisitionNumber, dataset.SeriesNumber = 47114711, 9

    copy = copied(one(tmp_path, put))
    assert "AcquisitionNumber" not in copy
    assert copy.SeriesNumber == 9, "a short number is no one's"


def test_no_element_of_bytes_may_stay() -> None:
    kinds = {kind for name in _STAY for kind in pydicom.datadict.dictionary_VR(name).split(" or ")}
    assert not kinds & {"OB", "OW", "OD", "OF", "OL", "OV", "UN", "SQ", "UI", "UR", "DA", "TM", "DT"}


@pytest.mark.parametrize(("keyword", "value"), [
    ("BodyPartExamined", "CANARY JANE"), ("RescaleType", "CANARY"), ("RotationDirection", "JANE"),
    ("ExposureModulationType", ["NONE", "CANARY"]), ("LossyImageCompressionMethod", "CANARY"),
])
def test_a_name_in_the_place_of_a_defined_term_goes(tmp_path: Path, keyword: str, value: Any) -> None:
    def put(dataset: FileDataset) -> None:
        dataset.PatientName = "CANARY^JANE"
        setattr(dataset, keyword, value)

    file = one(tmp_path, put)
    assert write_deidentified(file, tmp_path / "out.dcm", rules()) == {keyword}
    assert keyword not in pydicom.dcmread(tmp_path / "out.dcm")
    assert b"CANARY" not in (tmp_path / "out.dcm").read_bytes()


def test_of_a_type_of_image_what_is_no_name_keeps_its_place(tmp_path: Path) -> None:
    def put(dataset: FileDataset) -> None:
        dataset.PatientName = "CANARY^JANE"
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL", "CANARY", "CT_SOM5 SPI"]

    file = one(tmp_path, put)
    assert write_deidentified(file, tmp_path / "out.dcm", rules()) == {"ImageType"}
    assert list(pydicom.dcmread(tmp_path / "out.dcm").ImageType) == [
        "ORIGINAL", "PRIMARY", "AXIAL", "REMOVED", "CT_SOM5 SPI"]


def in_address(dataset: FileDataset) -> None:
    dataset.PatientAddress = "12 Canary Lane"


def in_other_numbers(dataset: FileDataset) -> None:
    item = Dataset()
    item.PatientID = "CANARY-7"
    dataset.OtherPatientIDsSequence = Items([item])


def in_requesting(dataset: FileDataset) -> None:
    dataset.RequestingPhysician = "CANARY^J"


def in_nested_name(dataset: FileDataset) -> None:
    inner, outer = Dataset(), Dataset()
    inner.ContentCreatorName = "Canary^J"
    outer.ConceptCodeSequence = Items([inner])
    dataset.RequestAttributesSequence = Items([outer])


def in_bytes(dataset: FileDataset) -> None:
    raw(dataset, "PatientName", "OB", b"CANARY^J")


@pytest.mark.parametrize("hide", [in_address, in_other_numbers, in_requesting, in_nested_name, in_bytes])
def test_names_are_known_wherever_they_stand(tmp_path: Path, hide: Callable[[FileDataset], None]) -> None:
    def put(dataset: FileDataset) -> None:
        hide(dataset)
        dataset.ConvolutionKernel = "FC CANARY"

    file = one(tmp_path, put)
    assert write_deidentified(file, tmp_path / "out.dcm", rules()) == {"ConvolutionKernel"}
    assert "ConvolutionKernel" not in pydicom.dcmread(tmp_path / "out.dcm")


@pytest.mark.parametrize(("name", "hidden"), [
    ("Müller^Jörg", "MULLER"), ("Müller^Jörg", "k mueller 2"), ("Muller^J", "Mu\u0308ller"), ("Mueller^J", "Müller"),
    ("Łukasz^A", "LUKASZ"), ("Groß^A", "GROSS"), ("Søren^A", "soeren"), ("김^철수", "v김철수1"),
    ("Doe^Jane", "x JANEDOE"),
])
def test_case_accents_and_order_do_not_hide_a_name(tmp_path: Path, name: str, hidden: str) -> None:
    def put(dataset: FileDataset) -> None:
        dataset.SpecificCharacterSet = "ISO_IR 192"
        dataset.PatientName, dataset.SoftwareVersions = name, hidden

    assert "SoftwareVersions" not in copied(one(tmp_path, put))


@pytest.mark.parametrize(("number", "kernel", "maker"), [
    ("LUNG-001", "LUNG", "GE MEDICAL SYSTEMS"), ("GE_STANDARD 7", "STANDARD", "GE MEDICAL SYSTEMS"),
    ("CHEST^SIEMENS", "BONEPLUS", "SIEMENS"), ("YA-YC-4711", "YA", "Philips Medical Systems"),
])
def test_words_of_kernels_and_makers_are_nobodys_own(tmp_path: Path, number: str, kernel: str, maker: str) -> None:
    def put(dataset: FileDataset) -> None:
        dataset.PatientID = dataset.PatientName = number
        dataset.InstitutionName, dataset.StationName = "Medical Systems Chest Hospital", "CT01"
        dataset.PatientPosition, dataset.PatientSex, dataset.PatientOrientation = "HFS", "F", ["L", "P"]
        dataset.ConvolutionKernel, dataset.Manufacturer, dataset.ManufacturerModelName = kernel, maker, "Revolution CT"

    copy = copied(one(tmp_path, put))
    assert (copy.ConvolutionKernel, copy.Manufacturer, copy.ManufacturerModelName) == (kernel, maker, "Revolution CT")
    assert copy.PatientPosition == "HFS"


@pytest.mark.parametrize(("keyword", "kind", "value"), [
    ("SharedFunctionalGroupsSequence", "LO", b"CANARY"), ("SharedFunctionalGroupsSequence", "OB", b"CANARY"),
    ("SharedFunctionalGroupsSequence", "UT", b"CANARY"), ("BitsStored", "LO", b"16"), ("BitsStored", "LO", b"CANARY"),
    ("Rows", "OB", b"\x14\0"), ("RescaleSlope", "DS", b"2.0\\JANE"), ("PixelRepresentation", "LO", b"1 "),
    ("PixelData", "LO", b"CANARY"), ("PixelData", "OW", b""), ("NumberOfFrames", "DS", b"1e99"),
])
def test_a_hostile_header_is_damage_and_no_fault(tmp_path: Path, keyword: str, kind: str, value: bytes) -> None:
    file = one(tmp_path, lambda dataset: raw(dataset, keyword, kind, value))
    with quiet(), pytest.raises(NotWritten, match="damaged"):
        write_deidentified(file, tmp_path / "out.dcm", rules())
    assert not (tmp_path / "out.dcm").exists()


def test_a_hostile_file_does_not_end_the_export(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path / "in")
    with quiet():
        change(files[2:3], lambda d, _: raw(d, "SharedFunctionalGroupsSequence", "LO", b"CANARY"))
    report = deidentify([tmp_path / "in"], tmp_path / "out", dates=Dates.KEEP, protocol=default_protocol(),
                        secret=tmp_path / "secret")
    assert report.written == 23
    assert report.left_out == (("it is damaged", 1),)


def test_a_header_of_more_elements_than_any_has_is_damage(tmp_path: Path) -> None:
    def put(dataset: FileDataset) -> None:
        for tag in range(0x7FE10010, 0x7FE10010 + MOST_ELEMENTS):
            dataset[tag] = RawDataElement(Tag(tag), "LO", 0, b"", 0, False, True, True)

    file = one(tmp_path, put)
    with pytest.raises(NotWritten, match="damaged"):
        write_deidentified(file, tmp_path / "out.dcm", rules())


def test_what_is_no_uid_becomes_one(tmp_path: Path) -> None:
    def put(dataset: FileDataset) -> None:
        raw(dataset, "SOPInstanceUID", "UI", b"1.2\\CANARY\\JANE ")
        raw(dataset, "FrameOfReferenceUID", "LO", b"CANARY")
        raw(dataset, "SeriesInstanceUID", "UI", b"  ")

    copy = copied(one(tmp_path, put))
    expected = new_uid(KEY, "1.2\\CANARY\\JANE", Dates.KEEP)
    assert copy.SOPInstanceUID == copy.file_meta.MediaStorageSOPInstanceUID == expected
    assert copy.FrameOfReferenceUID == new_uid(KEY, "CANARY", Dates.KEEP)
    assert copy["FrameOfReferenceUID"].VR == "UI"
    assert copy.SeriesInstanceUID == new_uid(KEY, "", Dates.KEEP), "it is made as if there were none"


@pytest.mark.parametrize(("keyword", "kind", "value"), [
    ("SeriesDate", "LO", "20200203"), ("SeriesDate", "DA", "20204711"), ("SeriesDate", "DA", "19501231"),
    ("SeriesTime", "TM", "471147"), ("SeriesTime", "TM", "101"), ("SeriesTime", "TM", "10\\4711"),
    ("AcquisitionDateTime", "DT", "20200203994711"), ("AcquisitionDateTime", "DT", "20200203101500+9999"),
    ("ContentDate", "DA", "20200203\\19501231"), ("StudyTime", "UT", "JANE"),
])
def test_what_is_no_moment_goes(tmp_path: Path, keyword: str, kind: str, value: str) -> None:
    copy = copied(one(tmp_path, lambda d: raw(d, keyword, kind, value.encode() + b" " * (len(value) % 2))))
    assert pydicom.datadict.dictionary_VR(keyword) == copy[keyword].VR
    assert copy[keyword].value == ("20200203" if kind == "LO" else "")


def test_moments_stay_as_they_are(tmp_path: Path) -> None:
    given = {"SeriesDate": "20200229", "SeriesTime": "101559.123", "StudyTime": "10", "AcquisitionTime": "235960",
             "AcquisitionDateTime": "20200203101500.5+0130"}

    def put(dataset: FileDataset) -> None:
        for name, value in given.items():
            setattr(dataset, name, value)

    copy = copied(one(tmp_path, put))
    assert {name: str(copy[name].value) for name in given} == given


def test_a_burned_in_text_is_seen_among_several_values(tmp_path: Path) -> None:
    file = one(tmp_path, lambda dataset: raw(dataset, "BurnedInAnnotation", "CS", b"NO\\YES"))
    with pytest.raises(NotWritten, match="burned"):
        write_deidentified(file, tmp_path / "out.dcm", rules())


def test_a_nested_class_of_object_does_not_stay(tmp_path: Path) -> None:
    old = enhanced(tmp_path)
    change([old], lambda d, _: raw(d.SharedFunctionalGroupsSequence[0], "SOPClassUID", "UI", b"CANARY"))
    write_deidentified(old, tmp_path / "new.dcm", rules())
    assert b"CANARY" not in (tmp_path / "new.dcm").read_bytes()


def test_a_subjects_number_is_one_part_of_a_name(tmp_path: Path) -> None:
    given = rules()
    file = one(tmp_path)
    write_deidentified(file, tmp_path / "out.dcm", type(given)("a^b=c", given.new_uid, given.dates))
    copy = pydicom.dcmread(tmp_path / "out.dcm")
    assert (copy.PatientID, str(copy.PatientName)) == ("a^b=c", "a_b_c")


def test_what_went_and_what_may_not_be_opened_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = write(noise_volume(), tmp_path / "in")

    def put(dataset: FileDataset, index: int) -> None:
        dataset.PatientID = "CANARY-7"
        dataset.ConvolutionKernel = "FC CANARY"
        if index == 3:
            dataset.SoftwareVersions = "CANARY-7"

    change(files, put)
    whole = io.open

    def refuse(file: Any, *rest: Any, **more: Any) -> Any:
        if str(file) == str(files[0]):
            raise PermissionError(13, "Permission denied")
        return whole(file, *rest, **more)

    monkeypatch.setattr(io, "open", refuse)
    monkeypatch.setattr(builtins, "open", refuse)
    report = deidentify([tmp_path / "in"], tmp_path / "out", dates=Dates.KEEP, protocol=default_protocol(),
                        secret=tmp_path / "secret")
    assert report.written == 23
    assert report.left_out == (("it may not be opened", 1),)
    assert report.notes[-1] == (
        "Left out because they hold a part of a name or number: ConvolutionKernel in 23 images, SoftwareVersions in "
        "1 image.")


def test_copies_with_other_dates_have_other_uids() -> None:
    assert len({new_uid(KEY, "2.25.1", dates) for dates in Dates}) == len(Dates)


def test_a_file_that_ends_in_its_header_is_damaged_and_counted(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path / "in")
    for file in files[:3]:
        file.write_bytes(file.read_bytes()[:400])
    report = deidentify([tmp_path / "in"], tmp_path / "out", dates=Dates.KEEP, protocol=default_protocol(),
                        secret=tmp_path / "secret")
    assert (report.written, report.unreadable) == (len(files) - 3, 3)
    assert all("no CT image" not in why for why, _ in report.left_out)
