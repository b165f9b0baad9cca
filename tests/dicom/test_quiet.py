"""Silence around pydicom ends when the last block that asked for it is left, whichever thread that is."""

from __future__ import annotations

import logging
import threading
import warnings

import pytest
from pydicom import config

from ssc_hrct.dicom.quiet import quiet


def settings() -> tuple[tuple[int, ...], int, list[object]]:
    levels = tuple(logging.getLogger(name).level for name in ("pydicom", "highdicom"))
    return levels, config.settings.reading_validation_mode, list(warnings.filters)


def test_two_blocks_that_overlap_leave_everything_as_it_was() -> None:
    before = settings()
    inside, go = threading.Event(), threading.Event()
    seen: list[tuple[tuple[int, ...], int, list[object]]] = []

    def other() -> None:
        with quiet():
            inside.set()
            go.wait(10)
            seen.append(settings())

    thread = threading.Thread(target=other)
    with quiet():
        thread.start()
        assert inside.wait(10)
        within = settings()
    assert settings() == within, "the other block is still inside"
    go.set()
    thread.join(10)
    assert seen == [within]
    assert min(within[0]) > logging.CRITICAL
    assert within[1] == config.IGNORE != before[1]
    assert settings() == before


def test_a_block_inside_another_ends_nothing_and_an_exception_ends_the_silence() -> None:
    before = settings()

    def fail() -> None:
        with quiet():
            with quiet():
                pass
            assert settings() != before
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert settings() == before
