"""Builds the self-contained program: dist/ssc-hrct with the command line, the window and all that they need.

In: the source tree and the environment that ./dev made. Out: a folder for the system it is built on, with the licences
of what is in it. Fails when the folder is over the limit: what grows is looked at, not shipped.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

INSTALLER = Path(__file__).resolve().parent
ROOT = INSTALLER.parent
PROGRAM = ROOT / "dist" / "ssc-hrct"
LIMIT_MB = 700
SYMBOLS = ("/zstandard/", "/fastcc3d.", "/edt.", "/typst/", "/_CharLS.", "/scipy/", "/skimage/",
           "/imagecodecs/", "/PIL/",
           "/libpython")
"""Extension modules whose debugging symbols are left out."""
LICENCE_TEXT = re.compile(r"(licen[cs]e|copying|notice)", re.IGNORECASE)
TEXT_ENDINGS = {"", ".txt", ".md", ".rst", ".LESSER", ".APACHE", ".BSD"}


def build(*, quiet: bool) -> None:
    """Run PyInstaller; show what it says only where it fails, or where asked."""
    command = [
        sys.executable, "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level", "WARN",
        "--distpath", str(ROOT / "dist"), "--workpath", str(ROOT / "build" / "pyinstaller"),
        str(INSTALLER / "program.spec"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=quiet, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{done.stderr if quiet else ''}PyInstaller failed.")


def lay_licences() -> int:
    """Copy our licence and notice, and the licence texts of all that ships; how many packages.

    Some packages bring no text of their own: for those under the LGPL it lies in installer/licences.
    """
    place = PROGRAM / "licences"
    place.mkdir()
    for text in (ROOT / "LICENSE", ROOT / "NOTICE", *(INSTALLER / "licences").iterdir()):
        shutil.copy(text, place / text.name)
    python = next((p for p in Path(sys.base_prefix).rglob("LICENSE.txt") if "site-packages" not in p.parts), None)
    if python is not None:
        shutil.copy(python, place / "Python-LICENSE.txt")
    packages = [package for package in importlib.metadata.distributions() if ships(package)]
    for package in packages:
        for file in package.files or ():
            if LICENCE_TEXT.search(file.name) and file.suffix in TEXT_ENDINGS:
                shutil.copy(str(file.locate()), place / f"{package.metadata['Name']}-{file.name}")
    return len(packages) + lay_system_licences(place)


def ships(package: importlib.metadata.Distribution) -> bool:
    """Whether modules of this package lie in the built folder, or in its archive."""
    modules = {f.parts[0].split(".")[0] for f in package.files or () if f.suffix in {".py", ".so", ".pyd"}}
    table = (ROOT / "build" / "pyinstaller" / "program" / "PYZ-00.toc").read_text(encoding="utf-8")
    archived = set(re.findall(r"^\s*\[?\('([A-Za-z0-9_]+)", table, re.MULTILINE))
    laid = {path.name.split(".")[0] for path in (PROGRAM / "_internal").iterdir()}
    return bool(modules & (laid | archived))


def lay_system_licences(place: Path) -> int:
    """Copy what Debian says of each system library that PyInstaller took along; nothing on other systems."""
    if shutil.which("dpkg-query") is None:
        return 0
    libraries = [p.name for p in (PROGRAM / "_internal").glob("lib*.so*") if not p.is_symlink()]
    patterns = [f"*/{name}" for name in libraries]
    told = subprocess.run(["dpkg-query", "-S", *patterns], capture_output=True, text=True, check=False).stdout
    packages = {line.split(":")[0] for line in told.splitlines()}
    found = [text for name in packages if (text := Path("/usr/share/doc", name, "copyright")).is_file()]
    for text in found:
        shutil.copy(text, place / f"system-{text.parent.name}.txt")
    return len(found)


def strip_symbols(program: Path) -> None:
    """Take debugging symbols out of extension modules that come with them; 80 MB less, and nothing runs otherwise.

    Shared libraries of others (BLAS, Qt, ITK) stay as they are. Only where the system has `strip`.
    """
    tool = shutil.which("strip")
    if tool is None or not sys.platform.startswith("linux"):
        return
    for file in sorted(program.rglob("*.so*")):
        if not file.is_symlink() and any(part in file.as_posix() for part in SYMBOLS):
            subprocess.run([tool, "--strip-unneeded", str(file)], check=True)


def size_mb(folder: Path) -> float:
    return sum(p.lstat().st_size for p in folder.rglob("*") if p.is_file() and not p.is_symlink()) / 1e6


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Build the self-contained program in dist/ssc-hrct.")
    parser.add_argument("--quiet", action="store_true", help="say only how it ended")
    build(quiet=parser.parse_args(arguments).quiet)
    strip_symbols(PROGRAM)
    packages = lay_licences()
    size = size_mb(PROGRAM)
    print(f"dist/ssc-hrct: {size:.0f} MB, licences of {packages} packages beside it")
    if size > LIMIT_MB:
        print(f"That is over the limit of {LIMIT_MB} MB.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
