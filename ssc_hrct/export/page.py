"""One score on a page of A4: headline, tables, pictures, cautions; as PDF and as pixels.

In: the row of `scores.csv`, what its findings say, a montage. Out: a PDF (tagged, fonts embedded: PDF/UA-1 and
PDF/A-2a) and each of its pages as PNG. Every number stands on the page as in the table. Nothing is looked for outside
of what is handed in: no font of the computer, no package. The same input gives the same bytes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image, ImageFont

from ssc_hrct.core.lungs import Zone
from ssc_hrct.core.patterns import LUNG_PATTERNS, Pattern
from ssc_hrct.core.rows import Row

PIXELS_PER_INCH = 150
"""A4 as 1240 x 1754 pixels: small print can be read when a viewer shows them one to one."""
STANDARDS = ("ua-1", "a-2a")
FONT = "Roboto-Regular.ttf"
_METHOD = (
    "Measured by a program and not corrected by a reader: extent is the territory that a reader would outline, in "
    "percent of the lung. ILD is ground glass, reticulation and honeycombing; fibrosis is reticulation and "
    "honeycombing. In brackets: the 90 percent interval of the measurement. Research software: not for diagnosis, "
    "treatment or monitoring of a patient."
)
_MONTAGE = "Six axial slices from head to feet with the lungs' outline and the patterns in their colours."


@dataclass(frozen=True, slots=True)
class Page:
    """pdf: the document. pictures: its pages as PNG."""

    pdf: bytes
    pictures: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class PageContent:
    """row: of the score. cautions: what each finding says, and what to do. colours: #RRGGBB by a pattern's word.

    bounds, fibrosis_bounds: percents at which the grades of the two extents change.
    """

    row: Row
    cautions: Sequence[tuple[str, str]]
    colours: Mapping[str, str]
    bounds: Sequence[float]
    fibrosis_bounds: Sequence[float]
    montage_png: bytes


def make_page(content: PageContent, *, template: bytes, fonts: Path, made: datetime) -> Page:
    """The page. template: of typst, which reads data.json and montage.png. fonts: folder of those that it names.

    Raises OSError where there is no room for temporary files.
    """
    import typst  # 80 MB: read only where a page is made

    with TemporaryDirectory(prefix="ssc-hrct-page-") as folder:
        root = Path(folder)
        main = root / "page.typ"
        main.write_bytes(template)
        (root / "montage.png").write_bytes(content.montage_png)
        (root / "data.json").write_text(json.dumps(_shown(_data(content, made), fonts)), encoding="utf-8")
        common: dict[str, Any] = {
            "root": root, "font_paths": [fonts], "ignore_system_fonts": True, "package_path": root / "none",
            "package_cache_path": root / "none", "timestamp": int(made.timestamp()),
        }
        work: Any = typst.compile  # its types know no mixture of given and omitted options
        pdf = work(main, format="pdf", pdf_standards=list(STANDARDS), **common)
        pictures = work(main, format="png", ppi=PIXELS_PER_INCH, **common)
    return Page(pdf, tuple(pictures) if isinstance(pictures, list) else (pictures,))


def _shown(texts: Any, fonts: Path) -> Any:
    """The same, with ? in place of each sign that the page's font has no picture of: headers may name anything."""
    font = ImageFont.truetype(str(fonts / FONT), 16)
    lacking = _picture(font, "\uffff")

    def sign(one: str) -> str:
        return one if one == " " or (one.isprintable() and _picture(font, one) != lacking) else "?"

    def walk(what: Any) -> Any:
        if isinstance(what, str):
            return what if what.isascii() and what.isprintable() else "".join(map(sign, what))
        if isinstance(what, dict):
            return {name: walk(value) for name, value in what.items()}
        return [walk(value) for value in what] if isinstance(what, list) else what

    return walk(texts)


def _picture(font: ImageFont.FreeTypeFont, sign: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(sign)
    return mask.size, bytes(mask)


def _data(content: PageContent, made: datetime) -> dict[str, Any]:
    """All texts of the page."""
    row = content.row
    wide, tall = Image.open(io.BytesIO(content.montage_png)).size
    visit = row["visit"].replace("_", " ").capitalize()
    return {
        "title": "Extent of interstitial lung disease on chest CT",
        "head": f"Subject {row['subject_id']} · {visit}",
        "scanned": f"scanned {row['scan_date']}" if row["scan_date"] else "date of the scan not known",
        "made": {"year": made.year, "month": made.month, "day": made.day},
        "foot": f"ssc_hrct {row['software_version']} · protocol {row['protocol_id']} · "
                f"{row['protocol_sha256'][:8]} · scored {row['scored_at_utc']}",
        "extents": [
            _extent(row, "ILD", "ild", row["severity"], row["severity_stability"], content.bounds),
            _extent(row, "Fibrosis", "fibrosis", row["fibrosis_severity"], "", content.fibrosis_bounds),
        ],
        "patterns": [
            {"name": _capital(p.word), "colour": content.colours[p.word], "percent": row[f"{p.word}_percent"]}
            for p in LUNG_PATTERNS if p is not Pattern.NORMAL
        ],
        "zones": [
            {"name": _capital(z.word), "ild": row[f"{z.word}_ild_percent"],
             "fibrosis": row[f"{z.word}_fibrosis_percent"], "ml": row[f"{z.word}_volume_ml"]} for z in Zone
        ],
        "volumes": f"Lung volume {row['lung_volume_ml']} ml, of it ILD {row['ild_ml']} ml, fibrosis "
                   f"{row['fibrosis_ml']} ml. Mean density {row['mean_lung_density_hu']} HU.",
        "montage": {"alt": _MONTAGE, "aspect": wide / tall},
        "cautions": [{"says": says, "do": do} for says, do in content.cautions],
        "acquisition": _acquisition(row),
        "method": _METHOD,
    }


def _capital(word: str) -> str:
    return word.replace("_", " ").capitalize()


def _extent(
    row: Row, name: str, column: str, severity: str, stability: str, bounds: Sequence[float]
) -> dict[str, Any]:
    percent, low, high = (row[f"{column}_percent{end}"] for end in ("", "_low", "_high"))
    interval = f"({low} to {high})" if low and high else ""
    grade = f"{severity}, {stability}" if stability else severity
    return {
        "name": name, "percent": percent, "interval": interval, "severity": severity.capitalize(),
        "stability": {"": "", "stable": ", stable within its interval"}.get(stability, f", {stability}"),
        "bounds": [f"{bound:g}" for bound in bounds], "value": float(percent),
        "low": float(low) if interval else None, "high": float(high) if interval else None,
        "alt": f"{name} {percent} percent {interval}, {grade}, on a scale with the bounds of the grades.",
    }


def _acquisition(row: Row) -> str:
    """What was scanned, in one sentence; what is not known is left out."""
    said = (
        (_short(row["slice_thickness_mm"]), "slices of {} mm"), (_short(row["slice_spacing_mm"]), "every {} mm"),
        (_short(row["pixel_spacing_mm"]), "pixels of {} mm"), (row["kernel"], "kernel {}"), (row["kvp"], "{} kV"),
        (row["contrast"], "contrast: {}"), (f"{row['manufacturer']} {row['model']}".strip(), "{}"),
    )
    return f"Scan: {', '.join(text.format(value) for value, text in said if value)}."


def _short(number: str) -> str:
    """Without zeros at the end: 3 for 3.000."""
    return number.rstrip("0").rstrip(".") if "." in number else number
