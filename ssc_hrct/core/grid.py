"""Where voxels are: a `Grid` is geometry without voxels.

Arrays are indexed [z, y, x]: z from feet to head, y from front to back, x from the patient's right
to left. Points in space are (x, y, z) in DICOM's patient system (LPS), in mm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Triple = tuple[float, float, float]

UPRIGHT: tuple[Triple, Triple, Triple] = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
"""Unit steps of the array axes z, y, x in LPS for a volume without rotation."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A lattice of voxels.

    shape: voxels along z, y, x. spacing_mm: distance of neighbours along z, y, x.
    origin_mm: LPS of the centre of voxel [0, 0, 0].
    direction: for each array axis (z, y, x) the unit vector in LPS along which its index grows.
    """

    shape: tuple[int, int, int]
    spacing_mm: Triple
    origin_mm: Triple = (0.0, 0.0, 0.0)
    direction: tuple[Triple, Triple, Triple] = UPRIGHT

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in ml."""
        dz, dy, dx = self.spacing_mm
        return dz * dy * dx / 1000.0

    @property
    def size_mm(self) -> Triple:
        """Extent of the lattice along z, y, x, outer faces included."""
        z, y, x = (n * d for n, d in zip(self.shape, self.spacing_mm, strict=True))
        return z, y, x

    def to_lps_mm(self, index_zyx: NDArray[np.floating] | tuple[float, ...]) -> NDArray[np.float64]:
        """Patient position (x, y, z) in mm of voxel indices. index_zyx: [..., 3]."""
        index = np.asarray(index_zyx, dtype=np.float64)
        steps = np.asarray(self.direction) * np.asarray(self.spacing_mm)[:, None]
        return np.asarray(np.asarray(self.origin_mm) + index @ steps)

    def height_mm(self, z_index: float) -> float:
        """Patient height (LPS z) in mm of the centre of slice `z_index`: what a reader is told."""
        middle = (z_index, (self.shape[1] - 1) / 2, (self.shape[2] - 1) / 2)
        return float(self.to_lps_mm(middle)[2])

    def same_place(self, other: Grid, tolerance_mm: float = 0.01) -> bool:
        """Whether both lattices have the same voxels: shape equal, corners within tolerance."""
        if self.shape != other.shape:
            return False
        corners = np.array([(0, 0, 0), *np.diag(np.asarray(self.shape) - 1)], dtype=np.float64)
        return bool(np.abs(self.to_lps_mm(corners) - other.to_lps_mm(corners)).max() <= tolerance_mm)
