"""The pictures show the slice on which truth and engine disagree most, outlines left and right."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from benchmarks import worst
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.volume import Volume
from tests.made_up import acquisition

GRID = Grid((4, 40, 60), (1.0, 0.85, 0.85))


def _labels(patch: tuple[slice, slice, slice], pattern: Pattern) -> np.ndarray:
    labels = np.full(GRID.shape, Pattern.NORMAL, np.uint8)
    labels[patch] = pattern
    return labels


def test_the_worst_slice_holds_most_disagreement_in_disease() -> None:
    true = _labels((slice(1, 3), slice(5, 15), slice(5, 15)), Pattern.GROUND_GLASS)
    found = true.copy()
    found[2, 5:15, 5:15] = Pattern.NORMAL
    found[1, 5:15, 5:15] = Pattern.RETICULATION  # another pattern, the same disease
    found[3] = Pattern.EMPHYSEMA
    assert worst.worst_slice(true, found) == 2


def test_truth_is_drawn_on_the_left_and_the_found_on_the_right() -> None:
    true = _labels((slice(0, 4), slice(25, 35), slice(5, 15)), Pattern.HONEYCOMBING)  # clear of the word
    volume = Volume(np.full(GRID.shape, -850, np.int16), GRID, acquisition())
    image = np.asarray(Image.open(io.BytesIO(worst.picture(volume, true, np.ones_like(true), 1))).convert("RGB"))
    height, width, _ = image.shape
    assert (height, width) == (40, 60 + 6 + 60)
    red = (image == worst.COLOURS[Pattern.HONEYCOMBING]).all(axis=2)
    assert red[:, :60].sum() == 4 * 10 - 4  # the edge of ten by ten
    assert red[:, 60:].sum() == 0
