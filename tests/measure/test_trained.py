"""The trained engine: what ships is whole, calls territory where disease is, and knows what it never saw."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from ssc_hrct.app import assets
from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.patterns import Pattern, Patterns
from ssc_hrct.measure import TrainedEngine, calibrate, find_lungs, pattern_model, shapes, threads
from ssc_hrct.measure.features import NAMES
from ssc_hrct.measure.second_look import NAMES as SECOND_NAMES
from ssc_hrct.measure.second_look import RISING, second_look
from ssc_hrct.measure.trained import decide, odds
from ssc_hrct.phantom import DiseaseSpec, Renderer
from tests.measure.chests import CLEAR, GLASS, chest, dice, ild_percent, like, measured
from tests.measure.test_features import seen

NETS = replace(CLEAR, disease=DiseaseSpec(15.0, ground_glass=0.0, reticulation=1.0), renderer=Renderer.SHEETS)


def engine() -> TrainedEngine:
    protocol = assets.default_protocol()
    return TrainedEngine(assets.models().patterns, protocol.smallest_island_ml, protocol.largest_gap_ml)


@cache
def said(spec=CLEAR) -> Patterns:
    known = measured(spec)
    return engine().classify(known.volume, known.lungs, known.stats)


def test_each_voxel_of_lung_has_one_pattern_and_none_lies_outside():
    labels, lung = said(GLASS).labels.labels, measured(GLASS).lungs.mask()
    assert (labels[lung] > 0).all()
    assert not labels[~lung].any()


def test_clear_lungs_are_clear():
    assert ild_percent(said().labels.labels) < 1.0


@pytest.mark.parametrize("spec", [GLASS, NETS], ids=["glass", "nets"])
def test_territory_lies_where_disease_was_written(spec):
    ill = np.isin(said(spec).labels.labels, (Pattern.GROUND_GLASS, Pattern.RETICULATION, Pattern.HONEYCOMBING))
    true = np.isin(chest(spec).truth_patterns.labels, (Pattern.GROUND_GLASS, Pattern.RETICULATION))
    assert dice(ill, true) > 0.75


def test_nets_are_called_fibrosis_and_smooth_haze_is_not():
    glass, nets = (np.bincount(said(s).labels.labels.ravel(), minlength=7) for s in (GLASS, NETS))
    assert glass[Pattern.GROUND_GLASS] > 4 * glass[Pattern.RETICULATION]
    assert nets[Pattern.RETICULATION] > 2 * nets[Pattern.GROUND_GLASS]


def test_the_same_scan_gives_the_same_bytes_twice():
    known = measured(GLASS)
    again = engine().classify(known.volume, known.lungs, known.stats)
    assert again.labels.labels.tobytes() == said(GLASS).labels.labels.tobytes()
    assert again.doubt == said(GLASS).doubt


def test_more_density_is_never_less_abnormal_at_first_look():
    rows, model = seen(GLASS), assets.models().patterns
    denser = rows.values.copy()
    for name in ("raised60_8", "raised90_5", "raised90_8", "mean_8", "all_8", "strands_8", "least_5", "part_8"):
        denser[:, NAMES.index(name)] *= 1.2
    before, after = (model.abnormal.probability(np.clip(v, model.low, model.high)) for v in (rows.values, denser))
    assert (after >= before - 1e-6).all()
    assert after.sum() > before.sum()
    assert odds(replace(rows, values=denser), model).abnormal.sum() > odds(rows, model).abnormal.sum()


def test_what_was_said_and_density_never_make_a_place_less_abnormal_at_second_look():
    """What lies around is the same: the second look asks where a step is, and what is denser all around is none."""
    rows, model = seen(GLASS), assets.models().patterns
    clipped = np.clip(rows.values, model.low, model.high)
    again = second_look(replace(rows, values=clipped), model.abnormal.probability(clipped)).values
    before = model.second.probability(again)
    for name in RISING:
        raised = again.copy()
        raised[:, SECOND_NAMES.index(name)] += np.float32(0.3 * again[:, SECOND_NAMES.index(name)].std())
        assert (model.second.probability(raised) >= before - 1e-6).all(), name


def test_a_ball_is_abnormal_to_its_border_however_dense():
    """From faint haze to soft tissue, vessels' density on the way. The border may move a little with density."""
    known = measured()
    z, y, x = np.ogrid[: known.volume.grid.shape[0], : known.volume.grid.shape[1], : known.volume.grid.shape[2]]
    middle = np.argwhere(known.lungs.mask())[:: 997]
    deep = max(middle, key=lambda p: known.lungs.mask()[p[0] - 6 : p[0] + 7, p[1] - 10 : p[1] + 11,
                                                        p[2] - 10 : p[2] + 11].mean())
    away = sum(((axis - at) * d) ** 2 for axis, at, d in zip((z, y, x), deep, known.volume.grid.spacing_mm,
                                                            strict=True))
    ball = (away < 15.0**2) & known.lungs.mask()
    core = (away < 7.0**2) & ball
    called, inmost = [], []
    for over in (0, 100, 150, 250, 350, 450, 550, 650, 750):
        hu = known.volume.hu.astype(int)
        hu[ball] = np.minimum(hu[ball] + over, 60)
        labels = engine().classify(like(known.volume, hu), known.lungs, known.stats).labels.labels
        called.append(float((labels[ball] > Pattern.NORMAL).mean()))
        inmost.append(float((labels[core] > Pattern.NORMAL).mean()))
    assert called[0] < 0.1
    assert min(called[2:]) > 0.85, called
    assert all(later >= earlier - 0.08 for earlier, later in pairwise(called)), called
    assert min(inmost[2:]) > 0.95, inmost


def test_what_was_never_learned_is_counted_and_cut_to_what_was():
    rows, model = seen(), assets.models().patterns
    strange = rows.values.copy()
    strange[:, NAMES.index("mean_8")] = 5000.0
    told = odds(replace(rows, values=strange), model)
    assert told.out_of_range.all()
    decided = decide(replace(rows, values=strange), told, model.limits, smallest_island_ml=0.1, largest_gap_ml=0.3)
    assert decided.doubt.out_of_range_percent == pytest.approx(100)
    assert said().doubt is not None
    assert said().doubt.out_of_range_percent < 5.0, "a plain chest is what was learned from"


def test_what_it_is_cannot_move_where_it_is():
    """Consolidation leaves the ILD extent, but not the territory."""
    rows, model = seen(GLASS), assets.models().patterns
    first = odds(rows, model)
    zero, one = np.zeros_like(first.abnormal), np.ones_like(first.abnormal)
    territories = []
    for net, comb, dense in ((zero, zero, zero), (one, zero, zero), (one, one, zero), (zero, zero, one)):
        said_of = replace(first, fibrosis=net, honeycombing=comb, consolidation=dense)
        kinds = decide(rows, said_of, model.limits, smallest_island_ml=0.1, largest_gap_ml=0.3).patterns
        territories.append((kinds >= Pattern.GROUND_GLASS) & (kinds <= Pattern.CONSOLIDATION))
    assert territories[0].any()
    assert all((other == territories[0]).all() for other in territories[1:])


def test_the_strongest_pattern_stands_as_a_reader_would_name_it():
    """Honeycombing before reticulation, that before consolidation, that before ground glass."""
    rows, model = seen(GLASS), assets.models().patterns
    first = odds(rows, model)
    zero, one = np.zeros_like(first.abnormal), np.ones_like(first.abnormal)
    for net, comb, dense, named in (
        (zero, zero, zero, Pattern.GROUND_GLASS), (zero, one, one, Pattern.CONSOLIDATION),
        (one, zero, one, Pattern.RETICULATION), (one, one, one, Pattern.HONEYCOMBING),
    ):
        said_of = replace(first, fibrosis=net, honeycombing=comb, consolidation=dense)
        kinds = decide(rows, said_of, model.limits, smallest_island_ml=0.1, largest_gap_ml=0.3).patterns
        ill = (kinds >= Pattern.GROUND_GLASS) & (kinds <= Pattern.CONSOLIDATION)
        assert set(np.unique(kinds[ill])) == {named}


def test_islands_fall_and_gaps_fill_by_the_protocol():
    rows, model = seen(), assets.models().patterns
    everywhere = odds(rows, model)
    zero = np.zeros_like(everywhere.abnormal)
    one = zero.copy()
    one[len(one) // 2] = 0.99
    for p, expected in ((one, Pattern.NORMAL), (1 - one, Pattern.GROUND_GLASS)):
        decided = decide(rows, replace(everywhere, abnormal=p, fibrosis=zero, honeycombing=zero, consolidation=zero),
                         model.limits, smallest_island_ml=0.1, largest_gap_ml=0.3)
        kinds = decided.patterns[rows.near]
        assert kinds[len(one) // 2] == expected, "the one point goes with what surrounds it"
        assert (kinds == expected).mean() > 0.999


@pytest.mark.parametrize("harm", ["cut", "changed", "features", "not json"])
def test_a_damaged_model_is_a_plain_message(harm):
    whole = assets.read("models", "patterns.json")
    content = json.loads(whole)
    if harm == "cut":
        data = whole[:-100]
    elif harm == "not json":
        data = b"\x00\x01"
    else:
        if harm == "features":
            content["features"] = content["features"][1:]
        else:
            content["abnormal"]["leaves"][0][0] += 1.0
        data = json.dumps(content).encode()
    with pytest.raises(HrctError, match="cannot be used"):
        pattern_model(data)


@pytest.mark.parametrize("count", [1, 3])
def test_from_volume_to_labels_the_bytes_are_the_same_on_any_number_of_threads(count, monkeypatch):
    for module in (threads, shapes):
        monkeypatch.setattr(module, "THREADS", count)
    volume = chest(GLASS).volume
    lungs = find_lungs(volume)
    assert lungs.regions.labels.tobytes() == measured(GLASS).lungs.regions.labels.tobytes()
    stats = calibrate(volume, lungs)
    assert stats == measured(GLASS).stats
    assert engine().classify(volume, lungs, stats).labels.labels.tobytes() == said(GLASS).labels.labels.tobytes()
