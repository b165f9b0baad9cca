"""The scoring worker's client against workers of several tempers, in real processes."""

from __future__ import annotations

import errno
import os
import queue
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest

from ssc_hrct.app import worker as workers
from ssc_hrct.app.worker_client import ScoringWorker
from ssc_hrct.app.worker_messages import MAPS, Event, Failed, Finished, Request, Stepped, Stopped, StoredMaps
from ssc_hrct.core.errors import HrctError
from tests.gui import serving
from tests.gui.chests import chest

REQUEST = Request(("/made/up.dcm",), "1.2.3.1", "0007", "week_48", (("SUBJECT_UNKNOWN", "caution", "made up"),))
LONG_S = 20.0


@pytest.fixture
def client(tmp_path, monkeypatch):
    """Makes clients; the temporary folder is private, so that what is left in it can be seen."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = []

    def make(serve, patience_s=2.0):
        events: queue.Queue[Event] = queue.Queue()
        made.append(ScoringWorker(events.put, serve=serve, patience_s=patience_s))
        return made[-1], events

    yield make
    for each in made:
        each.close()
    assert not [p for p in tmp_path.iterdir() if p.name.startswith("ssc-hrct-")]


def _end(events: queue.Queue, token: int) -> Event:
    """The event that ends a scan; its steps are passed over."""
    while True:
        event = events.get(timeout=LONG_S)
        if not isinstance(event, Stepped) and event.token == token:
            return event


def _wait_for_step(events: queue.Queue) -> None:
    while not isinstance(events.get(timeout=LONG_S), Stepped):
        pass


def _wait_until_idle(worker: ScoringWorker, events: queue.Queue) -> None:
    """A process that is warm and has nothing to do."""
    token = worker.score(REQUEST)
    _wait_for_step(events)
    worker.cancel()
    assert isinstance(_end(events, token), Stopped)


def _gone(thread: threading.Thread) -> bool:
    thread.join(LONG_S)
    return not thread.is_alive()


def test_a_score_comes_back_with_its_maps_and_worst_slices(client):
    worker, events = client(serving.serve_at_once)
    event = _end(events, worker.score(REQUEST))
    assert isinstance(event, Finished)
    row = event.answer.result.row
    assert (row["subject_id"], row["visit"]) == ("0007", "week_48")
    assert {f.code for f in event.answer.result.findings} == {"SUBJECT_UNKNOWN", "CONTRAST"}
    maps, made = event.answer.maps.read(), chest()
    for name in MAPS:
        assert np.array_equal(getattr(maps, name), getattr(made, name))
        assert not getattr(maps, name).flags.writeable
    assert made.patterns[event.answer.worst["left_lower"]].any()
    assert not worker.busy


def test_the_process_stays_warm_for_the_next_scan(client):
    worker, events = client(serving.serve_at_once)
    _end(events, worker.score(REQUEST))
    first = worker.pid
    assert isinstance(_end(events, worker.score(REQUEST)), Finished)
    assert worker.pid == first


def test_cancel_is_heard_by_a_worker_that_listens_and_the_process_lives_on(client):
    worker, events = client(serving.serve_slowly)
    token = worker.score(REQUEST)
    _wait_for_step(events)
    pid = worker.pid
    worker.cancel()
    assert isinstance(_end(events, token), Stopped)
    assert worker.pid == pid


def test_a_deaf_worker_is_killed_and_another_one_takes_its_place(client):
    worker, events = client(serving.serve_deaf, patience_s=0.2)
    token = worker.score(REQUEST)
    _wait_for_step(events)
    pid = worker.pid
    worker.cancel()
    assert isinstance(_end(events, token), Stopped)
    again = worker.score(REQUEST)
    _wait_for_step(events)
    assert worker.pid != pid
    worker.cancel()
    assert isinstance(_end(events, again), Stopped)


def test_a_score_asked_for_while_the_killed_worker_is_replaced_is_not_lost(client, monkeypatch):
    """Whoever hears that the deaf one was stopped may ask at once; so may a hand while the next one starts."""
    worker, events = client(serving.serve_deaf, patience_s=0.2)
    asked, hear = [], worker._on_event

    def ask_again(event):
        if isinstance(event, Stopped) and not asked:
            asked.append(worker.score(REQUEST))
        hear(event)

    monkeypatch.setattr(worker, "_on_event", ask_again)
    token = worker.score(REQUEST)
    _wait_for_step(events)
    worker.cancel()
    assert isinstance(_end(events, token), Stopped)
    assert worker.busy
    while not isinstance(event := events.get(timeout=LONG_S), Stepped):
        pass
    assert event.token == asked[0]
    worker.cancel()
    assert isinstance(_end(events, asked[0]), Stopped)
    assert not worker.busy


def test_a_score_asked_for_while_the_dead_process_is_being_buried_waits_for_the_next(client, monkeypatch):
    worker, events = client(serving.serve_slowly)
    _wait_until_idle(worker, events)
    burying, go_on = threading.Event(), threading.Event()
    bury = worker._bury

    def bury_late(process, connection):
        bury(process, connection)
        burying.set()
        go_on.wait(LONG_S)

    monkeypatch.setattr(worker, "_bury", bury_late)
    os.kill(worker.pid, 9)
    assert burying.wait(LONG_S)
    token = worker.score(REQUEST)
    go_on.set()
    _wait_for_step(events)
    worker.cancel()
    assert isinstance(_end(events, token), Stopped)


def test_after_the_client_gave_up_the_next_score_starts_a_process_again(client):
    worker, events = client(serving.serve_never)
    assert isinstance(_end(events, worker.score(REQUEST)), Failed)
    assert worker._watcher is None or _gone(worker._watcher)
    assert isinstance(_end(events, worker.score(REQUEST)), Failed)
    assert not worker.busy


def test_a_full_disk_is_told_plainly_and_leaves_the_client_idle(client, monkeypatch):
    worker, events = client(serving.serve_at_once)
    worker.start()

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device", "DOE^JANE")

    with monkeypatch.context() as disk:
        disk.setattr(tempfile, "mkdtemp", full)
        with pytest.raises(HrctError, match="No space left on device") as told:
            worker.score(REQUEST)
    assert "DOE" not in str(told.value)
    assert not worker.busy
    assert isinstance(_end(events, worker.score(REQUEST)), Finished)


def test_a_disk_that_fills_up_while_a_scan_waits_is_told_for_that_scan(client, monkeypatch):
    worker, events = client(serving.serve_slowly)
    first = worker.score(REQUEST)
    _wait_for_step(events)

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    second = worker.score(REQUEST)
    assert isinstance(_end(events, first), Stopped)
    assert isinstance(_end(events, second), Failed)
    assert not worker.busy


def test_a_dead_worker_is_one_plain_message(client):
    worker, events = client(serving.serve_dying)
    event = _end(events, worker.score(REQUEST))
    assert isinstance(event, Failed)
    assert event.died
    assert "Score it again" in event.do
    assert not worker.busy


def test_a_killed_worker_is_told_and_replaced(client):
    worker, events = client(serving.serve_slowly)
    token = worker.score(REQUEST)
    _wait_for_step(events)
    os.kill(worker.pid, 9)
    assert isinstance(_end(events, token), Failed)
    again = worker.score(REQUEST)
    _wait_for_step(events)
    worker.cancel()
    assert isinstance(_end(events, again), Stopped)


def test_a_fault_in_the_worker_is_told_without_its_text(client):
    worker, events = client(serving.serve_faulty)
    event = _end(events, worker.score(REQUEST))
    assert isinstance(event, Failed)
    assert not event.died
    assert "Doe" not in event.sentence + event.do


def test_a_process_that_cannot_start_does_not_start_for_ever(client):
    worker, events = client(serving.serve_never)
    assert isinstance(_end(events, worker.score(REQUEST)), Failed)


def test_a_second_scan_waits_until_the_first_has_stopped(client):
    worker, events = client(serving.serve_slowly)
    first = worker.score(REQUEST)
    _wait_for_step(events)
    second = worker.score(REQUEST)
    assert isinstance(_end(events, first), Stopped)
    _wait_for_step(events)
    worker.cancel()
    assert isinstance(_end(events, second), Stopped)


def test_closing_in_the_middle_leaves_no_process(client):
    import multiprocessing

    worker, events = client(serving.serve_deaf)
    worker.score(REQUEST)
    _wait_for_step(events)
    worker.close()
    assert multiprocessing.active_children() == []


def test_maps_that_are_not_whole_are_refused():
    import zstandard

    frame = zstandard.ZstdCompressor().compress(bytes(8))
    good = dict.fromkeys(MAPS, frame)
    assert StoredMaps((2, 2, 2), good).read().zones.shape == (2, 2, 2)
    with pytest.raises(HrctError, match="does not fit"):
        StoredMaps((2, 2, 3), good).read()
    with pytest.raises(HrctError, match="could not be read"):
        StoredMaps((2, 2, 2), good | {"zones": frame[:-4]}).read()


def test_a_process_without_a_console_gets_streams_to_write_to(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    workers._still_streams()
    for stream in (sys.stdout, sys.stderr):
        assert stream.write("x") == 1
        stream.close()


def test_the_window_can_import_the_client_without_the_engine(tmp_path):
    import subprocess

    code = ("import sys, ssc_hrct.app.worker_client, ssc_hrct.app.result\n"
            "print([m for m in ('scipy', 'SimpleITK', 'pydicom', 'cc3d') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True,
                          check=True)
    assert done.stdout.strip() == "[]"
