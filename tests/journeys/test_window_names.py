"""Whose exam it is, in the window: looking needs no secret, pseudonyms say that they are, one exam is one row."""

# ruff: noqa: F811 - a fixture is imported, and asked for by its name
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from ssc_hrct import phantom
from ssc_hrct.app.assets import default_protocol
from ssc_hrct.app.identity import Named, Source
from ssc_hrct.app.inspect import inspect
from ssc_hrct.app.made_up import MadeUpExam, write_exam
from ssc_hrct.app.opening import list_series
from ssc_hrct.app.score_exams import Wishes, plan
from ssc_hrct.core.findings import caution
from ssc_hrct.core.subject import Identity, Subject
from tests.gui.fixtures import nothing_left, open_window, reading, scored  # noqa: F401 - fixtures
from tests.gui.made_up import FakeBackend, nameless_listing, usual_listing

LONG_MS = 20000
FOLDER = Path("/made/up")


@pytest.fixture
def secret(tmp_path, monkeypatch) -> Path:
    """Where the secret of this computer would be; there is none yet."""
    place = tmp_path / "kept" / "secret"
    monkeypatch.setenv("SSC_HRCT_SECRET", str(place))
    return place


@pytest.fixture
def no_secret(tmp_path, monkeypatch) -> Path:
    """A place where none can be kept: a file stands where its folder would be."""
    in_the_way = tmp_path / "kept"
    in_the_way.write_text("a file")
    monkeypatch.setenv("SSC_HRCT_SECRET", str(in_the_way / "secret"))
    return in_the_way


def opened(qtbot, open_window, listing):
    window = open_window(FakeBackend(listing=listing))
    window.session.open_paths((FOLDER,))
    qtbot.waitUntil(lambda: window.session.volume is not None)
    return window


def under(source: Source, name: str, *findings):
    every = usual_listing()
    named = Named(Subject(name, pseudonym=source in (Source.PSEUDONYM, Source.EXAM)), source, findings)
    return replace(every, exams=(replace(every.exams[0], named=named), *every.exams[1:]))


def score(qtbot, window):
    qtbot.mouseClick(window.reading.panel.score, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.scoring is None and window.session.answer is not None, timeout=LONG_MS)


def score_as(qtbot, window, subject):
    """Type another subject and score once more."""
    window.session.set_subject(subject)
    qtbot.mouseClick(window.reading.panel.score, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.scoring is None
                    and window.session.answer.result.row["subject_id"] == subject, timeout=LONG_MS)


@pytest.fixture(scope="module")
def two_exams(tmp_path_factory) -> tuple[Path, Path]:
    """Small made-up exams; the folder that comes first in a list holds the later one."""
    made = phantom.make_chest(3, phantom.ChestSpec(shape=(24, 40, 48), spacing_mm=(10.0, 8.0, 8.0), lung_ml=3000.0))
    folders = []
    for name, day in (("a-later", "2025-06-01"), ("b-earlier", "2025-01-15")):
        folders.append(tmp_path_factory.mktemp("exams") / name)
        write_exam(made, folders[-1], MadeUpExam("DEMO-7", day, f"order/{name}"))
    return folders[0], folders[1]


def test_terminal_and_window_list_exams_in_one_order_however_they_were_named(two_exams, tmp_path, secret):
    first, second = two_exams
    orders = []
    for paths in ((first, second), (second, first)):
        listed = [e.study_instance_uid for e in list_series(paths).exams]
        inspected = [e[0].facts.study_instance_uid for e in inspect(paths, protocol=default_protocol()).exams]
        plans = plan(Wishes(paths, tmp_path), protocol=default_protocol())
        planned = [e.choice.study_instance_uid for e in plans.exams]
        assert listed == inspected == planned
        orders.append(listed)
    assert orders[0] == orders[1]
    assert orders[0] == sorted(orders[0], reverse=True)  # not by UID, as files are found


def as_of_a_person(monkeypatch):
    """Made-up files say that identity was removed; here they do not."""
    from ssc_hrct import dicom

    found = dicom.find

    def find(paths, **options):
        seen = found(paths, **options)
        series = tuple(replace(s, identity=Identity(patient_id="MRN-1")) for s in seen.series)
        return replace(seen, series=series)

    monkeypatch.setattr(dicom, "find", find)


def test_looking_makes_no_secret_and_a_pseudonym_is_the_same_afterwards(two_exams, secret, monkeypatch):
    from ssc_hrct.app.opening import with_pseudonyms

    as_of_a_person(monkeypatch)
    listing = list_series(two_exams)
    assert [exam.named for exam in listing.exams] == [None, None]
    assert listing.no_pseudonyms == ""
    assert not secret.parent.exists()
    named = with_pseudonyms(listing)
    assert secret.exists()
    names = {exam.named.subject.id for exam in named.exams}
    assert len(names) == 1
    assert names.pop().startswith("subj-")
    assert [exam.named for exam in list_series(two_exams).exams] == [exam.named for exam in named.exams]


@pytest.mark.parametrize("content", [None, "not a secret"])
def test_a_folder_opens_where_the_secret_cannot_be_kept_or_read(two_exams, content, tmp_path, monkeypatch):
    from ssc_hrct.app.opening import with_pseudonyms

    as_of_a_person(monkeypatch)
    place = tmp_path / "file"
    place.write_text(content or "")
    monkeypatch.setenv("SSC_HRCT_SECRET", str(place if content else place / "secret"))
    listing = list_series(two_exams)
    assert len(listing.exams) == 2
    assert bool(listing.no_pseudonyms) == bool(content)
    assert with_pseudonyms(listing).no_pseudonyms.endswith("Type a subject.")
    assert [exam.named for exam in with_pseudonyms(listing).exams] == [None, None]


def test_a_nameless_subject_gets_its_pseudonym_with_the_score(qtbot, open_window, secret):
    window = opened(qtbot, open_window, nameless_listing())
    panel = window.reading.panel
    assert panel.subject.text() == ""
    assert panel.subject_note.text() == "A pseudonym, if left empty."
    assert panel.score.isEnabled()
    assert not secret.exists()
    score(qtbot, window)
    assert panel.subject.text().startswith("subj-")
    assert window.session.answer.result.row["subject_id"] == panel.subject.text()
    assert panel.subject_note.text() == "A pseudonym of this patient."
    assert window.line.text().startswith(f"Pseudonyms are made with the secret that is kept in '{secret}'.")


def test_a_typed_subject_needs_no_secret(qtbot, open_window, secret):
    window = opened(qtbot, open_window, nameless_listing())
    qtbot.keyClicks(window.reading.panel.subject, "0042")
    assert window.reading.panel.subject_note.text() == ""
    score(qtbot, window)
    assert window.session.answer.result.row["subject_id"] == "0042"
    assert not secret.exists()


def test_where_no_pseudonym_can_be_made_the_window_asks_for_a_subject(qtbot, open_window, no_secret):
    window = opened(qtbot, open_window, nameless_listing())
    panel = window.reading.panel
    qtbot.mouseClick(panel.score, Qt.MouseButton.LeftButton)
    assert window.session.scoring is None
    assert not panel.score.isEnabled()
    assert window.line.text() == (
        "No pseudonym can be made: its secret cannot be read or kept on this computer. Type a subject.")
    qtbot.keyClicks(panel.subject, "0042")
    score(qtbot, window)
    assert window.session.answer.result.row["subject_id"] == "0042"


def test_a_list_without_names_says_so_when_it_is_opened(qtbot, open_window):
    window = opened(qtbot, open_window, replace(nameless_listing(), no_pseudonyms="No pseudonym. Type a subject."))
    assert window.line.text() == "No pseudonym. Type a subject."
    assert window.reading.panel.subject_note.text() == ""
    assert not window.reading.panel.score.isEnabled()


@pytest.mark.parametrize(("source", "findings", "note"), [
    (Source.PSEUDONYM, (), "A pseudonym of this patient."),
    (Source.EXAM, (caution("SUBJECT_UNKNOWN", "made up"),), "A pseudonym of this exam alone."),
    (Source.PATIENT_ID, (), ""),
])
def test_a_pseudonym_says_that_it_is_one_until_another_name_is_typed(qtbot, open_window, source, findings, note):
    panel = opened(qtbot, open_window, under(source, "some-name", *findings)).reading.panel
    place = panel.visit.geometry()
    assert panel.subject_note.text() == note
    qtbot.keyClicks(panel.subject, "2")
    assert panel.subject_note.text() == ""
    assert panel.visit.geometry() == place


@pytest.mark.parametrize("named", [
    None, Named(Subject("exam-aaaaaaaaaa", pseudonym=True), Source.EXAM, (caution("SUBJECT_UNKNOWN", "made up"),)),
])
def test_what_is_said_of_a_subject_fits_into_the_smallest_window(qtbot, open_window, named):
    every = usual_listing()
    window = opened(qtbot, open_window, replace(every, exams=(replace(every.exams[0], named=named),)))
    window.resize(window.minimumSize())
    note = window.reading.panel.subject_note
    qtbot.waitUntil(lambda: window.width() == window.minimumWidth())
    qtbot.wait(20)
    assert note.text()
    assert note.sizeHint().width() <= note.width()


def test_scoring_again_under_another_subject_leaves_one_row_of_the_exam(qtbot, open_window, tmp_path):
    window = opened(qtbot, open_window, under(Source.PSEUDONYM, "subj-aaaaaaaaaa"))
    score(qtbot, window)
    score_as(qtbot, window, "0042")
    window.session.export(tmp_path)
    qtbot.waitUntil(lambda: not window.session.exporting)
    (_, rows), = window.session.backend.saved
    assert [row["subject_id"] for row in rows] == ["0042"]


def test_exams_of_two_patients_under_one_study_uid_stay_two_rows(qtbot, open_window, tmp_path):
    """An export that mixed two patients up: each is an exam of its own."""
    one = under(Source.PSEUDONYM, "subj-aaaaaaaaaa").exams[0]
    first = replace(one, series=one.series[:1], patient=1)
    other = replace(one.series[0], key="1.0")
    second = replace(one, series=(other,), patient=2, named=Named(Subject("subj-bbbbbbbbbb"), Source.PSEUDONYM))
    window = opened(qtbot, open_window, replace(usual_listing(), exams=(first, second)))
    score(qtbot, window)
    window.session.select("1.0")
    qtbot.waitUntil(lambda: window.session.volume is not None)
    score(qtbot, window)
    score_as(qtbot, window, "0042")
    window.session.export(tmp_path)
    qtbot.waitUntil(lambda: not window.session.exporting)
    (_, rows), = window.session.backend.saved
    assert [row["subject_id"] for row in rows] == ["subj-aaaaaaaaaa", "0042"]


def test_patients_under_one_study_uid_are_named_apart(two_exams, secret, monkeypatch):
    from ssc_hrct import dicom
    from ssc_hrct.app.opening import with_pseudonyms

    found = dicom.find

    def find(paths, **options):
        seen = found(paths, **options)
        uid = seen.series[0].acquisition.study_instance_uid
        return replace(seen, series=tuple(
            replace(s, identity=Identity(patient_id=f"MRN-{number}"),
                    acquisition=replace(s.acquisition, study_instance_uid=uid))
            for number, s in enumerate(seen.series)))

    monkeypatch.setattr(dicom, "find", find)
    exams = with_pseudonyms(list_series(two_exams)).exams
    assert len({exam.study_instance_uid for exam in exams}) == 1
    assert len({exam.named.subject.id for exam in exams}) == len({exam.patient for exam in exams}) == 2


def test_a_row_that_was_written_under_the_earlier_subject_is_told(qtbot, scored, tmp_path):
    scored.session.export(tmp_path)
    qtbot.waitUntil(lambda: not scored.session.exporting)
    assert "stayed" not in scored.line.text()
    score_as(qtbot, scored, "0042")
    scored.session.export(tmp_path)
    qtbot.waitUntil(lambda: not scored.session.exporting)
    assert scored.line.text().endswith("1 row written before under another subject stayed in it.")


# --- leaving --------------------------------------------------------------------------------------


def test_closing_with_scores_that_were_not_exported_says_so_once(scored):
    scored.close()
    assert scored.isVisible()
    assert scored.line.text() == "1 score is not exported yet. Export, or close once more to leave."
    assert scored.session.rows
    scored.close()
    assert not scored.isVisible()


def test_what_is_done_after_the_first_close_makes_the_next_one_a_first(scored):
    scored.close()
    scored.reading.panel.visit.setEditText("Baseline")
    scored.close()
    assert scored.isVisible()
    scored.close()
    assert not scored.isVisible()


def test_after_an_export_the_window_closes_at_once(qtbot, scored, tmp_path):
    scored.session.export(tmp_path)
    qtbot.waitUntil(lambda: not scored.session.exporting)
    scored.close()
    assert not scored.isVisible()


def test_a_full_disk_when_score_is_pressed_is_told_beside_the_score(qtbot, reading, monkeypatch):
    import tempfile

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(tempfile, "mkdtemp", full)
        qtbot.mouseClick(reading.reading.panel.score, Qt.MouseButton.LeftButton)
    assert reading.session.scoring is None
    assert "No space left on device" in reading.session.read.problem.text
    score(qtbot, reading)
    assert reading.session.read.problem.text == ""
