"""A short campaign of broken and hostile files; `./dev bench fuzz` runs the long one.

Found by it, and mended: a damaged RLE stream that made its decoder panic or end the process, a deflated dataset that
unpacked to far more than it was, megabytes of zeros that were parsed as millions of elements.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dicom.fuzzing import bases, input_of, outcome

INPUTS, FIRST = 240, 1_000_000
KNOWN = {"loaded", "nothing to load", "UNREADABLE", "BAD_GEOMETRY", "MISSING_SLICES", "NOT_CT", "LOCALIZER"}
FOUND = (21, 79, 117, 126, 141, 303, 302, 374, 436, 110837)
"""Seeds that once ended in a panic, or did not end."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return bases(tmp_path_factory.mktemp("bases"))


def test_every_input_is_loaded_counted_or_refused_by_name(made: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "beside").write_text("stays")
    for seed in (*FOUND, *range(FIRST, FIRST + INPUTS)):
        what = input_of(seed, made, tmp_path / "in")
        assert outcome(tmp_path / "in") in KNOWN, f"{seed}: {what}"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["beside", "in"]
    assert (tmp_path / "beside").read_text() == "stays"
