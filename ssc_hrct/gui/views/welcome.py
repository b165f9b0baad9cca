"""The window with nothing open: one thing to do next, and two ways to do it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from ssc_hrct.gui.hands import Hands
from ssc_hrct.gui.session import Session
from ssc_hrct.gui.views.parts import button, label, restyle

_WIDTH = 460


class Welcome(QWidget):
    """Offers a folder or the demonstration; shows progress and what went wrong in the same place."""

    def __init__(self, session: Session, hands: Hands, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.session = session
        self.open = button("Open a folder…", primary=True)
        self.open.clicked.connect(hands.open_folder)
        self.demonstration = button("Open the demonstration")
        self.demonstration.clicked.connect(hands.open_demonstration)
        for choice in (self.open, self.demonstration):
            choice.setMinimumHeight(36)
        choices = QHBoxLayout()
        choices.setSpacing(12)
        choices.addWidget(self.open)
        choices.addWidget(self.demonstration)
        self.line = label("or drop a folder here", tone="quiet", wrap=True)
        self.line.setMinimumHeight(56)
        self.line.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignHCenter)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(10)
        self.cancel = button("Cancel")
        self.cancel.clicked.connect(session.cancel_opening)
        self.bar = QWidget()
        row = QHBoxLayout(self.bar)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self.progress, 1)
        row.addWidget(self.cancel)
        keep = self.bar.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self.bar.setSizePolicy(keep)
        title = label("Score a chest CT", role="title")
        middle = QWidget()
        middle.setFixedWidth(_WIDTH)
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(16)
        column.addWidget(title, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addLayout(choices)
        column.addWidget(self.line)
        column.addWidget(self.bar)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(24, 24, 24, 20)
        outer.addStretch(4)
        outer.addWidget(middle, 0, Qt.AlignmentFlag.AlignHCenter)
        outer.addStretch(5)
        outer.addWidget(_promise(), 0, Qt.AlignmentFlag.AlignHCenter)
        outer.addStretch(1)
        session.doing_changed.connect(self._show)
        session.message_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        doing, message = self.session.opening, self.session.message
        busy = doing is not None
        self.open.setEnabled(not busy)
        self.demonstration.setEnabled(not busy)
        self.bar.setVisible(busy)
        if doing is not None:
            self.progress.setRange(0, doing.total)
            self.progress.setValue(doing.done)
            text, tone = doing.counted, "quiet"
        elif message.text:
            text, tone = message.text, message.tone
        else:
            text, tone = "or drop a folder here", "quiet"
        self.line.setText(text)
        restyle(self.line, tone=tone)


def _promise() -> QLabel:
    return label("Everything stays on this computer. Files are read and never changed.", tone="quiet")
