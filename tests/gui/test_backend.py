"""The seam between session and use cases: the kept demonstration, and what is said of an export."""

from __future__ import annotations

import csv

import pytest

from ssc_hrct.app import demo
from ssc_hrct.core.errors import Cancelled
from ssc_hrct.core.progress import SILENT
from ssc_hrct.core.rows import score_row
from ssc_hrct.gui.backend import Backend
from tests.gui.chests import chest, score_of


@pytest.fixture
def makings(monkeypatch, tmp_path):
    """Stands for the maker of the demonstration; counts how often it was asked."""
    import platformdirs

    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: tmp_path)
    made = []

    def make(folder, *, progress=SILENT):
        made.append(folder)
        for name in ("baseline", "week_48"):
            (folder / name).mkdir(parents=True)
            progress.step(name)
        return folder / "baseline", folder / "week_48"

    monkeypatch.setattr(demo, "make_demo_subject", make)
    return made


def test_the_demonstration_is_made_once_and_kept(makings):
    first = Backend().make_demonstration(SILENT)
    assert Backend().make_demonstration(SILENT) == first
    assert len(makings) == 1
    assert [folder.name for folder in first] == ["baseline", "week_48"]


def test_a_demonstration_that_was_stopped_half_way_is_made_anew(makings):
    class Stops:
        def step(self, text, done=0, total=0):
            raise Cancelled

    with pytest.raises(Cancelled):
        Backend().make_demonstration(Stops())
    assert all(folder.is_dir() for folder in Backend().make_demonstration(SILENT))
    assert len(makings) == 2


def test_a_demonstration_whose_folders_are_gone_is_made_anew(makings):
    baseline, _ = Backend().make_demonstration(SILENT)
    baseline.rmdir()
    assert Backend().make_demonstration(SILENT)[0].is_dir()
    assert len(makings) == 2


def test_rows_are_written_to_the_table_and_what_gave_way_is_told(tmp_path):
    rows = [score_row(score_of(chest(), "0007", "week_48"))]
    assert Backend().save(tmp_path, rows, SILENT) == "1 row written to scores.csv."
    again = Backend().save(tmp_path, rows, SILENT)
    assert again == "1 row written to scores.csv. 1 older row of the same exams replaced."
    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as file:
        assert [row["subject_id"] for row in csv.DictReader(file)] == ["0007"]


def test_a_row_of_the_same_exam_under_another_subject_is_told(tmp_path):
    Backend().save(tmp_path, [score_row(score_of(chest(), "0070", "week_48"))], SILENT)
    sentence = Backend().save(tmp_path, [score_row(score_of(chest(), "0007", "week_48"))], SILENT)
    assert sentence.endswith(" This exam also stands in the table as 0070. If that was a mistake, delete that row.")
