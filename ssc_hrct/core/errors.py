"""What may go wrong and be told to a person: a code, a sentence and what to do.

Anything raised that is not one of these is a bug.
"""

from __future__ import annotations


class HrctError(Exception):
    """Something a person can be told plainly.

    code: stable word for logs and rows. sentence: what happened, for a coordinator; never an
    identifier. do: what to do about it, may be empty.
    """

    def __init__(self, code: str, sentence: str, do: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.do = do

    def __str__(self) -> str:
        return f"{self.sentence} {self.do}".rstrip()


class WrongUsage(HrctError):
    """The command or call was asked for something it cannot mean (exit code 2)."""

    def __init__(self, sentence: str, do: str = "") -> None:
        super().__init__("WRONG_USAGE", sentence, do)


class Cancelled(Exception):
    """The person asked to stop. Raised by `Progress.step` and caught at a face alone."""
