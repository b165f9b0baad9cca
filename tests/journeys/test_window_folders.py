"""The window on real files: awkward folders end in one plain line, a real series is listed and shown."""

# ruff: noqa: F811 - a fixture is imported, and asked for by its name
from __future__ import annotations

from pathlib import Path

import pytest

from ssc_hrct.core.volume import PADDING_HU
from ssc_hrct.gui.backend import Backend
from tests.gui.fixtures import nothing_left, open_window  # noqa: F401 - fixtures

LONG_MS = 60000


class NoWorker(Backend):
    """The real use cases; nothing is scored here, so no process is started."""

    def worker(self, on_event):
        from tests.gui.made_up import FakeBackend

        return FakeBackend().worker(on_event)


@pytest.fixture
def real_window(qtbot, open_window, tmp_path, monkeypatch):
    monkeypatch.setenv("SSC_HRCT_SECRET", str(tmp_path / "secret"))
    return open_window(NoWorker())


def open_folder(qtbot, window, *paths: Path):
    window.session.open_paths(paths)
    qtbot.waitUntil(lambda: window.session.opening is None and window.session.loading is None, timeout=LONG_MS)


def test_an_empty_folder(qtbot, real_window, tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    open_folder(qtbot, real_window, folder)
    assert real_window.welcome.line.text().startswith("There are no files in there.")


def test_a_folder_that_is_gone(qtbot, real_window, tmp_path):
    open_folder(qtbot, real_window, tmp_path / "gone")
    assert real_window.welcome.line.text().startswith("There is no '")
    assert real_window.welcome.open.isEnabled()


def test_a_folder_with_only_a_localizer(qtbot, real_window, shared_data):
    open_folder(qtbot, real_window, shared_data / "robust" / "localizer")
    panel = real_window.reading.panel
    assert not panel.score.isEnabled()
    why = [item.data(257 + 3) for item in real_window.reading.series.items()]
    assert why
    assert all("Cannot be scored" in text for text in why)


def test_an_mr_image_says_that_it_is_not_ct(qtbot, real_window, shared_data):
    open_folder(qtbot, real_window, shared_data / "robust" / "mr")
    titles = [item.data(257 + 1) for item in real_window.reading.series.items()]
    assert "MR image, not CT" in titles
    assert not real_window.reading.panel.score.isEnabled()


def test_damaged_files_are_counted_in_a_line(qtbot, real_window, shared_data):
    open_folder(qtbot, real_window, shared_data / "robust" / "broken")
    line = real_window.line.text() or real_window.welcome.line.text()
    assert line


def test_a_real_scan_is_listed_and_shown_with_its_place_in_the_patient(qtbot, real_window, shared_data):
    open_folder(qtbot, real_window, shared_data / "ct" / "4dlung-113")
    session, page = real_window.session, real_window.reading
    assert session.volume.grid.shape == (99, 512, 512)
    assert [item.data(257 + 1) for item in page.series.items()] == ["3 mm, kernel unknown"]
    session.set_z(0)
    assert page.axial.marks()["lower_left"] == "1/99   -1132.0 mm"
    assert page.panel.score.isEnabled()
    dark = session.volume.hu[0] == PADDING_HU
    assert (page.axial._buffer[dark] == 0xFF000000).all()
