"""An Orthanc of the test's own: another program's archive, on loopback, in a temporary folder, ended with the test.

In: a folder, and certificates where DICOM is to go by TLS. Out: an `Orthanc` that answers on its REST interface and
takes DICOM at `dicom_port`. Tests that need it are skipped with a sentence where it is not installed.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import FileDataset

LOOPBACK = "127.0.0.1"
STARTS, START_SECONDS, ANSWER_SECONDS = 3, 60, 240

_BINARY = shutil.which("Orthanc", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))
needs_orthanc = pytest.mark.skipif(_BINARY is None, reason="Orthanc is not installed: nothing is sent to an archive")


@dataclass(frozen=True, slots=True)
class OrthancTls:
    """Files in PEM: what Orthanc shows, its key, and the certificates that it trusts. It asks for one of everyone."""

    own: Path
    key: Path
    trusted: Path


@dataclass(frozen=True, slots=True)
class Orthanc:
    """Where it listens, and what may be asked of it."""

    http_port: int
    dicom_port: int
    tls: bool

    def ask(self, path: str, *, method: str = "GET", body: object = None) -> Any:
        """What its REST interface answers: parsed where it is JSON, bytes where it is a file."""
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{LOOPBACK}:{self.http_port}{path}", data=content, method=method)
        with _NO_PROXY.open(request, timeout=ANSWER_SECONDS) as answer:
            told = answer.read()
            return json.loads(told) if told and "json" in answer.headers.get("Content-Type", "") else told

    def instances(self) -> dict[str, FileDataset]:
        """All that it holds, as it gives it to anyone: by SOP instance UID."""
        files = (pydicom.dcmread(io.BytesIO(self.ask(f"/instances/{one}/file"))) for one in self.ask("/instances"))
        return {str(file.SOPInstanceUID): file for file in files}

    def store(self, resource: str, port: int, title: str) -> Any:
        """Let it send a study or an instance by C-STORE to who listens on that port of this computer."""
        peer = {"AET": title, "Host": LOOPBACK, "Port": port, "UseDicomTls": self.tls}
        self.ask("/modalities/us", method="PUT", body=peer)
        return self.ask("/modalities/us/store", method="POST", body={"Resources": [resource], "Synchronous": True})


_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextmanager
def orthanc(folder: Path, tls: OrthancTls | None = None) -> Iterator[Orthanc]:
    """Started when it answers; ended, whatever happens. Ports that another program takes meanwhile are changed."""
    for left in reversed(range(STARTS)):
        here = folder / f"orthanc-{left}"
        process, server = _started(here, tls)
        try:
            if _answers(server, process):
                yield server
                return
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)
    pytest.fail("Orthanc does not start: " + (here / "log").read_text(errors="replace")[-2000:])


def _started(folder: Path, tls: OrthancTls | None) -> tuple[subprocess.Popen[bytes], Orthanc]:
    folder.mkdir(parents=True)
    http_port, dicom_port = _free_ports()
    wishes: dict[str, object] = {
        "Name": "test", "StorageDirectory": str(folder / "storage"), "IndexDirectory": str(folder / "storage"),
        "HttpPort": http_port, "RemoteAccessAllowed": False, "AuthenticationEnabled": False,
        "DicomPort": dicom_port, "DicomAet": "ORTHANC", "DicomAlwaysAllowStore": True, "DicomAlwaysAllowEcho": True,
        "DicomCheckCalledAet": False, "Plugins": [], "OverwriteInstances": False,
    }
    if tls is not None:
        wishes |= {
            "DicomTlsEnabled": True, "DicomTlsCertificate": str(tls.own), "DicomTlsPrivateKey": str(tls.key),
            "DicomTlsTrustedCertificates": str(tls.trusted), "DicomTlsRemoteCertificateRequired": True,
        }
    (folder / "orthanc.json").write_text(json.dumps(wishes))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(_BINARY), str(folder / "orthanc.json")], stdout=log, stderr=subprocess.STDOUT, cwd=folder
        )
    return process, Orthanc(http_port, dicom_port, tls is not None)


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind((LOOPBACK, 0))
        other.bind((LOOPBACK, 0))
        return one.getsockname()[1], other.getsockname()[1]


def _answers(server: Orthanc, process: subprocess.Popen[bytes]) -> bool:
    """Once it does: True. False where it ended instead, or says nothing."""
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with suppress(OSError):
            server.ask("/system")
            socket.create_connection((LOOPBACK, server.dicom_port), 5).close()
            return True
        time.sleep(0.1)
    return False
