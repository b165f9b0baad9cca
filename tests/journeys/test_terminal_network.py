"""The network in a terminal: objects go out and come in when asked, and no other command opens a socket."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.terminal import Home, write_block, write_small_chest

LISTENER = """
import runpy, socket, sys
def hook(event, arguments):
    if event == "socket.__new__" and arguments[1] in (socket.AF_INET, socket.AF_INET6):
        print("OPENED A SOCKET", flush=True)
sys.addaudithook(hook)
sys.argv[0] = "ssc-hrct"
runpy.run_module("ssc_hrct", run_name="__main__")
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "home").mkdir()
    return Home(tmp_path / "home")


def test_objects_go_from_one_command_to_the_other(home: Home) -> None:
    write_block(home.folder / "in", names="sent")
    with home.receiving("--out", "got", "--count", 10) as (receiver, port):
        sent = home.run("send", "in", "--host", "127.0.0.1", "--port", port)
        out, _ = receiver.communicate(timeout=60)
    assert (sent.returncode, receiver.returncode) == (0, 0)
    assert "Objects sent: 10." in sent.stdout
    assert "Objects received: 10, into 'got'. Refused: 0." in out
    assert len(list((home.folder / "got").iterdir())) == 10


@pytest.mark.parametrize(("arguments", "told"), [
    (("--host", "127.0.0.1", "--port", "70000"), "no port"),
    (("--host", "127.0.0.1", "--port", "104", "--called", "A" * 17), "no AE title"),
    (("--host", "127.0.0.1", "--port", "104", "--key", "key.pem"), "Add --tls"),
])
def test_what_cannot_be_meant_is_wrong_usage(home: Home, arguments: tuple[str, ...], told: str) -> None:
    write_block(home.folder / "in", names="sent")
    done = home.run("send", "in", *arguments)
    assert done.returncode == 2
    assert told in done.stderr


def test_no_other_command_opens_a_socket(home: Home) -> None:
    write_small_chest(home.folder / "a", names="still/a", ild_percent=7.5, scan_date="2025-01-15")
    lines = (
        ("inspect", "a"), ("score", "a", "--out", "out", "--overlay", "--format", "seg", "--format", "sr",
                           "--format", "nifti"),
        ("compare", "a", "a", "--out", "pair"), ("deidentify", "a", "--out", "copy"),
    )
    for line in lines:
        done = subprocess.run(
            [sys.executable, "-c", LISTENER, *line], capture_output=True, text=True, env=home.environment,
            cwd=home.folder, timeout=300, check=False,
        )
        assert "OPENED A SOCKET" not in done.stdout, line
        assert done.returncode == (2 if line[0] == "compare" else 0), done.stderr
    talking = subprocess.run(
        [sys.executable, "-c", LISTENER, "send", "a", "--host", "127.0.0.1", "--port", "1"], capture_output=True,
        text=True, env=home.environment, cwd=home.folder, timeout=60, check=False,
    )
    assert "OPENED A SOCKET" in talking.stdout, "the test would see a socket"
