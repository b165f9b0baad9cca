"""What the features of one small made-up chest are: a model keeps it, so that a test sees when the code that it was
learned with has changed.

In: nothing. Out: the mean of every feature, from the seed. The names of the features would stay the same when what
they mean changes.
"""

from __future__ import annotations

from functools import cache

from ssc_hrct import measure, phantom
from ssc_hrct.core.lungs import Lungs, both_lungs
from ssc_hrct.measure.features import features

SEED = 1
CHEST = phantom.ChestSpec(
    shape=(100, 150, 180), spacing_mm=(2.8, 2.0, 2.0), noise_hu=15.0, disease=phantom.PRESETS["nsip"](15.0)
)


def probe() -> list[float]:
    """Means of the features, in the order of NAMES, over the true lungs of the chest."""
    return list(_means())


@cache
def _means() -> tuple[float, ...]:
    made = phantom.make_chest(SEED, CHEST)
    regions = made.truth_regions
    lung = both_lungs(regions.labels).view("uint8")
    lungs = Lungs(regions, lung, lung.copy())
    seen = features(made.volume, lungs, measure.calibrate(made.volume, lungs))
    return tuple(round(float(mean), 3) for mean in seen.values.astype("float64").mean(axis=0))
