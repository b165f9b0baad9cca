"""A sheet over the window, closed by Esc or a click beside it; and two cards: keys and mouse, what the numbers mean."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QColor, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from ssc_hrct.gui import words
from ssc_hrct.gui.actions import ACTIONS, MENUS, MOUSE
from ssc_hrct.gui.views.parts import button, label


def key_text(keys: tuple[str, ...]) -> str:
    """Keys as this system writes them; the first is enough."""
    return QKeySequence(keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if keys else ""


class Sheet(QWidget):
    """Covers the window, dims it, and holds one card."""

    def __init__(self, over: QWidget, name: str, title: str, card: QWidget) -> None:
        super().__init__(over)
        self.name = name
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.card = QFrame(self)
        self.card.setObjectName("sheet")
        column = QVBoxLayout(self.card)
        column.setContentsMargins(20, 16, 20, 16)
        column.setSpacing(12)
        head = QHBoxLayout()
        head.addWidget(label(title, role="figure"))
        head.addStretch(1)
        close = button("Close")
        close.clicked.connect(self.close)
        head.addWidget(close)
        column.addLayout(head)
        column.addWidget(card)
        column.addStretch(1)
        outer = QVBoxLayout(self)
        outer.addWidget(self.card, 0, Qt.AlignmentFlag.AlignCenter)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._back_to = over.window().focusWidget()
        over.installEventFilter(self)
        self._over = over
        self.setGeometry(over.rect())
        self.show()
        self.raise_()
        close.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._over and event.type() == QEvent.Type.Resize:
            self.setGeometry(self._over.rect())
        return False

    def closeEvent(self, event: object) -> None:
        self._over.removeEventFilter(self)
        if self._back_to is not None:
            self._back_to.setFocus()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(0, 0, 0, 140))
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self.card.geometry().contains(event.position().toPoint()):
            self.close()


def keys_card() -> QWidget:
    groups = [(menu, [(a.text.rstrip("…"), key_text(a.keys)) for a in ACTIONS if a.menu == menu and a.keys])
              for menu in MENUS]
    groups.append(("Mouse", [(what, how) for how, what in MOUSE]))
    box = QWidget()
    row = QHBoxLayout(box)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(36)
    for names in (("File", "Score", "Slice", "Help"), ("View",), ("Mouse",)):
        grid = QGridLayout()
        grid.setHorizontalSpacing(20)
        grid.setVerticalSpacing(6)
        line = 0
        for name, pairs in groups:
            if name not in names:
                continue
            grid.addWidget(label(name.upper(), role="heading"), line, 0, 1, 2)
            for what, how in pairs:
                line += 1
                grid.addWidget(label(what), line, 0)
                grid.addWidget(label(how, tone="quiet"), line, 1)
            line += 1
        grid.setRowStretch(line, 1)
        row.addLayout(grid)
    return box


def meaning_card() -> QWidget:
    box = QWidget()
    box.setFixedWidth(560)
    column = QVBoxLayout(box)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(4)
    column.addWidget(label(words.RESEARCH, tone="caution", wrap=True))
    for title, text in words.WHAT_IT_MEANS:
        column.addSpacing(8)
        column.addWidget(label(title, role="strong"))
        column.addWidget(label(text, wrap=True))
    return box
