"""One table of actions: complete, without conflicts, and what menus and sheet are made from."""

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QLabel

from ssc_hrct.gui.actions import ACTIONS, MENUS, Action, conflicts
from ssc_hrct.gui.hands import Hands
from ssc_hrct.gui.session import Session
from ssc_hrct.gui.theme import icon


def test_every_action_calls_something_that_exists():
    for action in ACTIONS:
        assert callable(getattr(Hands, action.calls)), action.id
        assert not action.checked or hasattr(Session, action.checked) or hasattr(Session(), action.checked), action.id


def test_no_two_actions_share_a_key():
    assert conflicts() == []


def test_a_shared_key_is_named_with_both_actions():
    one, other = Action("a", "A", "score", keys=("X",)), Action("b", "B", "score", keys=("x",))
    assert conflicts((one, other)) == [("x", "a", "b")]


def test_ids_are_unique_and_menus_known():
    ids = [action.id for action in ACTIONS]
    assert len(set(ids)) == len(ids)
    assert {action.menu for action in ACTIONS} <= {*MENUS, ""}


def test_keys_are_real_keys(qapp):
    for action in ACTIONS:
        for key in action.keys:
            assert QKeySequence(key).toString(), (action.id, key)


def test_every_icon_named_can_be_drawn(qapp):
    for action in ACTIONS:
        if action.icon:
            assert not icon(action.icon, "#FFFFFF").isNull()


def test_menus_hold_every_action_of_the_table(reading):
    shown = {a.text().split("\t")[0] for menu in reading.menuBar().actions() for a in menu.menu().actions()}
    assert {action.text for action in ACTIONS if action.menu} <= shown


def test_the_sheet_shows_every_key_of_the_table(reading):
    reading.show_sheet("keys")
    texts = {label.text() for label in reading.sheet.findChildren(QLabel)}
    for action in ACTIONS:
        if action.keys:
            assert action.text.rstrip("…") in texts, action.id
            assert QKeySequence(action.keys[0]).toString(QKeySequence.SequenceFormat.NativeText) in texts


def test_the_question_mark_opens_the_sheet(qtbot, reading):
    from PySide6.QtCore import Qt

    qtbot.keyClick(reading.reading.axial, Qt.Key.Key_Question, Qt.KeyboardModifier.ShiftModifier)
    assert reading.sheet is not None
    assert reading.sheet.name == "keys"


def test_the_sheet_closes_by_the_same_key_and_by_escape(qtbot, reading):
    from PySide6.QtCore import Qt

    reading.show_sheet("keys")
    qtbot.keyClick(reading.sheet, Qt.Key.Key_Escape)
    assert reading.sheet is None or not reading.sheet.isVisible()
    reading.show_sheet("meaning")
    reading.show_sheet("meaning")
    assert reading.sheet is None
