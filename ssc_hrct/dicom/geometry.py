"""Where slices lie: one regular stack or not, which slices are missing, how it is turned and tilted.

In: orientation, positions and pixel spacing of slices as their headers give them. Out: a `Stack`.
Only ImageOrientationPatient, ImagePositionPatient and PixelSpacing count; PatientPosition, slice
numbers and SliceLocation never do (PS3.3 C.7.6.2.1.1). Pure arithmetic: no file is touched here.

Gantry tilt shows in two forms, and both are the same shear: the way from slice to slice is not
along the slices' normal. Either the images are tilted and move along the table (orientation
1,0,0,0,cos,-sin; positions change in z alone), or orientation says axial and positions drift in y.
GantryDetectorTilt is nominal and "not intended for mathematical computations" (PS3.3 C.8.15.3.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.grid import Grid, Triple
from ssc_hrct.dicom.series import Orientation

T = TypeVar("T")
Vector = NDArray[np.float64]

SAME_PLACE_MM = 0.01
"""Two slices nearer than this lie at one position: positions are written to 0.001 mm or better."""
UNEVEN_SHARE = 0.15
"""How far a slice may lie from its place in the lattice, as a part of the spacing. Positions rounded to
0.1 mm at 0.625 mm spacing are off by 0.08; a step that differs by half (two scans in one stack) by 0.5."""
ASIDE_MM = 0.25
"""How far a slice may lie aside of the line through the others, in the image plane."""
LONGEST_STACK = 20
"""More places than so many times the slices is no stack with gaps but slices from different places."""
MOST_HOLES_SHARE = 0.25
"""With larger steps at more places than this the slices are unevenly spaced, or two stacks in one: any
positions lie on a lattice that is fine enough."""
TILT_FROM_DEGREES = 0.5
"""Less than this is rounding, or a shift of under 3 mm over a chest: not sheared."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Geometry of slices in the order of `order` (feet to head for axial ones).

    row, column, normal: unit vectors (LPS) along a row, down a column, from slice to slice.
    order: indices of the given slices, sorted. place: number of each sorted slice in the lattice,
    from 0, with gaps where slices are missing; equal for slices at one position.
    spacing_mm: distance of neighbouring places along the normal; None for a single position.
    step_mm: the way from one place to the next (LPS). lattice: all lie on it.
    """

    row: Vector
    column: Vector
    normal: Vector
    order: tuple[int, ...]
    place: tuple[int, ...]
    first_mm: float
    origin: Vector
    spacing_mm: float | None
    step_mm: Vector
    lattice: bool

    @property
    def main_axis(self) -> int:
        """Axis of LPS (0 x, 1 y, 2 z) that the normal is nearest to."""
        return int(np.argmax(np.abs(self.normal)))

    @property
    def same_place(self) -> list[list[int]]:
        """Indices of given slices that share a position, group by group."""
        groups: dict[int, list[int]] = {}
        for index, place in zip(self.order, self.place, strict=True):
            groups.setdefault(place, []).append(index)
        return [group for group in groups.values() if len(group) > 1]

    @property
    def drift_mm(self) -> Vector:
        """The part of a step that lies in the image plane: zero without tilt."""
        return self.step_mm - self.normal * float(self.step_mm @ self.normal)

    @property
    def tilt_degrees(self) -> float:
        """Angle between the way from slice to slice and the slices' normal; 0 where it is rounding."""
        angle = _angle(self.step_mm, self.normal)
        return round(angle, 2) if self.spacing_mm is not None and angle >= TILT_FROM_DEGREES else 0.0

    @property
    def sheared_aside(self) -> bool:
        """Whether an axial stack drifts along the image's left-right axis: no gantry tilts that way."""
        across = self.row if abs(self.row[0]) > abs(self.column[0]) else self.column
        aside = abs(float(self.drift_mm @ across)) / (self.spacing_mm or 1.0)
        return self.main_axis == 2 and aside > np.tan(np.radians(TILT_FROM_DEGREES))

    @property
    def oblique_degrees(self) -> float:
        """Largest angle between the volume's axes and the patient's.

        Of a tilted stack the better of image plane and table counts, as the tilt is told apart.
        """
        axis = np.zeros(3)
        axis[2] = 1.0
        plane = _angle(self.normal, axis)
        if self.tilt_degrees:
            plane = min(plane, _angle(self.step_mm, axis))
        turned = min(_angle_to_axes(self.row), _angle_to_axes(self.column))
        return round(max(plane, turned), 2)

    def height_mm(self, place: float) -> float:
        """Coordinate along the normal of a place: z of the patient for an axial stack."""
        return round(self.first_mm + place * (self.spacing_mm or 0.0), 3)


@dataclass(frozen=True, slots=True)
class Gaps:
    """Places inside the stack that hold no slice. largest: absent slices of the longest run."""

    places: tuple[int, ...]
    runs: tuple[tuple[int, int], ...]

    @property
    def largest(self) -> int:
        return max((count for _, count in self.runs), default=0)


def find_gaps(places: Sequence[int]) -> Gaps:
    """Absent places between the first and the last of `places`. runs: (first absent, how many)."""
    held = sorted(set(places))
    runs = tuple((a + 1, b - a - 1) for a, b in pairwise(held) if b - a > 1)
    return Gaps(tuple(p for first, count in runs for p in range(first, first + count)), runs)


def stack(orientation: Orientation, positions: Sequence[Triple]) -> Stack | None:
    """The stack that slices of one orientation make; None where the orientation is no orientation.

    positions: ImagePositionPatient of each slice, at least one.
    """
    axes = _axes(orientation)
    if axes is None:
        return None
    row, column, normal = axes
    if normal[np.argmax(np.abs(normal))] < 0:
        normal = -normal
    points = np.asarray(positions, dtype=np.float64)
    heights = points @ normal
    order = np.argsort(heights, kind="stable")
    heights, points = heights[order], points[order]
    new = np.concatenate([[True], np.diff(heights) > SAME_PLACE_MM])
    level = np.cumsum(new) - 1
    alone, where = heights[new], points[new]
    spacing, places, even = _ladder(alone)
    step, straight = _line(where, places, normal, spacing)
    beside = np.abs(points - where[level]).max() <= ASIDE_MM
    return Stack(
        row=row, column=column, normal=normal, order=tuple(int(i) for i in order),
        place=tuple(int(places[i]) for i in level), first_mm=float(alone[0]), origin=where[0],
        spacing_mm=spacing, step_mm=step, lattice=bool(even and straight and beside),
    )


def _axes(orientation: Orientation) -> tuple[Vector, Vector, Vector] | None:
    """Orthonormal row, column and normal; None where they are not about unit length and at right angles."""
    row, column = np.asarray(orientation[:3]), np.asarray(orientation[3:])
    lengths = float(np.linalg.norm(row)), float(np.linalg.norm(column))
    if not all(abs(length - 1) < 0.02 for length in lengths):
        return None
    row, column = row / lengths[0], column / lengths[1]
    if abs(float(row @ column)) > 0.02:
        return None
    column = column - row * float(row @ column)
    column = column / float(np.linalg.norm(column))
    return row, column, np.cross(row, column)


def _ladder(heights: Vector) -> tuple[float | None, NDArray[np.int64], bool]:
    """Spacing of sorted heights, the rung of each, and whether all lie on rungs.

    Missing slices leave larger steps: the spacing is the median of the steps near the small end.
    """
    if len(heights) < 2:
        return None, np.zeros(len(heights), dtype=np.int64), True
    steps = np.diff(heights)
    small = float(np.quantile(steps, 0.1, method="lower"))
    spacing = float(np.median(steps[steps < 1.5 * small]))
    counts = np.rint(steps / spacing).astype(np.int64)
    even = bool((counts >= 1).all() and counts.sum() <= LONGEST_STACK * len(heights))
    even = even and int((counts > 1).sum()) <= MOST_HOLES_SHARE * len(counts)
    rungs = np.concatenate([[0], np.cumsum(np.clip(counts, 1, LONGEST_STACK))])
    spacing, start = (float(v) for v in np.polyfit(rungs, heights, 1))
    off = np.abs(heights - start - rungs * spacing).max()
    return round(spacing, 6), rungs, even and off <= UNEVEN_SHARE * spacing + SAME_PLACE_MM


def _line(points: Vector, places: NDArray[np.int64], normal: Vector, spacing: float | None) -> tuple[Vector, bool]:
    """Step from place to place, and whether the slices lie on one line."""
    if spacing is None:
        return np.zeros(3), True
    aside = points - np.outer(points @ normal, normal)
    slope, start = np.polyfit(places, aside, 1)
    off = np.abs(aside - start - np.outer(places, slope)).max()
    return normal * spacing + slope, bool(off <= ASIDE_MM)


def _angle(a: Vector, b: Vector) -> float:
    """Angle in degrees between two lines (0 to 90)."""
    length = float(np.linalg.norm(a)) * float(np.linalg.norm(b))
    if length == 0:
        return 0.0
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), abs(float(a @ b)))))


def _angle_to_axes(vector: Vector) -> float:
    """Angle in degrees to the nearest of the patient's axes."""
    return min(_angle(vector, axis) for axis in np.eye(3))


@dataclass(frozen=True, slots=True)
class Placement:
    """How a stack [slice, row, column] becomes a volume [z, y, x].

    axes: for z, y, x the axis of the stack; flipped: whether that axis is reversed;
    grid: the volume's, without tilt undone. drift_mm: movement of the image along the volume's y and
    x per slice towards the head; not zero only for tilt.
    """

    axes: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]
    grid: Grid
    drift_mm: tuple[float, float]


def place(geometry: Stack, places: int, rows: int, columns: int, pixel_spacing_mm: tuple[float, float]) -> Placement:
    """Where the voxels of a stack of so many places lie, in the house's order, from orientation alone.

    pixel_spacing_mm: distance of rows, then of columns (PS3.3 10.7.1.3).
    """
    vectors = (geometry.normal, geometry.column, geometry.row)
    spacing = (geometry.spacing_mm or 1.0, pixel_spacing_mm[0], pixel_spacing_mm[1])
    count = (places, rows, columns)
    slice_axis = geometry.main_axis
    left = [axis for axis in (0, 1, 2) if axis != slice_axis]
    row_axis = max(left, key=lambda axis: abs(geometry.row[axis]))
    lps_of = (slice_axis, next(axis for axis in left if axis != row_axis), row_axis)
    axes = tuple(lps_of.index(lps) for lps in (2, 1, 0))
    flipped = tuple(bool(vectors[a][lps] < 0) for a, lps in zip(axes, (2, 1, 0), strict=True))
    origin = geometry.origin.copy()
    for a, flip in zip(axes, flipped, strict=True):
        if flip:
            origin += vectors[a] * spacing[a] * (count[a] - 1)
    directions = [vectors[a] * (-1.0 if flip else 1.0) for a, flip in zip(axes, flipped, strict=True)]
    grid = Grid(
        shape=_three([count[a] for a in axes]), spacing_mm=_three([float(spacing[a]) for a in axes]),
        origin_mm=_three([float(v) for v in origin]),
        direction=_three([_three([float(v) + 0.0 for v in d]) for d in directions]),
    )
    drift = geometry.drift_mm if geometry.tilt_degrees else np.zeros(3)
    return Placement(_three(list(axes)), _three(list(flipped)), grid,
                     (float(drift @ directions[1]), float(drift @ directions[2])))


def as_stack(array: NDArray[Any], axes: tuple[int, int, int], flipped: tuple[bool, bool, bool]) -> NDArray[Any]:
    """A view of a volume [z, y, x] as the files have it: [slice, row, column]. axes, flipped: of its `Placement`."""
    turned = array[tuple(slice(None, None, -1 if flip else 1) for flip in flipped)]
    return turned.transpose([axes.index(axis) for axis in (0, 1, 2)])


def _three(values: list[T]) -> tuple[T, T, T]:
    first, second, third = values
    return first, second, third
