"""Readers' labels belong to slices by height, whichever way the file goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.covid import labels_by_slice
from ssc_hrct.core.grid import Grid

GRID = Grid((3, 4, 4), (2.5, 1.0, 1.0), (0.0, 0.0, -10.0))


def labels(tmp_path: Path, *lines: str) -> Path:
    file = tmp_path / "labels.csv"
    file.write_text("z_mm,infection\n" + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


def test_labels_are_found_by_height(tmp_path: Path) -> None:
    assert labels_by_slice(labels(tmp_path, "-5.0,1", "-7.4,0", "-10.0,0", "40,1"), GRID) == [False, False, True]


def test_a_slice_without_a_label_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no reader's label at -7\.5 mm"):
        labels_by_slice(labels(tmp_path, "-5.0,1", "-10.0,0"), GRID)
