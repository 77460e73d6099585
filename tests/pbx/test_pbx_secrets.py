"""Passwords of the own PBX on disk."""

import stat
from pathlib import Path

import pytest

from backend.core.errors import PbxError
from backend.pbx.secrets_file import load_secrets


def test_they_are_made_once_and_differ(tmp_path: Path) -> None:
    first = load_secrets(tmp_path, ["1001"])
    assert load_secrets(tmp_path, ["1001"]) == first
    assert len({first.sip["1001"], first.ari, first.ami}) == 3


def test_a_new_account_does_not_change_the_others(tmp_path: Path) -> None:
    first = load_secrets(tmp_path, ["1001"])
    second = load_secrets(tmp_path, ["1001", "2001"])
    assert second.sip["1001"] == first.sip["1001"]
    assert second.sip["2001"] not in first.sip.values()


def test_only_the_owner_can_read_them(tmp_path: Path) -> None:
    load_secrets(tmp_path / "pbx", ["1001"])
    mode = (tmp_path / "pbx/secrets.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


@pytest.mark.parametrize("content", ["", "{", "[]", '{"sip": 3}', "\x00"])
def test_a_damaged_file_is_named_and_kept(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(content)
    with pytest.raises(PbxError, match=r"secrets\.json"):
        load_secrets(tmp_path, ["1001"])
    assert path.read_text() == content
