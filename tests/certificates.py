"""Certificates for tests of TLS on loopback, made on the fly by openssl; skipped with a sentence where it is not."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def self_signed(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate of this computer that vouches for itself, for two days, and its key; both PEM."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: TLS is not tried")
    certificate, key = folder / f"{name}.pem", folder / f"{name}-key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate),
         "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )
    return certificate, key
