"""The real command on real scans: what is known of each by eye must come out. Skipped where they are not at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.terminal import Home, rows_of

ZONES = ("upper", "middle", "lower")


def score(shared_data: Path, tmp_path: Path, scan: str) -> dict[str, str]:
    (tmp_path / "home").mkdir()
    home = Home(tmp_path / "home")
    done = home.run("score", shared_data / "ct" / scan, "--out", "out", "--visit", "baseline", timeout_s=600)
    assert done.returncode == 0
    (row,) = rows_of(home.folder / "out" / "scores.csv")
    return row


@pytest.mark.slow
def test_a_near_healthy_chest_is_minimal(shared_data: Path, tmp_path: Path) -> None:
    row = score(shared_data, tmp_path, "lidc-0002")
    assert row["status"] in {"scored", "scored_with_caution"}
    assert 4700 <= float(row["lung_volume_ml"]) <= 5700
    assert float(row["ild_percent"]) <= 2.5
    assert row["severity"] == "minimal"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scan", "codes"),
    [("lidc-0001", {"THICK_SLICES", "CONTRAST"}),
     ("4dlung-113", {"THICK_SLICES", "LOW_INSPIRATION", "KERNEL_UNKNOWN", "KVP_UNUSUAL"})],
)
def test_what_may_be_wrong_with_a_scan_stands_beside_its_numbers(
    shared_data: Path, tmp_path: Path, scan: str, codes: set[str]
) -> None:
    row = score(shared_data, tmp_path, scan)
    assert row["status"] == "scored_with_caution"
    assert codes <= set(row["reasons"].split(";"))
    assert row["ild_percent"]


@pytest.mark.slow
def test_disease_of_one_lung_is_found_on_its_side(shared_data: Path, tmp_path: Path) -> None:
    row = score(shared_data, tmp_path, "covid-p002")

    def share(side: str) -> float:
        ild = sum(float(row[f"{side}_{z}_ild_percent"]) * float(row[f"{side}_{z}_volume_ml"]) for z in ZONES)
        return ild / sum(float(row[f"{side}_{z}_volume_ml"]) for z in ZONES)

    assert share("left") >= 5 * share("right")
    assert "LOSSY" in row["reasons"].split(";")
