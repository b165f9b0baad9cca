"""The picture of six slices: where they lie, which way round, in which colours, and nothing else on it."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ssc_hrct.app import assets
from ssc_hrct.core.extents import Extents
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.intervals import Interval
from ssc_hrct.core.lungs import REGION_NAMES, Lungs, Region
from ssc_hrct.core.patterns import PATTERN_NAMES, Pattern, Patterns
from ssc_hrct.core.volume import LabelMap, Volume
from ssc_hrct.export import overlay
from ssc_hrct.export.overlay import SLICES, overlay_png, overlay_slices, read_colours
from tests.made_up import acquisition, extents

SHAPE = (60, 80, 120)
COLOURS = read_colours(json.loads(assets.read("theme", "patterns.json")))


def a_chest(spacing_mm: tuple[float, float, float] = (2.0, 1.0, 1.0)) -> tuple[Volume, Lungs, Patterns, Extents]:
    """Two boxes of lung from slice 12 to 53; honeycombing fills the front half of the right one."""
    grid = Grid(SHAPE, spacing_mm)
    hu = np.full(SHAPE, 40, dtype=np.int16)
    regions = np.zeros(SHAPE, dtype=np.uint8)
    regions[12:54, 20:60, 20:50] = Region.RIGHT_LUNG
    regions[12:54, 20:60, 70:100] = Region.LEFT_LUNG
    lung = regions > 0
    hu[lung] = -850
    patterns = np.where(lung, np.uint8(Pattern.NORMAL), np.uint8(0)).astype(np.uint8)
    patterns[12:54, 20:40, 20:50] = Pattern.HONEYCOMBING
    nothing = np.zeros(SHAPE, dtype=np.uint8)
    lungs = Lungs(LabelMap(regions, grid, REGION_NAMES), nothing.copy(), nothing.copy())
    return (Volume(hu, grid, acquisition()), lungs, Patterns(LabelMap(patterns, grid, PATTERN_NAMES)),
            extents({(1, Pattern.HONEYCOMBING): 600}))


def picture(volume: Volume, lungs: Lungs, patterns: Patterns, counted: Extents) -> NDArray[np.uint8]:
    image = Image.open(io.BytesIO(overlay_png(volume, lungs, patterns, counted, COLOURS)))
    assert image.format == "PNG"
    assert image.info == {}, "no text is stored in it"
    return np.asarray(image)


def washed(colour: tuple[int, int, int], grey: float) -> NDArray[np.float64]:
    return np.round(0.65 * grey + 0.35 * np.asarray(colour))


def test_six_slices_stand_evenly_by_the_height_of_the_lungs_head_first() -> None:
    assert overlay_slices(a_chest()[1]) == (50, 43, 36, 29, 22, 15)


def test_lungs_of_fewer_slices_than_six_are_still_drawn() -> None:
    _, lungs, *_ = a_chest()
    few = np.array(lungs.regions.labels)
    few[14:] = 0
    thin = Lungs(LabelMap(few, lungs.grid, REGION_NAMES), lungs.zones, lungs.rings)
    assert len(overlay_slices(thin)) == SLICES
    assert set(overlay_slices(thin)) == {12, 13}


def test_patterns_are_drawn_in_their_colours_on_the_patients_right_at_the_left_of_the_picture() -> None:
    """The lungs' box is 104 x 64 pixels with its margin: a tile of 440 x 271."""
    tile = picture(*a_chest())[:271, :440].astype(float)
    grey = 255 * (-850 + 1350) / 1500
    found = np.abs(tile - washed(COLOURS.patterns[Pattern.HONEYCOMBING], grey)).max(axis=2) <= 2
    rows, columns = np.nonzero(found)
    assert found.sum() > 5000
    assert columns.max() < 220, "right lung, left half"
    assert rows.max() < 140, "front half, up"
    outline = np.abs(tile - np.asarray(COLOURS.lungs)).max(axis=2) <= 60
    assert outline.sum() > 500


def test_pixels_that_are_not_square_are_drawn_in_their_true_shape() -> None:
    """The lungs' box with its margin is 104 mm wide and 64 mm high; 104 mm with rows twice as far apart."""
    flat, tall = (picture(*a_chest((2.0, step, 1.0))) for step in (1.0, 2.0))
    rows = [(len(sheet) - 52) / 2 - 4 for sheet in (flat, tall)]
    assert rows == [pytest.approx(440 * 64 / 104, abs=1), pytest.approx(440, abs=8)]


def test_the_legend_has_every_pattern() -> None:
    legend = picture(*a_chest())[-52:].reshape(-1, 3)
    for pattern, colour in COLOURS.patterns.items():
        assert (legend == colour).all(axis=1).sum() > 50, pattern


@pytest.mark.parametrize("pattern", [p for p in Pattern if p not in (Pattern.OUTSIDE, Pattern.NORMAL)])
def test_each_pattern_has_a_colour_of_its_own(pattern: Pattern) -> None:
    others = [c for p, c in COLOURS.patterns.items() if p is not pattern]
    assert COLOURS.patterns[pattern] not in others


def test_the_legend_explains_the_outline_and_says_what_the_picture_is_for() -> None:
    _, second = overlay._legend(extents(), COLOURS)
    assert second == [("yellow: lung outline", COLOURS.lungs), ("research use", None)]
    red, green, blue = COLOURS.lungs
    assert min(red, green) > 200 > 100 > blue, "yellow, as the legend says"
    drawn = picture(*a_chest())[-26:].reshape(-1, 3)
    assert (drawn == COLOURS.lungs).all(axis=1).sum() > 50
    assert (drawn.min(axis=1) > 150).sum() > 100, "words beside it"


def test_the_legend_tells_the_interval_of_the_sum_where_there_is_one() -> None:
    _, second = overlay._legend(extents(), COLOURS, Interval(0.125, 14.2))
    assert second[0] == ("90 % interval of ILD: 0.13 to 14.20 %", None)
    volume, lungs, patterns, counted = a_chest()
    with_it, without = (Image.open(io.BytesIO(overlay_png(volume, lungs, patterns, counted, COLOURS, interval)))
                        for interval in (Interval(0.125, 14.2), None))
    assert with_it.size == without.size
    assert np.any(np.asarray(with_it)[-26:] != np.asarray(without)[-26:])


def test_the_legend_fits_into_the_narrowest_picture_with_the_longest_percents() -> None:
    shares, rest = overlay._legend(extents(), COLOURS, Interval(10.0, 100.0))
    draw = ImageDraw.Draw(Image.new("RGB", (2000, 60)))
    words = [text.rsplit(" ", 2)[0] for text, _ in shares]
    most = [f"{word} {'100.00' if word == 'ILD' else '99.99'} %" for word in words]
    long = [(text, colour) for text, (_, colour) in zip(most, shares, strict=True)]
    for line in (long, rest):
        assert overlay._write_entries(draw, 20, line) <= overlay._NARROWEST_PX - 10
