"""Score one scan: the way of the data, top to bottom. The first file to read.

In: the chosen series of one exam. Out: a `Scored`, with the score and, where it was not refused,
the maps behind it. A refusal is a result, not an exception.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter

from ssc_hrct import dicom, measure, quality
from ssc_hrct.app.log import log_event
from ssc_hrct.app.lung_mask import lungs_from
from ssc_hrct.core.acquisition import Acquisition
from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.extents import Extents
from ssc_hrct.core.findings import Finding, caution, in_order, is_refused, refusal
from ssc_hrct.core.grade import grade, stability
from ssc_hrct.core.lungs import Lungs
from ssc_hrct.core.patterns import Patterns
from ssc_hrct.core.progress import SILENT, Progress
from ssc_hrct.core.protocol import Protocol
from ssc_hrct.core.score import Score
from ssc_hrct.core.stats import ImageStats
from ssc_hrct.core.subject import Visit
from ssc_hrct.core.volume import LabelMap, Volume
from ssc_hrct.version import __version__


@dataclass(frozen=True, slots=True)
class Scored:
    """score, and what it was counted on (None where the scan was refused before it was made)."""

    score: Score
    volume: Volume | None = None
    lungs: Lungs | None = None
    patterns: Patterns | None = None


def score_series(
    series: dicom.Series,
    *,
    subject_id: str,
    visit: Visit,
    findings: tuple[Finding, ...] = (),
    protocol: Protocol,
    now: Callable[[], datetime],
    models: measure.Models,
    mask: LabelMap | None = None,
    progress: Progress = SILENT,
) -> Scored:
    """Score a series from its files. findings: what the caller already knows (subject, visit).

    models: what was learned (app/assets.py). mask: lungs of another program
    (app/lung_mask.py) in place of ours.
    """
    started = perf_counter()
    header = quality.check_header(series.acquisition, protocol)
    if is_refused(header):
        return _refused(series.acquisition, (*findings, *header), subject_id, visit, protocol, now, started)
    try:
        volume = dicom.load(series, hole_allowed_mm=protocol.limits.hole_allowed_mm, progress=progress)
    except HrctError as problem:
        told = refusal(problem.code, problem.sentence)
        return _refused(series.acquisition, (*findings, *header, told), subject_id, visit, protocol, now, started)
    lungs = None
    if mask is not None:
        lungs, said = lungs_from(volume, mask, protocol, progress=progress)
        findings = (*findings, *said)
    return score_volume(
        volume, subject_id=subject_id, visit=visit, findings=findings, protocol=protocol, now=now,
        models=models, started=started, lungs=lungs, progress=progress,
    )


def log_scored(score: Score) -> None:
    """A line in the log, without anything that tells whose scan it was."""
    log_event("exam scored", status=score.status.value, slices=score.acquisition.slices,
              seconds=round(score.runtime_s, 1), codes=";".join(f.code for f in score.findings))


def score_volume(
    volume: Volume,
    *,
    subject_id: str,
    visit: Visit,
    findings: tuple[Finding, ...] = (),
    protocol: Protocol,
    now: Callable[[], datetime],
    models: measure.Models,
    started: float | None = None,
    lungs: Lungs | None = None,
    progress: Progress = SILENT,
) -> Scored:
    """Score a volume that is already loaded. started: `perf_counter` when the work on it began. lungs: if not ours."""
    began = perf_counter() if started is None else started
    facts = volume.acquisition
    found = (*findings, *quality.check_header(facts, protocol))
    if is_refused(found):
        return _refused(facts, found, subject_id, visit, protocol, now, began)
    try:
        lungs = lungs or measure.find_lungs(volume, progress=progress)
    except HrctError as problem:
        told = refusal(problem.code, problem.sentence)
        return _refused(facts, (*found, told), subject_id, visit, protocol, now, began)
    stats = measure.calibrate(volume, lungs, progress=progress)
    found = (*found, *quality.check_image(stats, facts, protocol))
    if is_refused(found):
        refused = _refused(facts, found, subject_id, visit, protocol, now, began, stats)
        return replace(refused, volume=volume, lungs=lungs)
    found = (*found, *quality.check_mask(measure.mask_facts(lungs, volume, progress=progress), protocol))
    classifier = models.classifier(
        smallest_island_ml=protocol.smallest_island_ml, largest_gap_ml=protocol.largest_gap_ml
    )
    patterns = classifier.classify(volume, lungs, stats, progress=progress)
    extents = measure.extents(volume, lungs, patterns, protocol.ild_patterns, progress=progress)
    intervals = None
    if models.error_bars is not None:
        intervals = models.error_bars.intervals(
            extents, stats, facts, patterns.doubt, out_of_range_percent=protocol.limits.out_of_range_percent
        )
    found = (
        *found, *quality.check_extents(extents, protocol), *quality.check_patterns(patterns.doubt, protocol),
        *_widened(intervals),
    )
    score = _score(facts, found, subject_id, visit, protocol, now, began, stats, extents, intervals)
    return Scored(score, volume, lungs, patterns)


def _score(
    facts: Acquisition,
    findings: tuple[Finding, ...],
    subject_id: str,
    visit: Visit,
    protocol: Protocol,
    now: Callable[[], datetime],
    began: float,
    stats: ImageStats | None = None,
    extents: Extents | None = None,
    intervals: measure.Intervals | None = None,
) -> Score:
    ild = extents.ild_percent if extents else None
    fibrosis = extents.fibrosis_percent if extents else None
    return Score(
        subject_id=subject_id,
        visit=visit,
        acquisition=facts,
        findings=in_order(findings),
        extents=extents,
        severity=None if ild is None else grade(ild, protocol.severity_bounds),
        fibrosis_severity=None if fibrosis is None else grade(fibrosis, protocol.fibrosis_severity_bounds),
        stats=stats,
        software_version=__version__,
        protocol_name=protocol.name,
        protocol_sha256=protocol.sha256,
        runtime_s=perf_counter() - began,
        scored_at=now(),
        ild_interval=intervals.ild if intervals else None,
        fibrosis_interval=intervals.fibrosis if intervals else None,
        severity_stability=(
            None if ild is None or intervals is None else stability(ild, intervals.ild, protocol.severity_bounds)
        ),
    )


def _widened(intervals: measure.Intervals | None) -> tuple[Finding, ...]:
    """What was not known of the scan, or is more than the intervals were made from, so that they are wider."""
    if intervals is None:
        return ()
    reasons = (("Not known", intervals.missing), ("More than in the scans that they were made from", intervals.beyond))
    told = " ".join(f"{why}: {', '.join(names)}." for why, names in reasons if names)
    return (caution("INTERVAL_WIDENED", told),) if told else ()


def _refused(
    facts: Acquisition,
    findings: tuple[Finding, ...],
    subject_id: str,
    visit: Visit,
    protocol: Protocol,
    now: Callable[[], datetime],
    began: float,
    stats: ImageStats | None = None,
) -> Scored:
    return Scored(_score(facts, findings, subject_id, visit, protocol, now, began, stats))
