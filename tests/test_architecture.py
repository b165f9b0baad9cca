"""The rules of the house, said in sentences and read from the source itself.

import-linter holds the layers (contracts in pyproject.toml); here stands what it cannot say: which package belongs
to which room, what may be imported when, and how big a file may grow.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "ssc_hrct"
SOURCES = sorted(PACKAGE.rglob("*.py"))
ROOMS = ("app", "cli", "cohort", "compare", "core", "dicom", "export", "gui", "measure", "phantom", "quality", "study")
CORE_MAY_IMPORT = {"numpy", "ssc_hrct"}

# What only some rooms may know. A path ending in / is a room, or a folder in one.
BELONGS_TO = {
    "PySide6": ("gui/",),
    "shiboken6": ("gui/",),
    "pydicom": ("dicom/",),
    "highdicom": ("dicom/",),
    "SimpleITK": ("export/",),
    "typst": ("export/",),
    "sqlite3": ("study/",),
    "onnxruntime": ("measure/",),
    "statsmodels": ("cohort/",),
    "socket": ("dicom/network.py", "app/batch"),
    "ssl": ("dicom/network.py",),
    "pynetdicom": ("dicom/network.py",),
    "http": (),
    "urllib": (),
    "pickle": (),
    "requests": (),
    "torch": (),
}

# Too slow for the first window and for --help: they may only be imported by the work that uses them.
HEAVY = frozenset(
    {
        "pandas", "matplotlib", "SimpleITK", "scipy", "statsmodels", "highdicom", "torch", "skimage", "pydicom",
        "numpy", "PySide6", "typst",
    }
)


def place(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def imported(node: ast.AST) -> list[str]:
    """Top-level package names that an import statement brings in."""
    if isinstance(node, ast.Import):
        return [name.name.split(".")[0] for name in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        return [(node.module or "").split(".")[0]]
    return []


def all_imports(path: Path) -> set[str]:
    return {name for node in ast.walk(ast.parse(path.read_text())) for name in imported(node)}


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run when the module is imported; those under `if TYPE_CHECKING` do not."""
    for node in body:
        if isinstance(node, ast.If):
            if "TYPE_CHECKING" not in ast.unparse(node.test):
                yield from _statements(node.body)
            yield from _statements(node.orelse)
        elif isinstance(node, ast.Try):
            for part in (node.body, node.orelse, node.finalbody, *(h.body for h in node.handlers)):
                yield from _statements(part)
        elif isinstance(node, ast.With | ast.ClassDef):
            yield from _statements(node.body)
        else:
            yield node


def imports_at_module_level(path: Path) -> list[str]:
    """Whole names of the modules that are imported when this file is."""
    names: list[str] = []
    for node in _statements(ast.parse(path.read_text()).body):
        if isinstance(node, ast.Import):
            names += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
    return names


def modules_after(*arguments: str) -> set[str]:
    """Names in sys.modules after the program ran with these arguments in a fresh interpreter."""
    script = (
        "import atexit, json, sys\n"
        "atexit.register(lambda: print('\\nMODULES ' + json.dumps(sorted(sys.modules))))\n"
        "sys.argv[1:] = json.loads(sys.argv[1])\n"
        "from ssc_hrct.__main__ import main\n"
        "sys.exit(main())\n"
    )
    command = [sys.executable, "-c", script, json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=60)
    line = next((line for line in done.stdout.splitlines() if line.startswith("MODULES ")), None)
    assert line is not None, done.stderr
    assert done.returncode == 0, done.stderr
    return set(json.loads(line.removeprefix("MODULES ")))


def test_every_room_of_the_plan_is_there_and_no_other():
    found = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert found == set(ROOMS)


def test_core_imports_numpy_and_the_standard_library_alone():
    for path in (PACKAGE / "core").rglob("*.py"):
        foreign = {n for n in all_imports(path) if n not in sys.stdlib_module_names and n not in CORE_MAY_IMPORT}
        assert not foreign, f"{place(path)} imports {sorted(foreign)}"


@pytest.mark.parametrize("package", sorted(BELONGS_TO))
def test_a_package_stays_in_its_room(package):
    rooms = BELONGS_TO[package]
    for path in SOURCES:
        if not place(path).startswith(rooms):
            assert package not in all_imports(path), f"{place(path)} imports {package}"


def test_the_faces_door_imports_the_standard_library_alone():
    """`__main__` and `cli` bring in nothing heavy when they are imported; the work does so when it starts."""
    light = ("ssc_hrct.cli", "ssc_hrct.version")
    for path in (PACKAGE / "__main__.py", *(PACKAGE / "cli").rglob("*.py")):
        for name in imports_at_module_level(path):
            is_ours = name == "ssc_hrct" or name.startswith(light)
            assert is_ours or name.split(".")[0] in sys.stdlib_module_names, f"{place(path)} imports {name} too early"


def test_qt_is_imported_inside_the_windows_entry_alone():
    """`import ssc_hrct.gui` works where PySide6 cannot be imported; `gui.main()` needs it."""
    assert not {n.split(".")[0] for n in imports_at_module_level(PACKAGE / "gui" / "__init__.py")} & {"PySide6"}


@pytest.mark.parametrize("arguments", [["--help"], ["score", "--help"], ["compare", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments):
    assert not modules_after(*arguments) & HEAVY


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is_for(room):
    for path in (PACKAGE / room).rglob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text())), f"{place(path)} opens with no paragraph"


def test_no_file_grows_into_two_things():
    """About 400 lines; a file that comes near 500 is two things."""
    long = {place(path): count for path in SOURCES if (count := len(path.read_text().splitlines())) > 480}
    assert not long


def test_resources_are_found_by_assets_alone():
    """Other rooms get bytes from app; none builds a path into resources/."""
    for path in SOURCES:
        if place(path) != "app/assets.py":
            assert "_resources" not in path.read_text(), f"{place(path)} looks into the resources by itself"
