"""10,000 shuffled and doubled deliveries leave the same ledger as one clean pass.

5,000 statements about 400 submissions (revisions, replaced files, withdrawals) go into two daemons: into one in order
and once, into the other shuffled and each twice, half of the copies under an id of their own as a sender that forgot
makes them, while the daemon works on those that came before. Compared are the canonical projections, without what
depends on whether somebody looked at a version before it was replaced or withdrawn: facts, findings, grants and rounds
of those.
"""

from __future__ import annotations

import asyncio
import io
import json
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image, PngImagePlugin

from syncd.app import App
from syncd.ledger.tables.core import work
from syncd.sdk.source import RawItem
from syncd.settings import Settings
from syncd.testing.daemon import free_port
from syncd.testing.process import STANDING
from tests.support import projection, scenario

SUBMISSIONS = 400
STATEMENTS = 5_000
AT_ONCE = 64


@dataclass(frozen=True)
class Statement:
    """One delivery: the id its sender gave it, and what it says."""

    identifier: str
    body: bytes


def drawing(number: int, revision: int) -> bytes:
    """A small PNG of its own: few shapes, each with a comment that makes the bytes differ."""
    comment = PngImagePlugin.PngInfo()
    comment.add_text("number", f"{number}/{revision}")
    data = io.BytesIO()
    Image.new("RGB", (120 + number % 3 * 10, 110), (number % 256, revision * 9, 90)).save(data, "PNG", pnginfo=comment)
    return data.getvalue()


def revisions(number: int) -> int:
    """How many statements there are about a submission; they add up to STATEMENTS."""
    return STATEMENTS // SUBMISSIONS + number % 2


def name(number: int, revision: int) -> str:
    return f"s{number}-r{revision}.png"


def statements(media_url: str) -> list[Statement]:
    """All statements, in the order in which the world made them."""
    made = [
        _statement(number, revision, media_url)
        for revision in range(1, STATEMENTS // SUBMISSIONS + 2)
        for number in range(SUBMISSIONS)
        if revision <= revisions(number)
    ]
    assert len(made) == STATEMENTS
    return made


def _statement(number: int, revision: int, media_url: str) -> Statement:
    replaced = 7 if revision >= 7 and number % 2 else 1
    new = revision in (1, replaced)
    files = [{"key": "photo", "url": f"{media_url}/{name(number, replaced)}"}] if new else []
    says = {
        "external_id": f"s{number}", "sequence": revision, "tags": [f"r{revision}"], "files": files,
        "withdrawn": revision == revisions(number) and number % 4 == 3, "skus": [f"GL-{1 + number % 4:04}"],
        "creator": {"reference": f"c{number % 20}", "name": f"Creator {number % 20}"},
    }  # fmt: skip
    return Statement(f"s{number}-{revision}", json.dumps(says).encode())


def disordered(clean: list[Statement], rng: random.Random) -> list[Statement]:
    """Every statement twice, in any order; every other copy comes under an id of its own."""
    copies = [replace(one, identifier=f"{one.identifier}-again") if at % 2 else one for at, one in enumerate(clean)]
    both = [*clean, *copies]
    rng.shuffle(both)
    return both


@asynccontextmanager
async def daemon(root: Path) -> AsyncIterator[App]:
    """A daemon on a house of its own, in this process."""
    scenario.build(root)
    app = App(Settings(root=root, port=free_port(), min_free_mb=0))
    await app.start()
    try:
        yield app
    finally:
        await app.stop()


async def deliver(app: App, deliveries: list[Statement]) -> None:
    """Hand them over, AT_ONCE at a time."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(statement: Statement) -> None:
        async with turns:
            await app.reception.store("hook", RawItem(statement.body, statement.identifier))

    await asyncio.gather(*(one(statement) for statement in deliveries))


async def drained(app: App) -> None:
    """Return when nothing is left to do but what comes back for ever."""
    left = sa.select(sa.func.count()).where(work.c.kind.not_in(STANDING), work.c.due_at.is_not(None))
    while True:
        async with app.ledger.read() as reading:
            if not (await reading.execute(left)).scalar_one():
                return
        await asyncio.sleep(0.1)


async def outcome(root: Path, deliveries: list[Statement]) -> dict[str, Any]:
    """What a daemon makes of deliveries."""
    async with daemon(root) as app:
        await deliver(app, deliveries)
        await drained(app)
    ledger = f"sqlite:///{root}/var/ledger.db"
    await projection.invariants(ledger, root)
    return settled(await projection.project(ledger, root))


def settled(projected: dict[str, Any]) -> dict[str, Any]:
    """A projection without what depends on when somebody looked."""
    standing = {
        asset: f"{asset}@{len(versions)}"
        for asset, versions in projected["versions"].items()
        if versions[-1]["status"] != "withdrawn"
    }
    versions = {
        asset: [v if asset in standing and v["current"] else {**v, "facts": None, "findings": []} for v in those]
        for asset, those in projected["versions"].items()
    }
    kinds = {asset: facts for asset, facts in projected["assets"].items() if asset in standing}
    decisions = {key: made for key, made in projected["decisions"].items() if key in standing.values()}
    grants = [grant for grant in projected["grants"] if grant[0] in standing]
    return {**projected, "versions": versions, "assets": kinds, "decisions": decisions, "grants": grants}


@pytest.mark.timeout(400)
async def test_ten_thousand_shuffled_and_doubled_deliveries_leave_the_ledger_of_a_clean_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_KEY", scenario.KEY)
    files: Mapping[str, bytes] = {
        name(number, revision): drawing(number, revision) for number in range(SUBMISSIONS) for revision in (1, 7)
    }
    with scenario.media_host(files) as media_url:
        clean = statements(media_url)
        twice = disordered(clean, random.Random(7))
        assert len(twice) == 10_000
        expected = await outcome(tmp_path / "clean", clean)
        found = await outcome(tmp_path / "disordered", twice)
    assert len(expected["versions"]) == SUBMISSIONS
    assert sum(len(versions) for versions in expected["versions"].values()) == SUBMISSIONS * 3 // 2
    unlike = projection.difference(expected, found)
    assert not unlike, f"{unlike.count(chr(10)) + 1} differences, such as\n{unlike[:4000]}"
