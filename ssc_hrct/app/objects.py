"""What was found, as files that other programs open: DICOM SEG and SR, a page for the archive, NIfTI label maps.

In: a `Scored` with its series, the formats that were asked for, a folder and a name. Out: the files, and in words what
could not be written: a format that fails stops no other. FORMATS is what `--format` and the window offer.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from ssc_hrct import dicom, measure
from ssc_hrct.app import assets
from ssc_hrct.app.identity import Named, Source
from ssc_hrct.app.log import log_bug
from ssc_hrct.app.score import Scored
from ssc_hrct.app.words import finding_text
from ssc_hrct.core.errors import Cancelled, HrctError
from ssc_hrct.core.lungs import Lungs, Region
from ssc_hrct.core.patterns import Patterns
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.rows import score_row
from ssc_hrct.core.subject import Visit
from ssc_hrct.core.volume import LabelMap, Volume

OBJECTS = "objects"
"""Folder of these files beside the table."""
_SEG_FORMATS = ("seg", "sr")
_GREY = (150, 150, 150)
_FIRST_SEG_SERIES = 110
"""Behind the report (101) and the page (102, 103)."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a format's function gets. stem: path of its files without their endings. files: what it has written so far;
    written: segmentations so far."""

    series: dicom.Series
    scored: Scored
    volume: Volume
    lungs: Lungs
    patterns: Patterns
    stem: Path
    now: datetime
    new_uid: Callable[[], str]
    identity_removed: bool
    keep_empty_frames: bool
    files: list[Path]
    written: list[dicom.WrittenSeg]

    def place(self, ending: str) -> Path:
        return self.stem.with_name(f"{self.stem.name}_{ending}")


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
    tilted = "seg" in formats and bool(series.acquisition.tilt_degrees)
    said = ["The gantry was tilted: SEG will not be written, since what is scored lies between the rows of the files."
            ] if tilted else []
    missing = dicom.lacking(series)
    wanted = [name for name in formats if name in _SEG_FORMATS or (name == "page" and dicom.STUDY_UID in missing)]
    if not missing or not wanted:
        return " ".join(said)
    still = "NIfTI can be written" if dicom.STUDY_UID in missing else "a page and NIfTI can be written"
    said.append(f"The files have no {dicom.one_of(missing)}: {' and '.join(w.upper() for w in wanted)} cannot point at "
                f"them and will not be written. The score stands; {still}.")
    return " ".join(said)


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
    work = Work(series, scored, scored.volume, scored.lungs, scored.patterns, stem, now.astimezone(), new_uid,
                identity_removed, keep_empty_frames, [], [])
    problems: list[str] = []
    for name, write in FORMATS.items():
        if name in formats:
            before = len(work.files)
            try:
                write(work, progress)
            except HrctError as problem:
                _take_back(work, before)
                problems.append(f"{name.upper()} was not written. {problem}")
            except Cancelled:
                _take_back(work, before)
                raise
            except Exception as fault:  # noqa: BLE001 - one format must not stop the others; it is logged and shown
                _take_back(work, before)
                log_bug(fault, "fault while writing objects")
                problems.append(f"{name.upper()} was not written: a fault of the program ({type(fault).__name__}).")
    return tuple(work.files), tuple(problems)


def _take_back(work: Work, before: int) -> None:
    """Nothing stays of a format that was not written whole."""
    for file in work.files[before:]:
        with suppress(OSError):
            file.unlink(missing_ok=True)
    if work.written and any(file.suffix == ".dcm" for file in work.files[before:]):
        work.written.clear()
    del work.files[before:]


def _seg(work: Work, progress: Progress) -> None:
    """Anatomy, vessels, patterns: a viewer opens what it needs, and no two segments of one file overlap."""
    colours, given = _colours(), any(f.code == "LUNGS_GIVEN" for f in work.scored.score.findings)
    found = measure.find_vessels(work.volume, work.lungs, progress=progress).view("uint8")
    vessels = LabelMap(found, work.lungs.grid, {})
    anatomy = [
        dicom.Segment(what, work.lungs.regions, region, colours["lungs" if region != Region.AIRWAYS else "airways"],
                      given=given and region != Region.AIRWAYS)
        for region, what in dicom.ORGANS.items()
    ]
    kinds = [dicom.Segment(what, work.patterns.labels, pattern, colours[pattern.word], family=dicom.LEARNED)
             for pattern, what in dicom.PATTERNS.items()]
    blood = [dicom.Segment(dicom.VESSELS, vessels, 1, _GREY)]
    parts = (("anatomy", "lungs and airways", anatomy), ("vessels", "vessels", blood), ("patterns", "patterns", kinds))
    for number, (ending, what, segments) in enumerate(parts):
        file = work.place(f"{ending}.dcm")
        work.written.append(dicom.write_seg(
            file, work.series, work.volume, segments, subject_id=work.scored.score.subject_id, new_uid=work.new_uid,
            now=work.now, what=what, number=_FIRST_SEG_SERIES + number, identity_removed=work.identity_removed,
            keep_empty_frames=work.keep_empty_frames, progress=progress,
        ))
        work.files.append(file)


def _sr(work: Work, progress: Progress) -> None:
    file = work.place("report.dcm")
    dicom.write_sr(file, work.series, work.volume, work.scored.score, work.written, new_uid=work.new_uid, now=work.now,
                   identity_removed=work.identity_removed, progress=progress)
    work.files.append(file)


def _page(work: Work, progress: Progress) -> None:
    """As pictures, which every viewer shows, and as a document, which is sharp when printed."""
    from ssc_hrct.export.overlay import montage_png, read_colours
    from ssc_hrct.export.page import PageContent, make_page

    progress.step("Making the page", 0, 2)
    score, names, protocol = work.scored.score, _colour_names(), assets.default_protocol()
    content = PageContent(
        row=score_row(score), cautions=[(finding_text(f), f.kind.do) for f in score.findings], colours=names,
        bounds=protocol.severity_bounds, fibrosis_bounds=protocol.fibrosis_severity_bounds,
        montage_png=montage_png(work.volume, work.lungs, work.patterns, read_colours(names)),
    )
    page = make_page(content, template=assets.read("page", "page.typ"), fonts=assets.folder() / "fonts", made=work.now)
    progress.step("Making the page", 1, 2)
    numbers = range(1, len(page.pictures) + 1)
    pictures = [work.place("page.dcm" if n == 1 else f"page-{n}.dcm") for n in numbers]
    common: dict[str, Any] = {"subject_id": score.subject_id, "new_uid": work.new_uid, "now": work.now,
                              "identity_removed": work.identity_removed}
    dicom.write_pictures(pictures, work.series, list(page.pictures), **common)
    work.files.extend(pictures)
    dicom.write_document(work.place("page_pdf.dcm"), work.series, page.pdf, **common)
    work.files.append(work.place("page_pdf.dcm"))
    for old in work.stem.parent.glob(f"{work.stem.name}_page-*.dcm"):  # an earlier page may have been longer
        if old not in pictures:
            old.unlink(missing_ok=True)


def _nifti(work: Work, progress: Progress) -> None:
    from ssc_hrct.export.nifti import write_nifti

    for done, (ending, labels) in enumerate((("lungs", work.lungs.regions), ("patterns", work.patterns.labels))):
        progress.step("Writing NIfTI", done, 2)
        write_nifti(work.place(f"{ending}.nii.gz"), labels)
        work.files.append(work.place(f"{ending}.nii.gz"))


FORMATS: dict[str, Callable[[Work, Progress], None]] = {
    "seg": _seg, "sr": _sr, "page": _page, "nifti": _nifti,
}
"""By name, in the order in which they are written: a report points at segmentations that are there."""


def _colours() -> dict[str, tuple[int, int, int]]:
    from ssc_hrct.export.overlay import rgb_of

    return {name: rgb_of(colour) for name, colour in _colour_names().items()}


def _colour_names() -> dict[str, str]:
    named: dict[str, str] = json.loads(assets.read("theme", "patterns.json"))
    return named
