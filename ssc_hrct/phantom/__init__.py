"""Made-up chests of known truth, from a seed; disease written into any Volume."""

from ssc_hrct.phantom.chest import ChestSpec, Phantom, make_chest
from ssc_hrct.phantom.disease import PRESETS, Composite, DiseaseSpec, random_disease, write_disease
from ssc_hrct.phantom.territory import Distribution

__all__ = [
    "PRESETS", "ChestSpec", "Composite", "DiseaseSpec", "Distribution", "Phantom", "make_chest", "random_disease",
    "write_disease",
]
