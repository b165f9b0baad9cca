"""What is built holds the models, and a program that lost one says so by name instead of scoring without it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.terminal import write_block

ROOT = Path(__file__).resolve().parents[1]
MODELS = ("intervals.json", "patterns.json")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel that pip would install, built from the tree as it stands."""
    place = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = place.glob("*.whl")
    return built


@pytest.fixture
def installed(wheel, tmp_path):
    """The wheel unpacked as pip lays it."""
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "site")
    return tmp_path / "site"


def run(site: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Python with the unpacked wheel before the source tree, in a home of its own."""
    home = site.parent / "home"
    home.mkdir(exist_ok=True)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "SSC_HRCT_"))}
    told = kept | {"HOME": str(home), "USERPROFILE": str(home), "LOCALAPPDATA": str(home), "PYTHONPATH": str(site)}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=home, env=told, capture_output=True, text=True, timeout=120, check=False)


def test_the_wheel_holds_every_resource_to_the_byte_and_nothing_of_training_or_tests(wheel):
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
        held = {n.removeprefix("ssc_hrct/_resources/"): packed.read(n) for n in names if "/_resources/" in n}
    kept = {p.relative_to(ROOT / "resources").as_posix(): p for p in (ROOT / "resources").rglob("*") if p.is_file()}
    assert set(held) == set(kept)
    assert {f"models/{name}" for name in MODELS} | {"protocols/default.json"} <= set(held)
    assert all(held[name] == kept[name].read_bytes() for name in held)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"ssc_hrct"}


def test_the_installed_program_reads_its_own_models(installed):
    say = "import ssc_hrct; from ssc_hrct.app import assets as a; a.models(); print(ssc_hrct.__file__, a.folder())"
    done = run(installed, "-c", say)
    assert done.returncode == 0, done.stderr
    assert all(str(installed) in place for place in done.stdout.split())


DAMAGE = {
    "gone": lambda file: file.unlink(),
    "its folder gone": lambda file: shutil.rmtree(file.parent),
    "empty": lambda file: file.write_bytes(b""),
    "cut short": lambda file: file.write_bytes(file.read_bytes()[:-200]),
    "one digit changed": lambda file: file.write_bytes(file.read_bytes().replace(b"1", b"2", 1)),
}


@pytest.mark.parametrize(("damage", "model"), [
    ("gone", "patterns.json"), ("gone", "intervals.json"), ("its folder gone", "patterns.json"),
    ("empty", "intervals.json"), ("cut short", "patterns.json"), ("one digit changed", "patterns.json"),
    ("one digit changed", "intervals.json"),
])
def test_a_model_that_is_not_whole_is_told_and_nothing_is_scored(installed, model, damage):
    """Scored at the command line; the exam would be refused by its header, so that the model alone is told of."""
    DAMAGE[damage](installed / "ssc_hrct" / "_resources" / "models" / model)
    write_block(installed.parent / "exam", names="block")
    out = installed.parent / "out"
    done = run(installed, "-m", "ssc_hrct", "score", installed.parent / "exam", "--out", out)
    said = done.stdout + done.stderr
    assert done.returncode == 3, said
    assert "Traceback" not in said
    assert "fault of the program" not in said
    assert "Install the program again." in said
    assert "models/" in said if "gone" in damage else f"The model of the {model.removesuffix('.json')}" in said
    assert not list(out.glob("**/scores.csv"))


def test_the_built_program_takes_all_resources_along():
    """PyInstaller's list; that the built program works with them is tried by installer/smoke.py."""
    spec = (ROOT / "installer" / "program.spec").read_text(encoding="utf-8")
    assert '(str(ROOT / "resources"), "ssc_hrct/_resources")' in spec
