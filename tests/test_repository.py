"""What may lie in this repository, and what its texts may say."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
TOO_BIG = 2_000_000

# Under the GPL; each has been pulled in by some package of the field. PyInstaller's licence frees what it builds.
NEVER = {"pylibjpeg-libjpeg", "pingouin", "nuitka", "pyqt5", "pyqt6", "unidecode", "fastmorph-gpl", "python-gdcm"}


@cache
def tracked() -> tuple[Path, ...]:
    """Files that git knows. In a copy without git there is nothing to say."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("This copy is not a git checkout.")
    return tuple(p for name in done.stdout.decode().split("\0") if name and (p := ROOT / name).is_file())


def texts() -> list[Path]:
    kinds = {".md", ".py", ".json", ".toml", ".html", ".csv", ".ts", ".qml"}
    return [p for p in tracked() if p.suffix in kinds and "tests" not in p.relative_to(ROOT).parts]


def locked() -> set[str]:
    return set(re.findall(r"^([A-Za-z0-9_.-]+)==", LOCK.read_text(), re.MULTILINE))


def test_no_package_under_the_gpl_is_locked():
    assert not {name.lower() for name in locked()} & NEVER


def test_the_lock_has_a_hash_for_every_package_and_names_no_server():
    text = LOCK.read_text()
    assert "://" not in text
    for entry in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE):
        if "==" in entry:
            assert "--hash=sha256:" in entry, entry.splitlines()[0]


def test_the_lock_keeps_qt_below_the_release_that_breaks_python_3_11():
    versions = re.findall(r"^pyside6-essentials==(\d+)\.(\d+)", LOCK.read_text(), re.MULTILINE)
    assert versions
    assert all((6, 8) <= (int(major), int(minor)) < (6, 12) for major, minor in versions)


def test_every_package_that_ships_is_named_in_the_notice():
    """What the program needs at run time, by name; tools for tests are not part of it."""
    notice = (ROOT / "NOTICE").read_text().lower()
    project = (ROOT / "pyproject.toml").read_text().split("dependencies = [", 1)[1].split("]", 1)[0]
    needed = re.findall(r'"([A-Za-z0-9-]+)', project)
    assert len(needed) > 10
    missing = [n for n in needed if n.lower().replace("-essentials", "") not in notice]
    assert not missing


def test_nothing_big_is_tracked():
    big = {p.name: p.stat().st_size for p in tracked() if p.stat().st_size > TOO_BIG}
    assert not big


def test_no_scan_is_tracked():
    for path in tracked():
        with path.open("rb") as file:
            head = file.read(348)
        assert head[128:132] != b"DICM", f"{path.name} is a DICOM file"
        assert head[344:347] not in (b"n+1", b"ni1"), f"{path.name} is a NIfTI file"
        assert not head.startswith(b"NRRD"), f"{path.name} is an NRRD file"
        assert path.suffix.lower() not in {".dcm", ".ima", ".nii", ".nrrd", ".mha", ".mhd", ".zip"}, path.name


def test_no_path_of_a_machine_is_tracked():
    """Nobody else has these folders."""
    for path in texts():
        found = re.search(r"(?<![\w./])/(?:home|root|work)/\w+", path.read_text())
        assert found is None, f"{path.name} names {found.group()}"


def test_our_numbers_are_never_called_by_the_names_of_others():
    """QILD and QLF are published scores of another group: they may stand in a sentence that says that ours differ."""
    says_so = re.compile(
        r"interchangeable|not the same|make-?up|differ|instead of|compared? with|published|never|no .{0,20}(QILD|QLF)"
    )
    for path in texts():
        paragraphs = re.split(r"\n\s*\n", path.read_text())
        for paragraph in paragraphs:
            if re.search(r"\bQ(ILD|LF)\b", paragraph):
                assert says_so.search(paragraph), f"{path.name}: {paragraph[:200]}"


def test_every_command_in_the_readme_exists():
    """What README and CONTRIBUTING tell a newcomer to type is what ./dev knows."""
    done = subprocess.run([ROOT / "dev", "--help"], capture_output=True, text=True, check=True)
    known = set(re.findall(r"^  (\w+) ", done.stdout, re.MULTILINE))
    assert {"demo", "test"} <= known
    for name in ("README.md", "CONTRIBUTING.md"):
        told = set(re.findall(r"\./dev (\w+)", (ROOT / name).read_text()))
        assert told
        assert told <= known, f"{name} tells of {sorted(told - known)}"


def test_every_link_between_pages_leads_somewhere():
    for page in (p for p in tracked() if p.suffix == ".md"):
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_dev_tells_an_unknown_command_from_a_known_one():
    done = subprocess.run([ROOT / "dev", "dance"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "There is no command dance" in done.stderr
    assert "Traceback" not in done.stderr


def test_dev_can_be_read_by_an_old_python_that_then_says_what_it_needs():
    """Nothing newer than Python 3.6 can read: no assignment expressions, no match, no positional-only arguments."""
    import ast

    ast.parse((ROOT / "dev").read_text(), feature_version=(3, 6))
