"""Axes come from orientation and position alone, whatever way a scanner stores its slices."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from pydicom.dataset import FileDataset

from ssc_hrct import dicom
from ssc_hrct.core.acquisition import SeriesKind
from ssc_hrct.core.volume import PADDING_HU, Volume
from tests.dicom.making import ORIGIN, SPACING, World, change, noise_volume, only, write, write_sampled

X, Y, Z = np.eye(3)
AXIAL = [(a * s, b * t) for a, b in ((X, Y), (Y, X)) for s in (1, -1) for t in (1, -1)]
UPRIGHT_PLANES = [(a * s, b * t) for a, b in ((X, Z), (Z, X), (Y, Z), (Z, Y)) for s in (1, -1) for t in (1, -1)]


def store_turned(volume: Volume, folder: Path, row: np.ndarray, column: np.ndarray) -> None:
    """Write the volume so that rows run along `row` and columns along `column` (unit axes of LPS)."""
    axis_of = {0: 2, 1: 1, 2: 0}  # LPS axis to array axis
    row_lps, column_lps = int(np.argmax(abs(row))), int(np.argmax(abs(column)))
    slice_lps = ({0, 1, 2} - {row_lps, column_lps}).pop()
    stored = volume.hu.transpose(axis_of[slice_lps], axis_of[column_lps], axis_of[row_lps])
    corner = [0.0, 0.0, 0.0]
    if column.sum() < 0:
        stored = stored[:, ::-1]
        corner[axis_of[column_lps]] = volume.grid.shape[axis_of[column_lps]] - 1
    if row.sum() < 0:
        stored = stored[:, :, ::-1]
        corner[axis_of[row_lps]] = volume.grid.shape[axis_of[row_lps]] - 1
    blank = noise_volume(shape=stored.shape)
    files = write(blank, folder)
    spacing = volume.grid.spacing_mm

    def turn(dataset: FileDataset, index: int) -> None:
        place = list(corner)
        place[axis_of[slice_lps]] = index
        dataset.ImageOrientationPatient = [float(v) for v in (*row, *column)]
        dataset.ImagePositionPatient = [round(float(v), 6) for v in volume.grid.to_lps_mm(tuple(place))]
        dataset.PixelSpacing = [spacing[axis_of[column_lps]], spacing[axis_of[row_lps]]]
        dataset.SliceThickness = spacing[axis_of[slice_lps]]
        dataset.PixelData = (stored[index].astype("<i4") + 1024).astype("<i2").tobytes()

    change(files, turn)


def second_reader(folder: Path) -> SimpleITK.Image:
    """The same series as ITK reads it, turned to L, P, S."""
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return SimpleITK.DICOMOrient(reader.Execute(), "LPS")


@pytest.mark.parametrize(("row", "column"), AXIAL, ids=lambda v: str(v.astype(int).tolist()))
def test_all_eight_axial_orientations_load_as_a_second_reader_sees_them(
    tmp_path: Path, row: np.ndarray, column: np.ndarray
) -> None:
    volume = noise_volume()
    store_turned(volume, tmp_path, row, column)
    series = only(tmp_path)
    loaded = dicom.load(series)
    other = second_reader(tmp_path)
    assert series.acquisition.kind is SeriesKind.AXIAL
    np.testing.assert_array_equal(loaded.hu, volume.hu)
    np.testing.assert_array_equal(loaded.hu, SimpleITK.GetArrayFromImage(other))
    assert loaded.grid.spacing_mm == pytest.approx(SPACING)
    assert loaded.grid.spacing_mm == pytest.approx(other.GetSpacing()[::-1])
    assert loaded.grid.origin_mm == pytest.approx(ORIGIN)
    assert loaded.grid.origin_mm == pytest.approx(other.GetOrigin())


@pytest.mark.parametrize(("row", "column"), UPRIGHT_PLANES, ids=lambda v: str(v.astype(int).tolist()))
def test_coronal_and_sagittal_stacks_are_told_apart_and_still_load_upright(
    tmp_path: Path, row: np.ndarray, column: np.ndarray
) -> None:
    volume = noise_volume()
    store_turned(volume, tmp_path, row, column)
    series = only(tmp_path)
    assert series.acquisition.kind is SeriesKind.NOT_AXIAL
    np.testing.assert_array_equal(dicom.load(series).hu, volume.hu)


def test_source_frames_say_how_the_volume_was_turned(tmp_path: Path) -> None:
    store_turned(noise_volume(), tmp_path, -Y, X)
    source = dicom.load(only(tmp_path)).source
    assert source.axes == (0, 2, 1)
    assert source.flipped == (False, True, False)


def test_patient_position_never_turns_voxels(tmp_path: Path) -> None:
    volume = noise_volume()
    files = write(volume, tmp_path)
    for position in ("FFS", "HFP", "FFDR", ""):
        def tell(dataset: FileDataset, index: int, position: str = position) -> None:
            dataset.PatientPosition = position
        change(files, tell)
        np.testing.assert_array_equal(dicom.load(only(tmp_path)).hu, volume.hu)


def test_rows_and_columns_keep_their_own_spacing(tmp_path: Path) -> None:
    write(noise_volume(), tmp_path)
    series = only(tmp_path)
    assert series.acquisition.pixel_spacing_mm == (0.8, 0.6)
    assert dicom.load(series).grid.spacing_mm == pytest.approx((2.0, 0.8, 0.6))


def rotation(axis: np.ndarray, degrees: float) -> np.ndarray:
    """Rodrigues' formula."""
    angle = np.radians(degrees)
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k)


def error_hu(volume: Volume, world: World) -> float:
    """Largest difference between measured voxels and the world at the place the grid gives them."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in volume.grid.shape), indexing="ij"), axis=-1)
    truth = world.hu(volume.grid.to_lps_mm(index.astype(float)))
    measured = volume.hu != PADDING_HU
    assert measured.mean() > 0.4
    return float(np.abs(volume.hu[measured] - truth[measured]).max())


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate],
)
@example(plane=0, turned=2, degrees=4.0, reverse=False, shift=0.25, seed=0)
@given(
    plane=st.integers(0, 7), turned=st.integers(0, 2), degrees=st.floats(-12, 12), reverse=st.booleans(),
    shift=st.floats(-0.4, 0.4), seed=st.integers(0, 1000),
)
def test_every_voxel_lies_where_the_grid_says(
    tmp_path_factory: pytest.TempPathFactory, plane: int, turned: int, degrees: float, reverse: bool, shift: float,
    seed: int,
) -> None:
    """Any axial orientation, a small rotation, and a drift along y per slice (gantry tilt), in shuffled order."""
    folder = tmp_path_factory.mktemp("sampled")
    turn = rotation(np.eye(3)[turned], degrees)
    row, column = (turn @ v for v in AXIAL[plane])
    normal = turn @ Z
    positions = [np.array([3.0, -20.0, 50.0]) + k * (1.5 * normal + shift * (turn @ Y)) for k in range(22)]
    order = np.random.default_rng(seed).permutation(len(positions))
    world = World()
    write_sampled(folder, row=row, column=column, positions=[positions[k] for k in (order[::-1] if reverse else order)])
    series = only(folder)
    assert series.acquisition.lattice
    volume = dicom.load(series)
    # rounding of stored values and of positions (1e-6 mm), and drift under half a degree that is left as it is
    left_alone = 0.0 if series.acquisition.tilt_degrees else abs(shift) * 21 * 3.0
    assert error_hu(volume, world) <= 1.01 + left_alone
    heights = [volume.grid.height_mm(k) for k in range(volume.grid.shape[0])]
    assert all(b > a for a, b in itertools.pairwise(heights))
