"""Writing to a place: what is prepared before the call, and what its answer and what was seen mean for placements."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from syncd.domain.media import EXTENSIONS, MEDIA_TYPES
from syncd.domain.placement import Desired, Placed, RemovalCause
from syncd.domain.step import Entry
from syncd.engine.operations import Wish
from syncd.flow.converge.decision import Decision
from syncd.flow.converge.observe import media_of_row
from syncd.flow.converge.situation import AssetFacts, PlaceFacts, Situation
from syncd.flow.places import PUBLISH, kind_of
from syncd.flow.renditions.intents import Target
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import placements, public_names, receipts
from syncd.ledger.trail import canonical
from syncd.ledger.types import Row, new_id
from syncd.sdk.channel import GalleryChange, GalleryItem
from syncd.sdk.media import Media

_EXTENSION = {media_type: EXTENSIONS[name][0] for name, media_type in MEDIA_TYPES.items()}


@dataclass(slots=True)
class Writing:
    """One place's change, ready to be sent: the new and old placements by id, and the change for the connector."""

    place: PlaceFacts
    decision: Decision
    change: GalleryChange
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    @property
    def wish(self) -> Wish:
        gallery = [
            item.ours.sha256 if item.ours else item.theirs and item.theirs.external_id for item in self.change.gallery
        ]
        fingerprint = hashlib.sha256(canonical(gallery)).hexdigest()
        return Wish(self.place.place, fingerprint, {"add": self.added, "remove": self.removed})


class Preparation:
    """Turns decisions into placements and changes, inside the transaction that prepares their operation."""

    def __init__(self, transaction: Transaction, situation: Situation, public_url: str) -> None:
        self.transaction, self.situation, self.public_url = transaction, situation, public_url
        self.library_urls = situation.library_urls or {}
        self._media: dict[str, Media] = {}

    async def prepare(self, place: PlaceFacts, decision: Decision) -> Writing:
        """Write the placements of one place as sent or withdrawing, and say what to send."""
        self._media = {row.id: self._media_of_row(row) for row in place.placements}
        added = [await self._add(place, decision, add.desired, add.placed) for add in decision.step.adds]
        for removal in decision.step.removes:
            await self._remove(place, decision, removal.placed, removal.cause)
        by_desired = {add.desired.key: media for add, media in zip(decision.step.adds, added, strict=True)}
        gallery = [self._item(place, entry, by_desired) for entry in decision.step.gallery]
        removes = [
            replace(self._media[r.placed.id], facts={"cause": r.cause.value})
            for r in decision.step.removes
            if r.placed.id in self._media
        ]
        change = GalleryChange(place.place, gallery, added, removes, place.product)
        return Writing(
            place, decision, change, [m.placement for m in added], [r.placed.id for r in decision.step.removes]
        )

    # --- additions -----------------------------------------------------------------------------------------------

    async def _add(self, place: PlaceFacts, decision: Decision, wanted: Desired, known: Placed | None) -> Media:
        asset, target = self._origin(decision, wanted)
        made = self.situation.made[wanted.fingerprint]
        name = await self._public_name(place, wanted, made)
        row = {
            "version_number": wanted.version, "fingerprint": wanted.fingerprint, "name": name, "state": "sent",
            "role": target.role, "spec": target.spec, "cause": "", "inferred": False, "revision": place.revision,
            "changed_at": self.transaction.now, "removed_at": None,
        }  # fmt: skip
        if known is not None:
            identifier = known.id
            await self.transaction.execute(sa.update(placements).where(placements.c.id == identifier).values(**row))
        else:
            identifier = new_id()
            await self.transaction.execute(
                sa.insert(placements).values(
                    id=identifier, brand=self.situation.brand, connection=self.situation.connection,
                    listing=place.place, key=wanted.key, asset_id=asset.id, version_id=asset.version_id, slot=0,
                    external_id="", seen_url="", **row,
                )
            )  # fmt: skip
        self._event(identifier, "sent", place=place.place, version=asset.version_id)
        media = self._describe(
            identifier, name, made, target.role, asset, wanted.version, self._library_url(place, asset)
        )
        self._media[identifier] = media
        return media

    def _origin(self, decision: Decision, wanted: Desired) -> tuple[AssetFacts, Target]:
        return decision.targets[wanted.key]

    def _library_url(self, place: PlaceFacts, asset: AssetFacts) -> str:
        return "" if kind_of(place.place) == PUBLISH else self.library_urls.get(asset.version_id, "")

    async def _public_name(self, place: PlaceFacts, wanted: Desired, made: Row) -> str:
        """The public name of a rendition on this connection: made once, made anew after it was withdrawn."""
        if kind_of(place.place) != PUBLISH:
            return ""
        known = await self.transaction.execute(
            sa.select(public_names.c.name).where(
                public_names.c.connection == self.situation.connection,
                public_names.c.rendition == wanted.fingerprint,
                public_names.c.withdrawn_at.is_(None),
            )
        )
        name = known.scalars().first()
        if name is None:
            extension = _EXTENSION.get(made.media_type, "bin")
            name = f"{made.sha256[:20]}-{secrets.token_hex(8)}.{extension}"
            await self.transaction.execute(
                sa.insert(public_names).values(
                    name=name, brand=self.situation.brand, connection=self.situation.connection,
                    rendition=wanted.fingerprint, sha256=made.sha256, media_type=made.media_type, size=made.size,
                    created_at=self.transaction.now,
                )
            )  # fmt: skip
        return str(name)

    # --- removals ------------------------------------------------------------------------------------------------

    async def _remove(self, place: PlaceFacts, decision: Decision, placed: Placed, cause: RemovalCause) -> None:
        known = next((row for row in place.placements if row.id == placed.id), None)
        if known is None:
            return
        first = known.state != "withdrawing"
        values: dict[str, Any] = {"state": "withdrawing", "cause": cause.value}
        if first:
            values |= {
                "inferred": cause.inferred, "changed_at": self.transaction.now, "removed_at": self.transaction.now,
            }  # fmt: skip
            self._event(placed.id, "withdrawing", place=place.place, cause=cause.value)
        await self.transaction.execute(sa.update(placements).where(placements.c.id == placed.id).values(**values))
        if cause.urgent:
            await withdraw_name(self.transaction, self.situation.connection, known.name, except_for=placed.id)

    def _event(self, placement: str, state: str, **data: Any) -> None:
        self.transaction.record(
            self.situation.brand, f"placement.{state}", placement, connection=self.situation.connection, **data
        )

    # --- media ---------------------------------------------------------------------------------------------------

    def _item(self, place: PlaceFacts, entry: Entry, added: Mapping[str, Media]) -> GalleryItem:
        if entry.desired is not None and entry.desired.key in added:
            return GalleryItem(ours=added[entry.desired.key])
        if entry.placed is not None:
            return GalleryItem(ours=self._media[entry.placed.id])
        assert entry.seen is not None
        item = place.seen[entry.seen.position - 1]
        if entry.ours:
            standing = self._standing(place, entry)
            if standing is not None:
                return GalleryItem(ours=standing)
        return GalleryItem(theirs=media_of_row(item))

    def _standing(self, place: PlaceFacts, entry: Entry) -> Media | None:
        """The media of a desired entry that stands already."""
        assert entry.desired is not None
        for row in place.placements:
            if row.key == entry.desired.key and row.fingerprint == entry.desired.fingerprint:
                return self._media[row.id]
        return None

    def _media_of_row(self, row: Row) -> Media:
        made = self.situation.made.get(row.fingerprint)
        asset = self.situation.assets.get(row.asset_id)
        if made is None:
            return Media(row.id, row.name, "", "", 0, "", row.role, row.asset_id, row.version_number)
        described = self._describe(row.id, row.name, made, row.role, asset, row.version_number, "")
        return replace(described, asset=row.asset_id, external_id=row.external_id, seen_url=row.seen_url, facts={})

    def _describe(
        self, identifier: str, name: str, made: Row, role: str, asset: AssetFacts | None, version: int, url: str
    ) -> Media:
        shown = url or (f"{self.public_url}/m/{name}" if name else "")
        file = name or f"{asset.id if asset else identifier}-v{version}.{_EXTENSION.get(made.media_type, 'bin')}"
        return Media(
            placement=identifier, name=file, url=shown, sha256=made.sha256, size=made.size,
            width=made.width, height=made.height, media_type=made.media_type, role=role,
            asset=asset.id if asset else "", version=version,
            alt=asset.title if asset else "", facts={"asset": asset.id if asset else "", "version": str(version)},
        )  # fmt: skip


def media_of(row: Row, made: Row | None, public_url: str) -> Media:
    """A placement's media, enough to look whether it still answers."""
    return Media(
        placement=row.id, name=row.name, url=f"{public_url}/m/{row.name}" if row.name else "",
        sha256=made.sha256 if made is not None else "", size=made.size if made is not None else 0,
        media_type=made.media_type if made is not None else "", role=row.role, asset=row.asset_id,
        version=row.version_number, external_id=row.external_id, seen_url=row.seen_url,
    )  # fmt: skip


async def withdraw_name(transaction: Transaction, connection: str, name: str, *, except_for: str) -> bool:
    """Stop serving a public name, unless another placement of the connection still shows it.

    Returns:
        Whether nobody shows it any more.
    """
    if not name:
        return True
    others = await transaction.execute(
        sa.select(placements.c.id).where(
            placements.c.connection == connection,
            placements.c.name == name,
            placements.c.id != except_for,
            placements.c.state.in_(("sent", "accepted", "live", "shown")),
        )
    )
    if others.first() is not None:
        return False
    await transaction.execute(
        sa.update(public_names)
        .where(public_names.c.name == name, public_names.c.withdrawn_at.is_(None))
        .values(withdrawn_at=transaction.now)
    )
    return True


async def receipt(
    transaction: Transaction, brand: str, placement: str, kind: str, evidence: str, operation: str = ""
) -> None:
    """Keep what a system answered, or what looking again showed."""
    await transaction.execute(
        sa.insert(receipts).values(
            brand=brand, placement_id=placement, operation_id=operation, at=transaction.now, kind=kind,
            evidence=evidence[:2000],
        )
    )  # fmt: skip


async def set_state(
    transaction: Transaction, brand: str, connection: str, identifiers: Sequence[str], state: str, **values: Any
) -> None:
    """Move placements of a connection to a state and write the event of each."""
    if not identifiers:
        return
    await transaction.execute(
        sa.update(placements)
        .where(placements.c.id.in_(list(identifiers)))
        .values(state=state, changed_at=transaction.now, **values)
    )
    for identifier in identifiers:
        transaction.record(brand, f"placement.{state}", identifier, connection=connection)
