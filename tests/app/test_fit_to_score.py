"""Made-up twins of the real scans in tests/journeys: what is known of a chest comes out, with its doubts beside it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from ssc_hrct.app import assets
from ssc_hrct.app.result import result_of, to_json
from ssc_hrct.app.score import Scored, score_volume
from ssc_hrct.core.subject import UNSCHEDULED
from ssc_hrct.core.volume import LOWEST_HU, Volume
from ssc_hrct.phantom import ChestSpec, DiseaseSpec, make_chest

ZONES = ("upper", "middle", "lower")
SPEC = ChestSpec(shape=(110, 190, 240), spacing_mm=(2.6, 1.5, 1.5), slice_thickness_mm=2.4, noise_hu=15.0)
GOOD: dict[str, Any] = {"kernel": "LUNG", "kvp": 120.0, "patient_position": "HFS"}


def score(volume: Volume) -> Scored:
    return score_volume(
        volume, subject_id="S", visit=UNSCHEDULED, protocol=assets.default_protocol(),
        now=lambda: datetime(2026, 1, 1, tzinfo=UTC), models=assets.models(),
    )


def made(seed: int = 3, **changes: Any) -> Volume:
    volume = make_chest(seed, replace(SPEC, **changes)).volume
    return replace(volume, acquisition=replace(volume.acquisition, **GOOD))


def told(scored: Scored) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """The row, and the findings of the JSON by code; both name the same reasons."""
    out = json.loads(json.dumps(to_json(result_of(scored))))
    findings = {f["code"]: f for f in out["findings"]}
    assert list(findings) == [code for code in out["row"]["reasons"].split(";") if code]
    assert all(f["says"] and f["do"] for f in findings.values())
    return out["row"], findings


def test_a_clear_chest_is_minimal():
    row, findings = told(score(made()))
    assert row["severity"] == "minimal"
    assert float(row["ild_percent"]) <= 2.5
    assert not {"MOTION", "CONTRAST", "LOW_INSPIRATION", "NOISY", "CUT_OFF", "FIELD_OF_VIEW", "PRONE"} & set(findings)
    assert not [code for code in findings if code.startswith("MASK_")]


def test_what_may_be_wrong_with_a_scan_stands_beside_its_numbers():
    """A shallow breath, contrast medium that no tag names, noise, thick slices, and a header with holes."""
    volume = made(contrast=True, inspiration=0.65, noise_hu=40.0)
    facts = replace(
        volume.acquisition, contrast=None, kernel=None, kvp=None, lossy=True, patient_position=None
    )
    row, findings = told(score(replace(volume, acquisition=facts)))
    assert row["status"] == "scored_with_caution"
    assert row["ild_percent"]
    assert set(findings) >= {
        "THICK_SLICES", "LOSSY", "KERNEL_UNKNOWN", "KVP_UNUSUAL", "CONTRAST", "POSITION_UNKNOWN", "LOW_INSPIRATION",
        "NOISY",
    }
    assert row["contrast"] == "yes"
    assert all(f["level"] == "caution" and f["detail"] for f in findings.values())


def test_disease_of_one_lung_is_found_on_its_side():
    row, _ = told(score(made(disease=DiseaseSpec(15.0, density=0.4, asymmetry=1.0))))

    def share(side: str) -> float:
        ild = sum(float(row[f"{side}_{z}_ild_percent"]) * float(row[f"{side}_{z}_volume_ml"]) for z in ZONES)
        return ild / sum(float(row[f"{side}_{z}_volume_ml"]) for z in ZONES)

    assert share("left") >= 5 * share("right")


@pytest.mark.parametrize(("code", "bend"), [
    ("NOT_HU", lambda hu: np.maximum(hu + 200, LOWEST_HU)),
    ("CUT_OFF", lambda hu: hu[36:]),
    ("FIELD_OF_VIEW", lambda hu: hu[:, :, 60:]),
    ("NO_LUNGS", lambda hu: np.full_like(hu, 40)),
], ids=lambda v: v if isinstance(v, str) else None)
def test_what_the_image_refuses_has_its_code_first_and_no_number(code, bend):
    volume = made()
    hu = np.ascontiguousarray(bend(volume.hu))
    grid = replace(volume.grid, shape=hu.shape)
    row, findings = told(score(replace(volume, hu=hu, grid=grid)))
    assert (row["status"], row["ild_percent"], row["severity"]) == ("refused", "", "")
    assert findings[code]["level"] == "refused"
    assert row["reasons"].split(";")[0] in {f["code"] for f in findings.values() if f["level"] == "refused"}
