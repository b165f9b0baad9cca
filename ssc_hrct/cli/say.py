"""How the terminal's face speaks: results on stdout, messages and the progress bar on stderr.

A reader who has gone away (a closed pipe) ends the speaking, not the work. Characters that a terminal cannot
show are replaced. The bar is drawn on a terminal alone.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import threading
import time
from typing import TextIO

_DRAWN_EVERY_S = 0.25
_BAR = 24
_NARROWEST = 40


class Voice:
    """One stream, and whether anybody still listens to it. stream None: there is no console."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")

    @property
    def is_terminal(self) -> bool:
        try:
            return self._stream is not None and self._stream.isatty() and os.environ.get("TERM") != "dumb"
        except ValueError:  # closed
            return False

    def say(self, text: str, end: str = "\n") -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text + end)
            self._stream.flush()
        except (BrokenPipeError, ValueError):
            self._hush()
        except OSError as problem:  # Windows says "invalid argument" of a closed pipe
            if os.name != "nt":
                raise
            del problem
            self._hush()

    def _hush(self) -> None:
        """Nobody listens: send what is still in the stream's buffer nowhere, so that leaving is quiet too."""
        stream, self._stream = self._stream, None
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
            os.close(nowhere)
        except (OSError, ValueError, AttributeError):
            return


class Speaker:
    """out: results, and nothing else with --json. aside: messages. json: results are JSON, so lines go aside."""

    def __init__(self, *, json: bool = False) -> None:
        self.out, self.aside = Voice(sys.stdout), Voice(sys.stderr)
        self._json = json
        self.bar = Bar(self.aside)

    def line(self, text: str) -> None:
        """A line of the answer."""
        self.bar.clear()
        (self.aside if self._json else self.out).say(text)

    def note(self, text: str) -> None:
        """Something to know beside the answer."""
        self.bar.clear()
        self.aside.say(text)

    def result(self, text: str) -> None:
        """The JSON answer."""
        self.bar.clear()
        self.out.say(text)


class Bar:
    """`Progress` as one line on a terminal, drawn four times a second; silent where there is none.

    stop: set when the person asked to stop; the next step raises Cancelled.
    """

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._shown = False
        self._next = 0.0
        self._text = ""
        self.stop = threading.Event()

    def step(self, text: str, done: int = 0, total: int = 0) -> None:
        if self.stop.is_set():
            from ssc_hrct.core.errors import Cancelled

            raise Cancelled
        now = time.monotonic()
        if not self._voice.is_terminal or (now < self._next and text == self._text):
            return
        self._next, self._text = now + _DRAWN_EVERY_S, text
        wide = max(_NARROWEST, shutil.get_terminal_size().columns) - 1
        self._voice.say("\r" + bar_text(text, done, total)[:wide].ljust(wide), end="")
        self._shown = True

    def clear(self) -> None:
        """Takes the bar away before something is said."""
        if self._shown:
            wide = max(_NARROWEST, shutil.get_terminal_size().columns) - 1
            self._voice.say("\r" + " " * wide + "\r", end="")
            self._shown = False


def bar_text(text: str, done: int, total: int) -> str:
    """[######........]  25 % finding the lungs; without a bar where the end is not known."""
    if total <= 0:
        return text
    part = min(1.0, max(0.0, done / total))
    full = round(part * _BAR)
    return f"[{'#' * full}{'.' * (_BAR - full)}] {part:4.0%} {text}"
