"""Motion written into made-up chests: doubled borders and steps are found where they are, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from ssc_hrct.core.lungs import Lungs
from ssc_hrct.core.volume import SourceFrames, Volume
from ssc_hrct.measure import calibrate, find_lungs
from tests.measure.chests import CLEAR, GLASS, chest, found, like, true_lungs

AT = 45
"""A slice in the middle of the lungs."""


def doubled(volume: Volume, first: int, after: int, shift_mm: float, axis: int) -> Volume:
    """Slices become the mean of themselves and themselves aside; the noise that a mean loses is given back."""
    hu = volume.hu.astype(np.float64)
    pixels = round(shift_mm / volume.grid.spacing_mm[axis])
    noise = np.random.default_rng(4).normal(0, 10, hu[first:after].shape)
    hu[first:after] = (hu[first:after] + np.roll(hu[first:after], pixels, axis)) / 2 + noise
    return like(volume, np.rint(hu))


def stepped(volume: Volume, first: int, shift_mm: float, axis: int) -> Volume:
    """All slices from `first` on lie aside (axis 1, 2), or lungs of that height are not there (axis 0)."""
    voxels = round(shift_mm / volume.grid.spacing_mm[axis])
    if axis == 0:
        return like(volume, np.concatenate([volume.hu[:first], volume.hu[first + voxels :]]))
    hu = volume.hu.copy()
    hu[first:] = np.roll(hu[first:], voxels, axis)
    return like(volume, hu)


def moved(volume: Volume, lungs: Lungs | None = None) -> tuple[int, ...] | None:
    return calibrate(volume, lungs or find_lungs(volume)).moved_slices


@pytest.mark.parametrize("spec", [CLEAR, GLASS], ids=["clear", "ground glass"])
def test_a_patient_who_lay_still_has_no_moved_slice(spec):
    assert moved(chest(spec).volume, found(spec)) == ()


@pytest.mark.parametrize("sd_hu", [30.0, 60.0])
def test_noise_is_no_motion(sd_hu):
    volume = chest(CLEAR).volume
    noise = np.random.default_rng(2).normal(0, sd_hu, volume.hu.shape)
    assert moved(like(volume, np.clip(np.rint(volume.hu + noise), -1024, None)), found(CLEAR)) == ()


@pytest.mark.parametrize("axis", [1, 2], ids=["front to back", "across"])
@pytest.mark.parametrize("shift_mm", [3.0, 4.5])
def test_doubled_borders_are_found_in_their_slices(shift_mm, axis):
    """All of the band, and at most the slice beside it."""
    told = set(moved(doubled(chest(CLEAR).volume, AT, AT + 5, shift_mm, axis)) or ())
    assert set(range(AT, AT + 5)) <= told <= set(range(AT - 1, AT + 6))


@pytest.mark.parametrize(("shift_mm", "axis"), [(4.5, 1), (4.5, 2), (10.4, 0)], ids=str)
def test_a_step_is_found_between_its_slices(shift_mm, axis):
    """The chest's slices are 2.6 mm apart: smaller steps hide in what changes from slice to slice."""
    told = moved(stepped(chest(CLEAR).volume, AT, shift_mm, axis))
    assert told
    assert {AT - 1, AT} & set(told)
    assert set(told) <= set(range(AT - 2, AT + 2))


def test_a_slice_that_was_filled_in_is_no_step():
    """Its source has no file; the hole is told by MISSING_SLICES."""
    volume = stepped(chest(CLEAR).volume, AT, 4.5, 1)
    uids = tuple("" if k == AT else f"1.2.{k}" for k in range(volume.grid.shape[0]))
    assert moved(replace(volume, source=SourceFrames(sop_instance_uids=uids))) == ()


def test_where_borders_are_too_soft_to_judge_nothing_is_said_of_motion():
    """Blurred by 6 mm (sigma) within every slice."""
    volume = chest(CLEAR).volume
    soft = ndimage.gaussian_filter(volume.hu.astype(np.float32), (0, 4, 4))
    assert moved(like(volume, np.rint(soft)), found(CLEAR)) is None


@pytest.mark.parametrize("slices", [3, 6], ids=["no step could be seen", "no border could be held against others"])
def test_where_slices_are_too_few_nothing_is_said_of_motion(slices):
    few = slice(AT, AT + slices)
    volume = like(chest(CLEAR).volume, chest(CLEAR).volume.hu[few])
    assert moved(volume, true_lungs(chest(CLEAR).truth_regions.labels[few], volume)) is None
