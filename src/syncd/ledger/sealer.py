"""Chains the trail: gapless positions per brand, in batches, with signed heads."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from syncd.ledger import trail
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import anchors, events

BATCH = 5_000


@dataclass(frozen=True, slots=True)
class SignedHead:
    """The head of a brand's chain at a position, signed."""

    brand: str
    position: int
    chain_hash: str
    signature: str

    def as_json(self) -> bytes:
        return json.dumps(asdict(self), sort_keys=True).encode()


class Signer:
    """An Ed25519 key in a file only its owner reads; made when first needed."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            key = Ed25519PrivateKey.generate()
            pem = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            path.touch(mode=0o600)
            path.write_bytes(pem)
        loaded = serialization.load_pem_private_key(path.read_bytes(), None)
        assert isinstance(loaded, Ed25519PrivateKey)
        self._key = loaded

    @property
    def public_key(self) -> Ed25519PublicKey:
        return self._key.public_key()

    def sign(self, brand: str, position: int, chain_hash: str) -> str:
        """The signature over a head, in hex."""
        return self._key.sign(_message(brand, position, chain_hash)).hex()

    def holds(self, head: SignedHead) -> bool:
        """Whether a head carries this key's signature."""
        try:
            self.public_key.verify(bytes.fromhex(head.signature), _message(head.brand, head.position, head.chain_hash))
        except (InvalidSignature, ValueError):
            return False
        return True


def _message(brand: str, position: int, chain_hash: str) -> bytes:
    return trail.canonical([brand, position, chain_hash])


async def seal(transaction: Transaction, brand: str, signer: Signer) -> SignedHead | None:
    """Give the brand's unsealed events their positions, in the order they were written; anchor the new head.

    Returns:
        The new head, None if there was nothing to seal.
    """
    await transaction.execute(sa.select(anchors.c.position).where(anchors.c.brand == brand).with_for_update())
    last = (
        await transaction.execute(
            sa.select(events.c.position, events.c.chain_hash)
            .where(events.c.brand == brand, events.c.position.is_not(None))
            .order_by(events.c.position.desc())
            .limit(1)
        )
    ).first()
    position, head = (last.position, last.chain_hash) if last else (0, trail.GENESIS)
    rows = await transaction.execute(
        sa.select(events.c.id, events.c.content_hash)
        .where(events.c.brand == brand, events.c.position.is_(None))
        .order_by(events.c.id)
        .limit(BATCH)
    )
    links = []
    for row in rows:
        position += 1
        head = trail.chain(head, position, row.content_hash)
        links.append({"event_id": row.id, "new_position": position, "new_hash": head})
    if not links:
        return None
    await transaction.execute(
        sa.update(events)
        .where(events.c.id == sa.bindparam("event_id"))
        .values(position=sa.bindparam("new_position"), chain_hash=sa.bindparam("new_hash")),
        links,
    )
    signed = SignedHead(brand, position, head, signer.sign(brand, position, head))
    await transaction.execute(
        sa.insert(anchors).values(
            brand=brand, position=position, at=transaction.now, chain_hash=head, signature=signed.signature
        )
    )
    return signed
