"""The figures in the tables, against cases counted by hand and textbook values."""

from __future__ import annotations

import pytest

from benchmarks.common.figures import (
    area_under_curve,
    covered,
    errors,
    repeat,
    severity_right,
    share,
    table,
    told,
)

BOUNDS = (5.0, 10.0, 20.0)


def test_errors_are_found_minus_true() -> None:
    got = errors([1.0, 4.0, 12.0], [2.0, 2.0, 10.0])
    assert got is not None
    assert (got.cases, got.bias, got.largest) == (3, 1.0, 2.0)  # off by -1, 2 and 2
    assert got.mean_absolute == pytest.approx(5 / 3)


def test_95_percent_of_a_hundred_errors_lie_within_the_95th() -> None:
    got = errors([float(i) for i in range(101)], [0.0] * 101)
    assert got is not None
    assert got.within_95 == 95.0


def test_no_case_has_no_error() -> None:
    assert errors([], []) is None


def test_the_exact_interval_is_the_one_of_the_tables() -> None:
    """Clopper and Pearson for 9 of 10 and 0 of 10, as printed in tables: 55.5 to 99.7 and 0 to 30.8 percent."""
    got = share(9, 10)
    assert got.low == pytest.approx(0.5550, abs=1e-4)
    assert got.high == pytest.approx(0.9975, abs=1e-4)
    assert share(0, 10).low == 0.0
    assert share(0, 10).high == pytest.approx(1 - 0.025 ** (1 / 10))
    assert share(10, 10).high == 1.0


def test_a_truth_near_a_bound_is_not_asked_for_its_grade() -> None:
    got = severity_right(found=[4.0, 9.0, 7.0, 30.0], true=[3.0, 9.0, 8.6, 15.0], bounds=BOUNDS)
    assert (got.hits, got.of) == (1, 2)  # 9 and 8.6 lie within 1.5 of 10


def test_the_ends_of_an_interval_hold_the_truth() -> None:
    got = covered([(1.0, 2.0), (1.0, 2.0), (1.0, 2.0)], [1.0, 2.0, 2.1])
    assert (got.hits, got.of) == (2, 3)


@pytest.mark.parametrize(
    ("scores", "labels", "area"),
    [([0.1, 0.4, 0.35, 0.8], [False, False, True, True], 0.75),
     ([1, 2, 3, 4], [False, False, True, True], 1.0),
     ([1, 1, 1, 1], [False, False, True, True], 0.5),
     ([1, 2, 2, 3], [False, False, True, True], 0.875)],
)
def test_the_area_counts_pairs_in_order_and_ties_half(scores: list[float], labels: list[bool], area: float) -> None:
    assert area_under_curve(scores, labels) == pytest.approx(area)


def test_without_both_kinds_there_is_no_area() -> None:
    assert area_under_curve([1, 2], [True, True]) is None


def test_a_constant_shift_is_no_scatter() -> None:
    got = repeat([1, 2, 3], [2, 3, 4])
    assert got is not None
    assert (got.sd, got.shift) == (0.0, 1.0)


def test_the_scatter_of_one_measurement_is_that_of_the_differences_over_root_two() -> None:
    got = repeat([0, 0], [-1, 1])
    assert got is not None
    assert got.sd == pytest.approx(1.0)  # the differences have SD root of two
    assert repeat([1], [2]) is None


def test_tables_are_markdown() -> None:
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n|---|---|\n| 1 | 2 |"
    assert told(share(1, 2)) == "1 of 2: 50.0 % (1.3 to 98.7)"
    assert told(share(0, 0)) == "no case"
