"""Six slices of one scan with what was found on them, as one PNG.

In: the volume, its lungs and patterns, and the colours. Out: bytes of a PNG: six axial slices, evenly by the
height of the lungs, head first, the patient's right on the left, lung window, patterns as a thin wash, the
lungs' outline as a line; with a legend, or as a montage for a page that explains the colours itself. No
identifier is on it: heights in mm, pattern names, R and L.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ssc_hrct.core.extents import Extents
from ssc_hrct.core.intervals import Interval
from ssc_hrct.core.lungs import Lungs
from ssc_hrct.core.numbers import rounded
from ssc_hrct.core.patterns import Pattern, Patterns
from ssc_hrct.core.volume import Volume

SLICES = 6
_COLUMNS = 3
_TILE_PX = 440
"""Longest side of one slice: six make a picture that fits a page and a screen."""
_NARROWEST_PX = 1000
"""The legend's text fits."""
_MARGIN_MM = 12.0
_WINDOW_LOW_HU, _WINDOW_WIDE_HU = -1350.0, 1500.0
"""The lung window 1500/-600."""
_WASH = 0.35
_TEXT, _GROUND = (230, 233, 236), (0, 0, 0)
_LINE_PX, _TEXT_PX, _GAP_PX, _HALO_PX = 26, 15, 4, 2

Colour = tuple[int, int, int]
Image8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Colours:
    """Red, green, blue (0 to 255) of each pattern that is drawn, and of the lungs' outline."""

    patterns: Mapping[Pattern, Colour]
    lungs: Colour


def read_colours(names: Mapping[str, str]) -> Colours:
    """From #RRGGBB by the patterns' words and `lungs`."""
    return Colours({p: rgb_of(names[p.word]) for p in Pattern if p.word in names}, rgb_of(names["lungs"]))


def rgb_of(text: str) -> Colour:
    """#RRGGBB as three numbers."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def overlay_slices(lungs: Lungs) -> tuple[int, ...]:
    """Indices of six slices, head first: the middles of six equal parts of the lungs' height. Empty without lung."""
    heights = np.flatnonzero(lungs.mask().any(axis=(1, 2)))
    if heights.size == 0:
        return ()
    low, high = int(heights[0]), int(heights[-1])
    parts = (np.arange(SLICES)[::-1] + 0.5) / SLICES
    return tuple(int(z) for z in np.floor(low + parts * (high - low + 1)))


def overlay_png(
    volume: Volume, lungs: Lungs, patterns: Patterns, extents: Extents, colours: Colours,
    interval: Interval | None = None,
) -> bytes:
    """The picture. extents, interval: for the percents in the legend; interval is that of the ILD extent."""
    return _sheet(_tiles(volume, lungs, patterns, colours), _legend(extents, colours, interval))


def montage_png(volume: Volume, lungs: Lungs, patterns: Patterns, colours: Colours) -> bytes:
    """The six slices alone."""
    return _sheet(_tiles(volume, lungs, patterns, colours), ())


def _tiles(volume: Volume, lungs: Lungs, patterns: Patterns, colours: Colours) -> list[Image.Image]:
    mask = lungs.mask()
    rows, columns = _box(mask, volume.grid.spacing_mm[1:])
    tiles = []
    for z in overlay_slices(lungs):
        pixels = _painted(volume.hu[z, rows, columns], mask[z, rows, columns],
                          patterns.labels.labels[z, rows, columns], colours)
        tiles.append(_tile(pixels, volume.grid.spacing_mm[1:], f"{volume.grid.height_mm(z):.1f} mm"))
    return tiles


def _box(mask: NDArray[np.bool_], spacing_mm: tuple[float, float]) -> tuple[slice, slice]:
    """Rows and columns that hold the lungs with a margin."""
    box = []
    for axis, step_mm in ((1, spacing_mm[0]), (2, spacing_mm[1])):
        used = np.flatnonzero(mask.any(axis=(0, 3 - axis)))
        margin = round(_MARGIN_MM / step_mm)
        first, last = (int(used[0]), int(used[-1])) if used.size else (0, mask.shape[axis] - 1)
        box.append(slice(max(0, first - margin), min(mask.shape[axis], last + 1 + margin)))
    return box[0], box[1]


def _painted(hu: NDArray[np.int16], lung: NDArray[np.bool_], labels: Image8, colours: Colours) -> Image8:
    """One slice as RGB [y, x, 3]: grey by the window, patterns washed over it, the outline on top."""
    grey = np.clip((hu.astype(np.float32) - _WINDOW_LOW_HU) / _WINDOW_WIDE_HU, 0, 1) * 255
    rgb = np.repeat(grey[:, :, None], 3, axis=2)
    for pattern, colour in colours.patterns.items():
        here = lung & (labels == pattern)
        rgb[here] = (1 - _WASH) * rgb[here] + _WASH * np.asarray(colour, dtype=np.float32)
    rgb[_edge(lung)] = colours.lungs
    return np.round(rgb).astype(np.uint8)


def _edge(lung: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels of lung with a neighbour (of four) that is none."""
    padded = np.pad(lung, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return lung & ~inner


def _tile(pixels: Image8, spacing_mm: tuple[float, float], height: str) -> Image.Image:
    """A slice with square pixels, its marks of side and its height; text has a dark halo to be read on bone."""
    tall, wide = pixels.shape[0] * spacing_mm[0], pixels.shape[1] * spacing_mm[1]
    scale = _TILE_PX / max(tall, wide)
    size = max(1, round(wide * scale)), max(1, round(tall * scale))
    tile = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR)
    draw, font = ImageDraw.Draw(tile), ImageFont.load_default(_TEXT_PX)
    edge = 6
    for place, text, anchor in (((edge, size[1] // 2), "R", "lm"), ((size[0] - edge, size[1] // 2), "L", "rm"),
                                ((edge, edge), height, "la")):
        draw.text(place, text, _TEXT, font, anchor=anchor, stroke_width=_HALO_PX, stroke_fill=_GROUND)
    return tile


def _sheet(tiles: list[Image.Image], legend: Sequence[list[Entry]]) -> bytes:
    """The tiles in lines, and below them the lines of the legend, if any."""
    wide, tall = tiles[0].size if tiles else (_TILE_PX, 0)
    lines = -(-len(tiles) // _COLUMNS)
    below = lines * (tall + _GAP_PX)
    across = _COLUMNS * (wide + _GAP_PX)
    size = (max(across, _NARROWEST_PX) if legend else across, below + _LINE_PX * len(legend))
    sheet = Image.new("RGB", size, _GROUND)
    for place, tile in enumerate(tiles):
        sheet.paste(tile, (place % _COLUMNS * (wide + _GAP_PX), place // _COLUMNS * (tall + _GAP_PX)))
    draw, middle = ImageDraw.Draw(sheet), below + _LINE_PX // 2
    for number, entries in enumerate(legend):
        _write_entries(draw, middle + number * _LINE_PX, entries)
    stream = io.BytesIO()
    sheet.save(stream, format="PNG", optimize=True)
    return stream.getvalue()


Entry = tuple[str, Colour | None]
"""Words of the legend, and the colour that they explain."""


def _legend(extents: Extents, colours: Colours, interval: Interval | None = None) -> tuple[list[Entry], list[Entry]]:
    """Two lines: the sum that is graded and each pattern with its percent of the lung; doubt, outline, and what for."""
    shares: list[Entry] = [(f"ILD {extents.ild_percent} %", None)]
    shares += [(f"{p.word.replace('_', ' ')} {extents.percent((p,))} %", c) for p, c in colours.patterns.items()]
    rest: list[Entry] = [("yellow: lung outline", colours.lungs), ("research use", None)]
    if interval is not None:
        low, high = (rounded(end, 2) for end in (interval.low_percent, interval.high_percent))
        rest.insert(0, (f"90 % interval of ILD: {low} to {high} %", None))
    return shares, rest


def _write_entries(draw: ImageDraw.ImageDraw, y: int, entries: list[Entry]) -> int:
    """One line of the legend; returns where it ends, in pixels from the left."""
    font, x, box, end = ImageFont.load_default(_TEXT_PX), 10, 12, 0
    for text, colour in entries:
        if colour is not None:
            draw.rectangle((x, y - box // 2, x + box, y + box // 2), fill=colour)
            x += box + 6
        draw.text((x, y), text, _TEXT, font, anchor="lm")
        end = x + round(draw.textlength(text, font))
        x = end + 16
    return end
