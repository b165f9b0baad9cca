"""An exam and what was made of it, to another program's archive (Orthanc) and back: nothing is lost on the way."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import FileDataset
from pydicom.uid import ComprehensiveSRStorage, CTImageStorage, SegmentationStorage

from tests.certificates import self_signed
from tests.orthanc import LOOPBACK, Orthanc, OrthancTls, needs_orthanc, orthanc
from tests.same_score import differing
from tests.terminal import Home, rows_of, segment_voxels, write_small_chest

pytestmark = needs_orthanc

@dataclass(frozen=True, slots=True)
class Exam:
    """chest: the images. objects: what `score` wrote beside its table. row: the table's."""

    chest: Path
    objects: Path
    row: dict[str, str]

    @property
    def files(self) -> list[Path]:
        return [*self.chest.iterdir(), *self.objects.iterdir()]


@dataclass(frozen=True, slots=True)
class Keys:
    """What both sides show and trust, and how our commands are told of it."""

    theirs: OrthancTls
    ours: tuple[object, ...]


@pytest.fixture(scope="module")
def exam(tmp_path_factory: pytest.TempPathFactory) -> Exam:
    """A small chest, its segmentations and its report, made by the real command."""
    home = Home(tmp_path_factory.mktemp("exam") / "home")
    home.folder.mkdir()
    write_small_chest(home.folder / "chest", names="archive/a", ild_percent=12.0, scan_date="2025-01-15")
    done = home.run("score", "chest", "--out", "out", "--format", "seg", "--format", "sr")
    assert done.returncode == 0, done.stderr
    (row,) = rows_of(home.folder / "out" / "scores.csv")
    return Exam(home.folder / "chest", home.folder / "out" / "objects", row)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    folder = tmp_path_factory.mktemp("keys")
    (own, key), (their_own, their_key) = self_signed(folder, "us"), self_signed(folder, "archive")
    ours = ("--tls", "--trusted", their_own, "--certificate", own, "--key", key)
    return Keys(OrthancTls(their_own, their_key, trusted=own), ours)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "home").mkdir()
    return Home(tmp_path / "home")


def by_uid(files: list[Path]) -> dict[str, FileDataset]:
    return {str(dataset.SOPInstanceUID): dataset for dataset in map(pydicom.dcmread, files)}


def the_same(sent: dict[str, FileDataset], got: dict[str, FileDataset]) -> None:
    """Every element of every object, pixels byte by byte, in the same transfer syntax."""
    assert got.keys() == sent.keys()
    for uid, dataset in sent.items():
        assert got[uid] == dataset
        assert got[uid].get("PixelData") == dataset.get("PixelData")
        assert got[uid].file_meta.TransferSyntaxUID == dataset.file_meta.TransferSyntaxUID


def send(home: Home, files: list[Path], archive: Orthanc, *more: object) -> None:
    sent = home.run("send", *files, "--host", LOOPBACK, "--port", archive.dicom_port, *more)
    assert sent.returncode == 0, sent.stderr
    assert f"Objects sent: {len(files)}." in sent.stdout


def fetch(home: Home, count: int, archive: Orthanc, *more: object) -> list[Path]:
    """The archive's one study of so many objects, sent to us by the archive."""
    (study,) = archive.ask("/studies")
    with home.receiving("--out", "got", "--count", count, *more) as (receiver, port):
        told = archive.store(study, port, "SSC_HRCT")
        out, err = receiver.communicate(timeout=60)
    assert (told["InstancesCount"], told["FailedInstancesCount"]) == (count, 0)
    assert receiver.returncode == 0, err
    assert f"Objects received: {count}, into 'got'. Refused: 0." in out
    return sorted((home.folder / "got").iterdir())


def test_an_archive_files_the_scan_and_our_objects_in_one_study_and_gives_them_back(
    home: Home, exam: Exam, tmp_path: Path
) -> None:
    sent = by_uid(exam.files)
    with orthanc(tmp_path) as archive:
        send(home, exam.files, archive)
        (study,) = archive.ask("/studies?expand")
        assert study["MainDicomTags"]["StudyInstanceUID"] == exam.row["study_instance_uid"]
        assert study["PatientMainDicomTags"]["PatientID"] == "SMALL"
        kinds = Counter(archive.ask(f"/series/{one}")["MainDicomTags"]["Modality"] for one in study["Series"])
        assert kinds == {"CT": 1, "SEG": 3, "SR": 1}
        held = archive.instances()
        got = fetch(home, len(sent), archive)
    assert Counter(one.SOPClassUID for one in held.values()) == {
        CTImageStorage: len(list(exam.chest.iterdir())), SegmentationStorage: 3, ComprehensiveSRStorage: 1}
    the_same(sent, held)
    the_same(sent, by_uid(got))
    scored_again(home, exam, got)


def scored_again(home: Home, exam: Exam, got: list[Path]) -> None:
    """What came back gives the same row, and its segmentations hold the voxels that the row tells of."""
    done = home.run("score", "got", "--out", "again", "--format", "seg")
    assert done.returncode == 0, done.stderr
    (row,) = rows_of(home.folder / "again" / "scores.csv")
    assert differing(exam.row, row) == []
    came = [file for file in got if pydicom.dcmread(file).Modality == "SEG"]
    made = list((home.folder / "again" / "objects").iterdir())
    assert sorted(pixels(file) for file in came) == sorted(pixels(file) for file in made)
    voxels = {label: count for file in came for label, count in segment_voxels(file).items()}
    lung = voxels["Right lung"] + voxels["Left lung"]
    ild = sum(voxels[label] for label in ("Ground glass", "Reticulation", "Honeycombing"))
    assert abs(100 * ild / lung - float(row["ild_percent"])) <= 0.01


def pixels(file: Path) -> tuple[bytes, list[str]]:
    """The voxels of a segmentation, and which image each frame lies on."""
    seg = pydicom.dcmread(file)
    return seg.PixelData, [
        str(frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID)
        for frame in seg.PerFrameFunctionalGroupsSequence]


def test_it_goes_both_ways_by_tls_where_both_sides_know_each_other(
    home: Home, exam: Exam, keys: Keys, tmp_path: Path
) -> None:
    files = [*exam.objects.iterdir(), *list(exam.chest.iterdir())[:10]]
    sent = by_uid(files)
    with orthanc(tmp_path, keys.theirs) as archive:
        send(home, files, archive, *keys.ours)
        the_same(sent, archive.instances())
        the_same(sent, by_uid(fetch(home, len(files), archive, *keys.ours)))


def test_by_tls_nobody_speaks_to_a_stranger(home: Home, exam: Exam, keys: Keys, tmp_path: Path) -> None:
    own, key = self_signed(tmp_path, "stranger")
    report = next(exam.objects.glob("*_report.dcm"))
    trusted = ("--trusted", keys.theirs.own)
    with orthanc(tmp_path, keys.theirs) as archive:
        for told in (
            (),  # not by TLS
            ("--tls", *trusted),  # nothing to show
            ("--tls", *trusted, "--certificate", own, "--key", key),  # what the archive does not know
            ("--tls", "--trusted", own, *keys.ours[3:]),  # the archive shows what we do not know
        ):
            done = home.run("send", report, "--host", LOOPBACK, "--port", archive.dicom_port, *told)
            assert done.returncode == 3, told
            assert "Objects sent" not in done.stdout
        assert archive.ask("/instances") == []
