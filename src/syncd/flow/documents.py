"""Documents the daemon serves for its connections, such as a feed: bytes in the object store, names in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from syncd.ledger import blobs as blob_rows
from syncd.ledger.store import Ledger, Transaction
from syncd.ledger.tables.core import documents
from syncd.media.blobs import BlobInfo, BlobStore


class Published(NamedTuple):
    """A document as it is served."""

    sha256: str
    size: int
    media_type: str
    published_at: datetime


class DocumentStore:
    """Publishes and finds documents by connection and extension."""

    def __init__(self, ledger: Ledger, blobs: BlobStore, public_url: str) -> None:
        self.ledger, self.blobs, self.public_url = ledger, blobs, public_url.rstrip("/")

    def of(self, brand: str, connection: str) -> ConnectionDocuments:
        """The documents of one connection, as its connector sees them."""
        return ConnectionDocuments(self, brand, connection)

    async def find(self, connection: str, extension: str) -> Published | None:
        """What is published under `/feeds/{connection}.{extension}`."""
        columns = (documents.c.sha256, documents.c.size, documents.c.media_type, documents.c.published_at)
        query = sa.select(*columns).where(documents.c.connection == connection, documents.c.extension == extension)
        async with self.ledger.read() as connection_:
            row = (await connection_.execute(query)).first()
        return Published(*row) if row else None

    async def publish(self, brand: str, connection: str, content: Mapping[str, tuple[str, bytes]]) -> None:
        """Replace a connection's documents, all at once."""
        stored = [
            (extension, media_type, await self.blobs.put_bytes(data))
            for extension, (media_type, data) in content.items()
        ]
        async with self.ledger.write() as transaction:
            for extension, media_type, blob in stored:
                await self._replace(transaction, brand, connection, extension, media_type, blob)

    async def _replace(
        self, transaction: Transaction, brand: str, connection: str, extension: str, media_type: str, blob: BlobInfo
    ) -> None:
        holder = f"document:{connection}.{extension}"
        await blob_rows.let_go(transaction, holder)
        await blob_rows.keep(transaction, blob.hash, blob.size, holder)
        where = (documents.c.brand == brand, documents.c.connection == connection, documents.c.extension == extension)
        await transaction.execute(sa.delete(documents).where(*where))
        await transaction.execute(
            sa.insert(documents).values(
                brand=brand, connection=connection, extension=extension, media_type=media_type,
                sha256=blob.hash, size=blob.size, published_at=transaction.now,
            )
        )  # fmt: skip


class ConnectionDocuments:
    """What a connector may do with its own documents."""

    def __init__(self, store: DocumentStore, brand: str, connection: str) -> None:
        self._store, self._brand, self._connection = store, brand, connection

    async def publish(self, documents: Mapping[str, tuple[str, bytes]]) -> None:
        await self._store.publish(self._brand, self._connection, documents)

    async def current(self, extension: str) -> bytes | None:
        found = await self._store.find(self._connection, extension)
        return await self._store.blobs.read(found.sha256) if found else None

    def url(self, extension: str) -> str:
        return f"{self._store.public_url}/feeds/{self._connection}.{extension}"
