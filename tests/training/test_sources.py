"""What a hash of code tells apart, and that a model says with which features it was learned."""

from __future__ import annotations

import json

import pytest

from ssc_hrct.app import assets
from ssc_hrct.measure.features import NAMES
from training import sources
from training.probe import probe


def test_words_for_readers_do_not_count_and_what_is_done_does(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    file = tmp_path / "one.py"

    def hashed(text: str) -> str:
        file.write_text(text)
        return sources.code_sha256(["one.py"])

    plain = hashed("def two():\n    return 2\n")
    assert hashed('"""A page."""\n\n\ndef two():\n    """Two."""\n    return 2  # is two\n') == plain
    assert hashed("def two():\n    return 3\n") != plain
    assert hashed("def two():\n    return '2'\n") != plain


def test_a_folder_counts_all_its_code_and_tables(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "a.py").write_text("a = 1\n")
    before = sources.code_sha256(["room"])
    (tmp_path / "room" / "b.json").write_text("{}")
    after = sources.code_sha256(["room"])
    (tmp_path / "room" / "c.txt").write_text("c")
    assert before != after == sources.code_sha256(["room"])


def test_the_model_that_ships_was_learned_with_todays_features():
    """Their names would stay the same when what they mean changes: then the model has to be made again."""
    kept = json.loads(assets.read("models", "patterns.json"))["probe"]
    now = probe()
    assert len(kept) == len(NAMES)
    assert now == pytest.approx(kept, rel=0.002, abs=0.002)
