"""Use the lungs of another program: a DICOM SEG, NIfTI or NRRD file in place of the lungs that are found here.

In: a file, then a volume. Out: `Lungs` and what must be said of them. Ours are found all the same: they are what the
mask is compared with, and our airways leave it. What is wrong with the file alone is wrong usage; what is wrong with
it for this scan refuses the scan.
"""

from __future__ import annotations

from pathlib import Path

from ssc_hrct import dicom, measure, quality
from ssc_hrct.core.errors import HrctError, WrongUsage
from ssc_hrct.core.findings import Finding, refusal
from ssc_hrct.core.lungs import Lungs
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.protocol import Protocol
from ssc_hrct.core.volume import LabelMap, Volume
from ssc_hrct.export.label_maps import read_label_map


def read_lung_mask(path: Path, *, progress: Progress = SILENT) -> LabelMap:
    """The mask on its own grid. Raises WrongUsage where the file cannot be read, or cannot hold lungs."""
    read = dicom.read_seg_lungs if dicom.is_dicom(path) else read_label_map
    mask = read(path, progress=progress)
    try:
        measure.check_labels(mask)
    except HrctError as problem:
        raise WrongUsage(
            f"The lung mask '{path}' cannot be used. {problem.sentence}", "Save one label map with the lungs alone."
        ) from problem
    return mask


def lungs_from(
    volume: Volume, mask: LabelMap, protocol: Protocol, *, progress: Progress = SILENT
) -> tuple[Lungs | None, tuple[Finding, ...]]:
    """Lungs by the mask, and LUNGS_GIVEN with what stands against it; None with a refusal where it does not fit."""
    theirs, ours = mask.frame_of_reference_uid, volume.source.frame_of_reference_uid
    if theirs and ours and theirs != ours:
        return None, (refusal("MASK_REFUSED", "The mask lies in another frame of reference than the scan."),)
    try:
        own = measure.find_lungs(volume, progress=progress)
    except HrctError:
        own = None  # where ours fails a mask is needed most; it is said that they could not be compared
    try:
        lungs, facts = measure.take_lungs(volume, mask, own, progress=progress)
    except HrctError as problem:
        return None, (refusal("MASK_REFUSED", problem.sentence),)
    return lungs, quality.check_given_lungs(facts, protocol)
