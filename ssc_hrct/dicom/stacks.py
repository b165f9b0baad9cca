"""From headers of single files to series: which images belong together, and what each stack is.

In: `SliceHeader`s in any order. Out: `Series` with their `Acquisition`. One series UID may hold
several stacks (a localizer beside the axial images, two reconstructions, two acquisitions): they are
parted by what evidently differs, and further only where the stack would be no lattice otherwise.
A scanner that numbers every rotation as an acquisition is therefore not torn apart.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ssc_hrct.core.acquisition import Acquisition, SeriesKind
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.subject import Identity
from ssc_hrct.dicom import decoders, geometry, pixels
from ssc_hrct.dicom.headers import CT_IMAGE, ENHANCED_CT, HU, SECONDARY_CAPTURE
from ssc_hrct.dicom.series import Series, SliceHeader

_LOCALIZERS = {"LOCALIZER", "SCOUT", "SURVIEW", "TOPOGRAM", "SCANOGRAM"}
_PAGES = {"DOSE_INFO", "PATIENT_INFO", "SCREEN SAVE", "SCREEN_SAVE", "PROT"}
_PROJECTIONS = {"MIP", "MAXIP", "MINIP", "MIN_IP", "MAX_IP", "PROJECTION IMAGE", "VOLREN", "VRT", "RAYSUM"}
_MAPS = {"STD_DEVIATION", "SUBTRACTION", "DIVISION", "MULTIPLICATION", "MASKED", "QUANTITY", "CBF", "CBV", "RCBF",
         "RCBV", "MTT", "TTP", "TMAX", "MAXIMUM", "MINIMUM", "MEDIAN", "ENERGY_PROP_WT"}
"""Values that were computed from several images and are no density any more (PS3.3 C.8.16.1.4)."""
_FEWEST_PER_ACQUISITION = 3


def make_series(
    headers: Sequence[SliceHeader], *, by_pixels: bool = True, progress: Progress = SILENT
) -> tuple[Series, ...]:
    """All series that these images make, in a fixed order whatever the order of `headers`.

    by_pixels: copies are told by their pixels; else by their UIDs alone, and no file is opened.
    """
    copies_of = _same_pixels if by_pixels else _same_uid
    ordered = sorted(headers, key=lambda h: (h.study_uid, h.series_uid, h.owner, h.fingerprint, str(h.path), h.frame))
    made: list[Series] = []
    for exam in _part(ordered, _exam_key(ordered)):
        study_uid = exam[0].study_uid or _derived("study", exam)
        identity = _identity(exam)
        for group in _part(exam, lambda h: (h.series_uid, "" if h.series_uid else str(h.path.parent))):
            for part in _part_by_look(group):
                progress.step("Sorting slices")
                made.extend(_series(piece, study_uid, identity, copies_of, progress)
                            for piece in _part_by_acquisition(part))
    return tuple(made)


def _exam_key(headers: Sequence[SliceHeader]) -> Callable[[SliceHeader], Hashable]:
    """One exam is one study UID of one patient ID; an empty ID joins where the exam has but one.

    Without a study UID all that can tell patients apart must agree, the folder included: rather two
    exams of one patient than one exam of two.
    """
    patients: dict[str, set[str]] = {}
    for header in headers:
        patients.setdefault(header.study_uid, set()).add(header.owner[0])

    def key(header: SliceHeader) -> Hashable:
        if not header.study_uid:
            return header.owner
        named = patients[header.study_uid] - {""}
        return header.study_uid, header.owner[0] or (next(iter(named)) if len(named) == 1 else "")

    return key


def _part(headers: Iterable[SliceHeader], key: Callable[[SliceHeader], Hashable]) -> list[list[SliceHeader]]:
    groups: dict[Hashable, list[SliceHeader]] = {}
    for header in headers:
        groups.setdefault(key(header), []).append(header)
    return list(groups.values())


def _derived(what: str, headers: Sequence[SliceHeader]) -> str:
    """A text in place of an absent UID: from the images' own UIDs (or bytes), so the same files give the
    same text and no identifier can be got back from it. It is no UID and nothing may be written with it."""
    joined = "\n".join(sorted(h.fingerprint for h in headers))
    return f"no-{what}-uid-{hashlib.sha256(joined.encode()).hexdigest()[:16]}"


def _identity(headers: Sequence[SliceHeader]) -> Identity:
    """What most images of the exam say of the person; identity counts as removed where all say so."""
    told = Counter((h.identity.patient_id, h.identity.birth_date, h.identity.sex) for h in headers)
    (patient_id, birth_date, sex), _ = min(told.items(), key=lambda item: (-item[1], item[0]))
    return Identity(patient_id, birth_date, sex, all(h.identity.removed for h in headers))


def _part_by_look(headers: Sequence[SliceHeader]) -> list[list[SliceHeader]]:
    """Parts that evidently differ: kind of image, size, place in space, kernel, orientation."""
    parts = _part(headers, lambda h: (
        h.sop_class, h.rows, h.columns, h.samples, h.frames > 1, h.value_unit, h.frame_of_reference_uid, h.kernel,
        h.image_type[:1], h.image_type[2:3], h.pixel_spacing_mm and tuple(round(v, 3) for v in h.pixel_spacing_mm),
        h.position is None,
    ))
    return [turned for part in parts for turned in _part_by_orientation(part)]


def _part_by_orientation(headers: Sequence[SliceHeader]) -> list[list[SliceHeader]]:
    """Images whose orientation differs by over 0.02 in any cosine (about 1 degree) are different stacks."""
    parts: list[list[SliceHeader]] = []
    for header in headers:
        for part in parts:
            if _same_orientation(part[0], header):
                part.append(header)
                break
        else:
            parts.append([header])
    return parts


def _same_orientation(a: SliceHeader, b: SliceHeader) -> bool:
    if a.orientation is None or b.orientation is None:
        return a.orientation is b.orientation
    return all(abs(x - y) <= 0.02 for x, y in zip(a.orientation, b.orientation, strict=True))


_ACQUISITION_KEYS: tuple[Callable[[SliceHeader], Hashable], ...] = (
    lambda h: h.acquisition[0],
    lambda h: h.acquisition[2],
    lambda h: h.image_type,
    lambda h: h.thickness_mm,
    lambda h: h.kvp,
    lambda h: h.position and (round(h.position[0]), round(h.position[1])),
    lambda h: h.acquisition[1],
)
"""What may tell two acquisitions in one series apart: number, temporal position, type, thickness, tube
voltage, field of view, time; tried in this order."""


def _part_by_acquisition(headers: list[SliceHeader]) -> list[list[SliceHeader]]:
    """Acquisitions that share a series, parted only where together they make no lattice and apart they do."""
    whole = _stack_of(headers)
    if whole is None or (whole.lattice and not whole.same_place):
        return [headers]
    for key in _ACQUISITION_KEYS:
        parts = _part(headers, key)
        if 1 < len(parts) <= len(headers) / _FEWEST_PER_ACQUISITION and all(_is_clean(part) for part in parts):
            return parts
    return [headers]


def _is_clean(headers: list[SliceHeader]) -> bool:
    alone = _stack_of(headers)
    return alone is not None and alone.lattice and not alone.same_place


def _stack_of(headers: Sequence[SliceHeader]) -> geometry.Stack | None:
    orientation = headers[0].orientation
    positions = [h.position for h in headers if h.position is not None]
    if orientation is None or len(positions) != len(headers):
        return None
    return geometry.stack(orientation, positions)


@dataclass(frozen=True, slots=True)
class _Copies:
    """Headers without exact copies; how many were dropped; how many images share a position and differ."""

    kept: list[SliceHeader]
    dropped: int
    conflicting: int


_CopiesOf = Callable[[Sequence[SliceHeader], Sequence[Sequence[int]], Progress], list[list[list[int]]]]
"""Of groups of indices of headers, each group parted into those that are copies of each other."""


def _same_uid(
    headers: Sequence[SliceHeader], groups: Sequence[Sequence[int]], progress: Progress
) -> list[list[list[int]]]:
    return [_parted(group, lambda index: headers[index].fingerprint) for group in groups]


def _same_pixels(
    headers: Sequence[SliceHeader], groups: Sequence[Sequence[int]], progress: Progress
) -> list[list[list[int]]]:
    """Those with equal values; only what is encoded in different bytes is decoded."""
    opened = pixels.open_files((headers[index] for group in groups for index in group), progress=progress)
    total = sum(len(group) for group in groups)
    done = 0

    def encoded(index: int) -> str:
        nonlocal done
        progress.step("Comparing copies", done, total)
        done += 1
        return pixels.encoded_key(headers[index], opened)

    def decoded(index: int) -> str:
        progress.step("Comparing copies", done, total)
        return pixels.pixel_key(headers[index], opened)

    out = []
    for group in groups:
        same = {some[0]: some for some in _parted(group, encoded)}
        equal = [[*same]] if len(same) == 1 else _parted([*same], decoded)
        out.append([[index for first in firsts for index in same[first]] for firsts in equal])
    return out


def _parted(group: Iterable[int], key: Callable[[int], str]) -> list[list[int]]:
    parts: dict[str, list[int]] = {}
    for index in group:
        parts.setdefault(key(index), []).append(index)
    return list(parts.values())


def _drop_copies(
    headers: list[SliceHeader], whole: geometry.Stack | None, copies_of: _CopiesOf, progress: Progress
) -> _Copies:
    """Of copies at one position the first stays."""
    groups = [] if whole is None else whole.same_place
    out: set[int] = set()
    conflicting = 0
    for parts in copies_of(headers, groups, progress) if groups else ():
        for same in parts:
            out.update(sorted(same)[1:])
        conflicting += len(parts) if len(parts) > 1 else 0
    return _Copies([h for i, h in enumerate(headers) if i not in out], len(out), conflicting)


def _series(
    headers: list[SliceHeader], study_uid: str, identity: Identity, copies_of: _CopiesOf, progress: Progress
) -> Series:
    everything = _stack_of(headers)
    copies = _drop_copies(headers, everything, copies_of, progress)
    whole = _stack_of(copies.kept)
    ordered = copies.kept if whole is None else [copies.kept[i] for i in whole.order]
    kept = [i for i, h in enumerate(ordered) if not h.truncated]
    places = [whole.place[i] if whole is not None else i for i in kept]
    series_uid = headers[0].series_uid or _derived("series", headers)
    return Series(
        acquisition=_acquisition(ordered, study_uid, series_uid, whole, places, copies),
        files=tuple(dict.fromkeys(h.path for h in (headers if everything is None else
                                                   [headers[i] for i in everything.order]))),
        identity=identity, slices=tuple(ordered[i] for i in kept), expiration=any(h.expiration for h in ordered),
    )


def _acquisition(
    headers: Sequence[SliceHeader], study_uid: str, series_uid: str, whole: geometry.Stack | None,
    places: Sequence[int], copies: _Copies,
) -> Acquisition:
    first = headers[0]
    spacing = whole.spacing_mm if whole else None
    lattice = whole is not None and whole.lattice and not whole.sheared_aside and first.pixel_spacing_mm is not None
    gaps = geometry.find_gaps(places if lattice else ())
    interleaved = _interleaved(headers, whole, copies)
    return Acquisition(
        study_instance_uid=study_uid, series_instance_uid=series_uid, modality=first.modality,
        kind=_kind(first, whole), slices=sum(h.frames for h in headers if not h.truncated),
        rows=first.rows, columns=first.columns, image_type=first.image_type,
        slice_thickness_mm=_thickness(headers, spacing if lattice else None), slice_spacing_mm=spacing,
        pixel_spacing_mm=first.pixel_spacing_mm,
        length_mm=round((max(places) - min(places)) * (spacing or 0.0), 3) if places else 0.0,
        missing_mm=tuple(whole.height_mm(p) for p in gaps.places) if whole else (),
        holes=len(gaps.runs), largest_hole_mm=round(gaps.largest * (spacing or 0.0), 3),
        extra_copies=copies.dropped, conflicting=copies.conflicting, interleaved=interleaved, lattice=lattice,
        tilt_degrees=whole.tilt_degrees if whole else 0.0, oblique_degrees=whole.oblique_degrees if whole else 0.0,
        tilt_tag_degrees=_tilt_tag(headers), value_unit=first.value_unit,
        lossy=any(h.lossy or h.transfer_syntax in decoders.LOSSY for h in headers),
        unreadable=sum(h.truncated for h in headers),
        transfer_syntaxes=tuple(sorted({h.transfer_syntax for h in headers})),
        undecodable_syntax=next((decoders.name(h.transfer_syntax) for h in headers
                                 if not decoders.can_decode(h.transfer_syntax)), ""),
        kernel=first.kernel, kvp=first.kvp, manufacturer=first.manufacturer, model=first.model,
        reconstruction=first.reconstruction, contrast=_any_true(h.contrast for h in headers),
        patient_position=first.patient_position,
        scan_date=min((h.scan_date for h in headers if h.scan_date), default=None),
        frame_of_reference_uid=first.frame_of_reference_uid or None,
    )


def _tilt_tag(headers: Sequence[SliceHeader]) -> float:
    """The largest gantry tilt that the headers name, in degrees without sign."""
    return max(abs(h.tilt_tag_degrees) for h in headers)


def _any_true(values: Iterable[bool | None]) -> bool | None:
    known = [v for v in values if v is not None]
    return any(known) if known else None


def _thickness(headers: Sequence[SliceHeader], spacing_mm: float | None) -> float | None:
    """The largest SliceThickness that a slice names. Where none does, the spacing of a regular stack
    stands for it: slices are then taken as contiguous, which is how volumes are reconstructed. Without
    either it is unknown and not to be derived."""
    named = [h.thickness_mm for h in headers if h.thickness_mm is not None]
    return max(named) if named else spacing_mm


def _interleaved(headers: Sequence[SliceHeader], whole: geometry.Stack | None, copies: _Copies) -> bool:
    """Two acquisitions in one stack that no tag parts: differing images at most positions, or two
    lattices of one spacing that stand between each other."""
    if whole is None:
        return False
    positions = len(set(whole.place))
    if copies.conflicting >= positions and positions > 1:
        return True
    if whole.lattice or len(headers) < 4 * _FEWEST_PER_ACQUISITION:
        return False
    heights = sorted(float(whole.normal @ h.position) for h in headers if h.position is not None)
    turns = [[b - a for a, b in pairwise(every)] for every in (heights[::2], heights[1::2])]
    middle = sorted(turns[0] + turns[1])[len(heights) // 2 - 1]
    return all(abs(step - middle) <= geometry.UNEVEN_SHARE * middle for turn in turns for step in turn)


def _kind(header: SliceHeader, whole: geometry.Stack | None) -> SeriesKind:
    """What the series is, by its first image (all of them look alike)."""
    words = {word for value in header.image_type for word in (value.upper(), *value.upper().split())}
    capture = header.sop_class.startswith(SECONDARY_CAPTURE)
    if capture or (header.modality == "CT" and (words & _PAGES or header.samples > 1)):
        return SeriesKind.SECONDARY_CAPTURE
    if header.modality != "CT" or header.value_unit != HU:
        return SeriesKind.NOT_CT
    if words & _LOCALIZERS:
        return SeriesKind.LOCALIZER
    if header.frames > 1 or words & (_PROJECTIONS | _MAPS):
        return SeriesKind.UNSUPPORTED
    if header.sop_class not in ("", CT_IMAGE, *ENHANCED_CT):
        return SeriesKind.NOT_CT
    if whole is not None and whole.main_axis != 2:
        return SeriesKind.NOT_AXIAL
    if header.image_type and header.image_type[0].upper() == "DERIVED":
        return SeriesKind.REFORMAT
    return SeriesKind.AXIAL
