"""Is there something at a path? Asked before any work, of paths that a person typed."""

from __future__ import annotations

from pathlib import Path

from ssc_hrct.core.errors import WrongUsage


def is_there(path: Path) -> bool:
    """Whether a file or folder stands at `path`.

    Raises WrongUsage where the system will not even look: a name that is too long, a folder that may not be entered.
    """
    try:
        return path.exists()
    except (OSError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or "it is no path"
        raise WrongUsage(f"'{path}' cannot be looked at ({why}).", "Check the path.") from problem
