"""The page of a score: the table's numbers, as text, with fonts embedded, the same bytes each time."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from ssc_hrct.app import assets
from ssc_hrct.core.intervals import Interval
from ssc_hrct.core.lungs import Zone
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.rows import score_row
from ssc_hrct.export.page import Page, PageContent, make_page
from tests.made_up import SCORED_AT, a_score, extents

DISEASED = extents({
    (int(Zone.RIGHT_LOWER), Pattern.GROUND_GLASS): 333, (int(Zone.LEFT_LOWER), Pattern.RETICULATION): 221,
})
SCORE = replace(
    a_score(extents=DISEASED), ild_interval=Interval(7.5, 10.25), fibrosis_interval=Interval(2, 5.5),
    severity_stability="may be moderate",
)


def montage(size: tuple[int, int] = (600, 300)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, (40, 60, 80)).save(stream, format="PNG")
    return stream.getvalue()


def content(cautions: int = 1, picture: bytes = b"") -> PageContent:
    names = json.loads(assets.read("theme", "patterns.json"))
    said = [(f"Something is doubtful, number {n}.", "Look at it.") for n in range(cautions)]
    return PageContent(score_row(SCORE), said, names, (5, 10, 20), (5, 10, 20), picture or montage())


def page(cautions: int = 1, picture: bytes = b"") -> Page:
    return make_page(content(cautions, picture), template=assets.read("page", "page.typ"),
                     fonts=assets.folder() / "fonts", made=SCORED_AT)


def told(tool: str, *more: str, file: Path) -> str:
    """What a tool of poppler says of the document."""
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed (Debian: poppler-utils).")
    return subprocess.run([tool, *more, str(file), *(["-"] if tool == "pdftotext" else [])], capture_output=True,
                          text=True, check=True).stdout


def test_every_number_of_the_table_is_text_on_the_page(tmp_path: Path) -> None:
    file = tmp_path / "page.pdf"
    file.write_bytes(page().pdf)
    row, text = score_row(SCORE), told("pdftotext", "-layout", file=file)
    wanted = [row[c] for c in row if c.endswith(("_percent", "_low", "_high", "_ml")) and row[c] and c != "edited_ml"]
    assert len(wanted) > 20
    for number in wanted:
        assert number in text
    for words in ("0007", "Baseline", "2025-01-15", "may be moderate", "Something is doubtful", "Research software",
                  row["software_version"], "BONEPLUS"):
        assert words in text


def test_the_document_is_tagged_and_its_fonts_are_in_it(tmp_path: Path) -> None:
    file = tmp_path / "page.pdf"
    file.write_bytes(page().pdf)
    assert "Tagged:          yes" in told("pdfinfo", file=file)
    fonts = told("pdffonts", file=file).splitlines()[2:]
    assert fonts
    assert all("Roboto" in line and line.split()[-5:-2] == ["yes", "yes", "yes"] for line in fonts)


@pytest.mark.parametrize(("sign", "stands"), [
    ("Müller-7", "Müller-7"), ("Łódź", "Łódź"), ("田中-7", "??-7"), ("a\u202eb", "a?b"), ("x\x07\x00y", "x??y"),
    ("\U0001f600", "?"), ("\ue000", "?"), ('#panic("x") $a$ *b* [c]', '#panic("x") $a$ *b* [c]'), ("µ≤±", "µ≤±"),
])
def test_signs_that_the_font_lacks_stand_as_question_marks(tmp_path: Path, sign: str, stands: str) -> None:
    file, given = tmp_path / "page.pdf", content()
    made = make_page(replace(given, row=given.row | {"subject_id": sign, "kernel": sign}),
                     template=assets.read("page", "page.typ"), fonts=assets.folder() / "fonts", made=SCORED_AT)
    file.write_bytes(made.pdf)
    assert f"Subject {stands}" in told("pdftotext", "-layout", file=file)


def test_the_same_score_gives_the_same_bytes() -> None:
    assert page() == page()


def test_a_page_is_a4_and_what_does_not_fit_goes_on(tmp_path: Path) -> None:
    one, many = page(), page(cautions=60)
    assert [Image.open(io.BytesIO(p)).size for p in one.pictures] == [(1240, 1754)]
    assert len(many.pictures) == 2


@pytest.mark.parametrize("size", [(600, 300), (300, 600), (1300, 900), (4000, 100)])
def test_any_shape_of_the_lungs_fits_on_one_page(size: tuple[int, int]) -> None:
    assert len(page(picture=montage(size)).pictures) == 1
