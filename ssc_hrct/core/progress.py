"""How slow work reports and is stopped.

Every function that can take over 100 ms has `progress` as its last keyword argument and calls
`progress.step(text, done, total)`. A face implements it: a bar, a window, silence.
"""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Reports steps. `step` raises `core.errors.Cancelled` when the person asked to stop."""

    def step(self, text: str, done: int = 0, total: int = 0) -> None:
        """text: a few words on what is being done; done of total, total 0 where not known."""


class Silent:
    """Says nothing and never stops."""

    def step(self, text: str, done: int = 0, total: int = 0) -> None:
        return None


SILENT: Progress = Silent()
