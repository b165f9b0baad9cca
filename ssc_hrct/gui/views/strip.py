"""The strip beside the axial view: how much of each pattern at each height; also the scroll bar.

Before a score it is a plain slider. The head is on top, as in the coronal view.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ssc_hrct.core.patterns import LUNG_PATTERNS, Pattern
from ssc_hrct.gui.session import Session
from ssc_hrct.gui.theme import Theme, pattern_colours

WIDTH = 44
_PAD = 8


class Strip(QWidget):
    """Extent by slice, stacked; the marker is the shown slice. Click, drag and wheel scroll."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self._theme = session, theme
        self._drawn: QPixmap | None = None
        self.setFixedWidth(WIDTH)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Height of the slice, with extent by slice")
        self.setToolTip("Extent by slice. Click or drag to go to a height.")
        session.position_changed.connect(self.update)
        session.volume_changed.connect(self._again)
        session.score_changed.connect(self._again)

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, 200)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._again()

    def _again(self) -> None:
        self._drawn = None
        self.update()

    def resizeEvent(self, event: object) -> None:
        self._again()

    @property
    def _slices(self) -> int:
        return self.session.volume.grid.shape[0] if self.session.volume is not None else 0

    def slice_at(self, y: float) -> int:
        """Slice under a height of the widget."""
        span = max(self.height() - 2 * _PAD, 1)
        from_top = min(max((y - _PAD) / span, 0.0), 1.0)
        return min(int((1.0 - from_top) * self._slices), self._slices - 1)

    def height_of(self, z: int) -> float:
        span = self.height() - 2 * _PAD
        return _PAD + (1.0 - (z + 0.5) / max(self._slices, 1)) * span

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._drawn is None:
            self._drawn = self._profile()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._drawn)
        if self._slices:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            y = self.height_of(self.session.z)
            painter.setPen(QPen(self._theme.colour("accent"), 2))
            painter.drawLine(QPointF(4, y), QPointF(self.width() - 4, y))
            painter.setBrush(self._theme.colour("accent"))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawEllipse(QPointF(6, y), 4, 4)
        painter.end()

    def _profile(self) -> QPixmap:
        """Lung per slice in grey, the patterns stacked in it."""
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(int(self.width() * ratio), int(self.height() * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(self._theme.colour("viewport"))
        painter = QPainter(pixmap)
        left, right = 12.0, self.width() - 6.0
        answer = self.session.answer
        counts = answer.result.slices if answer is not None and self.session.volume is not None else ()
        widest = max((sum(row) for row in counts), default=0)
        if not counts or not widest or len(counts) != self._slices:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.colour("image_line"))
            painter.drawRoundedRect(QRectF((left + right) / 2 - 1.5, _PAD, 3, self.height() - 2 * _PAD), 1.5, 1.5)
            painter.end()
            return pixmap
        colours = pattern_colours()
        tall = (self.height() - 2 * _PAD) / self._slices
        order = [p for p in LUNG_PATTERNS if p is not Pattern.NORMAL]
        for z, row in enumerate(counts):
            top = self.height_of(z) - tall / 2
            x = left
            for pattern in order:
                wide = (right - left) * row[pattern] / widest
                painter.fillRect(QRectF(x, top, wide, tall + 0.5), QColor(colours[pattern.word]))
                x += wide
            painter.fillRect(QRectF(x, top, (right - left) * row[Pattern.NORMAL] / widest, tall + 0.5),
                             self._theme.colour("image_line"))
        painter.end()
        return pixmap

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.mouseMoveEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._slices and event.buttons() & Qt.MouseButton.LeftButton:
            self.session.set_z(self.slice_at(event.position().y()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = round(event.angleDelta().y() / 120)
        self.session.set_z(self.session.z + notches)
        event.accept()
