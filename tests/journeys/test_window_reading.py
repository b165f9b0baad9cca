"""A person opens, reads, scores, exports: the real window on made-up use cases, worker process included."""

# ruff: noqa: F811 - a fixture is imported, and asked for by its name
from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from ssc_hrct.app.opening import Listing
from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.lungs import Zone
from tests.gui import serving
from tests.gui.fixtures import nothing_left, open_window, reading, scored  # noqa: F401 - fixtures
from tests.gui.made_up import FakeBackend

LONG_MS = 20000
FOLDER = Path("/made/up")


def texts(widget):
    """All that can be read on the visible labels."""
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def drop(window, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    args = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    enter = QDragEnterEvent(window.rect().center(), *args)
    QApplication.sendEvent(window, enter)
    event = QDropEvent(QPointF(window.rect().center()), *args)
    QApplication.sendEvent(window, event)
    return enter.isAccepted()


def start_scoring(qtbot, window):
    qtbot.mouseClick(window.reading.panel.score, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.scoring is not None and window.session.scoring.doing.total > 0,
                    timeout=LONG_MS)


# --- opening --------------------------------------------------------------------------------------


def test_an_empty_window_offers_a_folder_and_the_demonstration(open_window):
    window = open_window(FakeBackend())
    assert window.welcome.open.text() == "Open a folder…"
    assert window.welcome.demonstration.text() == "Open the demonstration"
    assert "Research use" in texts(window)


def test_a_folder_is_opened_by_its_button(qtbot, open_window):
    window = open_window(FakeBackend())
    window.hands.ask_folder = lambda title: str(FOLDER)
    qtbot.mouseClick(window.welcome.open, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.volume is not None)
    assert window.pages.currentWidget() is window.reading
    assert window.session.backend.opened == [(FOLDER,)]


def test_opening_a_folder_warms_the_scoring_process(qtbot, open_window):
    window = open_window(FakeBackend(warm=True))
    window.session.open_paths((FOLDER,))
    qtbot.waitUntil(lambda: window.session.worker is not None)
    assert window.session.worker.pid


def test_a_dialog_that_was_closed_opens_nothing(qtbot, open_window):
    window = open_window(FakeBackend())
    window.hands.ask_folder = lambda title: ""
    qtbot.keyClick(window, "o", Qt.KeyboardModifier.ControlModifier)
    assert window.session.backend.opened == []


def test_a_folder_is_opened_by_dropping_it(qtbot, open_window):
    window = open_window(FakeBackend())
    assert drop(window, FOLDER)
    qtbot.waitUntil(lambda: window.session.volume is not None)
    assert window.session.backend.opened == [(FOLDER,)]


def test_text_that_is_dropped_is_not_taken(open_window):
    window = open_window(FakeBackend())
    data = QMimeData()
    data.setText("not a file")
    enter = QDragEnterEvent(window.rect().center(), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                            Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(window, enter)
    assert window.session.backend.opened == []


def test_the_demonstration_names_its_own_visits(qtbot, open_window):
    window = open_window(FakeBackend())
    qtbot.mouseClick(window.welcome.demonstration, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.volume is not None)
    assert window.reading.panel.visit.currentText() == "Baseline"


def test_opening_shows_progress_in_place_and_can_be_stopped(qtbot, open_window):
    window = open_window(FakeBackend(gates={"list": threading.Event()}))
    window.session.open_paths((FOLDER,))
    qtbot.waitUntil(lambda: "Waiting at list" in window.welcome.line.text())
    assert window.welcome.progress.maximum() == 2
    qtbot.mouseClick(window.welcome.cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.opening is None)
    assert window.welcome.line.text() == "Opening was stopped."
    assert window.welcome.open.isEnabled()


def test_a_folder_without_files_says_so_and_offers_another(qtbot, open_window):
    window = open_window(FakeBackend(listing=Listing((), 0, 0, 0)))
    window.session.open_paths((FOLDER,))
    qtbot.waitUntil(lambda: "no files" in window.welcome.line.text())
    assert window.pages.currentWidget() is window.welcome
    assert window.welcome.open.isEnabled()


def test_a_folder_without_dicom_says_how_many_files_were_looked_at(qtbot, open_window):
    window = open_window(FakeBackend(listing=Listing((), 12, 12, 0)))
    window.session.open_paths((FOLDER,))
    qtbot.waitUntil(lambda: window.welcome.line.text().startswith("No DICOM image was found among 12 files."))


def test_a_path_that_is_not_there_is_a_plain_line(qtbot, open_window):
    problem = HrctError("NO_SUCH_PATH", "There is no such folder.", "Check the path.")
    window = open_window(FakeBackend(listing=problem))
    window.session.open_paths((FOLDER,))
    qtbot.waitUntil(lambda: window.welcome.line.text() == "There is no such folder. Check the path.")


def test_a_folder_that_fails_leaves_the_open_exam_alone(qtbot, reading):
    reading.session.backend.listing = Listing((), 0, 0, 0)
    reading.session.open_paths((FOLDER,))
    qtbot.waitUntil(lambda: "no files" in reading.line.text())
    assert reading.session.volume is not None


def test_only_a_localizer_says_why_it_cannot_be_scored(qtbot, open_window):
    from tests.gui.made_up import usual_listing

    every = usual_listing()
    window = open_window(FakeBackend(listing=Listing((every.exams[1],), 1, 0, 0)))
    window.session.open_paths((FOLDER,))
    qtbot.waitUntil(lambda: window.session.volume is not None)
    assert not window.reading.panel.score.isEnabled()
    qtbot.waitUntil(lambda: "This is a localizer (scout)." in texts(window.reading.panel))
    assert "Choose the axial series" in texts(window.reading.panel)


# --- the list -------------------------------------------------------------------------------------


def test_series_are_listed_exam_by_exam_with_why_not(reading):
    rows = reading.reading.series
    items = rows.items()
    assert [item.text() or item.data(257 + 1) for item in items] == [
        "1.25 mm, BONEPLUS", "5 mm, STANDARD", "Localizer (scout)", "Localizer (scout)"]
    assert items[1].data(257 + 3) == "A thinner series is there."
    assert items[2].data(257 + 3).startswith("Cannot be scored: This is a localizer")
    heads = [rows.list.item(i).data(257) for i in range(rows.list.count())]
    assert [h for h in heads if h] == ["Exam 1 · 2024-03-02", "Exam 2 · 2025-02-01"]


def test_arrow_keys_move_through_the_list_and_letters_stay_keys_of_the_window(qtbot, reading):
    rows = reading.reading.series.list
    rows.setFocus()
    z = reading.session.z
    qtbot.keyClick(rows, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: reading.session.current == "0.1" and reading.session.volume is not None)
    assert reading.session.z == z
    qtbot.keyClick(rows, "2")
    assert reading.session.is_mediastinum_window


def test_slices_that_arrive_late_for_another_series_are_not_shown(qtbot, reading):
    session, gate = reading.session, threading.Event()
    session.backend.gates["load 0.1"] = gate
    session.select("0.1")
    qtbot.waitUntil(lambda: "load 0.1" in session.loading.text)
    session.select("0.2")
    gate.set()
    qtbot.waitUntil(lambda: session.volume is not None)
    qtbot.wait(100)
    assert session.volume.acquisition.series_instance_uid == "1.2.3.3"


def test_slices_that_cannot_be_read_say_so_on_the_image(qtbot, reading):
    session = reading.session
    session.backend.load_problem = HrctError("UNREADABLE", "The pixels could not be decoded.", "Export it again.")
    session.select("0.1")
    qtbot.waitUntil(lambda: bool(session.load_problem.text))
    assert session.why_no_score() == "The pixels could not be decoded. Export it again."
    assert not reading.reading.panel.score.isEnabled()


# --- scoring --------------------------------------------------------------------------------------


def test_scoring_shows_result_cautions_overlay_and_strip(qtbot, reading):
    panel = reading.reading.panel
    panel.subject.setFocus()
    panel.subject.selectAll()
    qtbot.keyClicks(panel.subject, "0042")
    panel.visit.setFocus()
    qtbot.keyClicks(panel.visit, "week 48")
    place, plain = panel.zones.geometry(), reading.reading.axial.grab().toImage()
    qtbot.mouseClick(panel.score, Qt.MouseButton.LeftButton)
    assert panel.top.currentIndex() == 1
    qtbot.waitUntil(lambda: reading.session.maps is not None, timeout=LONG_MS)
    row = reading.session.answer.result.row
    assert (row["subject_id"], row["visit"], row["visit_week"]) == ("0042", "week_48", "48")
    assert panel.top.currentIndex() == 0
    assert panel.severity.text() == row["severity"].capitalize()
    assert panel.ild.text() == row["ild_percent"]
    assert panel.ild_interval.text() == f"({row['ild_percent_low']} to {row['ild_percent_high']})"
    assert panel.severity_line.text() == f"{row['severity_stability']}\nFibrosis: {row['fibrosis_severity']}"
    assert panel.values["emphysema_percent"].text() == row["emphysema_percent"]
    qtbot.waitUntil(lambda: "Contrast medium was given. Named in the header." in texts(panel))
    assert "compare only with a visit with contrast" in texts(panel)
    qtbot.wait(50)
    assert panel.zones.geometry() == place  # nothing jumps
    assert reading.reading.axial.grab().toImage() != plain
    assert "Subject 0042 · Week 48" in reading.reading.bar.title.text()


def test_without_a_visit_the_row_is_unscheduled_with_its_caution(qtbot, reading):
    assert "unscheduled" in reading.line.text()
    reading.session.score()
    qtbot.waitUntil(lambda: reading.session.answer is not None, timeout=LONG_MS)
    row = reading.session.answer.result.row
    assert (row["visit"], row["visit_week"]) == ("unscheduled", "")
    assert row["reasons"].endswith("VISIT_NOT_GIVEN")


@pytest.mark.parametrize(("visit", "subject"), [("week 4x8", "0007"), ("Week 1000", "0007"), ("Baseline", "  ")])
def test_a_wrong_field_is_told_before_scoring(qtbot, reading, visit, subject):
    panel = reading.reading.panel
    panel.visit.setEditText(visit)
    panel.subject.setText(subject)
    panel.subject.textEdited.emit(subject)
    assert not panel.score.isEnabled()
    assert reading.line.text() == reading.session.why_no_score()
    assert reading.line.property("tone") == "refused"


def test_the_shown_subject_is_only_typed_into_its_field(qtbot, reading):
    """Letters that are keys of the window stay letters in a field."""
    panel = reading.reading.panel
    panel.subject.setFocus()
    panel.subject.selectAll()
    qtbot.keyClicks(panel.subject, "oh123[")
    assert panel.subject.text() == "oh123["
    assert reading.session.overlay_on
    assert reading.session.is_lung_window


def test_cancel_while_scoring_changes_nothing(qtbot, open_window):
    window = open_window(FakeBackend(serve=serving.serve_slowly))
    window.session.open_paths((FOLDER,))
    qtbot.waitUntil(lambda: window.session.volume is not None)
    start_scoring(qtbot, window)
    assert window.reading.panel.progress_text.text() == "Finding patterns"
    qtbot.mouseClick(window.reading.panel.cancel, Qt.MouseButton.LeftButton)
    assert window.reading.panel.progress_text.text() == "Stopping"
    qtbot.waitUntil(lambda: window.session.scoring is None, timeout=LONG_MS)
    assert window.line.text() == "Scoring was stopped; nothing was changed."
    assert window.session.answer is None
    assert window.reading.panel.score.isEnabled()


def test_escape_cancels_and_the_image_still_scrolls_meanwhile(qtbot, open_window):
    window = open_window(FakeBackend(serve=serving.serve_slowly))
    window.session.open_paths((FOLDER,))
    qtbot.waitUntil(lambda: window.session.volume is not None)
    start_scoring(qtbot, window)
    z = window.session.z
    qtbot.keyClick(window.reading.axial, Qt.Key.Key_Up)
    assert window.session.z == z + 1
    qtbot.keyClick(window.reading.axial, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: window.session.scoring is None, timeout=LONG_MS)


def test_a_killed_worker_is_one_plain_message_and_the_next_score_works(qtbot, open_window):
    window = open_window(FakeBackend(serve=serving.serve_slowly))
    window.session.open_paths((FOLDER,))
    qtbot.waitUntil(lambda: window.session.volume is not None)
    start_scoring(qtbot, window)
    os.kill(window.session.worker.pid, 9)
    qtbot.waitUntil(lambda: window.session.scoring is None, timeout=LONG_MS)
    qtbot.waitUntil(lambda: "The scoring process ended before it was done." in texts(window.reading.panel))
    start_scoring(qtbot, window)
    qtbot.waitUntil(lambda: "ended before" not in texts(window.reading.panel))


def test_opening_another_folder_while_scoring_drops_the_score(qtbot, open_window):
    window = open_window(FakeBackend(serve=serving.serve_slowly))
    window.session.open_paths((FOLDER,))
    qtbot.waitUntil(lambda: window.session.volume is not None)
    start_scoring(qtbot, window)
    drop(window, FOLDER / "other")
    qtbot.waitUntil(lambda: window.session.scoring is None and window.session.volume is not None, timeout=LONG_MS)
    qtbot.waitUntil(lambda: not window.session.worker.busy, timeout=LONG_MS)
    assert window.session.rows == {}
    assert window.session.answer is None


def test_choosing_another_series_while_scoring_keeps_the_score_for_its_own(qtbot, reading):
    session = reading.session
    session.set_visit("Baseline")
    session.score()
    session.select("0.1")
    qtbot.waitUntil(lambda: session.scoring is None and session.volume is not None, timeout=LONG_MS)
    assert session.reads["0.1"].answer is None
    assert session.maps is None
    assert reading.reading.panel.ild.text() == "\u2013"
    session.select("0.0")
    qtbot.waitUntil(lambda: session.maps is not None)
    assert session.answer.result.row["visit"] == "baseline"


def test_maps_of_other_slices_than_those_shown_are_refused(qtbot, reading):
    reading.session.backend.sha256 = "0" * 64
    reading.session.score()
    qtbot.waitUntil(lambda: reading.line.text().startswith("The files changed"), timeout=LONG_MS)
    assert reading.session.maps is None


def test_what_was_said_gives_way_to_what_a_field_needs(reading):
    reading.session.say("Scoring was stopped; nothing was changed.")
    reading.reading.panel.visit.setEditText("week")
    assert reading.line.text().startswith("'week' is not a visit.")


def test_changed_fields_after_a_score_ask_for_another(scored):
    scored.reading.panel.visit.setEditText("Baseline")
    assert scored.line.text() == "Subject or visit were changed. Score again to write them."


def test_closing_the_window_while_scoring_leaves_nothing(qtbot, open_window):
    window = open_window(FakeBackend(serve=serving.serve_deaf))
    window.session.open_paths((FOLDER,))
    qtbot.waitUntil(lambda: window.session.volume is not None)
    start_scoring(qtbot, window)
    window.close()


# --- looking at the result ------------------------------------------------------------------------


def test_a_click_on_a_zone_goes_to_its_worst_slice(qtbot, scored):
    zones = scored.reading.panel.zones
    scored.session.set_z(39)
    qtbot.mouseClick(zones, Qt.MouseButton.LeftButton, pos=zones.row_rect(Zone.LEFT_LOWER).center().toPoint())
    assert scored.session.z == scored.session.answer.worst["left_lower"]
    assert scored.session.maps.patterns[scored.session.z].max() > 1


def test_the_mouse_over_a_zone_tints_it(scored):
    zones, view = scored.reading.panel.zones, scored.reading.axial
    scored.session.set_z(20)
    before = view._buffer.copy()
    QTest.mouseMove(zones, zones.row_rect(Zone.LEFT_MIDDLE).center().toPoint())
    scored.session.point_at_zone(int(Zone.LEFT_MIDDLE))
    changed = view._buffer != before
    inside = scored.session.maps.zones[20] == Zone.LEFT_MIDDLE
    assert changed[inside].mean() > 0.5
    assert not changed[~inside].any()
    scored.session.point_at_zone(0)
    assert (view._buffer == before).all()


def test_o_toggles_h_hides_while_held_and_brackets_change_the_opacity(qtbot, scored):
    view, session = scored.reading.axial, scored.session
    session.set_z(session.answer.worst["left_lower"])
    with_overlay = view._buffer.copy()
    qtbot.keyClick(view, "o")
    plain = view._buffer.copy()
    assert (plain != with_overlay).any()
    qtbot.keyClick(view, "o")
    assert (view._buffer == with_overlay).all()
    qtbot.keyPress(view, "h")
    assert (view._buffer == plain).all()
    qtbot.keyRelease(view, "h")
    assert (view._buffer == with_overlay).all()
    qtbot.keyClick(view, "]")
    assert session.opacity == pytest.approx(0.45)
    assert (view._buffer != with_overlay).any()
    qtbot.keyClick(view, "[")
    assert (view._buffer == with_overlay).all()
    assert scored.reading.bar.opacity.value() == 35


def test_the_opacity_slider_is_the_same_opacity(scored):
    scored.reading.bar.opacity.setValue(80)
    assert scored.session.opacity == pytest.approx(0.8)


# --- export and theme -----------------------------------------------------------------------------


def test_rows_are_exported_to_the_folder_that_was_chosen(qtbot, scored, tmp_path):
    scored.hands.ask_folder = lambda title: str(tmp_path)
    assert scored.reading.panel.export.property("primary")
    qtbot.mouseClick(scored.reading.panel.export, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not scored.session.exporting)
    (folder, rows), = scored.session.backend.saved
    assert folder == tmp_path
    assert rows == (scored.session.answer.result.row,)
    assert scored.line.text() == "1 rows written to scores.csv."


def test_an_output_that_cannot_be_written_is_a_plain_line_and_rows_stay(qtbot, scored, tmp_path):
    scored.session.backend.save_problem = HrctError("LOCKED", "The table is open elsewhere.", "Close the spreadsheet.")
    scored.session.export(tmp_path)
    qtbot.waitUntil(lambda: scored.line.text() == "The table is open elsewhere. Close the spreadsheet.")
    assert scored.session.rows
    assert scored.reading.panel.export.isEnabled()


def test_the_theme_is_switched_on_the_open_window(qtbot, scored):
    dark = scored.grab().toImage().pixelColor(5, 400).lightness()
    qtbot.keyClick(scored.reading.axial, "t", Qt.KeyboardModifier.ControlModifier)
    assert scored.theme.name == "light"
    assert scored.grab().toImage().pixelColor(5, 400).lightness() > dark + 100
    corner = scored.reading.axial.mapTo(scored, scored.reading.axial.rect().topLeft())
    assert scored.grab().toImage().pixelColor(corner.x() + 5, corner.y() + 5).lightness() == 0


def test_no_identifier_is_in_the_title_of_the_window(scored):
    assert scored.windowTitle() == "ssc-hrct"


def test_one_primary_button_in_every_state(qtbot, reading):
    def primary():
        from PySide6.QtWidgets import QPushButton

        return [b.text() for b in reading.findChildren(QPushButton)
                if b.isVisible() and b.isEnabled() and b.property("primary")]

    assert primary() == ["Score"]
    reading.session.score()
    qtbot.waitUntil(lambda: reading.session.answer is not None, timeout=LONG_MS)
    assert primary() == ["Export CSV…"]
