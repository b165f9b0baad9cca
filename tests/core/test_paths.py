"""A path that the system refuses to look at is wrong usage, never a fault of the program."""

from __future__ import annotations

from pathlib import Path

import pytest

from ssc_hrct.core.errors import WrongUsage
from ssc_hrct.core.paths import is_there


def test_what_is_there_and_what_is_not(tmp_path: Path) -> None:
    assert is_there(tmp_path)
    assert not is_there(tmp_path / "none")


def test_a_name_that_is_too_long_is_told(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="cannot be looked at"):
        is_there(tmp_path / ("x" * 300))


def test_a_folder_that_may_not_be_entered_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, **how: object) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(WrongUsage, match="Permission denied"):
        is_there(tmp_path)
