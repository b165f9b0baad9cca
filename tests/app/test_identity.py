"""Whose exam it is: what the user says, what a file may say, a pseudonym; and what never gets out."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from ssc_hrct.app.identity import Named, Source, check_subject_id, name_each
from ssc_hrct.core.errors import WrongUsage
from ssc_hrct.core.subject import Identity

KEY = b"k" * 32


def named(*exams: tuple[str, Identity], given: dict[str, str] | None = None, keep: bool = False) -> dict[str, Named]:
    names = [(given or {}).get(study) for study, _ in exams]
    each = name_each(exams, given=names, keep_patient_id=keep, key=lambda: KEY)
    return {study: name for (study, _), name in zip(exams, each, strict=True)}


def no_key() -> bytes:
    raise AssertionError("the secret must not be asked for")


def test_the_users_name_comes_first() -> None:
    name = named(("1.1", Identity("4711", removed=True)), given={"1.1": " 0007 "})["1.1"]
    assert (name.subject.id, name.source, name.findings) == ("0007", Source.GIVEN, ())


def test_a_patient_number_goes_out_only_where_identity_was_removed_or_the_user_asks_to_keep_it() -> None:
    shy, bare = Identity("4711"), Identity("LIDC-0002", removed=True)
    assert named(("1.1", bare))["1.1"].subject.id == "LIDC-0002"
    assert named(("1.1", shy), keep=True)["1.1"] .subject.id == "4711"
    assert named(("1.1", shy), keep=True)["1.1"].source is Source.KEPT_PATIENT_ID
    hidden = named(("1.1", shy))["1.1"]
    assert hidden.subject.pseudonym
    assert "4711" not in hidden.subject.id


def test_no_secret_is_asked_for_where_no_pseudonym_is_needed() -> None:
    exams = [("1.1", Identity("4711", removed=True)), ("1.2", Identity(""))]
    assert name_each(exams, given=[None, "b"], keep_patient_id=False, key=no_key)


def test_a_pseudonym_is_the_same_for_one_patient_and_another_for_another_patient_or_secret() -> None:
    exams = named(("1.1", Identity("4711 ")), ("1.2", Identity("4711")), ("1.3", Identity("4712")))
    assert exams["1.1"].subject == exams["1.2"].subject != exams["1.3"].subject
    (other,) = name_each([("1.1", Identity("4711"))], keep_patient_id=False, key=lambda: b"x" * 32)
    assert other.subject != exams["1.1"].subject


def test_a_pseudonym_is_keyed_so_that_hashing_all_numbers_does_not_find_it() -> None:
    name = named(("1.1", Identity("4711")))["1.1"].subject.id
    digest = hmac.new(KEY, b"patient\x004711", hashlib.sha256).digest()
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    bits = "".join(f"{byte:08b}" for byte in digest)
    assert name == "subj-" + "".join(alphabet[int(bits[5 * i:5 * i + 5], 2)] for i in range(10))


@pytest.mark.parametrize("keep", [False, True])
def test_an_empty_patient_number_gives_a_name_by_exam_and_a_caution(keep: bool) -> None:
    exams = named(("1.1", Identity("  ", removed=True)), ("1.2", Identity("")), keep=keep)
    assert exams["1.1"].subject != exams["1.2"].subject
    assert [f.code for n in exams.values() for f in n.findings] == ["SUBJECT_UNKNOWN", "SUBJECT_UNKNOWN"]


@pytest.mark.parametrize(
    ("one", "other"),
    [(Identity("ANON", "19500101", "F"), Identity("ANON", "19610203", "F")),
     (Identity("ANON", "19500101", "F", removed=True), Identity("ANON", "19500101", "M", removed=True))],
)
def test_a_number_shared_by_two_people_names_neither(one: Identity, other: Identity) -> None:
    exams = named(("1.1", one), ("1.2", other), ("1.3", Identity("B", "19500101", "F")), keep=True)
    assert exams["1.1"].subject != exams["1.2"].subject
    assert [f.code for f in exams["1.1"].findings] == ["SUBJECT_UNKNOWN"]
    assert exams["1.3"].subject.id == "B"


def test_a_birth_date_that_one_exam_lacks_is_no_disagreement() -> None:
    exams = named(("1.1", Identity("4711", "19500101", "F")), ("1.2", Identity("4711", "", "")), keep=True)
    assert {n.subject.id for n in exams.values()} == {"4711"}


@pytest.mark.parametrize(
    ("one", "other", "names"),
    [(Identity("P1", removed=True), Identity("P2", removed=True), {"P1", "P2"}),
     (Identity("P1"), Identity("P2"), None), (Identity("P1"), Identity(""), None)],
)
def test_two_patients_under_one_study_uid_are_two_subjects_and_doubtful(
    one: Identity, other: Identity, names: set[str] | None
) -> None:
    both = name_each([("1.1", one), ("1.1", other)], keep_patient_id=False, key=lambda: KEY)
    subjects = {n.subject.id for n in both}
    assert len(subjects) == 2
    assert names is None or subjects == names
    assert [[f.code for f in n.findings] for n in both] == [["SUBJECT_UNKNOWN"]] * 2
    assert all(n.findings[0].detail for n in both)
    alone = name_each([("1.1", one)], keep_patient_id=False, key=lambda: KEY)[0]
    assert alone.subject == both[0].subject, "scoring the exam alone gives the same name"
    assert alone.findings == ()


def test_two_doubtful_patients_under_one_study_uid_do_not_become_one() -> None:
    exams = [("1.1", Identity("A", "1950")), ("1.1", Identity("B", "1950")),
             ("1.2", Identity("A", "1960")), ("1.3", Identity("B", "1960"))]
    named = name_each(exams, keep_patient_id=False, key=lambda: KEY)
    assert len({n.subject.id for n in named}) == 4


def test_names_that_the_user_gives_stand_in_the_order_of_the_exams_and_leave_no_doubt() -> None:
    exams = [("1.1", Identity("P1")), ("1.1", Identity("P2"))]
    named = name_each(exams, given=["0007", "0008"], keep_patient_id=False, key=no_key)
    assert [(n.subject.id, n.findings) for n in named] == [("0007", ()), ("0008", ())]


@pytest.mark.parametrize("odd", ["47\x0011", "x" * 65, "a\u202eb", "a\\b"])
def test_a_patient_number_that_cannot_stand_in_a_row_is_replaced_even_where_it_may_be_kept(odd: str) -> None:
    assert named(("1.1", Identity(odd, removed=True)))["1.1"].subject.pseudonym


@pytest.mark.parametrize("text", ["", "   ", "x" * 65, "a\nb", "a\tb", "a\x7fb", "a\u2028b", "a\\b"])
def test_a_name_that_cannot_stand_in_a_row_is_wrong_usage(text: str) -> None:
    with pytest.raises(WrongUsage):
        check_subject_id(text)


@pytest.mark.parametrize("text", ["0007", "1e5", "S-01/2", "Jörg", "x" * 64])
def test_other_names_stay_as_typed(text: str) -> None:
    assert check_subject_id(f" {text} ") == text
