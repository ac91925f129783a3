"""A ledger as it is after years: listings of a shop whose galleries hold our pictures, all live and all as they should be."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from syncd.mapping.rulebook import Rulebook

BRAND, SHOP, SPEC, ROLE = "acme", "shop-us", "square", "lifestyle"
LISTINGS, EACH = 20_000, 5
FILES = {
    "connectors/silent.py": '''"""A channel that must not be spoken to: every call is counted and fails."""
from syncd.sdk.roles import Role
from syncd.sdk.system import Options, System


class Silent(System):
    name, sdk, roles, options, example = "silent", 1, frozenset({Role.CHANNEL}), Options, ""
    max_batch, call_deadline = 50, 10.0
    calls = 0

    def __init__(self, context, options, role):
        pass

    def _refuse(self, *_):
        Silent.calls += 1
        raise AssertionError("an unchanged resync called the channel")

    check = observe = apply = check_gone = _refuse

    async def close(self):
        pass
''',
    "connectors/catalog.yaml": (
        "connector: table\nbrand: acme\nroles: [catalog]\nowner: dana@acme.example\noptions: {source: products.csv}\n"
    ),
    "connectors/shop-us.yaml": (
        "connector: silent\nbrand: acme\nroles: [channel]\nowner: dana@acme.example\nmarkets: [US]\nwrites: 'on'\n"
        "media: {medium: web, slots: 2..11, at_least: 1}\n"
    ),
    "mappings/brands.yaml": (
        "brands:\n  - name: acme\n    zone: Europe/Berlin\n    owner: dana@acme.example\n"
        "    markets: [{name: US, territory: US, language: en-US}]\n"
    ),
    "mappings/people.yaml": "people: [{mail: tom@acme.example, name: Tom, roles: [brand]}]\n",
    "mappings/specs.yaml": (
        "specs:\n  - {name: square, kind: image, width: 800, height: 800, fit: pad, source: a page, dated: 2026-11-03}\n"
    ),
    "mappings/match.yaml": "match: [{name: brief, sku: brief.skus}]\n",
    "mappings/matrix.yaml": (
        "matrix:\n  - name: photo\n    from: image\n    make: [{for: shop-us, spec: square, as: lifestyle}]\n"
    ),
    "mappings/rights.yaml": "rights: [{name: studio, when: asset.origin == 'studio', grant: owned}]\n",
    "mappings/reviews.yaml": "reviews: [{name: all, ask: [brand], approver: tom@acme.example}]\n",
}


def write_files(root: Path) -> None:
    """The configuration, and an empty catalogue."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "products.csv").write_text("sku,title\n")


def fill(ledger: Path, rulebook: Rulebook, now: datetime) -> None:
    """Write the rows of LISTINGS listings with EACH placements each: assets with an approved version, granted, matched,
    rendered, live and seen under their public names behind one picture of the shop's own.
    """
    connection = sqlite3.connect(ledger)
    connection.execute("PRAGMA synchronous=OFF")
    at, year = _written(now - timedelta(days=30)), _written(now + timedelta(days=365))
    for table, rows in _rows(rulebook.bundle.revision, at, year).items():
        _insert(connection, table, rows)
    connection.commit()
    connection.execute("ANALYZE")
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _written(instant: datetime) -> str:
    return instant.replace(tzinfo=None).isoformat(" ", "microseconds")


def _insert(connection: sqlite3.Connection, table: str, rows: Iterator[dict[str, Any]]) -> None:
    first = next(rows)
    marks = ", ".join(f":{name}" for name in first)
    columns = ", ".join(f'"{name}"' for name in first)
    statement = f'INSERT INTO "{table}" ({columns}) VALUES ({marks})'
    connection.execute(statement, first)
    connection.executemany(statement, rows)


def _rows(revision: str, at: str, year: str) -> dict[str, Iterator[dict[str, Any]]]:
    """Generators of rows, in an order that keeps foreign keys."""
    listings, items = range(LISTINGS), _items
    return {
        "blob": ({"hash": _sha(i), "size": 9, "stored_at": at} for i, _ in items()),
        "product": (
            {
                "brand": BRAND, "sku": f"GL-{n:05}", "connection": "catalog", "gtin": str(n), "status": "active",
                "version": "v1", "title": f"Serum {n}", "observed_at": at,
                "facts": json.dumps({
                    "sku": f"GL-{n:05}", "parent": "", "gtin": str(n), "title": f"Serum {n}", "status": "active",
                    "version": "v1", "names": {}, "fields": {"category": "face", "size": "50 ml"},
                }),
            }
            for n in listings
        ),
        "submission": (
            {
                "id": f"S{n}", "brand": BRAND, "connection": "creators", "external_id": str(n), "brief": "",
                "campaign": "", "facts": "{}", "people_shown": False, "received_at": at, "answered": "",
            }
            for n in listings
        ),
        "license": (
            {
                "id": f"G{n}", "brand": BRAND, "source": f"S{n}:terms", "basis": "licence", "document": "terms.pdf",
                "document_sha256": "", "starts": at, "ends": year,
                "scope": json.dumps({"territory": ["US"], "medium": ["web"], "use": ["organic"], "channels": ["*"]}),
            }
            for n in listings
        ),
        "asset": (
            {
                "id": f"A{i}", "brand": BRAND, "submission_id": f"S{n}", "key": str(i), "kind": "image",
                "origin": "creator", "title": f"Picture {i}", "owner": "dana@acme.example", "created_at": at,
                "withdrawn_because": "",
            }
            for i, n in items()
        ),
        "asset_license": ({"asset_id": f"A{i}", "grant_id": f"G{n}"} for i, n in items()),
        "version": (
            {
                "id": f"V{i}", "brand": BRAND, "asset_id": f"A{i}", "number": 1, "sequence": 1, "sha256": _sha(i),
                "file_name": f"{i}.jpg", "status": "approved", "current": True, "received_at": at, "approved_at": at,
                "facts": json.dumps({"kind": "image", "format": "jpeg", "width": 2400, "height": 2400}),
            }
            for i, _ in items()
        ),
        "match": (
            {
                "brand": BRAND, "asset_id": f"A{i}", "sku": f"GL-{n:05}", "status": "confirmed", "rule": "brief",
                "location": "", "product_version": "v1", "explanation": "[]", "revision": revision, "at": at,
            }
            for i, n in items()
        ),
        "intent": (
            {
                "version_id": f"V{i}", "revision": revision, "brand": BRAND,
                "targets": json.dumps([
                    ["catalog", "library-copy", "master", _sha(i), "", "", ""],
                    [SHOP, SPEC, ROLE, _rendition(i), "photo", "matrix.yaml:2:5", ""],
                ]),
            }
            for i, _ in items()
        ),
        "rendition": (
            {
                "brand": BRAND, "key": _rendition(i), "version_id": f"V{i}", "spec": SPEC, "revision": revision,
                "sha256": _sha(i), "media_type": "image/jpeg", "width": 800, "height": 800, "size": 9, "reason": "",
                "made_at": at,
            }
            for i, _ in items()
        ),
        "public_name": (
            {
                "name": _name(i), "brand": BRAND, "connection": SHOP, "rendition": _rendition(i), "sha256": _sha(i),
                "media_type": "image/jpeg", "size": 9, "created_at": at,
            }
            for i, _ in items()
        ),
        "placement": (
            {
                "id": f"P{i}", "brand": BRAND, "connection": SHOP, "listing": f"listing:{n}",
                "key": f"A{i}:{ROLE}:{SPEC}", "asset_id": f"A{i}", "version_id": f"V{i}", "version_number": 1,
                "spec": SPEC, "role": ROLE, "fingerprint": _rendition(i), "name": _name(i), "state": "live",
                "slot": 2 + i % EACH, "external_id": f"x{i}", "cause": "", "inferred": False, "revision": revision,
                "changed_at": at, "live_at": at,
            }
            for i, n in items()
        ),
        "listing": (
            {
                "brand": BRAND, "connection": SHOP, "listing": f"listing:{n}", "market": "US", "sku": f"GL-{n:05}",
                "exists": True, "gallery": json.dumps(_gallery(n)), "issues": "[]", "observed_at": at, "revision": "",
                "released": "",
            }
            for n in listings
        ),
        "work": (
            {
                "brand": BRAND, "lane": SHOP, "kind": "publish", "key": f"listing:{n}", "urgency": 0, "due_at": year,
                "generation": -1 - n, "attempts": 0,
            }
            for n in listings
        ),
    }  # fmt: skip


def _items() -> Iterable[tuple[int, int]]:
    """(item, listing) of every placement."""
    return ((number * EACH + at, number) for number in range(LISTINGS) for at in range(EACH))


def _gallery(listing: int) -> list[dict[str, str]]:
    """What was seen: the shop's own picture, then ours in the order they rank."""
    own = {"external_id": f"own{listing}", "url": "https://cdn.example/own.jpg", "name": "", "role": "", "fetched": ""}
    ours = sorted(range(listing * EACH, (listing + 1) * EACH), key=lambda i: f"A{i}")
    return [own] + [
        {"external_id": f"x{i}", "url": f"https://x.example/m/{_name(i)}", "name": _name(i), "role": "", "fetched": ""}
        for i in ours
    ]


def _sha(item: int) -> str:
    return f"{item:064x}"


def _rendition(item: int) -> str:
    return f"{item + 2**200:064x}"


def _name(item: int) -> str:
    return f"{item:020x}-{item:016x}.jpg"
