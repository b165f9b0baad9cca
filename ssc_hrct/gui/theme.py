"""Dark and light: colours as tokens (resources/theme), the style sheet made from them, and icons.

Views use tokens alone. Text has a contrast of at least 4.5:1 in both themes (a test computes it).
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from string import Template

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from ssc_hrct.app import assets

THEMES = ("dark", "light")
BASE_PX = 13
SCROLL_PX = 10
"""Width of a scroll bar."""


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as #RRGGBB. severity: word to (fill, text on it)."""

    name: str
    ground: str
    panel: str
    raised: str
    line: str
    text: str
    quiet: str
    accent: str
    on_accent: str
    ok: str
    caution: str
    refused: str
    viewport: str
    on_image: str
    image_line: str
    severity: dict[str, tuple[str, str]]

    def colour(self, token: str) -> QColor:
        return QColor(getattr(self, token))


@lru_cache
def read_theme(name: str) -> Theme:
    content = json.loads(assets.read("theme", f"{name}.json"))
    content["severity"] = {word: (fill, text) for word, (fill, text) in content["severity"].items()}
    return Theme(**content)


@lru_cache
def pattern_colours() -> dict[str, str]:
    """#RRGGBB by the word of a pattern, of `lungs` and `airways`; the same in both themes."""
    return dict(json.loads(assets.read("theme", "patterns.json")))


def rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""

    def luminance(colour: str) -> float:
        parts = [c / 255.0 for c in rgb(colour)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@lru_cache(maxsize=256)
def icon(name: str, colour: str, size: int = 16) -> QIcon:
    """One of resources/icons in a colour, sharp on screens up to three times as dense."""
    svg = assets.read("icons", f"{name}.svg").replace(b"currentColor", colour.encode())
    renderer = QSvgRenderer(QByteArray(svg))
    result = QIcon()
    for scale in (1, 2, 3):
        pixmap = QPixmap(QSize(size * scale, size * scale))
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        renderer.render(painter, QRectF(0, 0, size * scale, size * scale))
        painter.end()
        pixmap.setDevicePixelRatio(scale)
        result.addPixmap(pixmap)
    return result


def tabular(font: QFont) -> QFont:
    """The font with digits of equal width, where it has them."""
    result = QFont(font)
    result.setFeature(QFont.Tag("tnum"), 1)
    return result


def apply(application: QApplication, theme: Theme) -> None:
    """Give the whole program the theme."""
    application.setStyle("Fusion")
    font = application.font()
    font.setPixelSize(BASE_PX)
    application.setFont(font)
    palette = QPalette()
    roles = QPalette.ColorRole
    for role, token in {
        roles.Window: "ground", roles.WindowText: "text", roles.Base: "panel", roles.AlternateBase: "raised",
        roles.Text: "text", roles.Button: "raised", roles.ButtonText: "text", roles.ToolTipBase: "raised",
        roles.ToolTipText: "text", roles.PlaceholderText: "quiet", roles.Highlight: "accent",
        roles.HighlightedText: "on_accent", roles.Link: "accent", roles.Light: "raised", roles.Midlight: "raised",
        roles.Dark: "ground", roles.Mid: "line", roles.Shadow: "ground",
    }.items():
        palette.setColor(role, theme.colour(token))
    for role in (roles.Text, roles.WindowText, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, theme.colour("quiet"))
    application.setPalette(palette)
    application.setStyleSheet(style_sheet(theme))


def style_sheet(theme: Theme) -> str:
    tokens = {field.name: getattr(theme, field.name) for field in fields(theme)}
    return Template(_SHEET).substitute(tokens, arrow=_arrow(theme.quiet).as_posix())


@lru_cache
def _arrow(colour: str) -> Path:
    """The drop-down arrow as a file: style sheets can only name files. Removed with the process's folder."""
    global _folder
    if _folder is None:
        _folder = tempfile.TemporaryDirectory(prefix="ssc-hrct-theme-")
    place = Path(_folder.name) / f"chevron-{colour[1:]}.svg"
    place.write_bytes(assets.read("icons", "chevron.svg").replace(b"currentColor", colour.encode()))
    return place


_folder: tempfile.TemporaryDirectory[str] | None = None

_SHEET = """
QMainWindow, QWidget#page { background: $ground; }
QWidget { color: $text; font-size: 13px; }
QWidget#images { background: $image_line; }
QMenuBar { background: $ground; padding: 2px 4px; }
QMenuBar::item { padding: 4px 8px; border-radius: 4px; background: transparent; }
QMenuBar::item:selected { background: $raised; }
QMenu { background: $raised; border: 1px solid $line; padding: 4px; }
QMenu::item { padding: 4px 24px 4px 12px; border-radius: 4px; }
QMenu::item:selected { background: $accent; color: $on_accent; }
QMenu::item:disabled { color: $quiet; }
QMenu::separator { height: 1px; background: $line; margin: 4px 8px; }
QToolTip { background: $raised; color: $text; border: 1px solid $line; padding: 4px 8px; }
QFrame#panel { background: $panel; border: none; }
QFrame#bar { background: $panel; border: none; border-bottom: 1px solid $line; }
QFrame#foot { background: $ground; border: none; border-top: 1px solid $line; }
QFrame#sheet { background: $raised; border: 1px solid $line; border-radius: 4px; }
QFrame#rule { background: $line; border: none; max-height: 1px; min-height: 1px; }
QWidget#fields QLineEdit, QWidget#fields QComboBox { padding: 2px 6px; }
QScrollArea, QScrollArea > QWidget > QWidget { background: transparent; border: none; }
QLabel { background: transparent; }
QLabel[tone="quiet"] { color: $quiet; }
QLabel[tone="caution"] { color: $caution; }
QLabel[tone="refused"] { color: $refused; }
QLabel[tone="ok"] { color: $ok; }
QLabel[role="heading"] { color: $quiet; font-size: 11px; font-weight: 600; }
QLabel[role="note"] { font-size: 11px; }
QLabel[role="title"] { font-size: 22px; font-weight: 600; }
QLabel[role="figure"] { font-size: 20px; font-weight: 600; }
QLabel[role="strong"] { font-weight: 600; }
QPushButton { background: $raised; border: 1px solid $line; border-radius: 4px; padding: 5px 12px; }
QPushButton:hover { border-color: $quiet; }
QPushButton:focus { border-color: $accent; }
QPushButton:pressed { background: $line; }
QPushButton:disabled { color: $quiet; background: $panel; border-color: $line; }
QPushButton[primary="true"] { background: $accent; color: $on_accent; border-color: $accent; font-weight: 600; }
QPushButton[primary="true"]:hover { border-color: $text; }
QPushButton[primary="true"]:focus { border-color: $text; }
QPushButton[primary="true"]:disabled { background: $panel; color: $quiet; border-color: $line; font-weight: 400; }
QPushButton[flat="true"] { background: transparent; border: none; color: $accent; padding: 2px 4px; }
QPushButton[flat="true"]:hover, QPushButton[flat="true"]:focus { text-decoration: underline; }
QToolButton { background: transparent; border: 1px solid transparent; border-radius: 4px; padding: 4px 8px; }
QToolButton:hover { background: $raised; border-color: $line; }
QToolButton:focus { border-color: $accent; }
QToolButton:checked { background: $raised; border-color: $line; color: $accent; }
QToolButton:disabled { color: $quiet; }
QLineEdit, QComboBox { background: $ground; border: 1px solid $line; border-radius: 4px; padding: 4px 8px;
  selection-background-color: $accent; selection-color: $on_accent; }
QLineEdit:focus, QComboBox:focus { border-color: $accent; }
QLineEdit[wrong="true"], QComboBox[wrong="true"] { border-color: $refused; }
QComboBox QLineEdit { border: none; padding: 0; background: transparent; }
QComboBox::drop-down { border: none; width: 20px; }
QComboBox::down-arrow { image: url("$arrow"); width: 12px; height: 12px; }
QComboBox QAbstractItemView { background: $raised; border: 1px solid $line; outline: none;
  selection-background-color: $accent; selection-color: $on_accent; }
QSlider::groove:horizontal { height: 4px; background: $line; border-radius: 2px; }
QSlider::sub-page:horizontal { background: $accent; border-radius: 2px; }
QSlider::handle:horizontal { width: 12px; margin: -4px 0; border-radius: 6px; background: $text; }
QSlider::sub-page:horizontal:disabled { background: $line; }
QSlider::handle:horizontal:disabled { background: $quiet; }
QProgressBar { background: $ground; border: 1px solid $line; border-radius: 4px; height: 8px; }
QProgressBar::chunk { background: $accent; border-radius: 3px; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar::handle:vertical { background: $line; border-radius: 4px; min-height: 24px; margin: 1px; }
QScrollBar::handle:vertical:hover { background: $quiet; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle:horizontal { background: $line; border-radius: 4px; min-width: 24px; margin: 1px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
"""
