"""A number never stands alone: the interval beside it and on its bar, the stability beside the grade."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QColor

from ssc_hrct.gui.theme import read_theme
from ssc_hrct.gui.views.figures import BAR_END_PERCENT, ExtentBar

BOUNDS = (5.0, 10.0, 20.0)
ROW = {"ild_percent": "12.00", "ild_percent_low": "9.00", "ild_percent_high": "18.00"}


def bar(qtbot, theme: str, **row: str) -> ExtentBar:
    made = ExtentBar(read_theme(theme), BOUNDS)
    qtbot.addWidget(made)
    made.resize(264, 26)
    made.show_row(row, "ild_percent", read_theme(theme))
    return made


def dark_columns(made: ExtentBar, theme: str, y: int) -> list[int]:
    """Columns of this line of pixels that have the colour of text."""
    image = made.grab().toImage()
    ratio = image.width() / made.width()
    ink = QColor(read_theme(theme).text)
    return [x for x in range(made.width()) if image.pixelColor(round(x * ratio), round(y * ratio)) == ink]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_interval_is_a_line_between_its_ends_on_the_bar(qtbot, theme):
    columns = dark_columns(bar(qtbot, theme, **ROW), theme, 8)
    at = [6 + float(ROW[name]) / BAR_END_PERCENT * 252 for name in ("ild_percent_low", "ild_percent_high")]
    assert min(columns) == pytest.approx(at[0], abs=2)
    assert max(columns) == pytest.approx(at[1], abs=2)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_without_an_interval_the_dot_stands_alone(qtbot, theme):
    columns = dark_columns(bar(qtbot, theme, ild_percent="12.00"), theme, 8)
    assert max(columns) - min(columns) < 12


def test_the_interval_is_told_to_who_hears_the_window(qtbot):
    assert bar(qtbot, "dark", **ROW).accessibleName() == "12.00 percent, interval 9.00 to 18.00"
    assert bar(qtbot, "dark", ild_percent="12.00").accessibleName() == "12.00 percent"
    assert bar(qtbot, "dark").accessibleName() == "no value"


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
def test_the_widest_interval_and_stability_are_not_cut(qtbot, scored, size):
    panel = scored.reading.panel
    scored.resize(*size)
    scored.session.answer.result.row.update(
        ild_percent="99.99", ild_percent_low="88.88", ild_percent_high="100.00", severity="moderate",
        fibrosis_percent="99.99", fibrosis_percent_low="88.88", fibrosis_percent_high="100.00",
        severity_stability="may be moderate", fibrosis_severity="moderate")
    scored.session.score_changed.emit()
    qtbot.wait(50)
    for shown in (panel.ild, panel.ild_interval, panel.fibrosis, panel.fibrosis_interval):
        assert shown.fontMetrics().horizontalAdvance(shown.text()) <= shown.contentsRect().width(), shown.text()
        right = shown.mapTo(panel, shown.rect().topRight()).x()
        assert right <= panel.width() - 4
    assert panel.severity.accessibleName() == "Moderate, may be moderate"
    lines = panel.severity_line
    assert 2 * lines.fontMetrics().lineSpacing() <= lines.height()


def test_a_score_from_before_the_intervals_shows_none(qtbot, scored):
    row = scored.session.answer.result.row
    for name in [n for n in row if n.endswith(("_low", "_high", "_stability"))]:
        del row[name]
    scored.session.score_changed.emit()
    panel = scored.reading.panel
    assert panel.ild_interval.text() == ""
    assert panel.severity_line.text() == f"Fibrosis: {row['fibrosis_severity']}"
    assert panel.ild_bar.accessibleName() == f"{row['ild_percent']} percent"
