"""Writes the generated pages of docs/ from the tables in the code; `--check` only tells whether they are fresh.

In: the columns (core/rows.py), the findings (core/findings.py), the default protocol, the command line's parser and
the window's actions. Out: columns.md, findings.md, protocol.md, cli.md, keys.md and the two schemas. Nothing here is
typed twice: what is wrong on a page is put right in its table. The pages do not depend on the version of Python or the
width of a terminal.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from pathlib import Path

from ssc_hrct.app import assets
from ssc_hrct.cli.parser import build_parser
from ssc_hrct.core.findings import PAIR_FINDINGS, SCAN_FINDINGS, FindingKind
from ssc_hrct.core.rows import COMPARISON_COLUMNS, FIRST_VERSION, SCHEMA_VERSION, SCORE_COLUMNS, Column
from ssc_hrct.gui.actions import ACTIONS, MOUSE

DOCS = Path(__file__).resolve().parent
NOTE = "<!-- Written by `./dev docs` from {source}; do not change it here. -->\n\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; bars in cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def page(title: str, source: str, *parts: str) -> str:
    return f"# {title}\n\n" + NOTE.format(source=source) + "\n".join(parts)


def columns_page() -> str:
    head = ("", "column", "type", "unit", "what it says")

    def lines(columns: Sequence[Column]) -> Iterable[Sequence[str]]:
        for number, c in enumerate(columns, 1):
            says = c.says + (f" One of: {', '.join(c.values)}." if c.values else "")
            if c.since != FIRST_VERSION:
                says += f" Since version {c.since} of the program."
            yield str(number), f"`{c.name}`", c.type, c.unit, says

    return page(
        "Columns of the CSV files", "`ssc_hrct/core/rows.py`",
        f"Version {SCHEMA_VERSION} of the tables. UTF-8, comma between cells, decimal point, RFC 4180. An empty cell\n"
        "is no value: the numbers of a refused scan, or a change that may not be read. `codes` are joined by `;`.\n"
        "Percents have two decimals, half up, from counts of whole voxels; ml and HU have one. Parts may differ from\n"
        "their total by 0.01. Columns are only ever added at the end; the version changes when a column changes its\n"
        "meaning. The same as JSON ([Table Schema](https://specs.frictionlessdata.io/table-schema/)):\n"
        "[scores.schema.json](scores.schema.json), [comparison.schema.json](comparison.schema.json).\n",
        "## scores.csv\n\nOne row for each exam.\n", table(head, lines(SCORE_COLUMNS)),
        "## comparison.csv\n\nOne row for each pair of visits of a subject.\n", table(head, lines(COMPARISON_COLUMNS)),
    )


TYPES = {"text": "string", "integer": "integer", "decimal": "number", "date": "date", "datetime": "datetime",
         "codes": "string"}


def field(column: Column) -> dict[str, object]:
    """One column as Table Schema knows it."""
    content: dict[str, object] = {"name": column.name, "type": TYPES[column.type], "description": column.says}
    if column.unit:
        content["unit"] = column.unit
    rules: dict[str, object] = {}
    if column.required:
        rules["required"] = True
    if column.values:
        rules["enum"] = list(column.values)
    if column.type == "codes":
        rules["pattern"] = "[A-Z0-9_]+(;[A-Z0-9_]+)*"
    if rules:
        content["constraints"] = rules
    return content


def schema(columns: Sequence[Column]) -> str:
    content = {"version": SCHEMA_VERSION, "fields": [field(c) for c in columns], "missingValues": [""]}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def findings_page() -> str:
    def lines(kinds: dict[str, FindingKind], refusal: str) -> Iterable[Sequence[str]]:
        return ((f"`{k.code}`", refusal if k.level == "refusal" else k.level, k.says, k.do) for k in kinds.values())

    head = ("code", "caution, refusal or either", "what it says", "what to do")
    pair_head = ("code", "caution, not comparable or either", "what it says", "what to do")
    return page(
        "Cautions and refusals", "`ssc_hrct/core/findings.py`",
        "A **caution** stands beside a number; a **refusal** stands instead of it. Where a code may be\n"
        "either, the limit that was passed decides: see [protocol.md](protocol.md). In `reasons` refusals stand\n"
        "first.\n",
        "## One scan\n", table(head, lines(SCAN_FINDINGS, "refusal")),
        "## Two scans of one subject\n\nA pair is comparable, comparable with caution, or not comparable; then each\n"
        "visit's numbers stand and the change is left empty.\n",
        table(pair_head, lines(PAIR_FINDINGS, "not comparable")),
    )


LIMITS: dict[str, tuple[str, ...]] = {
    "thin_mm": ("Slices up to this thickness, mm, are thin; thicker ones are a caution.", "THICK_SLICES"),
    "thick_refused_mm": ("Slices thicker than this, mm, are refused.", "THICK_SLICES"),
    "gap_allowed_mm": ("Slices whose distance is larger than their thickness by more than this, mm, are refused.",
                       "SPACED_SLICES"),
    "hole_allowed_mm": ("One hole in the stack up to this length, mm, is filled, with a caution; more is refused.",
                        "MISSING_SLICES"),
    "fewest_slices": ("A series of fewer slices is refused.", "TOO_FEW_SLICES"),
    "tilt_allowed_degrees": ("A gantry tilt up to this is sheared back, with a caution; more is refused.",
                             "GANTRY_TILT"),
    "oblique_allowed_degrees": ("Slices oblique up to this are scored as they lie, with a caution; more is refused.",
                                "NOT_AXIAL"),
    "pixel_small_mm": ("Pixels smaller than this, mm, are a caution: the image may not hold both lungs.",
                       "FIELD_OF_VIEW"),
    "pixel_large_mm": ("Pixels larger than this, mm, are a caution.", "COARSE_PIXELS"),
    "pixel_refused_mm": ("Pixels larger than this, mm, are refused.", "COARSE_PIXELS"),
    "air_hu": ("Where air in the windpipe should be, HU.", "HU_OFFSET", "NOT_HU"),
    "air_caution_hu": ("Air further from that than this, HU, is a caution.", "HU_OFFSET"),
    "air_refused_hu": ("Air further from that than this, HU, is refused.", "NOT_HU"),
    "blood_low_hu": ("Blood under this, HU, where no contrast agent is named, is a caution.", "HU_OFFSET"),
    "blood_high_hu": ("Blood over this, HU, where no contrast agent is named, is a caution.", "HU_OFFSET"),
    "contrast_blood_hu": ("Blood over this, HU, counts as contrast medium: a caution.", "CONTRAST"),
    "kvp_low": ("A tube voltage under this, kV, is a caution.", "KVP_UNUSUAL"),
    "kvp_high": ("A tube voltage over this, kV, is a caution.", "KVP_UNUSUAL"),
    "noise_caution_hu": ("Noise over this, HU, scaled to slices of 1 mm, is a caution.", "NOISY"),
    "noise_refused_hu": ("Noise over this, HU, scaled to slices of 1 mm, is refused.", "NOISY"),
    "normal_mode_high_hu": ("The least dense lung over this, HU, is a caution.", "LOW_INSPIRATION"),
    "volume_refused_ml": ("Both lungs together under this, ml, are refused.", "EXPIRATION"),
    "volume_low_ml": ("Both lungs together under this, ml, are a caution.", "LOW_INSPIRATION", "MASK_VOLUME"),
    "volume_high_ml": ("Both lungs together over this, ml, are a caution.", "MASK_VOLUME"),
    "right_share_low": ("A right lung of less than this part of both is a caution.", "MASK_ASYMMETRY"),
    "right_share_high": ("A right lung of more than this part of both is a caution.", "MASK_ASYMMETRY"),
    "airways_low_ml": ("Airways that hold less than this, ml, are a caution.", "MASK_AIRWAYS"),
    "airway_leak_ml": ("Airways that hold more than this, ml, are a caution.", "MASK_LEAK"),
    "cut_off_caution_percent": ("More than this percent of the lungs beyond the slices is a caution.", "CUT_OFF"),
    "cut_off_refused_percent": ("More than this percent of the lungs beyond the slices is refused.", "CUT_OFF"),
    "view_refused_percent": ("Lung outline at the image's edge is a caution; over this percent of it is refused.",
                             "FIELD_OF_VIEW"),
    "low_density_percent": ("More than this percent of the lung under -970 HU is a caution.", "MASK_LOW_DENSITY"),
    "windpipe_bow_mm": ("A back wall of the windpipe bowed forward by more than this, mm, is a caution.",
                        "LOW_INSPIRATION"),
    "motion_slices": ("So many slices with signs of motion, or more, are a caution.", "MOTION"),
    "parts_most": ("More large parts of the lung outline (over 20 ml) than this are a caution.", "MASK_PARTS"),
    "holes_ml": ("Holes in the lung outline of more than this, ml, are a caution.", "MASK_HOLES"),
    "step_share": ("A change of the outline's area within about 2 mm by more than this part is a caution.",
                   "MASK_STEP"),
    "missed_ml": ("Dense tissue of more than this, ml, between lung and ribs is a caution.", "MASK_MISSED_DISEASE"),
    "out_of_range_percent": ("More than this percent of the lung unlike what the classifier learnt is a caution.",
                             "OUT_OF_RANGE"),
    "given_overlap_low": ("A given mask with a smaller overlap (Dice) with the lungs found here is a caution.",
                          "MASK_DIFFERS"),
    "given_uncovered_caution_percent": ("More than this percent of our lungs beyond the mask's file is a caution.",
                                        "MASK_DIFFERS"),
    "given_uncovered_refused_percent": ("More than this percent of our lungs beyond the mask's file is refused.",
                                        "MASK_REFUSED"),
    "consolidation_caution_percent": ("More than this percent of the lung consolidated is a caution.",
                                      "CONSOLIDATION"),
    "normal_share_low": ("Less than this part of the lung looking normal is a caution.", "NO_NORMAL_LUNG"),
    "pair_volume_caution_percent": ("Lung volumes further apart than this percent of the baseline's are a caution.",
                                    "VOLUME_DIFFERS"),
    "pair_volume_refused_percent": ("Lung volumes further apart than this percent are not comparable.",
                                    "VOLUME_DIFFERS"),
    "pair_thickness_caution_mm": ("Thicknesses further apart than this, mm, are a caution; so is one thin, one thick.",
                                  "THICKNESS_DIFFERS"),
    "pair_thickness_refused_mm": ("One thin and one thick scan further apart than this, mm, are not comparable.",
                                  "THICKNESS_DIFFERS"),
    "pair_sharpness_percent": ("Edges wider by more than this percent at one visit are a caution.", "KERNEL_DIFFERS"),
    "pair_hu": ("Air, or blood without contrast, further apart than this, HU, is a caution.", "AIR_DIFFERS",
                "BLOOD_DIFFERS"),
}
"""For each limit of the protocol a sentence, and the codes that it decides."""


def protocol_page() -> str:
    protocol = assets.default_protocol()

    def bounds(ends: Sequence[float]) -> Sequence[str]:
        first, second, third = (f"{end:g}" for end in ends)
        return f"0 to {first}", f"over {first} to {second}", f"over {second} to {third}", f"over {third} to 100"

    limits = (
        (f"`{f.name}`", f"{getattr(protocol.limits, f.name):g}", LIMITS[f.name][0],
         ", ".join(f"`{code}`" for code in LIMITS[f.name][1:]))
        for f in fields(protocol.limits)
    )
    windows = ((w.visit, f"{w.from_weeks:g} to {w.to_weeks:g}") for w in protocol.visit_windows)
    return page(
        f"The protocol {protocol.name}", "`resources/protocols/default.json`",
        "Every row carries the protocol's id and hash. The hash is the SHA-256 of its JSON with sorted keys and no\n"
        f"spaces: `{protocol.sha256}`.\n",
        "## Grades, percent of both lungs\n",
        table(("", "minimal", "mild", "moderate", "severe"), (
            ("`severity` (ILD extent)", *bounds(protocol.severity_bounds)),
            ("`fibrosis_severity` (fibrosis extent)", *bounds(protocol.fibrosis_severity_bounds)),
        )),
        f"ILD extent is the sum of {', '.join(p.word.replace('_', ' ') for p in protocol.ild_patterns)}. Islands\n"
        f"under {protocol.smallest_island_ml:g} ml are left out, gaps to {protocol.largest_gap_ml:g} ml are closed.\n",
        "## Visits\n", table(("visit", "weeks after baseline, both included"), windows),
        "## Limits of fitness\n", table(("limit", "value", "what it means", "code"), limits),
    )


def option_lines(parser: argparse.ArgumentParser) -> Iterable[Sequence[str]]:
    """The arguments of a command as rows: how they are written, what they do."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no public list of its arguments
        if isinstance(action, argparse._SubParsersAction | argparse._HelpAction):  # noqa: SLF001
            continue
        if action.help == argparse.SUPPRESS:
            continue
        value = action.metavar or (action.dest.upper() if action.nargs != 0 else "")
        value = " ".join(value) if isinstance(value, tuple) else value
        names = ", ".join(action.option_strings)
        written = f"{names} {value}".strip() if names else value + (" ..." if action.nargs in ("+", "*") else "")
        yield f"`{written}`", (action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%")


def command_parts(parser: argparse.ArgumentParser, level: int = 2) -> Iterable[str]:
    """A section for each command below this parser."""
    for action in parser._actions:  # noqa: SLF001
        if not isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            continue
        helps = {choice.dest: choice.help or "" for choice in action._choices_actions}  # noqa: SLF001
        for name, sub in action.choices.items():
            yield f"{'#' * level} {name}\n\n{sub.description or helps.get(name, '')}\n"
            lines = list(option_lines(sub))
            if lines:
                yield table(("argument", "what it does"), lines)
            if sub.epilog:
                yield f"```\n{sub.epilog.strip()}\n```\n"
            yield from command_parts(sub, level + 1)


def cli_page() -> str:
    parser = build_parser()
    return page(
        "The command line", "`ssc_hrct/cli/parser.py`",
        f"`ssc-hrct COMMAND --help` says the same. {parser.description or ''}\n",
        "| exit code | what it means |\n|---|---|\n"
        "| 0 | all was scored; a score with a caution counts as scored |\n"
        "| 1 | a fault of the program, outside any exam |\n"
        "| 2 | wrong usage: a path that is not there, an option that is not known |\n"
        "| 3 | something was refused or failed; also: no DICOM was found, or the output cannot be written |\n"
        "| 130 | cancelled; rows that were finished stand |\n",
        *command_parts(parser),
    )


def keys_page() -> str:
    actions = ((", ".join(f"`{key}`" for key in a.keys), a.text.rstrip("…"), a.menu) for a in ACTIONS if a.keys)
    return page(
        "Keys and mouse", "`ssc_hrct/gui/actions.py`",
        "The window shows the same with `?`. On macOS, Ctrl is Cmd.\n",
        table(("key", "what it does", "menu"), actions),
        table(("mouse", "what it does"), MOUSE),
    )


PAGES: dict[str, Callable[[], str]] = {
    "columns.md": columns_page,
    "scores.schema.json": lambda: schema(SCORE_COLUMNS),
    "comparison.schema.json": lambda: schema(COMPARISON_COLUMNS),
    "findings.md": findings_page,
    "protocol.md": protocol_page,
    "cli.md": cli_page,
    "keys.md": keys_page,
}


def stale() -> list[str]:
    """Pages that do not say what the code says."""
    return [
        name for name, make in PAGES.items()
        if not (DOCS / name).is_file() or (DOCS / name).read_text(encoding="utf-8") != make()
    ]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="change nothing; 1 where a page is not fresh")
    old = stale()
    if parser.parse_args(arguments).check:
        if old:
            print(f"Not fresh: {', '.join(old)}. Run ./dev docs and commit what it writes.")
        return 1 if old else 0
    for name in old:
        (DOCS / name).write_text(PAGES[name](), encoding="utf-8")
        print(f"wrote docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
