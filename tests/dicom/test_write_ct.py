"""A written series is whole, valid, and read back by others to the same voxels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom.uid import UID, ExplicitVRLittleEndian

from ssc_hrct import dicom
from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.volume import PADDING_HU, Volume
from tests.dicom.making import facts, noise_volume, only, uids, write
from tests.dicom.test_orientation import rotation


def test_what_is_written_is_read_back_exactly(tmp_path: Path) -> None:
    volume = noise_volume()
    hu = volume.hu.copy()
    hu[:, :3, :3] = PADDING_HU
    hu[0, 5, 5], hu[0, 5, 6] = -1024, 3071
    write(Volume(hu, volume.grid, volume.acquisition), tmp_path)
    loaded = dicom.load(only(tmp_path))
    np.testing.assert_array_equal(loaded.hu, hu)
    assert loaded.grid.same_place(volume.grid)


def test_a_rotated_volume_keeps_its_place(tmp_path: Path) -> None:
    volume = noise_volume()
    turn = rotation(np.array([1.0, 0.0, 0.0]), 7.0) @ rotation(np.array([0.0, 0.0, 1.0]), -3.0)
    z, y, x = (tuple(float(v) for v in turn @ axis) for axis in np.eye(3)[::-1])
    grid = replace(volume.grid, direction=((z[0], z[1], z[2]), (y[0], y[1], y[2]), (x[0], x[1], x[2])))
    write(Volume(volume.hu, grid, volume.acquisition), tmp_path)
    loaded = dicom.load(only(tmp_path))
    np.testing.assert_array_equal(loaded.hu, volume.hu)
    assert loaded.grid.same_place(grid)
    assert loaded.acquisition.oblique_degrees == pytest.approx(7.6, abs=0.7)


def test_itk_reads_the_same_volume(tmp_path: Path) -> None:
    volume = noise_volume()
    files = write(volume, tmp_path)
    image = SimpleITK.ReadImage([str(f) for f in files])
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), volume.hu)
    assert image.GetSpacing()[::-1] == pytest.approx(volume.grid.spacing_mm)
    assert image.GetOrigin() == pytest.approx(volume.grid.origin_mm)


def test_the_files_hold_what_the_ct_object_requires(tmp_path: Path) -> None:
    files = write(noise_volume(), tmp_path, kernel="STANDARD", kvp=110.0, slice_thickness_mm=1.25,
                  scan_date="2031-05-06")
    assert [f.name for f in files[:2]] == ["IM0001", "IM0002"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [f.name for f in files]
    seen = set()
    for number, file in enumerate(files, start=1):
        ds = pydicom.dcmread(file)
        assert ds.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
        for uid in (ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID):
            assert UID(uid).is_valid
        assert ds.PatientIdentityRemoved == "YES"
        assert ds.DeidentificationMethod
        assert ds.InstanceNumber == number
        for empty_allowed in ("PatientBirthDate", "PatientSex", "StudyTime", "StudyID", "AccessionNumber",
                              "ReferringPhysicianName", "PositionReferenceIndicator"):
            assert empty_allowed in ds
        seen.add(ds.SOPInstanceUID)
    assert len(seen) == len(files)
    read = only(tmp_path).acquisition
    assert (read.kernel, read.kvp, read.slice_thickness_mm, read.scan_date, read.manufacturer) == (
        "STANDARD", 110.0, 1.25, "2031-05-06", "ssc_hrct phantom"
    )


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HrctError) as raised:
        dicom.write_ct(noise_volume(), tmp_path / "file", patient_id="X", study_instance_uid="2.25.1",
                       series_instance_uid="2.25.2", new_uid=uids())
    assert raised.value.code == "OUTPUT_NOT_WRITABLE"


def test_what_the_volume_knows_is_written(tmp_path: Path) -> None:
    volume = noise_volume()
    told = facts(kernel="B70f", kvp=100.0, slice_thickness_mm=1.0, patient_position="FFP", scan_date="2022-03-04")
    write(replace(volume, acquisition=told), tmp_path)
    read = only(tmp_path).acquisition
    assert (read.kernel, read.kvp, read.slice_thickness_mm, read.patient_position, read.scan_date) == (
        "B70f", 100.0, 1.0, "FFP", "2022-03-04"
    )
