"""Small parts that several views share: labels with a tone, headings, rules, buttons."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QLayout, QPushButton, QSizePolicy, QWidget


def label(text: str = "", *, tone: str = "", role: str = "", wrap: bool = False) -> QLabel:
    """A plain-text label. tone: quiet, ok, caution, refused. role: heading, title, figure, strong, note."""
    result = QLabel(text)
    result.setTextFormat(Qt.TextFormat.PlainText)
    if tone:
        result.setProperty("tone", tone)
    if role:
        result.setProperty("role", role)
    if wrap:
        result.setWordWrap(True)
        result.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return result


def restyle(widget: QWidget, **properties: object) -> None:
    """Set properties that the style sheet looks at, and apply it again where one changed."""
    changed = False
    for name, value in properties.items():
        if widget.property(name) != value:
            widget.setProperty(name, value)
            changed = True
    if changed:
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def button(text: str, *, primary: bool = False, flat: bool = False) -> QPushButton:
    result = QPushButton(text)
    result.setProperty("primary", primary)
    if flat:
        result.setProperty("flat", True)
        result.setCursor(Qt.CursorShape.PointingHandCursor)
    return result


def rule() -> QFrame:
    """A thin line between groups."""
    result = QFrame()
    result.setObjectName("rule")
    result.setFixedHeight(1)
    return result


def clear(layout: QLayout) -> None:
    """Take everything out of a layout; widgets are hidden at once and deleted later."""
    while (item := layout.takeAt(0)) is not None:
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            widget.hide()
            widget.setParent(None)
            widget.deleteLater()
        elif inner is not None:
            clear(inner)
