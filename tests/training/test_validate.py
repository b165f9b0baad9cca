"""Scored cases for the error bars: points are counted by weight, ring and pattern, and only where labels stand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ssc_hrct.measure import PatternModel
from ssc_hrct.measure.features import NAMES
from ssc_hrct.measure.trained import LIMITS
from ssc_hrct.measure.trees import Trees
from tests.training.test_learning import made_up_case
from training import validate

OVER, NETTED = NAMES.index("raised90_8"), NAMES.index("roughness_5")


def asks(column: int, border: float) -> Trees:
    """0 under the border, 1 over it."""
    return Trees(np.array([[column]], np.int32), np.array([[border]], np.float32),
                 np.array([[-9.0, 9.0]], np.float32), 0.0)


def test_counts_are_those_of_the_labelled_points():
    never = asks(0, 2.0)
    model = PatternModel(
        low=np.zeros(len(NAMES), np.float32), high=np.ones(len(NAMES), np.float32), abnormal=asks(OVER, 0.5),
        second=asks(0, 0.0), fibrosis=asks(NETTED, 0.5), honeycombing=never, consolidation=never,
        limits=dict.fromkeys(LIMITS, 0.5),
    )
    case = made_up_case("new", "cells", 4)
    values = case.seen.values.copy()
    z, y, x = np.indices(case.seen.near.shape).reshape(3, -1)
    values[:, OVER] = (x < 10) & (z < 4)  # a block of 4 x 20 x 10 points
    values[:, NETTED] = y < 5
    values[:, NAMES.index("empty_5")] = 0.0
    labelled = z < 5  # 5 x 20 x 20 points
    case = replace(case, seen=replace(case.seen, values=values), labelled=labelled, ild_percent=40.0,
                   fibrosis_percent=10.0)
    row = validate.for_intervals(case, model, (0.5, 0.5))
    assert row.ild.score_percent == pytest.approx(100 * validate.BORDER * 800 / 2000, abs=0.01)
    assert row.fibrosis.score_percent == pytest.approx(100 * validate.BORDER * 200 / 2000, abs=0.01)
    assert (row.ild.truth_percent, row.fibrosis.truth_percent, row.fold) == (40.0, 10.0, "new")
