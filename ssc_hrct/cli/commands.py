"""The commands: each calls its use case and says what came of it. Nothing is computed here."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ssc_hrct.cli.lines import count_line, exam_line, exam_places, finding_text, replaced_line, series_lines, table
from ssc_hrct.cli.run import OK, REFUSED
from ssc_hrct.cli.say import Speaker

if TYPE_CHECKING:
    from ssc_hrct.app.compare import Compared
    from ssc_hrct.app.score_exams import Done

Command = Callable[[argparse.Namespace], int]


def by_name(name: str, speaker: Speaker) -> Command:
    """The command of that name, speaking through `speaker`."""
    commands: dict[str, Callable[[argparse.Namespace, Speaker], int]] = {
        "demo": demo, "inspect": inspect, "score": score, "compare": compare,
        "deidentify": deidentify, "send": send, "receive": receive, "gui": gui, "self-test": self_test,
    }
    return lambda asked: commands[name](asked, speaker)


def _now() -> datetime:
    return datetime.now(UTC)


def score(asked: argparse.Namespace, speaker: Speaker) -> int:
    from ssc_hrct.app.identity import check_subject_id
    from ssc_hrct.app.log import start_log
    from ssc_hrct.app.manifest import check_paths, read_manifest
    from ssc_hrct.core.subject import read_visit

    visit = read_visit(asked.visit) if asked.visit is not None else None
    subject = check_subject_id(asked.subject) if asked.subject is not None else None
    manifest = read_manifest(asked.manifest) if asked.manifest is not None else None
    check_paths(asked.paths)
    from ssc_hrct.app.save import check_output, scores_file  # a wrong line is told before anything heavy is imported

    check_output(asked.out)
    start_log()
    from ssc_hrct.app.assets import default_protocol
    from ssc_hrct.app.result import to_json
    from ssc_hrct.app.score_exams import Wishes, plan, run

    wishes = Wishes(
        paths=tuple(asked.paths), out=asked.out, subject=subject, visit=visit, manifest=manifest,
        keep_patient_id=asked.keep_patient_id, secret=asked.secret, overlay=asked.overlay,
        lungs=asked.lungs, formats=tuple(asked.formats), keep_empty_frames=asked.seg_keep_empty_frames,
        series=tuple(asked.series),
    )
    protocol = default_protocol()
    done: list[Done] = []

    def tell(one: Done) -> None:
        speaker.line(exam_line(one.result, next(places, "")))
        done.append(one)
        for row in one.replaced:
            speaker.note(replaced_line(row))
        for doubt in one.doubts:
            speaker.note(doubt)
        if one.overlay is not None:
            speaker.note(f"Picture: {one.overlay}")
        for file in one.objects:
            speaker.note(f"Written: {file}")
        for trouble in (one.problem, one.overlay_problem, *one.object_problems):
            if trouble:
                speaker.note(trouble)
        if one.saved_late:
            speaker.note(f"Rows saved now that could not be saved before: {one.saved_late}.")

    missing, places = 0, iter(list[str]())
    try:
        planned = plan(wishes, protocol=protocol, progress=speaker.bar)
        for note in planned.notes:
            speaker.note(note)
        for entry in planned.unanswered:
            speaker.note(f"Row {entry.row} of the manifest: no exam was found for '{entry.place}'.")
        missing, scans = len(planned.unanswered), [exam.choice.scan for exam in planned.exams]
        places = iter(exam_places([(str(s.files[0].parent), s.acquisition.scan_date or "") for s in scans]))
        run(planned, wishes, protocol=protocol, now=_now, tell=tell, progress=speaker.bar)
    finally:
        if done:
            speaker.line(f"{count_line([one.result.row for one in done])} Table: {scores_file(asked.out)}")
        if asked.json:
            speaker.result(json.dumps([to_json(one.result) for one in done], indent=2))
    failed = missing or any(
        one.overlay_problem or one.object_problems or one.result.row["status"] == "refused" for one in done
    )
    return REFUSED if failed else OK


def compare(asked: argparse.Namespace, speaker: Speaker) -> int:
    from ssc_hrct.app.identity import check_subject_id
    from ssc_hrct.app.log import start_log
    from ssc_hrct.app.manifest import check_paths
    from ssc_hrct.core.subject import read_visit

    visit = read_visit(asked.followup_visit) if asked.followup_visit is not None else None
    subject = check_subject_id(asked.subject) if asked.subject is not None else None
    check_paths([asked.baseline, asked.followup])
    from ssc_hrct.app.save import check_output

    check_output(asked.out, comparison=True)
    start_log()
    from ssc_hrct.app.assets import default_protocol
    from ssc_hrct.app.compare import PairWishes, plan_pair, run_pair

    wishes = PairWishes(
        baseline=asked.baseline, followup=asked.followup, out=asked.out, subject=subject, followup_visit=visit,
        keep_patient_id=asked.keep_patient_id, secret=asked.secret,
    )
    protocol = default_protocol()
    planned = plan_pair(wishes, protocol=protocol, progress=speaker.bar)
    for note in planned.notes:
        speaker.note(note)
    compared = run_pair(planned, wishes, protocol=protocol, now=_now, progress=speaker.bar,
                        tell=lambda result: speaker.line(exam_line(result)))
    say_compared(compared, asked.out, speaker)
    return REFUSED if any(result.row["status"] == "refused" for result in compared.results) else OK


def say_compared(compared: Compared, out: Path, speaker: Speaker) -> None:
    """What was replaced, whether the change may be read, and the change."""
    from ssc_hrct.app.save import comparison_file, scores_file

    for row in compared.replaced:
        speaker.note(replaced_line(row))
    for doubt in compared.doubts:
        speaker.note(doubt)
    for row in compared.replaced_comparisons:
        speaker.note(f"Replaced the comparison of {row['subject_id']}, {row['baseline_visit']} to "
                     f"{row['followup_visit']}.")
    row = compared.row
    words = {"comparable": "comparable", "with_caution": "comparable with caution", "not_comparable": "not comparable"}
    parts = [f"{row['subject_id']}, {row['baseline_visit']} to {row['followup_visit']}: {words[row['comparability']]}."]
    first = [f for f in compared.comparison.findings if f.code == "DATES_REVERSED"]
    parts += [finding_text(finding) for finding in first]
    if row["ild_change_points"]:
        parts += ["The change is follow-up minus baseline as named."] if first else []
        parts.append(f"ILD changed by {_signed(row['ild_change_points'])} points, fibrosis by "
                     f"{_signed(row['fibrosis_change_points'])} points, lung volume by "
                     f"{_signed(row['lung_volume_change_percent'])} percent.")
    parts += [finding_text(finding) for finding in compared.comparison.findings if finding not in first]
    speaker.line(" ".join(parts))
    speaker.line(f"Tables: {scores_file(out)}, {comparison_file(out)}")


def _signed(number: str) -> str:
    return number if number.startswith("-") or not number.strip("0.") else f"+{number}"


def inspect(asked: argparse.Namespace, speaker: Speaker) -> int:
    from ssc_hrct.app.manifest import check_paths

    check_paths(asked.paths)
    from ssc_hrct.app import inspect as use_case
    from ssc_hrct.app.assets import default_protocol

    seen = use_case.inspect(asked.paths, protocol=default_protocol(), progress=speaker.bar)
    for number, exam in enumerate(seen.exams, start=1):
        date = next((s.facts.scan_date for s in exam if s.facts.scan_date), None)
        speaker.line(f"Exam {number}" + (f", {date}" if date else ", date not known"))
        for place, series in enumerate(exam, start=1):
            for line in series_lines(series, f"{number}.{place}"):
                speaker.line(f"  {line}")
    for what, which in (("Damaged files", seen.damaged), ("Files and folders that may not be opened", seen.locked)):
        if which:
            speaker.note(f"{what}: {len(which)}, the first is '{which[0]}'.")
    if seen.other:
        speaker.note(f"DICOM files without an image (reports, structures, segmentations, directories): {seen.other} of "
                     f"{seen.files}.")
    if seen.not_dicom:
        speaker.note(f"Files that are not DICOM: {seen.not_dicom} of {seen.files}.")
    return OK


def deidentify(asked: argparse.Namespace, speaker: Speaker) -> int:
    from ssc_hrct.app.identity import check_subject_id
    from ssc_hrct.app.manifest import check_paths

    subject = check_subject_id(asked.subject) if asked.subject is not None else None
    check_paths(asked.paths)
    from ssc_hrct import dicom
    from ssc_hrct.app import deidentify as use_case
    from ssc_hrct.app.assets import default_protocol

    report = use_case.deidentify(
        asked.paths, asked.out, dates=dicom.Dates(asked.dates), protocol=default_protocol(), subject=subject,
        secret=asked.secret, progress=speaker.bar,
    )
    for note in report.notes:
        speaker.note(note)
    for why, files in report.left_out:
        speaker.note(f"Left out, {files} {'file' if files == 1 else 'files'}: {why}.")
    speaker.line(f"Exams: {report.exams}. Images written without identity: {report.written}, into '{asked.out}'. "
                 f"Subjects: {', '.join(report.subjects)}.")
    speaker.line("Look at them before you give them away: what is burned into the pixels cannot be seen by a program.")
    if report.unreadable:
        speaker.line(f"Not copied because they could not be read: {report.unreadable}. Exams may be incomplete.")
    return OK if report.written and not report.unreadable else REFUSED


def send(asked: argparse.Namespace, speaker: Speaker) -> int:
    from ssc_hrct.app.manifest import check_paths

    check_paths(asked.paths)
    from ssc_hrct.app.log import start_log
    from ssc_hrct.app.transfer import peer_of, send_objects, tls_of

    start_log()
    peer = peer_of(asked.host, asked.port, asked.called, asked.calling)
    tls = tls_of(asked.tls, asked.trusted, asked.certificate, asked.key)
    sent = send_objects(asked.paths, peer, tls, progress=speaker.bar)
    if sent.locked:
        speaker.note(f"Not sent: {sent.locked}, because they may not be opened.")
    for why, files in sent.failed:
        speaker.note(f"Not sent: {files}, because {why}.")
    if sent.not_dicom:
        speaker.note(f"Files that are no DICOM objects: {sent.not_dicom}.")
    speaker.line(f"Objects sent: {sent.sent}.")
    return REFUSED if sent.failed or sent.locked else OK


def receive(asked: argparse.Namespace, speaker: Speaker) -> int:
    from ssc_hrct.app.log import start_log
    from ssc_hrct.app.transfer import receive_objects, tls_of

    start_log()
    tls = tls_of(asked.tls, asked.trusted, asked.certificate, asked.key)
    received = receive_objects(
        asked.out, asked.host, asked.port, asked.title, tls, count=asked.count,
        started=lambda port: speaker.note(f"Listening on {asked.host}, port {port}. Stop with Ctrl-C."),
        progress=speaker.bar,
    )
    speaker.line(f"Objects received: {received.stored}, into '{asked.out}'. Refused: {received.refused}.")
    return REFUSED if received.refused else OK


def demo(asked: argparse.Namespace, speaker: Speaker) -> int:
    from ssc_hrct.app.log import start_log
    from ssc_hrct.app.save import check_output

    check_output(asked.out, comparison=True)
    start_log()
    from ssc_hrct.app.assets import default_protocol
    from ssc_hrct.app.demo import run_demo

    speaker.note("Making the demonstration subject: a chest that does not exist, at baseline and at week 48.")
    shown = run_demo(asked.out, protocol=default_protocol(), now=_now, progress=speaker.bar,
                     tell=lambda result: speaker.line(exam_line(result)))
    say_compared(shown.compared, asked.out, speaker)
    speaker.line("")
    head = ("What was put in, and what was measured", "truth", "measured", "difference")
    for line in table(head, shown.table):
        speaker.line(line)
    speaker.line("")
    speaker.line(f"Made and scored in {shown.seconds:.0f} seconds. The made-up DICOM is in '{shown.folder}'.")
    return REFUSED if any(result.row["status"] == "refused" for result in shown.compared.results) else OK


def self_test(asked: argparse.Namespace, speaker: Speaker) -> int:
    from ssc_hrct.app.assets import default_protocol
    from ssc_hrct.app.log import start_log
    from ssc_hrct.app.self_test import run_self_test

    start_log()
    cases = run_self_test(protocol=default_protocol(), now=_now, progress=speaker.bar)
    head = ("Made-up chest", "truth %", "measured %", "error, points", "grade", "seconds", "result")
    rows = [(c.name, c.truth, c.measured, c.error_points, c.grade, f"{c.seconds:.1f}", "pass" if c.passed else "FAIL")
            for c in cases]
    for line in table(head, rows):
        speaker.line(line)
    failed = sum(not c.passed for c in cases)
    if failed:
        speaker.line(f"Failed: {failed} of {len(cases)}. Do not use this installation; install it again.")
        return REFUSED
    speaker.line("Passed: this installation measures as it should.")
    return OK


def gui(asked: argparse.Namespace, speaker: Speaker) -> int:
    from ssc_hrct.app.manifest import check_paths
    from ssc_hrct.gui.main import main

    check_paths([] if asked.path is None else [asked.path])
    return main([] if asked.path is None else [str(asked.path)])
