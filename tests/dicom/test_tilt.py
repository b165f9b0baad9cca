"""Gantry tilt in its two forms is found by the positions and sheared back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import FileDataset

from ssc_hrct import dicom
from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.volume import PADDING_HU
from ssc_hrct.dicom.repair import shear_back
from tests.dicom.making import World, change, noise_volume, only, write, write_sampled
from tests.dicom.test_orientation import error_hu

COS, SIN = np.cos(np.radians(20.0)), np.sin(np.radians(20.0))


def test_tilted_images_that_move_along_the_table(tmp_path: Path) -> None:
    positions = [(0.0, 5.0, 10.0 + 2.0 * k) for k in range(22)]
    write_sampled(tmp_path, row=(1, 0, 0), column=(0, COS, -SIN), positions=positions)
    series = only(tmp_path)
    assert series.acquisition.lattice
    assert series.acquisition.tilt_degrees == pytest.approx(20.0, abs=0.01)
    assert series.acquisition.oblique_degrees == pytest.approx(0.0, abs=0.01)
    assert series.acquisition.slice_spacing_mm == pytest.approx(2.0 * COS, abs=1e-3)
    volume = dicom.load(series)
    assert volume.source.shear_mm_per_slice != 0
    assert error_hu(volume, World()) <= 1.01


def test_axial_images_whose_positions_drift_backwards(tmp_path: Path) -> None:
    positions = [(0.0, 5.0 + 2.0 * SIN * k, 10.0 + 2.0 * COS * k) for k in range(22)]
    write_sampled(tmp_path, row=(1, 0, 0), column=(0, 1, 0), positions=positions)
    series = only(tmp_path)
    assert series.acquisition.tilt_degrees == pytest.approx(20.0, abs=0.01)
    assert error_hu(dicom.load(series), World()) <= 1.01


def test_a_tilt_that_only_the_header_names_is_kept_apart(tmp_path: Path) -> None:
    volume = noise_volume()

    def name(dataset: FileDataset, index: int) -> None:
        dataset.GantryDetectorTilt = "-12.5"

    change(write(volume, tmp_path), name)
    series = only(tmp_path)
    assert series.acquisition.tilt_degrees == 0
    assert series.acquisition.tilt_tag_degrees == 12.5
    np.testing.assert_array_equal(dicom.load(series).hu, volume.hu)


def test_a_drift_to_the_side_is_no_gantry_tilt(tmp_path: Path) -> None:
    write_sampled(tmp_path, row=(1, 0, 0), column=(0, 1, 0), positions=[(0.5 * k, 0.0, 2.0 * k) for k in range(22)])
    series = only(tmp_path)
    assert not series.acquisition.lattice
    with pytest.raises(HrctError) as raised:
        dicom.load(series)
    assert raised.value.code == "BAD_GEOMETRY"


def test_shearing_forth_and_back_by_whole_rows_loses_nothing() -> None:
    hu = np.random.default_rng(2).integers(-900, 100, (6, 9, 5), dtype=np.int16)
    there, first = shear_back(hu, -2.0)
    back, again = shear_back(there, 2.0)
    row = round(-first - again)
    np.testing.assert_array_equal(back[:, row : row + 9], hu)
    assert (there == PADDING_HU).sum() == 6 * 10 * 5


def test_shearing_never_mixes_padding_into_values() -> None:
    hu = np.full((4, 6, 3), -800, dtype=np.int16)
    hu[:, 2] = PADDING_HU
    sheared, _ = shear_back(hu, 0.5)
    assert set(np.unique(sheared)) == {PADDING_HU, -800}
