"""Reads `resources/`: found beside the source tree, or packed into the package as `_resources`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ssc_hrct.core.errors import HrctError

if TYPE_CHECKING:
    from ssc_hrct.core.protocol import Protocol
    from ssc_hrct.measure import Models


@cache
def folder() -> Path:
    """Where the resources lie."""
    package = Path(__file__).resolve().parents[1]
    for place in (package / "_resources", package.parent / "resources"):
        if (place / "protocols").is_dir():
            return place
    raise HrctError("NO_RESOURCES", "The program's own files are not complete.", "Install it again.")


def read(*parts: str) -> bytes:
    """Bytes of one resource, named by its parts: read("protocols", "default.json"). Raises HrctError(NO_RESOURCES)."""
    try:
        return folder().joinpath(*parts).read_bytes()
    except OSError as problem:
        name = "/".join(parts)
        raise HrctError(
            "NO_RESOURCES", f"The program's own file {name} cannot be read.", "Install the program again."
        ) from problem


@cache
def default_protocol() -> Protocol:
    """The protocol that came with the program."""
    from ssc_hrct.core.protocol import read_protocol  # brings numpy, which the first window does not wait for

    return read_protocol(read("protocols", "default.json"))


@cache
def models() -> Models:
    """What was learned and came with the program. Raises HrctError where it is not whole."""
    from ssc_hrct.measure import read_models  # brings numpy and more, which the first window does not wait for

    return read_models(read("models", "patterns.json"), read("models", "intervals.json"))
