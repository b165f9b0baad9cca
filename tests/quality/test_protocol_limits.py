"""No limit of fitness is idle: one that is moved makes another judgement of something that the tests judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import pytest

from ssc_hrct.app.assets import default_protocol
from ssc_hrct.core.extents import Extents
from ssc_hrct.core.findings import Finding
from ssc_hrct.core.given_lungs import GivenFacts
from ssc_hrct.core.mask_facts import MaskFacts
from ssc_hrct.core.patterns import ClassifierDoubt, Pattern
from ssc_hrct.core.protocol import Limits, Protocol
from ssc_hrct.quality import check_extents, check_given_lungs, check_header, check_image, check_mask, check_patterns
from tests.made_up import acquisition, extents, stats

PROTOCOL = default_protocol()
OF_A_SCAN = [f.name for f in fields(Limits) if not f.name.startswith("pair_")]
"""Those of pairs are the gate's (tests/compare)."""
OF_PARTS = {
    "hole_allowed_mm": {"holes": 1, "largest_hole_mm": 2.0}, "tilt_allowed_degrees": {"tilt_degrees": 5.0},
    "oblique_allowed_degrees": {"oblique_degrees": 5.0},
}
"""What must be the matter before a limit is asked."""


def judged(protocol: Protocol, name: str) -> tuple[tuple[str, str], ...]:
    """Codes and levels of everything, for one noisy scan that is cut off and touches the image's edge."""
    facts = acquisition(**OF_PARTS.get(name, {}))
    image = stats(noise_hu=60.0, moved_slices=(4,), cut_off_percent=1.0, view_percent=0.5, windpipe_bow_mm=-2.0)
    consolidated: Extents = extents({(2, Pattern.CONSOLIDATION): 60})
    checks: Iterator[Callable[[], tuple[Finding, ...]]] = iter((
        lambda: check_header(facts, protocol),
        lambda: check_image(image, facts, protocol),
        lambda: check_mask(MaskFacts(2, 1.0, False, 0.1, 1.0), protocol),
        lambda: check_patterns(ClassifierDoubt(1.0, 1.0, 1.0), protocol),
        lambda: check_extents(consolidated, protocol),
        lambda: check_given_lungs(GivenFacts(1, False, 0.9, 0.5), protocol),
    ))
    return tuple((f.code, f.level.value) for check in checks for f in check())


@pytest.mark.parametrize("name", OF_A_SCAN)
def test_each_limit_of_the_protocol_decides_something(name: str):
    """Under or over all that can be measured."""
    plain = judged(PROTOCOL, name)
    for value in (-1_000_000, 1_000_000):
        given: dict[str, Any] = {name: value}
        if judged(replace(PROTOCOL, limits=replace(PROTOCOL.limits, **given)), name) != plain:
            return
    pytest.fail("nothing changes")
