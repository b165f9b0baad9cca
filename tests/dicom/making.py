"""Made-up CT series for this room's tests: written by `write_ct`, then bent as each test needs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import ArrayLike, NDArray
from pydicom.dataset import FileDataset

from ssc_hrct import dicom
from ssc_hrct.core.acquisition import Acquisition, SeriesKind
from ssc_hrct.core.grid import UPRIGHT, Grid, Triple
from ssc_hrct.core.volume import Volume

SHAPE = (24, 20, 28)
SPACING = (2.0, 0.8, 0.6)
ORIGIN = (-7.3, 11.9, -140.5)


def uids(root: str = "2.25.77") -> Callable[[], str]:
    counter = itertools.count(1)
    return lambda: f"{root}.{next(counter)}"


def facts(slices: int = SHAPE[0], **changes: Any) -> Acquisition:
    given: dict[str, Any] = {
        "study_instance_uid": "2.25.1", "series_instance_uid": "2.25.2", "modality": "CT", "kind": SeriesKind.AXIAL,
        "slices": slices, "kernel": "LUNG", "kvp": 120.0, "slice_thickness_mm": 2.0, "patient_position": "HFS",
        "scan_date": "2020-02-03",
    }
    return Acquisition(**(given | changes))


def noise_volume(seed: int = 1, shape: tuple[int, int, int] = SHAPE, origin_mm: Triple = ORIGIN) -> Volume:
    """A volume in which no two voxels' surroundings are alike, so that a wrong turn cannot hide."""
    hu = np.random.default_rng(seed).integers(-1000, 1000, shape, dtype=np.int16)
    return Volume(hu, Grid(shape, SPACING, origin_mm), facts(shape[0]))


def write(volume: Volume, folder: Path, *, series: str = "2.25.2", study: str = "2.25.1", **more: Any) -> list[Path]:
    given: dict[str, Any] = {"patient_id": "MADE-UP", "frame_of_reference_uid": "2.25.3"}
    given |= {"new_uid": uids(f"{series}.9")} | more
    return list(dicom.write_ct(volume, folder, study_instance_uid=study, series_instance_uid=series, **given))


def change(files: Sequence[Path], how: Callable[[FileDataset, int], None]) -> None:
    """Rewrite each file after `how(dataset, index)`."""
    for index, file in enumerate(files):
        dataset = pydicom.dcmread(file)
        how(dataset, index)
        dataset.save_as(file)


def found(*paths: Path) -> tuple[dicom.Series, ...]:
    return dicom.find(paths).series


def only(*paths: Path) -> dicom.Series:
    (series,) = found(*paths)
    return series


@dataclass(frozen=True, slots=True)
class World:
    """A density that is linear in space, so that interpolation of it is exact: HU = base + slope . position."""

    base: float = -300.0
    slope: Triple = (2.0, -3.0, 1.5)

    def hu(self, lps_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.base + lps_mm @ np.asarray(self.slope))


def write_sampled(
    folder: Path, *, row: ArrayLike, column: ArrayLike, positions: Sequence[ArrayLike],
    world: World | None = None, rows: int = 16, columns: int = 20, pixel_spacing: tuple[float, float] = (0.9, 0.7),
) -> list[Path]:
    """Slices of a `World` with any orientation and positions, as a scanner would store them."""
    world = world or World()
    shape = (len(positions), rows, columns)
    grid = Grid(shape, (1.0, *pixel_spacing), direction=UPRIGHT)
    files = write(Volume(np.zeros(shape, np.int16), grid, facts(len(positions))), folder)
    turned = np.concatenate([np.asarray(row, float), np.asarray(column, float)])
    j, i = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")

    def sample(dataset: FileDataset, index: int) -> None:
        where = (
            np.asarray(positions[index]) + i[..., None] * pixel_spacing[1] * turned[:3]
            + j[..., None] * pixel_spacing[0] * turned[3:]
        )
        dataset.ImageOrientationPatient = [round(float(v), 9) for v in turned]
        dataset.ImagePositionPatient = [round(float(v), 6) for v in np.asarray(positions[index])]
        dataset.PixelData = (np.rint(world.hu(where)) + 1024).astype("<i2").tobytes()

    change(files, sample)
    return files
