"""Send objects to an archive, and receive exams from one: only when a person asks for it.

In: what was typed. Out: what `dicom.network` says. Everything else in this program works without a network, and this
module is imported by the two commands that need one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from ssc_hrct.app.log import log_event
from ssc_hrct.core.errors import Cancelled, WrongUsage
from ssc_hrct.core.paths import written_whole
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.dicom.network import Peer, Received, Sent, Tls, receive, send

LONGEST_TITLE = 16


def tls_of(wanted: bool, trusted: Path | None, certificate: Path | None, key: Path | None) -> Tls | None:
    """TLS as typed; None without it. Raises WrongUsage where files are named and TLS is not."""
    if not wanted:
        if trusted or certificate or key:
            raise WrongUsage("Certificates were named, but not --tls.", "Add --tls.")
        return None
    return Tls(trusted, certificate, key)


def peer_of(host: str, port: int, called: str, calling: str) -> Peer:
    """Raises WrongUsage for a port or an AE title that cannot be one."""
    _check(port, called, calling)
    return Peer(host, port, called, calling)


def send_objects(paths: Sequence[Path], peer: Peer, tls: Tls | None, *, progress: Progress = SILENT) -> Sent:
    sent = send(paths, peer, tls=tls, progress=progress)
    log_event("objects sent", sent=sent.sent, failed=sum(n for _, n in sent.failed))
    return sent


def receive_objects(
    out: Path, host: str, port: int, title: str, tls: Tls | None, *, count: int | None,
    started: Callable[[int], None], progress: Progress = SILENT,
) -> Received:
    """Receive until `count` objects were stored, or until the person stops, which ends it well. Raises WrongUsage."""
    _check(port, title)
    _check_folder(out)
    received = Received()

    def stop(received: Received) -> bool:
        progress.step("Receiving", received.stored, count or 0)
        return count is not None and received.stored >= count

    with suppress(Cancelled, KeyboardInterrupt):
        receive(out, port, received, host=host, title=title, tls=tls, started=started, stop=stop)
    log_event("objects received", stored=received.stored, refused=received.refused)
    return received


def _check_folder(out: Path) -> None:
    """Raises HrctError(OUTPUT_NOT_WRITABLE) before anybody sends what could not be kept."""
    with written_whole(out / ".ssc-hrct-receive") as aside:
        aside.touch()
    (out / ".ssc-hrct-receive").unlink(missing_ok=True)


def _check(port: int, *titles: str) -> None:
    if not 0 <= port < 2**16:
        raise WrongUsage(f"{port} is no port.", "Name one from 1 to 65535.")
    for title in titles:
        if not title.strip() or len(title) > LONGEST_TITLE or not title.isascii() or "\\" in title:
            what = f"Name one of 1 to {LONGEST_TITLE} plain letters and digits."
            raise WrongUsage(f"'{title}' is no AE title.", what)
