"""What is open and what is shown: one object with signals. Views read it and draw.

No widget is known here, and no number that leaves the program is computed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

from ssc_hrct.app.words import plural
from ssc_hrct.app.worker_client import ScoringWorker
from ssc_hrct.app.worker_messages import Answer, Event, Failed, Finished, Maps, Request, Stepped, Stopped
from ssc_hrct.core.errors import HrctError
from ssc_hrct.gui.backend import Backend
from ssc_hrct.gui.jobs import Jobs
from ssc_hrct.gui.looking import Looking
from ssc_hrct.gui.states import Doing, Message, Read, Scoring, left_out, nothing_found, why_not
from ssc_hrct.gui.words import visit_word

if TYPE_CHECKING:
    from ssc_hrct.app.listing import ListedSeries
    from ssc_hrct.app.opening import ListedExam, Listing
    from ssc_hrct.core.rows import Row
    from ssc_hrct.core.volume import Volume

ExamKey = tuple[str, int]
"""Study UID and `ListedExam.patient`: an exam, under whatever subject it is scored."""


class Session(Looking):
    """The state of the window. Each signal names what changed; views ask for the rest."""

    listing_changed = Signal()
    score_changed = Signal()
    fields_changed = Signal()
    doing_changed = Signal()
    message_changed = Signal()
    _worker_said = Signal(object)

    def __init__(self, backend: Backend | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.backend = backend or Backend()
        self.jobs = Jobs(self)
        self.message = Message()
        self.opening: Doing | None = None
        self.loading: Doing | None = None
        self.load_problem = Message()
        self.listing: Listing | None = None
        self.current = ""
        self.scoring: Scoring | None = None
        self.exporting = False
        self.rows: dict[ExamKey, Row] = {}  # the last score of an exam is the one that counts
        self._written: dict[ExamKey, tuple[Path, Row]] = {}  # where each was exported to
        self.reads: dict[str, Read] = {}
        self._demonstration: tuple[Path, Path] | None = None
        self._worker: ScoringWorker | None = None
        self._worker_said.connect(self._hear, Qt.ConnectionType.QueuedConnection)

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
        self._do_opening(Doing("Looking for DICOM files"))
        self.jobs.start(
            "open", lambda progress: self.backend.list_series(paths, progress), done=self._listed,
            failed=self._open_failed, stepped=self._opening_stepped, stopped=self._open_stopped,
        )

    def _do_opening(self, doing: Doing | None) -> None:
        self.opening = doing
        if doing is not None:
            self.say("")
        self.doing_changed.emit()

    def _opening_stepped(self, text: str, done: int, total: int) -> None:
        self._do_opening(Doing(text or "Looking for DICOM files", done, total))

    def _open_failed(self, problem: HrctError) -> None:
        self._do_opening(None)
        self.say(str(problem), "refused")

    def _open_stopped(self) -> None:
        self._do_opening(None)
        self.say("Opening was stopped.")

    def _listed(self, listing: Listing) -> None:
        self._do_opening(None)
        if not listing.exams:
            self.say(nothing_found(listing), "caution")
            return
        self.cancel_scoring(quiet=True)
        self.jobs.drop("load")
        self.jobs.drop("maps")
        self.listing, self.reads = listing, {}
        for exam in listing.exams:
            for listed in exam.series:
                self.reads[listed.key] = Read(exam.named.subject.id if exam.named else "", self._visit_of(listed))
        self.show_volume(None)
        self.current = ""
        self.listing_changed.emit()
        first = next((e.series[0] for e in listing.exams if not e.series[0].refused), listing.exams[0].series[0])
        self.select(first.key)
        self.say(left_out(listing), "caution")
        try:
            self._warm_worker()
        except HrctError as problem:
            self.say(str(problem), "refused")

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
            "load", lambda progress: self.backend.load(listed, progress), done=self._loaded,
            failed=self._load_failed, stepped=self._load_stepped,
        )
        self.fields_changed.emit()
        self.score_changed.emit()
        self.doing_changed.emit()

    def _load_stepped(self, text: str, done: int, total: int) -> None:
        self.loading = Doing(text or "Reading the slices", done, total)
        self.doing_changed.emit()

    def _load_failed(self, problem: HrctError) -> None:
        self.loading = None
        self.load_problem = Message(str(problem), "refused")
        self.doing_changed.emit()
        self.score_changed.emit()

    def _loaded(self, volume: Volume) -> None:
        self.loading = None
        self.show_volume(volume)
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

    # --- subject, visit, score -----------------------------------------------------------------

    def set_subject(self, text: str) -> None:
        if self.read is not None and self.read.subject != text:
            self.read.subject = text
            self._edited()

    def set_visit(self, text: str) -> None:
        if self.read is not None and self.read.visit != text:
            self.read.visit = text
            self._edited()

    def _edited(self) -> None:
        self.say("")  # what was said before gives way to what the fields need
        self.fields_changed.emit()

    def subject_problem(self) -> str:
        """Why the subject field cannot be used; empty where it can."""
        from ssc_hrct.app.identity import check_subject_id

        read, exam = self.read, self.exam
        if read is None or self.wants_pseudonym:
            return ""
        if not read.subject.strip() and self.listing is not None and exam is not None and exam.named is None:
            return self.listing.no_pseudonyms
        return why_not(lambda: check_subject_id(read.subject))

    @property
    def wants_pseudonym(self) -> bool:
        """Whether a score now would give the subject a pseudonym: nobody named it, and none is made yet."""
        read, exam = self.read, self.exam
        return (read is not None and not read.subject.strip() and exam is not None and exam.named is None
                and self.listing is not None and not self.listing.no_pseudonyms)

    def subject_note(self) -> str:
        """Quiet words under the subject: where a name comes from that the person did not type."""
        read, exam = self.read, self.exam
        if self.wants_pseudonym:
            return "A pseudonym, if left empty."
        named = exam.named if exam is not None else None
        if read is None or named is None or not named.subject.pseudonym or read.subject.strip() != named.subject.id:
            return ""
        return "A pseudonym of this exam alone." if named.findings else "A pseudonym of this patient."

    def _make_pseudonyms(self, listing: Listing) -> bool:
        """Name the nameless subjects of the list; whether that could be done. What stands against it is the hint."""
        self.listing, kept = self.backend.with_pseudonyms(listing)
        for before, exam in zip(listing.exams, self.listing.exams, strict=True):
            for listed in exam.series:
                if before.named is None and exam.named is not None and not self.reads[listed.key].subject.strip():
                    self.reads[listed.key].subject = exam.named.subject.id
        self.say(kept)
        self.fields_changed.emit()
        self.score_changed.emit()
        return not self.listing.no_pseudonyms

    def visit_problem(self) -> str:
        """Why the visit field cannot be used. An empty field means: not named."""
        from ssc_hrct.core.subject import read_visit

        if self.read is None or not self.read.visit.strip():
            return ""
        word = visit_word(self.read.visit)
        return why_not(lambda: read_visit(word))

    def hint(self) -> Message:
        """What to say of the fields where nothing else is to be said."""
        read, problem = self.read, self.subject_problem() or self.visit_problem()
        if problem or read is None:
            return Message(problem, "refused")
        if read.answer is not None:
            row, visit = read.answer.result.row, visit_word(read.visit) or "unscheduled"
            if (row["subject_id"], row["visit"]) != (read.subject.strip(), visit):
                return Message("Subject or visit were changed. Score again to write them.", "caution")
        elif not read.visit.strip() and self.volume is not None and self.scoring is None:
            return Message("Name the visit, or the score is kept as unscheduled.")
        return Message()

    def why_no_score(self) -> str:
        """Why Score cannot be pressed now, as a sentence; empty where it can."""
        if self.listed is None:
            return "Open a folder first."
        if self.listed.refused:
            return "This series cannot be scored."
        if self.scoring is not None:
            return "A scan is being scored."
        if self.volume is None:
            return self.load_problem.text or "The slices are being read."
        return self.subject_problem() or self.visit_problem()

    def score(self) -> None:
        """Ask the worker for a score of the shown series."""
        listed, read, listing = self.listed, self.read, self.listing
        if self.why_no_score() or listed is None or read is None or listing is None:
            return
        self.say("")
        if self.wants_pseudonym and not self._make_pseudonyms(listing):
            return
        request = Request(
            files=tuple(str(f) for f in listed.series.files),
            series_instance_uid=listed.facts.series_instance_uid,
            subject_id=read.subject.strip(),
            visit=visit_word(read.visit) or "unscheduled",
            findings=self._known(read),
            slices_sha256=listed.series.slices_sha256,
        )
        read.problem = Message()
        try:
            token = self._warm_worker().score(request)
        except HrctError as problem:
            read.problem = Message(str(problem), "refused")
        else:
            self.scoring = Scoring(self.current, token, Doing("Starting"))
        self.score_changed.emit()

    def _known(self, read: Read) -> tuple[tuple[str, str, str], ...]:
        """Findings on subject and visit, which no file can tell."""
        known = []
        named = self.exam.named if self.exam is not None else None
        if named is not None and read.subject.strip() == named.subject.id:
            known += [(f.code, f.level.value, f.detail) for f in named.findings]
        if not read.visit.strip():
            known.append(("VISIT_NOT_GIVEN", "caution", ""))
        return tuple(known)

    def cancel_scoring(self, *, quiet: bool = False) -> None:
        if self.scoring is not None and self._worker is not None:
            if quiet:
                self.scoring = None
            else:
                self.scoring = Scoring(self.scoring.key, self.scoring.token, Doing("Stopping"))
            self._worker.cancel()
            self.score_changed.emit()

    def _warm_worker(self) -> ScoringWorker:
        if self._worker is None:
            self._worker = self.backend.worker(self._worker_said.emit)
        self._worker.start()
        return self._worker

    @property
    def worker(self) -> ScoringWorker | None:
        return self._worker

    def _hear(self, event: Event) -> None:
        scoring = self.scoring
        if scoring is None or event.token != scoring.token:
            return  # late: of a scan that nobody waits for
        if isinstance(event, Stepped):
            self.scoring = Scoring(scoring.key, scoring.token, Doing(event.text, event.done, event.total))
            self.score_changed.emit()
            return
        self.scoring = None
        read = self.reads.get(scoring.key)
        if isinstance(event, Finished) and read is not None:
            read.answer = event.answer
            row = event.answer.result.row
            self._keep(scoring.key, row)
            if scoring.key == self.current:
                self._unpack_maps()
        elif isinstance(event, Failed) and read is not None:
            read.problem = Message(f"{event.sentence} {event.do}".strip(), "refused")
        elif isinstance(event, Stopped):
            self.say("Scoring was stopped; nothing was changed.")
        self.score_changed.emit()

    # --- export --------------------------------------------------------------------------------

    @property
    def unexported(self) -> int:
        """How many of the scores made here were not written to a table yet."""
        return sum(key not in self._written or self._written[key][1] is not row for key, row in self.rows.items())

    def _keep(self, series_key: str, row: Row) -> None:
        """The row of an exam in place of its earlier one, and of one that the table could not tell from it."""
        exam = self.listing.exam_of(series_key) if self.listing else None
        same = (row["subject_id"], row["study_instance_uid"])
        self.rows = {k: r for k, r in self.rows.items() if (r["subject_id"], r["study_instance_uid"]) != same}
        self.rows[same[1], exam.patient if exam else 0] = row

    def export(self, folder: Path) -> None:
        """Write all rows scored here to scores.csv in the folder."""
        rows = dict(self.rows)
        if not rows or self.exporting:
            return
        self.exporting = True
        self.score_changed.emit()
        self.jobs.start("export", lambda progress: self.backend.save(folder, tuple(rows.values()), progress),
                        done=lambda sentence: self._exported(folder, rows, sentence), failed=self._export_failed)

    def _exported(self, folder: Path, rows: dict[ExamKey, Row], sentence: str) -> None:
        self.exporting = False
        renamed = sum(key in self._written and self._written[key][0] == folder
                      and self._written[key][1]["subject_id"] != row["subject_id"] for key, row in rows.items())
        if renamed:
            sentence += f" {plural(renamed, 'row')} written before under another subject stayed in it."
        self._written |= {key: (folder, row) for key, row in rows.items()}
        self.say(sentence, "caution" if renamed else "ok")
        self.score_changed.emit()

    def _export_failed(self, problem: HrctError) -> None:
        self.exporting = False
        self.say(str(problem), "refused")
        self.score_changed.emit()

    def go_to_zone(self, zone: int, word: str) -> None:
        """Show the worst slice of a zone, as the worker found it."""
        if self.answer is not None and word in self.answer.worst:
            self.zone = zone
            self.set_z(self.answer.worst[word])
            self.score_changed.emit()

    def say(self, text: str, tone: str = "quiet") -> None:
        """Show one line at the foot of the window; an empty one clears it."""
        self.message = Message(text, tone)
        self.message_changed.emit()

    def close(self) -> None:
        """End jobs and worker; nothing is left running."""
        self.scoring = None
        if self._worker is not None:
            self._worker.close()
            self._worker = None
        self.jobs.close()
