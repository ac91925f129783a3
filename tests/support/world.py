"""A small brand with a real daemon in the test's process: folder in, DAM, catalogue, feed out; time moves itself."""

from __future__ import annotations

import asyncio
import io
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
import yaml
from PIL import Image

from syncd.app import App
from syncd.domain.review import Verdict
from syncd.flow.review.decide import Ruling, decide
from syncd.flow.standing import set_standing
from syncd.ledger.tables.core import exceptions, placements, versions
from syncd.settings import Settings
from syncd.testing.rest import RestingClock
from tests.support.postgres import free_port

PHOTOS = Path(__file__).parents[2] / "examples" / "media"
G = "{http://base.google.com/ns/1.0}"
STUDIO = "https://cdn.acme.example/studio/"

FILES = {
    "connectors/creators.yaml": (
        "connector: folder\nbrand: acme\nroles: [source]\nowner: dana@acme.example\npoll: 1s\n"
        "options: {path: inbox, settle: 0s}\n"
    ),
    "connectors/catalog.yaml": (
        "connector: table\nbrand: acme\nroles: [catalog]\nowner: dana@acme.example\nwrites: ask\npoll: 5s\n"
        "options: {source: products.csv, media_file: links.csv}\n"
    ),
    "connectors/dam.yaml": (
        "connector: folder\nbrand: acme\nroles: [library]\nowner: dana@acme.example\nwrites: ask\n"
        "options: {path: dam}\n"
    ),
    "connectors/shop.yaml": (
        "connector: feed\nbrand: acme\nroles: [channel]\nmarkets: [US]\nowner: dana@acme.example\nwrites: ask\n"
        "poll: 1h\nmedia: {medium: web, at_least: 1}\noptions: {title: Acme, base: base.xml}\n"
    ),
    "mappings/brands.yaml": (
        "brands:\n  - name: acme\n    zone: Europe/Berlin\n    owner: dana@acme.example\n"
        "    brake: {share: 5%, at_least: 1}\n    markets: [{name: US, territory: US, language: en-US}]\n"
    ),
    "mappings/people.yaml": (
        "people:\n  - {mail: tom@acme.example, name: Tom, roles: [brand]}\n"
        "  - {mail: dana@acme.example, name: Dana, roles: [operations]}\n"
    ),
    "mappings/briefs.yaml": (
        "briefs:\n  - {name: pair, title: Both, owner: dana@acme.example, skus: [GL-0001, GL-0002]}\n"
    ),
    "mappings/specs.yaml": (
        "specs:\n  - {name: square, kind: image, width: 200, height: 200, fit: pad, min_width: 100,\n"
        "     source: a page, dated: 2026-11-03}\n"
    ),
    "mappings/match.yaml": (
        "match:\n  - {name: a person said so, table: overrides.csv}\n"
        "  - {name: file name, in: file.name, find: '(?P<sku>GL-\\d{4})'}\n  - {name: brief, sku: brief.skus}\n"
    ),
    "mappings/overrides.csv": "file,sku\n",
    "mappings/matrix.yaml": (
        "matrix:\n  - name: photo\n    from: image\n    make: [{for: shop, spec: square, as: lifestyle}]\n"
    ),
    "mappings/rights.yaml": (
        "rights:\n"
        "  - {name: studio, when: asset.origin == 'studio', grant: owned}\n"
        "  - name: dated\n    when: has(submission.fields.until)\n    grant: {document: terms.pdf, "
        "until: submission.fields.until, territory: [US], medium: [web], use: [organic]}\n"
        "  - name: creator\n    when: submission.terms == 'c26'\n    grant: {document: terms.pdf, lasts: 2y, "
        "territory: [US], medium: [web], use: [organic]}\n"
    ),
    "mappings/reviews.yaml": (
        "reviews:\n  - {name: all, ask: [brand], approver: tom@acme.example}\n"
        "reasons: {blurred: {say: Not sharp, fix: creator}}\n"
    ),
}

_LOOK_EVERY = 0.1
"""Real seconds between two looks while something is being worked on; a look costs more than a turn of the loop."""


class World:
    """One brand, one daemon."""

    def __init__(self, root: Path, ledger_url: str = "", clock: RestingClock | None = None, skus: int = 3) -> None:
        self.root, self.clock = root, clock or RestingClock()
        self.ledger_url = ledger_url
        self.port = free_port()
        self.app: App | None = None
        self._write_files(skus)

    def _write_files(self, skus: int) -> None:
        for name, text in FILES.items():
            self.write(name, text)
        (self.root / "inbox").mkdir()
        (self.root / "terms.pdf").write_bytes(b"%PDF-1.7 terms of 2026")
        self.products([(f"GL-{n:04}", "active", "v1") for n in range(1, skus + 1)])
        self.base([f"GL-{n:04}" for n in range(1, skus + 1)])

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def products(self, rows: list[tuple[str, str, str]]) -> None:
        lines = [f"{sku},{4006381300000 + int(sku[3:])},Serum {sku},{status},{v}" for sku, status, v in rows]
        self.write("products.csv", "sku,gtin,title,status,version\n" + "\n".join(lines) + "\n")

    def base(self, skus: list[str]) -> None:
        items = "".join(
            f"<item><g:id>{sku}</g:id><g:title>Serum</g:title><g:image_link>{STUDIO}{sku}.jpg</g:image_link></item>"
            for sku in skus
        )
        self.write(
            "base.xml",
            '<?xml version="1.0"?><rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>'
            f"<title>Acme</title><link>https://acme.example</link><description>d</description>{items}</channel></rss>",
        )

    # --- the daemon ----------------------------------------------------------------------------------------------

    async def start(self) -> App:
        settings = Settings(
            _env_file=None,
            root=self.root,
            port=self.port,
            ledger=self.ledger_url,
            min_free_mb=1,
            workers=1,
            blobs_shared=True,
            backups=self.root / "backups",
        )  # type: ignore[call-arg]  # _env_file is pydantic-settings' own
        self.app = App(settings, self.clock)
        await self.app.start()
        return self.app

    async def stop(self) -> None:
        if self.app:
            app, self.app = self.app, None
            stopping = asyncio.create_task(app.stop())
            while not stopping.done():
                await self.clock.advance(1)
                await asyncio.sleep(0.005)
            await stopping

    @property
    def services(self) -> Any:
        assert self.app
        return self.app.services

    async def until(self, condition: Callable[[], Awaitable[Any]], seconds: float = 90.0) -> Any:
        """Let time pass whenever nothing is being worked on, until something holds; real seconds only bound it."""
        assert self.app
        loop, looked = asyncio.get_running_loop(), -1.0
        async with asyncio.timeout(seconds):
            while True:
                if self._rests() or loop.time() - looked > _LOOK_EVERY:
                    if found := await condition():
                        return found
                    looked = loop.time()
                    if self._rests():
                        await self.clock.advance(min(self.clock.next_wake() or 1.0, 1.0))
                await asyncio.sleep(0.002)

    def _rests(self) -> bool:
        assert self.app
        return not self.clock.running() and not self.app.inbox.depth

    async def allow(self, *connections: str) -> None:
        """Let these connections write, as applying their first plan does."""
        async with self.services.ledger.write() as transaction:
            for name in connections or ("catalog", "dam", "shop"):
                values = {"applied_at": transaction.now, "revision": self.services.configuration.active.bundle.revision}
                await set_standing(transaction, "acme", name, values)

    # --- what people do ------------------------------------------------------------------------------------------

    def submit(self, name: str, *, colour: str = "red", size: tuple[int, int] = (300, 240), **facts: Any) -> None:
        """Put a picture and its sidecar into the folder."""
        picture = io.BytesIO()
        Image.new("RGB", size, colour).save(picture, "JPEG", quality=90)
        self.submit_bytes(name, picture.getvalue(), **facts)

    def submit_photo(self, name: str, photo: str, **facts: Any) -> None:
        self.submit_bytes(name, (PHOTOS / photo).read_bytes(), **facts)

    def submit_bytes(self, name: str, data: bytes, **facts: Any) -> None:
        sidecar = {
            "creator": {"reference": "mia", "name": "Mia K.", "mail": "mia@example.com"},
            "terms": "c26",
            **facts,
        }
        inbox = self.root / "inbox"
        (inbox / Path(name).with_suffix(".yaml").name).write_text(yaml.safe_dump(sidecar))
        partial = inbox / f"{name}.part"
        partial.write_bytes(data)
        shutil.move(partial, inbox / name)

    async def approve(self, name: str, number: int = 1) -> str:
        """Wait for a version to be in review and approve it; returns the asset's id."""
        row = await self.until(lambda: self.version(name, number, "in_review"))
        await decide(self.services, row.id, Ruling("tom@acme.example", Verdict.APPROVE))
        return str(row.asset_id)

    async def publish(self, name: str, **facts: Any) -> str:
        """From submission to live everywhere."""
        self.submit(name, **facts)
        asset = await self.approve(name)
        await self.until(lambda: self.all_live(asset))
        await self.clock.rest()
        return asset

    # --- what can be seen ----------------------------------------------------------------------------------------

    async def rows(self, query: sa.Select[Any]) -> list[Any]:
        async with self.services.ledger.read() as reading:
            return list((await reading.execute(query)).all())

    async def version(self, name: str, number: int, status: str = "") -> Any:
        query = sa.select(versions).where(versions.c.file_name == name, versions.c.number == number)
        found = await self.rows(query.where(versions.c.status == status) if status else query)
        return found[0] if found else None

    async def placed(self, asset: str) -> dict[str, list[str]]:
        """States of an asset's placements by connection, oldest first."""
        found: dict[str, list[str]] = {}
        query = sa.select(placements).where(placements.c.asset_id == asset).order_by(placements.c.version_number)
        for row in await self.rows(query):
            found.setdefault(row.connection, []).append(row.state)
        return found

    async def all_live(self, asset: str) -> bool:
        placed = await self.placed(asset)
        return set(placed) == {"catalog", "dam", "shop"} and all(states[-1] == "live" for states in placed.values())

    async def all_gone(self, asset: str) -> bool:
        placed = await self.placed(asset)
        return bool(placed) and all(set(states) == {"gone"} for states in placed.values())

    async def open_exceptions(self, kind: str = "") -> list[Any]:
        query = sa.select(exceptions).where(exceptions.c.closed_at.is_(None))
        return await self.rows(query.where(exceptions.c.kind == kind) if kind else query)

    async def feed(self) -> dict[str, list[str]]:
        """The published feed, parsed by an independent reader: images of each item in order."""
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"http://127.0.0.1:{self.port}/feeds/shop.xml")
        assert answer.status_code == 200, answer.text
        items = ET.fromstring(answer.content).iter("item")
        return {
            str(item.findtext(f"{G}id")): [
                str(e.text) for e in item if e.tag in (f"{G}image_link", f"{G}additional_image_link")
            ]
            for item in items
        }

    async def fetch(self, url: str) -> httpx.Response:
        async with httpx.AsyncClient() as client:
            return await client.get(url)
