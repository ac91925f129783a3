"""The listener on the person's machine takes the one answer it waits for, and the authorization as people see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from syncd.cli.loopback import CannotListen, Listener
from syncd.clock import SystemClock
from syncd.flow.operate import authorization, signin
from syncd.flow.plan.activate import reload
from tests.support import oauth
from tests.support.oauth import ACCOUNT, SECRET, Vendor
from tests.support.terminal import type_in
from tests.support.world import World


async def get(url: str) -> tuple[int, str]:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(url)
    return answer.status_code, answer.text


async def test_only_the_answer_to_what_was_asked_is_taken() -> None:
    async with Listener() as listener:
        at = listener.redirect_uri
        assert at.startswith("http://127.0.0.1:")
        assert (await get(f"{at}?code=early&state="))[0] == 400
        listener.state = "the-state"
        waiting = asyncio.create_task(listener.answer(SystemClock(), 60))
        assert (await get(f"{at}?code=c&state=another"))[0] == 400
        assert (await get(f"{at}?code=c"))[0] == 400
        status, page = await get(f"{at}any/path?code=c%2F1&state=the-state")
        assert (status, "You may close this page" in page) == (200, True)
        assert (await waiting).endswith("any/path?code=c%2F1&state=the-state")


async def test_who_pastes_is_told_what_to_copy_and_nothing_is_taken() -> None:
    async with Listener() as listener:
        listener.state, listener.pasted = "s", True
        assert "Copy the address of this page" in (await get(f"{listener.redirect_uri}?code=c&state=s"))[1]
        assert await listener.answer(SystemClock(), 0.01) == ""


async def test_a_registered_port_that_is_taken_is_named() -> None:
    async with Listener() as listener:
        with pytest.raises(CannotListen, match=listener.redirect_uri.split(":")[2].rstrip("/")):
            async with Listener(listener.redirect_uri):
                pass
    async with Listener("http://localhost:0/back") as listener:
        assert listener.redirect_uri == "http://localhost:0/back"


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    async with Vendor().serving() as vendor:
        yield vendor


async def test_a_connection_that_no_longer_needs_a_person_stops_asking_for_one(
    tmp_path: Path, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDOR_SECRET", SECRET)
    world = World(tmp_path)
    world.write("connectors/vendor.py", oauth.CONNECTOR)
    world.write("connectors/creators-vendor.yaml", oauth.connection(vendor.url))
    await world.start()
    try:
        services, name = world.services, "creators-vendor"
        [told] = await world.open_exceptions("connection")
        assert (told.code, told.owner, told.subject) == ("credential.missing", "dana@acme.example", name)
        shown = await type_in(world, "status")
        assert f"syncd connect {name}" in shown.text
        begun = await signin.begin(services, name, "http://127.0.0.1:9/", by="tester")
        async with httpx.AsyncClient(trust_env=False) as client:
            back = (await client.get(begun.url)).headers["location"]
        connected = await signin.finish(services, name, back, "", by="tester")
        assert [finding.said for finding in connected.findings] == [f"signed in as {ACCOUNT}"]
        assert await world.open_exceptions("connection") == []
        done = await authorization.disconnect(services, name, by="tester")
        assert not done.revoked, "this vendor was not said to have a place for that"
        assert len(await world.open_exceptions("connection")) == 1
        world.write("connectors/creators-vendor.yaml", oauth.connection(vendor.url, "client-credentials"))
        await reload(services, None, "tester")
        assert await world.open_exceptions("connection") == []
    finally:
        await world.stop()
