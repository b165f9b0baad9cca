"""Boosted symmetric trees as plain arrays: safe to load, quick in numpy, the same bytes on every machine.

In: JSON made by training. Out: `Trees`, which turn rows of features into probabilities. In a symmetric tree all
nodes of one level ask the same question, so a row's leaf is a number of a few bits (Prokhorenkova 2018, CatBoost).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssc_hrct.measure.threads import in_slabs

FloatMap = NDArray[np.float32]
_ROWS = 1 << 15
"""Rows at a time, so that what is looked at stays in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Trees:
    """columns, borders: [tree, level]; a level adds its bit where the value of its column is over the border.
    leaves: float32 [tree, 2 ** levels], what each tree adds to the log odds; start: what they begin with.
    """

    columns: NDArray[np.int32]
    borders: FloatMap
    leaves: FloatMap
    start: float

    def __post_init__(self) -> None:
        trees, levels = self.columns.shape
        if not 1 <= levels <= 8 or self.borders.shape != (trees, levels) or self.leaves.shape != (trees, 2**levels):
            raise ValueError("columns, borders and leaves do not belong together")
        if self.columns.min(initial=0) < 0 or not (np.isfinite(self.leaves).all() and np.isfinite(self.borders).all()):
            raise ValueError("columns must not be negative, borders and leaves must be numbers")

    def probability(self, values: FloatMap) -> FloatMap:
        """float32 [rows]. values: float32 [rows, columns]. Raises ValueError where a column is missing."""
        if self.columns.size and int(self.columns.max()) >= values.shape[1]:
            raise ValueError("the rows lack a column that the trees ask for")
        out = np.empty(len(values), np.float32)

        def write(start: int, stop: int) -> None:
            out[start:stop] = self._odds(np.ascontiguousarray(values[start:stop].T))

        in_slabs(write, len(values), _ROWS)
        return np.asarray(1 / (1 + np.exp(-out)), np.float32)

    def _odds(self, columns: FloatMap) -> FloatMap:
        """columns: [column, row]."""
        total = np.full(columns.shape[1], self.start, np.float32)
        for column, border, leaves in zip(self.columns, self.borders, self.leaves, strict=True):
            leaf = np.zeros(columns.shape[1], np.uint8)
            for level in range(len(column)):
                leaf |= (columns[column[level]] > border[level]).view(np.uint8) << np.uint8(level)
            total += leaves[leaf]
        return total


def trees_from(content: Mapping[str, Any]) -> Trees:
    """From JSON: {"columns", "borders", "leaves", "start"}. Raises ValueError or KeyError where it is not whole."""
    return Trees(
        np.asarray(content["columns"], np.int32),
        np.asarray(content["borders"], np.float32),
        np.asarray(content["leaves"], np.float32),
        float(content["start"]),
    )
