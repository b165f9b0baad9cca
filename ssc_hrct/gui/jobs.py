"""Work that takes over 50 ms: threads with cancel, progress and tokens, so that the window never waits.

A job is a function of its inputs with `progress`, which the job is itself. Results arrive in the window's
thread. One job of a kind at a time: starting another drops the earlier one, whose late result is never shown.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from ssc_hrct.app.log import log_bug
from ssc_hrct.core.errors import Cancelled, HrctError

_REPORT_EVERY_S = 0.05

Work = Callable[["Job"], Any]
FAULT = HrctError(
    "INTERNAL_ERROR", "The program failed here. This is a fault of the program.",
    "Send the log to the maintainers; nothing was changed.",
)


@dataclass(eq=False)
class Job:
    """One piece of work. Also the `Progress` that the work reports to."""

    kind: str
    done: Callable[[Any], None]
    failed: Callable[[HrctError], None]
    stepped: Callable[[str, int, int], None]
    stopped: Callable[[], None]
    shown: Callable[[Any], None]
    emit: Callable[[Job, str, object], None]
    cancelled: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None
    _next: float = 0.0
    _text: str = ""

    def step(self, text: str, done: int = 0, total: int = 0) -> None:
        if self.cancelled.is_set():
            raise Cancelled
        now = time.monotonic()
        if text != self._text or now >= self._next:
            self._text, self._next = text, now + _REPORT_EVERY_S
            self.emit(self, "stepped", (text, done, total))

    def show(self, value: object) -> None:
        """Hand something to look at to the window while the work goes on."""
        if self.cancelled.is_set():
            raise Cancelled
        self.emit(self, "shown", value)

    def run(self, work: Work) -> None:
        """In the job's own thread."""
        try:
            self.step("")
            result = work(self)
        except Cancelled:
            self.emit(self, "stopped", None)
        except HrctError as problem:
            self.emit(self, "failed", problem)
        except MemoryError:
            self.emit(self, "failed", HrctError("NO_MEMORY", "There is not enough memory for this.",
                                                "Close other programs and try again."))
        except Exception as problem:  # noqa: BLE001 - the window's edge: told plainly, logged without values
            log_bug(problem, "a job of the window failed")
            self.emit(self, "failed", FAULT)
        else:
            self.emit(self, "done", result)


def _nothing(*_: object) -> None:
    return None


class Jobs(QObject):
    """Starts jobs and brings their results into the thread that made this object."""

    _happened = Signal(object, str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._current: dict[str, Job] = {}
        self._running: list[Job] = []
        self._happened.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def start(
        self,
        kind: str,
        work: Work,
        *,
        done: Callable[[Any], None] = _nothing,
        failed: Callable[[HrctError], None] = _nothing,
        stepped: Callable[[str, int, int], None] = _nothing,
        stopped: Callable[[], None] = _nothing,
        shown: Callable[[Any], None] = _nothing,
    ) -> None:
        """Run `work(job)` in a thread; an earlier job of this kind is dropped."""
        self.drop(kind)
        job = Job(kind, done, failed, stepped, stopped, shown, self._emit)
        job.thread = threading.Thread(target=job.run, args=(work,), name=f"job-{kind}", daemon=True)
        self._current[kind] = job
        self._running.append(job)
        job.thread.start()

    def running(self, kind: str) -> bool:
        return kind in self._current

    def cancel(self, kind: str) -> None:
        """Ask the job to stop; `stopped` is called when it has."""
        if kind in self._current:
            self._current[kind].cancelled.set()

    def drop(self, kind: str) -> None:
        """Ask the job to stop and forget it: nothing of it arrives any more."""
        job = self._current.pop(kind, None)
        if job is not None:
            job.cancelled.set()

    def close(self) -> None:
        """Drop all jobs and wait for their threads."""
        for kind in tuple(self._current):
            self.drop(kind)
        for job in self._running:
            if job.thread is not None:
                job.thread.join(10.0)
        self._running.clear()

    def _emit(self, job: Job, what: str, value: object) -> None:
        try:
            self._happened.emit(job, what, value)
        except RuntimeError:
            pass  # the window is gone

    def _deliver(self, job: Job, what: str, value: Any) -> None:
        current = self._current.get(job.kind) is job
        if what not in ("stepped", "shown"):
            if job in self._running:
                self._running.remove(job)
            if current:
                del self._current[job.kind]
        if not current:
            return
        if what == "stepped":
            if not job.cancelled.is_set():
                job.stepped(*value)
        elif what == "shown":
            if not job.cancelled.is_set():
                job.shown(value)
        elif what == "stopped" or job.cancelled.is_set():
            job.stopped()
        elif what == "failed":
            job.failed(value)
        else:
            job.done(value)
