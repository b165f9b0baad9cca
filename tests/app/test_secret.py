"""The secret of a site: made once, kept private, its place may be set, and a wrong file is left alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ssc_hrct.app.secret import PLACE_VARIABLE, load_secret, secret_place
from ssc_hrct.core.errors import HrctError


def test_it_is_made_once_and_read_the_next_time(tmp_path: Path) -> None:
    place = tmp_path / "new" / "secret"
    first, second = load_secret(place), load_secret(place)
    assert (first.made, second.made) == (True, False)
    assert first.key == second.key
    assert len(first.key) == 32
    assert [p.name for p in place.parent.iterdir()] == ["secret"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_its_owner_alone_may_read_it(tmp_path: Path) -> None:
    load_secret(tmp_path / "secret")
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_two_places_have_two_secrets_and_a_copied_file_is_the_same_one(tmp_path: Path) -> None:
    here, there = load_secret(tmp_path / "a"), load_secret(tmp_path / "b")
    assert here.key != there.key
    (tmp_path / "c").write_bytes((tmp_path / "a").read_bytes())
    assert load_secret(tmp_path / "c").key == here.key


def test_the_one_who_comes_second_takes_what_the_first_made(tmp_path: Path) -> None:
    """Between looking and making, another run makes one."""
    place = tmp_path / "secret"

    def late(size: int) -> bytes:
        load_secret(place)
        return b"z" * size

    assert load_secret(place, make=late).key != b"z" * 32


def test_the_place_is_the_option_then_the_environment_then_the_users_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PLACE_VARIABLE, str(tmp_path / "env"))
    assert secret_place(tmp_path / "option") == tmp_path / "option"
    assert secret_place() == tmp_path / "env"
    monkeypatch.delenv(PLACE_VARIABLE)
    assert secret_place().name == "pseudonym.secret"


@pytest.mark.parametrize("content", [b"", b"hello", b"ab" * 31, b"\xff" * 64])
def test_a_file_that_is_no_secret_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(HrctError) as told:
        load_secret(tmp_path / "secret")
    assert told.value.code == "BAD_SECRET"
    assert (tmp_path / "secret").read_bytes() == content


def test_a_place_that_cannot_be_written_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HrctError, match="--secret"):
        load_secret(tmp_path / "file" / "secret")


def test_the_secret_is_not_shown(tmp_path: Path) -> None:
    secret = load_secret(tmp_path / "secret")
    assert secret.key.hex() not in repr(secret)
    assert repr(secret.key) not in repr(secret)
