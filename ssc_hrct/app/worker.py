"""The scoring worker: one warm process that scores for the window.

In: a request (files of one series, subject, visit). Out: the JSON form of the score
(`app/result.py`) and the label maps, zstd-compressed. The process reads the DICOM again, so nothing
is shared with the window and nothing leaks when it is killed. It is started by `spawn`; `serve` is
at the top of this module so that it can be found in a frozen build. Its client is
`app/worker_client.py`. Standard library alone at module level: the window starts it without waiting.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssc_hrct.app.log import log_bug, start_log
from ssc_hrct.app.worker_messages import Request, send
from ssc_hrct.core.errors import Cancelled, HrctError

if TYPE_CHECKING:
    from ssc_hrct.app.score import Scored
    from ssc_hrct.dicom import Series

_REPORT_EVERY_S = 0.1


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
        send(self._connection, say="step", token=self._token, text=text, done=int(done), total=int(total))


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
        send(connection, say="ready")
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
            slices_sha256=content["slices_sha256"],
            formats=tuple(content["formats"]),
            folder=content["folder"],
            lungs=content["lungs"],
        )
        more = score(request, out, _Told(connection, token))
    except Cancelled:
        send(connection, say="stopped", token=token)
    except HrctError as problem:
        send(connection, say="failed", token=token, sentence=problem.sentence, do=problem.do)
    except MemoryError:
        send(connection, say="failed", token=token, sentence="There was not enough memory to score this scan.",
              do="Close other programs and score it again.")
    except (EOFError, BrokenPipeError, ConnectionError):
        raise
    except Exception as problem:  # noqa: BLE001 - the worker's edge: told plainly, logged without values
        log_bug(problem, "scoring in the worker failed")
        send(connection, say="failed", token=token,
              sentence="The program failed on this scan. This is a fault of the program.",
              do="Send the log to the maintainers; other scans are not affected.")
    else:
        send(connection, say="done", token=token, **more)


def _warm() -> None:
    """Import what scoring needs, so that the first score does not wait for it."""
    start_log()
    import ssc_hrct.app.score  # noqa: F401
    from ssc_hrct.app.assets import default_protocol, models

    default_protocol()
    with suppress(HrctError):  # a damaged model is told at each score, in words
        models()


def _score(request: Request, out: Path, progress: _Told) -> Mapping[str, Any]:
    """Read, score, and lay the answer into `out`."""
    from datetime import UTC, datetime

    from ssc_hrct import dicom
    from ssc_hrct.app.assets import default_protocol, models
    from ssc_hrct.app.lung_mask import read_lung_mask
    from ssc_hrct.app.result import result_of, to_json
    from ssc_hrct.app.score import log_scored, score_series
    from ssc_hrct.core.findings import Finding, Level
    from ssc_hrct.core.subject import read_visit

    progress.step("Reading the headers")
    found = dicom.find([Path(f) for f in request.files], progress=progress)
    mask = read_lung_mask(Path(request.lungs), progress=progress) if request.lungs else None
    wanted = frozenset(request.files)
    same = [s for s in found.series if s.acquisition.series_instance_uid == request.series_instance_uid]
    if not same:
        raise HrctError("FILES_CHANGED", "The files of this scan are no longer there.", "Open the folder again.")
    series = max(same, key=lambda s: (
        s.slices_sha256 == request.slices_sha256, len(wanted.intersection(str(f) for f in s.files))
    ))
    scored = score_series(
        series,
        subject_id=request.subject_id,
        visit=read_visit(request.visit),
        findings=tuple(Finding(code, Level(level), detail) for code, level, detail in request.findings),
        protocol=default_protocol(),
        now=lambda: datetime.now(UTC),
        models=models(),
        mask=mask,
        progress=progress,
    )
    log_scored(scored.score)
    (out / "result.json").write_text(json.dumps(to_json(result_of(scored))), encoding="utf-8")
    return {**_store_maps(scored, out), **_write_objects(series, scored, request, progress)}


def _write_objects(series: Series, scored: Scored, request: Request, progress: _Told) -> Mapping[str, Any]:
    if not request.formats or not request.folder:
        return {}
    from datetime import UTC, datetime

    from ssc_hrct.app.identity import Named, Source
    from ssc_hrct.app.objects import OBJECTS, file_stem, write_objects
    from ssc_hrct.core.subject import Subject

    named = Named(Subject(request.subject_id), Source.GIVEN)
    stem = file_stem(named, scored.score.visit, scored.score.acquisition.study_instance_uid)
    files, problems = write_objects(series, scored, request.formats, Path(request.folder) / OBJECTS / stem,
                                    now=datetime.now(UTC), progress=progress)
    return {"files": len(files), "problems": problems}


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
