"""What the program needs at run time is what it imports, and nothing is installed for nothing."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODULES = {
    "scikit-image": "skimage", "connected-components-3d": "cc3d", "pyside6-essentials": "PySide6", "pillow": "PIL",
    "simpleitk": "SimpleITK",
}


def needed() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {re.match(r"[A-Za-z0-9-]+", line)[0].lower() for line in project["dependencies"]}  # type: ignore[index]


def imported() -> set[str]:
    names: set[str] = set()
    for path in (ROOT / "ssc_hrct").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.split(".")[0])
    return names


def test_every_package_that_is_installed_with_the_program_is_used_by_it() -> None:
    used = imported()
    assert {name for name in needed() if MODULES.get(name, name) not in used} == set()


def test_the_built_program_holds_every_part_of_imagecodecs_that_decoding_loads() -> None:
    """PyInstaller does not see what compiled modules import; without one of them no compressed slice can be read."""
    listed = re.search(r"CODECS = \(([^)]*)\)", (ROOT / "installer" / "program.spec").read_text())
    assert listed is not None
    script = ("import sys; from ssc_hrct.dicom import decoders; "
              "print(*(n for n in sys.modules if n.startswith('imagecodecs._') and n != 'imagecodecs._imagecodecs'))")
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    parts = {name.removeprefix("imagecodecs.") for name in loaded.split()}
    assert "_jpegls" in parts
    assert parts <= set(re.findall(r'"(\w+)"', listed[1]))
