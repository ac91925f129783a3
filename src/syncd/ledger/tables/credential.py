"""What connections log in with, sealed."""

from __future__ import annotations

from syncd.ledger.tables.base import Field, SQLModel, datetime, instant


class Credential(SQLModel, table=True):
    """The tokens of one connection, sealed by `ledger.vault`.

    `version` grows with every change and is compared by whoever changes them. `leased_by` and `leased_until` say which
    process asks for new ones just now. `expires_at` is the end of the access token, where it has one.
    """

    __tablename__ = "credential"

    brand: str = Field(primary_key=True)
    connection: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    sealed: bytes
    version: int
    connected_at: datetime = instant()
    refreshed_at: datetime = instant()
    expires_at: datetime | None = instant(default=None, nullable=True)
    leased_by: str = ""
    leased_until: datetime | None = instant(default=None, nullable=True)


class PendingAuthorization(SQLModel, table=True):
    """An authorization that was begun and waits for its answer; `state` is the SHA-256 of what was sent along.

    `sealed` holds the verifier (PKCE) and the address the answer goes to.
    """

    __tablename__ = "pending_authorization"

    state: str = Field(primary_key=True)
    brand: str
    connection: str
    name: str
    sealed: bytes
    begun_by: str
    expires_at: datetime = instant()
