"""Structured reports: the numbers of the table, in a form that other programs read."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from ssc_hrct import dicom
from ssc_hrct.core.errors import HrctError
from ssc_hrct.core.findings import caution
from ssc_hrct.core.intervals import Interval
from ssc_hrct.core.lungs import Region
from ssc_hrct.core.patterns import Pattern
from ssc_hrct.core.rows import score_row
from ssc_hrct.core.volume import LabelMap
from ssc_hrct.dicom.codes import ORGANS, PATTERNS, PRIVATE_SCHEME
from ssc_hrct.dicom.write_seg import Segment, WrittenSeg, write_seg
from ssc_hrct.dicom.write_sr import write_sr
from tests.dicom.making import noise_volume, only, uids, write
from tests.made_up import a_score

NOW = datetime(2026, 3, 4, 5, 6, 7)  # noqa: DTZ001 - DICOM's moments carry no time zone here
SCORE = replace(
    a_score(findings=(caution("THICK_SLICES"), caution("LOSSY"))), ild_interval=Interval(0.5, 4.25),
    fibrosis_interval=Interval(0, 1.5), severity_stability="stable",
)


def segmented(folder: Path, series: dicom.Series) -> WrittenSeg:
    volume = dicom.load(series)
    labels = LabelMap((volume.hu > 0).astype("uint8"), volume.grid, {})
    kinds = (ORGANS[Region.RIGHT_LUNG], PATTERNS[Pattern.GROUND_GLASS])
    segments = [Segment(kind, labels, 1, (1, 2, 3)) for kind in kinds]
    return write_seg(folder / "seg.dcm", series, volume, segments, subject_id="0007", new_uid=uids("2.25.5"), now=NOW)


def written(folder: Path) -> tuple[Path, WrittenSeg]:
    write(noise_volume(), folder / "in")
    series = only(folder / "in")
    seg = segmented(folder, series)
    write_sr(folder / "report.dcm", series, dicom.load(series), SCORE, [seg], new_uid=uids("2.25.6"), now=NOW)
    return folder / "report.dcm", seg


def items(item: Dataset) -> Iterator[Dataset]:
    for inside in item.get("ContentSequence", ()):
        yield inside
        yield from items(inside)


def groups(report: Dataset) -> dict[str, Dataset]:
    """Measurement groups by what tracks them."""
    return {
        next(i.TextValue for i in g.ContentSequence if i.ConceptNameCodeSequence[0].CodeValue == "112039"): g
        for g in items(report) if g.ValueType == "CONTAINER" and g.ConceptNameCodeSequence[0].CodeValue == "125007"
    }


def number(group: Dataset, code: str) -> tuple[str, str]:
    (found,) = [i for i in group.ContentSequence
                if i.ValueType == "NUM" and i.ConceptNameCodeSequence[0].CodeValue == code]
    value = found.MeasuredValueSequence[0]
    return str(value.NumericValue), value.MeasurementUnitsCodeSequence[0].CodeValue


def test_the_numbers_are_those_of_the_table(tmp_path: Path) -> None:
    file, _ = written(tmp_path)
    row, found = score_row(SCORE), groups(pydicom.dcmread(file))
    whole = found["Both lungs"]
    assert number(whole, "118565006") == (row["lung_volume_ml"], "ml")
    assert number(whole, "ILD_EXTENT") == (row["ild_percent"], "%")
    assert number(whole, "FIBROSIS_EXTENT") == (row["fibrosis_percent"], "%")
    assert number(whole, "112031") == (row["mean_lung_density_hu"], "[hnsf'U]")
    assert number(found["Ground glass"], "GGO_EXTENT") == (row["ground_glass_percent"], "%")
    for zone in ("right_upper", "right_middle", "right_lower", "left_upper", "left_middle", "left_lower"):
        label = f"{zone.replace('_', ' ').capitalize()} third by volume"
        assert number(found[label], "ILD_EXTENT") == (row[f"{zone}_ild_percent"], "%")
    assert len(found) == 1 + 2 + 5 + 6


def test_interval_grade_and_cautions_stand_with_the_extent(tmp_path: Path) -> None:
    file, _ = written(tmp_path)
    whole = groups(pydicom.dcmread(file))["Both lungs"]
    ild = next(i for i in whole.ContentSequence if i.ConceptNameCodeSequence[0].CodeValue == "ILD_EXTENT")
    value = float(ild.MeasuredValueSequence[0].NumericValue)
    ends = {i.ConceptNameCodeSequence[0].CodeValue: i.MeasuredValueSequence[0] for i in ild.ContentSequence}
    assert value + float(ends["371886008"].NumericValue) == pytest.approx(4.25)
    assert value - float(ends["371885007"].NumericValue) == pytest.approx(0.5)
    assert {e.MeasurementUnitsCodeSequence[0].CodeValue for e in ends.values()} == {"%"}
    said = [(i.ConceptNameCodeSequence[0].CodeValue, i.TextValue)
            for i in whole.ContentSequence if i.ValueType == "TEXT"]
    assert [text for code, text in said if code == "CAUTION"] == ["THICK_SLICES", "LOSSY"]
    assert ("SEV_STABILITY", "stable") in said
    grades = {i.ConceptNameCodeSequence[0].CodeValue: i.ConceptCodeSequence[0].CodeMeaning
              for i in whole.ContentSequence if i.ValueType == "CODE"}
    assert (grades["246112005"], grades["FIBROSIS_SEV"]) == ("Minimal", "Minimal")


def test_groups_of_segments_point_at_them(tmp_path: Path) -> None:
    file, seg = written(tmp_path)
    report = pydicom.dcmread(file)
    found = groups(report)
    for label, place in (("Right lung", 1), ("Ground glass", 2)):
        (reference,) = [i.ReferencedSOPSequence[0] for i in found[label].ContentSequence if i.ValueType == "IMAGE"]
        assert reference.ReferencedSOPInstanceUID == seg.sop_instance_uid
        assert reference.ReferencedSegmentNumber == place
        segment = pydicom.dcmread(tmp_path / "seg.dcm").SegmentSequence[place - 1]
        tracked = {i.ConceptNameCodeSequence[0].CodeValue: i.get("UID") or i.get("TextValue")
                   for i in found[label].ContentSequence if i.ValueType in ("UIDREF", "TEXT")}
        assert (tracked["112040"], tracked["112039"]) == (segment.TrackingUID, segment.TrackingID)
    assert not [i for i in found["Left lung"].ContentSequence if i.ValueType == "IMAGE"]
    evidence = [s.ReferencedSOPInstanceUID for study in report.CurrentRequestedProcedureEvidenceSequence
                for series in study.ReferencedSeriesSequence for s in series.ReferencedSOPSequence]
    images = {pydicom.dcmread(file, stop_before_pixels=True).SOPInstanceUID for file in (tmp_path / "in").iterdir()}
    assert set(evidence) == {*images, seg.sop_instance_uid}
    assert len(evidence) == len(images) + 1


def test_the_visit_stands_in_every_group(tmp_path: Path) -> None:
    file, _ = written(tmp_path)
    for group in groups(pydicom.dcmread(file)).values():
        said = {i.ConceptNameCodeSequence[0].CodeMeaning: i for i in group.ContentSequence}
        assert said["Time Point"].TextValue == said["Protocol Time Point Identifier"].TextValue == "baseline"
        assert said["Time Point Type"].ConceptCodeSequence[0].CodeValue == "121079"


def test_our_own_codes_are_declared_and_all_others_are_not_ours(tmp_path: Path) -> None:
    file, _ = written(tmp_path)
    report = pydicom.dcmread(file)
    (scheme,) = report.CodingSchemeIdentificationSequence
    assert scheme.CodingSchemeDesignator == PRIVATE_SCHEME
    schemes = {i.ConceptNameCodeSequence[0].CodingSchemeDesignator
               for i in items(report) if "ConceptNameCodeSequence" in i}
    assert schemes <= {PRIVATE_SCHEME, "DCM", "SCT", "UCUM", "UMLS"}


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools is not installed")
def test_the_object_is_what_the_standard_wants(tmp_path: Path) -> None:
    file, _ = written(tmp_path)
    told = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True, check=False)
    assert "ComprehensiveSR" in told.stderr + told.stdout
    assert "Error" not in told.stderr + told.stdout


def test_the_same_score_gives_the_same_bytes(tmp_path: Path) -> None:
    one, _ = written(tmp_path / "a")
    other, _ = written(tmp_path / "b")
    assert one.read_bytes() == other.read_bytes()


def test_nothing_measured_is_nothing_reported(tmp_path: Path) -> None:
    write(noise_volume(), tmp_path / "in")
    series = only(tmp_path / "in")
    volume = dicom.load(series)
    with pytest.raises(HrctError, match="nothing to report"):
        write_sr(tmp_path / "report.dcm", series, volume, a_score(extents=None), [], new_uid=uids(), now=NOW)
    assert not (tmp_path / "report.dcm").exists()
