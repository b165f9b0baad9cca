"""Made-up exams: a phantom written as DICOM, with the truth that was put in.

In: a folder, a seed, a spec, who and when. Out: the folder's files and a `Truth`, counted on the phantom's own
label maps. Used by the demonstration, by the self-test, and by journeys in tests. Nothing is from a patient.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from ssc_hrct import dicom, phantom
from ssc_hrct.core.lungs import both_lungs
from ssc_hrct.core.numbers import percent, volume_ml
from ssc_hrct.core.patterns import FIBROSIS, Pattern
from ssc_hrct.core.progress import SILENT, Progress


@dataclass(frozen=True, slots=True)
class Truth:
    """What was put in, printed as scores are. None where there is no lung."""

    ild_percent: Decimal | None
    fibrosis_percent: Decimal | None
    lung_ml: Decimal


@dataclass(frozen=True, slots=True)
class MadeUpExam:
    """Who and when. names: seed of the exam's UIDs, so that making it again makes the same exam."""

    subject: str
    scan_date: str
    names: str


def uids(names: str) -> Callable[[], str]:
    """Made-up UIDs under the root 2.25 (DICOM PS3.5 B.2), the same ones each time for the same names."""
    counter = itertools.count()

    def one() -> str:
        digest = hashlib.sha256(f"{names}/{next(counter)}".encode()).digest()
        return f"2.25.{int.from_bytes(digest[:16], 'big')}"

    return one


def truth_of(made: phantom.Phantom, ild_patterns: tuple[Pattern, ...]) -> Truth:
    regions, patterns = made.truth_regions.labels, made.truth_patterns.labels
    lung = both_lungs(regions)
    voxels = np.bincount(patterns[lung], minlength=len(Pattern))
    whole = int(lung.sum())
    return Truth(
        ild_percent=percent(int(sum(voxels[p] for p in ild_patterns)), whole),
        fibrosis_percent=percent(int(sum(voxels[p] for p in FIBROSIS)), whole),
        lung_ml=volume_ml(whole, made.volume.grid.voxel_ml),
    )


def write_exam(made: phantom.Phantom, folder: Path, exam: MadeUpExam, *, progress: Progress = SILENT) -> None:
    """The phantom's volume as a CT series in `folder`. Raises HrctError where it cannot be written."""
    new_uid = uids(exam.names)
    dicom.write_ct(
        made.volume, folder, patient_id=exam.subject, study_instance_uid=new_uid(), series_instance_uid=new_uid(),
        new_uid=new_uid, scan_date=exam.scan_date, progress=progress,
    )
