"""A score as JSON: what `score --json` prints and what the scoring worker hands to the window.

{"row": {column: text}, "findings": [{"code", "level", "pair", "says", "do", "detail"}],
 "slices": [[voxels per pattern] per slice, feet to head], "sop_sha256": text}
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssc_hrct.core.findings import Finding, Level
from ssc_hrct.core.rows import Row, score_row
from ssc_hrct.core.volume import SourceFrames

if TYPE_CHECKING:  # the window reads results without importing the engine
    from ssc_hrct.app.score import Scored


@dataclass(frozen=True, slots=True)
class Result:
    """row: as in scores.csv; slices: voxels per pattern for each slice of the volume (may be empty)."""

    row: Row
    findings: tuple[Finding, ...]
    slices: tuple[tuple[int, ...], ...] = ()
    sop_sha256: str = ""


def frames_sha256(source: SourceFrames) -> str:
    """Names what was loaded: a hash of the SOP instance UIDs, and frame numbers where files have many; feet to head."""
    frames = source.frames or (0,) * len(source.sop_instance_uids)
    named = [f"{uid}#{n}" if n else uid for uid, n in zip(source.sop_instance_uids, frames, strict=True)]
    return hashlib.sha256("\n".join(named).encode()).hexdigest()


def result_of(scored: Scored) -> Result:
    score = scored.score
    return Result(
        row=score_row(score),
        findings=score.findings,
        slices=score.extents.slice_counts if score.extents else (),
        sop_sha256=frames_sha256(scored.volume.source) if scored.volume else "",
    )


def to_json(result: Result) -> dict[str, Any]:
    return {
        "row": result.row,
        "findings": [
            {"code": f.code, "level": f.level.value, "pair": f.pair, "says": f.kind.says, "do": f.kind.do,
             "detail": f.detail}
            for f in result.findings
        ],
        "slices": [list(counts) for counts in result.slices],
        "sop_sha256": result.sop_sha256,
    }


def from_json(text: str) -> Result:
    content = json.loads(text)
    return Result(
        row=dict(content["row"]),
        findings=tuple(Finding(f["code"], Level(f["level"]), f["detail"], f["pair"]) for f in content["findings"]),
        slices=tuple(tuple(counts) for counts in content["slices"]),
        sop_sha256=content["sop_sha256"],
    )
