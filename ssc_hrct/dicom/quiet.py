"""Reading files that break the rules without noise: pydicom neither warns, logs nor validates here.

Published and hospital files carry values that break the standard; their warnings quote values, and
a value may be an identifier. highdicom tells of what is intended (a segment without a voxel). What
matters of them comes back as findings. What these libraries and `warnings` are told holds for the
whole process, so blocks that overlap in several threads share one silence: the first to enter makes
it, the last to leave ends it.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from pydicom import config

LOUD = ("pydicom", "highdicom")


class _Silence:
    """How many blocks are inside, and what undoes the silence when the last one leaves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._undo = ExitStack()

    def enter(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._make()
            self._inside += 1

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._undo.close()

    def _make(self) -> None:
        settings = config.settings
        for logger in map(logging.getLogger, LOUD):
            self._undo.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.CRITICAL + 1)
        self._undo.callback(setattr, settings, "reading_validation_mode", settings.reading_validation_mode)
        settings.reading_validation_mode = config.IGNORE
        self._undo.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")


_SILENCE = _Silence()


@contextmanager
def quiet() -> Iterator[None]:
    """Within the block both are silent, pydicom is lenient; what was set before is set again after the last block."""
    _SILENCE.enter()
    try:
        yield
    finally:
        _SILENCE.leave()
