"""The cases that the model learns from and is judged on: which they are, and each one made from its seed.

In: real scans read as free of ILD, and seeds. Out: a `Made` case: a volume, its lungs and the truth per voxel. Real
lungs are warped, mirrored, resized, made thicker, noisier, softer, sharper or less inflated; disease of two renderers
is written into them and into made-up chests. Where a real scan has an abnormality of its own (training/ignore.json)
no label stands.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ssc_hrct import dicom, measure, phantom, quality
from ssc_hrct.app.assets import default_protocol
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.lungs import Lungs, both_lungs
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.volume import LabelMap, Volume

IGNORE = Path(__file__).with_name("ignore.json")
NO_LABEL = 16
"""Added to `Pattern` where a voxel carries no label."""
STRATA = ((0.5, 5.0), (5.0, 10.0), (10.0, 20.0), (20.0, 40.0))
"""Truth in percent: the grades, the last cut at 40."""
MARGIN_MM = 20.0
USUAL_FWHM_MM = 1.3


@dataclass(frozen=True, slots=True)
class Recipe:
    """One case to be. source: a real scan's name or "phantom"; renderer: None for lungs left clear. whole: the lungs
    are found anew in the diseased chest, so that their outline errs as it does in use; else they are known."""

    source: str
    seed: int
    renderer: phantom.Renderer | None
    extent_percent: float
    whole: bool = False

    @property
    def name(self) -> str:
        return f"{self.source}_{self.renderer or 'clear'}_{self.seed}{'_whole' if self.whole else ''}"


@dataclass(frozen=True, slots=True)
class Scan:
    """A real scan cut to its lungs. no_label: bool [z, y, x]. fwhm_mm: its own sharpness in plane, as measured."""

    name: str
    volume: Volume
    lungs: Lungs
    no_label: NDArray[np.bool_]
    fwhm_mm: float


@dataclass(frozen=True, slots=True)
class Made:
    """labels: uint8 [z, y, x], `Pattern`, NO_LABEL more where no label stands."""

    volume: Volume
    lungs: Lungs
    labels: NDArray[np.uint8]


def recipes(seed: int, scans: tuple[str, ...], *, diseased: int, clear: int) -> list[Recipe]:
    """`diseased` cases for each source and renderer, spread evenly over STRATA, and `clear` ones for each source."""
    found: list[Recipe] = []
    for source in (*scans, "phantom"):
        for renderer in phantom.Renderer:
            for i in range(diseased):
                number = _number(seed, source, str(renderer), i)
                low, high = STRATA[i % len(STRATA)]
                extent = float(np.random.default_rng(number).uniform(low, high))
                found.append(Recipe(source, number, renderer, round(extent, 2)))
        found += [Recipe(source, _number(seed, source, "clear", i), None, 0.0) for i in range(clear)]
    return found


def _number(*parts: object) -> int:
    """A seed of its own for each case, the same on every machine."""
    return int(hashlib.sha256(repr(parts).encode()).hexdigest()[:7], 16)


def read_scan(folder: Path, *, check: bool = True, whole: bool = False) -> Scan:
    """A real scan with its lungs, cut to them unless whole. Raises ValueError where it is not the scan that
    ignore.json was drawn on."""
    protocol = default_protocol()
    (choice,) = dicom.choose(dicom.find([folder]).series, lambda facts: quality.check_header(facts, protocol))
    volume = dicom.load(choice.scan)
    told = json.loads(IGNORE.read_text(encoding="utf-8"))
    known = told["scans"][folder.name]
    if check and hu_sha256(volume) != known["hu_sha256"]:
        raise ValueError(f"{folder.name} is not the scan that training/ignore.json belongs to")
    lungs = measure.find_lungs(volume)
    boxes = [box["lps_mm"] for box in known["boxes"]]
    no_label = _inside(volume.grid, boxes, float(told["grow_mm"]))
    fwhm_mm = measure.calibrate(volume, lungs).fwhm_mm or USUAL_FWHM_MM
    scan = Scan(folder.name, volume, lungs, no_label, fwhm_mm)
    return scan if whole else _cut(scan)


def hu_sha256(volume: Volume) -> str:
    return hashlib.sha256(np.ascontiguousarray(volume.hu, "<i2").tobytes()).hexdigest()


def _inside(grid: Grid, boxes: list[list[float]], grow_mm: float) -> NDArray[np.bool_]:
    x0, y0, z0 = grid.origin_mm
    z, y, x = (np.arange(n) * d + o for n, d, o in zip(grid.shape, grid.spacing_mm, (z0, y0, x0), strict=True))
    out = np.zeros(grid.shape, np.bool_)
    for box in boxes:
        (xa, xb), (ya, yb), (za, zb) = ((box[i] - grow_mm, box[i + 1] + grow_mm) for i in (0, 2, 4))
        out[np.ix_((z >= za) & (z <= zb), (y >= ya) & (y <= yb), (x >= xa) & (x <= xb))] = True
    return out


def _cut(scan: Scan) -> Scan:
    """The lungs' box and a margin: nothing that is measured lies further out."""
    lung = scan.lungs.mask()
    box = []
    for axis, d in enumerate(scan.volume.grid.spacing_mm):
        hit = np.flatnonzero(lung.any(axis=tuple(a for a in range(3) if a != axis)))
        reach = round(MARGIN_MM / d)
        box.append(slice(max(0, int(hit[0]) - reach), int(hit[-1]) + 1 + reach))
    part = (box[0], box[1], box[2])
    hu = np.ascontiguousarray(scan.volume.hu[part])
    origin = scan.volume.grid.to_lps_mm((float(part[0].start), float(part[1].start), float(part[2].start)))
    shape = (hu.shape[0], hu.shape[1], hu.shape[2])
    grid = Grid(shape, scan.volume.grid.spacing_mm, tuple(float(v) for v in origin))  # type: ignore[arg-type]
    regions, zones, rings = (
        np.ascontiguousarray(a[part]) for a in (scan.lungs.regions.labels, scan.lungs.zones, scan.lungs.rings)
    )
    lungs = Lungs(LabelMap(regions, grid, scan.lungs.regions.names), zones, rings)
    return replace(
        scan, volume=Volume(hu, grid, scan.volume.acquisition), lungs=lungs, no_label=scan.no_label[part]
    )


def make(recipe: Recipe, scans: Mapping[str, Scan]) -> Made:
    """The case of a recipe, with the lungs that are known. The same recipe gives the same bytes."""
    if recipe.source == "phantom":
        return _phantom(recipe)
    return _composite(recipe, scans[recipe.source])


def _composite(recipe: Recipe, scan: Scan) -> Made:
    rng = np.random.default_rng((recipe.seed, 1))
    volume, lungs, no_label = _shaped(recipe, scan)
    lung = lungs.mask()
    labels = np.where(lung, np.uint8(Pattern.NORMAL), np.uint8(Pattern.OUTSIDE))
    if recipe.renderer is not None:
        spec = phantom.varied_disease(recipe.seed, recipe.extent_percent)
        written = phantom.write_disease(
            volume, lungs, spec, seed=recipe.seed, fwhm_mm=scan.fwhm_mm, renderer=recipe.renderer
        )
        volume, labels = written.volume, written.patterns.labels.copy()
    labels[no_label & lung] += NO_LABEL
    thin = volume.grid.spacing_mm[0] < 1.5
    pick = float(rng.random())
    slices_per, stride = (2, 2) if thin and pick < 0.25 else (2, 1) if thin and pick < 0.4 else (1, 1)
    mirror = bool(rng.random() < 0.5)
    size = float(rng.uniform(0.88, 1.12))
    soft = rng.random() < 0.35
    volume = phantom.rescan(
        volume, seed=recipe.seed, slices_per=slices_per, stride=stride, mirror=mirror, lungs=lungs,
        noise_hu=float(rng.uniform(5, 60)) if rng.random() < 0.6 else 0.0,
        noise_kernel=str(rng.choice(["soft", "standard", "sharp"])),
        blur_mm=float(rng.uniform(0.5, 1.4)) if soft else 0.0,
        sharpen=float(rng.uniform(0.2, 1.0)) if not soft and rng.random() < 0.5 else 0.0,
        inspiration=float(rng.uniform(0.75, 1.0)) if rng.random() < 0.4 else 1.0,
        hu_offset=float(rng.uniform(-12, 12)),
    )
    lungs = phantom.rescan_lungs(lungs, slices_per=slices_per, stride=stride, mirror=mirror)
    truth = phantom.rescan_labels(
        LabelMap(labels, scan.volume.grid, {}), slices_per=slices_per, stride=stride, mirror=mirror
    )
    return _resized(Made(volume, lungs, truth.labels), size)


def _shaped(recipe: Recipe, scan: Scan) -> tuple[Volume, Lungs, NDArray[np.bool_]]:
    """The scan's volume, lungs and no_label: as they are in half of the cases, else warped by 2 to 6 mm at most."""
    rng = np.random.default_rng((recipe.seed, 3))
    if rng.random() < 0.5:
        return scan.volume, scan.lungs, scan.no_label
    most_mm = float(rng.uniform(2, phantom.MOST_WARP_MM))
    warped = phantom.warp(scan.volume, scan.lungs, scan.no_label, seed=recipe.seed, most_mm=most_mm)
    return warped.volume, warped.lungs, warped.marks


def _resized(made: Made, size: float) -> Made:
    """The same voxels, each so much larger."""
    grid = made.volume.grid
    dz, dy, dx = (d * size for d in grid.spacing_mm)
    new = replace(grid, spacing_mm=(dz, dy, dx))
    facts = made.volume.acquisition
    if facts.slice_thickness_mm is not None:
        facts = replace(facts, slice_thickness_mm=facts.slice_thickness_mm * size)
    lungs = made.lungs
    return Made(
        Volume(made.volume.hu, new, facts),
        Lungs(LabelMap(lungs.regions.labels, new, lungs.regions.names), lungs.zones, lungs.rings),
        made.labels,
    )


def _phantom(recipe: Recipe) -> Made:
    rng = np.random.default_rng((recipe.seed, 2))
    step = float(rng.choice([0.625, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5]))
    disease = None
    if recipe.renderer is not None:
        disease = phantom.varied_disease(recipe.seed, recipe.extent_percent)
    spec = phantom.ChestSpec(
        shape=(round(310 / step), 384, 384), spacing_mm=(step, 0.88, 0.88),
        kernel=str(rng.choice(["soft", "standard", "sharp"])), noise_hu=float(rng.uniform(8, 60)),
        inspiration=float(rng.uniform(0.75, 1.0)) if rng.random() < 0.4 else 1.0, disease=disease,
        contrast=bool(rng.random() < 0.2), renderer=recipe.renderer or phantom.Renderer.CELLS,
    )
    made = phantom.make_chest(recipe.seed, spec)
    regions = made.truth_regions
    # Zones and rings do not matter here: the engine measures depth anew.
    lung = both_lungs(regions.labels)
    flat = lung.view(np.uint8)
    return Made(made.volume, Lungs(regions, flat, flat.copy()), made.truth_patterns.labels)
