"""A lung mask is used for the scan that it was made from, and for no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ssc_hrct import dicom
from ssc_hrct.app.assets import default_protocol
from ssc_hrct.app.lung_mask import lungs_from, read_lung_mask
from tests.dicom.making import only
from tests.dicom.test_read_seg import saved


@pytest.mark.parametrize(("frame_of_reference", "refused"), [("2.25.3", False), ("", False), ("2.25.4", True)])
def test_a_segmentation_of_another_frame_of_reference_is_refused(
    tmp_path: Path, frame_of_reference: str, refused: bool
) -> None:
    file, _ = saved(tmp_path)
    volume = dicom.load(only(tmp_path / "in"))
    elsewhere = replace(volume, source=replace(volume.source, frame_of_reference_uid=frame_of_reference))
    lungs, findings = lungs_from(elsewhere, read_lung_mask(file), default_protocol())
    told = [f.code for f in findings if "another frame of reference" in f.detail]
    assert told == (["MASK_REFUSED"] if refused else [])
    assert not (refused and lungs)
