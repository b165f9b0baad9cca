"""Rows of a case: the truth of each point, kept in a file and read back as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ssc_hrct.core.patterns import Pattern
from ssc_hrct.measure import calibrate
from ssc_hrct.measure.features import features
from ssc_hrct.phantom import Renderer
from tests.measure.chests import GLASS, chest, found
from training import corpus
from training.cases import NO_LABEL, Made, Recipe

RECIPE = Recipe("phantom", 71, Renderer.CELLS, 20.0)


@pytest.fixture(scope="module")
def made() -> Made:
    labels = chest(GLASS).truth_patterns.labels.copy()
    upper = labels[80:]
    upper[upper > 0] += NO_LABEL
    return Made(chest(GLASS).volume, found(GLASS), labels)


@pytest.fixture(scope="module")
def case(made: Made, tmp_path_factory: pytest.TempPathFactory) -> corpus.Case:
    file = tmp_path_factory.mktemp("cases") / "phantom_cells_71_20.npz"
    corpus._write(file, RECIPE, made)
    assert [f.name for f in file.parent.iterdir()] == [file.name], "nothing is left beside it"
    return corpus.read(file)


def test_what_is_seen_is_read_back_as_it_was(made: Made, case: corpus.Case):
    stats = calibrate(made.volume, made.lungs)
    seen = features(made.volume, made.lungs, stats)
    assert (case.source, case.renderer, case.number, case.whole) == ("phantom", "cells", 71, False)
    assert case.stats == stats
    assert np.array_equal(case.seen.values, seen.values)
    assert np.array_equal(case.seen.near, seen.near)
    assert np.abs(case.weight - seen.share[seen.near]).max() < 0.001


def test_the_truth_of_the_points_is_that_of_the_voxels(made: Made, case: corpus.Case):
    told = made.labels[(made.labels > 0) & (made.labels < NO_LABEL)]
    assert case.ild_percent == pytest.approx(100 * (told >= Pattern.GROUND_GLASS).mean())
    assert case.fibrosis_percent == pytest.approx(100 * (told >= Pattern.RETICULATION).mean())
    weight = np.where(case.labelled, case.weight, 0)
    by_points = 100 * (weight * case.truth[:, Pattern.GROUND_GLASS :].sum(axis=1)).sum() / weight.sum()
    assert by_points == pytest.approx(case.ild_percent, abs=0.5)
    assert 0.5 < case.labelled.mean() < 0.95, "the upper slices carry no label"


def test_a_file_of_other_features_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Made):
    file = tmp_path / "one.npz"
    corpus._write(file, RECIPE, made)
    monkeypatch.setattr(corpus, "NAMES", ("other",))
    with pytest.raises(ValueError, match="other features"):
        corpus.read(file)
