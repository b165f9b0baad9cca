"""Made-up listings and use cases, so that the window can be driven without files and engine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path

from ssc_hrct.app.identity import Named, Source
from ssc_hrct.app.listing import ListedSeries
from ssc_hrct.app.opening import ListedExam, Listing
from ssc_hrct.app.result import frames_sha256
from ssc_hrct.app.worker_client import ScoringWorker
from ssc_hrct.app.worker_messages import Event, Request
from ssc_hrct.core.acquisition import Acquisition, SeriesKind
from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.findings import Finding, caution, refusal
from ssc_hrct.core.progress import Progress
from ssc_hrct.core.rows import Row
from ssc_hrct.core.subject import Identity, Subject
from ssc_hrct.core.volume import Volume
from ssc_hrct.gui.backend import Backend
from tests.gui.chests import chest, facts
from tests.gui.serving import serve_at_once


@dataclass(frozen=True)
class FakeSeries:
    """Stands for `dicom.Series`."""

    acquisition: Acquisition
    files: tuple[Path, ...] = ()
    identity: Identity = field(default_factory=lambda: Identity(patient_id="MRN-1"))
    slices_sha256: str = "made up"


def listed(key: str, acquisition: Acquisition, *findings: Finding, chosen: bool = True, why: str = "") -> ListedSeries:
    files = (Path("/made/up") / f"{acquisition.series_instance_uid}.dcm",)
    return ListedSeries(key, FakeSeries(acquisition, files), findings, chosen, why)  # type: ignore[arg-type]


def exam(number: int, *series: ListedSeries, subject: str = "0007") -> ListedExam:
    return ListedExam(f"1.2.{number}", Named(Subject(subject), Source.GIVEN), tuple(series))


def nameless_listing() -> Listing:
    """The usual one on a computer that has no secret yet: only a pseudonym could name the subjects."""
    every = usual_listing()
    return replace(every, exams=tuple(replace(each, named=None) for each in every.exams))


def usual_listing() -> Listing:
    """One exam: the scan, a thick one, a scout; and an exam with a scout alone."""
    scout = facts("1.2.3.3", kind=SeriesKind.LOCALIZER, slices=1, slice_thickness_mm=None, kernel=None)
    return Listing((
        exam(3, listed("0.0", facts()),
             listed("0.1", facts("1.2.3.2", slice_thickness_mm=5.0, kernel="STANDARD"), caution("THICK_SLICES", "5 mm"),
                    chosen=False, why="A thinner series is there."),
             listed("0.2", scout, refusal("LOCALIZER"), chosen=False, why="This is a localizer.")),
        exam(4, listed("1.0", facts("1.2.4.1", study_instance_uid="1.2.4", kind=SeriesKind.LOCALIZER, slices=1,
                                    slice_thickness_mm=None, kernel=None, scan_date="2025-02-01"),
                       refusal("LOCALIZER"))),
    ), files=400, not_dicom=3, damaged=0)


@dataclass
class FakeBackend(Backend):
    """Use cases of the made-up chest. gates: a test may hold a step until it sets the event."""

    listing: Listing | HrctError = field(default_factory=usual_listing)
    serve: Callable[[Connection], None] = serve_at_once
    patience_s: float = 2.0
    gates: dict[str, threading.Event] = field(default_factory=dict)
    saved: list[tuple[Path, tuple[Row, ...]]] = field(default_factory=list)
    save_problem: HrctError | None = None
    load_problem: HrctError | None = None
    opened: list[tuple[Path, ...]] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    sha256: str = ""
    lacking: str = ""
    warm: bool = False
    arriving: Listing | None = None
    begin: bool = False

    def _wait(self, name: str, progress: Progress) -> None:
        gate = self.gates.get(name)
        while gate is not None and not gate.wait(0.01):
            progress.step(f"Waiting at {name}", 1, 2)

    def prefetch(self, progress: Progress) -> None:
        return None

    def list_series(self, paths: Sequence[Path], progress: Progress, so_far: Callable[[Listing], None]) -> Listing:
        self.opened.append(tuple(paths))
        if self.arriving is not None:
            so_far(self.arriving)
        self._wait("list", progress)
        if isinstance(self.listing, HrctError):
            raise self.listing
        return self.listing

    def load(self, series: ListedSeries, progress: Progress, early: Callable[[Volume], None]) -> Volume:
        self.loaded.append(series.key)
        if self.begin:
            early(chest(series.facts).volume)
        self._wait(f"load {series.key}", progress)
        if self.load_problem is not None:
            raise self.load_problem
        return chest(series.facts).volume

    def missing_for(self, formats: Sequence[str], listed: ListedSeries) -> str:
        return self.lacking if formats else ""

    def frames_sha256(self, volume: Volume) -> str:
        return self.sha256 or frames_sha256(volume.source)

    def make_demonstration(self, progress: Progress) -> tuple[Path, Path]:
        self._wait("demonstration", progress)
        return Path("/made/up"), Path("/made/later")

    def save(self, folder: Path, rows: Sequence[Row], progress: Progress) -> str:
        self._wait("save", progress)
        if self.save_problem is not None:
            raise self.save_problem
        self.saved.append((folder, tuple(rows)))
        return f"{len(rows)} rows written to scores.csv."

    def worker(self, on_event: Callable[[Event], None]) -> ScoringWorker:
        kind = ScoringWorker if self.warm else _AtNeed
        return kind(on_event, serve=self.serve, patience_s=self.patience_s)


class _AtNeed(ScoringWorker):
    """Starts its process with the first score: most tests need none, and a process costs a second."""

    wanted = False

    def start(self) -> None:
        if self.wanted:
            super().start()

    def score(self, request: Request) -> int:
        self.wanted = True
        return super().score(request)
