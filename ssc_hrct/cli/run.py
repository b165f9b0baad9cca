"""Runs one command line: from the words typed to the exit code. The only place where exit codes are decided.

0 all scored, 2 wrong usage, 3 some refused or failed, 130 cancelled, 1 a fault of the program.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType

from ssc_hrct.cli.parser import build_parser
from ssc_hrct.cli.say import Speaker, Voice

OK, BUG, USAGE, REFUSED, CANCELLED = 0, 1, 2, 3, 130


def run(arguments: Sequence[str]) -> int:
    """The command's exit code. Never raises for bad input, and shows no traceback."""
    try:
        asked = build_parser().parse_args(list(arguments))
    except SystemExit as leaving:
        Voice(sys.stdout).say("", end="")  # a reader of --help who has gone away is no fault
        return leaving.code if isinstance(leaving.code, int) else USAGE
    speaker = Speaker(json=getattr(asked, "json", False))
    if asked.command != "gui":  # the window has its own way to be closed
        _listen_for_stop(speaker.bar.stop)
    try:
        from ssc_hrct.core.errors import Cancelled, HrctError, WrongUsage

        try:
            return _act(asked.command, speaker)(asked)
        except WrongUsage as problem:
            speaker.note(str(problem))
            return USAGE
        except HrctError as problem:
            speaker.note(str(problem))
            return REFUSED
        except Cancelled:
            return _cancelled(speaker)
    except KeyboardInterrupt:
        return _cancelled(speaker)
    except Exception as fault:  # noqa: BLE001 - the face's edge: a fault is logged and told in one sentence
        return _fault(fault, asked.command, speaker)


def _act(command: str, speaker: Speaker) -> Callable[..., int]:
    from ssc_hrct.cli import commands

    return commands.by_name(command, speaker)


def _cancelled(speaker: Speaker) -> int:
    for number in _stop_signals():  # who asks twice gets no traceback while we leave
        signal.signal(number, signal.SIG_IGN)
    speaker.note("Stopped. What was finished stays.")
    return CANCELLED


def _fault(fault: Exception, command: str, speaker: Speaker) -> int:
    from ssc_hrct.app.log import log_bug, log_place, start_log

    start_log()
    log_bug(fault, "fault of a command", command=command)
    speaker.note(
        f"The program failed ({type(fault).__name__}). This is a fault of the program; nothing in the tables was lost. "
        f"Send '{log_place()}' to the maintainers: it holds no names."
    )
    return BUG


def _listen_for_stop(stop: threading.Event) -> None:
    """Ctrl-C and SIGTERM ask to stop: at once where Python can, else at the next step."""
    def asked(number: int, frame: FrameType | None) -> None:
        stop.set()
        raise KeyboardInterrupt

    for number in _stop_signals():
        signal.signal(number, asked)


def _stop_signals() -> list[signal.Signals]:
    """Of those that this system has; SIGBREAK is Ctrl-Break on Windows."""
    if threading.current_thread() is not threading.main_thread():
        return []
    return [s for s in signal.Signals if s.name in {"SIGINT", "SIGTERM", "SIGBREAK"}]

