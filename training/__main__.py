"""Makes resources/models again from seeds and the real scans: ./dev train --real DIR

DIR holds the folders of training/ignore.json (lidc-0001, lidc-0002, 4dlung-113), in it or in its `ct`. Writes
resources/models/patterns.json and intervals.json, and into training/models the models and error bars that were made
without one renderer or one scan, by which `./dev bench` judges. Prints how the held-out cases were scored. Cases
and what was learned are kept in build/training, and a run that was stopped goes on from there; the models are written
at the end.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

from training.sources import ROOT, code_sha256

SCANS = ("lidc-0001", "lidc-0002", "4dlung-113")
NAME = "trees-1"
SEED = 1
MODELS, SHIPPED = ROOT / "training" / "models", ROOT / "resources" / "models"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev train", description="Make resources/models again.")
    parser.add_argument("--real", type=Path, required=True, metavar="DIR", help="folder of the real scans")
    parser.add_argument("--packages", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--diseased", type=int, default=10, help="cases for each source and renderer (default 10)")
    parser.add_argument("--clear", type=int, default=6, help="clear cases for each source (default 6)")
    parser.add_argument("--whole", type=int, default=12, help="whole chests for each source and renderer (default 12)")
    asked = parser.parse_args(arguments)
    if asked.packages:
        sys.path.append(str(asked.packages))
    real = asked.real / "ct" if (asked.real / "ct").is_dir() else asked.real
    missing = [name for name in SCANS if not (real / name).is_dir()]
    if missing:
        print(f"{real} does not hold {', '.join(missing)}: the model cannot be made without them.", file=sys.stderr)
        return 2
    _train(real, asked.diseased, asked.clear, asked.whole)
    return 0


def _train(real: Path, diseased: int, clear: int, whole: int) -> None:
    from training import cases, corpus, intervals, learn, validate

    began = perf_counter()
    recipes = cases.recipes(SEED, SCANS, diseased=diseased, clear=clear)
    place = corpus.place()
    files = corpus.build(recipes, real, place)
    known = [corpus.read(file) for file in files]
    asked = [replace(r, whole=True) for r in cases.recipes(SEED + 1, SCANS, diseased=whole, clear=0)]
    chests = [corpus.read(file) for file in corpus.build(asked, real, place)]
    _say(began, f"{len(known)} cases and {len(chests)} whole chests are at hand")

    every = [*known, *chests]
    models: dict[str, dict[str, Any]] = {}
    rows: list[validate.Judged] = []
    folds = learn.folds(every)
    for fold in folds:
        models[fold.name] = _learn([c for c in every if fold.learns(c)], fold.name)
        model = _model(models[fold.name])
        rows += [validate.judge(c, model, fold.name) for c in every if fold.judges(c)]
        _say(began, f"{fold.name} learned and judged")
    full_breath = [row for row in rows if row.source not in learn.SHARES]
    at = validate.best_limits(full_breath)
    limits = validate.ABNORMAL_LIMITS[at[0]], validate.FIBROSIS_LIMITS[at[1]]
    print(f"\nAbnormal from a probability of {limits[0]:g} on, fibrosis from {limits[1]:g} on.\n")
    print(f"{validate.table(full_breath, at)}\n\nIn free breathing:\n")
    print(validate.table([row for row in rows if row.source in learn.SHARES], at), flush=True)

    judged = [
        (case, validate.for_intervals(case, _model(models[fold.name]), limits))
        for fold in folds for case in every if fold.judges(case)
    ]
    for name in SCANS:
        fold = learn.Fold("", name)
        models[fold.name] = _learn([c for c in every if fold.learns(c)], fold.name)
    final = {s: {"abnormal": limits[0], "fibrosis": limits[1]}.get(s, validate.HALF) for s in learn.STAGES}
    shipped = learn.with_limits(_learn(every, NAME), final)
    learned = {name: learn.with_limits(content, final) for name, content in models.items()}
    texts = {MODELS / f"{name}.json": learn.to_json(content) for name, content in learned.items()}
    for source in ("", *SCANS, "phantom"):
        some = [(case, row) for case, row in judged if case.source != source]
        bars = intervals.fit_intervals(
            [row for _, row in some], patterns_sha256="" if source else shipped["sha256"],
            made_from=f"{len(some)} cases, {sum(case.whole for case, _ in some)} of them whole chests with the lungs "
            "found anew, scored by models that did not learn from their renderer nor their real scan",
        )
        file = MODELS / f"intervals-without-{source}.json" if source else SHIPPED / "intervals.json"
        texts[file] = intervals.to_json(bars)
    texts[SHIPPED / "patterns.json"] = learn.to_json(shipped)
    for file, text in texts.items():  # all at the end, so that they belong together
        _write(file, text)
    _say(began, "the models are written")


def _learn(cases: Sequence[Any], name: str) -> dict[str, Any]:
    """What was learned from these cases, from the corpus' folder where the same code has learned it before."""
    from training import corpus, learn, validate

    names = hashlib.sha256("\n".join(case.name for case in cases).encode()).hexdigest()[:12]
    code = code_sha256(("training/learn.py", "training/probe.py", "training/requirements.lock"))[:12]
    kept = corpus.place() / "learned" / f"{name}-{names}-{code}.json"
    if kept.exists():
        found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        return found
    content = learn.learn(cases, name=name, limits=dict.fromkeys(learn.STAGES, validate.HALF))
    _write(kept, learn.to_json(content))
    return content


def _model(content: dict[str, Any]) -> Any:
    from ssc_hrct.measure import pattern_model
    from training.learn import to_json

    return pattern_model(to_json(content).encode())


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_suffix(".part")
    aside.write_text(text, encoding="utf-8")
    aside.replace(file)


def _say(began: float, what: str) -> None:
    print(f"{(perf_counter() - began) / 60:5.1f} min: {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
