"""The reading page: series on the left, images in the middle, score on the right, one line of title above."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QSlider, QToolButton, QVBoxLayout, QWidget

from ssc_hrct.app.words import finding_text, plural
from ssc_hrct.core.findings import Level
from ssc_hrct.gui import words
from ssc_hrct.gui.actions import ACTIONS, Action
from ssc_hrct.gui.hands import Hands
from ssc_hrct.gui.session import Session
from ssc_hrct.gui.theme import Theme, icon
from ssc_hrct.gui.views.parts import label
from ssc_hrct.gui.views.score_panel import ScorePanel
from ssc_hrct.gui.views.series_list import SeriesList
from ssc_hrct.gui.views.strip import Strip
from ssc_hrct.gui.views.viewport import Viewport

PANELS_PX = ((1600, 260, 336), (0, 212, 288))
"""From this window width on: width of the left and of the right panel."""


class TitleBar(QFrame):
    """Who, which visit, what scan; then the tools that stand in the table as `toolbar`."""

    def __init__(self, session: Session, actions: dict[str, QAction], theme: Theme) -> None:
        super().__init__()
        self.setObjectName("bar")
        self.session, self._theme = session, theme
        self.setFixedHeight(40)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 8, 0)
        row.setSpacing(4)
        self.title = label(role="strong")
        self.facts = label(tone="quiet")
        self.flags = QLabel()
        row.addWidget(self.title)
        row.addWidget(self.facts)
        row.addWidget(self.flags)
        row.addStretch(1)
        self.buttons: dict[str, QToolButton] = {}
        for action in (a for a in ACTIONS if a.toolbar):
            row.addWidget(self._tool(action, actions[action.id]))
            if action.id == "overlay.show":
                row.addWidget(self._make_opacity())
            if action.id in ("file.export", "window.bone"):
                row.addSpacing(8)
        for changed in (session.fields_changed, session.volume_changed, session.score_changed):
            changed.connect(self._show)
        session.overlay_changed.connect(self._show_opacity)
        self._show()
        self._show_opacity()

    def _tool(self, action: Action, qt_action: QAction) -> QToolButton:
        tool = QToolButton()
        tool.setDefaultAction(qt_action)
        tool.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        tool.setIconSize(QSize(16, 16))
        tool.setFixedHeight(28)
        tool.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly if action.icon
                                else Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.buttons[action.id] = tool
        return tool

    def _make_opacity(self) -> QSlider:
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(5, 100)
        self.opacity.setFixedWidth(72)
        self.opacity.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.opacity.setToolTip("Opacity of the overlay  [  ]")
        self.opacity.setAccessibleName("Opacity of the overlay")
        self.opacity.valueChanged.connect(lambda value: self.session.set_opacity(value / 100))
        return self.opacity

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._show()

    def _show_opacity(self) -> None:
        self.opacity.blockSignals(True)
        self.opacity.setValue(round(self.session.opacity * 100))
        self.opacity.blockSignals(False)
        self.opacity.setEnabled(self.session.maps is not None and self.session.overlay_on)

    def _show(self) -> None:
        listed, read, answer = self.session.listed, self.session.read, self.session.answer
        if listed is None or read is None:
            self.title.setText("")
            self.facts.setText("")
            self.flags.clear()
            return
        parts = [f"Subject {read.subject.strip() or '?'}"]
        if read.visit.strip():
            parts.append(words.visit_title(words.visit_word(read.visit)))
        title = " · ".join(parts)
        self.title.setToolTip(title)
        self.title.setText(self.title.fontMetrics().elidedText(title, Qt.TextElideMode.ElideMiddle, 300))
        self.facts.setText(f" ·  {words.series_title(listed.facts)}")
        findings = answer.result.findings if answer is not None else listed.findings
        refused = any(f.level is not Level.CAUTION for f in findings)
        if findings:
            tone = "refused" if refused else "caution"
            self.flags.setPixmap(icon(tone, getattr(self._theme, tone)).pixmap(16, 16))
            self.flags.setToolTip("\n".join(finding_text(f) for f in findings))
            self.flags.setAccessibleName(plural(len(findings), "caution"))
        else:
            self.flags.clear()


class ReadingPage(QWidget):
    """Lays out the panels and the images; panels keep their width, the images take the rest."""

    def __init__(self, session: Session, hands: Hands, actions: dict[str, QAction], theme: Theme) -> None:
        super().__init__()
        self.setObjectName("page")
        self.session, self._actions = session, actions
        self.bar = TitleBar(session, actions, theme)
        self.series = SeriesList(session, theme)
        self.panel = ScorePanel(session, hands, theme)
        self.axial = Viewport(session, "axial", theme)
        self.coronal = Viewport(session, "coronal", theme)
        self.strip = Strip(session, theme)
        self.images = QWidget()
        self.images.setObjectName("images")
        self.images.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(self.images)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(1)
        row.addWidget(self.axial, 5)
        row.addWidget(self.strip)
        row.addWidget(self.coronal, 3)
        self._row = row
        middle = QHBoxLayout()
        middle.setContentsMargins(0, 0, 0, 0)
        middle.setSpacing(0)
        middle.addWidget(self.series)
        middle.addWidget(self.images, 1)
        middle.addWidget(self.panel)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addLayout(middle, 1)
        for view in (self.axial, self.coronal):
            view.maximise_asked.connect(self.maximise)
            view.menu_asked.connect(self._open_menu)
        for pressed in (self.panel.score, self.panel.cancel, self.panel.export):
            pressed.clicked.connect(self.focus_images)
        session.layout_changed.connect(self._lay_out)
        session.volume_changed.connect(self._focus_images)
        self._lay_out()
        self._focus_images()

    def set_theme(self, theme: Theme) -> None:
        each: tuple[Callable[[Theme], None], ...] = (
            self.bar.set_theme, self.series.set_theme, self.panel.set_theme, self.axial.set_theme,
            self.coronal.set_theme, self.strip.set_theme,
        )
        for set_theme in each:
            set_theme(theme)

    def maximise(self, plane: str = "") -> None:
        """One view alone, and back. plane: which; empty for the one with the focus."""
        if not self.session.is_two:
            self.session.set_layout("two")
            return
        wanted = plane or ("coronal" if self.coronal.hasFocus() else "axial")
        self.session.set_layout("one" if wanted == "axial" else "coronal")

    def zoom_by(self, factor: float) -> None:
        """Zoom the view that has the focus (else the axial one); 0 fits."""
        view = self.coronal if self.coronal.hasFocus() else self.axial
        view.set_zoom(view.zoom * factor if factor else 1.0)

    def _lay_out(self) -> None:
        layout = self.session.layout
        self.axial.setVisible(layout != "coronal")
        self.coronal.setVisible(layout != "one")
        self.series.setVisible(self.session.panels_on)
        self.panel.setVisible(self.session.panels_on)

    def _focus_images(self) -> None:
        if self.session.volume is not None and not self.series.list.hasFocus():
            self.focus_images()

    def focus_images(self) -> None:
        """After a button the keys belong to the images again."""
        (self.coronal if self.session.layout == "coronal" else self.axial).setFocus()

    def _open_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for action in (a for a in ACTIONS if a.context):
            menu.addAction(self._actions[action.id])
        menu.popup(place)

    def resizeEvent(self, event: QResizeEvent) -> None:
        for at_least, left, right in PANELS_PX:
            if event.size().width() >= at_least:
                self.series.setFixedWidth(left)
                self.panel.setFixedWidth(right)
                break
