"""Brings the bytes of delivered files home: from the source into the object store, then into a version."""

from __future__ import annotations

from pathlib import PurePosixPath

import sqlalchemy as sa

from syncd.domain.delivery import DeliveredFile
from syncd.engine.handler import Effects, OneByOne, Outcome
from syncd.engine.work import LOCAL, Claim, Due, touch
from syncd.errors import HostileInput, NotFoundError, SyncdError
from syncd.flow.services import Services
from syncd.flow.subject import brief_of
from syncd.flow.touching import CHECK, COLLECT, RESPOND, REVIEW
from syncd.ledger import blobs as blob_rows
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import assets, files, submissions, versions
from syncd.ledger.types import Row, new_id
from syncd.media.blobs import BlobInfo

LARGEST_FILE = 4_000_000_000


class CollectHandler(OneByOne):
    """Key: a submission's file. Streams it from its source and makes a version of it."""

    kind = COLLECT
    batch = 4
    parallel = 2

    def __init__(self, services: Services) -> None:
        self.services = services

    async def one(self, claim: Claim) -> Outcome:
        row = await self._row(claim.key)
        if row is None or row.state != "pending":
            return Outcome(claim)
        file = DeliveredFile.model_validate(row.facts)
        try:
            blob = await self._bytes(row, file)
        except (HostileInput, NotFoundError) as error:
            return Outcome(claim, effects=self._refuse(row, error))
        return Outcome(claim, effects=self._keep(row, file, blob))

    async def _row(self, identifier: str) -> Row | None:
        query = (
            sa.select(
                files,
                submissions.c.connection,
                submissions.c.external_id,
                submissions.c.brief,
                submissions.c.facts.label("delivery"),
            )
            .join(submissions, submissions.c.id == files.c.submission_id)
            .where(files.c.id == identifier)
        )
        async with self.services.ledger.read() as connection:
            return (await connection.execute(query)).first()

    async def _bytes(self, row: Row, file: DeliveredFile) -> BlobInfo:
        source = self.services.connections.source(row.connection)
        blob = await self.services.blobs.put_stream(source.open(file), limit=LARGEST_FILE)
        if file.sha256 and file.sha256.lower() != blob.hash:
            what = f"{file.name} has the hash {blob.hash[:12]}…, its sender says {file.sha256[:12]}…."
            raise HostileInput("hash-mismatch", what, remedy="Ask the sender to deliver it again.")
        return blob

    def _refuse(self, row: Row, error: SyncdError) -> Effects:
        async def effects(transaction: Transaction) -> None:
            reason = str(error.data.get("reason") or error.code)
            await transaction.execute(
                sa.update(files).where(files.c.id == row.id).values(state="refused", reason=f"{reason}: {error.what}")
            )
            transaction.record(row.brand, "file.refused", row.id, submission=row.submission_id, reason=reason)
            await touch(transaction, [Due(row.brand, row.connection, RESPOND, row.submission_id)])

        return effects

    def _keep(self, row: Row, file: DeliveredFile, blob: BlobInfo) -> Effects:
        async def effects(transaction: Transaction) -> None:
            await blob_rows.keep(transaction, blob.hash, blob.size, f"file:{row.id}")
            asset, version = await Filing(self.services, transaction, row, file, blob.hash).run()
            await transaction.execute(
                sa.update(files)
                .where(files.c.id == row.id)
                .values(state="stored", sha256=blob.hash, asset_id=asset, version_id=version)
            )
            await touch(transaction, [Due(row.brand, row.connection, RESPOND, row.submission_id)])

        return effects


class Filing:
    """Finds or makes the asset and the version that a collected file is."""

    def __init__(
        self, services: Services, transaction: Transaction, row: Row, file: DeliveredFile, sha256: str
    ) -> None:
        self.services, self.transaction, self.row, self.file, self.sha256 = services, transaction, row, file, sha256

    async def run(self) -> tuple[str, str]:
        """Returns: asset id and version id; content the brand already has is linked, not stored twice."""
        same = await self._same_content()
        if same is not None:
            asset, version = str(same.asset_id), str(same.id)
            self.transaction.record(self.row.brand, "file.duplicate", self.row.id, asset=asset, version=version)
            await touch(self.transaction, [Due(self.row.brand, LOCAL, REVIEW, asset)])
            return asset, version
        asset = await self._asset()
        return asset, await self._version(asset)

    async def _same_content(self) -> Row | None:
        query = (
            sa.select(versions.c.id, versions.c.asset_id)
            .where(versions.c.brand == self.row.brand, versions.c.sha256 == self.sha256)
            .order_by(versions.c.received_at, versions.c.id)
        )
        return (await self.transaction.execute(query.limit(1))).first()

    async def _asset(self) -> str:
        known = await self.transaction.execute(
            sa.select(assets.c.id).where(
                assets.c.brand == self.row.brand,
                assets.c.submission_id == self.row.submission_id,
                assets.c.key == self.file.key,
            )
        )
        found = known.scalar_one_or_none()
        if found:
            return str(found)
        identifier, delivery = new_id(), self.row.delivery
        await self.transaction.execute(
            sa.insert(assets).values(
                id=identifier, brand=self.row.brand, submission_id=self.row.submission_id, key=self.file.key, kind="",
                origin=delivery.get("origin") or "creator", owner=self._owner(), withdrawn_because="",
                title=self._title(), created_at=self.transaction.now,
            )
        )  # fmt: skip
        self.transaction.record(self.row.brand, "asset.created", identifier, submission=self.row.submission_id)
        return identifier

    def _owner(self) -> str:
        """The one person who owns the asset: the brief's owner, else the brand's."""
        bundle = self.services.configuration.active.bundle
        brief = brief_of(bundle, self.row.brand, self.row.brief)
        return brief.owner if brief else bundle.brands[self.row.brand].owner

    async def _version(self, asset: str) -> str:
        others = (
            await self.transaction.execute(
                sa.select(versions.c.id, versions.c.sequence, versions.c.number, versions.c.current, versions.c.status)
                .where(versions.c.asset_id == asset)
                .with_for_update()
            )
        ).all()
        newest = all(self.row.sequence > other.sequence for other in others)
        if newest:
            await self._supersede([other for other in others if other.current])
            await self._name(asset)
        identifier = new_id()
        await self.transaction.execute(
            sa.insert(versions).values(
                id=identifier, brand=self.row.brand, asset_id=asset, sha256=self.sha256, file_name=self.file.name,
                number=max((other.number for other in others), default=0) + 1, sequence=self.row.sequence,
                status="received" if newest else "superseded", current=newest, received_at=self.transaction.now,
            )
        )  # fmt: skip
        await blob_rows.pin(self.transaction, self.sha256, f"version:{identifier}")
        self.transaction.record(self.row.brand, "version.received", identifier, asset=asset, sha256=self.sha256)
        if newest:
            await touch(self.transaction, [Due(self.row.brand, LOCAL, CHECK, identifier)])
        return identifier

    async def _name(self, asset: str) -> None:
        """Call the asset what its newest version is called, in whatever order they came."""
        await self.transaction.execute(sa.update(assets).where(assets.c.id == asset).values(title=self._title()))

    def _title(self) -> str:
        return str(self.row.delivery.get("title") or PurePosixPath(self.file.name).stem)

    async def _supersede(self, current: list[Row]) -> None:
        """What was current is so no more; what is approved goes on showing until the new version is approved."""
        for old in current:
            status = old.status if old.status == "approved" else "superseded"
            await self.transaction.execute(
                sa.update(versions).where(versions.c.id == old.id).values(current=False, status=status)
            )
            if status != old.status:
                self.transaction.record(self.row.brand, "version.superseded", old.id)
