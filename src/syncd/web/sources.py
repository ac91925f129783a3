"""What the web serves, fetched from the use cases: media, documents, tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator

from syncd.flow.documents import DocumentStore
from syncd.flow.operate import tokens
from syncd.flow.renditions import public
from syncd.flow.services import Services
from syncd.web.auth import Principal, Scope, StoredToken
from syncd.web.documents import Document
from syncd.web.media import PublicMedia


class LedgerMedia:
    """Public media of the ledger."""

    def __init__(self, services: Services) -> None:
        self.services = services

    async def find(self, name: str) -> PublicMedia | None:
        found = await public.find(self.services.ledger, name)
        return PublicMedia(found.sha256, found.size, found.media_type, withdrawn=found.withdrawn) if found else None

    def stream(self, sha256: str, start: int, end: int) -> AsyncIterator[bytes]:
        return self.services.blobs.stream(sha256, start, end)


class LedgerDocuments:
    """Published documents of the ledger."""

    def __init__(self, documents: DocumentStore) -> None:
        self.documents = documents

    async def find(self, connection: str, extension: str) -> Document | None:
        found = await self.documents.find(connection, extension)
        return Document(found.sha256, found.media_type, found.published_at) if found else None

    async def content(self, document: Document) -> bytes:
        return await self.documents.blobs.read(document.sha256)


class LedgerTokens:
    """Tokens of the ledger."""

    def __init__(self, services: Services) -> None:
        self.services = services

    async def find(self, digest: str) -> StoredToken | None:
        found = await tokens.find(self.services.ledger, digest)
        return StoredToken(found.digest, Principal(found.name, Scope(found.scope))) if found else None
