"""From the files of one series to a `Volume`: decoded, in HU, in the house's order, geometry proven.

In: a `Series` from `find`. Out: a `Volume` whose acquisition also says what loading showed (slices
that could not be decoded). Slices are decoded by two threads straight into their place. What cannot
become a volume raises `HrctError` with a code from the findings table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.core.acquisition import Acquisition, SeriesKind
from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.findings import SCAN_FINDINGS
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.volume import PADDING_HU, SourceFrames, Volume
from ssc_hrct.dicom import geometry
from ssc_hrct.dicom.files import open_archives
from ssc_hrct.dicom.headers import NoImage
from ssc_hrct.dicom.multiframe import read_headers
from ssc_hrct.dicom.pixels import BadPixels, Opened, open_files, stored_values, to_hu
from ssc_hrct.dicom.quiet import quiet
from ssc_hrct.dicom.repair import fill_run, runs_to_fill, shear_back
from ssc_hrct.dicom.series import Series, SliceHeader

THREADS = 2
MOST_VOXELS = 2**31
"""4,000 slices of 700 x 700, in 4 GB. Headers that promise more are damaged."""
_NOT_LOADED = {
    SeriesKind.LOCALIZER: "LOCALIZER",
    SeriesKind.SECONDARY_CAPTURE: "NOT_CT",
    SeriesKind.NOT_CT: "NOT_CT",
    SeriesKind.UNSUPPORTED: "UNREADABLE",
}


def load(
    series: Series, *, hole_allowed_mm: float = 5.0, early: Callable[[Volume], None] | None = None,
    progress: Progress = SILENT,
) -> Volume:
    """The volume of a series. hole_allowed_mm: longer holes stay empty; the judge refuses such a scan by this limit.

    early: told of the volume when its middle slice is decoded, while the others still come, from the middle outwards:
    to be looked at, not measured. Not told where what is stored will not lie as it is shown (tilt, upright stacks).

    HU by each slice's own rescale; PADDING_HU where the files say that nothing was measured. Axes by
    orientation alone; a small rotation stays in the grid's direction. A hole of at most `hole_allowed_mm` is
    filled by linear interpolation along the stack (its SOP instance UID is empty text); slices that cannot be
    decoded count as absent. Tilt is sheared back: rows move along y by `shear_mm_per_slice` per slice
    towards the head, and the volume grows by as many rows as that needs.

    Raises HrctError: NOT_CT, LOCALIZER, UNREADABLE, BAD_GEOMETRY, MISSING_SLICES. Cancelled and MemoryError
    pass.
    """
    with quiet(), open_archives():
        headers = series.slices or _read_again(series)
        stack = _check(series.acquisition, headers)
        first = headers[0]
        spacing = first.pixel_spacing_mm
        if spacing is None:
            raise _refuse("BAD_GEOMETRY", "The files do not say how large the pixels are.")
        if (max(stack.place) + 1) * first.rows * first.columns > MOST_VOXELS:
            raise _refuse("UNREADABLE", "The files say that they are larger than any scan.")
        places = dict(zip(stack.place, stack.order, strict=True))
        total = max(places) + 1
        placement = geometry.place(stack, total, first.rows, first.columns, spacing)
        outwards = sorted(places, key=lambda p: (abs(2 * p - total + 1), p))
        slices = {p: headers[places[p]] for p in outwards}
        opened = open_files(slices.values(), progress=progress)
        bad, middle = _first_decoded(slices, opened, progress)
        hu = np.full(placement.grid.shape, PADDING_HU, dtype=np.int16)
        target = geometry.as_stack(hu, placement.axes, placement.flipped)
        target[outwards[len(bad)]] = middle
        if early is not None and placement.axes[0] == 0 and not placement.drift_mm[0]:
            early(_finish(hu.view(), placement, series.acquisition, [("", 0)] * total, first))
        bad |= _decode_all(slices, outwards[len(bad) + 1 :], opened, target, progress)
    decoded = sorted(p for p in places if p not in bad)
    sources = {p: (headers[i].sop_uid, headers[i].frame) for p, i in places.items() if p not in bad}
    facts = _with_absent(series.acquisition, stack, decoded, len(bad))
    if placement.axes[0] != 0:
        return _finish(hu, placement, facts, [sources.get(p, ("", 0)) for p in range(total)], first)
    low, high = decoded[0], decoded[-1] + 1
    gaps = geometry.find_gaps(decoded)
    for start, count in runs_to_fill(gaps.runs, stack.spacing_mm or 0.0, hole_allowed_mm):
        fill_run(hu, start, count)
    placement = replace(placement, grid=_cut(placement.grid, low, high))
    return _finish(hu[low:high], placement, facts, [sources.get(p, ("", 0)) for p in range(low, high)], first)


def _refuse(code: str, sentence: str) -> HrctError:
    return HrctError(code, sentence, SCAN_FINDINGS[code].do)


def _read_again(series: Series) -> tuple[SliceHeader, ...]:
    read = (read_headers(path) for path in series.files)
    return tuple(h for some in read if not isinstance(some, NoImage) for h in some if not h.truncated)


def _check(facts: Acquisition, headers: Sequence[SliceHeader]) -> geometry.Stack:
    """The stack, or the reason why there can be no volume."""
    code = _NOT_LOADED.get(facts.kind)
    if code is not None:
        raise _refuse(code, SCAN_FINDINGS[code].says)
    if facts.undecodable_syntax:
        raise _refuse("UNREADABLE", f"The images are compressed as {facts.undecodable_syntax}, which is not read.")
    if not headers:
        raise _refuse("UNREADABLE", "None of the files of this series could be read.")
    orientation = headers[0].orientation
    positions = [h.position for h in headers if h.position is not None]
    stack = geometry.stack(orientation, positions) if orientation and len(positions) == len(headers) else None
    if stack is None or not stack.lattice or not facts.lattice:
        raise _refuse("BAD_GEOMETRY", SCAN_FINDINGS["BAD_GEOMETRY"].says)
    if max(stack.place) + 1 > 2 * len(headers) + 100:
        raise _refuse("MISSING_SLICES", "More slices are missing than there are.")
    return stack


def _first_decoded(
    headers: dict[int, SliceHeader], opened: Opened, progress: Progress
) -> tuple[set[int], NDArray[np.int16]]:
    """Places of slices that cannot be decoded, in the order of `headers`, up to the first that can; and its HU.

    Until then no room is made for the others: broken files may promise any number of voxels. Raises HrctError where
    there is no such slice.
    """
    bad: set[int] = set()
    for place, header in headers.items():
        progress.step("Reading slices", len(bad), len(headers))
        try:
            return bad, to_hu(stored_values(header, opened), header)
        except BadPixels:
            bad.add(place)
    raise _refuse("UNREADABLE", "The pixels of none of the slices could be decoded.")


def _decode_all(
    headers: dict[int, SliceHeader], places: Sequence[int], opened: Opened, target: NDArray[np.int16],
    progress: Progress,
) -> set[int]:
    """Decode the slices of these places into `target`, in this order; returns those that cannot be decoded."""

    def decode(place: int) -> bool:
        header = headers[place]
        try:
            target[place] = to_hu(stored_values(header, opened), header)
        except BadPixels:
            return False
        return True

    bad: set[int] = set()
    before = len(headers) - len(places)
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="decode")
    try:
        progress.step("Reading slices", before, len(headers))
        for done, (place, good) in enumerate(zip(places, pool.map(decode, places), strict=True), start=before + 1):
            if not good:
                bad.add(place)
            progress.step("Reading slices", done, len(headers))
    finally:
        pool.shutdown(cancel_futures=True)
    return bad


def _with_absent(facts: Acquisition, stack: geometry.Stack, decoded: Sequence[int], bad: int) -> Acquisition:
    """The acquisition with what loading showed: undecodable slices are absent ones."""
    if not bad:
        return facts
    gaps = geometry.find_gaps(decoded)
    spacing = stack.spacing_mm or 0.0
    return replace(
        facts, slices=len(decoded), unreadable=facts.unreadable + bad,
        missing_mm=tuple(stack.height_mm(p) for p in gaps.places), holes=len(gaps.runs),
        largest_hole_mm=round(gaps.largest * spacing, 3), length_mm=round((decoded[-1] - decoded[0]) * spacing, 3),
    )


def _cut(grid: Grid, low: int, high: int) -> Grid:
    """The grid of slices low to high alone."""
    origin = grid.to_lps_mm((float(low), 0.0, 0.0))
    return replace(
        grid, shape=(high - low, grid.shape[1], grid.shape[2]),
        origin_mm=(float(origin[0]), float(origin[1]), float(origin[2])),
    )


def _finish(
    hu: NDArray[np.int16], placement: geometry.Placement, facts: Acquisition, sources: Sequence[tuple[str, int]],
    first: SliceHeader,
) -> Volume:
    """The volume, with tilt undone. sources: SOP instance UID and frame of each slice."""
    grid, shear = placement.grid, placement.drift_mm[0]
    if shear:
        hu, first_row = shear_back(hu, shear / grid.spacing_mm[1])
        origin = grid.to_lps_mm((0.0, first_row, 0.0))
        grid = replace(grid, shape=(hu.shape[0], hu.shape[1], hu.shape[2]),
                       origin_mm=(float(origin[0]), float(origin[1]), float(origin[2])))
    source = SourceFrames(
        sop_instance_uids=tuple(uid for uid, _ in sources), frames=tuple(n for _, n in sources),
        frame_of_reference_uid=first.frame_of_reference_uid, axes=placement.axes,
        flipped=placement.flipped, shear_mm_per_slice=shear,
    )
    return Volume(hu, grid, facts, source)
