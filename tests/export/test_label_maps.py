"""Label maps of other programs, written by SimpleITK or byte by byte: read whole and in place, or refused plainly."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from ssc_hrct.core.errors import WrongUsage
from ssc_hrct.export.label_maps import read_label_map

SHAPE = (5, 6, 7)
SPACING = (0.7, 0.8, 2.5)
ORIGIN = (-10.0, 20.0, -30.0)
ENDINGS = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".seg.nrrd", ".NII.GZ", ".NRRD")


def voxels(kind: type = np.uint8) -> np.ndarray:
    array = np.zeros(SHAPE, kind)
    array[1, 2, 3], array[4, 5, 6] = 2, 1
    return array


def image(array: np.ndarray) -> SimpleITK.Image:
    made = SimpleITK.GetImageFromArray(array)
    if array.ndim == 3:
        made.SetSpacing(SPACING)
        made.SetOrigin(ORIGIN)
    return made


def written(folder: Path, ending: str = ".nii.gz", array: np.ndarray | None = None) -> Path:
    small = folder / f"mask{ending.lower()}"
    SimpleITK.WriteImage(image(voxels() if array is None else array), str(small))
    return small if ending == ending.lower() else small.rename(folder / f"mask{ending}")


@pytest.mark.parametrize("ending", ENDINGS)
def test_labels_and_their_place_come_as_they_were_written(tmp_path: Path, ending: str) -> None:
    read = read_label_map(written(tmp_path, ending))
    np.testing.assert_array_equal(read.labels, voxels())
    index = (4.0, 5.0, 6.0)
    place = image(voxels()).TransformContinuousIndexToPhysicalPoint(index[::-1])
    np.testing.assert_allclose(read.grid.to_lps_mm(index), place, atol=1e-5)
    np.testing.assert_allclose(read.grid.spacing_mm, SPACING[::-1], atol=1e-6)


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.uint16, np.int32, np.int64, np.float32, np.float64])
def test_whole_numbers_are_labels_in_whatever_type_they_are_kept(tmp_path: Path, kind: type) -> None:
    np.testing.assert_array_equal(read_label_map(written(tmp_path, array=voxels(kind))).labels, voxels())


def test_the_numbers_of_the_file_are_remembered_in_their_order(tmp_path: Path) -> None:
    array = voxels(np.uint16)
    array[array == 1], array[array == 2] = 1014, 10
    read = read_label_map(written(tmp_path, array=array))
    assert read.names == {0: "outside", 1: "label 10", 2: "label 1014"}
    np.testing.assert_array_equal(read.labels, np.where(array == 10, 1, np.where(array == 1014, 2, 0)))


def test_patient_space_of_an_nrrd_file_in_ras_is_turned_to_lps(tmp_path: Path) -> None:
    """Written here by hand, by the definition of the format: x and y of RAS have the other sign."""
    head = ("NRRD0005\ntype: uchar\ndimension: 3\nspace: right-anterior-superior\nsizes: 7 6 5\n"
            "space directions: (0.7,0,0) (0,0.8,0) (0,0,2.5)\nkinds: domain domain domain\nencoding: raw\n"
            "space origin: (1,2,3)\n\n")
    (tmp_path / "mask.nrrd").write_bytes(head.encode() + voxels().tobytes())
    grid = read_label_map(tmp_path / "mask.nrrd").grid
    np.testing.assert_allclose(grid.to_lps_mm((1.0, 1.0, 1.0)), (-1.7, -2.8, 5.5))


def test_patient_space_of_a_nifti_file_is_turned_to_lps(tmp_path: Path) -> None:
    """The sform of the file itself, read by the definition of the format, names RAS."""
    raw = written(tmp_path, ".nii").read_bytes()
    rows = [struct.unpack_from("<4f", raw, place) for place in (280, 296, 312)]
    x, y, z = (row[0] * 6 + row[1] * 5 + row[2] * 4 + row[3] for row in rows)
    np.testing.assert_allclose(read_label_map(tmp_path / "mask.nii").grid.to_lps_mm((4.0, 5.0, 6.0)), (-x, -y, z),
                               atol=1e-5)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd", ".nhdr"])
@pytest.mark.parametrize("kept", [0, 10, 200, -30, -8, -1])
def test_a_file_whose_end_is_missing_is_refused(tmp_path: Path, ending: str, kept: int) -> None:
    """The reader of NIfTI would fill what is missing with zeros: lung that is silently left out."""
    array = np.random.default_rng(0).integers(0, 3, (20, 30, 40), dtype=np.uint8)
    path = written(tmp_path, ending, array)
    cut = tmp_path / "mask.raw" if ending == ".nhdr" and kept < 0 else path
    cut.write_bytes(cut.read_bytes()[:kept])
    with pytest.raises(WrongUsage):
        read_label_map(path)


def test_a_damaged_packing_is_refused(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 3, (20, 30, 40), dtype=np.uint8)
    path = written(tmp_path, ".nii.gz", array)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    path.write_bytes(raw)
    with pytest.raises(WrongUsage, match=r"damaged"):
        read_label_map(path)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd", ".nhdr"])
@pytest.mark.parametrize("content", [b"", b"hello", b"hello" * 200, bytes(600)])
def test_what_is_no_image_is_refused_in_one_sentence_and_without_noise(
    tmp_path: Path, ending: str, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"mask{ending}"
    path.write_bytes(gzip.compress(content) if ending == ".nii.gz" else content)
    with pytest.raises(WrongUsage, match="though its name says so"):
        read_label_map(path)
    assert capfd.readouterr() == ("", "")


def test_a_header_that_promises_too_much_is_refused(tmp_path: Path) -> None:
    raw = bytearray(written(tmp_path, ".nii").read_bytes())
    struct.pack_into("<3h", raw, 42, 32000, 32000, 32000)
    (tmp_path / "mask.nii").write_bytes(raw)
    with pytest.raises(WrongUsage, match="its end is missing"):
        read_label_map(tmp_path / "mask.nii")
    head = "NRRD0005\ntype: uchar\ndimension: 3\nsizes: 32000 32000 32000\nspacings: 1 1 1\nencoding: raw\n\n"
    (tmp_path / "mask.nrrd").write_bytes(head.encode())
    with pytest.raises(WrongUsage):
        read_label_map(tmp_path / "mask.nrrd")


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd"])
@pytest.mark.parametrize("shape", [(6, 7), (2, 5, 6, 7)])
def test_flat_images_and_maps_in_four_dimensions_are_refused(
    tmp_path: Path, ending: str, shape: tuple[int, ...]
) -> None:
    array = SimpleITK.GetImageFromArray(np.zeros(shape, np.uint8), isVector=False)
    SimpleITK.WriteImage(array, str(tmp_path / f"mask{ending}"))
    with pytest.raises(WrongUsage, match="not one map in three dimensions"):
        read_label_map(tmp_path / f"mask{ending}")


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd"])
def test_overlapping_segments_are_refused(tmp_path: Path, ending: str) -> None:
    array = SimpleITK.GetImageFromArray(np.zeros((5, 6, 7, 2), np.uint8), isVector=True)
    SimpleITK.WriteImage(array, str(tmp_path / f"mask{ending}"))
    with pytest.raises(WrongUsage, match="not one map in three dimensions"):
        read_label_map(tmp_path / f"mask{ending}")


@pytest.mark.parametrize("value", [-1, 0.5, np.nan, np.inf, 70000])
def test_a_value_that_is_no_label_is_refused(tmp_path: Path, value: float) -> None:
    array = voxels(np.float32)
    array[0, 0, 0] = value
    with pytest.raises(WrongUsage, match="no labels"):
        read_label_map(written(tmp_path, ".nrrd", array))


def test_an_image_of_whole_numbers_is_refused(tmp_path: Path) -> None:
    array = np.arange(420, dtype=np.int16).reshape(5, 7, 12)
    with pytest.raises(WrongUsage, match="no labels"):
        read_label_map(written(tmp_path, array=array))


def test_axes_that_are_not_at_right_angles_are_refused(tmp_path: Path) -> None:
    raw = bytearray(written(tmp_path, ".nii").read_bytes())
    struct.pack_into("<2h", raw, 252, 0, 1)
    for place, row in ((280, (-0.7, 0, 0, 10)), (296, (0, -0.8, 0.6, 20)), (312, (0, 0, 2.5, -30))):
        struct.pack_into("<4f", raw, place, *row)
    (tmp_path / "mask.nii").write_bytes(raw)
    with pytest.raises(WrongUsage, match="right angles"):
        read_label_map(tmp_path / "mask.nii")


def test_a_folder_a_missing_file_and_another_format_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "mask.dcm").write_bytes(bytes(128) + b"DICM")
    for name, says in (("", "is a folder"), ("none.nii", "There is no file"), ("mask.dcm", "ends like no label map")):
        with pytest.raises(WrongUsage, match=says):
            read_label_map(tmp_path / name)
