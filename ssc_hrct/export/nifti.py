"""Label maps as NIfTI for other programs: whole numbers on the scan's own grid, with its place in patient space.

In: a `LabelMap`. Out: one .nii.gz; the same map gives the same bytes. What each number means stands in the file's
description, as far as its 80 characters reach, and in the manual. SimpleITK turns LPS into the format's RAS.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ssc_hrct.core.paths import written_whole
from ssc_hrct.core.volume import LabelMap

DESCRIPTION_LENGTH = 79


def write_nifti(file: Path, labels: LabelMap) -> None:
    """Write the map (uint8) as `file`, whole or not at all. Raises HrctError(OUTPUT_NOT_WRITABLE)."""
    import SimpleITK as sitk  # noqa: N813 - the name that its manual uses

    grid = labels.grid
    image = sitk.GetImageFromArray(labels.labels)
    image.SetSpacing(grid.spacing_mm[::-1])
    image.SetOrigin(grid.origin_mm)
    image.SetDirection(np.stack(grid.direction[::-1], axis=1).ravel().tolist())
    meaning = ", ".join(f"{value} {name}" for value, name in sorted(labels.names.items()) if value)
    image.SetMetaData("ITK_FileNotes", meaning[:DESCRIPTION_LENGTH])
    with written_whole(file) as aside, TemporaryDirectory() as folder:
        plain = Path(folder) / "map.nii"
        try:
            sitk.WriteImage(image, str(plain))
        except RuntimeError as problem:  # all that ITK says where it cannot write
            raise OSError("no room for a temporary file") from problem
        aside.write_bytes(gzip.compress(plain.read_bytes(), compresslevel=6, mtime=0))
