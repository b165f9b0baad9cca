"""The models that come with the program belong to its version: scores of one version compare with each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ssc_hrct.app import assets
from ssc_hrct.core.errors import HrctError
from ssc_hrct.measure import interval_model, pattern_model, read_models
from ssc_hrct.version import __version__

ROOT = Path(__file__).resolve().parents[2]
HELD_OUT = ROOT / "training" / "models"
MODELS_OF_VERSION = {"0.2.0": ("265bab076ac1", "27724839ea4c")}
"""Beginnings of the hashes. Other models are another version: the gate compares no scores across versions."""


def test_models_change_only_with_the_version():
    both = (json.loads(assets.read("models", f"{name}.json")) for name in ("patterns", "intervals"))
    found = tuple(content["sha256"][:12] for content in both)
    assert MODELS_OF_VERSION[__version__] == found, "a new model is a new version: write both here"


@pytest.mark.parametrize("file", sorted(HELD_OUT.glob("*-without-*.json")), ids=lambda f: f.stem)
def test_each_held_out_model_is_whole_and_knows_todays_features(file):
    if file.stem.startswith("intervals"):
        assert interval_model(file.read_bytes()).patterns_sha256 == ""
    else:
        assert pattern_model(file.read_bytes()).limits == assets.models().patterns.limits


def test_every_held_out_model_has_error_bars_made_without_its_lung():
    sources = {file.stem.split("-without-")[1] for file in HELD_OUT.glob("*-without-*.json")}
    assert len(sources) == 4
    for source in sources:
        made = json.loads((HELD_OUT / f"intervals-without-{source}.json").read_text(encoding="utf-8"))
        assert set(made["sources"]) == sources - {source}


def test_the_error_bars_belong_to_the_model_they_come_with():
    patterns, bars = (assets.read("models", f"{name}.json") for name in ("patterns", "intervals"))
    assert read_models(patterns, bars).error_bars.patterns_sha256 == json.loads(patterns)["sha256"]
    other = next(file for file in sorted(HELD_OUT.glob("both-without-*.json")))
    with pytest.raises(HrctError, match="another model"):
        read_models(other.read_bytes(), bars)


def test_held_out_models_do_not_ship():
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    shipped = settings[settings.index("[tool.hatch.build.targets.wheel]"):settings.index("[tool.ruff]")]
    assert "resources" in shipped
    assert "training" not in shipped
    assert "training" not in (ROOT / "installer" / "program.spec").read_text(encoding="utf-8")
