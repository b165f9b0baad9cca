"""A label map brought to a scan: exactly where its voxels are the scan's, else by the nearest, always by place."""

from __future__ import annotations

from itertools import combinations, permutations, product
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.volume import LabelMap
from ssc_hrct.export.label_maps import read_label_map
from ssc_hrct.measure.fitting import NO_VOXEL, fit

OBLIQUE = ((0.0, -0.0871557427, 0.9961946981), (0.0, 0.9961946981, 0.0871557427), (1.0, 0.0, 0.0))
SCAN = Grid((8, 10, 12), (2.5, 0.8, 0.7), (-40.0, 15.0, -200.0), OBLIQUE)
"""Unequal spacing, tilted by 5 degrees, no two axes of one length."""


def labelled() -> np.ndarray:
    """No two corners alike, nothing symmetric."""
    return np.random.default_rng(4).integers(0, 6, SCAN.shape, dtype=np.uint8)


def written(
    folder: Path, ending: str, grid: Grid = SCAN, array: np.ndarray | None = None, axes: tuple[int, ...] = (0, 1, 2),
    flips: tuple[int, ...] = (),
) -> LabelMap:
    """The labels as SimpleITK writes them when the array's axes are kept in another order and turned round."""
    image = SimpleITK.GetImageFromArray(labelled() if array is None else array)
    image.SetSpacing(grid.spacing_mm[::-1])
    image.SetOrigin(grid.origin_mm)
    image.SetDirection(np.asarray(grid.direction)[::-1].T.ravel().tolist())
    image = SimpleITK.PermuteAxes(image, axes)
    image = SimpleITK.Flip(image, [axis in flips for axis in range(3)], False)
    path = folder / f"mask{ending}"
    SimpleITK.WriteImage(image, str(path))
    return read_label_map(path)


TURNS = list(product(permutations(range(3)), [f for n in range(4) for f in combinations(range(3), n)]))


@pytest.mark.parametrize("ending", [".nii", ".nrrd"])
def test_whatever_order_and_direction_the_axes_are_kept_in_every_label_returns_to_its_voxel(
    tmp_path: Path, ending: str
) -> None:
    assert len(TURNS) == 48
    for axes, flips in TURNS:
        fitted = fit(written(tmp_path, ending, axes=axes, flips=flips), SCAN)
        np.testing.assert_array_equal(fitted.labels, labelled(), err_msg=f"{axes} {flips}")
        assert (fitted.resampled, fitted.lost_percent) == (False, 0.0)


def test_a_file_that_holds_a_part_of_the_scan_is_laid_where_it_belongs(tmp_path: Path) -> None:
    """As 3D Slicer keeps segments: cut to their box."""
    cut = (slice(2, 7), slice(3, 9), slice(1, 12))
    part = Grid((5, 6, 11), SCAN.spacing_mm, tuple(SCAN.to_lps_mm((2.0, 3.0, 1.0))), SCAN.direction)
    fitted = fit(written(tmp_path, ".nrrd", part, np.ascontiguousarray(labelled()[cut]), flips=(0, 2)), SCAN)
    expected = np.full(SCAN.shape, NO_VOXEL, np.uint8)
    expected[cut] = labelled()[cut]
    np.testing.assert_array_equal(fitted.labels, expected)
    assert not fitted.resampled
    assert not fitted.labels.flags.writeable


def test_a_file_larger_than_the_scan_is_cut_and_what_is_lost_is_told(tmp_path: Path) -> None:
    larger = Grid((10, 12, 14), SCAN.spacing_mm, tuple(SCAN.to_lps_mm((-1.0, -1.0, -1.0))), SCAN.direction)
    inside = fit(written(tmp_path, ".nii.gz", larger, np.pad(labelled(), 1)), SCAN)
    np.testing.assert_array_equal(inside.labels, labelled())
    assert inside.lost_percent == 0.0
    beyond = fit(written(tmp_path, ".nii.gz", larger, np.ones(larger.shape, np.uint8)), SCAN)
    assert beyond.lost_percent == pytest.approx(100 * (1 - 960 / 1680))


@pytest.mark.parametrize(("share", "resampled"), [(0.08, False), (0.15, True)])
def test_centres_within_a_tenth_of_a_voxel_are_one_voxel(share: float, resampled: bool) -> None:
    moved = Grid(SCAN.shape, SCAN.spacing_mm, tuple(SCAN.to_lps_mm((share, 0.0, 0.0))), SCAN.direction)
    fitted = fit(LabelMap(labelled(), moved, {}), SCAN)
    assert fitted.resampled == resampled
    np.testing.assert_array_equal(fitted.labels, labelled())


def test_a_spacing_that_drifts_over_the_scan_is_another_lattice() -> None:
    drifting = Grid(SCAN.shape, (2.5, 0.8, 0.71), SCAN.origin_mm, SCAN.direction)
    assert fit(LabelMap(labelled(), drifting, {}), SCAN).resampled


def test_a_coarser_map_gives_each_voxel_the_label_of_the_nearest(tmp_path: Path) -> None:
    """Against the nearest label as SimpleITK finds it."""
    coarse = Grid((6, 6, 7), (3.5, 1.5, 1.5), (-40.3, 14.9, -200.6))
    array = np.random.default_rng(5).integers(1, 6, coarse.shape, dtype=np.uint8)
    mask = written(tmp_path, ".nrrd", coarse, array, axes=(2, 0, 1), flips=(1,))
    image = SimpleITK.ReadImage(str(tmp_path / "mask.nrrd"))
    scan = SimpleITK.GetImageFromArray(np.zeros(SCAN.shape, np.uint8))
    scan.SetSpacing(SCAN.spacing_mm[::-1])
    scan.SetOrigin(SCAN.origin_mm)
    scan.SetDirection(np.asarray(SCAN.direction)[::-1].T.ravel().tolist())
    theirs = SimpleITK.GetArrayFromImage(
        SimpleITK.Resample(image, scan, SimpleITK.Transform(), SimpleITK.sitkNearestNeighbor, NO_VOXEL)
    )
    fitted = fit(mask, SCAN)
    assert fitted.resampled
    np.testing.assert_array_equal(fitted.labels, theirs)


def test_another_place_in_space_has_no_voxel_of_the_scan() -> None:
    away = Grid(SCAN.shape, SCAN.spacing_mm, (900.0, 15.0, -200.0), SCAN.direction)
    fitted = fit(LabelMap(np.ones(SCAN.shape, np.uint8), away, {}), SCAN)
    assert (fitted.labels == NO_VOXEL).all()
    assert fitted.lost_percent == 100.0


def test_axes_without_a_space_are_refused() -> None:
    flat = Grid(SCAN.shape, SCAN.spacing_mm, direction=((0.0, 0.0, 1.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0)))
    with pytest.raises(HrctError, match="do not span"):
        fit(LabelMap(labelled(), flat, {}), SCAN)
