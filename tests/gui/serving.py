"""Workers of several tempers for the window's tests; found by name in the spawned process."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import zstandard

from ssc_hrct.app.result import Result, frames_sha256, to_json
from ssc_hrct.app.worker import serve_with
from ssc_hrct.app.worker_messages import Request
from ssc_hrct.core.findings import Finding, Level, caution
from ssc_hrct.core.lungs import Zone
from ssc_hrct.core.progress import Progress
from ssc_hrct.core.rows import score_row
from ssc_hrct.core.slices import worst_slice
from tests.gui.chests import ILD, SHAPE, Chest, chest, score_of


def write_answer(request: Request, out: Path, made: Chest) -> Mapping[str, Any]:
    findings = tuple(Finding(code, Level(level), detail) for code, level, detail in request.findings)
    score = score_of(made, request.subject_id, request.visit, (*findings, caution("CONTRAST", "named in the header")))
    slices = score.extents.slice_counts if score.extents else ()
    result = to_json(Result(score_row(score), score.findings, slices, frames_sha256(made.volume.source)))
    (out / "result.json").write_text(json.dumps(result), encoding="utf-8")
    for name, array in (("regions", made.regions), ("patterns", made.patterns), ("zones", made.zones)):
        (out / f"{name}.zst").write_bytes(zstandard.ZstdCompressor().compress(array.tobytes()))
    worst = {zone.word: worst_slice(made.patterns, made.zones, zone, ILD) for zone in Zone}
    return {"shape": list(SHAPE), "worst": worst}


def _score_at_once(request: Request, out: Path, progress: Progress) -> Mapping[str, Any]:
    for done in range(3):
        progress.step("Finding patterns", done, 3)
    return write_answer(request, out, chest())


def _score_slowly(request: Request, out: Path, progress: Progress) -> Mapping[str, Any]:
    for done in range(600):
        progress.step("Finding patterns", done, 600)
        time.sleep(0.05)
    return write_answer(request, out, chest())


def _score_deaf(request: Request, out: Path, progress: Progress) -> Mapping[str, Any]:
    progress.step("Finding patterns", 1, 3)
    time.sleep(60)
    return {}


def _score_dying(request: Request, out: Path, progress: Progress) -> Mapping[str, Any]:
    progress.step("Finding patterns", 1, 3)
    os._exit(9)


def _score_faulty(request: Request, out: Path, progress: Progress) -> Mapping[str, Any]:
    raise RuntimeError("Doe^John")


def serve_at_once(connection: Connection) -> None:
    serve_with(connection, _score_at_once)


def serve_slowly(connection: Connection) -> None:
    serve_with(connection, _score_slowly)


def serve_deaf(connection: Connection) -> None:
    serve_with(connection, _score_deaf)


def serve_dying(connection: Connection) -> None:
    serve_with(connection, _score_dying)


def serve_faulty(connection: Connection) -> None:
    serve_with(connection, _score_faulty)


def serve_never(connection: Connection) -> None:
    os._exit(3)
