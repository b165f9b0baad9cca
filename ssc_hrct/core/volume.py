"""Voxels with their place: `Volume` (HU), `LabelMap` (what each voxel is), where they came from.

Immutable: arrays are set read-only when they enter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.acquisition import Acquisition
from ssc_hrct.core.grid import Grid

PADDING_HU = -2048
"""Stands where nothing was measured: outside a round field of view, or padding of a shear."""
LOWEST_HU = -1024
"""Measured values are clipped here, as most scanners do."""
HIGHEST_HU = 3071


T = TypeVar("T", bound=np.generic)


def read_only(array: NDArray[T]) -> NDArray[T]:
    """The same array, no longer writeable."""
    array.setflags(write=False)
    return array


@dataclass(frozen=True, slots=True)
class SourceFrames:
    """How the volume's slices map back to files.

    sop_instance_uids: one per slice of the volume, feet to head; empty text for a slice that was filled in. frames:
    of each slice, which image of its file it is, from 0 (empty: all 0). axes: for the volume's z, y, x the axis of
    the stack as stored (0 slice, 1 row, 2 column); flipped: whether that axis was reversed. shear_mm_per_slice:
    rows were moved by this much per slice to undo gantry tilt (0: none).
    """

    sop_instance_uids: tuple[str, ...] = ()
    frame_of_reference_uid: str = ""
    axes: tuple[int, int, int] = (0, 1, 2)
    flipped: tuple[bool, bool, bool] = (False, False, False)
    shear_mm_per_slice: float = 0.0
    frames: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Volume:
    """One scan in HU.

    hu: int16 [z, y, x] on `grid`; `PADDING_HU` where nothing was measured, else within
    `LOWEST_HU` to `HIGHEST_HU`.
    """

    hu: NDArray[np.int16]
    grid: Grid
    acquisition: Acquisition
    source: SourceFrames = field(default_factory=SourceFrames)

    def __post_init__(self) -> None:
        if self.hu.dtype != np.int16 or self.hu.shape != self.grid.shape:
            raise ValueError("hu must be int16 of the grid's shape")
        read_only(self.hu)


@dataclass(frozen=True, slots=True)
class LabelMap:
    """labels: uint8 [z, y, x] on `grid`; names: what each number means (0 is outside).

    frame_of_reference_uid: of the space that the grid lies in, where a file said it; else empty.
    """

    labels: NDArray[np.uint8]
    grid: Grid
    names: Mapping[int, str]
    frame_of_reference_uid: str = ""

    def __post_init__(self) -> None:
        if self.labels.dtype != np.uint8 or self.labels.shape != self.grid.shape:
            raise ValueError("labels must be uint8 of the grid's shape")
        read_only(self.labels)
