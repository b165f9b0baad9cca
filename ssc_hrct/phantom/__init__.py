"""Made-up chests of known truth, from a seed; disease written into any Volume, by either of two renderers."""

from ssc_hrct.phantom.chest import ChestSpec, Phantom, make_chest
from ssc_hrct.phantom.disease import Composite, write_disease
from ssc_hrct.phantom.rescan import rescan, rescan_labels, rescan_lungs
from ssc_hrct.phantom.spec import PRESETS, DiseaseSpec, Distribution, Renderer, random_disease, varied_disease
from ssc_hrct.phantom.warp import MOST_WARP_MM, Warped, warp

__all__ = [
    "MOST_WARP_MM", "PRESETS", "ChestSpec", "Composite", "DiseaseSpec", "Distribution", "Phantom", "Renderer",
    "Warped", "make_chest", "random_disease", "rescan", "rescan_labels", "rescan_lungs", "varied_disease", "warp",
    "write_disease",
]
