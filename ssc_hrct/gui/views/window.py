"""The main window: menus from the table of actions, two pages, one line at the foot."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QProgressBar,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from ssc_hrct.app.words import plural
from ssc_hrct.gui import theme as themes
from ssc_hrct.gui import words
from ssc_hrct.gui.actions import ACTIONS, MENUS, Action
from ssc_hrct.gui.hands import Hands
from ssc_hrct.gui.session import Session
from ssc_hrct.gui.states import Message
from ssc_hrct.gui.views.files_card import FilesCard
from ssc_hrct.gui.views.parts import button, label, restyle
from ssc_hrct.gui.views.sheet import Sheet, keys_card, meaning_card
from ssc_hrct.gui.views.welcome import Welcome

if TYPE_CHECKING:
    from ssc_hrct.gui.views.reading import ReadingPage

TITLE = "ssc-hrct"
_SMALLEST = (1024, 640)
_USUAL = (1440, 880)
_ROOMY_PX = 1100
"""From this width on a message and the whole research notice stand side by side."""


class MainWindow(QMainWindow):
    """Holds the session's views. Whatever takes time is a job of the session."""

    def __init__(self, session: Session, theme: str = "dark") -> None:
        super().__init__()
        self.session = session
        self.theme = themes.read_theme(theme)
        self.setWindowTitle(TITLE)
        self.setMinimumSize(*_SMALLEST)
        self.setAcceptDrops(True)
        self.hands = Hands(session, self, self)
        self.actions_by_id: dict[str, QAction] = {}
        self.sheet: Sheet | None = None
        self.reading: ReadingPage | None = None
        self._prefetched = False
        self._leaving: Message | None = None
        self.pages = QStackedWidget()
        self.welcome = Welcome(session, self.hands)
        self.pages.addWidget(self.welcome)
        self.middle = QWidget()
        column = QVBoxLayout(self.middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.pages, 1)
        self.foot = self._make_foot()
        column.addWidget(self.foot)
        self.setCentralWidget(self.middle)
        self._make_actions()
        self._apply_theme()
        for changed in (session.listing_changed, session.volume_changed, session.window_changed,
                        session.overlay_changed, session.layout_changed, session.score_changed,
                        session.fields_changed, session.doing_changed, session.wanted_changed):
            changed.connect(self._refresh)
        session.listing_changed.connect(self._open_reading)
        session.arriving_changed.connect(self._open_reading)
        for changed in (session.message_changed, session.doing_changed, session.fields_changed, session.score_changed,
                        session.listing_changed, session.volume_changed):
            changed.connect(self._show_foot)
        self._fit_to_screen()
        self._refresh()
        self._show_foot()

    def _fit_to_screen(self) -> None:
        screen = QGuiApplication.primaryScreen()
        if screen is not None:
            room = screen.availableGeometry()
            self.resize(min(_USUAL[0], room.width()), min(_USUAL[1], room.height()))

    # --- making --------------------------------------------------------------------------------

    def _make_foot(self) -> QFrame:
        foot = QFrame()
        foot.setObjectName("foot")
        foot.setFixedHeight(28)
        row = QHBoxLayout(foot)
        row.setContentsMargins(12, 0, 8, 0)
        row.setSpacing(8)
        self.line = label(tone="quiet")
        self.line.setMinimumWidth(10)
        self.opening_bar = QProgressBar()
        self.opening_bar.setTextVisible(False)
        self.opening_bar.setFixedSize(140, 8)
        self.opening_cancel = button("Cancel", flat=True)
        self.opening_cancel.clicked.connect(self.session.cancel_opening)
        self.meaning = button("What it means", flat=True)
        self.meaning.clicked.connect(self.hands.show_meaning)
        row.addWidget(self.line, 1)
        row.addWidget(self.opening_bar)
        row.addWidget(self.opening_cancel)
        self.research = label(words.RESEARCH, tone="quiet")
        row.addWidget(self.research)
        row.addWidget(self.meaning)
        return foot

    def _make_actions(self) -> None:
        menus: dict[str, QMenu] = {}
        for name in MENUS:
            menus[name] = self.menuBar().addMenu(name)
            menus[name].setToolTipsVisible(False)
        for action in ACTIONS:
            qt_action = QAction(action.text, self)
            if not action.hold:
                qt_action.setShortcuts([QKeySequence(key) for key in action.keys])
                qt_action.triggered.connect(partial(self._call, action))
            else:
                qt_action.setText(f"{action.text}\t{action.keys[0]}")
                qt_action.setEnabled(False)
            qt_action.setCheckable(bool(action.checked))
            if action.reach == "images":
                qt_action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            qt_action.setIconText(action.text.split(" ")[0])
            keys = f"  {action.keys[0]}" if action.keys else ""
            qt_action.setToolTip(f"{action.text.rstrip('…')}{keys}")
            if action.menu:
                if action.parts:
                    menus[action.menu].addSeparator()
                menus[action.menu].addAction(qt_action)
            self.actions_by_id[action.id] = qt_action

    def _call(self, action: Action, _checked: bool = False) -> None:
        getattr(self.hands, action.calls)()
        self._refresh()

    def _refresh(self) -> None:
        """Which actions can be used now, and which are on."""
        for action in ACTIONS:
            qt_action = self.actions_by_id[action.id]
            if not action.hold:
                qt_action.setEnabled(action.when(self.session))
            if action.checked:
                qt_action.setChecked(bool(getattr(self.session, action.checked)))

    # --- theme ---------------------------------------------------------------------------------

    def switch_theme(self) -> None:
        self.theme = themes.read_theme("light" if self.theme.name == "dark" else "dark")
        self._apply_theme()

    def _apply_theme(self) -> None:
        application = QApplication.instance()
        if isinstance(application, QApplication):
            themes.apply(application, self.theme)
        for action in ACTIONS:
            if action.icon:
                self.actions_by_id[action.id].setIcon(themes.icon(action.icon, self.theme.text))
                self.actions_by_id[action.id].setIconVisibleInMenu(False)
        if self.reading is not None:
            self.reading.set_theme(self.theme)

    # --- pages ---------------------------------------------------------------------------------

    def _open_reading(self) -> None:
        """Make the reading page when the first series is known; numpy is there by then."""
        if self.session.listing is None and self.session.arriving is None:
            self.pages.setCurrentWidget(self.welcome)  # opening the first folder was stopped
            self._show_foot()
            return
        from ssc_hrct.gui.views.reading import ReadingPage

        if self.reading is None:
            page = ReadingPage(self.session, self.hands, self.actions_by_id, self.theme)
            for action in ACTIONS:
                if action.reach == "images":
                    page.images.addAction(self.actions_by_id[action.id])
            self.pages.addWidget(page)
            self.reading = page
        self.pages.setCurrentWidget(self.reading)

    def zoom_by(self, factor: float) -> None:
        if self.reading is not None:
            self.reading.zoom_by(factor)

    def maximise_view(self) -> None:
        if self.reading is not None:
            self.reading.maximise()

    def show_sheet(self, name: str) -> None:
        open_now = self.sheet.name if self.sheet is not None else ""
        self.close_sheet()
        if open_now != name:
            self.sheet = self._make_sheet(name)
            self.sheet.destroyed.connect(self._forget_sheet)

    def _make_sheet(self, name: str) -> Sheet:
        if name == "files":
            return Sheet(self.middle, name, "Files for other programs", FilesCard(self.session, self.hands))
        if name == "keys":
            return Sheet(self.middle, name, "Keys and mouse", keys_card())
        return Sheet(self.middle, name, "What the numbers mean", meaning_card())

    def close_sheet(self) -> bool:
        """Close the sheet where one is open; whether one was."""
        if self.sheet is None:
            return False
        sheet, self.sheet = self.sheet, None
        sheet.close()
        return True

    def _forget_sheet(self, gone: object = None) -> None:
        if self.sheet is not None and not isValid(self.sheet):
            self.sheet = None

    # --- foot ----------------------------------------------------------------------------------

    def _show_foot(self) -> None:
        """What is going on, or what happened; on the first page both stand in its middle."""
        opening, message = self.session.opening, self.session.message
        reading = self.pages.currentWidget() is not self.welcome
        busy = opening is not None and reading
        self.opening_bar.setVisible(busy)
        self.opening_cancel.setVisible(busy)
        if not message.text:
            message = self.session.hint()
        text, tone = (message.text, message.tone) if reading else ("", "quiet")
        if opening is not None and reading:
            text, tone = opening.counted if opening.total or not opening.done else (
                f"{opening.text}  {opening.done}"), "quiet"
            self.opening_bar.setRange(0, opening.total)
            self.opening_bar.setValue(opening.done)
        self.line.setText(text)
        self.line.setToolTip(text)
        restyle(self.line, tone=tone)
        room = not reading or self.width() > _ROOMY_PX or not text
        self.research.setText(words.RESEARCH if room else words.RESEARCH_SHORT)
        self.foot.setVisible(True)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_foot()

    # --- hands ---------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._is_hold(event):
            self.hands.hold_overlay(True)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if self._is_hold(event) and not event.isAutoRepeat():
            self.hands.hold_overlay(False)
        else:
            super().keyReleaseEvent(event)

    def _is_hold(self, event: QKeyEvent) -> bool:
        pressed = QKeySequence(event.key()).toString()
        return any(action.hold and pressed in action.keys for action in ACTIONS)

    def changeEvent(self, event: object) -> None:
        if not self.isActiveWindow():
            self.session.hold_overlay(False)  # the key may be let go where we do not hear it

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _paths(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = _paths(event)
        if paths:
            event.acceptProposedAction()
            self.session.open_paths(paths)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._prefetched:
            self._prefetched = True
            self.session.prefetch()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Scores that were never exported are told once; while that line stands, closing again leaves them."""
        scores = self.session.unexported
        if scores and self.session.message is not self._leaving:
            verb = "is" if scores == 1 else "are"
            self.session.say(f"{plural(scores, 'score')} {verb} not exported yet. Export, or close once more to leave.",
                             "caution")
            self._leaving = self.session.message
            event.ignore()
            return
        self.session.close()
        super().closeEvent(event)


def _paths(event: QDropEvent) -> tuple[Path, ...]:
    return tuple(Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile())
