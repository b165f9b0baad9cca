"""Jobs: results in the window's thread, cancel, and late results that are dropped."""

from __future__ import annotations

import threading

import pytest

from ssc_hrct.core.errors import HrctError
from ssc_hrct.gui.jobs import Jobs


@pytest.fixture
def jobs(qapp):
    made = Jobs()
    yield made
    made.close()


def test_a_result_arrives_in_the_thread_of_the_window(qtbot, jobs):
    got = []
    jobs.start("a", lambda progress: threading.current_thread().name,
               done=lambda name: got.append((name, threading.current_thread() is threading.main_thread())))
    qtbot.waitUntil(lambda: bool(got))
    assert got == [("job-a", True)]
    assert not jobs.running("a")


def test_a_late_result_of_a_replaced_job_is_never_shown(qtbot, jobs):
    gate, got = threading.Event(), []
    jobs.start("a", lambda progress: gate.wait(5) and "old", done=got.append)
    jobs.start("a", lambda progress: "new", done=got.append)
    gate.set()
    qtbot.waitUntil(lambda: bool(got))
    qtbot.wait(50)
    assert got == ["new"]


def test_cancel_stops_at_the_next_step_and_is_told(qtbot, jobs):
    started, stopped = threading.Event(), []

    def work(progress):
        started.set()
        while True:
            progress.step("on and on")

    jobs.start("a", work, stopped=lambda: stopped.append(True), done=lambda _: pytest.fail("not done"))
    assert started.wait(5)
    jobs.cancel("a")
    qtbot.waitUntil(lambda: bool(stopped))


def test_a_known_problem_is_handed_on_as_it_is(qtbot, jobs):
    told = []

    def work(progress):
        raise HrctError("X", "This went wrong.", "Do that.")

    jobs.start("a", work, failed=told.append)
    qtbot.waitUntil(lambda: bool(told))
    assert str(told[0]) == "This went wrong. Do that."


def test_a_fault_is_told_without_its_text(qtbot, jobs):
    told = []

    def work(progress):
        raise RuntimeError("Doe^John")

    jobs.start("a", work, failed=told.append)
    qtbot.waitUntil(lambda: bool(told))
    assert "Doe" not in str(told[0])
    assert "fault of the program" in str(told[0])


def test_steps_are_passed_on_but_not_in_a_flood(qtbot, jobs):
    steps, done = [], []

    def work(progress):
        for n in range(20000):
            progress.step("counting", n, 20000)

    jobs.start("a", work, stepped=lambda *step: steps.append(step), done=done.append)
    qtbot.waitUntil(lambda: bool(done))
    assert ("counting", 0, 20000) in steps
    assert len(steps) < 200


def test_closing_waits_for_the_threads_and_shows_nothing_more(qtbot, jobs):
    started, got = threading.Event(), []

    def work(progress):
        started.set()
        while True:
            progress.step("x")

    jobs.start("a", work, done=got.append, stopped=lambda: got.append("stopped"))
    assert started.wait(5)
    jobs.close()
    qtbot.wait(20)
    assert got == []
    assert not [t for t in threading.enumerate() if t.name == "job-a"]
