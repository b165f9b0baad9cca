"""`./dev bench` runs what it names: nothing needs an argument, and arguments reach the benchmark."""

from __future__ import annotations

import importlib.machinery
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks import accuracy

ROOT = Path(__file__).resolve().parents[1]


Ran = list[tuple[str, ...]]


@pytest.fixture
def dev(monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, Ran]:
    """The script as a module, and what it would run."""
    loader = importlib.machinery.SourceFileLoader("dev_script", str(ROOT / "dev"))
    spec = importlib.util.spec_from_loader("dev_script", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    loader.exec_module(module)
    ran: Ran = []

    def run(*arguments: str) -> int:
        ran.append(arguments)
        return 0

    monkeypatch.setattr(module, "run", run)
    return module, ran


@pytest.mark.parametrize(
    ("line", "ran"),
    [("speed", [("benchmarks/speed.py",)]),
     ("accuracy phantoms --repeats 3", [("benchmarks/accuracy.py", "phantoms", "--repeats", "3")])],
)
def test_a_benchmark_is_run_with_the_arguments_behind_its_name(
    dev: tuple[ModuleType, Ran], line: str, ran: Ran
) -> None:
    script, did = dev
    assert script.bench(line.split()) == 0
    assert did == ran


def test_without_a_name_all_benchmarks_are_run_that_stand_there(
    dev: tuple[ModuleType, Ran], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script, did = dev
    monkeypatch.setattr(script, "ROOT", tmp_path)
    (tmp_path / "benchmarks" / "common").mkdir(parents=True)
    for name in ("second.py", "first.py", "notes.md", "common/shared.py"):
        (tmp_path / "benchmarks" / name).touch()
    assert script.bench([]) == 0
    assert did == [("benchmarks/first.py",), ("benchmarks/second.py",)]


def test_a_benchmark_that_is_not_there_is_told(
    dev: tuple[ModuleType, Ran], capsys: pytest.CaptureFixture[str]
) -> None:
    script, did = dev
    assert script.bench(["phantoms"]) == 2
    assert did == []
    assert "There is no benchmark phantoms; there are: accuracy, " in capsys.readouterr().err


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which parts of the accuracy benchmark were run, without running them."""
    parts: list[str] = []
    monkeypatch.setattr(accuracy, "table", lambda cases, show_dice: parts.append(cases))
    monkeypatch.setattr(accuracy, "phantoms", lambda repeats: f"phantoms {repeats}")
    monkeypatch.setattr(accuracy, "composites", lambda data, repeats: f"composites {repeats}")
    monkeypatch.setattr(accuracy, "scans", lambda data: parts.append("scans"))
    return parts


def test_accuracy_without_an_argument_measures_all_that_is_at_hand(
    measured: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "ct").mkdir()
    monkeypatch.setenv("SSC_HRCT_DATA", str(tmp_path))
    assert accuracy.main([]) == 0
    assert measured == ["phantoms 2", "composites 2", "scans"]


def test_accuracy_without_the_scans_measures_the_phantoms_and_says_so(
    measured: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SSC_HRCT_DATA", raising=False)
    monkeypatch.setattr("benchmarks.common.keep.ROOT", tmp_path / "clone")
    assert accuracy.main(["--repeats", "1"]) == 0
    assert measured == ["phantoms 1"]
    assert capsys.readouterr().err.startswith("The real scans are not here")
    monkeypatch.setenv("SSC_HRCT_DATA", str(tmp_path))
    with pytest.raises(SystemExit) as left:
        accuracy.main(["--repeats", "1"])
    assert left.value.code == 2


@pytest.mark.parametrize("what", ["composites", "scans"])
def test_scans_that_are_asked_for_and_not_there_are_a_failure(
    what: str, measured: list[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as left:
        accuracy.main([what, "--data", str(tmp_path)])
    assert left.value.code == 2
    assert measured == []
