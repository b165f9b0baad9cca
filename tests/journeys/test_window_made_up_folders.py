"""The window on made-up files: twins of tests/journeys/test_window_folders.py where that needs the real ones."""

# ruff: noqa: F811 - fixtures are imported, and asked for by their names
from __future__ import annotations

import pytest

from tests.dicom.making import change
from tests.gui.fixtures import nothing_left, open_window  # noqa: F401 - fixtures
from tests.journeys.test_window_folders import open_folder, real_window  # noqa: F401 - a fixture
from tests.terminal import write_block

MR = "1.2.840.10008.5.1.4.1.1.4"


@pytest.fixture
def block(tmp_path):
    """24 slices of soft tissue, 1 mm apart from z = -100 mm on."""
    write_block(tmp_path / "exam", names="block", slices=24)
    return tmp_path / "exam"


def files(folder):
    return sorted(p for p in folder.rglob("*") if p.is_file())


def test_a_folder_with_only_a_localizer(qtbot, real_window, block):
    change(files(block), lambda ds, index: setattr(ds, "ImageType", ["ORIGINAL", "PRIMARY", "LOCALIZER"]))
    open_folder(qtbot, real_window, block)
    assert not real_window.reading.panel.score.isEnabled()
    (why,) = [item.data(257 + 3) for item in real_window.reading.series.items()]
    assert "Cannot be scored" in why


def test_an_mr_image_says_that_it_is_not_ct(qtbot, real_window, block):
    def bend(dataset, index):
        dataset.Modality, dataset.SOPClassUID, dataset.file_meta.MediaStorageSOPClassUID = "MR", MR, MR

    change(files(block), bend)
    open_folder(qtbot, real_window, block)
    assert [item.data(257 + 1) for item in real_window.reading.series.items()] == ["MR image, not CT"]
    assert not real_window.reading.panel.score.isEnabled()


def test_damaged_files_are_counted_in_a_line(qtbot, real_window, block):
    for file in files(block)[:3]:
        file.write_bytes(file.read_bytes()[:4000])
    open_folder(qtbot, real_window, block)
    assert real_window.line.text() == "3 files could not be read and were left out."


def test_a_scan_is_listed_and_shown_with_its_place_in_the_patient(qtbot, real_window, block):
    open_folder(qtbot, real_window, block)
    session, page = real_window.session, real_window.reading
    assert session.volume.grid.shape == (24, 64, 64)
    assert [item.data(257 + 1) for item in page.series.items()] == ["1 mm, BONEPLUS"]
    session.set_z(0)
    assert page.axial.marks()["lower_left"] == "1/24   -100.0 mm"
    assert page.panel.score.isEnabled()
