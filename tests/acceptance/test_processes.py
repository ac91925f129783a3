"""Real processes: several on one PostgreSQL ledger, suspended, killed, drained; a second one on SQLite."""

from __future__ import annotations

import signal
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.testing.daemon import Daemon, DaemonDied, Nursery
from tests.support import projection, scenario
from tests.support.scenario import FILES, Play


class SlowHost(dict[str, bytes]):
    """Files of which the first reader of `slow.jpg` waits until a test lets it go on."""

    def __init__(self) -> None:
        super().__init__(FILES)
        self["slow.jpg"] = FILES["beach.jpg"]
        self.asked, self.go_on = threading.Event(), threading.Event()

    def get(self, name: str, default: object = None) -> bytes | None:  # type: ignore[override]
        if name == "slow.jpg" and not self.asked.is_set():
            self.asked.set()
            assert self.go_on.wait(60)
        return super().get(name)


class Houses:
    """Daemons on one house, and the media host they fetch from."""

    def __init__(self, root: Path, ledger: str, nursery: Nursery, files: SlowHost, media_url: str) -> None:
        self.root, self.ledger, self.nursery, self.files, self.media_url = root, ledger, nursery, files, media_url
        self.daemons: list[Daemon] = []
        scenario.build(root)

    def start(self, *, warm: bool = True) -> Daemon:
        environment = {"HOOK_KEY": scenario.KEY, "SYNCD_LEDGER": self.ledger, "SYNCD_BLOBS_SHARED": "true",
                       "SYNCD_BLOBS": str(self.root / "var" / "blobs")}  # fmt: skip
        now = {"now": self.daemons[0].now} if self.daemons else {}
        daemon = Daemon(self.root, self.nursery if warm else None, environment, **now)
        self.daemons.append(daemon)
        daemon.start()
        return daemon

    def submit_slow(self, daemon: Daemon) -> None:
        """A submission whose file the daemon begins to fetch, and goes on fetching."""
        play = Play(daemon, self.media_url, daemon.now)
        files = [{"key": "photo", "url": f"{self.media_url}/slow.jpg"}]
        play.send("slow", external_id="slow", files=files)
        for _ in range(10):  # what another process understood is due by that one's clock, which may be a little ahead
            if self.files.asked.wait(2):
                return
            daemon.advance(1)
        raise AssertionError(daemon.tail())

    async def versions(self) -> int:
        return len((await projection.read(self.ledger))["Version"])


@pytest.fixture
def files() -> SlowHost:
    return SlowHost()


@pytest.fixture
def houses(ledger_url: str, tmp_path: Path, nursery: Nursery, files: SlowHost) -> Iterator[Houses]:
    with scenario.media_host(files) as media_url:
        houses = Houses(tmp_path / uuid.uuid4().hex[:6] / "house", ledger_url, nursery, files, media_url)
        yield houses
        files.go_on.set()
        for daemon in houses.daemons:
            daemon.close()


postgres_only = pytest.mark.parametrize("ledger_url", ["postgresql"], indirect=True)
sqlite_only = pytest.mark.parametrize("ledger_url", ["sqlite"], indirect=True)


@postgres_only
async def test_every_lane_has_one_owner_among_two_processes(houses: Houses) -> None:
    first, second = houses.start(), houses.start()
    for _ in range(3):
        first.advance(5)
        second.advance(5)
    lanes = [set(daemon.ask("lanes")["lanes"]) for daemon in (first, second)]
    assert lanes[0] & lanes[1] == set()
    assert lanes[0] | lanes[1] == set(scenario.CONNECTORS)


@postgres_only
async def test_the_work_of_a_killed_process_is_finished_by_the_other_within_twenty_seconds(houses: Houses) -> None:
    first, second = houses.start(), houses.start()
    houses.submit_slow(first)
    first.kill()
    waited = 0
    while not await houses.versions():
        second.advance(1)
        waited += 1
        assert waited <= 20


@postgres_only
async def test_a_suspended_owner_that_wakes_after_its_lease_writes_nothing(houses: Houses) -> None:
    first = houses.start()
    first.settle()
    second = houses.start()
    second.settle()
    houses.submit_slow(first)
    first.signal(signal.SIGSTOP)
    second.advance(20)
    second.settle()
    assert second.ask("lanes")["lanes"]["hook"] == 2
    before = await projection.read(houses.ledger)
    houses.files.go_on.set()
    first.signal(signal.SIGCONT)
    first.wait_idle()
    first.ask("leap", seconds=20)
    first.wait_idle()
    after = await projection.read(houses.ledger)
    assert "hook" not in first.ask("lanes")["lanes"]
    for noun in ("Version", "SubmissionFile", "Asset", "Placement", "Operation"):
        assert after[noun] == before[noun]
    assert [event["kind"] for event in after["Event"]].count("version.received") == 1


@sqlite_only
async def test_a_second_process_on_an_embedded_ledger_is_refused(houses: Houses) -> None:
    houses.start()
    with pytest.raises(DaemonDied, match="another process holds the ledger"):
        houses.start()


async def test_on_sigterm_running_work_is_finished_and_the_process_ends_cleanly(houses: Houses) -> None:
    daemon = houses.start(warm=False)
    houses.submit_slow(daemon)
    daemon.signal(signal.SIGTERM)
    houses.files.go_on.set()
    assert daemon.wait() == 0
    rows = await projection.read(houses.ledger)
    assert [row["state"] for row in rows["SubmissionFile"]] == ["stored"]
    assert [row for row in rows["Work"] if row["claim_token"]] == []


async def test_a_drained_daemon_goes_on_where_it_was(houses: Houses) -> None:
    daemon = houses.start()
    houses.submit_slow(daemon)
    daemon.signal(signal.SIGTERM)
    houses.files.go_on.set()
    daemon.wait()
    daemon.start()
    daemon.settle()
    rows = await projection.read(houses.ledger)
    assert [row["status"] for row in rows["Version"]] == ["in_review"]
