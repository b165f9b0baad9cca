"""Which code something was made with, as one hash: what was made with other code is made again.

In: files and folders of the project. Out: a hash of their names and what they do.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def code_sha256(places: Iterable[str]) -> str:
    """places: files, or folders of which all .py and .json count, relative to the project. Hex digits. What only a
    reader of the code sees (comments, docstrings, blank lines) does not count."""
    summed = hashlib.sha256()
    for place in places:
        here = ROOT / place
        inside = (file for file in sorted(here.rglob("*")) if file.suffix in (".py", ".json"))
        for file in [here] if here.is_file() else inside:
            summed.update(file.relative_to(ROOT).as_posix().encode())
            summed.update(_told(file.read_text(encoding="utf-8")) if file.suffix == ".py" else file.read_bytes())
    return summed.hexdigest()


def _told(source: str) -> bytes:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [line for line in node.body if not _is_text(line)]
    return ast.dump(tree).encode()


def _is_text(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)
