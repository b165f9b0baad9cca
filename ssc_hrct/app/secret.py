"""The site's secret, from which pseudonyms are made: one small file, made once, kept private.

Its place: the one that was named (--secret, else the environment variable SSC_HRCT_SECRET), else the
user's configuration folder. A site that wants the same pseudonyms on several workstations copies it.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from platformdirs import user_config_path

from ssc_hrct.core.errors import HrctError

PLACE_VARIABLE = "SSC_HRCT_SECRET"
SECRET_BYTES = 32
"""As long as the output of SHA-256, which RFC 2104 names as the least sensible key of its HMAC."""
_SHAPE = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Secret:
    """key: never shown. place: the file. made: whether this call made it."""

    key: bytes = field(repr=False)
    place: Path
    made: bool = False


def secret_place(named: Path | None = None) -> Path:
    """Where the secret is looked for."""
    if named is not None:
        return named
    by_environment = os.environ.get(PLACE_VARIABLE, "")
    if by_environment:
        return Path(by_environment)
    return user_config_path("ssc-hrct", appauthor=False) / "pseudonym.secret"


def load_secret(named: Path | None = None, *, make: Callable[[int], bytes] = secrets.token_bytes) -> Secret:
    """The secret from its file; made there, readable by its owner alone, where there is none.

    Raises HrctError(BAD_SECRET) where the file holds something else, (SECRET_NOT_WRITABLE) where none can be made.
    """
    place = secret_place(named)
    try:
        if not place.exists():
            _make(place, make(SECRET_BYTES))
            return Secret(_read(place), place, made=True)
        return Secret(_read(place), place)
    except OSError as problem:
        raise HrctError(
            "SECRET_NOT_WRITABLE",
            f"The secret for pseudonyms cannot be kept in '{place}' ({problem.strerror}).",
            "Name another file with --secret, or name the subject with --subject or a manifest.",
        ) from problem


def _make(place: Path, key: bytes) -> None:
    """Complete when it appears, and never over another one: two runs that start together share the first."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = place.with_name(f".{place.name}.{os.getpid()}.aside")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(key.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, place)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links: the rename is all or nothing as well
            aside.replace(place)
    finally:
        aside.unlink(missing_ok=True)


def _read(place: Path) -> bytes:
    text = place.read_bytes().strip().decode("ascii", errors="replace")
    if not _SHAPE.fullmatch(text):
        raise HrctError(
            "BAD_SECRET", f"'{place}' does not hold a secret of this program, and was left as it is.",
            "Copy the file again from the other workstation, or name another place with --secret.",
        )
    return bytes.fromhex(text)
