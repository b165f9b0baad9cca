"""One scan, however it is stored: the terminal gives the same row and the same label maps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dicom.codings import in_all_codings
from tests.same_score import COMPARED, differing, label_maps
from tests.terminal import Home, rows_of, write_small_chest


@pytest.mark.slow
def test_every_coding_of_a_scan_gives_the_same_row_and_label_maps(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.folder.mkdir()
    write_small_chest(tmp_path / "plain", names="codings/a", ild_percent=12.0, scan_date="2025-01-15")
    rows, maps = {}, {}
    for name, source in in_all_codings(sorted((tmp_path / "plain").iterdir()), tmp_path / "codings").items():
        done = home.run("score", source, "--out", name, "--format", "nifti")
        assert done.returncode == 0, (name, done.stderr)
        (rows[name],) = rows_of(home.folder / name / "scores.csv")
        maps[name] = label_maps(home.folder / name)
    assert len(rows) == 7
    assert {"ild_percent", "series_instance_uid", "reasons", "contrast", "model"} <= set(COMPARED)
    assert {name: differing(rows["uncompressed"], row) for name, row in rows.items()} == {name: [] for name in rows}
    assert float(rows["uncompressed"]["ild_percent"]) > 5
    assert sorted(maps["uncompressed"]) == ["lungs.nii.gz", "patterns.nii.gz"]
    assert all(one == maps["uncompressed"] for one in maps.values())
