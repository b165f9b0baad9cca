"""Files for other programs: a format is written whole or not at all, and stops no other."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset

from ssc_hrct import dicom
from ssc_hrct.app import score_exams
from ssc_hrct.app.assets import default_protocol
from ssc_hrct.app.objects import FORMATS, missing_for, write_objects
from ssc_hrct.app.score import Scored
from ssc_hrct.app.score_exams import Done, Wishes, plan, run
from ssc_hrct.cli.parser import build_parser
from ssc_hrct.core.errors import Cancelled, HrctError, WrongUsage
from ssc_hrct.core.lungs import Lungs
from ssc_hrct.core.patterns import Patterns
from ssc_hrct.core.volume import LabelMap
from ssc_hrct.gui import words
from tests.dicom.making import change, noise_volume, only, uids, write
from tests.made_up import a_score, extents
from tests.terminal import rows_of, write_block

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def scan(folder: Path) -> tuple[dicom.Series, Scored]:
    write(noise_volume(), folder)
    series = only(folder)
    volume = dicom.load(series)
    half = np.ones(volume.grid.shape, np.uint8)
    half[:, :, half.shape[2] // 2 :] = 2
    labels = LabelMap(half, volume.grid, {})
    return series, Scored(a_score(extents=extents()), volume, Lungs(labels, half, half), Patterns(labels))


def written(folder: Path, *formats: str) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    series, scored = scan(folder / "in")
    return write_objects(series, scored, formats, folder / "out" / "x", now=NOW, new_uid=uids("2.25.8"))


def failing_at(number: int, fault: Exception, really: Callable[..., object]) -> Callable[..., object]:
    calls: list[int] = []

    def once(*given: object, **named: object) -> object:
        calls.append(1)
        if len(calls) == number:
            raise fault
        return really(*given, **named)

    return once


def test_all_formats_are_written(tmp_path: Path) -> None:
    files, problems = written(tmp_path, *FORMATS)
    assert problems == ()
    assert sorted(files) == sorted((tmp_path / "out").iterdir())
    assert len(files) == 8


def test_a_viewer_can_tell_the_files_apart(tmp_path: Path) -> None:
    files, _ = written(tmp_path, "seg", "sr", "page")
    made = [pydicom.dcmread(file, stop_before_pixels=True) for file in files]
    assert len({one.SeriesDescription for one in made}) == len({one.SeriesNumber for one in made}) == len(files)
    assert {str(one.PatientName) for one in made} == {"0007"}


@pytest.mark.parametrize("fault", [ZeroDivisionError("no"), HrctError("OUTPUT_NOT_WRITABLE", "No room.", "Make some.")])
def test_nothing_stays_of_a_format_that_fails_half_way_and_the_others_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    monkeypatch.setattr(dicom, "write_seg", failing_at(2, fault, dicom.write_seg))
    files, (problem,) = written(tmp_path, "seg", "sr", "nifti")
    assert problem.startswith("SEG was not written")
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert names == {"x_report.dcm", "x_lungs.nii.gz", "x_patterns.nii.gz"} == {file.name for file in files}
    assert b"x_anatomy" not in (tmp_path / "out" / "x_report.dcm").read_bytes()


def test_a_wish_to_stop_leaves_no_half_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicom, "write_seg", failing_at(3, Cancelled(), dicom.write_seg))
    with pytest.raises(Cancelled):
        written(tmp_path, "seg")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_shorter_page_leaves_nothing_of_a_longer_one(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x_page-2.dcm").write_text("of an earlier run")
    written(tmp_path, "page")
    assert sorted(f.name for f in (tmp_path / "out").iterdir()) == ["x_page.dcm", "x_page_pdf.dcm"]


def test_the_row_is_told_before_a_wish_to_stop_the_files_is_carried_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_block(tmp_path / "scan", names="a", patient="P1")

    def stop(*given: object, **named: object) -> object:
        raise Cancelled

    monkeypatch.setattr(score_exams, "write_objects", stop)
    wishes, told = Wishes((tmp_path / "scan",), tmp_path / "out", formats=("seg",)), list[Done]()
    with pytest.raises(Cancelled):
        run(plan(wishes, protocol=default_protocol()), wishes, protocol=default_protocol(), now=lambda: NOW,
            tell=told.append)
    assert len(rows_of(tmp_path / "out" / "scores.csv")) == len(told) == 1
    assert told[0].object_problems == ("Files for other programs were not written: you stopped it.",)


def test_the_faces_offer_the_formats_that_there_are() -> None:
    assert [name for name, _, _ in words.FORMATS] == list(FORMATS)
    commands = next(a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    (option,) = [a for a in commands.choices["score"]._actions if a.dest == "formats"]
    assert list(option.choices or ()) == list(FORMATS)


def test_a_tilt_is_told_before(tmp_path: Path) -> None:
    series, _ = scan(tmp_path)
    tilted = replace(series, acquisition=replace(series.acquisition, tilt_degrees=12.0))
    assert missing_for(("seg", "nifti"), tilted).startswith("The gantry was tilted: SEG will not be written")
    assert missing_for(("nifti",), tilted) == missing_for(("seg",), series) == ""


def named(kernel: str, dataset: FileDataset, index: int) -> None:
    dataset.ConvolutionKernel = kernel


def test_a_uid_of_two_series_is_no_choice(tmp_path: Path) -> None:
    for place, kernel in (("a", "BONE"), ("b", "SOFT")):
        files = write(noise_volume(), tmp_path / place)
        change(files, partial(named, kernel))
    (series, _) = dicom.find([tmp_path]).series
    with pytest.raises(WrongUsage, match=r"2 series have the UID .* Take 1\.1 or 1\.2"):
        plan(Wishes((tmp_path,), tmp_path / "out", series=(series.acquisition.series_instance_uid,)),
             protocol=default_protocol())

