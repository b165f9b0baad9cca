"""The left panel: what is in the folder, exam by exam; labels from acquisition facts, never free text."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from ssc_hrct.app.listing import ListedSeries
from ssc_hrct.app.words import finding_text
from ssc_hrct.gui import words
from ssc_hrct.gui.session import Session
from ssc_hrct.gui.theme import Theme, icon
from ssc_hrct.gui.views.parts import label

KEY = Qt.ItemDataRole.UserRole
EXAM, TITLE, FACTS, WHY, TONE = (KEY + n for n in range(1, 6))
_PAD = 10


def why_text(listed: ListedSeries) -> str:
    """Why a series is not the one that is scored, or cannot be; empty for the chosen one."""
    refused = words.refusals(listed.findings)
    if refused:
        return f"Cannot be scored: {finding_text(refused[0])}"
    return listed.why_not


class _Rows(QStyledItemDelegate):
    """Draws an exam's heading, or a series with its facts and the reason beside it."""

    def __init__(self, view: QListWidget, theme: Theme) -> None:
        super().__init__(view)
        self._view, self.theme = view, theme

    def _why_rect(self, option: QStyleOptionViewItem, width: int, text: str) -> QRect:
        return option.fontMetrics.boundingRect(
            QRect(0, 0, width, 1000), int(Qt.TextFlag.TextWordWrap), text
        )

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        line = option.fontMetrics.height()
        width = self._view.viewport().width()
        if index.data(EXAM):
            return QSize(width, line + 14)
        height = 2 * line + 14
        why = index.data(WHY)
        if why:
            height += self._why_rect(option, width - 2 * _PAD - 22, why).height() + 2
        return QSize(width, height)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        theme, box = self.theme, option.rect
        painter.save()
        font = painter.font()
        if index.data(EXAM):
            font.setPixelSize(11)
            font.setBold(True)
            painter.setFont(font)
            painter.setPen(theme.colour("quiet"))
            painter.drawText(box.adjusted(_PAD, 6, -_PAD, 0), int(Qt.AlignmentFlag.AlignVCenter), index.data(EXAM))
            painter.restore()
            return
        line = option.fontMetrics.height()
        state = option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(box, theme.colour("raised" if theme.name == "dark" else "ground"))
            painter.fillRect(QRect(box.x(), box.y(), 3, box.height()), theme.colour("accent"))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(box, theme.colour("raised" if theme.name == "dark" else "ground"))
        inner = box.adjusted(_PAD, 6, -_PAD, -6)
        tone = index.data(TONE)
        if tone:
            icon(tone, getattr(theme, {"score": "ok"}.get(tone, tone))).paint(
                painter, QRect(inner.right() - 15, inner.y(), 16, 16))
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
        painter.setPen(theme.colour("quiet" if tone == "refused" else "text"))
        width = inner.width() - 20
        title = option.fontMetrics.elidedText(
            index.data(TITLE), Qt.TextElideMode.ElideRight, width)
        painter.drawText(QRect(inner.x(), inner.y(), width, line), int(left), title)
        painter.setPen(theme.colour("quiet"))
        facts = option.fontMetrics.elidedText(
            index.data(FACTS), Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(QRect(inner.x(), inner.y() + line + 1, inner.width(), line), int(left), facts)
        if index.data(WHY):
            painter.drawText(QRect(inner.x(), inner.y() + 2 * line + 3, inner.width() - 22, 1000),
                             int(left | Qt.TextFlag.TextWordWrap), index.data(WHY))
        painter.restore()


class _List(QListWidget):
    """Letters are keys of the window here, not a search through the list."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp,
                 Qt.Key.Key_PageDown, Qt.Key.Key_Return, Qt.Key.Key_Enter}
        if event.key() in moves:
            super().keyPressEvent(event)
        else:
            event.ignore()


class SeriesList(QFrame):
    """Exams and their series; choosing one shows it."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.session, self._theme = session, theme
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 10, 0, 0)
        column.setSpacing(4)
        heading = label("SERIES", role="heading")
        heading.setContentsMargins(_PAD, 0, 0, 0)
        column.addWidget(heading)
        self.list = _List()
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.list.setMouseTracking(True)
        self.list.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.list.setAccessibleName("Series")
        self._rows = _Rows(self.list, theme)
        self.list.setItemDelegate(self._rows)
        self.list.currentItemChanged.connect(self._chosen)
        column.addWidget(self.list, 1)
        session.listing_changed.connect(self._fill)
        session.arriving_changed.connect(self._fill)
        session.fields_changed.connect(self._mark_current)
        session.score_changed.connect(self._mark)
        self._fill()

    def set_theme(self, theme: Theme) -> None:
        self._theme = self._rows.theme = theme
        self.list.viewport().update()

    def _fill(self) -> None:
        self.list.blockSignals(True)
        self.list.clear()
        arriving = self.session.arriving
        listing = arriving or self.session.listing
        for number, exam in enumerate(listing.exams if listing else (), start=1):
            head = QListWidgetItem()
            head.setData(EXAM, words.exam_title(number, [s.facts for s in exam.series]))
            head.setFlags(Qt.ItemFlag.NoItemFlags)
            self.list.addItem(head)
            for listed in exam.series:
                item = QListWidgetItem()
                if arriving:
                    item.setFlags(Qt.ItemFlag.NoItemFlags)  # it may still grow, and cannot be shown yet
                else:
                    item.setData(KEY, listed.key)
                item.setData(TITLE, words.series_title(listed.facts))
                item.setData(FACTS, words.series_facts(listed.facts))
                item.setData(WHY, "" if arriving else why_text(listed))
                item.setData(Qt.ItemDataRole.AccessibleTextRole, ", ".join(
                    t for t in (item.data(TITLE), item.data(FACTS), item.data(WHY)) if t))
                item.setToolTip(item.data(WHY) or item.data(TITLE))
                self.list.addItem(item)
        self.list.blockSignals(False)
        self._mark()
        self._mark_current()

    def _mark(self) -> None:
        """A sign beside a series: refused, or scored."""
        listing = self.session.listing
        for item in self.items():
            listed = listing.series(item.data(KEY)) if listing else None
            read = self.session.reads.get(item.data(KEY))
            tone = "score" if read is not None and read.answer is not None else ""
            if listed is not None and listed.refused:
                tone = "refused"
            if item.data(TONE) != tone:
                item.setData(TONE, tone)

    def items(self) -> list[QListWidgetItem]:
        """Items of series, in order, without the headings."""
        every = (self.list.item(i) for i in range(self.list.count()))
        return [item for item in every if item.data(KEY)]

    def _mark_current(self) -> None:
        for item in self.items():
            if item.data(KEY) == self.session.current and self.list.currentItem() is not item:
                self.list.blockSignals(True)
                self.list.setCurrentItem(item)
                self.list.blockSignals(False)

    def _chosen(self, item: QListWidgetItem | None) -> None:
        if item is not None and item.data(KEY):
            self.session.select(item.data(KEY))
