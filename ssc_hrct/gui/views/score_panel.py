"""The right panel: who and which visit, Score, and what came out of it, with its cautions.

Every line has its place before there is a number, so that nothing jumps when numbers arrive.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from ssc_hrct.app.assets import default_protocol
from ssc_hrct.app.words import finding_text, interval_text, severity_text
from ssc_hrct.core.findings import Finding, Level
from ssc_hrct.core.patterns import LUNG_PATTERNS, Pattern
from ssc_hrct.core.rows import Row
from ssc_hrct.gui import words
from ssc_hrct.gui.hands import Hands
from ssc_hrct.gui.session import Session
from ssc_hrct.gui.states import Doing
from ssc_hrct.gui.theme import SCROLL_PX, Theme, icon, pattern_colours, tabular
from ssc_hrct.gui.views.figures import ExtentBar, ZoneTable
from ssc_hrct.gui.views.parts import button, clear, label, restyle, rule
from ssc_hrct.gui.words import NONE

_SIDE_PX = 12
_INTERVAL_PX = 104
"""(99.99 to 99.99) in the small type."""


class ScorePanel(QFrame):
    """Fields, Score, result. Reads the session; the hands do the rest."""

    def __init__(self, session: Session, hands: Hands, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.session, self._hands, self._theme = session, hands, theme
        self._lines: tuple[str, list[tuple[str, str, str]]] = ("", [])
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self._make_fields())
        outer.addWidget(rule())
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self._make_result())
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.verticalScrollBar().rangeChanged.connect(self._keep_width)
        outer.addWidget(scroll, 1)
        outer.addWidget(rule())
        outer.addWidget(self._make_foot())
        session.fields_changed.connect(self._show_fields)
        session.score_changed.connect(self._show)
        session.volume_changed.connect(self._show)
        session.doing_changed.connect(self._show)
        self._show_fields()

    # --- making --------------------------------------------------------------------------------

    def _make_fields(self) -> QWidget:
        box = QWidget()
        box.setObjectName("fields")
        grid = QGridLayout(box)
        grid.setContentsMargins(12, 10, 12, 8)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        self.subject = QLineEdit()
        self.subject.setAccessibleName("Subject")
        self.subject.setMaxLength(80)
        self.subject.textEdited.connect(self.session.set_subject)
        self.visit = QComboBox()
        self.visit.setEditable(True)
        self.visit.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.visit.addItems(words.VISITS)
        self.visit.setAccessibleName("Visit")
        edit = self.visit.lineEdit()
        if edit is not None:
            edit.setPlaceholderText("Which visit?")
        self.visit.editTextChanged.connect(self._visit_edited)
        self.score = button("Score", primary=True)
        self.score.setFixedWidth(72)
        self.score.clicked.connect(self._hands.score)
        self.subject_note = label(tone="quiet", role="note")
        self.subject_note.setFixedHeight(15)  # its place stays, so that nothing jumps
        for name, field, row in (("Subject", self.subject, 0), ("Visit", self.visit, 2)):
            word = label(name, tone="quiet")
            word.setBuddy(field)
            grid.addWidget(word, row, 0)
        grid.addWidget(self.subject, 0, 1, 1, 2)
        grid.addWidget(self.subject_note, 1, 1, 1, 2)
        grid.addWidget(self.visit, 2, 1)
        grid.addWidget(self.score, 2, 2)
        grid.setColumnStretch(1, 1)
        for field in (self.subject, self.visit):
            field.setFixedHeight(28)
        self.score.setFixedHeight(28)
        return box

    def _make_result(self) -> QWidget:
        box = QWidget()
        column = self._column = QVBoxLayout(box)
        column.setContentsMargins(_SIDE_PX, 8, _SIDE_PX, 8)
        column.setSpacing(4)
        column.addWidget(label("SEVERITY", role="heading"))
        self.top = QStackedWidget()
        self.top.setFixedHeight(44)
        self.top.addWidget(self._make_severity())
        self.top.addWidget(self._make_progress())
        column.addWidget(self.top)
        protocol = default_protocol()
        self.ild, self.ild_interval, self.ild_bar = self._make_extent(column, "ILD", protocol.severity_bounds)
        self.fibrosis, self.fibrosis_interval, self.fibrosis_bar = self._make_extent(
            column, "Fibrosis", protocol.fibrosis_severity_bounds)
        column.addSpacing(2)
        column.addWidget(label("ZONES", role="heading"))
        self.zones = ZoneTable(self.session, self._theme)
        self.zones.chosen.connect(self.session.go_to_zone)
        column.addWidget(self.zones)
        column.addSpacing(6)
        self.findings = QVBoxLayout()
        self.findings.setSpacing(8)
        column.addLayout(self.findings)
        column.addSpacing(6)
        column.addWidget(label("PATTERNS", role="heading"))
        column.addLayout(self._make_patterns())
        column.addStretch(1)
        return box

    def _make_severity(self) -> QWidget:
        box = QWidget()
        row = QHBoxLayout(box)
        row.setContentsMargins(0, 0, 0, 0)
        self.severity = label(NONE)
        self.severity.setFixedHeight(36)
        self.severity.setMinimumWidth(116)
        self.severity.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.severity_line = label(tone="quiet", wrap=True)
        row.addWidget(self.severity)
        row.addWidget(self.severity_line, 1)
        return box

    def _make_progress(self) -> QWidget:
        box = QWidget()
        grid = QGridLayout(box)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(4)
        self.progress_text = label()
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(10)
        self.cancel = button("Cancel")
        self.cancel.clicked.connect(self._hands.cancel)
        grid.addWidget(self.progress_text, 0, 0)
        grid.addWidget(self.progress, 1, 0)
        grid.addWidget(self.cancel, 0, 1, 2, 1)
        grid.setColumnStretch(0, 1)
        return box

    def _make_extent(
        self, column: QVBoxLayout, name: str, bounds: tuple[float, float, float]
    ) -> tuple[QLabel, QLabel, ExtentBar]:
        row = QHBoxLayout()
        row.addWidget(label(name, role="strong"))
        row.addStretch(1)
        value = label(NONE, role="figure")
        value.setFont(tabular(value.font()))
        row.addWidget(value)
        row.addWidget(label("%", tone="quiet"))
        interval = label(tone="quiet", role="note")
        interval.setFont(tabular(interval.font()))
        interval.setFixedWidth(_INTERVAL_PX)  # its place stays, so that nothing jumps
        interval.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        interval.setToolTip(words.INTERVAL)
        row.addWidget(interval)
        column.addLayout(row)
        bar = ExtentBar(self._theme, bounds)
        column.addWidget(bar)
        return value, interval, bar

    def _make_patterns(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        self.values: dict[str, QLabel] = {}
        colours = pattern_colours()
        lines = [(p.word.replace("_", " ").capitalize(), f"{p.word}_percent", "%", colours[p.word])
                 for p in LUNG_PATTERNS if p is not Pattern.NORMAL]
        lines += [("Lung volume", "lung_volume_ml", "ml", ""), ("Mean density", "mean_lung_density_hu", "HU", "")]
        for number, (name, column, unit, colour) in enumerate(lines):
            swatch = QLabel()
            swatch.setFixedSize(10, 10)
            if colour:
                swatch.setStyleSheet(f"background: {colour}; border-radius: 2px;")
            value = label(NONE)
            value.setFont(tabular(value.font()))
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            unit_label = label(unit, tone="quiet")
            unit_label.setFixedWidth(22)
            grid.addWidget(swatch, number, 0)
            grid.addWidget(label(name), number, 1)
            grid.addWidget(value, number, 2)
            grid.addWidget(unit_label, number, 3)
            self.values[column] = value
        grid.setColumnStretch(2, 1)
        return grid

    def _make_foot(self) -> QWidget:
        box = QWidget()
        row = QHBoxLayout(box)
        row.setContentsMargins(12, 8, 12, 8)
        self.export = button("Export CSV…")
        self.export.setFixedHeight(30)
        self.export.clicked.connect(self._hands.export)
        self.files = button("Files…")
        self.files.setFixedHeight(30)
        self.files.setToolTip("Segmentations, report, page and label maps, written with each score")
        self.files.clicked.connect(self._hands.show_files)
        row.addWidget(self.export, 1)
        row.addWidget(self.files)
        return box

    def _keep_width(self, _: int, most: int) -> None:
        """The scroll bar takes its room from the margin, so that no number moves when it comes."""
        right = _SIDE_PX - SCROLL_PX if most else _SIDE_PX
        self._column.setContentsMargins(_SIDE_PX, 8, right, 8)

    # --- showing -------------------------------------------------------------------------------

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._show()

    def _visit_edited(self, text: str) -> None:
        self.session.set_visit(text)

    def _show_fields(self) -> None:
        read = self.session.read
        subject, visit = (read.subject, read.visit) if read else ("", "")
        for field in (self.subject, self.visit):
            field.setEnabled(read is not None)
        if self.subject.text() != subject:
            self.subject.setText(subject)
            self.subject.setCursorPosition(0)
        if self.visit.currentText() != visit:
            self.visit.blockSignals(True)
            self.visit.setCurrentIndex(self.visit.findText(visit))
            self.visit.setEditText(visit)
            self.visit.blockSignals(False)
        self._show()

    def _show(self) -> None:
        session = self.session
        for field, problem in ((self.subject, session.subject_problem()), (self.visit, session.visit_problem())):
            restyle(field, wrong=bool(problem))
            field.setToolTip(problem)
        self.subject_note.setText(session.subject_note())
        self.score.setEnabled(session.why_no_score() == "")
        answer = session.answer
        scored = answer is not None
        restyle(self.score, primary=not scored)
        self.score.setToolTip("Score this scan again  Ctrl+Return" if scored else "Score this scan  Ctrl+Return")
        self.export.setEnabled(bool(session.rows) and not session.exporting)
        restyle(self.export, primary=scored and bool(session.rows))
        here = session.scoring is not None and session.scoring.key == session.current
        self.top.setCurrentIndex(1 if here else 0)
        if session.scoring is not None:
            self._show_progress(session.scoring.doing)
        row = answer.result.row if answer is not None else {}
        self._show_severity(row)
        self._show_findings(answer.result.findings if answer is not None else self._before())
        for column, value in self.values.items():
            value.setText(row.get(column, "") or NONE)
        self.zones.show_row(row if row.get("severity") else {}, self._theme)

    def _show_progress(self, doing: Doing) -> None:
        self.progress_text.setText(doing.text)
        self.progress.setRange(0, doing.total)
        self.progress.setValue(doing.done)
        self.cancel.setEnabled(doing.text != "Stopping")

    def _show_severity(self, row: Row) -> None:
        word = row.get("severity", "")
        refused = row.get("status") == "refused"
        fill, ink = self._theme.severity.get(word, (self._theme.raised, self._theme.quiet))
        self.severity.setText(word.capitalize() if word else ("Not scored" if refused else NONE))
        self.severity.setStyleSheet(
            f"background: {fill}; color: {ink}; border-radius: 4px; font-size: 16px; font-weight: 600;"
        )
        if word:
            stands = row.get("severity_stability", "")
            line = "\n".join(part for part in (stands, f"Fibrosis: {row['fibrosis_severity']}") if part)
        elif refused:
            line = "See why below."
        else:
            line = "" if self.session.why_no_score() else "Press Score."
        self.severity_line.setText(line)
        self.severity.setAccessibleName(severity_text(row).capitalize() if word else "")
        for value, interval, bar, column in (
            (self.ild, self.ild_interval, self.ild_bar, "ild_percent"),
            (self.fibrosis, self.fibrosis_interval, self.fibrosis_bar, "fibrosis_percent"),
        ):
            value.setText(row.get(column, "") or NONE)
            interval.setText(interval_text(row, column))
            bar.show_row(row, column, self._theme)

    def _before(self) -> tuple[Finding, ...]:
        """What the headers alone say, before there is a score."""
        return self.session.listed.findings if self.session.listed is not None else ()

    def _show_findings(self, findings: tuple[Finding, ...]) -> None:
        read = self.session.read
        problem = read.problem.text if read is not None else ""
        lines = [("refused", problem, "")] if problem else []
        lines += [(("caution" if f.level is Level.CAUTION else "refused"), finding_text(f), f.kind.do)
                  for f in findings]
        if self._lines == (self._theme.name, lines):
            return
        self._lines = (self._theme.name, lines)
        clear(self.findings)
        for tone, says, do in lines:
            self.findings.addWidget(_finding(tone, says, do, self._theme))


def _finding(tone: str, says: str, do: str, theme: Theme) -> QWidget:
    box = QWidget()
    grid = QGridLayout(box)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(8)
    grid.setVerticalSpacing(1)
    sign = QLabel()
    sign.setPixmap(icon(tone, getattr(theme, tone)).pixmap(16, 16))
    sign.setAlignment(Qt.AlignmentFlag.AlignTop)
    sign.setFixedWidth(16)
    sign.setAccessibleName("Caution" if tone == "caution" else "Refused")
    grid.addWidget(sign, 0, 0, 2, 1)
    grid.addWidget(label(says, wrap=True), 0, 1)
    if do:
        grid.addWidget(label(do, tone="quiet", wrap=True), 1, 1)
    grid.setColumnStretch(1, 1)
    return box
