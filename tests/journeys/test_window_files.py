"""The window while much is still coming, and what a score writes for other programs."""

# ruff: noqa: F811 - a fixture is imported, and asked for by its name
from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox

from ssc_hrct.core.volume import PADDING_HU
from ssc_hrct.gui.backend import Backend
from tests.dicom.making import change
from tests.gui.fixtures import nothing_left, open_window  # noqa: F401 - fixtures
from tests.gui.made_up import FakeBackend, usual_listing
from tests.terminal import write_small_chest

LONG_MS = 120000


def open_gated(qtbot, open_window, **more):
    """A window whose list is held at a gate, with what has arrived so far."""
    gate = threading.Event()
    backend = FakeBackend(gates={"list": gate}, arriving=usual_listing(), **more)
    window = open_window(backend)
    window.session.open_paths((Path("/made/up"),))
    qtbot.waitUntil(lambda: window.session.arriving is not None, timeout=5000)
    return window, gate


def test_the_list_fills_while_the_folder_is_looked_through(qtbot, open_window):
    window, gate = open_gated(qtbot, open_window)
    rows = window.reading.series.list
    assert window.pages.currentWidget() is window.reading
    titles = [rows.item(i).data(257 + 1) for i in range(rows.count())]
    assert "1.25 mm, BONEPLUS" in titles
    assert not any(rows.item(i).flags() & Qt.ItemFlag.ItemIsSelectable for i in range(rows.count()))
    assert window.opening_cancel.isVisible()
    assert window.session.listing is None
    gate.set()
    qtbot.waitUntil(lambda: window.session.volume is not None, timeout=5000)
    assert window.session.arriving is None
    assert rows.currentItem().data(256) == "0.0"


def test_stopping_before_the_first_list_goes_back_to_the_first_page(qtbot, open_window):
    window, _ = open_gated(qtbot, open_window)
    qtbot.mouseClick(window.opening_cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.opening is None, timeout=5000)
    assert window.pages.currentWidget() is window.welcome
    assert window.welcome.line.text() == "Opening was stopped."


def test_stopping_a_second_folder_keeps_the_first(qtbot, open_window):
    backend = FakeBackend()
    window = open_window(backend)
    window.session.open_paths((Path("/made/up"),))
    qtbot.waitUntil(lambda: window.session.volume is not None, timeout=5000)
    backend.gates["list"], backend.arriving = threading.Event(), usual_listing()
    window.session.open_paths((Path("/made/up/again"),))
    qtbot.waitUntil(lambda: window.session.arriving is not None, timeout=5000)
    window.session.cancel_opening()
    qtbot.waitUntil(lambda: window.session.opening is None, timeout=5000)
    assert window.session.volume is not None
    assert window.reading.series.list.currentItem().data(256) == "0.0"
    assert window.line.text() == "Opening was stopped."


def test_the_middle_slice_is_on_the_screen_while_the_others_come(qtbot, open_window):
    gate = threading.Event()
    window = open_window(FakeBackend(gates={"load 0.0": gate}, begin=True))
    window.session.open_paths((Path("/made/up"),))
    qtbot.waitUntil(lambda: window.session.volume is not None, timeout=5000)
    session, page = window.session, window.reading
    assert page.axial.image is not None
    assert session.why_no_score() == "The slices are being read."
    assert not page.panel.score.isEnabled()
    qtbot.waitUntil(lambda: page.axial.marks()["lower_left_2"].startswith("Waiting at load"), timeout=5000)
    session.set_z(3)
    page.axial.set_zoom(3.0)
    gate.set()
    qtbot.waitUntil(lambda: session.loading is None, timeout=5000)
    assert session.z == 3
    assert page.axial.zoom == 3.0
    assert page.axial.marks()["lower_left_2"] == ""
    assert page.panel.score.isEnabled()


def test_another_folder_begins_with_an_empty_list_of_its_own(qtbot, open_window):
    window, _ = open_gated(qtbot, open_window)
    window.session.backend.arriving = None
    window.session.open_paths((Path("/made/up/again"),))
    assert window.session.arriving is None


@pytest.fixture(scope="module")
def chest(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("window-files") / "chest"
    write_small_chest(folder, names="window-files/a", ild_percent=12.0, scan_date="2025-01-15")
    return folder


def opened(qtbot, open_window, folder: Path, tmp_path, monkeypatch):
    monkeypatch.setenv("SSC_HRCT_SECRET", str(tmp_path / "secret"))
    window = open_window(Backend())
    window.session.open_paths((folder,))
    qtbot.waitUntil(lambda: window.session.volume is not None and window.session.loading is None, timeout=LONG_MS)
    window.session.set_visit("Week 48")
    return window


def score(qtbot, window) -> None:
    window.session.score()
    qtbot.waitUntil(lambda: window.session.scoring is None and window.session.answer is not None, timeout=LONG_MS)


def test_a_score_writes_the_chosen_files(qtbot, open_window, chest, tmp_path, monkeypatch):
    window = opened(qtbot, open_window, chest, tmp_path, monkeypatch)
    qtbot.mouseClick(window.reading.panel.files, Qt.MouseButton.LeftButton)
    boxes = {box.text(): box for box in window.sheet.findChildren(QCheckBox)}
    assert not any(box.isEnabled() for box in boxes.values())
    window.hands.ask_folder = lambda title: str(tmp_path / "out")
    window.hands.choose_files_folder()
    for title in ("Segmentations", "Page"):
        boxes[title].click()
    assert window.session.wanted.formats == ("seg", "page")
    window.close_sheet()
    score(qtbot, window)
    files = sorted(f.name.split("_")[-1] for f in (tmp_path / "out" / "objects").iterdir())
    assert files == ["anatomy.dcm", "page.dcm", "patterns.dcm", "pdf.dcm", "vessels.dcm"]
    assert window.line.text() == f"5 files for other programs written to '{tmp_path / 'out'}'."
    row = window.session.answer.result.row
    for file in (tmp_path / "out" / "objects").iterdir():
        assert pydicom.dcmread(file).StudyInstanceUID == row["study_instance_uid"]
    seg = pydicom.dcmread(next((tmp_path / "out" / "objects").glob("*_patterns.dcm")))
    assert seg.pixel_array.any()


def test_what_the_files_lack_is_told_before_the_score(qtbot, open_window, chest, tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in chest.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    change(sorted(copy.iterdir()), lambda dataset, _: delattr(dataset, "FrameOfReferenceUID"))
    window = opened(qtbot, open_window, copy, tmp_path, monkeypatch)
    window.session.want_folder(tmp_path / "out")
    window.session.want_format("seg", True)
    assert "no Frame of Reference UID: SEG cannot point at them" in window.line.text()


def test_lungs_of_another_program_are_used(qtbot, open_window, chest, tmp_path, monkeypatch):
    window = opened(qtbot, open_window, chest, tmp_path, monkeypatch)
    volume = window.session.volume
    body = (volume.hu < -300) & (volume.hu != PADDING_HU)
    body[:, :20] = body[:, -20:] = False
    body[:, :, :20] = body[:, :, -20:] = False
    image = SimpleITK.GetImageFromArray(body.astype(np.uint8))
    image.SetSpacing(volume.grid.spacing_mm[::-1])
    image.SetOrigin(volume.grid.origin_mm)
    SimpleITK.WriteImage(image, str(tmp_path / "lungs.nrrd"))
    window.hands.ask_file = lambda title, kinds: str(tmp_path / "lungs.nrrd")
    window.actions_by_id["score.lungs"].trigger()
    assert window.session.read.lungs == tmp_path / "lungs.nrrd"
    score(qtbot, window)
    codes = {f.code for f in window.session.answer.result.findings}
    assert codes & {"LUNGS_GIVEN", "MASK_REFUSED"}
    window.actions_by_id["score.own"].trigger()
    assert window.session.read.lungs is None


def test_a_mask_that_is_none_is_told_in_a_line(qtbot, open_window, chest, tmp_path, monkeypatch):
    window = opened(qtbot, open_window, chest, tmp_path, monkeypatch)
    (tmp_path / "no.nrrd").write_text("this is no label map")
    window.session.use_lungs(tmp_path / "no.nrrd")
    window.session.score()
    qtbot.waitUntil(lambda: window.session.scoring is None, timeout=LONG_MS)
    assert window.session.answer is None
    assert "is no NRRD file" in window.session.read.problem.text
