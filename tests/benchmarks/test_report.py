"""The tables are made from kept rows alone and say what the rows hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks import clear, intervals, retest
from benchmarks.common import report
from ssc_hrct.core.patterns import Pattern


def engine(true: int, found: int, **more: Any) -> dict[str, Any]:
    """Of 100 voxels of lung so many are truly ground glass, and so many are called so."""
    counts = np.zeros((len(Pattern), len(Pattern)), int)
    both = min(true, found)
    counts[Pattern.GROUND_GLASS, Pattern.GROUND_GLASS] = both
    counts[Pattern.GROUND_GLASS, Pattern.NORMAL] = true - both
    counts[Pattern.NORMAL, Pattern.GROUND_GLASS] = found - both
    counts[Pattern.NORMAL, Pattern.NORMAL] = 100 - max(true, found)
    return {"confusion": counts.tolist(), "seconds": 1.0, "ild_interval": [found - 2.0, found + 2.0],
            "fibrosis_interval": [0.0, 1.0]} | more


def row(name: str, true: int, *, shipped: int, honest: int | None = None, **changed: Any) -> dict[str, Any]:
    engines = {"shipped": engine(true, shipped)} | ({} if honest is None else {"honest": engine(true, honest)})
    return {
        "name": name, "source": "phantom", "renderer": "cells", "stratum": 0 if true < 5 else 3, "refused": [],
        "cautions": [], "noise_hu": 20.0, "thickness_mm": 1.0, "dice": 0.99, "engines": engines,
        "seconds": {"lungs": 3.0},
    } | changed


ROWS = [row("small", 3, shipped=3, honest=2), row("large", 30, shipped=33, honest=34),
        row("shut", 30, shipped=0, honest=0, refused=["NOISY"])]


def test_the_summary_holds_bias_error_and_grades_of_every_engine() -> None:
    text = report.summary(ROWS)
    assert "3 cases, 1 refused: shut." in text
    assert "| shipped model | 2 | +1.50 | 1.50 |" in text
    assert "| held-out model | 2 | +1.50 | 2.50 |" in text
    assert "2 of 2: 100.0 % (15.8 to 100.0)" in text
    assert "| truth 20 to 40 % | 2 | +3.00, 3.00 | +4.00, 4.00 |" in text


def test_the_worst_held_out_model_stands_first() -> None:
    rows = [*ROWS, row("other", 10, shipped=10, honest=18, source="lidc-0001")]
    text = report.summary(rows)
    first, second = "| cells in lidc-0001 | 1 | +8.00 | 8.00 |", "| cells in phantom | 2 | +1.50 | 2.50 |"
    assert text.index(first) < text.index(second)


def test_intervals_are_counted_where_they_hold_the_truth() -> None:
    got = report.coverage(report.scored(ROWS, "shipped"), "shipped", "ild")
    assert (got.hits, got.of) == (1, 2)  # 3 lies in 1 to 5, 30 not in 31 to 35


def test_the_worst_case_is_that_of_the_model_that_never_saw_it() -> None:
    assert [r["name"] for r in report.worst(ROWS, 1)] == ["large"]
    assert report.off_by(ROWS[0]) == -1.0
    assert report.off_by(row("alone", 3, shipped=7)) == 4.0


def test_a_missing_fold_is_said_and_not_passed_off() -> None:
    assert "The headline is still to come." in report.summary([row("small", 3, shipped=3)])
    assert "The headline is still to come." not in report.summary(ROWS)


def test_a_scan_without_lungs_has_a_line() -> None:
    lines = report.rows_table([row("bare", 3, shipped=3, engines={}, refused=["NO_LUNG"]), *ROWS]).splitlines()
    assert "refused: NO_LUNG" in lines[2]
    assert len({line.count("|") for line in lines}) == 1


def test_no_row_is_no_table() -> None:
    assert report.summary([]) == "No rows are kept."


def test_chests_and_crops_count_together() -> None:
    text = intervals.summary(ROWS, [row("crop", 30, shipped=30)])
    assert "3 whole chests (rows of `stratified`) and 1 crops" in text
    both = next(line for line in text.splitlines() if line.startswith("| both, shipped model"))
    assert both.count("1 of 2: 50.0 %") == 1  # of 20 percent and more
    assert both.endswith("| 2 of 3: 66.7 % (9.4 to 99.2) |")


def test_retest_tells_the_scatter_of_each_engine() -> None:
    two = [{"name": str(i), "kind": "noise", "refused": [], "true_ild": [5.0, 5.0], "ild": {"shipped": pair},
            "fibrosis": {"shipped": [1.0, 1.0]}} for i, pair in enumerate([[5.0, 4.0], [5.0, 6.0]])]
    line = retest.summary(two).splitlines()[2]
    assert line.startswith("| new noise | 2 | SD at most 0.4 | 1.00 (+0.00) |")
    assert "5.00; 4.00" in retest.rows_table(two)


@pytest.mark.parametrize(("found", "says"), [(1, "1 of 1 meet"), (2, "0 of 1 meet")])
def test_clear_lungs_are_held_against_their_target(found: int, says: str) -> None:
    one = row("phantom_1", 0, shipped=found, target_percent=1.0)
    assert says in clear.summary([one])
    assert "at most 1 |" in clear.rows_table([one])
