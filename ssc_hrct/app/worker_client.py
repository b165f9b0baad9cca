"""The window's side of the scoring worker: starts it, asks it, cancels it, and starts another when it dies.

Messages are read in a thread of the client's own; events are handed to a callback there. Nothing of Qt.
"""

from __future__ import annotations

import json
import multiprocessing
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from ssc_hrct.app import worker
from ssc_hrct.app.worker_messages import (
    MAPS,
    Answer,
    Event,
    Failed,
    Finished,
    Request,
    Stepped,
    Stopped,
    StoredMaps,
    send,
)
from ssc_hrct.core.errors import HrctError

Serve = Callable[[Connection], None]
_TRIES = 2
"""Starts in a row that may fail before the client stops trying by itself."""


class ScoringWorker:
    """Client of one worker process; starts another when it dies or has to be killed.

    on_event is called from the client's own thread, one call at a time. One scan at a time: `score`
    while another runs cancels that one first.
    """

    def __init__(
        self, on_event: Callable[[Event], None], *, serve: Serve = worker.serve, patience_s: float = 2.0
    ) -> None:
        self._on_event, self._serve, self._patience_s = on_event, serve, patience_s
        self._lock = threading.RLock()
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._watcher: threading.Thread | None = None
        self._last_token = 0
        self._token = 0  # of the running scan; 0: idle
        self._waiting: tuple[int, Request] | None = None
        self._out: Path | None = None
        self._deadline: float | None = None
        self._ready = False
        self._closed = False

    @property
    def busy(self) -> bool:
        return bool(self._token or self._waiting)

    @property
    def pid(self) -> int | None:
        """Process id of the worker, for tests and support."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process where none runs; returns at once, the process gets warm by itself.

        Raises HrctError where the computer lets no process start.
        """
        with self._lock:
            if self._closed or (self._watcher is not None and self._watcher.is_alive()):
                return
            self._launch()
            self._watcher = threading.Thread(target=self._watch, name="scoring-worker", daemon=True)
            self._watcher.start()

    def score(self, request: Request) -> int:
        """Ask for a score; returns its token, which every event about it carries.

        Raises HrctError where the question cannot be put; nothing is running then.
        """
        self.start()
        with self._lock:
            self._last_token += 1
            if self._token:
                self.cancel()
                self._waiting = (self._last_token, request)
            elif self._connection is None:  # the process has died, and the watcher is about to start another
                self._waiting = (self._last_token, request)
            else:
                self._submit(self._last_token, request)
            return self._last_token

    def cancel(self) -> None:
        """Ask to stop. Where that is not heard in time, the process is killed and another started."""
        with self._lock:
            dropped, self._waiting = self._waiting, None
            if self._token and self._deadline is None:
                self._deadline = time.monotonic() + self._patience_s
                self._tell(ask="cancel")
        if dropped is not None:
            self._on_event(Stopped(dropped[0]))

    def close(self) -> None:
        """End the process and the client's thread, and remove what was left on disk."""
        with self._lock:
            self._closed = True
            self._waiting = None
            self._tell(ask="stop")
            hears = self._ready and not self._token
            process, watcher = self._process, self._watcher
        if process is not None:
            process.join(0.5 if hears else 0.0)
            if process.is_alive():
                process.kill()
            process.join(5.0)
        if watcher is not None and watcher is not threading.current_thread():
            watcher.join(5.0)
        self._clear_out()

    def _launch(self) -> None:
        context = multiprocessing.get_context("spawn")
        try:
            ours, theirs = context.Pipe(duplex=True)
            process = context.Process(target=self._serve, args=(theirs,), name="ssc-hrct-scoring", daemon=True)
            process.start()
        except OSError as problem:
            raise HrctError(
                "NO_PROCESS", f"The scoring process could not be started ({problem.strerror}).",
                "Close other programs and score again.",
            ) from problem
        theirs.close()
        self._process, self._connection = process, ours

    def _submit(self, token: int, request: Request) -> None:
        try:
            self._out = Path(tempfile.mkdtemp(prefix="ssc-hrct-"))
            (self._out / "request.json").write_text(json.dumps(asdict(request)), encoding="utf-8")
        except OSError as problem:
            self._clear_out()
            raise HrctError(
                "NO_TEMPORARY_FILES", f"No temporary file can be written on this computer ({problem.strerror}).",
                "Free some space on the disk and score again; nothing was changed.",
            ) from problem
        self._token, self._deadline = token, None
        self._tell(ask="score", token=token, out=str(self._out))

    def _tell(self, **message: Any) -> None:
        if self._connection is not None:
            try:
                send(self._connection, **message)
            except OSError:
                pass  # the process has ended; the watcher sees that and says so

    def _watch(self) -> None:
        """The client's thread: passes on what the worker says, kills it when it does not listen."""
        failed_starts = 0
        while True:
            process, connection = self._process, self._connection
            if process is None or connection is None:
                return
            self._ready = False
            self._listen(process, connection)
            self._bury(process, connection)
            with self._lock:
                asked = self._deadline is not None
                failed_starts = 0 if self._ready or asked else failed_starts + 1
                events = self._replace(asked, failed_starts)
                going_on = self._connection is not None
                if not going_on:
                    self._watcher = None  # the next score starts anew
            for event in events:  # only now: who hears one of them may ask for the next score at once
                self._on_event(event)
            if not going_on:
                return

    def _listen(self, process: SpawnProcess, connection: Connection) -> None:
        """Until the process has died or does not listen."""
        while True:
            heard = wait([connection, process.sentinel], timeout=0.1 if self._token else 0.5)
            if connection in heard:
                try:
                    message = json.loads(connection.recv_bytes())
                except (EOFError, OSError):
                    return
                self._ready = True
                if message["say"] != "ready":
                    self._hear(message)
            elif heard or self._overdue():
                return

    def _replace(self, asked: bool, failed_starts: int) -> list[Event]:
        """After a death: free what ran, start another process and hand it what waits. Under the lock.

        Returns what is to be said once the lock is free.
        """
        token = self._token
        self._free()
        if self._closed:
            return []
        events: list[Event] = []
        if token:
            events.append(Stopped(token) if asked else Failed(
                token, "The scoring process ended before it was done. The scan is unchanged.",
                "Score it again; where it happens twice, close other programs to free memory.", died=True,
            ))
        problem = HrctError("NO_PROCESS", "The scoring process cannot be started.", "Restart the program.")
        if failed_starts < _TRIES:
            try:
                self._launch()
            except HrctError as refused:
                problem = refused
        if self._connection is not None:
            events += self._hand_over()
        elif self._waiting is not None:
            events.append(Failed(self._waiting[0], problem.sentence, problem.do))
            self._waiting = None
        return events

    def _hand_over(self) -> list[Event]:
        """Give the process what waits; where that cannot be, what is to be said of it. Under the lock."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not self._closed:
            try:
                self._submit(*waiting)
            except HrctError as problem:
                return [Failed(waiting[0], problem.sentence, problem.do)]
        return []

    def _overdue(self) -> bool:
        return self._deadline is not None and time.monotonic() > self._deadline

    def _bury(self, process: SpawnProcess, connection: Connection) -> None:
        """The process is dead or does not listen: end it. From now on nothing is sent to it; what comes waits."""
        with self._lock:
            self._connection = None
        if process.is_alive():
            process.join(0.2)
        if process.is_alive():
            process.kill()
        process.join(5.0)
        connection.close()

    def _hear(self, message: Mapping[str, Any]) -> None:
        token = int(message["token"])
        if token != self._token:
            return
        if message["say"] == "step":
            if self._deadline is None:
                self._on_event(Stepped(token, message["text"], message["done"], message["total"]))
            return
        event: Event
        if message["say"] == "done" and self._deadline is None:
            event = self._finished(token, message)
        elif message["say"] == "failed" and self._deadline is None:
            event = Failed(token, message["sentence"], message["do"])
        else:
            event = Stopped(token)
        with self._lock:
            self._free()
            more = self._hand_over()
        for each in (event, *more):
            self._on_event(each)

    def _finished(self, token: int, message: Mapping[str, Any]) -> Event:
        from ssc_hrct.app.result import from_json

        out = self._out or Path()
        try:
            result = from_json((out / "result.json").read_text(encoding="utf-8"))
            shape: Sequence[int] | None = message["shape"]
            maps = None
            if shape is not None:
                z, y, x = shape
                maps = StoredMaps((z, y, x), {name: (out / f"{name}.zst").read_bytes() for name in MAPS})
            written = int(message.get("files", 0)), tuple(message.get("problems", ()))
            return Finished(token, Answer(result, maps, dict(message["worst"]), *written))
        except (OSError, ValueError, KeyError):
            return Failed(token, "The result of the scoring could not be read back.", "Score it again.")

    def _free(self) -> None:
        self._token, self._deadline = 0, None
        self._clear_out()

    def _clear_out(self) -> None:
        if self._out is not None:
            shutil.rmtree(self._out, ignore_errors=True)
            self._out = None
