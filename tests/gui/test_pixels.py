"""Colours from HU and labels."""

import numpy as np
import pytest

from ssc_hrct.core.lungs import Region
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.volume import HIGHEST_HU, LOWEST_HU, PADDING_HU
from ssc_hrct.gui import pixels

LUNG = pixels.Window(1500, -600)
PAINT = pixels.Paint(0.35, {int(Pattern.GROUND_GLASS): (86, 180, 233), pixels.OUTLINE: (240, 228, 66)}, (91, 168, 255))


def _drawn(lut, hu, labels=None):
    plane = np.atleast_2d(np.asarray(hu, dtype=np.int16))
    out = np.zeros(plane.shape, dtype=np.uint32)
    pixels.fill(lut, plane, None if labels is None else np.atleast_2d(np.asarray(labels, dtype=np.uint8)), out)
    return [(int(v) >> 16 & 255, int(v) >> 8 & 255, int(v) & 255) for v in out[0]]


def test_lung_window_runs_from_black_to_white_over_its_width():
    black, middle, white = _drawn(pixels.table(LUNG, None), [-1350, -600, 150])
    assert black == (0, 0, 0)
    assert white == (255, 255, 255)
    assert abs(middle[0] - 128) <= 1
    assert middle[0] == middle[1] == middle[2]


@pytest.mark.parametrize("window", [LUNG, pixels.Window(4096, -1000), pixels.Window(2, -1024)])
def test_padding_is_black_in_every_window_and_under_every_label(window):
    lut = pixels.table(window, PAINT)
    for label in range(pixels.LABELS):
        assert _drawn(lut, [PADDING_HU], [label]) == [(0, 0, 0)]


def test_the_lowest_measured_value_is_not_taken_for_padding():
    assert _drawn(pixels.table(pixels.Window(2000, -1024), None), [LOWEST_HU])[0][0] > 100


def test_values_beyond_the_range_are_clipped_and_stay_inside_their_label():
    lut = pixels.table(LUNG, PAINT)
    assert _drawn(lut, [32767], [0]) == _drawn(lut, [HIGHEST_HU], [0])


def test_fill_mixes_by_opacity_and_leaves_what_has_no_colour():
    lut = pixels.table(LUNG, PAINT)
    grey = _drawn(pixels.table(LUNG, None), [-600])[0]
    mixed = _drawn(lut, [-600, -600], [Pattern.GROUND_GLASS, Pattern.NORMAL])
    assert mixed[1] == grey
    for part, colour, shade in zip(mixed[0], PAINT.colours[Pattern.GROUND_GLASS], grey, strict=True):
        assert abs(part - (0.65 * shade + 0.35 * colour)) <= 1


def test_a_tinted_zone_keeps_its_pattern_visible():
    lut = pixels.table(LUNG, PAINT)
    plain, tinted = _drawn(lut, [-600, -600], [Pattern.GROUND_GLASS, Pattern.GROUND_GLASS + pixels.TINTED])
    assert plain != tinted
    assert tinted[2] > plain[2] or tinted[0] < plain[0]


def test_outline_lies_on_the_edge_of_the_lungs_and_airways_are_marked():
    regions = np.zeros((7, 7), dtype=np.uint8)
    regions[1:6, 1:6] = Region.LEFT_LUNG
    regions[3, 3] = Region.AIRWAYS
    patterns = np.where(regions == Region.LEFT_LUNG, np.uint8(Pattern.GROUND_GLASS), np.uint8(0))
    plane = pixels.labels(patterns, regions, None, 0)
    assert plane[1, 1] == plane[3, 1] == pixels.OUTLINE
    assert plane[3, 3] == pixels.AIRWAY
    assert plane[0, 0] == 0
    assert plane[2, 2] == Pattern.GROUND_GLASS


def test_only_the_zone_pointed_at_is_tinted():
    regions = np.full((3, 4), Region.LEFT_LUNG, dtype=np.uint8)
    zones = np.repeat(np.array([[4, 4, 5, 5]], dtype=np.uint8), 3, axis=0)
    plane = pixels.labels(np.ones((3, 4), dtype=np.uint8), regions, zones, 5)
    assert (plane >= pixels.TINTED).tolist() == (zones == 5).tolist()
