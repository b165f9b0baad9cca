"""Names of kernels as the makers write them, and what class they mean."""

from __future__ import annotations

import pytest

from ssc_hrct.core.kernels import kernel_class


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("STANDARD", "standard"), ("SOFT", "standard"), ("LUNG", "lung"), ("BONEPLUS", "lung"), ("BONE", "lung"),
        ("HD LUNG", "lung"), ("edge", "extreme"),
        ("B30f", "standard"), ("B31s", "standard"), ("D40s", "standard"), ("B45f", "standard"), ("B46f", "lung"),
        ("B60f", "lung"), ("B70s", "lung"), ("B80s", "extreme"), ("B10f", "extreme"), ("Br40f", "standard"),
        ("Bl57d", "lung"), ("Qr36", "standard"), ("Br40f\\3", "standard"), ("I50f 3", "lung"), ("Hr68", "lung"),
        ("FC08", "standard"), ("FC13-H", "standard"), ("FC130", None),
        ("FC51", "lung"), ("FC86", "lung"), ("FC30", "extreme"), ("FC95", None),
        ("L", "lung"), ("YB", "lung"), ("B", "standard"),
        ("", None), (None, None), ("11", None), ("my own", None),
    ],
)
def test_a_name_means_its_class_or_nothing(name: str | None, means: str | None) -> None:
    assert kernel_class(name) == means
