"""What sources are told: as often as something changed, with what was stated, what they noted, and which file it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from syncd.ledger.tables.core import submissions
from tests.support.world import PHOTOS, World

CONNECTOR = '''
import json

from syncd.domain.delivery import Delivery
from syncd.errors import TransientError
from syncd.sdk.roles import Role
from syncd.sdk.source import RawItem, SourcePage
from syncd.sdk.system import Options, System


class Lines(System):
    """Statements as lines of JSON; answers too."""

    name, roles, options, example = "lines", frozenset({Role.SOURCE}), Options, ""

    def __init__(self, context, options, role):
        self._root = context.root

    def verify(self, request):
        raise NotImplementedError

    async def poll(self, since):
        lines = (self._root / "in.jsonl").read_bytes().splitlines()
        yield SourcePage([RawItem(line) for line in lines[int(since or 0):]], str(len(lines)))

    def receive(self, item):
        return [Delivery.model_validate(json.loads(item.body))]

    async def open(self, file):
        if file.reference == "slow":
            raise TransientError("It takes its time.")
        yield (self._root / file.reference).read_bytes()

    async def stored(self, files):
        pass

    async def respond(self, status):
        reasons = [[reason.file, reason.code, reason.say] for reason in status.reasons]
        told = {"id": status.external_id, "status": status.status, "files": dict(status.files), "reasons": reasons,
                "note": status.note, "terms": status.delivery.terms, "caption": status.delivery.caption}
        with (self._root / "told.jsonl").open("a") as file:
            print(json.dumps(told), file=file)
        return f"{status.note}+"

    async def check(self):
        return "here"
'''
HEAD = "connector: lines\nbrand: acme\nroles: [source]\nowner: dana@acme.example\npoll: 1s\n"


class Lines:
    """The source of these tests."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.write("connectors/lines.py", CONNECTOR)
        world.write("connectors/wire.yaml", HEAD)
        self.written = ""
        self.say()

    def say(self, **statement: Any) -> None:
        self.written += json.dumps(statement) + "\n" if statement else ""
        self.world.write("in.jsonl", self.written)

    def told(self, name: str) -> list[dict[str, Any]]:
        path = self.world.root / "told.jsonl"
        lines = map(json.loads, path.read_text().splitlines()) if path.exists() else ()
        return [line for line in lines if line["id"] == name]

    async def until_told(self, name: str, status: str) -> dict[str, Any]:
        async def last() -> dict[str, Any] | None:
            return next((line for line in reversed(self.told(name)) if line["status"] == status), None)

        found: dict[str, Any] = await self.world.until(last)
        return found


def file(key: str, reference: str) -> dict[str, str]:
    return {"key": key, "name": f"{key}.jpg", "reference": reference}


async def test_sources_are_told_what_they_need_to_answer(tmp_path: Path) -> None:
    world = World(tmp_path)
    lines = Lines(world)
    (tmp_path / "photo.jpg").write_bytes((PHOTOS / "hiking.jpg").read_bytes())
    await world.start()

    lines.say(external_id="bare", title="No file")
    assert (await lines.until_told("bare", "received"))["files"] == {}

    since = world.clock.now()
    lines.say(external_id="slow", files=[file("a", "slow")])
    assert (await lines.until_told("slow", "received"))["files"] == {"a": "received"}
    assert (world.clock.now() - since).total_seconds() < 30

    lines.say(external_id="s", sequence=1, terms="unheard-of", files=[file("a", "photo.jpg")])
    held = await lines.until_told("s", "held")
    [(about, code, say)] = held["reasons"]
    assert (about, code) == ("a", "no-grant")
    assert "Write which terms you accepted" in say

    lines.say(external_id="s", sequence=3, amends=True, terms="c26")
    granted = await lines.until_told("s", "in_review")
    assert granted["reasons"] == []

    lines.say(external_id="s", sequence=4, amends=True, caption="Glow", reference="another mail")
    await world.until(lambda: said(lines, "Glow"))
    lines.say(external_id="s", sequence=2, amends=True, terms="too late")
    await world.clock.advance(5)
    [row] = await world.rows(sa.select(submissions).where(submissions.c.external_id == "s"))
    assert (row.facts["terms"], row.facts["caption"], row.sequence) == ("c26", "Glow", 4)

    notes = [line["note"] for line in lines.told("s")]
    assert notes == ["+" * number for number in range(len(notes))]
    assert row.note == "+" * len(notes)
    await world.stop()


async def said(lines: Lines, caption: str) -> bool:
    return any(line["caption"] == caption for line in lines.told("s"))
