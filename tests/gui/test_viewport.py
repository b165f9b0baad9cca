"""The images under real wheel, keys and mouse."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from ssc_hrct.core.volume import PADDING_HU
from tests.gui.chests import SHAPE, SPACING_MM


def wheel(widget, notches, modifiers=Qt.KeyboardModifier.NoModifier):
    place = QPointF(widget.rect().center())
    event = QWheelEvent(place, QPointF(widget.mapToGlobal(place.toPoint())), QPoint(), QPoint(0, 120 * notches),
                        Qt.MouseButton.NoButton, modifiers, Qt.ScrollPhase.NoScrollPhase, False)
    QApplication.sendEvent(widget, event)


def drag(widget, button, start, *stops):
    QTest.mousePress(widget, button, pos=start)
    for stop in stops:
        _move(widget, button, stop)
    QTest.mouseRelease(widget, button, pos=stops[-1])


def _move(widget, button, stop):
    from PySide6.QtGui import QMouseEvent

    event = QMouseEvent(QMouseEvent.Type.MouseMove, QPointF(stop), QPointF(widget.mapToGlobal(stop)),
                        Qt.MouseButton.NoButton, button, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(widget, event)


def shown(view):
    """RGB of the drawn plane, [rows, columns, 3]."""
    return np.stack([(view._buffer >> shift & 255).astype(int) for shift in (16, 8, 0)], axis=-1)


def test_wheel_up_goes_towards_the_head(reading):
    view, before = reading.reading.axial, reading.session.z
    wheel(view, 1)
    assert reading.session.z == before + 1
    wheel(view, -3)
    assert reading.session.z == before - 2


def test_wheel_over_the_coronal_view_moves_front_to_back(reading):
    before = reading.session.y
    wheel(reading.reading.coronal, -2)
    assert reading.session.y == before + 2


@pytest.mark.parametrize(("key", "target"), [
    (Qt.Key.Key_Up, 21), (Qt.Key.Key_Down, 19), (Qt.Key.Key_PageUp, 30), (Qt.Key.Key_PageDown, 10),
    (Qt.Key.Key_Home, SHAPE[0] - 1), (Qt.Key.Key_End, 0),
])
def test_keys_scroll(qtbot, reading, key, target):
    reading.session.set_z(20)
    qtbot.keyClick(reading.reading.axial, key)
    assert reading.session.z == target


def test_scrolling_stops_at_the_last_slice(reading):
    wheel(reading.reading.axial, 500)
    assert reading.session.z == SHAPE[0] - 1


def test_left_drag_scrolls(reading):
    view, before = reading.reading.axial, reading.session.z
    middle = view.rect().center()
    drag(view, Qt.MouseButton.LeftButton, middle, middle + QPoint(0, 20), middle + QPoint(0, 60))
    assert reading.session.z == before - 10


def test_right_drag_sets_width_across_and_level_down(reading):
    view, session = reading.reading.axial, reading.session
    middle = view.rect().center()
    drag(view, Qt.MouseButton.RightButton, middle, middle + QPoint(50, -20))
    assert session.width > 1500
    assert session.level < -600
    assert view.marks()["lower_right"] == f"W {session.width}  L {session.level}"
    QTest.mouseDClick(view, Qt.MouseButton.RightButton, pos=middle)
    assert session.is_lung_window


def test_window_drag_changes_the_picture(reading):
    view = reading.reading.axial
    before = shown(view).copy()
    middle = view.rect().center()
    drag(view, Qt.MouseButton.RightButton, middle, middle + QPoint(0, 100))
    assert (shown(view) != before).any()


@pytest.mark.parametrize(("key", "window"), [("1", (1500, -600)), ("2", (350, 40)), ("3", (2000, 400))])
def test_presets_by_key(qtbot, reading, key, window):
    reading.session.set_window(777, 77)
    qtbot.keyClick(reading.reading.axial, key)
    assert (reading.session.width, reading.session.level) == window


def test_right_of_the_patient_is_left_on_the_screen_and_marked(reading):
    view = reading.reading.axial
    marks = view.marks()
    assert (marks["left"], marks["right"], marks["top"], marks["bottom"]) == ("R", "L", "A", "P")
    target = view.target()
    voxel = view.voxel_at(QPointF(target.left() + 2, target.center().y()))
    assert voxel is not None
    assert voxel[2] == 0  # x grows from the patient's right to left


def test_head_is_on_top_of_the_coronal_view(reading):
    view = reading.reading.coronal
    assert (view.marks()["top"], view.marks()["bottom"]) == ("H", "F")
    target = view.target()
    assert view.voxel_at(QPointF(target.center().x(), target.top() + 1))[0] == SHAPE[0] - 1


def test_proportions_come_from_the_spacing(reading):
    z, y, x = (n * mm for n, mm in zip(SHAPE, SPACING_MM, strict=True))
    axial, coronal = reading.reading.axial.target(), reading.reading.coronal.target()
    assert axial.width() / axial.height() == pytest.approx(x / y, rel=1e-6)
    assert coronal.width() / coronal.height() == pytest.approx(x / z, rel=1e-6)


def test_the_voxel_under_the_cursor_is_told_in_hu(qtbot, reading):
    view = reading.reading.axial
    lung = view.target().topLeft() + QPointF(view.target().width() * 0.29, view.target().height() * 0.5)
    _move(view, Qt.MouseButton.NoButton, lung.toPoint())
    assert view.marks()["lower_right_2"] == "-860 HU"
    _move(view, Qt.MouseButton.NoButton, (view.target().topLeft() + QPointF(2, 2)).toPoint())
    assert view.marks()["lower_right_2"] == "outside the scan"


def test_slice_number_and_height_stand_on_the_image(reading):
    reading.session.set_z(9)
    height = reading.session.volume.grid.height_mm(9)
    assert reading.reading.axial.marks()["lower_left"] == f"10/{SHAPE[0]}   {height:.1f} mm"


def test_padding_is_drawn_black(reading):
    view, volume = reading.reading.axial, reading.session.volume
    reading.session.set_window(4000, -1000)
    assert (shown(view)[volume.hu[reading.session.z] == PADDING_HU] == 0).all()
    assert (shown(view)[volume.hu[reading.session.z] != PADDING_HU] > 0).any()


def test_a_click_moves_the_other_view(qtbot, reading):
    view = reading.reading.axial
    place = view.target().topLeft() + QPointF(view.target().width() / 2, view.target().height() * 0.25)
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=place.toPoint())
    assert reading.session.y == pytest.approx(SHAPE[1] * 0.25, abs=1)
    coronal = reading.reading.coronal
    top = coronal.target().topLeft() + QPointF(coronal.target().width() / 2, coronal.target().height() * 0.1)
    qtbot.mouseClick(coronal, Qt.MouseButton.LeftButton, pos=top.toPoint())
    assert reading.session.z == pytest.approx(SHAPE[0] * 0.9, abs=1)


def test_zoom_keeps_the_place_under_the_hand_and_zero_fits(qtbot, reading):
    view = reading.reading.axial
    middle = QPointF(view.rect().center())
    before = view.voxel_at(middle)
    wheel(view, 3, Qt.KeyboardModifier.ControlModifier)
    assert view.zoom > 1.5
    assert np.abs(np.subtract(view.voxel_at(middle), before)).max() <= 1
    fitted = reading.reading.coronal.target()
    qtbot.keyClick(view, "0")
    assert view.zoom == 1.0
    assert reading.reading.coronal.target() == fitted


def test_middle_drag_moves_the_picture(reading):
    view = reading.reading.axial
    before, middle = view.target().topLeft(), view.rect().center()
    drag(view, Qt.MouseButton.MiddleButton, middle, middle + QPoint(30, 12))
    assert view.target().topLeft() - before == QPointF(30, 12)


@pytest.mark.qt_log_ignore("This plugin does not support")  # of the offscreen platform, by a popup
def test_a_short_right_click_opens_the_menu_and_a_drag_does_not(qtbot, reading):
    view = reading.reading.axial
    middle = view.rect().center()
    drag(view, Qt.MouseButton.RightButton, middle, middle + QPoint(20, 0))
    assert not [m for m in reading.reading.findChildren(QMenu) if m.isVisible()]
    qtbot.mouseClick(view, Qt.MouseButton.RightButton, pos=middle)
    menus = [m for m in reading.reading.findChildren(QMenu) if m.isVisible()]
    assert [a.text() for a in menus[0].actions()][:2] == ["Lung window", "Mediastinum window"]
    menus[0].close()


def test_double_click_maximises_and_comes_back(qtbot, reading):
    page = reading.reading
    page.maximise("axial")
    assert not page.coronal.isVisible()
    QTest.mouseDClick(page.axial, Qt.MouseButton.LeftButton, pos=page.axial.rect().center())
    assert page.coronal.isVisible()
    QTest.mouseDClick(page.coronal, Qt.MouseButton.LeftButton, pos=page.coronal.rect().center())
    assert not page.axial.isVisible()
    qtbot.keyClick(page.coronal, "m")
    assert page.axial.isVisible()


def test_the_strip_is_the_slider(qtbot, reading):
    strip = reading.reading.strip
    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=QPoint(20, 9))
    assert reading.session.z == SHAPE[0] - 1
    drag(strip, Qt.MouseButton.LeftButton, QPoint(20, 20), QPoint(20, strip.height() - 9))
    assert reading.session.z == 0
    assert strip.slice_at(strip.height_of(13)) == 13


def test_tab_hides_the_panels_and_the_images_take_the_room(qtbot, reading):
    before = reading.reading.images.width()
    qtbot.keyClick(reading.reading.axial, Qt.Key.Key_Tab)
    qtbot.waitUntil(lambda: reading.reading.images.width() > before)
    assert reading.reading.images.width() == reading.width()
    qtbot.keyClick(reading.reading.axial, Qt.Key.Key_Tab)
    qtbot.waitUntil(lambda: reading.reading.images.width() == before)


def test_images_keep_at_least_62_percent_of_a_small_screen(reading):
    assert reading.reading.images.width() >= 0.62 * 1366


def test_the_crosshair_can_be_shown(qtbot, reading):
    before = reading.reading.axial.grab().toImage()
    qtbot.keyClick(reading.reading.axial, "c")
    assert reading.reading.axial.grab().toImage() != before


def test_each_slice_is_drawn_as_it_is_passed(reading):
    seen = set()
    for z in range(SHAPE[0]):
        reading.session.set_z(z)
        seen.add(shown(reading.reading.axial).tobytes())
    assert len(seen) > SHAPE[0] // 3
