"""kill -9 anywhere: nothing acknowledged is lost, and the daemon comes to the same end as one that was left in peace.

An undisturbed run of the scenario counts its points: before and after every commit and every call that leaves the
process. Other runs die at points drawn from them, start again and come to rest. Compared is the canonical projection,
which `tests.support.projection` writes down.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from syncd.testing.daemon import Daemon, Nursery
from syncd.testing.points import STAGES
from tests.support import projection, scenario
from tests.support.postgres import Postgres

STRATA = ("intake", "check", "review", "render", "publish", "takedown")
SEED = int(os.environ.get("KILL_SEED", "20261122"))


@dataclass(frozen=True)
class Kill:
    """One run that was killed: the note it left ({} if it never came to the point) and what was wrong afterwards."""

    point: str
    note: dict[str, Any]
    fault: str = ""

    @property
    def in_flight(self) -> bool:
        return bool(self.note) and (self.note["stage"] in STAGES or bool(self.note["running"]))


@dataclass(frozen=True)
class Store:
    """Where ledgers of one kind are made."""

    name: str
    folder: Path
    server: Postgres | None = None

    def ledger(self, root: Path) -> str:
        """The URL of a new, empty ledger for a house."""
        if self.server is None:
            return f"sqlite:///{root}/var/ledger.db"
        database = f"k{uuid.uuid4().hex[:12]}"
        asyncio.run(self._create(database))
        return self.server.url(database)

    async def _create(self, database: str) -> None:
        assert self.server is not None
        admin = await asyncpg.connect(self.server.url("postgres"))
        await admin.execute(f'CREATE DATABASE "{database}"')
        await admin.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    server = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    return Store(request.param, tmp_path, server)


class House:
    """One daemon on a house and ledger of its own."""

    def __init__(self, store: Store, nursery: Nursery, media_url: str, *arguments: str) -> None:
        self.root = store.folder / uuid.uuid4().hex[:8] / "house"
        scenario.build(self.root)
        self.ledger = store.ledger(self.root)
        environment = {"HOOK_KEY": scenario.KEY, "SYNCD_LEDGER": self.ledger, "SYNCD_BLOBS_SHARED": "true",
                       "SYNCD_BLOBS": str(self.root / "var" / "blobs")}  # fmt: skip
        self.daemon = Daemon(self.root, nursery, environment, list(arguments))
        self.rights_end = scenario.RIGHTS_END[store.name]
        self.play = scenario.Play(self.daemon, media_url, self.rights_end)

    def project(self) -> dict[str, Any]:
        return asyncio.run(projection.project(self.ledger, self.root, self.rights_end.isoformat()))

    def acknowledged_is_there(self, rows: projection.Rows) -> None:
        assert self.play.acknowledged <= {row["vendor_id"] for row in rows["Inbox"]}, "an acknowledged item is lost"

    def after_death(self) -> None:
        """What must hold of what a killed process left, before anything repairs it."""
        try:
            rows = asyncio.run(projection.read(self.ledger))
        except Exception:
            assert not self.play.acknowledged
            return  # it died before there was a schema
        self.acknowledged_is_there(rows)
        doubt = Counter((row["lane"], row["listing"]) for row in rows["OperationItem"] if row["result"] == "")
        assert max(doubt.values(), default=0) <= 1, f"more than one operation is in doubt: {doubt}"

    def at_rest(self) -> None:
        """What must hold at the end."""
        asyncio.run(projection.invariants(self.ledger, self.root))
        self.acknowledged_is_there(asyncio.run(projection.read(self.ledger)))


@pytest.fixture
def undisturbed(store: Store, nursery: Nursery, media_url: str) -> tuple[dict[str, Any], list[tuple[str, int, str]]]:
    """The projection of a run in peace, and the points it passed."""
    house = House(store, nursery, media_url)
    try:
        house.play.run(died=lambda: pytest.fail(f"it died by itself:\n{house.daemon.tail()}"))
        points = house.daemon.ask("points")["points"]
        house.daemon.terminate()
        house.at_rest()
        return house.project(), [(stage, number, act) for stage, number, act in points]
    finally:
        house.daemon.close()


def draw(points: Sequence[tuple[str, int, str]], number: int, rng: random.Random) -> list[str]:
    """Points to die at: some of each stratum, most of the others with work in flight, a tenth anywhere."""
    by_stage: dict[str, list[str]] = {}
    for stage, ordinal, _ in points:
        by_stage.setdefault(stage, []).append(f"{stage}:{ordinal}")
    share = max(2, number * 6 // 100)
    drawn = [rng.choice(by_stage[stage]) for stage in STRATA for _ in range(share)]
    working = [point for stage, those in by_stage.items() if stage in STAGES for point in those]
    anywhere = [point for those in by_stage.values() for point in those]
    drawn += rng.sample(anywhere, number // 10)
    return drawn + rng.sample(working, number - len(drawn))


def killed(point: str, store: Store, nursery: Nursery, media_url: str, expected: dict[str, Any]) -> Kill:
    """Take a house through the scenario, dying once at `point`."""
    note = store.folder / f"note-{uuid.uuid4().hex}"
    house = House(store, nursery, media_url, "--crash", point, "--note", str(note))
    fault = ""
    try:
        house.play.run(house.after_death)
        house.daemon.terminate()
        house.at_rest()
        fault = projection.difference(expected, house.project())
    except Exception as error:
        fault = f"{type(error).__name__}: {error}\n{house.daemon.tail()}"
    finally:
        house.daemon.close()
    return Kill(point, json.loads(note.read_text()) if note.exists() else {}, fault)


Run = Callable[[int], list[Kill]]


@pytest.fixture
def run_kills(store: Store, nursery: Nursery, media_url: str, undisturbed: Any) -> Run:
    expected, points = undisturbed

    def run(number: int) -> list[Kill]:
        drawn = draw(points, number, random.Random(SEED))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(lambda point: killed(point, store, nursery, media_url, expected), drawn))

    return run


def check(kills: Sequence[Kill]) -> Counter[str]:
    """Every run ended as the undisturbed one; returns how many died in each stage."""
    faults = [f"--- killed at {kill.point} {kill.note.get('act')}\n{kill.fault}" for kill in kills if kill.fault]
    assert not faults, f"{len(faults)} of {len(kills)} differ\n" + "\n".join(faults)
    died = [kill for kill in kills if kill.note]
    assert len(died) >= 0.9 * len(kills), [kill.point for kill in kills if not kill.note]
    assert sum(kill.in_flight for kill in kills) >= 0.8 * len(kills)
    return Counter(kill.note["stage"] for kill in died)


@pytest.mark.timeout(1200)
def test_twenty_kills_change_nothing(run_kills: Run) -> None:
    died = check(run_kills(20))
    assert all(died[stage] >= 1 for stage in STRATA), died


@pytest.mark.soak
@pytest.mark.timeout(14400)
def test_two_hundred_kills_change_nothing(run_kills: Run) -> None:
    died = check(run_kills(200))
    assert all(died[stage] >= 10 for stage in STRATA), died
