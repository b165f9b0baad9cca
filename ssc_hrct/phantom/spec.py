"""What disease is to be written: how much of what, where and how it looks, shared by both renderers.

`DiseaseSpec` says it all; `PRESETS`, `random_disease` and `varied_disease` make specs. Where it lies and how it is
drawn: `territory.py`, `writing.py`, `cells.py` (renderer "cells") and `spread.py`, `sheets.py`, `bands.py` ("sheets").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

LEAST_DENSITY = 0.12
"""The least that is called ground glass: 0.12 x 0.876 x 1050 is 110 HU over normal lung at -870."""


class Distribution(StrEnum):
    """Where in the lungs disease begins and where it spreads as its extent grows."""

    UIP = "uip"
    NSIP = "nsip"
    PATCHY = "patchy"
    PERIBRONCHOVASCULAR = "peribronchovascular"


class Renderer(StrEnum):
    """Two ways to draw disease with different mathematics, so that a classifier trained on one can be tested on the
    shapes of the other. CELLS: lobules, nets and cysts from scattered points. SHEETS: level sets of random fields.
    What they share, docs/method.md, 5, lists."""

    CELLS = "cells"
    SHEETS = "sheets"


@dataclass(frozen=True, slots=True)
class DiseaseSpec:
    """How much of what, where.

    extent_percent: ground glass, reticulation and honeycombing together, of both lungs. The three shares are relative
    to each other. coarse: nets of 8 to 15 mm with thick lines instead of 4 to 8 mm with thin ones. density: tissue
    added in ground glass (0.12 to 0.40; to 0.65 where it is nearly consolidation). net_density: the haze between
    lines. asymmetry: -1 right only, 1 left only.
    traction: dilated bronchi in fibrosis. consolidation and emphysema percent are of both lungs, beside the extent.
    cyst_mm: how wide cysts of honeycombing usually are (2.5 to 12); None lets the renderer draw it.
    """

    extent_percent: float
    ground_glass: float = 1.0
    reticulation: float = 0.0
    honeycombing: float = 0.0
    distribution: Distribution = Distribution.NSIP
    coarse: bool = False
    density: float = 0.25
    net_density: float = 0.12
    asymmetry: float = 0.0
    traction: bool = False
    consolidation_percent: float = 0.0
    emphysema_percent: float = 0.0
    cyst_mm: float | None = None

    def __post_init__(self) -> None:
        parts = (self.extent_percent, self.consolidation_percent, self.emphysema_percent)
        if min(parts) < 0 or sum(parts) > 95:
            raise ValueError("percents must not be negative, nor more than 95 together")
        if min(self.shares) < 0 or sum(self.shares) <= 0:
            raise ValueError("shares must not be negative, nor all nought")
        if not LEAST_DENSITY <= self.density <= 0.65:
            raise ValueError("density must lie within 0.12 to 0.65; less is not called ground glass")
        if self.cyst_mm is not None and not 2.5 <= self.cyst_mm <= 12:
            raise ValueError("cysts must be 2.5 to 12 mm wide")

    @property
    def shares(self) -> tuple[float, float, float]:
        """Ground glass, reticulation, honeycombing."""
        return self.ground_glass, self.reticulation, self.honeycombing

    @property
    def least_added(self) -> float:
        """Tissue added in ground glass is never less inside the border: 110 HU over normal lung where it is faintest,
        129 HU where density is 0.14 and more."""
        return min(0.14, self.density)


def nsip(extent_percent: float) -> DiseaseSpec:
    """Scleroderma-like: ground glass with fine reticulation, basal, symmetric."""
    return DiseaseSpec(
        extent_percent, ground_glass=0.55, reticulation=0.45, distribution=Distribution.NSIP, density=0.22,
        net_density=0.16, traction=extent_percent > 6,
    )


def uip(extent_percent: float) -> DiseaseSpec:
    """Coarse reticulation and honeycombing, subpleural and basal."""
    return DiseaseSpec(
        extent_percent, ground_glass=0.15, reticulation=0.5, honeycombing=0.35, distribution=Distribution.UIP,
        coarse=True, density=0.2, net_density=0.12, traction=True,
    )


def patchy(extent_percent: float) -> DiseaseSpec:
    """Patches of ground glass anywhere."""
    return DiseaseSpec(extent_percent, distribution=Distribution.PATCHY, density=0.26)


def peribronchovascular(extent_percent: float) -> DiseaseSpec:
    """Ground glass and some fine lines along bronchi and vessels."""
    return DiseaseSpec(
        extent_percent, ground_glass=0.75, reticulation=0.25, distribution=Distribution.PERIBRONCHOVASCULAR,
        density=0.26, net_density=0.15,
    )


PRESETS: dict[str, Callable[[float], DiseaseSpec]] = {
    "nsip": nsip, "uip": uip, "patchy": patchy, "peribronchovascular": peribronchovascular,
}


def random_disease(seed: int, extent_percent: float) -> DiseaseSpec:
    """A mix drawn from a seed, weighted as in early scleroderma: mostly NSIP-like."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, 7))))
    name = rng.choice(list(PRESETS), p=[0.55, 0.2, 0.1, 0.15])
    base = PRESETS[str(name)](extent_percent)
    return replace(
        base,
        ground_glass=base.ground_glass * float(rng.uniform(0.5, 1.5)),
        reticulation=base.reticulation * float(rng.uniform(0.5, 1.5)),
        honeycombing=base.honeycombing * float(rng.uniform(0.3, 1.3)),
        coarse=base.coarse or bool(rng.random() < 0.15),
        density=float(np.clip(base.density + rng.uniform(-0.06, 0.1), 0.15, 0.4)),
        net_density=float(np.clip(base.net_density + rng.uniform(-0.05, 0.08), 0.05, 0.25)),
        asymmetry=float(rng.normal(0, 0.12)),
    )


def varied_disease(seed: int, extent_percent: float) -> DiseaseSpec:
    """Any disease there is, drawn from a seed: for training, wider than what is usual (`random_disease`).

    All distributions, NSIP-like most often; ground glass alone (one in five), nets alone on nearly normal lung (one in
    five), or a mix; fine and coarse nets; faint to dense haze, one in five nearly consolidated; small and large cysts;
    consolidation or emphysema beside at times; one in six on one side for the most part.
    """
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, 11))))
    where = Distribution(str(rng.choice([str(d) for d in Distribution], p=[0.22, 0.48, 0.14, 0.16])))
    look = float(rng.random())
    glass, net = float(rng.uniform(0.2, 1)), float(rng.uniform(0.2, 1))
    if look < 0.2:
        net = 0.0
    elif look < 0.4:
        glass = 0.0
    combed = net > 0 and bool(rng.random() < (0.7 if where is Distribution.UIP else 0.15))
    comb = float(rng.uniform(0.1, 0.8)) if combed else 0.0
    one_sided = float(rng.choice([-1, 1]) * rng.uniform(0.4, 1.0))
    cyst_mm = float(np.clip(rng.lognormal(np.log(5.0), 0.4), 2.5, 12))
    density = float(rng.uniform(0.40, 0.65) if rng.random() < 0.2 else rng.uniform(LEAST_DENSITY, 0.40))
    consolidation, emphysema = float(rng.uniform(1, 5)), float(rng.uniform(2, 8))
    return DiseaseSpec(
        extent_percent, ground_glass=glass, reticulation=net, honeycombing=comb, distribution=where,
        coarse=bool(rng.random() < (0.6 if where is Distribution.UIP else 0.3)),
        density=density,
        net_density=float(rng.uniform(0.05, 0.12) if glass == 0 else rng.uniform(0.05, 0.24)),
        asymmetry=one_sided if rng.random() < 1 / 6 else float(rng.normal(0, 0.12)),
        traction=net > 0 and bool(rng.random() < 0.5),
        consolidation_percent=consolidation if rng.random() < 0.2 else 0.0,
        emphysema_percent=emphysema if rng.random() < 0.15 else 0.0,
        cyst_mm=cyst_mm,
    )
