"""Exams that are made up: the truth is counted on their own maps, and a self-test that is missed says so."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from ssc_hrct import dicom, phantom
from ssc_hrct.app import self_test
from ssc_hrct.app.assets import default_protocol
from ssc_hrct.app.inspect import inspect
from ssc_hrct.app.made_up import MadeUpExam, truth_of, uids, write_exam
from ssc_hrct.app.score import Scored
from ssc_hrct.app.self_test import Case, run_self_test
from ssc_hrct.core.findings import refusal
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import REGION_NAMES, Region
from ssc_hrct.core.patterns import PATTERN_NAMES, Pattern
from ssc_hrct.core.score import Score
from ssc_hrct.core.volume import LabelMap, Volume
from tests.made_up import ILD, a_score, acquisition, extents
from tests.terminal import write_block

PROTOCOL = default_protocol()


def a_phantom(*given: object, **named: object) -> phantom.Phantom:
    """24 slices of 100 pixels, 50 of each lung: of those 10 of honeycombing and 5 of consolidation."""
    grid = Grid((24, 10, 10), (1.0, 1.0, 1.0))
    regions = np.full(grid.shape, Region.OUTSIDE, dtype=np.uint8)
    regions[:, :5], regions[:, 5:] = Region.RIGHT_LUNG, Region.AIRWAYS
    patterns = np.where(regions == Region.RIGHT_LUNG, np.uint8(Pattern.NORMAL), np.uint8(0)).astype(np.uint8)
    patterns[:, 0], patterns[:, 1, :5] = Pattern.HONEYCOMBING, Pattern.CONSOLIDATION
    volume = Volume(np.full(grid.shape, -800, dtype=np.int16), grid, acquisition(slices=24))
    return phantom.Phantom(volume, LabelMap(regions, grid, REGION_NAMES), LabelMap(patterns, grid, PATTERN_NAMES))


def test_truth_is_counted_over_the_lung_alone() -> None:
    truth = truth_of(a_phantom(), ILD)
    assert (truth.ild_percent, truth.fibrosis_percent, truth.lung_ml) == (
        Decimal("20.00"), Decimal("20.00"), Decimal("1.2"),
    )


def test_uids_are_the_same_each_time_and_proper() -> None:
    first, again, other = (uids(names) for names in ("a", "a", "b"))
    made = [first() for _ in range(100)]
    assert made == [again() for _ in range(100)]
    assert len(set(made)) == 100
    assert other() not in made
    assert all(uid.startswith("2.25.") and len(uid) <= 64 and uid[5] != "0" for uid in made)


def test_a_made_up_exam_is_found_with_its_subject_and_date(tmp_path: Path) -> None:
    write_exam(a_phantom(), tmp_path, MadeUpExam("DEMO-001", "2025-12-17", "x"))
    (series,) = dicom.find([tmp_path]).series
    assert (series.identity.patient_id, series.identity.removed) == ("DEMO-001", True)
    assert series.acquisition.scan_date == "2025-12-17"
    assert series.acquisition.study_instance_uid == uids("x")()


@pytest.mark.parametrize(
    ("score", "passed"),
    [
        (a_score(extents=extents({(1, Pattern.RETICULATION): 960, (2, Pattern.RETICULATION): 210})), True),
        (a_score(extents=extents({(1, Pattern.RETICULATION): 960, (2, Pattern.RETICULATION): 90})), False),
        (a_score(extents=extents({(1, Pattern.RETICULATION): 960, (2, Pattern.RETICULATION): 300})), False),
        (a_score(extents=None, findings=(refusal("NO_LUNGS"),)), False),
    ],
    ids=["19.5 of 20 percent", "2.5 points too few", "another grade", "refused"],
)
def test_the_self_test_fails_where_the_program_misses(
    score: Score, passed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phantom, "make_chest", a_phantom)
    monkeypatch.setattr(self_test, "score_series", lambda *given, **named: Scored(score))
    (tried,) = run_self_test(
        protocol=PROTOCOL, now=lambda: datetime(2026, 1, 1, tzinfo=UTC), cases=(Case("fibrosis", 1, 20.0),)
    )
    assert tried.passed is passed


def test_looking_lists_the_chosen_series_first_and_says_why_not_the_others(tmp_path: Path) -> None:
    study = write_block(tmp_path / "few", names="few", slices=3)
    write_block(tmp_path / "many", names="many", slices=30, study=study)
    seen = inspect([tmp_path], protocol=PROTOCOL)
    (exam,) = seen.exams
    assert [(s.facts.slices, s.chosen, s.scorable, s.place.name) for s in exam] == [
        (30, True, True, "many"), (3, False, False, "few"),
    ]
    assert exam[1].why_not
    assert exam[1].findings[0].code == "TOO_FEW_SLICES"
    assert (seen.files, seen.not_dicom, seen.damaged) == (33, 0, ())
