"""One pass over anything: what is found, what is counted, and that no file stops it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydicom.dataset import FileDataset

from ssc_hrct import dicom
from ssc_hrct.core.errors import Cancelled, HrctError, WrongUsage
from tests.dicom.making import change, found, noise_volume, only, uids, write


def test_files_without_extension_in_deep_folders_are_found(tmp_path: Path) -> None:
    write(noise_volume(), tmp_path / "a" / "b" / "c")
    result = dicom.find([tmp_path])
    assert (result.files, result.not_dicom, result.damaged, result.other) == (24, 0, (), 0)
    assert result.series[0].acquisition.slices == 24


def test_other_files_are_counted_and_left_alone(tmp_path: Path) -> None:
    write(noise_volume(), tmp_path)
    (tmp_path / "notes.txt").write_text("no scan")
    (tmp_path / "empty").touch()
    (tmp_path / "zeros").write_bytes(bytes(5000))
    result = dicom.find([tmp_path])
    assert (result.files, result.not_dicom, len(result.series)) == (27, 3, 1)


def test_a_missing_path_is_said(tmp_path: Path) -> None:
    with pytest.raises(HrctError) as raised:
        dicom.find([tmp_path / "nowhere"])
    assert raised.value.code == "NO_SUCH_PATH"


def test_a_path_that_the_system_refuses_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage):
        dicom.find([tmp_path / ("x" * 300)])


def test_nothing_is_found_in_an_empty_folder(tmp_path: Path) -> None:
    assert dicom.find([tmp_path]) == dicom.Found((), 0, 0, ())


def test_a_link_back_to_its_folder_is_not_followed_round_and_round(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path / "scan")
    (tmp_path / "scan" / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "scan" / "same").symlink_to(files[0])
    (tmp_path / "scan" / "gone").symlink_to(tmp_path / "nowhere")
    assert dicom.find([tmp_path]).files == 24


def test_a_file_named_twice_is_looked_at_once(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path)
    result = dicom.find([files[0], tmp_path, files[0], tmp_path / "."])
    assert result.files == 24
    assert result.series[0].acquisition.extra_copies == 0


@pytest.mark.parametrize("keep_meta", [True, False], ids=["without preamble", "without preamble and file meta"])
def test_files_without_preamble_are_read(tmp_path: Path, keep_meta: bool) -> None:
    volume = noise_volume()
    for file in write(volume, tmp_path):
        data = file.read_bytes()
        length = int.from_bytes(data[140:144], "little")  # group length of the file meta, in its first element
        file.write_bytes(data[132:] if keep_meta else data[144 + length :])
    series = only(tmp_path)
    assert (dicom.load(series).hu == volume.hu).all()


def test_a_header_longer_than_the_first_read_is_read_on(tmp_path: Path) -> None:
    def fill(dataset: FileDataset, index: int) -> None:
        dataset.add_new(0x00091001, "LO", "SSC")
        block = dataset.private_block(0x0019, "SSC", create=True)
        block.add_new(1, "OB", bytes(50_000))

    change(write(noise_volume(), tmp_path)[:3], fill)
    assert only(tmp_path).acquisition.slices == 24


def test_a_cut_off_file_is_damaged_and_its_slice_absent(tmp_path: Path) -> None:
    volume = noise_volume()
    files = write(volume, tmp_path)
    files[5].write_bytes(files[5].read_bytes()[:-100])
    result = dicom.find([tmp_path])
    facts = result.series[0].acquisition
    assert result.damaged == (files[5],)
    assert (facts.unreadable, facts.slices, facts.holes, len(facts.missing_mm)) == (1, 23, 1, 1)
    loaded = dicom.load(result.series[0])
    assert loaded.hu.shape == volume.hu.shape
    assert loaded.source.sop_instance_uids[5] == ""


def test_a_file_cut_off_in_its_header_is_damaged(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path)
    files[5].write_bytes(files[5].read_bytes()[:700])
    result = dicom.find([tmp_path])
    assert result.damaged == (files[5],)
    assert result.series[0].acquisition.holes == 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture],
          phases=[Phase.explicit, Phase.generate])
@given(cut=st.integers(0, 2600), at=st.integers(0, 2500), rubbish=st.binary(max_size=40), whole=st.booleans())
def test_no_broken_file_stops_the_pass(
    tmp_path_factory: pytest.TempPathFactory, cut: int, at: int, rubbish: bytes, whole: bool
) -> None:
    folder = tmp_path_factory.getbasetemp() / "broken"
    if not folder.exists():
        write(noise_volume(shape=(1, 20, 28)), folder)
    data = bytearray((folder / "IM0001").read_bytes())
    data[at : at + len(rubbish)] = rubbish
    if not whole:
        data = data[:cut]
    file = folder.parent / "one-broken-file"
    file.write_bytes(data)
    result = dicom.find([file])
    assert result.files == 1
    for series in result.series:
        assert load_or_code(series) in {"loaded", "UNREADABLE", "BAD_GEOMETRY", "NOT_CT", "LOCALIZER"}


def load_or_code(series: dicom.Series) -> str:
    try:
        dicom.load(series)
    except HrctError as told:
        return told.code
    return "loaded"


def forget(*names: str) -> Callable[[FileDataset, int], None]:
    def how(dataset: FileDataset, index: int) -> None:
        for name in names:
            setattr(dataset, name, "")

    return how


def test_two_patients_without_uids_are_never_merged(tmp_path: Path) -> None:
    for place, patient in (("1", "ONE"), ("2", "TWO"), ("3", "")):
        files = write(noise_volume(), tmp_path / place, patient_id=patient or "X", new_uid=uids(f"2.25.4{place}"))
        change(files, forget("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"))
        if not patient:
            change(files, forget("PatientID", "PatientName"))
    texts = {s.acquisition.study_instance_uid for s in found(tmp_path)}
    assert len(found(tmp_path)) == 3
    assert len(texts) == 3
    assert all(text.startswith("no-study-uid-") for text in texts)


def test_texts_in_place_of_uids_do_not_depend_on_names_of_files(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path / "a")
    change(files, forget("StudyInstanceUID", "SeriesInstanceUID"))
    before = only(tmp_path).acquisition
    (tmp_path / "a").rename(tmp_path / "elsewhere")
    after = only(tmp_path).acquisition
    assert (before.study_instance_uid, before.series_instance_uid) == (
        after.study_instance_uid, after.series_instance_uid
    )


def test_one_study_uid_on_two_patients_is_two_exams(tmp_path: Path) -> None:
    write(noise_volume(1), tmp_path / "a", patient_id="ONE")
    write(noise_volume(2), tmp_path / "b", patient_id="TWO", new_uid=uids("2.25.5"))
    assert [s.acquisition.slices for s in found(tmp_path)] == [24, 24]
    assert len(dicom.choose(found(tmp_path), lambda facts: ())) == 2


def test_images_that_do_not_name_the_patient_join_the_exam(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path)
    change(files[3:5], forget("PatientID"))
    assert only(tmp_path).acquisition.slices == 24


def test_finding_the_files_of_a_series_gives_the_series_again(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path)
    change(files, forget("SeriesInstanceUID"))
    shutil.copy(files[2], tmp_path / "copy")
    files[9].write_bytes(files[9].read_bytes()[:-3])
    series = only(tmp_path)
    again = dicom.find(series.files).series
    assert again == (series,)


def test_identity_is_told_and_never_shown(tmp_path: Path) -> None:
    def person(dataset: FileDataset, index: int) -> None:
        dataset.PatientID, dataset.PatientName = "SECRET-7", "SECRET^NAME"
        dataset.PatientBirthDate, dataset.PatientSex, dataset.PatientIdentityRemoved = "19610203", "F", "NO"
        dataset.SeriesDescription = "SECRET DESCRIPTION"

    change(write(noise_volume(), tmp_path), person)
    series = only(tmp_path)
    identity = series.identity
    assert (identity.patient_id, identity.birth_date, identity.sex) == ("SECRET-7", "19610203", "F")
    assert not identity.removed
    assert "SECRET" not in repr(series).replace(str(tmp_path), "")
    assert "SECRET" not in repr(series.slices)


def test_a_person_can_stop_the_pass(tmp_path: Path) -> None:
    class Stop:
        def step(self, text: str, done: int = 0, total: int = 0) -> None:
            raise Cancelled

    write(noise_volume(), tmp_path)
    series = only(tmp_path)
    with pytest.raises(Cancelled):
        dicom.find([tmp_path], progress=Stop())
    with pytest.raises(Cancelled):
        dicom.load(series, progress=Stop())


def test_what_pydicom_was_told_before_is_left_as_it_was(tmp_path: Path) -> None:
    write(noise_volume(), tmp_path)
    before = pydicom.config.settings.reading_validation_mode
    only(tmp_path)
    assert pydicom.config.settings.reading_validation_mode == before


def test_files_and_folders_that_may_not_be_opened_are_told_apart_from_damaged_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = write(noise_volume(), tmp_path / "in")
    (tmp_path / "in" / "locked").mkdir()
    really_open, really_scan = Path.open, os.scandir

    def opened(self: Path, *given: object, **named: object) -> object:
        if self == files[3] or self.is_dir():
            raise PermissionError(13, "Permission denied")
        return really_open(self, *given, **named)  # type: ignore[call-overload]

    def scanned(folder: Path) -> object:
        if Path(folder).name == "locked":
            raise PermissionError(13, "Permission denied")
        return really_scan(folder)

    monkeypatch.setattr(Path, "open", opened)
    monkeypatch.setattr(os, "scandir", scanned)
    found = dicom.find([tmp_path])
    assert set(found.locked) == {files[3], tmp_path / "in" / "locked"}
    assert found.damaged == ()
    assert found.series[0].acquisition.slices == len(files) - 1
