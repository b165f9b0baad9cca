"""What was found, as files that other programs open: DICOM SEG and SR, a page for the archive, NIfTI label maps.

In: a `Scored` with its series, the formats that were asked for, a folder and a name. Out: the files, and in words what
could not be written: a format that fails stops no other. FORMATS is what `--format` and the window offer.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from ssc_hrct import dicom, measure
from ssc_hrct.app import assets
from ssc_hrct.app.identity import Named, Source
from ssc_hrct.app.log import log_bug
from ssc_hrct.app.score import Scored
from ssc_hrct.app.words import finding_text
from ssc_hrct.core.errors import Cancelled, HrctError
from ssc_hrct.core.lungs import Region
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.rows import score_row
from ssc_hrct.core.subject import Visit
from ssc_hrct.core.volume import LabelMap, Volume

OBJECTS = "objects"
"""Folder of these files beside the table."""
_SEG_FORMATS = ("seg", "sr")
_GREY = (150, 150, 150)


@dataclass(frozen=True, slots=True)
class Work:
    """What a format's function gets. stem: path of its files without their endings. written: segmentations so far."""

    series: dicom.Series
    scored: Scored
    volume: Volume
    stem: Path
    now: datetime
    new_uid: Callable[[], str]
    identity_removed: bool
    keep_empty_frames: bool
    written: list[dicom.WrittenSeg]


def file_stem(named: Named, visit: Visit, study_uid: str) -> str:
    """What the files of an exam are called, without their endings: no identifier in it, one name for one exam.

    The subject stands in it where its name came from the user, from files without identity or is a pseudonym,
    and not where it is a patient's number that was kept. Signs that a file system may refuse become `_`.
    """
    kept = named.source is Source.KEPT_PATIENT_ID
    subject = "exam" if kept else re.sub(r"[^A-Za-z0-9-]", "_", named.subject.id)
    short = hashlib.sha256(f"{named.subject.id}\0{study_uid}".encode()).hexdigest()[:8]
    return f"{subject}_{visit.name}_{short}"


def random_uid() -> str:
    """A UID from a random UUID (PS3.5 B.2)."""
    return f"2.25.{uuid4().int}"


def missing_for(formats: Sequence[str], series: dicom.Series) -> str:
    """A sentence on what the source files lack for these formats, told before any work; empty where nothing."""
    missing = dicom.lacking(series)
    wanted = [name for name in formats if name in _SEG_FORMATS or (name == "page" and dicom.STUDY_UID in missing)]
    if not missing or not wanted:
        return ""
    still = "NIfTI can be written" if dicom.STUDY_UID in missing else "a page and NIfTI can be written"
    return (f"The files have no {dicom.one_of(missing)}: {' and '.join(w.upper() for w in wanted)} cannot point at "
            f"them and will not be written. The score stands; {still}.")


def write_objects(
    series: dicom.Series, scored: Scored, formats: Sequence[str], stem: Path, *, now: datetime,
    new_uid: Callable[[], str] = random_uid, identity_removed: bool = True, keep_empty_frames: bool = False,
    progress: Progress = SILENT,
) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Files that were written, and sentences on what was not. Nothing is written of a scan that was refused.

    identity_removed: the files say so; not where the subject is called by the patient's own number.
    """
    if scored.volume is None or scored.lungs is None or scored.patterns is None or scored.score.extents is None:
        return (), ()
    work = Work(series, scored, scored.volume, stem, now, new_uid, identity_removed, keep_empty_frames, [])
    files: list[Path] = []
    problems: list[str] = []
    for name, write in FORMATS.items():
        if name in formats:
            try:
                files.extend(write(work, progress))
            except HrctError as problem:
                problems.append(f"{name.upper()} was not written. {problem}")
            except Cancelled:
                raise
            except Exception as fault:  # noqa: BLE001 - one format must not stop the others; it is logged and shown
                log_bug(fault, "fault while writing objects")
                problems.append(f"{name.upper()} was not written: a fault of the program ({type(fault).__name__}).")
    return tuple(files), tuple(problems)


def _seg(work: Work, progress: Progress) -> tuple[Path, ...]:
    """Anatomy, vessels, patterns: a viewer opens what it needs, and no two segments of one file overlap."""
    lungs, patterns = work.scored.lungs, work.scored.patterns
    assert lungs is not None  # noqa: S101 - `write_objects` looked
    assert patterns is not None  # noqa: S101
    colours = _colours()
    vessels = LabelMap(measure.find_vessels(work.volume, lungs, progress=progress).view("uint8"), lungs.grid, {})
    anatomy = [dicom.Segment(what, lungs.regions, region, colours["lungs" if region != Region.AIRWAYS else "airways"])
               for region, what in dicom.ORGANS.items()]
    kinds = [dicom.Segment(what, patterns.labels, pattern, colours[pattern.word])
             for pattern, what in dicom.PATTERNS.items()]
    files = []
    blood = [dicom.Segment(dicom.VESSELS, vessels, 1, _GREY)]
    for ending, segments in (("anatomy", anatomy), ("vessels", blood), ("patterns", kinds)):
        file = work.stem.with_name(f"{work.stem.name}_{ending}.dcm")
        work.written.append(dicom.write_seg(
            file, work.series, work.volume, segments, subject_id=work.scored.score.subject_id, new_uid=work.new_uid,
            now=work.now, identity_removed=work.identity_removed, keep_empty_frames=work.keep_empty_frames,
            progress=progress,
        ))
        files.append(file)
    return tuple(files)


def _sr(work: Work, progress: Progress) -> tuple[Path, ...]:
    file = work.stem.with_name(f"{work.stem.name}_report.dcm")
    dicom.write_sr(file, work.series, work.volume, work.scored.score, work.written, new_uid=work.new_uid, now=work.now,
                   identity_removed=work.identity_removed, progress=progress)
    return (file,)


def _page(work: Work, progress: Progress) -> tuple[Path, ...]:
    """As pictures, which every viewer shows, and as a document, which is sharp when printed."""
    from ssc_hrct.export.overlay import montage_png, read_colours
    from ssc_hrct.export.page import PageContent, make_page

    lungs, patterns, score = work.scored.lungs, work.scored.patterns, work.scored.score
    assert lungs is not None  # noqa: S101 - `write_objects` looked
    assert patterns is not None  # noqa: S101
    progress.step("Making the page", 0, 2)
    names, protocol = _colour_names(), assets.default_protocol()
    content = PageContent(
        row=score_row(score), cautions=[(finding_text(f), f.kind.do) for f in score.findings], colours=names,
        bounds=protocol.severity_bounds, fibrosis_bounds=protocol.fibrosis_severity_bounds,
        montage_png=montage_png(work.volume, lungs, patterns, read_colours(names)),
    )
    page = make_page(content, template=assets.read("page", "page.typ"), fonts=assets.folder() / "fonts", made=work.now)
    progress.step("Making the page", 1, 2)
    name = f"{work.stem.name}_page"
    numbers = range(1, len(page.pictures) + 1)
    pictures = [work.stem.with_name(f"{name}.dcm" if n == 1 else f"{name}-{n}.dcm") for n in numbers]
    document = work.stem.with_name(f"{name}_pdf.dcm")
    dicom.write_pictures(pictures, work.series, list(page.pictures), subject_id=score.subject_id,
                         new_uid=work.new_uid, now=work.now, identity_removed=work.identity_removed)
    dicom.write_document(document, work.series, page.pdf, subject_id=score.subject_id, new_uid=work.new_uid,
                         now=work.now, identity_removed=work.identity_removed)
    return (*pictures, document)


def _nifti(work: Work, progress: Progress) -> tuple[Path, ...]:
    from ssc_hrct.export.nifti import write_nifti

    lungs, patterns = work.scored.lungs, work.scored.patterns
    assert lungs is not None  # noqa: S101 - `write_objects` looked
    assert patterns is not None  # noqa: S101
    files = []
    for done, (ending, labels) in enumerate((("lungs", lungs.regions), ("patterns", patterns.labels))):
        progress.step("Writing NIfTI", done, 2)
        files.append(work.stem.with_name(f"{work.stem.name}_{ending}.nii.gz"))
        write_nifti(files[-1], labels)
    return tuple(files)


FORMATS: dict[str, Callable[[Work, Progress], tuple[Path, ...]]] = {
    "seg": _seg, "sr": _sr, "page": _page, "nifti": _nifti,
}
"""By name, in the order in which they are written: a report points at segmentations that are there."""


def _colours() -> dict[str, tuple[int, int, int]]:
    return {name: (int(c[1:3], 16), int(c[3:5], 16), int(c[5:7], 16)) for name, c in _colour_names().items()}


def _colour_names() -> dict[str, str]:
    named: dict[str, str] = json.loads(assets.read("theme", "patterns.json"))
    return named
