"""Which code something was made with, as one hash: what was made with other code is made again.

In: files and folders of the project. Out: a hash of their names and bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def code_sha256(places: Iterable[str]) -> str:
    """places: files, or folders of which all .py and .json count, relative to the project. Hex digits."""
    summed = hashlib.sha256()
    for place in places:
        here = ROOT / place
        for file in [here] if here.is_file() else sorted(here.rglob("*")):
            if file.suffix in (".py", ".json"):
                summed.update(file.relative_to(ROOT).as_posix().encode())
                summed.update(file.read_bytes())
    return summed.hexdigest()
