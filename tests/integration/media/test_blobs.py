"""The object store in a folder, in memory and in a bucket: whole, durable, named by content."""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]  # ships no types
import pytest
from moto.server import ThreadedMotoServer

from syncd.errors import ConfigError, HostileInput, NotFoundError
from syncd.media.blobs import BlobStore

DATA = os.urandom(12_000_000)  # three parts of a multipart upload
HASH = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["folder", "memory", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BlobStore:
    if request.param == "folder":
        return BlobStore.open((tmp_path / "store").as_uri())
    if request.param == "memory":
        return BlobStore.open("memory://")
    endpoint = request.getfixturevalue("endpoint")
    settings = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    bucket = f"b{abs(hash(request.node.name))}"
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket=bucket)
    return BlobStore.open(f"s3://{bucket}/some/prefix")


async def pieces(data: bytes, size: int = 70_000) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def collected(stream: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in stream])


async def test_bytes_come_back_by_their_hash(store: BlobStore, tmp_path: Path) -> None:
    info = await store.put_stream(pieces(DATA), limit=len(DATA))
    assert (info.hash, info.size) == (HASH, len(DATA))
    (tmp_path / "file").write_bytes(DATA)
    assert await store.put_bytes(DATA) == info == await store.put_file(tmp_path / "file")
    assert await store.read(HASH) == DATA
    assert await collected(store.stream(HASH)) == DATA
    assert await collected(store.stream(HASH, 10, 2_000_010)) == DATA[10:2_000_010]
    assert await collected(store.stream(HASH, 11_999_000)) == DATA[11_999_000:]
    assert await collected(store.stream(HASH, 5, 5)) == b""
    async with store.local_path(HASH, ".jpg") as path:
        assert path.read_bytes() == DATA


async def test_an_object_is_listed_until_it_is_deleted(store: BlobStore) -> None:
    infos = [await store.put_bytes(bytes([each])) for each in range(3)]
    found = {each.hash: each async for each in store.list()}
    assert set(found) == {each.hash for each in infos}
    modified = found[infos[0].hash].modified
    assert modified is not None
    assert abs(modified - datetime.now(UTC)) < timedelta(minutes=2)
    seen = await store.stat(infos[0].hash)
    assert seen is not None
    assert seen.size == 1
    await store.delete(infos[0].hash)
    await store.delete(infos[0].hash)
    assert await store.stat(infos[0].hash) is None
    assert len([each async for each in store.list()]) == 2


async def test_the_collector_leaves_what_was_stored_anew(store: BlobStore) -> None:
    info = await store.put_bytes(b"once more")
    assert not await store.collect(info.hash, datetime.now(UTC) - timedelta(hours=1))
    assert await store.read(info.hash) == b"once more"
    assert await store.collect(info.hash, datetime.now(UTC) + timedelta(hours=1))
    assert await store.stat(info.hash) is None
    assert not await store.collect(info.hash, datetime.now(UTC) + timedelta(hours=1))


async def test_what_is_missing_is_not_found(store: BlobStore) -> None:
    for hash in ("0" * 64, "../../etc/passwd", ""):
        with pytest.raises(NotFoundError):
            await store.read(hash)
        with pytest.raises(NotFoundError):
            await collected(store.stream(hash))
        with pytest.raises(NotFoundError):
            async with store.local_path(hash):
                pass


async def test_too_many_bytes_leave_nothing_behind(store: BlobStore, tmp_path: Path) -> None:
    with pytest.raises(HostileInput) as caught:
        await store.put_stream(pieces(DATA), limit=len(DATA) - 1)
    assert caught.value.reason == "too-large"
    assert [each async for each in store.list()] == []
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


async def test_a_stream_that_breaks_leaves_nothing_behind(store: BlobStore, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield DATA
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await store.put_stream(broken(), limit=10**9)
    assert [each async for each in store.list()] == []
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


async def test_named_objects_are_replaced_and_kept_apart(store: BlobStore) -> None:
    assert await store.read_named("anchors/acme.json") is None
    await store.put_named("anchors/acme.json", b"one")
    await store.put_named("anchors/acme.json", b"two")
    assert await store.read_named("anchors/acme.json") == b"two"
    assert [each async for each in store.list()] == []


async def test_equal_objects_put_at_once_are_one(store: BlobStore) -> None:
    await asyncio.gather(*(store.put_bytes(DATA) for _ in range(5)))
    assert [each.hash async for each in store.list()] == [HASH]


async def test_only_a_bucket_is_shared(store: BlobStore) -> None:
    assert store.shared is store.url.startswith("s3://")


async def test_file_and_folders_are_synced_before_a_put_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def watched(handle: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{handle}"))
        real(handle)

    store = BlobStore.open(str(tmp_path))
    monkeypatch.setattr(os, "fsync", watched)
    await store.put_bytes(DATA)
    assert synced[0].startswith(str(tmp_path / "partial"))
    top = tmp_path / "blobs"
    folders = {top / HASH[:2] / HASH[2:4], top / HASH[:2], top, tmp_path}
    assert {str(each) for each in folders} <= set(synced[1:])


async def test_a_large_object_passes_in_little_memory(tmp_path: Path) -> None:
    async def large() -> AsyncIterator[bytes]:
        for _ in range(3000):
            yield bytes(100_000)

    store = BlobStore.open(str(tmp_path))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    info = await store.put_stream(large(), limit=10**9)
    async for _ in store.stream(info.hash):
        pass
    assert info.size == 300_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


async def test_leftovers_of_interrupted_puts_are_discarded_by_age(tmp_path: Path) -> None:
    store = BlobStore.open(str(tmp_path))
    old, new = tmp_path / "partial" / "old", tmp_path / "partial" / "new"
    for path in (old, new):
        path.write_bytes(b"x")
    now = datetime.now(UTC)
    os.utime(old, (now.timestamp() - 7200, now.timestamp() - 7200))
    assert await store.discard_partial(now - timedelta(hours=1)) == 1
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.parametrize("url", ["ftp://host/x", "file://relative/path", "http://host/x", "s3://", "redis://x"])
def test_a_url_of_no_store_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigError):
        BlobStore.open(url)


def test_a_plain_path_is_a_folder(tmp_path: Path) -> None:
    store: Any = BlobStore.open(str(tmp_path / "new" / "folder"))
    assert (tmp_path / "new" / "folder").is_dir()
    assert not store.shared
