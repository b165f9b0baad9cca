"""What is open and which series is shown: finding, choosing and loading. The part of the session before any score."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from ssc_hrct.core.errors import HrctError
from ssc_hrct.gui.backend import Backend
from ssc_hrct.gui.jobs import Jobs
from ssc_hrct.gui.looking import Looking
from ssc_hrct.gui.states import Doing, Message, Read, left_out, nothing_found

if TYPE_CHECKING:
    from ssc_hrct.app.listing import ListedSeries
    from ssc_hrct.app.opening import ListedExam, Listing
    from ssc_hrct.app.worker_messages import Answer, Maps
    from ssc_hrct.core.volume import Volume


class Opened(Looking):
    """State of the list and of the series that is shown. Each signal names what changed."""

    listing_changed = Signal()
    arriving_changed = Signal()
    score_changed = Signal()
    fields_changed = Signal()
    doing_changed = Signal()
    message_changed = Signal()

    def __init__(self, backend: Backend | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.backend = backend or Backend()
        self.jobs = Jobs(self)
        self.message = Message()
        self.opening: Doing | None = None
        self.loading: Doing | None = None
        self.load_problem = Message()
        self.listing: Listing | None = None
        self.arriving: Listing | None = None
        """What is known of a folder while it is looked through; None where nothing is being opened."""
        self.current = ""
        self.reads: dict[str, Read] = {}
        self._demonstration: tuple[Path, Path] | None = None

    # --- opening -------------------------------------------------------------------------------

    def prefetch(self) -> None:
        self.jobs.start("prefetch", self.backend.prefetch)

    def open_paths(self, paths: Sequence[Path]) -> None:
        """List what is in folders or files. What was open stays until the list is there."""
        self._demonstration = None
        self._list(tuple(paths))

    def open_demonstration(self) -> None:
        """Make the demonstration subject where it is not there yet, and open it."""
        self._do_opening(Doing("Making the demonstration subject"))
        self.jobs.start(
            "open", self.backend.make_demonstration, done=self._demonstration_made, failed=self._open_failed,
            stepped=self._opening_stepped, stopped=self._open_stopped,
        )

    def cancel_opening(self) -> None:
        self.jobs.cancel("open")

    def _demonstration_made(self, folders: tuple[Path, Path]) -> None:
        self._demonstration = folders
        self._list(folders)

    def _list(self, paths: tuple[Path, ...]) -> None:
        self._arrived(None)
        self._do_opening(Doing("Looking for DICOM files"))
        self.jobs.start(
            "open", lambda job: self.backend.list_series(paths, job, job.show), done=self._listed,
            failed=self._open_failed, stepped=self._opening_stepped, stopped=self._open_stopped, shown=self._arrived,
        )

    def _arrived(self, listing: Listing | None) -> None:
        """What is known of the folder so far; None: nothing is being opened any more."""
        if listing is not self.arriving:
            self.arriving = listing
            self.arriving_changed.emit()

    def _do_opening(self, doing: Doing | None) -> None:
        self.opening = doing
        if doing is not None:
            self.say("")
        self.doing_changed.emit()

    def _opening_stepped(self, text: str, done: int, total: int) -> None:
        self._do_opening(Doing(text or "Looking for DICOM files", done, total))

    def _open_failed(self, problem: HrctError) -> None:
        self._do_opening(None)
        self._arrived(None)
        self.say(str(problem), "refused")

    def _open_stopped(self) -> None:
        self._do_opening(None)
        self._arrived(None)
        self.say("Opening was stopped.")

    def _listed(self, listing: Listing) -> None:
        self._do_opening(None)
        if not listing.exams:
            self._arrived(None)
            self.say(nothing_found(listing), "caution")
            return
        self._forget_scoring()
        self.jobs.drop("load")
        self.jobs.drop("maps")
        self.listing, self.arriving, self.reads = listing, None, {}
        for exam in listing.exams:
            for listed in exam.series:
                self.reads[listed.key] = Read(exam.named.subject.id if exam.named else "", self._visit_of(listed))
        self.show_volume(None)
        self.current = ""
        self.listing_changed.emit()
        first = next((e.series[0] for e in listing.exams if not e.series[0].refused), listing.exams[0].series[0])
        self.select(first.key)
        self.say(left_out(listing), "caution")
        self._get_ready()

    def _visit_of(self, listed: ListedSeries) -> str:
        """Visits of the demonstration are known; of others nothing is guessed."""
        if self._demonstration is None or not listed.series.files:
            return ""
        baseline, followup = self._demonstration
        file = listed.series.files[0]
        if file.is_relative_to(baseline):
            return "Baseline"
        return "Week 48" if file.is_relative_to(followup) else ""

    # --- one series ----------------------------------------------------------------------------

    @property
    def listed(self) -> ListedSeries | None:
        return self.listing.series(self.current) if self.listing else None

    @property
    def exam(self) -> ListedExam | None:
        return self.listing.exam_of(self.current) if self.listing else None

    @property
    def read(self) -> Read | None:
        return self.reads.get(self.current)

    @property
    def answer(self) -> Answer | None:
        return self.read.answer if self.read else None

    def select(self, key: str) -> None:
        """Show one series of the list; loading it is a job."""
        listed = self.listing.series(key) if self.listing else None
        if listed is None or key == self.current:
            return
        self.current = key
        self.say("")
        self.show_volume(None)
        self.load_problem = Message()
        self.loading = Doing("Reading the slices")
        self.jobs.drop("maps")
        self.jobs.start(
            "load", lambda job: self.backend.load(listed, job, job.show), done=self._loaded,
            failed=self._load_failed, stepped=self._load_stepped, shown=self._load_begun,
        )
        self.fields_changed.emit()
        self.score_changed.emit()
        self.doing_changed.emit()

    def _load_stepped(self, text: str, done: int, total: int) -> None:
        self.loading = Doing(text or "Reading the slices", done, total)
        if self.volume is not None:
            self.pixels_changed.emit()
        self.doing_changed.emit()

    def _load_begun(self, volume: Volume) -> None:
        """The middle slice is there; the others come into the same volume."""
        self.show_volume(volume)

    def _load_failed(self, problem: HrctError) -> None:
        self.loading = None
        self.show_volume(None)
        self.load_problem = Message(str(problem), "refused")
        self.doing_changed.emit()
        self.score_changed.emit()

    def _loaded(self, volume: Volume) -> None:
        self.loading = None
        self.show_volume(volume, stay=True)
        self.doing_changed.emit()
        self.score_changed.emit()
        self._unpack_maps()

    def _unpack_maps(self) -> None:
        """Bring the overlay of the shown scan up, if its score belongs to just these slices."""
        answer, volume = self.answer, self.volume
        if answer is None or answer.maps is None or volume is None:
            return
        stored = answer.maps
        if answer.result.sop_sha256 != self.backend.frames_sha256(volume) or stored.shape != volume.grid.shape:
            self.say("The files changed while the scan was scored. Open the folder again and score it once more.",
                     "refused")
            return
        self.jobs.start("maps", lambda _: stored.read(), done=self._maps_read,
                        failed=lambda problem: self.say(str(problem), "refused"))

    def _maps_read(self, maps: Maps) -> None:
        self.maps = maps
        self.overlay_changed.emit()
        self.score_changed.emit()

    # --- words and hooks -----------------------------------------------------------------------

    def say(self, text: str, tone: str = "quiet") -> None:
        """Show one line at the foot of the window; an empty one clears it."""
        self.message = Message(text, tone)
        self.message_changed.emit()

    def _forget_scoring(self) -> None:
        """Another list comes: what is being scored is of no use."""

    def _get_ready(self) -> None:
        """A list has come: scoring may be asked for soon."""
