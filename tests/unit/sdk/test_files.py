from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from syncd.errors import TransientError
from syncd.sdk import files


def test_a_move_never_overwrites_other_bytes(tmp_path: Path):
    (tmp_path / "new.jpg").write_bytes(b"new")
    (tmp_path / "there.jpg").write_bytes(b"old")
    placed = files.move_new(tmp_path / "new.jpg", tmp_path / "there.jpg")
    assert placed.name.startswith("there.")
    assert placed.read_bytes() == b"new"
    assert (tmp_path / "there.jpg").read_bytes() == b"old"
    assert not (tmp_path / "new.jpg").exists()


def test_a_move_across_devices_keeps_bytes_and_time(tmp_path: Path, monkeypatch):
    def other_device(*args: object) -> None:
        raise OSError(errno.EXDEV, "other device")

    monkeypatch.setattr(os, "link", other_device)
    source = tmp_path / "a"
    source.write_bytes(b"bytes")
    os.utime(source, ns=(1, 1_700_000_000_000_000_000))
    placed = files.move_new(source, tmp_path / "far" / "a")
    assert placed.read_bytes() == b"bytes"
    assert placed.stat().st_mtime_ns == 1_700_000_000_000_000_000
    assert not source.exists()


def test_moving_again_after_an_interruption_completes_it(tmp_path: Path):
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(b"bytes")
    os.link(source, target)  # killed between the two names
    assert files.move_new(source, target) == target
    assert not source.exists()


def test_a_failed_write_leaves_the_old_content(tmp_path: Path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fail(*args: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="full"):
        files.write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


async def test_a_stream_with_other_bytes_is_not_kept(tmp_path: Path):
    async def chunks():
        yield b"other"

    with pytest.raises(TransientError):
        await files.write_stream(tmp_path / "a", chunks(), "0" * 64)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", ".hidden", "", "Ä ö", "x" * 200, "a.", "con\0"])
def test_a_dangerous_identifier_becomes_a_harmless_name(name: str):
    safe = files.safe_name(name)
    assert "/" not in safe
    assert not safe.startswith(".")
    assert 0 < len(safe) < 120
    assert safe != name


def test_different_identifiers_get_different_names():
    assert files.safe_name("a/b") != files.safe_name("a:b")
    assert files.safe_name("GL-0412") == "GL-0412"
