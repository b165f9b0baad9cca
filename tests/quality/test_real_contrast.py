"""Contrast medium in real scans whose headers were silenced; made-up ones are in tests/measure/test_calibrate.py."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ssc_hrct import dicom
from ssc_hrct.app.assets import default_protocol
from ssc_hrct.measure import calibrate, find_lungs
from ssc_hrct.quality import check_image
from tests.dicom.making import only


@pytest.mark.slow
@pytest.mark.parametrize(("name", "enhanced"), [("lidc-0001", True), ("lidc-0002", False)])
def test_contrast_is_seen_without_its_tag(shared_data: Path, name: str, enhanced: bool) -> None:
    volume = dicom.load(only(shared_data / "ct" / name))
    facts = replace(volume.acquisition, contrast=None)
    found = check_image(calibrate(replace(volume, acquisition=facts), find_lungs(volume)), facts, default_protocol())
    assert ("CONTRAST" in [f.code for f in found]) is enhanced
