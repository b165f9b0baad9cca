"""Rows are kept while a benchmark runs, so that a stopped one goes on where it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.common.keep import Row, Shelf, Work, fingerprint, made, options, rows_for, some


class Stopped(Exception):
    pass


WORKS = [Work(f"case_{i}", "code-1", i) for i in range(4)]


def test_a_stopped_run_goes_on_and_gives_all_rows_in_order(tmp_path: Path) -> None:
    on, done = Shelf(tmp_path), []

    def stops_at_2(what: int) -> Row:
        if what == 2:
            raise Stopped
        return {"value": what}

    def counts(what: int) -> Row:
        done.append(what)
        return {"value": what}

    with pytest.raises(Stopped):
        made(on, WORKS, stops_at_2, processes=1)
    rows = made(on, WORKS, counts, processes=1)
    assert done == [2, 3]
    assert [row["value"] for row in rows] == [0, 1, 2, 3]
    assert [row["name"] for row in rows] == [w.name for w in WORKS]


def test_rows_of_other_code_are_made_again_unless_trusted(tmp_path: Path) -> None:
    on = Shelf(tmp_path)
    made(on, WORKS, lambda what: {"value": "old"}, processes=1)
    other = [Work(w.name, "code-2", w.what) for w in WORKS]
    assert {r["value"] for r in made(on, other, lambda what: {"value": "new"}, processes=1, trust=True)} == {"old"}
    assert {r["value"] for r in made(on, other, lambda what: {"value": "new"}, processes=1)} == {"new"}


def test_a_row_that_was_cut_short_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "case_0.json").write_text('{"made_with": "code-1", "val')
    assert made(Shelf(tmp_path), WORKS[:1], lambda what: {"value": 1}, processes=1)[0]["value"] == 1


def test_a_summary_makes_no_row_and_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.common.keep.ROOT", tmp_path)

    def forbidden(what: int) -> Row:
        raise Stopped

    Shelf(tmp_path / "build" / "bench" / "try").put("case_1", {"made_with": "older", "value": 1})
    rows = rows_for(options("").parse_args(["--summary"]), "try", WORKS, forbidden)
    assert [row["value"] for row in rows] == [1]
    said = capsys.readouterr()
    assert said.out == "1 of 4 rows are kept.\n"
    assert said.err == "1 of 1 rows of try were made with other code or models.\n"


def test_fewer_cases_are_among_more() -> None:
    works = [Work(str(i), "", i) for i in range(120)]
    few, more = ({w.name for w in some(works, n)} for n in (4, 30))
    assert len(few) == 4
    assert few < more
    assert some(works, None) == works
    assert {w.what // 30 for w in some(works, 8)} == {0, 1, 2, 3}


def test_another_model_is_another_fingerprint(tmp_path: Path) -> None:
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    one.write_text("1")
    two.write_text("2")
    assert len({fingerprint(), fingerprint(one), fingerprint(two), fingerprint(one, two)}) == 4
    assert fingerprint(one) == fingerprint(one)
