"""What is sealed opens with its key, at its place, and nowhere else."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.errors import ConfigError
from syncd.ledger.vault import SealedElsewhere, Vault

OLD, NEW = bytes(range(32)), bytes(range(1, 33))


def written(key: bytes) -> str:
    return base64.b64encode(key).decode()


@settings(deadline=None)
@given(st.binary(max_size=200), st.text(max_size=30), st.text(max_size=30))
def test_it_opens_at_its_place_and_at_no_other(content: bytes, place: str, other: str) -> None:
    vault = Vault([OLD])
    sealed = vault.seal(content, place)
    assert vault.open(sealed, place) == content
    assert len(content) < 4 or content not in sealed
    if other != place:
        with pytest.raises(SealedElsewhere):
            vault.open(sealed, other)


def test_the_same_is_never_sealed_twice_alike() -> None:
    vault = Vault([OLD])
    assert vault.seal(b"x", "p") != vault.seal(b"x", "p")


def test_two_keys_live_while_one_replaces_the_other(tmp_path: Path) -> None:
    before = Vault.of(written(OLD), tmp_path / "key")
    between = Vault.of(f"{written(NEW)}, {written(OLD)}\n", tmp_path / "key")
    after = Vault.of(written(NEW).rstrip("="), tmp_path / "key")
    sealed = before.seal(b"x", "p")
    assert between.open(sealed, "p") == b"x"
    assert not between.is_current(sealed)
    assert after.open(between.seal(b"x", "p"), "p") == b"x"
    assert not after.knows(sealed)
    with pytest.raises(SealedElsewhere, match="p was sealed with the key 630dcd29; known are"):
        after.open(sealed, "p")


@pytest.mark.parametrize("at", [0, 3, 10, -1])
def test_a_byte_that_was_changed_is_noticed(at: int) -> None:
    sealed = bytearray(Vault([OLD]).seal(b"content", "p"))
    sealed[at] ^= 1
    with pytest.raises(SealedElsewhere):
        Vault([OLD]).open(bytes(sealed), "p")


@pytest.mark.parametrize("wrong", ["short", written(OLD[:31]), written(OLD) + "," + "x" * 44, "!" * 44])
def test_a_key_that_is_none_is_refused_without_being_told(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        Vault.of(wrong, tmp_path / "key")
    assert "SYNCD_CREDENTIALS_KEY: key" in str(refused.value)
    assert wrong.split(",")[-1] not in str(refused.value)


def test_without_a_setting_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "var" / "credentials.key"
    sealed = Vault.of("", path).seal(b"x", "p")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["credentials.key"]
    assert Vault.of(" ", path).open(sealed, "p") == b"x"
    path.write_text("")
    with pytest.raises(ConfigError, match=r"credentials\.key: key 1"):
        Vault.of("", path)
