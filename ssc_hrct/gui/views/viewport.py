"""One plane of the volume on the screen: axial or coronal, with the marks that make it readable.

Way (a) of the drawing measurements: one look-up table to an RGB32 image, one `drawImage`. Pixels are
prepared when the session says that something changed; `paintEvent` only copies. Patient's right is
on the image's left; the coronal view has the head on top; proportions come from the spacing.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFont,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.volume import PADDING_HU
from ssc_hrct.gui import pixels
from ssc_hrct.gui.session import Session
from ssc_hrct.gui.theme import Theme, pattern_colours, rgb, tabular

Plane = Literal["axial", "coronal"]
_CLICK_PX = 4
"""A press that moves less is a click."""
_SLICE_PX = 6
"""Left drag: pixels for one slice."""
_WINDOW_HU_PER_PX = 3.0
_MARGIN = 10
_WIDE_PX = 240
"""In a narrower view two texts do not stand side by side at its foot; the window's stands in the other view."""


class Viewport(QWidget):
    """Draws one plane. Signals say what the hand did, for the view that owns it."""

    maximise_asked = Signal(str)
    menu_asked = Signal(QPoint)

    def __init__(self, session: Session, plane: Plane, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self.plane, self._theme = session, plane, theme
        self.zoom = 1.0
        self._pan = QPointF(0.0, 0.0)
        self._buffer: NDArray[np.uint32] | None = None
        self._image: QImage | None = None
        self._lut: NDArray[np.uint32] | None = None
        self._labels: NDArray[np.uint8] | None = None
        self._cursor: QPointF | None = None
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self._dragged = False
        self._left_over = 0.0
        self._wheel_left_over = 0
        self._space = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(120, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName("Axial slice" if plane == "axial" else "Coronal view")
        session.volume_changed.connect(self._new_volume)
        session.position_changed.connect(self._new_plane)
        session.pixels_changed.connect(self._draw)
        session.window_changed.connect(self._new_table)
        session.overlay_changed.connect(self._new_overlay)
        session.layout_changed.connect(self.update)
        session.doing_changed.connect(self.update)
        self._new_volume()

    # --- pixels --------------------------------------------------------------------------------

    @property
    def image(self) -> QImage | None:
        """The plane as drawn, one image pixel per voxel."""
        return self._image

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._new_table()

    def _cut(self, array: NDArray[np.generic]) -> NDArray[np.generic]:
        """The shown plane of a [z, y, x] array, rows from top to bottom of the screen."""
        if self.plane == "axial":
            return np.asarray(array[self.session.z])
        return np.asarray(array[::-1, self.session.y])

    def _new_volume(self) -> None:
        before = None if self._image is None else self._image.size()
        self._image = self._buffer = self._labels = None
        volume = self.session.volume
        if volume is not None:
            z, y, x = volume.grid.shape
            rows = y if self.plane == "axial" else z
            self._buffer = np.zeros((rows, x), dtype=np.uint32)
            self._image = QImage(self._buffer.data, x, rows, 4 * x, QImage.Format.Format_RGB32)
        if self._image is None or self._image.size() != before:  # else it is the same scan, now read to its end
            self.zoom, self._pan = 1.0, QPointF(0.0, 0.0)
        self._new_overlay()

    def _new_overlay(self) -> None:
        self._cut_labels()
        self._new_table()

    def _new_plane(self) -> None:
        self._cut_labels()
        self._draw()

    def _cut_labels(self) -> None:
        maps = self.session.maps
        if maps is None or self.session.volume is None:
            self._labels = None
            return
        zone = self.session.pointed_zone
        self._labels = pixels.labels(
            self._cut(maps.patterns), self._cut(maps.regions),  # type: ignore[arg-type]
            self._cut(maps.zones) if zone else None, zone,  # type: ignore[arg-type]
        )

    def _new_table(self) -> None:
        self._lut = pixels.table(self.session.window, self._paint() if self.session.overlay_shown else None)
        self._draw()

    def _paint(self) -> pixels.Paint:
        colours = pattern_colours()
        by_label = {int(p): rgb(colours[p.word]) for p in Pattern if p.word in colours}
        by_label[pixels.AIRWAY] = rgb(colours["airways"])
        by_label[pixels.OUTLINE] = rgb(colours["lungs"])
        return pixels.Paint(self.session.opacity, by_label, rgb(self._theme.accent))

    def _draw(self) -> None:
        volume = self.session.volume
        if volume is not None and self._buffer is not None and self._lut is not None:
            labels = self._labels if self.session.overlay_shown else None
            pixels.fill(self._lut, self._cut(volume.hu), labels, self._buffer)  # type: ignore[arg-type]
        self.update()

    # --- where things are ----------------------------------------------------------------------

    def target(self) -> QRectF:
        """Where the plane lies in the widget, proportions true."""
        volume = self.session.volume
        if volume is None:
            return QRectF()
        z_mm, y_mm, width_mm = volume.grid.size_mm
        height_mm = y_mm if self.plane == "axial" else z_mm
        scale = min(self.width() / width_mm, self.height() / height_mm) * self.zoom
        width, height = width_mm * scale, height_mm * scale
        return QRectF((self.width() - width) / 2 + self._pan.x(), (self.height() - height) / 2 + self._pan.y(),
                      width, height)

    def voxel_at(self, place: QPointF) -> tuple[int, int, int] | None:
        """Voxel [z, y, x] under a place of the widget; None beside the picture."""
        volume, target = self.session.volume, self.target()
        if volume is None or target.isEmpty() or not target.contains(place):
            return None
        z, y, x = volume.grid.shape
        across = min(int((place.x() - target.x()) / target.width() * x), x - 1)
        down = (place.y() - target.y()) / target.height()
        if self.plane == "axial":
            return self.session.z, min(int(down * y), y - 1), across
        return z - 1 - min(int(down * z), z - 1), self.session.y, across

    def set_zoom(self, zoom: float, around: QPointF | None = None) -> None:
        """Zoom with the place under the hand kept still."""
        zoom = min(max(zoom, 1.0), 16.0)
        centre = QPointF(self.width() / 2, self.height() / 2)
        held = (around or centre) - centre
        self._pan = held - (held - self._pan) * (zoom / self.zoom)
        if zoom == 1.0:
            self._pan = QPointF(0.0, 0.0)
        self.zoom = zoom
        self.update()

    # --- painting ------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.colour("viewport"))
        if self._image is None:
            self._say_why_empty(painter)
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(self.target(), self._image)
            if self.session.crosshair_on:
                self._draw_crosshair(painter)
            self._draw_marks(painter)
        if self.hasFocus() and self.session.is_two:
            painter.setPen(self._theme.colour("image_line"))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _say_why_empty(self, painter: QPainter) -> None:
        session = self.session
        if self.plane != "axial":
            return
        if session.load_problem.text:
            painter.setPen(QColor(self._theme.on_image))
            text = session.load_problem.text
        elif session.loading is not None:
            painter.setPen(QColor(self._theme.on_image))
            text = session.loading.counted
        else:
            return
        box = QRectF(self.rect()).adjusted(40, 40, -40, -40)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), text)

    def _draw_crosshair(self, painter: QPainter) -> None:
        volume, target = self.session.volume, self.target()
        if volume is None:
            return
        z, y, _ = volume.grid.shape
        if self.plane == "axial":
            height = target.y() + (self.session.y + 0.5) / y * target.height()
        else:
            height = target.y() + (z - self.session.z - 0.5) / z * target.height()
        pen = QPen(self._theme.colour("accent"), 1, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawLine(QPointF(max(target.left(), 0.0), height), QPointF(min(target.right(), self.width()), height))

    def marks(self) -> dict[str, str]:
        """Texts on the image by place: top, bottom, left, right, and the lines at the lower corners."""
        session, volume = self.session, self.session.volume
        if volume is None:
            return {}
        z, y, _ = volume.grid.shape
        window = f"W {session.width}  L {session.level}" if self.width() >= _WIDE_PX else ""
        texts = {"left": "R", "right": "L", "lower_right": window}
        if self.plane == "axial":
            texts |= {"top": "A", "bottom": "P",
                      "lower_left": f"{session.z + 1}/{z}   {volume.grid.height_mm(session.z):.1f} mm"}
        else:
            name = "Coronal " if self.width() >= _WIDE_PX else ""
            texts |= {"top": "H", "bottom": "F", "lower_left": f"{name}{session.y + 1}/{y}"}
        texts["lower_left_2"] = session.loading.counted if session.loading and self.plane == "axial" else ""
        voxel = None if self._cursor is None else self.voxel_at(self._cursor)
        reading = session.loading is not None  # what is not read yet must not look like what was not scanned
        texts["lower_right_2"] = "" if voxel is None or reading else _hu_text(int(volume.hu[voxel]))
        return texts

    def _draw_marks(self, painter: QPainter) -> None:
        texts = self.marks()
        side = QFont(self.font())
        side.setPixelSize(15)
        side.setWeight(QFont.Weight.DemiBold)
        painter.setFont(side)
        flags = Qt.AlignmentFlag
        for place, align in (("left", flags.AlignLeft | flags.AlignVCenter),
                             ("right", flags.AlignRight | flags.AlignVCenter),
                             ("top", flags.AlignHCenter | flags.AlignTop),
                             ("bottom", flags.AlignHCenter | flags.AlignBottom)):
            self._text(painter, texts[place], align)
        small = tabular(self.font())
        small.setPixelSize(12)
        painter.setFont(small)
        self._text(painter, texts["lower_left_2"], flags.AlignLeft | flags.AlignBottom, lift=17)
        self._text(painter, texts["lower_left"], flags.AlignLeft | flags.AlignBottom)
        self._text(painter, texts["lower_right"], flags.AlignRight | flags.AlignBottom)
        self._text(painter, texts["lower_right_2"], flags.AlignRight | flags.AlignBottom, lift=17)

    def _text(self, painter: QPainter, text: str, align: Qt.AlignmentFlag, *, lift: int = 0) -> None:
        box = QRectF(self.rect()).adjusted(_MARGIN, _MARGIN - 2, -_MARGIN, -(_MARGIN - 2) - lift)
        painter.setPen(QColor(0, 0, 0, 220))
        for dx, dy in ((1, 1), (-1, 1), (1, -1), (-1, -1)):
            painter.drawText(box.translated(dx, dy), int(align), text)
        painter.setPen(self._theme.colour("on_image"))
        painter.drawText(box, int(align), text)

    # --- hands ---------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._wheel_left_over += event.angleDelta().y() or event.angleDelta().x()
        notches = int(self._wheel_left_over / 120)
        self._wheel_left_over -= notches * 120
        if notches and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.set_zoom(self.zoom * 1.2**notches, event.position())
        elif notches:
            self._scroll(notches)
        event.accept()

    def _scroll(self, slices: int) -> None:
        """Positive: towards the head, or towards the front."""
        if self.plane == "axial":
            self.session.set_z(self.session.z + slices)
        else:
            self.session.set_y(self.session.y - slices)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = self._last = event.position()
        self._dragged, self._left_over = False, 0.0
        self.setFocus(Qt.FocusReason.MouseFocusReason)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        here = event.position()
        self._cursor = here
        if self._pressed is not None and self.session.volume is not None:
            if (here - self._pressed).manhattanLength() >= _CLICK_PX:
                self._dragged = True
            if self._dragged:
                self._drag(event.buttons(), here - self._last)
                self._last = here
        self.update()

    def _drag(self, buttons: Qt.MouseButton, step: QPointF) -> None:
        if buttons & Qt.MouseButton.MiddleButton or (self._space and buttons & Qt.MouseButton.LeftButton):
            self._pan += step
        elif buttons & Qt.MouseButton.RightButton:
            self.session.set_window(round(self.session.width + step.x() * _WINDOW_HU_PER_PX),
                                    round(self.session.level + step.y() * _WINDOW_HU_PER_PX))
        elif buttons & Qt.MouseButton.LeftButton:
            self._left_over -= step.y() / _SLICE_PX
            slices = int(self._left_over)
            self._left_over -= slices
            if slices:
                self._scroll(slices)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        clicked = self._pressed is not None and not self._dragged
        self._pressed = None
        if not clicked or self.session.volume is None:
            return
        if event.button() == Qt.MouseButton.RightButton:
            self.menu_asked.emit(event.globalPosition().toPoint())
        elif event.button() == Qt.MouseButton.LeftButton and not self._space:
            voxel = self.voxel_at(event.position())
            if voxel is not None and self.plane == "axial":
                self.session.set_y(voxel[1])
            elif voxel is not None:
                self.session.set_z(voxel[0])

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.RightButton:
            self._pressed = None
            self.session.use_preset("lung")
        elif event.button() == Qt.MouseButton.LeftButton:
            self.maximise_asked.emit(self.plane)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        event.accept()  # a short right click opens the menu on release, a drag sets the window

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self._space = True
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = False
        else:
            super().keyReleaseEvent(event)

    def leaveEvent(self, event: object) -> None:
        self._cursor = None
        self.update()


def _hu_text(hu: int) -> str:
    return "outside the scan" if hu == PADDING_HU else f"{hu} HU"
