"""The log tells the maintainers where it failed and nobody whose scan it was."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path

import pytest

from ssc_hrct.app.log import LOGGER, log_bug, log_event, start_log, stop_log


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    place = start_log(tmp_path / "deep" / "log.jsonl")
    assert place is not None
    yield place
    stop_log()
    LOGGER.propagate = True


def lines(place: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in place.read_text().splitlines()]


def fail(name: str) -> None:
    raise ValueError(f"cannot score {name}")


def test_a_fault_is_logged_with_its_place_and_without_its_values(log: Path) -> None:
    try:
        fail("DOE^JANE 19600101 /home/jane/scans")
    except ValueError as problem:
        log_bug(problem, "fault while scoring an exam", slices=300)
    (line,) = lines(log)
    assert line["event"] == "fault while scoring an exam"
    assert line["slices"] == 300
    trace = line["trace"]
    assert isinstance(trace, list)
    assert trace[0]["type"] == "ValueError"
    assert trace[0]["at"][-1].endswith(" fail")
    text = log.read_text().lower()
    assert not any(word in text for word in ("doe", "jane", "1960", "/home", str(log.parent).lower()))


@pytest.mark.parametrize(
    "facts",
    [{"patient": "x"}, {"code": "DOE^JANE"}, {"code": "two words"}, {"code": "4711001"}, {"status": "a/b"},
     {"codes": ["a"]}, {"seconds": "1.2.840.10008.1"}],
)
def test_facts_that_are_no_words_of_ours_are_left_out(log: Path, facts: dict[str, object]) -> None:
    log_event("exam scored", **facts)
    assert set(lines(log)[0]) == {"at", "level", "event", "version"}


def test_values_filled_into_a_message_are_left_out_and_other_libraries_do_not_get_in(log: Path) -> None:
    logging.getLogger("ssc_hrct.elsewhere").warning("could not read %s", "DOE^JANE")
    logging.getLogger("pydicom").warning("Invalid value for VR PN: DOE^JANE")
    assert [line["event"] for line in lines(log)] == ["could not read %s"]


def test_it_rotates(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (handler,) = (h for h in LOGGER.handlers if isinstance(h, RotatingFileHandler))
    monkeypatch.setattr(handler, "maxBytes", 300)
    for _ in range(20):
        log_event("exam scored")
    assert sorted(p.name for p in log.parent.iterdir()) == ["log.jsonl", "log.jsonl.1", "log.jsonl.2", "log.jsonl.3"]


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert start_log(tmp_path / "file" / "log.jsonl") is None
    log_event("exam scored")
