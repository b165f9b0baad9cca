"""What tests of every room share: where the real scans are, and how patient property tests are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

# A slow or busy machine is no fault of the code under test: nothing here is timed.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real scans: named by SSC_HRCT_DATA, else ../shared/data beside the repository.

    A test that asks for it is skipped, with a sentence, where the scans are not at hand.
    """
    named = os.environ.get("SSC_HRCT_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not (folder / "ct").is_dir():
        pytest.skip("The real scans are not here; name their folder in SSC_HRCT_DATA.")
    return folder
