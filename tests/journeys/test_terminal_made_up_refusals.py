"""Files that hold no scan, made up: the row says why, and so does the line. Twins of the real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import FileDataset

from tests.dicom.making import change
from tests.terminal import Home, rows_of, write_block

MR = "1.2.840.10008.5.1.4.1.1.4"


@pytest.mark.parametrize(("tags", "code"), [
    ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "LOCALIZER"),
    ({"Modality": "MR", "SOPClassUID": MR}, "NOT_CT"),
], ids=["localizer", "mr"])
def test_only_a_localizer_or_another_modality(tmp_path: Path, tags: dict[str, Any], code: str) -> None:
    home = Home(tmp_path / "home")
    home.folder.mkdir()
    write_block(home.folder / "exam", names="block", slices=24)

    def bend(dataset: FileDataset, index: int) -> None:
        for name, value in tags.items():
            setattr(dataset, name, value)
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID

    change(sorted(p for p in (home.folder / "exam").rglob("*") if p.is_file()), bend)
    done = home.run("score", "exam", "--out", "out")
    assert done.returncode == 3
    (row,) = rows_of(home.folder / "out" / "scores.csv")
    assert (row["status"], row["reasons"].split(";")[0], row["ild_percent"]) == ("refused", code, "")
    assert done.stdout.count(": refused. ") == 1
