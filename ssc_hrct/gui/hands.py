"""What each action does: one method for each `calls` of the table in `gui/actions.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from PySide6.QtWidgets import QFileDialog, QWidget

from ssc_hrct.gui.looking import OPACITY_STEP
from ssc_hrct.gui.session import Session


class Face(Protocol):
    """What the hands need of the window beyond the session."""

    def show_sheet(self, name: str) -> None: ...
    def close_sheet(self) -> bool: ...
    def switch_theme(self) -> None: ...
    def zoom_by(self, factor: float) -> None: ...
    def maximise_view(self) -> None: ...


class Hands:
    """Methods named in the table. Only choosing a folder or a file opens a dialog."""

    def __init__(self, session: Session, face: Face, window: QWidget) -> None:
        self.session, self._face, self._window = session, face, window
        self._last_folder = ""
        self.ask_folder: Callable[[str], str] = self._ask_folder
        self.ask_file: Callable[[str, str], str] = self._ask_file

    def _ask_folder(self, title: str) -> str:
        return QFileDialog.getExistingDirectory(self._window, title, self._last_folder)

    def _ask_file(self, title: str, kinds: str) -> str:
        return QFileDialog.getOpenFileName(self._window, title, self._last_folder, kinds)[0]

    def open_folder(self) -> None:
        chosen = self.ask_folder("Open a folder with DICOM files")
        if chosen:
            self._last_folder = chosen
            self.session.open_paths((Path(chosen),))

    def open_demonstration(self) -> None:
        self.session.open_demonstration()

    def export(self) -> None:
        if self.session.rows:
            chosen = self.ask_folder("Folder for scores.csv")
            if chosen:
                self.session.export(Path(chosen))

    def show_files(self) -> None:
        self._face.show_sheet("files")

    def choose_files_folder(self) -> None:
        chosen = self.ask_folder("Folder for files of other programs")
        if chosen:
            self.session.want_folder(Path(chosen))

    def give_lungs(self) -> None:
        chosen = self.ask_file("Lungs that another program outlined",
                               "Label maps (*.nii *.nii.gz *.nrrd *.nhdr *.dcm);;All files (*)")
        if chosen:
            self.session.use_lungs(Path(chosen))

    def find_lungs(self) -> None:
        self.session.use_lungs(None)

    def quit(self) -> None:
        self._window.close()

    def score(self) -> None:
        self.session.score()

    def cancel(self) -> None:
        """Esc closes a sheet first."""
        if not self._face.close_sheet():
            self.session.cancel_scoring()

    def window_lung(self) -> None:
        self.session.use_preset("lung")

    def window_mediastinum(self) -> None:
        self.session.use_preset("mediastinum")

    def window_bone(self) -> None:
        self.session.use_preset("bone")

    def toggle_overlay(self) -> None:
        self.session.toggle_overlay()

    def hold_overlay(self, held: bool = True) -> None:
        self.session.hold_overlay(held)

    def overlay_fainter(self) -> None:
        self.session.set_opacity(self.session.opacity - OPACITY_STEP)

    def overlay_stronger(self) -> None:
        self.session.set_opacity(self.session.opacity + OPACITY_STEP)

    def toggle_crosshair(self) -> None:
        self.session.toggle_crosshair()

    def layout_one(self) -> None:
        self.session.set_layout("one")

    def layout_two(self) -> None:
        self.session.set_layout("two")

    def layout_most(self) -> None:
        self._face.maximise_view()

    def zoom_in(self) -> None:
        self._face.zoom_by(1.2)

    def zoom_out(self) -> None:
        self._face.zoom_by(1 / 1.2)

    def zoom_fit(self) -> None:
        self._face.zoom_by(0.0)

    def toggle_panels(self) -> None:
        self.session.toggle_panels()

    def toggle_full_screen(self) -> None:
        if self._window.isFullScreen():
            self._window.showNormal()
        else:
            self._window.showFullScreen()

    def switch_theme(self) -> None:
        self._face.switch_theme()

    def slice_up(self) -> None:
        self.session.set_z(self.session.z + 1)

    def slice_down(self) -> None:
        self.session.set_z(self.session.z - 1)

    def slice_up_10(self) -> None:
        self.session.set_z(self.session.z + 10)

    def slice_down_10(self) -> None:
        self.session.set_z(self.session.z - 10)

    def slice_top(self) -> None:
        if self.session.volume is not None:
            self.session.set_z(self.session.volume.grid.shape[0] - 1)

    def slice_bottom(self) -> None:
        self.session.set_z(0)

    def show_keys(self) -> None:
        self._face.show_sheet("keys")

    def show_meaning(self) -> None:
        self._face.show_sheet("meaning")
