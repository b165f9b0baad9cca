"""The card of files for other programs: which formats each score also writes, where to, and whose lungs are used."""

from __future__ import annotations

from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from ssc_hrct.gui import words
from ssc_hrct.gui.hands import Hands
from ssc_hrct.gui.session import Session
from ssc_hrct.gui.views.parts import button, label


class FilesCard(QWidget):
    """Reads the session; the hands ask for folder and file."""

    def __init__(self, session: Session, hands: Hands) -> None:
        super().__init__()
        self.session = session
        self.setFixedWidth(600)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(label("Written each time a scan is scored, into the folder 'objects' of the one chosen here. "
                               "Scores themselves are written by Export CSV.", wrap=True))
        line = QHBoxLayout()
        self.folder = label(tone="quiet")
        self.folder.setMinimumWidth(10)
        self.choose = button("Choose folder…")
        self.choose.clicked.connect(hands.choose_files_folder)
        line.addWidget(self.folder, 1)
        line.addWidget(self.choose)
        column.addLayout(line)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(6)
        self.boxes: dict[str, QCheckBox] = {}
        for row, (name, title, what) in enumerate(words.FORMATS):
            box = QCheckBox(title)
            box.setAccessibleDescription(what)
            box.toggled.connect(lambda on, name=name: self._tick(name, on))
            grid.addWidget(box, row, 0)
            grid.addWidget(label(what, tone="quiet", wrap=True), row, 1)
            self.boxes[name] = box
        grid.setColumnStretch(1, 1)
        column.addLayout(grid)
        self.lacking = label(tone="caution", wrap=True)
        column.addWidget(self.lacking)
        column.addSpacing(8)
        column.addWidget(label("LUNGS OF ANOTHER PROGRAM", role="heading"))
        column.addWidget(label("A label map (NIfTI, NRRD) or a DICOM SEG of this scan, used in place of the lungs that "
                               "are found here when it is scored next.", wrap=True))
        line = QHBoxLayout()
        self.lungs = label(tone="quiet")
        self.give = button("Choose file…")
        self.give.clicked.connect(hands.give_lungs)
        self.own = button("Find them here again")
        self.own.clicked.connect(hands.find_lungs)
        line.addWidget(self.lungs, 1)
        line.addWidget(self.own)
        line.addWidget(self.give)
        column.addLayout(line)
        session.wanted_changed.connect(self._show)
        self._show()

    def _tick(self, name: str, on: bool) -> None:
        if on != (name in self.session.wanted.formats):
            self.session.want_format(name, on)

    def _show(self) -> None:
        wanted, read, listed = self.session.wanted, self.session.read, self.session.listed
        folder = str(wanted.folder) if wanted.folder is not None else "No folder is chosen yet."
        self.folder.setText(folder)
        self.folder.setToolTip(folder)
        for name, box in self.boxes.items():
            box.setEnabled(wanted.folder is not None)
            box.setChecked(name in wanted.formats)
        self.lacking.setText(self.session.backend.missing_for(wanted.formats, listed) if listed is not None else "")
        self.lacking.setVisible(bool(self.lacking.text()))
        given = read is not None and read.lungs is not None
        self.lungs.setText("A file is chosen for this scan." if given else "Found by the program.")
        self.own.setVisible(given)
        self.give.setEnabled(listed is not None and not listed.refused)
