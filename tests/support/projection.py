"""The canonical projection: what a ledger and the world around it come to, free of ids and instants.

Two runs that were given the same things must project to equal values, however they were interrupted, reordered or
repeated. Identifiers become names (`connection/submission/key` of an asset, `…@2` of its second version), instants and
random tokens are left out, and what has no order of its own is sorted. The projection holds

* `submissions`: source, name, withdrawn or not, creator, state and hash of each file;
* `versions`: of each asset in the order their source gave them: hash, file name, status, whether current, measured
  facts, findings;
* `decisions`: of each version: who was asked, who decided what, how the round ended; grants with scope and end;
* `matches`, `renditions` (hash and measures), `placements` (place, role, version, state, cause, hash), `listings` as
  last observed (but not whether that look fetched the bytes), `names` (public names by hash, withdrawn or not);
* `exceptions` that are open;
* `bytes`: every file of the library, the watched folder and the media links (product by product, in any order), and
  every published document.

Left out on purpose: events and receipts (an interrupted run says so, and should), work keys, leases, operations (those
have their own assertions in `invariants`), and working files (`.….part`) of an interrupted write, which nobody reads.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from syncd.ledger import tables, trail
from syncd.ledger.tables.base import table
from syncd.media.blobs import BlobStore

Rows = Mapping[str, list[dict[str, Any]]]
WORKING = ".part"
LINKS = "product-media"
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?")
_TOKEN = re.compile(r"([0-9a-f]{20})-[0-9a-f]{16}\b")
_LEDGER = re.compile(r"\b[0-9a-f]{32}\b")
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
_READ = (
    "Submission", "SubmissionFile", "Asset", "Version", "Finding", "Round", "Decision", "Person", "Grant", "AssetGrant",
    "Consent", "AssetConsent", "Match", "Rendition", "Placement", "Listing", "PublicName", "ExceptionRecord",
    "Document", "Blob", "Operation", "OperationItem", "Event", "Anchor", "Inbox", "Work",
)  # fmt: skip


async def read(url: str) -> Rows:
    """All rows of a ledger that can be projected, at one moment."""
    driver = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
    parsed = sa.make_url(url)
    engine = create_async_engine(parsed.set(drivername=driver[parsed.get_backend_name()]))
    found: dict[str, list[dict[str, Any]]] = {}
    try:
        async with engine.connect() as connection:
            for name in _READ:
                rows = await connection.execute(sa.select(table(getattr(tables, name))))
                found[name] = [dict(row._mapping) for row in rows]
    finally:
        await engine.dispose()
    return found


class Projection:
    """Reads rows as names."""

    def __init__(self, rows: Rows, root: Path, keep: str = "") -> None:
        """
        Args:
            root: SYNCD_ROOT, whose path is left out.
            keep: an instant (ISO 8601) that is part of what was submitted and stays.
        """
        self.rows, self._root, self._keep = rows, str(root), keep
        self.submissions = {r["id"]: f"{r['connection']}/{r['external_id']}" for r in rows["Submission"]}
        self.assets = {r["id"]: f"{self.submissions[r['submission_id']]}/{r['key']}" for r in rows["Asset"]}
        self.ordered: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for version in sorted(rows["Version"], key=lambda r: r["sequence"]):
            self.ordered[version["asset_id"]].append(version)
        self.versions = {
            version["id"]: f"{self.assets[asset]}@{rank}"
            for asset, those in self.ordered.items()
            for rank, version in enumerate(those, 1)
        }
        self.people = {r["id"]: r["reference"] for r in rows["Person"]}
        self.made = {r["key"]: r for r in rows["Rendition"]}
        self._names = {**self.submissions, **self.assets, **self.versions}
        self._names |= {r["id"]: f"placement of {self.versions[r['version_id']]}" for r in rows["Placement"]}
        self._ids = re.compile("|".join(map(re.escape, self._names)) or "(?!)")

    def plain(self, text: str) -> str:
        """A text without ids, instants, tokens, ports and the root's path."""
        text = _LEDGER.sub("LEDGER", text.replace(self._root, "ROOT"))
        text = self._ids.sub(lambda found: self._names[found[0]], text)
        text = _TOKEN.sub(r"\1-TOKEN", _ADDRESS.sub("http://daemon", text))
        return _INSTANT.sub(lambda found: found[0] if found[0] == self._keep else "INSTANT", text)

    def whole(self) -> dict[str, Any]:
        """The projection, without `bytes`."""
        return {
            "submissions": self._submissions(),
            "versions": {self.assets[a]: [self._version(v) for v in those] for a, those in self.ordered.items()},
            "assets": {self.assets[r["id"]]: self._asset(r) for r in self.rows["Asset"]},
            "decisions": self._decisions(),
            "grants": self._grants(),
            "matches": sorted((self.assets[r["asset_id"]], r["sku"], r["status"], r["rule"])
                              for r in self.rows["Match"]),
            "renditions": sorted(self._rendition(r) for r in self.rows["Rendition"]),
            "placements": sorted(self._placement(r) for r in self.rows["Placement"]),
            "listings": sorted(self._listing(r) for r in self.rows["Listing"]),
            "names": sorted((r["connection"], r["sha256"], r["withdrawn_at"] is not None)
                            for r in self.rows["PublicName"]),
            "exceptions": sorted((r["kind"], r["code"], self.plain(r["subject"]))
                                 for r in self.rows["ExceptionRecord"] if r["closed_at"] is None),
        }  # fmt: skip

    def _submissions(self) -> dict[str, Any]:
        files: dict[str, list[Any]] = defaultdict(list)
        for row in sorted(self.rows["SubmissionFile"], key=lambda r: (r["key"], r["sequence"])):
            files[row["submission_id"]].append((row["key"], row["state"], row["sha256"]))
        return {
            self.submissions[r["id"]]: {
                "withdrawn": r["withdrawn_at"] is not None,
                "creator": self.people.get(r["creator_id"], ""),
                "files": files[r["id"]],
            }
            for r in self.rows["Submission"]
        }

    def _asset(self, row: dict[str, Any]) -> tuple[Any, ...]:
        return row["kind"], row["origin"], row["title"], row["owner"], row["withdrawn_because"]

    def _version(self, row: dict[str, Any]) -> dict[str, Any]:
        findings = [
            (r["connection"], r["spec"], r["rule"], r["measured"], r["limit"], r["severity"])
            for r in self.rows["Finding"]
            if r["version_id"] == row["id"]
        ]
        return {
            "sha256": row["sha256"], "file": row["file_name"], "status": row["status"], "current": bool(row["current"]),
            "facts": row["facts"], "findings": sorted(findings),
        }  # fmt: skip

    def _decisions(self) -> dict[str, Any]:
        made: dict[str, list[Any]] = defaultdict(list)
        for row in self.rows["Decision"]:
            verdict = (self.people[row["person_id"]], row["role"], row["verdict"], row["reason"])
            made[row["version_id"]].append(verdict)
        return {
            self.versions[r["version_id"]]: (r["route"]["approver"], r["outcome"], sorted(made[r["version_id"]]))
            for r in self.rows["Round"]
        }

    def _grants(self) -> list[Any]:
        known = {r["id"]: r for r in self.rows["Grant"]}
        found = []
        for link in self.rows["AssetGrant"]:
            grant = known[link["grant_id"]]
            terms = (grant["basis"], grant["document_sha256"], trail.canonical(grant["scope"]).decode())
            ends = grant["ends"].isoformat() if grant["ends"] else ""
            found.append((self.assets[link["asset_id"]], *terms, ends, grant["revoked_at"] is not None))
        return sorted(found)

    def _rendition(self, row: dict[str, Any]) -> tuple[Any, ...]:
        size = (row["width"], row["height"], row["size"])
        return self.versions[row["version_id"]], row["spec"], row["sha256"], size, row["reason"]

    def _placement(self, row: dict[str, Any]) -> tuple[Any, ...]:
        made = self.made.get(row["fingerprint"], {"sha256": ""})
        place = (row["connection"], self.plain(row["listing"]), self.versions[row["version_id"]])
        return *place, row["role"], row["spec"], row["state"], row["cause"], made["sha256"]

    def _listing(self, row: dict[str, Any]) -> tuple[Any, ...]:
        seen = [(item["role"], self.plain(item["url"]), self.plain(item["name"])) for item in row["gallery"]]
        return row["connection"], self.plain(row["listing"]), row["sku"], bool(row["exists"]), seen


async def project(url: str, root: Path, keep: str = "") -> dict[str, Any]:
    """The whole projection of a ledger and the folders beside it."""
    rows = await read(url)
    projection = Projection(rows, root, keep)
    blobs = BlobStore.open(str(root / "var" / "blobs"))
    documents = {
        f"{r['connection']}.{r['extension']}": projection.plain((await blobs.read(r["sha256"])).decode())
        for r in rows["Document"]
    }
    return {**projection.whole(), "bytes": {**_files(root, projection), **documents}}


def _files(root: Path, projection: Projection) -> dict[str, str]:
    found = {}
    for path in sorted([*root.glob("dam/**/*"), *root.glob("inbox/**/*"), *root.glob(f"{LINKS}*")]):
        if path.is_file() and path.suffix != WORKING:
            name = projection.plain(path.relative_to(root).as_posix())
            found[name] = _content(path, projection)
    return found


def _content(path: Path, projection: Projection) -> str:
    data = path.read_bytes()
    try:
        text = projection.plain(data.decode())
        return "".join(sorted(text.splitlines(keepends=True))) if path.name.startswith(LINKS) else text
    except UnicodeDecodeError:
        return hashlib.sha256(data).hexdigest()


async def invariants(url: str, root: Path) -> None:
    """What must hold of any ledger at rest: nothing in doubt, every byte there and right, the trail whole."""
    rows = await read(url)
    assert [r for r in rows["OperationItem"] if r["result"] == ""] == []
    assert {r["state"] for r in rows["Operation"]} <= {"settled"}
    assert [r["id"] for r in rows["Inbox"] if r["taken_at"] is None] == []
    blobs = BlobStore.open(str(root / "var" / "blobs"))
    for row in rows["Blob"]:
        assert hashlib.sha256(await blobs.read(row["hash"])).hexdigest() == row["hash"]
    ordered = sorted(rows["Event"], key=lambda r: (r["position"] is None, r["position"] or 0, r["id"]))
    for brand in {r["brand"] for r in rows["Event"]}:
        names = ("id", "brand", "at", "kind", "subject", "revision", "data", "content_hash", "position", "chain_hash")
        events = [trail.SealedEvent(**{n: r[n] for n in names}) for r in ordered if r["brand"] == brand]
        anchors = [trail.Head(r["position"], r["chain_hash"]) for r in rows["Anchor"] if r["brand"] == brand]
        assert trail.verify(brand, events, anchors).faults == []


def difference(expected: Any, found: Any, path: str = "") -> str:
    """What two projections do not share, in words; "" if they are equal."""
    if expected == found:
        return ""
    if isinstance(expected, dict) and isinstance(found, dict):
        parts = [difference(expected.get(k), found.get(k), f"{path}/{k}") for k in sorted({*expected, *found})]
        return "\n".join(filter(None, parts))
    if isinstance(expected, list) and isinstance(found, list):
        lacks = [item for item in expected if item not in found]
        more = [item for item in found if item not in expected]
        return f"{path}: lacks {lacks}, has {more} ({len(expected)} and {len(found)} entries)"
    return f"{path}: {expected!r} became {found!r}"
