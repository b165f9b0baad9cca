"""The state of the window in one object with signals: what is open, what is shown, scored and written. Views draw it.

No widget is known here, and no number that leaves the program is computed here.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

from ssc_hrct.app.words import plural
from ssc_hrct.app.worker_client import ScoringWorker
from ssc_hrct.app.worker_messages import Answer, Event, Failed, Finished, Request, Stepped, Stopped
from ssc_hrct.core.errors import HrctError
from ssc_hrct.gui.backend import Backend
from ssc_hrct.gui.opened import Opened
from ssc_hrct.gui.states import Doing, Message, Read, Scoring, Wanted, why_not
from ssc_hrct.gui.words import visit_word

if TYPE_CHECKING:
    from ssc_hrct.app.opening import Listing
    from ssc_hrct.core.rows import Row

ExamKey = tuple[str, int]
"""Study UID and `ListedExam.patient`: an exam, under whatever subject it is scored."""


class Session(Opened):
    """The state of the window. Each signal names what changed; views ask for the rest."""

    wanted_changed = Signal()
    _worker_said = Signal(object)

    def __init__(self, backend: Backend | None = None, parent: QObject | None = None) -> None:
        super().__init__(backend, parent)
        self.scoring: Scoring | None = None
        self.wanted = Wanted()
        self.exporting = False
        self.rows: dict[ExamKey, Row] = {}  # the last score of an exam is the one that counts
        self._written: dict[ExamKey, tuple[Path, Row]] = {}  # where each was exported to
        self._worker: ScoringWorker | None = None
        self._worker_said.connect(self._hear, Qt.ConnectionType.QueuedConnection)

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
        elif self.listed is not None and self.listed.refused:
            return Message()
        elif not read.visit.strip() and self.volume is not None and self.scoring is None:
            return Message("Name the visit, or the score is kept as unscheduled.")
        lacking = self.backend.missing_for(self.wanted.formats, self.listed) if self.listed else ""
        return Message(lacking, "caution" if lacking else "quiet")

    def why_no_score(self) -> str:
        """Why Score cannot be pressed now, as a sentence; empty where it can."""
        if self.listed is None:
            return "Open a folder first."
        if self.listed.refused:
            return "This series cannot be scored."
        if self.scoring is not None:
            return "A scan is being scored."
        if self.volume is None or self.loading is not None:
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
            formats=self.wanted.formats,
            folder=str(self.wanted.folder or ""),
            lungs=str(read.lungs or ""),
        )
        read.problem = Message()
        try:
            token = self._warm_worker().score(request)
        except HrctError as problem:
            read.problem = Message(str(problem), "refused")
        else:
            self.scoring = Scoring(self.current, token, Doing("Starting"), self.wanted.folder)
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

    # --- files beside the score ----------------------------------------------------------------

    def want_format(self, name: str, on: bool) -> None:
        """Write this format with each score from now on, or no more."""
        formats = tuple(f for f in self.wanted.formats if f != name)
        self.wanted = Wanted((*formats, name) if on else formats, self.wanted.folder)
        self.wanted_changed.emit()
        self.score_changed.emit()

    def want_folder(self, folder: Path) -> None:
        """Where these files go."""
        self.wanted = Wanted(self.wanted.formats, folder)
        self.wanted_changed.emit()

    def use_lungs(self, file: Path | None) -> None:
        """Score the shown scan with the lungs of another program; None: with those that are found here."""
        if self.read is not None:
            self.read.lungs = file
            self.say("The lungs are taken from the file when this scan is scored." if file
                     else "The lungs are found by the program again.")
            self.wanted_changed.emit()
            self.score_changed.emit()

    def cancel_scoring(self, *, quiet: bool = False) -> None:
        if self.scoring is not None and self._worker is not None:
            if quiet:
                self.scoring = None
            else:
                self.scoring = replace(self.scoring, doing=Doing("Stopping"))
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
            self.scoring = replace(scoring, doing=Doing(event.text, event.done, event.total))
            self.score_changed.emit()
            return
        self.scoring = None
        read = self.reads.get(scoring.key)
        if isinstance(event, Finished) and read is not None:
            read.answer = event.answer
            row = event.answer.result.row
            self._say_written(event.answer, scoring.folder)
            self._keep(scoring.key, row)
            if scoring.key == self.current:
                self._unpack_maps()
        elif isinstance(event, Failed) and read is not None:
            read.problem = Message(f"{event.sentence} {event.do}".strip(), "refused")
        elif isinstance(event, Stopped):
            self.say("Scoring was stopped. Files that were written already stay." if self.wanted.formats
                     else "Scoring was stopped; nothing was changed.")
        self.score_changed.emit()

    def _say_written(self, answer: Answer, folder: Path | None) -> None:
        if answer.problems:
            self.say(" ".join(answer.problems), "refused")
        elif answer.files:
            self.say(f"{plural(answer.files, 'file')} for other programs written to '{folder}'.", "ok")

    def _forget_scoring(self) -> None:
        self.cancel_scoring(quiet=True)

    def _get_ready(self) -> None:
        try:
            self._warm_worker()
        except HrctError as problem:
            self.say(str(problem), "refused")

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

    def close(self) -> None:
        """End jobs and worker; nothing is left running."""
        self.scoring = None
        if self._worker is not None:
            self._worker.close()
            self._worker = None
        self.jobs.close()
