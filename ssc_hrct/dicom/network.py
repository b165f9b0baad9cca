"""Over the hospital's network, when asked: send objects (C-STORE), and receive them. The only room with sockets.

In: files and a peer; or a port and a folder. Nothing is sent or opened unless one of these two functions is called. A
receiver listens on this computer alone unless told otherwise. TLS, where asked, checks the peer by the certificates
that are named. Names of the files received are made from their UIDs by a hash: no identifier is in them.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any, cast

from pydicom.uid import UID

from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.paths import written_whole
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.dicom.files import READ_ERRORS, is_archive, members, open_archives, read_dataset, syntax_of
from ssc_hrct.dicom.find import check_there, files_below
from ssc_hrct.dicom.quiet import quiet
from ssc_hrct.dicom.source_headers import is_uid

AE_TITLE = "SSC_HRCT"
LOOPBACK = "127.0.0.1"
MOST_CONTEXTS = 120
"""Of 128 that an association may propose (PS3.8 9.3.2)."""
SECONDS, HANDSHAKE_SECONDS = 30, 5
_LOOK_SECONDS = 0.2
"""How often it is looked whether the connection still is there."""
_NOT_TAKEN = "the peer does not take this kind of object or its compression"
_OUT_OF_ROOM, _CANNOT_UNDERSTAND = 0xA700, 0xC000


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom we speak to. called, calling: AE titles, at most 16 characters."""

    host: str
    port: int
    called: str = "ANY-SCP"
    calling: str = AE_TITLE


class _ServerContext(ssl.SSLContext):
    """A client that connects and says nothing must not hold the others up for good."""

    def wrap_socket(self, sock: socket.socket, *args: Any, **more: Any) -> ssl.SSLSocket:
        sock.settimeout(HANDSHAKE_SECONDS)
        wrapped = super().wrap_socket(sock, *args, **more)
        wrapped.settimeout(None)
        return wrapped


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM. trusted: certificates by which the peer is checked; own, key: what we show it, where it asks."""

    trusted: Path | None = None
    own: Path | None = None
    key: Path | None = None

    def context(self, *, server: bool) -> ssl.SSLContext:
        """Raises HrctError(BAD_CERTIFICATE) where a file cannot be used."""
        if server and self.own is None:
            raise HrctError("BAD_CERTIFICATE", "To receive by TLS a certificate is needed.", "Name it, and its key.")
        try:
            context: ssl.SSLContext = _ServerContext(ssl.PROTOCOL_TLS_SERVER) if server else ssl.SSLContext(
                ssl.PROTOCOL_TLS_CLIENT)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if self.trusted:
                context.load_verify_locations(self.trusted)
                context.verify_mode = ssl.CERT_REQUIRED
            elif not server:
                context.load_default_certs()
            if self.own:
                context.load_cert_chain(self.own, self.key)
        except (OSError, ssl.SSLError) as problem:
            raise HrctError(
                "BAD_CERTIFICATE", "A certificate or key for TLS cannot be used.",
                "Name PEM files that belong together.",
            ) from problem
        return context


@dataclass(frozen=True, slots=True)
class Sent:
    """sent: how many were taken. failed: reasons in words, each with how many files. not_dicom: files left out.

    locked: files and folders that may not be opened.
    """

    sent: int
    failed: tuple[tuple[str, int], ...]
    not_dicom: int
    locked: int = 0


@dataclass(slots=True)
class Received:
    """What a receiver has taken so far; it changes while it runs. closed: nothing more is taken."""

    stored: int = 0
    refused: int = 0
    closed: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


def send(paths: Sequence[Path], peer: Peer, *, tls: Tls | None = None, progress: Progress = SILENT) -> Sent:
    """Send every DICOM object under the paths, and in zip archives, as it is, in the transfer syntax that it has.

    Raises HrctError: NO_SUCH_PATH, NO_DICOM, NOT_CONNECTED where the peer does not answer or refuses us,
    BAD_CERTIFICATE; WrongUsage for a path that the system refuses.
    """
    check_there(paths)
    with open_archives():
        kinds, skipped, locked = _kinds(_unpacked(paths), progress)
        if not kinds and locked:
            raise HrctError("NO_DICOM", f"Nothing could be read: {locked} may not be opened.",
                            "Ask those who run this computer or share for the right to read them.")
        if not kinds:
            raise HrctError("NO_DICOM", "There is no DICOM object to send.", "Check the path.")
        context = tls.context(server=False) if tls else None
        _check_listening(peer)
        return Sent(*_send_all(kinds, peer, context, progress), skipped, locked)


def _send_all(
    kinds: dict[tuple[str, str], list[Path]], peer: Peer, context: ssl.SSLContext | None, progress: Progress
) -> tuple[int, tuple[tuple[str, int], ...]]:
    """How many objects were taken, and why others were not."""
    from pynetdicom import AE

    failed: Counter[str] = Counter()
    sent = done = 0
    total = sum(len(files) for files in kinds.values())
    pairs = list(kinds)
    for start in range(0, len(pairs), MOST_CONTEXTS):
        ae = AE(ae_title=peer.calling)
        ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = ae.connection_timeout = SECONDS
        some = pairs[start : start + MOST_CONTEXTS]
        for sop_class, syntax in some:
            ae.add_requested_context(sop_class, syntax)
        link = ae.associate(peer.host, peer.port, ae_title=peer.called,
                            tls_args=(context, peer.host) if context else None)
        if not link.is_established and link.rejected_contexts:
            _close(link)
            failed[_NOT_TAKEN] += sum(len(kinds[pair]) for pair in some)
            continue
        if not link.is_established:
            _close(link)
            raise _not_connected(peer, "refuses us")
        cast(Any, link).dimse.get_msg = _answers(link)
        try:
            for pair in some:
                for file in kinds[pair]:
                    progress.step("Sending", done, total)
                    done += 1
                    why = _send_one(link, file, pair)
                    sent += not why
                    if why:
                        failed[why] += 1
        finally:
            link.release()
            _close(link)
    return sent, tuple(sorted(failed.items()))


def _answers(link: Any) -> Callable[..., tuple[Any, Any]]:
    """In place of the library's wait for an answer, which lasts its whole time where the peer hung up just before."""

    def get(block: bool = False) -> tuple[Any, Any]:
        until = monotonic() + SECONDS
        while True:
            try:
                context, answer = link.dimse.msg_queue.get(block=block, timeout=_LOOK_SECONDS)
                return context, answer
            except Empty:
                if not block or not link.dul.is_alive() or monotonic() > until:
                    return None, None

    return get


def _unpacked(paths: Sequence[Path]) -> Iterator[Path]:
    """Each file; in place of an archive its members."""
    for file in files_below(paths):
        try:
            yield from members(file) if is_archive(file) else [file]
        except READ_ERRORS:  # a damaged archive is one file that is no object
            yield file


def _check_listening(peer: Peer) -> None:
    """Asked first: the library leaves a socket open where nobody listens."""
    try:
        socket.create_connection((peer.host, peer.port), SECONDS).close()
    except (OSError, OverflowError, UnicodeError) as problem:
        raise _not_connected(peer, "does not answer") from problem


def _close(link: Any) -> None:
    """Close what the library leaves open where the peer hung up first."""
    ours = getattr(link.dul.socket, "socket", None)
    if ours is not None:
        ours.close()


def _not_connected(peer: Peer, what: str) -> HrctError:
    return HrctError(
        "NOT_CONNECTED", f"'{peer.host}', port {peer.port}, {what}.",
        "Check host, port, AE titles and TLS with those who run it.",
    )


def _kinds(files: Iterable[Path], progress: Progress) -> tuple[dict[tuple[str, str], list[Path]], int, int]:
    """Files by SOP class and transfer syntax, how many are no DICOM objects, and how many may not be opened."""
    kinds: dict[tuple[str, str], list[Path]] = {}
    skipped = locked = 0
    with quiet():
        for number, file in enumerate(files):
            progress.step("Looking for DICOM files", number)
            try:
                read = read_dataset(file, tags=["SOPClassUID", "SOPInstanceUID"], pixels=False)
                pair = str(read.SOPClassUID), str(syntax_of(read))
                told = is_uid(pair[0]) and is_uid(pair[1]) and is_uid(str(read.SOPInstanceUID))
            except PermissionError:
                locked += 1
                continue
            except Exception:  # noqa: BLE001 - the parser complains of what is no DICOM in every way
                told = False
            if told:
                kinds.setdefault(pair, []).append(file)
            else:
                skipped += 1
    return kinds, skipped, locked


def _send_one(link: Any, file: Path, pair: tuple[str, str]) -> str:
    """Why the object was not taken; empty where it was. pair: its SOP class and transfer syntax."""
    with quiet():
        try:
            read = read_dataset(file)
            read.file_meta.TransferSyntaxUID = UID(pair[1])  # some files do not name it
        except Exception:  # noqa: BLE001 - the parser complains of broken files in every way
            return "the file cannot be read"
        try:
            answer = link.send_c_store(read)
        except (ValueError, AttributeError):  # the library says both of these in one way
            taken = any(pair == (c.abstract_syntax, c.transfer_syntax[0]) for c in link.accepted_contexts)
            return "it cannot be encoded" if taken else _NOT_TAKEN
        except (OSError, RuntimeError):
            return "the connection broke"
    if not answer:
        return "the peer did not answer"
    status = int(answer.Status)
    return "" if status == 0 or status >> 12 == 0xB else f"the peer answered with status {status:04X}"


def receive(
    folder: Path, port: int, received: Received, *, host: str = LOOPBACK, title: str = AE_TITLE,
    tls: Tls | None = None, started: Callable[[int], None] = lambda port: None, stop: Callable[[Received], bool],
) -> None:
    """Take what is sent to us, into `folder`, until `stop` says so; it is asked some times a second. Objects that come
    while we close are answered as refused. received: counted there, also where `stop` raises.

    started: told the port that is listened on (0 asks the system for one). Raises HrctError(NOT_CONNECTED) where the
    port cannot be had, BAD_CERTIFICATE.
    """
    from pynetdicom import AE, AllStoragePresentationContexts, evt
    from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

    ae = AE(ae_title=title)
    for context in AllStoragePresentationContexts:
        ae.add_supported_context(str(context.abstract_syntax), _syntaxes())
    ae.add_supported_context(Verification)
    try:
        server = cast(Any, ae.start_server(
            (host, port), block=False, evt_handlers=[(evt.EVT_C_STORE, _taker(folder, received))],
            ssl_context=tls.context(server=True) if tls else None,
        ))
    except (OSError, OverflowError, UnicodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "there is no such address or port"
        raise HrctError(
            "NOT_CONNECTED", f"Port {port} of '{host}' cannot be listened on ({why}).",
            "Choose another address or port.",
        ) from problem
    wait = threading.Event()
    try:
        started(int(server.socket.getsockname()[1]))
        while not stop(received):
            wait.wait(0.1)
    finally:
        with received.lock:
            received.closed = True
        server.shutdown()
        ae.shutdown()


def _taker(folder: Path, received: Received) -> Callable[[Any], int]:
    def take(event: Any) -> int:
        try:
            name = hashlib.sha256(str(event.request.AffectedSOPInstanceUID).encode()).hexdigest()[:32]
            content = event.encoded_dataset()
        except Exception:  # noqa: BLE001 - whatever a peer sends must not end the receiver
            name, content = "", b""
        with received.lock:  # one at a time: two senders may send the same object
            status = _OUT_OF_ROOM if received.closed else _put(folder, name, content) if name else _CANNOT_UNDERSTAND
            received.stored += status == 0
            received.refused += status != 0
        return status

    return take


def _put(folder: Path, name: str, content: bytes) -> int:
    """Store an object; the answer's status. What is there with other bytes under one UID stays beside it."""
    try:
        for number in range(1, 100):
            file = folder / (f"{name}.dcm" if number == 1 else f"{name}-{number}.dcm")
            if not file.exists():
                with written_whole(file) as aside:
                    aside.write_bytes(content)
                return 0
            if file.read_bytes() == content:
                return 0
    except (HrctError, OSError):
        return _OUT_OF_ROOM
    return _CANNOT_UNDERSTAND


def _syntaxes() -> list[str]:
    from pydicom.uid import AllTransferSyntaxes

    return [str(syntax) for syntax in AllTransferSyntaxes]
