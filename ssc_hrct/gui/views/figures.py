"""Painted figures of the score panel: the bar of an extent between its grades, and the table of zones."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from ssc_hrct.core.lungs import Zone
from ssc_hrct.core.rows import Row
from ssc_hrct.gui.session import Session
from ssc_hrct.gui.theme import Theme, tabular
from ssc_hrct.gui.words import NONE

BAR_END_PERCENT = 30.0
"""The bar ends here; more stands at its end. Grades differ below 20, and most of the bar shows that."""
_DOT_PX, _LINE_PX, _HALO_PX = 4.5, 2.0, 1.5


class ExtentBar(QWidget):
    """A percent with its interval on a bar cut at the bounds of the grades. Empty until there is a value."""

    def __init__(self, theme: Theme, bounds: tuple[float, float, float], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._bounds = theme, bounds
        self._value: float | None = None
        self._ends: tuple[float, float] | None = None
        self.setFixedHeight(26)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_row(self, row: Row, column: str, theme: Theme) -> None:
        """The extent of this column and its interval, each where the row has one."""
        self._theme = theme
        text, low, high = (row.get(f"{column}{end}", "") for end in ("", "_low", "_high"))
        self._value = float(text) if text else None
        self._ends = (float(low), float(high)) if text and low and high else None
        told = f"{text} percent" if text else "no value"
        self.setAccessibleName(f"{told}, interval {low} to {high}" if self._ends else told)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, right, y = 6.0, self.width() - 6.0, 8.0

        def at(percent: float) -> float:
            return left + min(percent, BAR_END_PERCENT) / BAR_END_PERCENT * (right - left)

        ends = (0.0, *self._bounds, BAR_END_PERCENT)
        painter.setPen(Qt.PenStyle.NoPen)
        for (fill, _), start, end in zip(self._theme.severity.values(), ends, ends[1:], strict=False):
            painter.setBrush(QColor(fill) if self._value is not None else self._theme.colour("line"))
            painter.drawRect(QRectF(at(start) + (1 if start else 0), y - 3, at(end) - at(start) - 1, 6))
        font = self.font()
        font.setPixelSize(10)
        painter.setFont(font)
        painter.setPen(self._theme.colour("quiet"))
        for bound in (0.0, *self._bounds):
            painter.drawText(QRectF(at(bound) - 15, y + 6, 30, 13), int(Qt.AlignmentFlag.AlignCenter), f"{bound:g}")
        if self._value is not None:
            self._mark(painter, at(self._value), tuple(at(end) for end in self._ends or ()), y)
        painter.end()

    def _mark(self, painter: QPainter, middle: float, ends: tuple[float, ...], y: float) -> None:
        """The dot, and through it the line of the interval between its ends; a halo keeps both off the bar."""
        lines = [QLineF(ends[0], y, ends[1], y), *(QLineF(x, y - 5, x, y + 5) for x in ends)] if ends else []
        for colour, wide in (("panel", _LINE_PX + 2 * _HALO_PX), ("text", _LINE_PX)):
            painter.setPen(QPen(self._theme.colour(colour), wide))
            painter.drawLines(lines)
        painter.setPen(QPen(self._theme.colour("panel"), _HALO_PX))
        painter.setBrush(self._theme.colour("text"))
        painter.drawEllipse(QPointF(middle, y), _DOT_PX + _HALO_PX / 2, _DOT_PX + _HALO_PX / 2)


_ROWS = tuple(Zone)
_ROW_PX = 20
_HEAD_PX = 20


class ZoneTable(QWidget):
    """Six zones with ILD, fibrosis and volume. A click or Return goes to the worst slice; the mouse tints."""

    chosen = Signal(int, str)

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self._theme = session, theme
        self._row: Row = {}
        self.setFixedHeight(_HEAD_PX + _ROW_PX * len(_ROWS))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Zones")
        self._hover = 0

    def sizeHint(self) -> QSize:
        return QSize(240, self.height())

    def show_row(self, row: Row, theme: Theme) -> None:
        self._row, self._theme = row, theme
        self.setCursor(Qt.CursorShape.PointingHandCursor if row else Qt.CursorShape.ArrowCursor)
        self.update()

    def row_rect(self, zone: Zone) -> QRectF:
        return QRectF(0, _HEAD_PX + _ROW_PX * (zone - 1), self.width(), _ROW_PX)

    def _zone_at(self, y: float) -> int:
        number = int((y - _HEAD_PX) // _ROW_PX) + 1
        return number if self._row and 1 <= number <= len(_ROWS) else 0

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        small = tabular(self.font())
        small.setPixelSize(11)
        painter.setFont(small)
        painter.setPen(self._theme.colour("quiet"))
        self._cells(painter, QRectF(0, 0, self.width(), _HEAD_PX), ("", "ILD %", "Fibrosis %", "ml"))
        painter.setFont(tabular(self.font()))
        for zone in _ROWS:
            box = self.row_rect(zone)
            if zone == self.session.zone or zone == self._hover:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(self._theme.colour("raised" if self._theme.name == "dark" else "ground"))
                painter.drawRoundedRect(box, 4, 4)
            if zone == self.session.zone:
                painter.setBrush(self._theme.colour("accent"))
                painter.drawRoundedRect(QRectF(box.x(), box.y() + 4, 3, box.height() - 8), 1.5, 1.5)
            painter.setPen(self._theme.colour("text" if self._row else "quiet"))
            words = zone.word
            values = (self._row.get(f"{words}_{what}", "") or NONE
                      for what in ("ild_percent", "fibrosis_percent", "volume_ml"))
            self._cells(painter, box, (words.replace("_", " ").capitalize(), *values))
        if self.hasFocus():
            painter.setPen(self._theme.colour("accent"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.end()

    def _cells(self, painter: QPainter, box: QRectF, texts: tuple[str, ...]) -> None:
        middle, right = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignRight
        painter.drawText(box.adjusted(8, 0, 0, 0), int(middle), texts[0])
        edges = (0.555, 0.815, 1.0)
        for text, edge in zip(texts[1:], edges, strict=True):
            painter.drawText(QRectF(box.x(), box.y(), (box.width() - 8) * edge + 2, box.height()),
                             int(middle | right), text)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(self._zone_at(event.position().y()))

    def leaveEvent(self, event: object) -> None:
        self._point(0)

    def _point(self, zone: int) -> None:
        if zone != self._hover:
            self._hover = zone
            self.session.point_at_zone(zone)
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        zone = self._zone_at(event.position().y())
        if zone and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(zone, Zone(zone).word)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        if step and self._row:
            zone = Zone(min(max(self.session.zone + step, 1), len(_ROWS)))
            self.chosen.emit(int(zone), zone.word)
        else:
            super().keyPressEvent(event)
