"""Whether two runs of `score` say the same: of tables column by column, of label maps voxel by voxel.

Shared by tests and benchmarks. Only what cannot be the same for two runs is left out, and stands here by name.
"""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

from ssc_hrct.core.rows import SCORE_COLUMNS

OTHER_EACH_TIME = ("runtime_s", "scored_at_utc")
COMPARED = tuple(column.name for column in SCORE_COLUMNS if column.name not in OTHER_EACH_TIME)


def differing(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """Names of the compared columns in which two rows hold other text."""
    return [name for name in COMPARED if one[name] != other[name]]


def label_maps(out: Path) -> dict[str, str]:
    """SHA-256 of each NIfTI label map that `score --format nifti` wrote below `out`, unpacked, by what it shows."""
    return {
        file.name.split("_")[-1]: hashlib.sha256(gzip.decompress(file.read_bytes())).hexdigest()
        for file in (out / "objects").glob("*.nii.gz")
    }
