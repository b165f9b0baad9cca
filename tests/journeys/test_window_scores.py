"""The whole way in the window: a made-up exam on disk, the real worker, the same row as without a window, a CSV."""

# ruff: noqa: F811 - a fixture is imported, and asked for by its name
from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt

from ssc_hrct import dicom, phantom
from ssc_hrct.app.assets import default_protocol, models
from ssc_hrct.app.made_up import MadeUpExam, write_exam
from ssc_hrct.app.score import score_series
from ssc_hrct.core.lungs import Zone
from ssc_hrct.core.rows import score_row
from ssc_hrct.core.subject import read_visit
from ssc_hrct.gui.backend import Backend
from tests.gui.fixtures import nothing_left, open_window  # noqa: F401 - fixtures

LONG_MS = 120_000
OF_THE_MOMENT = {"runtime_s", "scored_at_utc"}


@pytest.fixture(scope="module")
def exam(tmp_path_factory) -> Path:
    """A small made-up chest with disease, as DICOM. Slices are 3.5 mm, so that it is made in seconds."""
    folder = tmp_path_factory.mktemp("exam")
    spec = phantom.ChestSpec(shape=(80, 200, 256), spacing_mm=(3.5, 1.5, 1.5), lung_ml=3400.0, male=False,
                             disease=phantom.PRESETS["nsip"](12.0))
    made = phantom.make_chest(7, spec)
    write_exam(made, folder, MadeUpExam("DEMO-7", "2025-01-15", "window/7"))
    return folder


def test_an_exam_is_scored_in_the_window_as_without_it_and_exported(qtbot, open_window, exam, tmp_path, monkeypatch):
    monkeypatch.setenv("SSC_HRCT_SECRET", str(tmp_path / "secret"))
    window = open_window(Backend())
    session = window.session
    session.open_paths((exam,))
    qtbot.waitUntil(lambda: session.volume is not None and session.loading is None, timeout=LONG_MS)
    panel = window.reading.panel
    panel.subject.clear()
    qtbot.keyClicks(panel.subject, "0007")
    panel.visit.setEditText("Week 48")
    qtbot.mouseClick(panel.score, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: session.scoring is None, timeout=LONG_MS)
    assert session.reads[session.current].problem.text == ""
    qtbot.waitUntil(lambda: session.maps is not None, timeout=LONG_MS)

    found = dicom.find([exam])
    alone = score_series(found.series[0], subject_id="0007", visit=read_visit("week_48"), protocol=default_protocol(),
                         now=lambda: datetime.now(UTC), models=models())
    expected = score_row(alone.score)
    shown = session.answer.result.row
    assert {k: v for k, v in shown.items() if k not in OF_THE_MOMENT} == {
        k: v for k, v in expected.items() if k not in OF_THE_MOMENT}
    assert np.array_equal(session.maps.patterns, alone.patterns.labels.labels)
    assert panel.ild.text() == expected["ild_percent"]
    assert panel.ild_interval.text() == f"({expected['ild_percent_low']} to {expected['ild_percent_high']})"

    zone = max(Zone, key=lambda z: float(expected[f"{z.word}_ild_percent"]))
    qtbot.mouseClick(panel.zones, Qt.MouseButton.LeftButton, pos=panel.zones.row_rect(zone).center().toPoint())
    in_zone = alone.lungs.zones == zone
    per_slice = (in_zone & np.isin(alone.patterns.labels.labels, default_protocol().ild_patterns)).sum(axis=(1, 2))
    assert per_slice[session.z] == per_slice.max() > 0

    window.hands.ask_folder = lambda title: str(tmp_path)
    qtbot.mouseClick(panel.export, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not session.exporting, timeout=LONG_MS)
    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["subject_id"] for row in rows] == ["0007"]
    assert rows[0]["ild_percent"] == expected["ild_percent"]
    assert window.line.text() == "1 row written to scores.csv."
