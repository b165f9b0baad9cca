"""The pages say what the code says."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

from docs import generate
from ssc_hrct.core.findings import PAIR_FINDINGS, SCAN_FINDINGS
from ssc_hrct.core.protocol import Limits
from ssc_hrct.core.rows import COMPARISON_COLUMNS, SCORE_COLUMNS

DOCS = Path(__file__).resolve().parents[1] / "docs"


def test_generated_pages_are_fresh():
    assert not generate.stale(), "run ./dev docs"


def test_schemas_name_the_columns_in_the_order_of_the_files():
    for name, columns in (("scores", SCORE_COLUMNS), ("comparison", COMPARISON_COLUMNS)):
        schema = json.loads((DOCS / f"{name}.schema.json").read_text())
        assert [field["name"] for field in schema["fields"]] == [column.name for column in columns]


def test_the_page_of_the_command_line_tells_of_every_command_and_option():
    text = (DOCS / "cli.md").read_text()
    for command in ("demo", "inspect", "score", "compare", "deidentify", "send", "receive", "gui", "self-test"):
        assert re.search(rf"^## {command}$", text, re.MULTILINE), command
    for option in ("--out", "--subject", "--visit", "--manifest", "--keep-patient-id", "--json", "--followup-visit"):
        assert option in text


def test_every_test_that_the_page_on_dicom_names_is_there():
    named = re.findall(r"`([\w/]+)::(test_\w+)`", (DOCS / "dicom.md").read_text())
    assert len(named) >= 40
    tests = DOCS.parent / "tests"
    for file, test in named:
        place = tests / (f"{file}.py" if "/" in file else f"dicom/{file}.py")
        assert f"def {test}(" in place.read_text(), f"{file}::{test}"


def test_every_page_is_reached_from_the_index():
    index = (DOCS / "index.md").read_text()
    for page in DOCS.glob("*.md"):
        assert page.name == "index.md" or f"({page.name})" in index, page.name


def test_a_page_that_says_something_else_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(generate, "DOCS", tmp_path)
    assert set(generate.stale()) == set(generate.PAGES)
    assert generate.main(["--check"]) == 1
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    (tmp_path / "findings.md").write_text("old")
    assert generate.stale() == ["findings.md"]


def test_every_limit_has_a_sentence_and_the_codes_that_it_decides():
    assert list(generate.LIMITS) == [field.name for field in fields(Limits)]
    for name, (sentence, *codes) in generate.LIMITS.items():
        assert sentence.endswith("."), name
        assert codes, name
        assert set(codes) <= set(PAIR_FINDINGS if name.startswith("pair_") else SCAN_FINDINGS), name


def test_the_page_of_findings_tells_cautions_from_refusals():
    text = (DOCS / "findings.md").read_text()
    for row in ("`NOT_CT` | refusal |", "`THICK_SLICES` | either |", "`CONTRAST` | caution |",
                "`VERSION_DIFFERS` | not comparable |", "`VOLUME_DIFFERS` | either |"):
        assert f"| {row}" in text


def test_no_page_waits_for_something_to_be_filled_in():
    for page in (DOCS.parent / "README.md", *DOCS.glob("*.md")):
        assert "<!-- anchor" not in page.read_text(encoding="utf-8"), page.name
