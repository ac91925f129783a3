"""The daemon and the command line as two processes, from an empty folder to a plan that was applied."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.support.cli import Ran, start, syncd
from tests.support.postgres import free_port
from tests.support.world import World


@asynccontextmanager
async def running(root: Path, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """The real daemon; killed if the test does not stop it."""
    process = await start(root, port, "run")
    draining = asyncio.create_task(process.communicate())
    try:
        await until(lambda: answers(port))
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await draining


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await condition():
            await asyncio.sleep(0.05)


async def answers(port: int) -> bool:
    try:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"http://127.0.0.1:{port}/healthz")).is_success
    except httpx.TransportError:
        return False


async def test_init_writes_starters_that_are_right_and_keeps_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "people.yaml").write_text(
        "people:\n  - {mail: tom@acme.example, name: Tom, roles: [brand]}\n"
    )
    ran = await syncd(tmp_path, 1, "init", "--json")
    assert ran.code == 0
    assert ran.json["kept"] == ["mappings/people.yaml"]
    assert {"connectors/folder.yaml", "connectors/feed.yaml", "mappings/match.yaml", "var/token"} <= set(
        ran.json["written"]
    )
    assert (tmp_path / "var" / "token").stat().st_mode & 0o777 == 0o600
    checked = await syncd(tmp_path, 1, "check", "--json")
    assert (checked.code, checked.json["healthy"], checked.json["connections"]) == (
        0,
        True,
        ["feed", "folder", "table"],
    )


async def test_check_names_every_fault_with_its_place(tmp_path: Path) -> None:
    world = World(tmp_path)
    (tmp_path / "terms.pdf").unlink()
    world.write(
        "mappings/match.cases.yaml", "cases:\n  - {name: wrong, given: {file: {name: x.jpg}}, expect: {sku: A}}\n"
    )
    ran = await syncd(tmp_path, 1, "check")
    assert ran.code == 4
    assert "mappings/match.cases.yaml:2: wrong: sku: expected 'A', got ''" in ran.out
    assert "terms.pdf is not there" in ran.out
    world.write("mappings/specs.yaml", "specs: [{name: a}]\n")
    ran = await syncd(tmp_path, 1, "check")
    assert "mappings/specs.yaml:1:" in ran.out
    assert "→ Correct each place named above, then run `syncd check` again.  [config.check-failed]" in ran.err


async def test_a_daemon_that_cannot_start_says_why_in_one_line_and_fails(tmp_path: Path) -> None:
    ran = await syncd(tmp_path, free_port(), "run")
    assert ran.code == 4
    assert "the folder is missing" in ran.err
    assert "Traceback" not in ran.err
    ran = await syncd(tmp_path, 0, "run")
    assert ran.code == 4
    assert "SYNCD_PORT" in ran.err


async def test_without_a_daemon_or_a_token_commands_say_what_to_do(tmp_path: Path) -> None:
    ran = await syncd(tmp_path, free_port(), "connections")
    assert (ran.code, ran.err.count("syncd init")) == (1, 1)
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "token").write_text("syncd_0000_00000000000000000000000000000000\n")
    ran = await syncd(tmp_path, free_port(), "connections")
    assert ran.code == 3
    assert "Start it with `syncd run`" in ran.err


async def test_from_a_submission_to_an_applied_plan_and_a_clean_end(tmp_path: Path) -> None:
    world, port = World(tmp_path), free_port()
    world.submit("GL-0001.jpg")

    async def run(*arguments: str) -> Ran:
        return await syncd(tmp_path, port, *arguments)

    async with running(tmp_path, port) as daemon:

        async def in_review() -> bool:
            return "in_review" in (await run("status", "--json")).out

        await until(in_review)
        held = await run("plan")
        assert held.code == 0
        assert "nothing written yet" in held.out
        [shop] = [line for line in held.out.splitlines() if line.startswith("  shop")]
        assert "1 held: version 1 of GL-0001.jpg is in review" in shop
        assert "syncd explain" in shop

        world.write("mappings/specs.yaml", "specs: [{name: a}]\n")
        refused = await run("reload")
        assert refused.code == 4
        assert "mappings/specs.yaml:1:" in refused.err
        daemon.send_signal(signal.SIGHUP)
        refused = await run("plan", "--json")
        assert (refused.code, '"config.invalid"' in refused.err) == (4, True)
        assert (await run("connections")).code == 0  # it survived the signal, too

        assert "The rest" not in (await run("pause", "shop", "--writes", "--except", "takedown")).out
        assert "writes paused: syncd resume shop" in (await run("connections")).out
        await run("resume", "shop")
        assert (await run("pause", "shop", "--except", "takedown")).code == 2
        job = (await run("resync", "--all", "--key", "one", "--json")).json["id"]
        assert (await run("resync", "--all", "--key", "one", "--json")).json["id"] == job

        plan = (await run("plan", "--active", "--json")).json
        applied = await run("apply", plan["id"])
        assert f"Plan {plan['id']} was applied" in applied.out
        assert {c["name"]: c["applied_at"] is not None for c in (await run("connections", "--json")).json["items"]} == {
            "catalog": True, "creators": False, "dam": True, "shop": True,
        }  # fmt: skip
        assert (await run("apply", "0000")).code == 1

        daemon.terminate()
        assert await asyncio.wait_for(daemon.wait(), 30) == 0
