"""Label maps as NIfTI: another program reads the same numbers in the same place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.grid import Grid, Triple
from ssc_hrct.core.volume import LabelMap
from ssc_hrct.export.label_maps import read_label_map
from ssc_hrct.export.nifti import write_nifti

TURNED: tuple[Triple, Triple, Triple] = ((0.0, -0.6, 0.8), (0.0, 0.8, 0.6), (1.0, 0.0, 0.0))


def a_map() -> LabelMap:
    labels = np.random.default_rng(1).integers(0, 7, (5, 6, 7)).astype(np.uint8)
    grid = Grid((5, 6, 7), (2.5, 0.7, 0.6), (-10.5, 20.25, -300.0), TURNED)
    return LabelMap(labels, grid, {0: "outside", 1: "normal", 2: "ground_glass"})


def test_itk_finds_every_voxel_in_its_place(tmp_path: Path) -> None:
    kept = a_map()
    write_nifti(tmp_path / "map.nii.gz", kept)
    image = SimpleITK.ReadImage(str(tmp_path / "map.nii.gz"))
    for index in np.ndindex(*kept.labels.shape):
        lps = kept.grid.to_lps_mm(tuple(float(i) for i in index))
        found = image.TransformPhysicalPointToIndex([float(v) for v in lps])
        assert image.GetPixel(*found) == kept.labels[index]
        np.testing.assert_allclose(image.TransformIndexToPhysicalPoint(found), lps, atol=1e-3)


def test_we_read_back_what_we_wrote(tmp_path: Path) -> None:
    kept = a_map()
    write_nifti(tmp_path / "map.nii.gz", kept)
    read = read_label_map(tmp_path / "map.nii.gz")
    np.testing.assert_array_equal(read.labels, kept.labels)
    np.testing.assert_allclose(read.grid.origin_mm, kept.grid.origin_mm, atol=1e-4)


def test_the_same_map_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_nifti(tmp_path / f"{name}.nii.gz", a_map())
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(HrctError, match="cannot be written"):
        write_nifti(tmp_path / "out" / "map.nii.gz", a_map())
