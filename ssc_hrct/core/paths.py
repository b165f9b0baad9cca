"""Paths that a person typed: is there something, and a file written there whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ssc_hrct.core.errors import HrctError, WrongUsage


def is_there(path: Path) -> bool:
    """Whether a file or folder stands at `path`.

    Raises WrongUsage where the system will not even look: a name that is too long, a folder that may not be entered.
    """
    try:
        return path.exists()
    except (OSError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or "it is no path"
        raise WrongUsage(f"'{path}' cannot be looked at ({why}).", "Check the path.") from problem


@contextmanager
def written_whole(file: Path) -> Iterator[Path]:
    """A place beside `file` to write to. It becomes `file` when the block ends well; else nothing is left behind.

    Makes the folder where it is missing. Raises HrctError(OUTPUT_NOT_WRITABLE) where the system refuses to write.
    """
    aside = file.with_name(f"{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        yield aside
        aside.replace(file)
    except OSError as problem:
        raise HrctError(
            "OUTPUT_NOT_WRITABLE", f"'{file}' cannot be written ({problem.strerror or 'no room, perhaps'}).",
            "Choose another folder, or make room.",
        ) from problem
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
