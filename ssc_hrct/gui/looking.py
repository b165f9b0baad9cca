"""What of the scan is on the screen: slice, window, overlay, layout. The part of the session that hands change most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from ssc_hrct.app.worker_messages import Maps
    from ssc_hrct.core.volume import Volume
    from ssc_hrct.gui.pixels import Window

PRESETS = {"lung": (1500, -600), "mediastinum": (350, 40), "bone": (2000, 400)}
"""Width and level in HU."""
OPACITY_STEP = 0.1


class Looking(QObject):
    """State of the images. Each signal names what changed."""

    volume_changed = Signal()
    pixels_changed = Signal()
    position_changed = Signal()
    window_changed = Signal()
    overlay_changed = Signal()
    layout_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.volume: Volume | None = None
        self.maps: Maps | None = None
        self.z = self.y = 0
        self.width, self.level = PRESETS["lung"]
        self.overlay_on, self.overlay_held, self.opacity = True, False, 0.35
        self.zone = 0
        self.pointed_zone = 0
        self.crosshair_on = False
        self.layout = "two"
        self.panels_on = True

    def show_volume(self, volume: Volume | None, *, stay: bool = False) -> None:
        """Show other slices, from the middle on; None: nothing. stay: at the place, where the shape is the same."""
        same = stay and volume is not None and self.volume is not None and volume.grid.shape == self.volume.grid.shape
        self.volume, self.maps, self.zone, self.pointed_zone = volume, None, 0, 0
        if volume is not None and not same:
            z, y, _ = volume.grid.shape
            self.z, self.y = z // 2, y // 2
        self.volume_changed.emit()
        self.overlay_changed.emit()

    def set_z(self, z: int) -> None:
        if self.volume is not None:
            z = min(max(z, 0), self.volume.grid.shape[0] - 1)
            if z != self.z:
                self.z = z
                self.position_changed.emit()

    def set_y(self, y: int) -> None:
        if self.volume is not None:
            y = min(max(y, 0), self.volume.grid.shape[1] - 1)
            if y != self.y:
                self.y = y
                self.position_changed.emit()

    def set_window(self, width: int, level: int) -> None:
        width, level = min(max(width, 2), 4096), min(max(level, -1024), 3071)
        if (width, level) != (self.width, self.level):
            self.width, self.level = width, level
            self.window_changed.emit()

    def use_preset(self, name: str) -> None:
        self.set_window(*PRESETS[name])
        self.window_changed.emit()

    @property
    def window(self) -> Window:
        from ssc_hrct.gui.pixels import Window

        return Window(self.width, self.level)

    def _is_preset(self, name: str) -> bool:
        return (self.width, self.level) == PRESETS[name]

    @property
    def is_lung_window(self) -> bool:
        return self._is_preset("lung")

    @property
    def is_mediastinum_window(self) -> bool:
        return self._is_preset("mediastinum")

    @property
    def is_bone_window(self) -> bool:
        return self._is_preset("bone")

    @property
    def overlay_shown(self) -> bool:
        return self.overlay_on and not self.overlay_held and self.maps is not None

    def toggle_overlay(self) -> None:
        self.overlay_on = not self.overlay_on
        self.overlay_changed.emit()

    def hold_overlay(self, held: bool) -> None:
        if held != self.overlay_held:
            self.overlay_held = held
            self.overlay_changed.emit()

    def set_opacity(self, opacity: float) -> None:
        self.opacity = round(min(max(opacity, 0.05), 1.0), 2)
        self.overlay_changed.emit()

    def point_at_zone(self, zone: int) -> None:
        """Tint a zone while the mouse is over its row; 0: none."""
        if zone != self.pointed_zone:
            self.pointed_zone = zone
            self.overlay_changed.emit()

    def toggle_crosshair(self) -> None:
        self.crosshair_on = not self.crosshair_on
        self.layout_changed.emit()

    def set_layout(self, layout: str) -> None:
        """two: axial and coronal; one: axial; coronal: that alone."""
        self.layout = layout
        self.layout_changed.emit()

    @property
    def is_one(self) -> bool:
        return self.layout == "one"

    @property
    def is_two(self) -> bool:
        return self.layout == "two"

    def toggle_panels(self) -> None:
        self.panels_on = not self.panels_on
        self.layout_changed.emit()
