"""Rows of features of all cases, kept on disk between making them and learning from them.

In: recipes and real scans. Out: one file for each case in build/training, with what the engine sees at every point,
what is true there, and what is known of the scan. A file that is there already is not made again; the folder's name
tells with which code it was made, and folders of other code are removed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ssc_hrct import measure
from ssc_hrct.core.grid import Grid
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.stats import ImageStats
from ssc_hrct.measure.coarse import Blocks
from ssc_hrct.measure.features import NAMES, Features, features
from training.cases import NO_LABEL, Made, Recipe, Scan, make, read_scan
from training.sources import ROOT, code_sha256

FloatMap = NDArray[np.float32]
_CODE = (
    "ssc_hrct/core", "ssc_hrct/measure", "ssc_hrct/phantom", "ssc_hrct/dicom", "training/cases.py",
    "training/corpus.py", "training/ignore.json",
)


@dataclass(frozen=True, slots=True)
class Case:
    """seen: what the engine sees. truth: float32 [points, len(Pattern)], share of the point's lung; labelled: bool
    [points]. ild_percent, fibrosis_percent: the truth where labels stand, over the true lungs, from the full grid.
    whole: the lungs were found anew in the diseased chest."""

    name: str
    source: str
    renderer: str
    seen: Features
    truth: FloatMap
    labelled: NDArray[np.bool_]
    ild_percent: float
    fibrosis_percent: float
    stats: ImageStats
    thickness_mm: float
    whole: bool

    @property
    def number(self) -> int:
        """The seed that the case was made from."""
        return int(self.name.split("_")[2])

    @property
    def weight(self) -> FloatMap:
        """Share of each point that is lung."""
        return self.seen.share[self.seen.near]


def place() -> Path:
    """The folder for cases made with the code as it is."""
    return ROOT / "build" / "training" / f"cases-{code_sha256(_CODE)[:12]}"


def build(recipes: Sequence[Recipe], scans: Path | None, folder: Path, *, processes: int = 2) -> list[Path]:
    """Files of all recipes, in their order. scans: the folder that holds the real scans' folders. Cases beside `folder`
    that were made with other code are removed."""
    for other in folder.parent.glob("cases*"):
        if other != folder:
            shutil.rmtree(other)
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [r for r in recipes if not _file(folder, r).exists()]
    done = 0
    if wanted:
        sources = sorted({(r.source, r.whole) for r in wanted})
        with get_context("spawn").Pool(processes, _start, (scans, sources)) as pool:
            for name in pool.imap_unordered(_one, [(r, folder) for r in wanted]):
                done += 1
                print(f"{done} of {len(wanted)} cases: {name}", flush=True)
    return [_file(folder, r) for r in recipes]


def _file(folder: Path, recipe: Recipe) -> Path:
    return folder / f"{recipe.name}_{recipe.extent_percent:g}.npz"


_scans: dict[bool, dict[str, Scan]] = {False: {}, True: {}}
"""Real scans by name: cut to their lungs, and whole."""


def _start(folder: Path | None, wanted: list[tuple[str, bool]]) -> None:
    for name, whole in wanted:
        if name != "phantom" and folder is not None:
            _scans[whole][name] = read_scan(folder / name, whole=whole)


def _one(work: tuple[Recipe, Path]) -> str:
    recipe, folder = work
    made = make(recipe, _scans[recipe.whole])
    if recipe.whole:
        made = replace(made, lungs=measure.find_lungs(made.volume))
    _write(_file(folder, recipe), recipe, made)
    return recipe.name


def _write(file: Path, recipe: Recipe, made: Made) -> None:
    stats = measure.calibrate(made.volume, made.lungs)
    seen = features(made.volume, made.lungs, stats)
    pattern, no_label = made.labels & (NO_LABEL - 1), made.labels >= NO_LABEL
    part = pattern[seen.box]
    lung = np.maximum(seen.share, 1e-3)
    truth = np.stack([seen.blocks.mean(part == p)[seen.near] for p in Pattern], axis=1) / lung[seen.near][:, None]
    counts = np.bincount(pattern[~no_label], minlength=len(Pattern)).astype(float)
    total = counts[1:].sum()
    ild = counts[[Pattern.GROUND_GLASS, Pattern.RETICULATION, Pattern.HONEYCOMBING]].sum()
    fibrosis = counts[[Pattern.RETICULATION, Pattern.HONEYCOMBING]].sum()
    labelled = seen.blocks.mean(no_label[seen.box])[seen.near] < 0.5
    aside = file.with_suffix(".part")
    with aside.open("wb") as out:
        np.savez(
            out, values=seen.values, near=seen.near, share=seen.share.astype(np.float16),
            truth=np.clip(truth, 0, 1).astype(np.float16), labelled=labelled,
            facts=json.dumps({
                "source": recipe.source, "renderer": str(recipe.renderer or ""), "features": NAMES,
                "ild_percent": 100 * ild / total, "fibrosis_percent": 100 * fibrosis / total,
                "stats": asdict(stats), "whole": recipe.whole,
                "thickness_mm": made.volume.acquisition.slice_thickness_mm,
                "shape": part.shape, "spacing_mm": made.volume.grid.spacing_mm, "factors": seen.blocks.factors,
            }),
        )
    aside.rename(file)


def read(file: Path) -> Case:
    """A case from its file. Raises ValueError where it was made with other features."""
    with np.load(file, allow_pickle=False) as kept:
        facts = json.loads(str(kept["facts"]))
        if tuple(facts["features"]) != NAMES:
            raise ValueError(f"{file.name} was made with other features; remove the folder and start again")
        grid = Grid(tuple(facts["shape"]), tuple(facts["spacing_mm"]))
        blocks = Blocks(grid, tuple(facts["factors"]))
        stats = facts["stats"] | {"moved_slices": tuple(facts["stats"]["moved_slices"])}
        box = (slice(0, grid.shape[0]), slice(0, grid.shape[1]), slice(0, grid.shape[2]))
        seen = Features(box, blocks, kept["near"], kept["share"].astype(np.float32), kept["values"])
        return Case(
            file.stem, facts["source"], facts["renderer"], seen, kept["truth"].astype(np.float32), kept["labelled"],
            facts["ild_percent"], facts["fibrosis_percent"], ImageStats(**stats), facts["thickness_mm"],
            facts["whole"],
        )
