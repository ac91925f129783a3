"""One ledger per account: two that write to the same place would undo each other, so the second is refused."""

from __future__ import annotations

import secrets
from typing import cast

from syncd.errors import ConfigError
from syncd.flow.services import Services
from syncd.ledger import meta
from syncd.sdk.roles import Role
from syncd.sdk.system import Claimable

LEDGER = "ledger"


class ForeignLedger(ConfigError):
    """Stop the other syncd, or give this one the account: `syncd take-over CONNECTION`."""

    code = "ledger.foreign"


async def ledger_id(services: Services) -> str:
    """What this ledger is called; given at its first use, kept through backup and restore."""
    async with services.ledger.read() as reading:
        known = await meta.value_of(reading, LEDGER)
    if known:
        return known
    async with services.ledger.write() as transaction:
        known = await meta.value_of(transaction.connection, LEDGER) or secrets.token_hex(16)
        await meta.set_value(transaction, LEDGER, known)
    return known


async def require(services: Services, brand: str, connection: str, role: Role) -> None:
    """Make sure that this ledger is the one that keeps the connection's account.

    Raises:
        ForeignLedger: another ledger has marked the account as its own.
    """
    system = services.connections.get(connection, role)
    if not isinstance(system, Claimable) or (connection, role) in services.connections.owned:
        return
    ours = await ledger_id(services)
    owner = await cast(Claimable, system).claim(ours, take_over=False)
    if owner != ours:
        raise ForeignLedger(f"The account of {connection} ({brand}) is kept by another ledger, {owner[:8]}….")
    services.connections.owned.add((connection, role))


async def take_over(services: Services, connection: str) -> None:
    """Mark a connection's account as this ledger's own, whoever kept it before."""
    config = services.connections.config(connection)
    ours = await ledger_id(services)
    for name in config.roles:
        system = services.connections.get(connection, Role(name))
        if isinstance(system, Claimable):
            await system.claim(ours, take_over=True)
            services.connections.owned.add((connection, Role(name)))
    async with services.ledger.write() as transaction:
        transaction.record(config.brand, "connection.taken-over", connection)
