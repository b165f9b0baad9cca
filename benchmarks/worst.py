"""Pictures of the worst of the stratified cases: what is true beside what was found.

    ./dev bench worst --data DIR                from the kept rows of `stratified`, into docs/img
    ./dev bench worst --out FOLDER --count 2

The slice with the most voxels on which truth and engine disagree, lung window; left the outline of the truth, right
that of the model that never saw the renderer and the scan (of the shipped one where there is none). Only made-up
chests and the two LIDC-IDRI scans are among these cases; their attribution stands beside the pictures in docs.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks import stratified
from benchmarks.common import cases, engines, report
from benchmarks.common.engines import HONEST, WORDS, Labels, Mask, ild
from benchmarks.common.keep import Row, kept, options, scans_or_say, shelf
from ssc_hrct import measure
from ssc_hrct.app.assets import default_protocol, models
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.volume import Volume
from ssc_hrct.measure.features import features
from training.sources import ROOT

WINDOW_LOW_HU, WINDOW_WIDE_HU = -1350.0, 1500.0
GREYS = 48
MARGIN_MM = 8.0
PIXEL_MM = 0.85
LARGEST_BYTES = 200_000
COLOURS = {
    Pattern.GROUND_GLASS: (88, 166, 255), Pattern.RETICULATION: (255, 176, 0), Pattern.HONEYCOMBING: (255, 82, 82),
}
"""Lines on grey that stay apart without red against green."""


def found_labels(case: engines.Case, model: measure.PatternModel) -> Labels:
    """What the whole pipeline says of a case, with this model."""
    protocol = default_protocol()
    lungs = measure.find_lungs(case.volume)
    seen = features(case.volume, lungs, measure.calibrate(case.volume, lungs))
    engine = measure.TrainedEngine(model, protocol.smallest_island_ml, protocol.largest_gap_ml)
    return np.asarray(engine.label(seen, case.volume.grid, lungs.regions.labels).labels.labels)


def diseased(labels: Labels) -> Mask:
    return np.asarray(np.isin(labels, default_protocol().ild_patterns))


def worst_slice(true: Labels, found: Labels) -> int:
    """The slice on which most voxels are disease for one and not for the other."""
    return int((diseased(true) ^ diseased(found)).sum(axis=(1, 2)).argmax())


def picture(volume: Volume, true: Labels, found: Labels, k: int) -> bytes:
    """PNG: slice k twice, the outlines of the truth on the left and of what was found on the right."""
    rows, columns = _box(true[k] > 0, volume.grid.spacing_mm[1:])
    grey = np.clip((volume.hu[k] - WINDOW_LOW_HU) / WINDOW_WIDE_HU, 0, 1)
    grey = np.round(grey * (GREYS - 1)) / (GREYS - 1)
    sides = [_drawn(grey[rows, columns], labels[k][rows, columns], volume.grid.spacing_mm[1:])
             for labels in (true, found)]
    gap = np.zeros((sides[0].shape[0], 6, 3), np.uint8)
    image = Image.fromarray(np.concatenate([sides[0], gap, sides[1]], axis=1))
    draw = ImageDraw.Draw(image)
    for x, word in ((4, "true"), (sides[0].shape[1] + 10, "found")):
        draw.text((x, 2), word, fill=(230, 233, 236), stroke_width=2, stroke_fill=(0, 0, 0))  # read on bone as well
    out = io.BytesIO()
    image.quantize(GREYS + 16, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def _box(mask: Mask, spacing_mm: tuple[float, float]) -> tuple[slice, slice]:
    out = []
    for axis, d in enumerate(spacing_mm):
        hit = np.flatnonzero(mask.any(axis=1 - axis))
        reach = round(MARGIN_MM / d)
        out.append(slice(max(0, int(hit[0]) - reach), int(hit[-1]) + 1 + reach) if hit.size else slice(None))
    return out[0], out[1]


def _drawn(grey: NDArray[np.float64], labels: Labels, spacing_mm: tuple[float, float]) -> NDArray[np.uint8]:
    """One side in colour, its pixels of PIXEL_MM; lines are drawn at that size, one pixel wide."""
    rows, columns = (
        np.minimum(((np.arange(round(n * d / PIXEL_MM)) + 0.5) * PIXEL_MM / d).astype(int), n - 1)
        for n, d in zip(grey.shape, spacing_mm, strict=True)
    )
    image = np.repeat((255 * grey[rows][:, columns]).astype(np.uint8)[:, :, None], 3, axis=2)
    small = labels[rows][:, columns]
    for pattern, colour in COLOURS.items():
        image[_edge(small, pattern)] = colour
    return image


def _edge(labels: Labels, pattern: Pattern) -> Mask:
    """Pixels of a pattern that touch another label."""
    padded = np.pad(labels, 1, mode="edge")
    edge = np.zeros(labels.shape, np.bool_)
    for moved in (padded[2:, 1:-1], padded[:-2, 1:-1], padded[1:-1, 2:], padded[1:-1, :-2]):
        edge |= moved != labels
    return np.asarray(edge & (labels == pattern))


def draw(plan: cases.Plan, row: Row, data: str | None, file: Path) -> str:
    """Write the picture of a case. Returns the line of Markdown that shows it."""
    case = cases.whole(plan, data)
    name = report.headline(row)
    learned = engines.held_out(plan.fold) if name == HONEST else None
    found = found_labels(case, (learned or models()).patterns)
    k = worst_slice(case.labels, found)
    data_of = picture(case.volume, case.labels, found, k)
    if len(data_of) > LARGEST_BYTES:
        raise ValueError(f"{file.name} would have {len(data_of)} bytes")
    file.write_bytes(data_of)
    true, said = ild(row["engines"][name])
    return (f"![{plan.source}, renderer {plan.renderer}, seed {plan.seed}](img/{file.name})\n\n"
            f"*{plan.source}, renderer {plan.renderer}, seed {plan.seed}: true {true:.1f} percent, found {said:.1f} "
            f"({WORDS[name]}); slice {k + 1} of {len(case.labels)}.*\n")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = options(__doc__ or "")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "img", help="folder of the pictures")
    parser.add_argument("--count", type=int, default=report.WORST)
    args = parser.parse_args(arguments)
    data = scans_or_say(args.data)
    place = None if data is None else str(data)
    rows = kept(shelf(stratified.NAME), stratified.works(place))
    if not rows:
        print("No rows are kept: run `./dev bench stratified` first.", file=sys.stderr)
        return 0
    plans = {plan.name: plan for plan in cases.stratified(data is not None)}
    args.out.mkdir(parents=True, exist_ok=True)
    for number, row in enumerate(report.worst(rows, args.count), 1):
        print(draw(plans[row["name"]], row, place, args.out / f"worst-{number}.png"), flush=True)
    print("Blue: ground glass; orange: reticulation; red: honeycombing.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
