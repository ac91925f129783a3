from __future__ import annotations

import hashlib
import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support import systems

from syncd.errors import ConfigError, TransientError
from syncd.sdk.library import LibraryItem
from syncd.sdk.roles import Role
from syncd.systems.folder import FolderOptions, FolderSystem
from syncd.testing.clock import ManualClock

V1, V2, V3 = b"first version", b"second version", b"third version"
BYTES = {hashlib.sha256(content).hexdigest(): content for content in (V1, V2, V3)}


def library(root: Path, clock: ManualClock, **options: str) -> FolderSystem:
    given = FolderOptions.model_validate({"path": "dam", **options})
    return FolderSystem(systems.context(root, clock, media=BYTES), given, Role.LIBRARY)


def item(content: bytes, version: int, title: str = "Beach at dawn", status: str = "approved") -> LibraryItem:
    media = systems.media(content, version=version, name=f"x-{version}.jpg")
    return LibraryItem(media, title, status, datetime(2027, 1, 1, tzinfo=UTC), {"creator": "Mia"})


def tree(root: Path) -> dict[str, object]:
    """Path → content; of JSON what matters."""
    found: dict[str, object] = {}
    for path in sorted((root / "dam").rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            found[path.relative_to(root / "dam").as_posix()] = (
                json.loads(content) if path.suffix == ".json" else content
            )
    return found


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def test_a_version_is_held_with_its_facts_beside(tmp_path, clock):
    state = await library(tmp_path, clock).put(item(V1, 1))
    assert (state.sha256, state.status, state.exists) == (digest(V1), "approved", True)
    assert state.url.startswith("file://")
    held = tree(tmp_path)
    assert held["A1/beach-at-dawn.jpg"] == V1
    record = held["A1/beach-at-dawn.jpg.json"]
    assert record["sha256"] == digest(V1)
    assert record["rights_until"] == "2027-01-01T00:00:00+00:00"
    assert record["metadata"] == {"creator": "Mia"}
    assert len(held) == 2


async def test_an_older_version_goes_to_the_archive_and_stays_readable(tmp_path, clock):
    system = library(tmp_path, clock, url="https://dam.example/files/")
    await system.put(item(V1, 1))
    state = await system.put(item(V2, 2, title="Dusk"))
    held = tree(tmp_path)
    archived = f"A1/archive/v1-{digest(V1)[:8]}.jpg"
    assert held[archived] == V1
    assert held[f"{archived}.json"]["status"] == "superseded"
    assert {name for name in held if "archive" not in name} == {"A1/dusk.jpg", "A1/dusk.jpg.json"}
    assert state.url == "https://dam.example/files/A1/dusk.jpg"


async def test_the_same_version_again_writes_facts_but_no_bytes(tmp_path, clock):
    system = library(tmp_path, clock)
    await system.put(item(V1, 1))
    before = (tmp_path / "dam/A1/beach-at-dawn.jpg").stat()
    await system.put(item(V1, 1, title="New title", status="live"))
    after = (tmp_path / "dam/A1/new-title.jpg").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert set(tree(tmp_path)) == {"A1/new-title.jpg", "A1/new-title.jpg.json"}
    assert (await system.read(["A1"]))[0].status == "live"


async def test_what_is_read_is_what_lies_there(tmp_path, clock):
    system = library(tmp_path, clock)
    await system.put(item(V1, 1))
    (tmp_path / "dam/A1/beach-at-dawn.jpg").write_bytes(b"tampered")
    (state, absent) = await system.read(["A1", "A2"])
    assert state.sha256 == digest(b"tampered")
    assert not absent.exists
    assert (await system.put(item(V1, 1))).sha256 == digest(V1)
    kept = [content for name, content in tree(tmp_path).items() if "archive" in name and name.endswith(".jpg")]
    assert kept == [b"tampered"]


async def test_a_withdrawn_asset_is_archived_with_its_status_and_can_come_back(tmp_path, clock):
    system = library(tmp_path, clock)
    await system.put(item(V1, 1))
    for _ in range(2):
        state = await system.withdraw("A1", "expired")
        assert (state.exists, state.status) == (False, "expired")
    assert set(tree(tmp_path)) == {f"A1/archive/v1-{digest(V1)[:8]}.jpg", f"A1/archive/v1-{digest(V1)[:8]}.jpg.json"}
    assert (await system.put(item(V1, 1))).exists
    assert (await system.withdraw("A2", "withdrawn")).exists is False


async def test_bytes_that_are_not_the_versions_are_not_held(tmp_path, clock):
    wrong = systems.context(tmp_path, clock, media={digest(V2): V1})
    system = FolderSystem(wrong, FolderOptions(path="dam"), Role.LIBRARY)
    await library(tmp_path, clock).put(item(V1, 1))
    with pytest.raises(TransientError):
        await system.put(item(V2, 2))
    assert (await system.read(["A1"]))[0].sha256 == digest(V1)


class Killed(BaseException):
    """Stands for kill -9."""


class Killer:
    """Kills before the n-th step that changes names on disk."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
        self.at, self.count = at, 0
        for name in ("replace", "rename", "link", "unlink"):
            monkeypatch.setattr(os, name, self._counted(getattr(os, name)))

    def _counted(self, step):
        def counted(*args, **kwargs):
            self.count += 1
            if self.count == self.at:
                self.at = 0
                raise Killed
            return step(*args, **kwargs)

        return counted


async def interrupted(root: Path, clock: ManualClock, at: int, act) -> bool:
    """Whether `act` was killed before its step `at`."""
    with pytest.MonkeyPatch.context() as patch:
        killer = Killer(patch, at)
        # write_atomically tidies up when an error passes; a killed process does not: keep what was there.
        try:
            await act(library(root, clock))
        except Killed:
            return True
        assert killer.count < at
        return False


@pytest.mark.parametrize("act", ["first", "new version", "same title", "retitled", "withdraw", "return"])
async def test_killed_before_any_step_the_same_call_completes_it(tmp_path, clock, act: str):
    async def before(system: FolderSystem) -> None:
        if act != "first":
            await system.put(item(V1, 1))
        if act == "return":
            await system.withdraw("A1", "expired")

    async def step(system: FolderSystem) -> None:
        if act == "withdraw":
            await system.withdraw("A1", "expired")
        elif act == "retitled":
            await system.put(item(V1, 1, title="Dusk"))
        else:
            await system.put(
                item(
                    V1 if act in ("first", "return") else V2,
                    2,
                    title="Dusk" if act == "new version" else "Beach at dawn",
                )
            )

    await before(library(tmp_path / "whole", clock))
    await step(library(tmp_path / "whole", clock))
    expected, at = tree(tmp_path / "whole"), 1
    while True:
        root = tmp_path / "cut"
        shutil.rmtree(root, ignore_errors=True)
        await before(library(root, clock))
        if not await interrupted(root, clock, at, step):
            break
        assert all(content in (V1, V2) for name, content in tree(root).items() if name.endswith(".jpg"))
        await step(library(root, clock))
        assert tree(root) == expected, f"killed before step {at}"
        assert not [path for path in root.rglob(".*") if path.is_file()]
        at += 1
    assert at > 2


async def test_killed_between_versions_the_one_after_next_finds_everything(tmp_path, clock):
    at = 1
    while True:
        root = tmp_path / "cut"
        shutil.rmtree(root, ignore_errors=True)
        await library(root, clock).put(item(V1, 1))
        killed = await interrupted(root, clock, at, lambda system: system.put(item(V2, 2)))
        state = await library(root, clock).put(item(V3, 3))
        held = tree(root)
        assert state.sha256 == digest(V3)
        assert held[f"A1/archive/v1-{digest(V1)[:8]}.jpg"] == V1
        second = [name for name, content in held.items() if content == V2]
        assert second in ([], [f"A1/archive/v2-{digest(V2)[:8]}.jpg"]), f"killed before step {at}"
        current = [name for name in held if "archive" not in name]
        assert current == ["A1/beach-at-dawn.jpg", "A1/beach-at-dawn.jpg.json"]
        at += 1
        if not killed:
            break


def test_options_of_the_other_role_are_refused(tmp_path, clock):
    with pytest.raises(ConfigError, match="settle"):
        library(tmp_path, clock, settle="2s")
    with pytest.raises(ConfigError, match="url"):
        FolderSystem(systems.context(tmp_path, clock), FolderOptions(path="x", url="https://a.example"), Role.SOURCE)
