"""One warm process that scores for the window, and the client that speaks to it.

In: a request (files of one series, subject, visit). Out: the JSON form of the score
(`app/result.py`) and the label maps, zstd-compressed. The process reads the DICOM again, so nothing
is shared with the window and nothing leaks when it is killed. It is started by `spawn`; `serve` is
at the top of this module so that it can be found in a frozen build. Messages on the pipe are short
JSON texts; long things go through files in a temporary folder that the client removes.

At module level this file imports the standard library alone: the window starts it without waiting.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssc_hrct.app.log import log_bug, start_log
from ssc_hrct.core.errors import Cancelled, HrctError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ssc_hrct.app.result import Result
    from ssc_hrct.app.score import Scored

MAPS = ("regions", "patterns", "zones")
"""Label maps that come back, uint8 [z, y, x], one zstd frame each."""
_REPORT_EVERY_S = 0.1
_TRIES = 2
"""Starts in a row that may fail before the client stops trying by itself."""


@dataclass(frozen=True, slots=True)
class Request:
    """files: of one series. findings: (code, level, detail) of what is known before (subject, visit)."""

    files: tuple[str, ...]
    series_instance_uid: str
    subject_id: str
    visit: str
    findings: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Maps:
    """uint8 [z, y, x] on the volume's grid: `Region`, `Pattern` and `Zone` per voxel; read-only."""

    regions: NDArray[np.uint8]
    patterns: NDArray[np.uint8]
    zones: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class StoredMaps:
    """The maps as zstd frames (about 1 MB a scan), kept while another scan is shown."""

    shape: tuple[int, int, int]
    frames: Mapping[str, bytes]

    def read(self) -> Maps:
        """Unpack; about 0.1 s a map. Raises HrctError(BAD_MAPS) where a frame is not whole."""
        import numpy as np
        import zstandard

        arrays = []
        voxels = int(np.prod(self.shape))
        for name in MAPS:
            try:
                data = zstandard.ZstdDecompressor().decompress(self.frames[name], max_output_size=voxels)
            except zstandard.ZstdError as problem:
                raise HrctError("BAD_MAPS", "The overlay could not be read.", "Score the scan again.") from problem
            if len(data) != voxels:
                raise HrctError("BAD_MAPS", "The overlay does not fit the scan.", "Score the scan again.")
            arrays.append(np.frombuffer(data, dtype=np.uint8).reshape(self.shape))
        return Maps(*arrays)


@dataclass(frozen=True, slots=True)
class Answer:
    """result: as `score --json` gives it; maps: None where the scan was refused before they were made.

    worst: for each zone's word the slice to look at first.
    """

    result: Result
    maps: StoredMaps | None
    worst: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Stepped:
    token: int
    text: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Finished:
    token: int
    answer: Answer


@dataclass(frozen=True, slots=True)
class Failed:
    """A plain message: what happened, and what to do. died: the process itself ended."""

    token: int
    sentence: str
    do: str
    died: bool = False


@dataclass(frozen=True, slots=True)
class Stopped:
    """The person's wish to stop was carried out."""

    token: int


Event = Stepped | Finished | Failed | Stopped
Serve = Callable[[Connection], None]


# --- in the worker process ---------------------------------------------------------------------


class _Told:
    """`Progress` that sends each step (ten a second at most) and looks for the wish to stop."""

    def __init__(self, connection: Connection, token: int) -> None:
        self._connection, self._token = connection, token
        self._last_text, self._next = "", 0.0

    def step(self, text: str, done: int = 0, total: int = 0) -> None:
        now = time.monotonic()
        if text == self._last_text and now < self._next:
            return
        self._last_text, self._next = text, now + _REPORT_EVERY_S
        while self._connection.poll():
            if json.loads(self._connection.recv_bytes()).get("ask") != "score":
                raise Cancelled
        _send(self._connection, say="step", token=self._token, text=text, done=int(done), total=int(total))


def serve(connection: Connection) -> None:
    """The worker's life: get warm, then answer until the pipe closes."""
    serve_with(connection, _score, warm=_warm)


def serve_with(
    connection: Connection,
    score: Callable[[Request, Path, _Told], Mapping[str, Any]],
    *,
    warm: Callable[[], None] = lambda: None,
) -> None:
    """Loop of the worker around any `score(request, out, progress)`; tests bring their own."""
    _still_streams()
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        warm()
        _send(connection, say="ready")
        while True:
            message = json.loads(connection.recv_bytes())
            if message["ask"] == "score":
                _answer(connection, message, score)
            elif message["ask"] == "stop":
                return
    except (EOFError, OSError, Cancelled):
        return  # the window is gone
    finally:
        connection.close()


def _answer(
    connection: Connection, message: Mapping[str, Any], score: Callable[[Request, Path, _Told], Mapping[str, Any]]
) -> None:
    token, out = int(message["token"]), Path(message["out"])
    try:
        content = json.loads((out / "request.json").read_text(encoding="utf-8"))
        request = Request(
            files=tuple(content["files"]),
            series_instance_uid=content["series_instance_uid"],
            subject_id=content["subject_id"],
            visit=content["visit"],
            findings=tuple((code, level, detail) for code, level, detail in content["findings"]),
        )
        more = score(request, out, _Told(connection, token))
    except Cancelled:
        _send(connection, say="stopped", token=token)
    except HrctError as problem:
        _send(connection, say="failed", token=token, sentence=problem.sentence, do=problem.do)
    except MemoryError:
        _send(connection, say="failed", token=token, sentence="There was not enough memory to score this scan.",
              do="Close other programs and score it again.")
    except (EOFError, BrokenPipeError, ConnectionError):
        raise
    except Exception as problem:  # noqa: BLE001 - the worker's edge: told plainly, logged without values
        log_bug(problem, "scoring in the worker failed")
        _send(connection, say="failed", token=token,
              sentence="The program failed on this scan. This is a fault of the program.",
              do="Send the log to the maintainers; other scans are not affected.")
    else:
        _send(connection, say="done", token=token, **more)


def _warm() -> None:
    """Import what scoring needs, so that the first score does not wait for it."""
    start_log()
    import ssc_hrct.app.score  # noqa: F401
    from ssc_hrct.app.assets import default_protocol

    default_protocol()


def _score(request: Request, out: Path, progress: _Told) -> Mapping[str, Any]:
    """Read, score, and lay the answer into `out`."""
    from datetime import UTC, datetime

    from ssc_hrct import dicom
    from ssc_hrct.app.assets import default_protocol
    from ssc_hrct.app.result import result_of, to_json
    from ssc_hrct.app.score import score_series
    from ssc_hrct.core.findings import Finding, Level
    from ssc_hrct.core.subject import read_visit

    progress.step("Reading the headers")
    found = dicom.find([Path(f) for f in request.files], progress=progress)
    wanted = frozenset(request.files)
    same = [s for s in found.series if s.acquisition.series_instance_uid == request.series_instance_uid]
    if not same:
        raise HrctError("FILES_CHANGED", "The files of this scan are no longer there.", "Open the folder again.")
    series = max(same, key=lambda s: len(wanted.intersection(str(f) for f in s.files)))
    scored = score_series(
        series,
        subject_id=request.subject_id,
        visit=read_visit(request.visit),
        findings=tuple(Finding(code, Level(level), detail) for code, level, detail in request.findings),
        protocol=default_protocol(),
        now=lambda: datetime.now(UTC),
        progress=progress,
    )
    (out / "result.json").write_text(json.dumps(to_json(result_of(scored))), encoding="utf-8")
    return _store_maps(scored, out)


def _store_maps(scored: Scored, out: Path) -> Mapping[str, Any]:
    import zstandard

    from ssc_hrct.app.assets import default_protocol
    from ssc_hrct.core.lungs import Zone
    from ssc_hrct.core.slices import worst_slice

    if scored.lungs is None or scored.patterns is None:
        return {"shape": None, "worst": {}}
    arrays = {
        "regions": scored.lungs.regions.labels,
        "patterns": scored.patterns.labels.labels,
        "zones": scored.lungs.zones,
    }
    for name, array in arrays.items():
        (out / f"{name}.zst").write_bytes(zstandard.ZstdCompressor(level=1).compress(array.tobytes()))
    of = default_protocol().ild_patterns
    worst = {zone.word: worst_slice(arrays["patterns"], arrays["zones"], zone, of) for zone in Zone}
    return {
        "shape": [int(n) for n in arrays["regions"].shape],
        "worst": {word: z for word, z in worst.items() if z is not None},
    }


def _still_streams() -> None:
    """Give the process streams to write to where it has none (a program without a console)."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))


def _send(connection: Connection, **message: Any) -> None:
    connection.send_bytes(json.dumps(message).encode())


# --- in the window's process -------------------------------------------------------------------


class ScoringWorker:
    """Client of one worker process; starts another when it dies or has to be killed.

    on_event is called from the client's own thread, one call at a time. One scan at a time: `score`
    while another runs cancels that one first.
    """

    def __init__(self, on_event: Callable[[Event], None], *, serve: Serve = serve, patience_s: float = 2.0) -> None:
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
        """Start the process where none runs; returns at once, the process gets warm by itself."""
        with self._lock:
            if self._closed or (self._watcher is not None and self._watcher.is_alive()):
                return
            self._watcher = threading.Thread(target=self._watch, name="scoring-worker", daemon=True)
            self._launch()
            self._watcher.start()

    def score(self, request: Request) -> int:
        """Ask for a score; returns its token, which every event about it carries."""
        self.start()
        with self._lock:
            self._last_token += 1
            if self._token:
                self.cancel()
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
        ours, theirs = context.Pipe(duplex=True)
        process = context.Process(target=self._serve, args=(theirs,), name="ssc-hrct-scoring", daemon=True)
        process.start()
        theirs.close()
        self._process, self._connection = process, ours

    def _submit(self, token: int, request: Request) -> None:
        out = Path(tempfile.mkdtemp(prefix="ssc-hrct-"))
        (out / "request.json").write_text(json.dumps(asdict(request)), encoding="utf-8")
        self._out, self._token, self._deadline = out, token, None
        self._tell(ask="score", token=token, out=str(out))

    def _tell(self, **message: Any) -> None:
        if self._connection is not None:
            try:
                _send(self._connection, **message)
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
            while True:
                heard = wait([connection, process.sentinel], timeout=0.1 if self._token else 0.5)
                if connection in heard:
                    try:
                        message = json.loads(connection.recv_bytes())
                    except (EOFError, OSError):
                        break
                    self._ready = True
                    if message["say"] != "ready":
                        self._hear(message)
                elif heard or self._overdue():
                    break
            self._bury(process, connection)
            failed_starts = 0 if self._ready else failed_starts + 1
            with self._lock:
                if self._closed or failed_starts >= _TRIES:
                    return
                self._launch()
                waiting, self._waiting = self._waiting, None
                if waiting is not None:
                    self._submit(*waiting)

    def _overdue(self) -> bool:
        return self._deadline is not None and time.monotonic() > self._deadline

    def _bury(self, process: SpawnProcess, connection: Connection) -> None:
        """The process is dead or does not listen: end it, and say so where somebody waits."""
        if process.is_alive():
            process.join(0.2)
        if process.is_alive():
            process.kill()
        process.join(5.0)
        connection.close()
        with self._lock:
            token, asked = self._token, self._deadline is not None
            self._free()
        if token and not self._closed:
            self._on_event(Stopped(token) if asked else Failed(
                token, "The scoring process ended before it was done. The scan is unchanged.",
                "Score it again; where it happens twice, close other programs to free memory.", died=True,
            ))

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
            waiting, self._waiting = self._waiting, None
            if waiting is not None and not self._closed:
                self._submit(*waiting)
        self._on_event(event)

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
            return Finished(token, Answer(result, maps, dict(message["worst"])))
        except (OSError, ValueError, KeyError):
            return Failed(token, "The result of the scoring could not be read back.", "Score it again.")

    def _free(self) -> None:
        self._token, self._deadline = 0, None
        self._clear_out()

    def _clear_out(self) -> None:
        if self._out is not None:
            shutil.rmtree(self._out, ignore_errors=True)
            self._out = None
