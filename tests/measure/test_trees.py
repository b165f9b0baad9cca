"""Symmetric trees as arrays: the same answer as walking down each tree by hand, and no half models."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssc_hrct.measure.trees import Trees, trees_from

COLUMNS = 5


def some_trees(seed: int, trees: int, levels: int) -> Trees:
    rng = np.random.default_rng(seed)
    return Trees(
        rng.integers(0, COLUMNS, (trees, levels)).astype(np.int32),
        rng.normal(size=(trees, levels)).astype(np.float32),
        rng.normal(size=(trees, 2**levels)).astype(np.float32),
        float(rng.normal()),
    )


def by_hand(trees: Trees, row: np.ndarray) -> float:
    total = trees.start
    for column, border, leaves in zip(trees.columns, trees.borders, trees.leaves, strict=True):
        answers = [row[c] > b for c, b in zip(column, border, strict=True)]
        total += float(leaves[sum(2**level for level, yes in enumerate(answers) if yes)])
    return 1 / (1 + np.exp(-total))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), trees=st.integers(1, 12), levels=st.integers(1, 6))
def test_probability_is_what_walking_down_each_tree_gives(seed, trees, levels):
    model = some_trees(seed, trees, levels)
    values = np.random.default_rng(seed + 1).normal(size=(50, COLUMNS)).astype(np.float32)
    values[:3, model.columns[0, 0]] = model.borders[0, 0]  # on the border is not over it
    assert np.allclose(model.probability(values), [by_hand(model, row) for row in values], atol=2e-5)


def test_rows_are_judged_alone_however_many_stand_beside_them():
    model = some_trees(3, 20, 5)
    values = np.random.default_rng(4).normal(size=(70_001, COLUMNS)).astype(np.float32)
    assert np.array_equal(model.probability(values)[40_000:40_050], model.probability(values[40_000:40_050]))
    assert model.probability(values[:0]).shape == (0,)


def test_arrays_that_do_not_belong_together_are_refused():
    whole = some_trees(1, 4, 3)
    with pytest.raises(ValueError, match="belong together"):
        Trees(whole.columns, whole.borders, whole.leaves[:, :4], 0.0)
    with pytest.raises(ValueError, match="numbers"):
        Trees(whole.columns, whole.borders, np.full_like(whole.leaves, np.nan), 0.0)
    with pytest.raises(ValueError, match="column"):
        whole.probability(np.zeros((3, 2), np.float32))
    with pytest.raises(KeyError):
        trees_from({"columns": [[0]], "borders": [[0.0]], "start": 0.0})
