"""Sending and receiving on loopback: with ourselves, and with dcmtk, which is not ours; plain and with TLS."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)
from pynetdicom.dimse import DIMSEServiceProvider

from ssc_hrct.app.transfer import receive_objects
from ssc_hrct.core.errors import HrctError
from ssc_hrct.dicom.network import Peer, Received, Sent, Tls, receive, send
from ssc_hrct.dicom.quiet import quiet
from tests.certificates import self_signed
from tests.dicom.codings import coded
from tests.dicom.making import change, noise_volume, write
from tests.dicom.test_files import packed

needs_dcmtk = pytest.mark.skipif(shutil.which("storescp") is None, reason="dcmtk is not installed")
LOOPBACK = "127.0.0.1"


@contextmanager
def receiving(folder: Path, **more: object) -> Iterator[int]:
    """Our receiver in a thread; its port."""
    ready, over = threading.Event(), threading.Event()
    port: list[int] = []
    failure: list[BaseException] = []

    def started(number: int) -> None:
        port.append(number)
        ready.set()

    def run() -> None:
        try:
            receive(folder, 0, Received(), started=started, stop=lambda _: over.is_set(), **more)  # type: ignore[arg-type]
        except BaseException as problem:  # noqa: BLE001 - told to the test
            failure.append(problem)
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(20)
    try:
        if failure:
            raise failure[0]
        yield port[0]
    finally:
        over.set()
        thread.join(20)


def same_images(files: list[Path], folder: Path) -> None:
    def content(some: list[Path]) -> dict[str, bytes]:
        return {i.SOPInstanceUID: i.PixelData for i in map(pydicom.dcmread, some)}

    assert content(files) == content(sorted(folder.iterdir()))


def test_what_we_send_we_receive(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path / "in")
    (tmp_path / "in" / "note.txt").write_text("no DICOM")
    with receiving(tmp_path / "out") as port:
        sent = send([tmp_path / "in"], Peer(LOOPBACK, port))
    assert (sent.sent, sent.failed, sent.not_dicom) == (24, (), 1)
    same_images(files, tmp_path / "out")
    uids = {pydicom.dcmread(f).SOPInstanceUID for f in files}
    assert not [f for f in (tmp_path / "out").iterdir() if any(uid in f.name for uid in uids)]


@needs_dcmtk
def test_dcmtk_receives_what_we_send(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path / "in")
    (tmp_path / "out").mkdir()
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(["storescp", "-od", str(tmp_path / "out"), str(port)])
    try:
        sent = patiently(lambda: send([tmp_path / "in"], Peer(LOOPBACK, port)))
    finally:
        server.terminate()
        server.wait(20)
    assert sent.sent == 24
    same_images(files, tmp_path / "out")


def patiently(ask: Callable[[], Sent]) -> Sent:
    """Until the server of another program listens."""
    for _ in range(50):
        try:
            return ask()
        except HrctError:
            time.sleep(0.1)
    return ask()


@needs_dcmtk
def test_we_receive_what_dcmtk_sends(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path / "in")
    with receiving(tmp_path / "out") as port:
        subprocess.run(["storescu", LOOPBACK, str(port), *map(str, files)], check=True, capture_output=True)
        echo = subprocess.run(["echoscu", LOOPBACK, str(port)], check=False)
    assert echo.returncode == 0
    same_images(files, tmp_path / "out")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("tls"), "localhost")


def test_tls_takes_the_peer_that_is_trusted_and_no_other(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    own, key = certificate
    files = write(noise_volume(), tmp_path / "in")
    with receiving(tmp_path / "out", tls=Tls(own=own, key=key)) as port:
        sent = send([tmp_path / "in"], Peer(LOOPBACK, port), tls=Tls(trusted=own))
        with pytest.raises(HrctError, match="refuses us"):
            send([tmp_path / "in"], Peer(LOOPBACK, port), tls=Tls())
        with pytest.raises(HrctError, match="refuses us"):
            send([tmp_path / "in"], Peer(LOOPBACK, port))
    assert sent.sent == 24
    same_images(files, tmp_path / "out")


def test_nobody_there_and_a_port_that_is_taken_are_said(tmp_path: Path) -> None:
    write(noise_volume(), tmp_path / "in")
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(HrctError, match="cannot be listened on"):
            receive(tmp_path / "out", port, Received(), stop=lambda _: True)
    with pytest.raises(HrctError, match="does not answer"):
        send([tmp_path / "in"], Peer(LOOPBACK, port))
    with pytest.raises(HrctError, match="TLS cannot be used"):
        send([tmp_path / "in"], Peer(LOOPBACK, port), tls=Tls(trusted=tmp_path / "none.pem"))


def test_what_cannot_be_stored_is_answered_as_refused(tmp_path: Path) -> None:
    write(noise_volume(), tmp_path / "in")
    (tmp_path / "out").write_text("a file in the way")
    with receiving(tmp_path / "out") as port:
        sent = send([tmp_path / "in"], Peer(LOOPBACK, port))
    assert (sent.sent, sent.failed) == (0, (("the peer answered with status A700", 24),))


def test_the_receiver_is_on_this_computer_alone_unless_told(tmp_path: Path) -> None:
    places: list[int] = []
    heard: list[str] = []

    def stop(received: Received) -> bool:
        with Path("/proc/net/tcp").open() as table:
            heard.extend(line.split()[1] for line in table if line.split()[1].endswith(f":{places[0]:04X}"))
        return True

    if not Path("/proc/net/tcp").exists():
        pytest.skip("this system does not list its sockets")
    receive(tmp_path, 0, Received(), started=places.append, stop=stop)
    assert {place.split(":")[0] for place in heard} == {"0100007F"}, "127.0.0.1 in hexadecimal, last byte first"


def test_after_the_stop_nothing_more_is_taken(tmp_path: Path) -> None:
    write(noise_volume(), tmp_path / "in")
    received, port, ready = Received(), list[int](), threading.Event()

    def started(number: int) -> None:
        port.append(number)
        ready.set()

    thread = threading.Thread(
        target=lambda: receive(tmp_path / "out", 0, received, started=started, stop=lambda r: r.stored >= 3))
    thread.start()
    assert ready.wait(20)
    try:
        send([tmp_path / "in"], Peer(LOOPBACK, port[0]))
    except HrctError:
        pass  # the connection ended under way
    thread.join(30)
    assert not thread.is_alive()
    stored = received.stored
    assert stored == len(list((tmp_path / "out").iterdir()))
    time.sleep(0.5)
    assert received.stored == stored


@pytest.mark.parametrize(("host", "port"), [("a..b", 0), ("x" * 70, 0), (LOOPBACK, 70_000), ("nowhere.invalid", 0)])
def test_an_address_that_is_none_is_said(tmp_path: Path, host: str, port: int) -> None:
    with pytest.raises(HrctError, match="cannot be listened on") as raised:
        receive(tmp_path / "out", port, Received(), host=host, stop=lambda _: True)
    assert (raised.value.code, raised.value.do) == ("NOT_CONNECTED", "Choose another address or port.")


def test_a_peer_that_hung_up_just_before_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(noise_volume(), tmp_path / "in")
    tell = DIMSEServiceProvider.send_msg

    def too_late(self: DIMSEServiceProvider, *more: Any) -> None:
        """Where it is the sender's second request: sent when the library has heard of the end, and forgotten it."""
        if self.assoc.is_requestor:
            requests.append(1)
        while len(requests) == 2 and self.assoc.is_requestor and self.dul.is_alive():
            time.sleep(0.01)
        if not self.dul.is_alive():
            self.msg_queue.queue.clear()
        tell(self, *more)

    requests: list[int] = []
    monkeypatch.setattr(DIMSEServiceProvider, "send_msg", too_late)
    ready, port = threading.Event(), list[int]()

    def started(number: int) -> None:
        port.append(number)
        ready.set()

    thread = threading.Thread(target=lambda: receive(
        tmp_path / "out", 0, Received(), started=started, stop=lambda received: received.stored >= 1))
    thread.start()
    assert ready.wait(20)
    began = time.monotonic()
    sent = send([tmp_path / "in"], Peer(LOOPBACK, port[0]))
    assert time.monotonic() - began < 15
    thread.join(20)
    assert sent.sent == 1
    assert sum(number for _, number in sent.failed) == 23


def test_a_client_that_says_nothing_holds_nobody_up(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    own, key = certificate
    write(noise_volume(), tmp_path / "in")
    with receiving(tmp_path / "out", tls=Tls(own=own, key=key)) as port, socket.create_connection((LOOPBACK, port)):
        sent = send([tmp_path / "in"], Peer(LOOPBACK, port), tls=Tls(trusted=own))
    assert sent.sent == 24
    with pytest.raises(HrctError, match="certificate is needed"):
        receive(tmp_path / "out", 0, Received(), tls=Tls(), stop=lambda _: True)


def test_other_bytes_under_one_uid_stand_beside_each_other(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path / "in")[:1]
    with receiving(tmp_path / "out") as port:
        send(files, Peer(LOOPBACK, port))
        send(files, Peer(LOOPBACK, port))
        change(files, lambda dataset, _: setattr(dataset, "KVP", 77))
        send(files, Peer(LOOPBACK, port))
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_what_is_in_archives_is_sent(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path / "in")
    (tmp_path / "in" / "note.txt").write_text("no DICOM")
    (tmp_path / "sent").mkdir()
    archive = packed(tmp_path / "in", tmp_path / "sent" / "export")
    (tmp_path / "sent" / "cut.zip").write_bytes(archive.read_bytes()[:3000])
    with receiving(tmp_path / "out") as port:
        sent = send([tmp_path / "sent"], Peer(LOOPBACK, port))
        one = send([archive / files[0].name], Peer(LOOPBACK, port))
    assert (sent.sent, sent.failed, sent.not_dicom, one.sent) == (24, (), 2, 1)
    same_images(files, tmp_path / "out")
    with pytest.raises(HrctError, match="There is no file or folder"):
        send([archive / "none"], Peer(LOOPBACK, port))


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_files_without_a_meta_group_are_sent_as_they_are_written(tmp_path: Path, syntax: UID) -> None:
    files = write(noise_volume(), tmp_path / "in")[:2]
    values = [pydicom.dcmread(file).pixel_array for file in files]
    for file in files:
        dataset = pydicom.dcmread(file)
        if not syntax.is_little_endian:
            dataset.PixelData = dataset.pixel_array.astype(">i2").tobytes()
        del dataset.file_meta
        dataset.preamble = None
        pydicom.dcmwrite(file, dataset, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian,
                         force_encoding=True)
    with receiving(tmp_path / "out") as port:
        sent = send(files, Peer(LOOPBACK, port))
    assert (sent.sent, sent.failed, sent.not_dicom) == (2, (), 0)
    got = sorted(map(pydicom.dcmread, (tmp_path / "out").iterdir()), key=lambda i: float(i.ImagePositionPatient[2]))
    assert {i.file_meta.TransferSyntaxUID for i in got} == {syntax}
    for image, value in zip(got, values, strict=True):
        np.testing.assert_array_equal(image.pixel_array, value)


def test_what_is_no_object_is_counted_and_what_cannot_be_sent_is_told(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path / "in")[:6]

    def spoil(dataset: FileDataset, index: int) -> None:
        if index == 0:
            dataset.SOPClassUID = "1." + "2" * 70
        elif index == 1:
            dataset.SOPClassUID = "CT of Doe"
        elif index == 2:
            del dataset.SOPInstanceUID
        elif index == 3:
            dataset.SOPClassUID = "1.2.3.4.5"
        elif index == 4:
            dataset.compress(RLELossless, generate_instance_uid=False)

    with quiet():
        change(files, spoil)
    written = files[4].read_bytes()
    at = written.index(b"\xfe\xff\x00\xe0")  # the first item of the pixels
    files[4].write_bytes(written[:at] + bytes(4) + written[at + 4 :])
    with receiving(tmp_path / "out") as port:
        sent = send(files, Peer(LOOPBACK, port))
    assert (sent.sent, sent.not_dicom) == (1, 3)
    assert sent.failed == (("it cannot be encoded", 1),
                           ("the peer does not take this kind of object or its compression", 1))


def test_what_may_not_be_opened_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, really = write(noise_volume(), tmp_path / "in"), Path.open

    def opened(self: Path, *given: object, **named: object) -> object:
        if self == files[3]:
            raise PermissionError(13, "Permission denied")
        return really(self, *given, **named)  # type: ignore[call-overload]

    with receiving(tmp_path / "out") as port:
        monkeypatch.setattr(Path, "open", opened)
        sent = send([tmp_path / "in"], Peer(LOOPBACK, port))
    assert (sent.sent, sent.locked, sent.not_dicom) == (len(files) - 1, 1, 0)


@needs_dcmtk
def test_a_peer_that_takes_no_compression_is_told_as_such(tmp_path: Path) -> None:
    files = coded(write(noise_volume(), tmp_path / "plain"), tmp_path / "in", JPEGLSLossless)
    (tmp_path / "out").mkdir()
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(["storescp", "-od", str(tmp_path / "out"), str(port)])
    try:
        sent = patiently(lambda: send([files], Peer(LOOPBACK, port)))
    finally:
        server.terminate()
        server.wait(20)
    assert sent.failed == (("the peer does not take this kind of object or its compression", 24),)


def test_a_folder_that_cannot_be_written_is_said_before_anybody_sends(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file in the way")
    with pytest.raises(HrctError, match="cannot be written"):
        receive_objects(tmp_path / "out", LOOPBACK, 0, "SSC_HRCT", None, count=1, started=lambda _: None)
