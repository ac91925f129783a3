"""The configuration as revisions: validated files in the ledger, one active, any older one at hand."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog

from syncd.clock import Clock
from syncd.config import problems, reading
from syncd.config.bundle import Bundle
from syncd.errors import ConfigError, NotFoundError
from syncd.ledger.store import Ledger, Transaction
from syncd.ledger.tables.core import revisions
from syncd.mapping.rulebook import Rulebook
from syncd.sdk.registry import Registry

_KEPT_IN_MEMORY = 8
_BRANDS = "mappings/brands.yaml"

log = structlog.get_logger("syncd.configuration")


class NoConfiguration(ConfigError):
    """Write `connectors/` and `mappings/` (`syncd init` makes commented starters), then run `syncd reload`."""

    code = "config.missing"


class Configuration:
    """Knows the active revision, and builds the rules of any revision once."""

    def __init__(self, ledger: Ledger, registry: Registry, clock: Clock, root: Path) -> None:
        self.ledger, self.registry, self.clock, self.root = ledger, registry, clock, root
        self._active: Rulebook | None = None
        self._built: OrderedDict[str, Rulebook] = OrderedDict()
        self._listeners: list[Callable[[], Awaitable[None]]] = []
        self._changing = asyncio.Lock()

    @property
    def active(self) -> Rulebook:
        """
        Raises:
            NoConfiguration: the ledger is empty and the files could not be loaded.
        """
        if self._active is None:
            raise NoConfiguration("This ledger has no configuration yet.")
        return self._active

    def on_change(self, listener: Callable[[], Awaitable[None]]) -> None:
        """Call `listener` after another revision became active."""
        self._listeners.append(listener)

    async def start(self) -> None:
        """Take the files on disk on SQLite, or where the ledger has none yet; else the ledger's active revision.

        Raises:
            ConfigError: there is no valid configuration to run on.
        """
        stored = await self._stored_active()
        if self.ledger.embedded or stored is None:
            try:
                await self.activate(await self.store(self.read_disk()), by="start")
                return
            except ConfigError as error:
                if stored is None:
                    raise
                log.warning("files on disk are not valid; the last active revision stays", error=str(error))
        await self._use(await self.rulebook(stored or ""))

    def read_disk(self) -> Mapping[str, str]:
        """The files below `connectors/` and `mappings/` as they are on disk."""
        return reading.folder_files(self.root)

    def validate(self, files: Mapping[str, str]) -> Rulebook:
        """Build the rules of these files, options of every connector included.

        Raises:
            problems.InvalidFiles: with all problems of all files.
        """
        rulebook = Rulebook.from_files(files)
        faults = [fault for name in rulebook.bundle.connections for fault in self._option_faults(rulebook.bundle, name)]
        if not rulebook.bundle.brands:
            faults.append(problems.Problem(_BRANDS, 0, 0, "no brand is declared", "", "declare one in this file"))
        if faults:
            raise problems.InvalidFiles(faults)
        return rulebook

    def _option_faults(self, bundle: Bundle, name: str) -> list[problems.Problem]:
        connection, file = bundle.connections[name], f"connectors/{name}.yaml"
        try:
            system = self.registry.get(connection.connector)
        except ConfigError as error:
            return [problems.Problem(file, 1, 1, error.what, "", "choose one of these, or install its package")]
        missing = sorted({*connection.roles} - {role.value for role in system.roles})
        faults = bundle.check_options(name, system.options)
        if missing:
            takes = ", ".join(sorted(role.value for role in system.roles))
            what = f"{connection.connector} cannot be a {', '.join(missing)}"
            faults.append(problems.Problem(file, 1, 1, what, f"it takes {takes}", "correct `roles`"))
        if len(connection.roles) > 1 and getattr(system, "one_role", False):
            what = f"{connection.connector} takes one role per connection"
            faults.append(problems.Problem(file, 1, 1, what, "", "write one file per role"))
        return faults

    async def store(self, files: Mapping[str, str]) -> Rulebook:
        """Validate files and keep them as a revision, not yet active.

        Raises:
            problems.InvalidFiles: nothing was kept.
        """
        rulebook = await asyncio.to_thread(self.validate, files)
        async with self.ledger.write() as transaction:
            await self._insert(transaction, rulebook)
        self._remember(rulebook)
        return rulebook

    async def _insert(self, transaction: Transaction, rulebook: Rulebook) -> None:
        known = await transaction.execute(sa.select(revisions.c.id).where(revisions.c.id == rulebook.bundle.revision))
        if known.first() is None:
            await transaction.execute(
                sa.insert(revisions).values(
                    id=rulebook.bundle.revision,
                    files=dict(rulebook.bundle.files),
                    created_at=transaction.now,
                    activated_at=None,
                    activated_by="",
                    active=False,
                )
            )

    async def activate(self, rulebook: Rulebook, by: str) -> bool:
        """Make a stored revision the one everything follows.

        Returns:
            Whether it was not active before.
        """
        identifier = rulebook.bundle.revision
        async with self._changing:
            async with self.ledger.write() as transaction:
                changed = await self._mark_active(transaction, identifier, by)
                if changed:
                    for brand in rulebook.bundle.brands:
                        transaction.record(brand, "revision.activated", identifier, identifier, by=by)
            if changed or self._active is None:
                await self._use(rulebook)
        return changed

    async def _mark_active(self, transaction: Transaction, identifier: str, by: str) -> bool:
        now = await transaction.execute(sa.select(revisions.c.id).where(revisions.c.active))
        if now.scalar_one_or_none() == identifier:
            return False
        await transaction.execute(sa.update(revisions).where(revisions.c.active).values(active=False))
        await transaction.execute(
            sa.update(revisions)
            .where(revisions.c.id == identifier)
            .values(active=True, activated_at=transaction.now, activated_by=by)
        )
        return True

    async def refresh(self) -> None:
        """Follow what another process activated."""
        stored = await self._stored_active()
        if stored and (self._active is None or stored != self._active.bundle.revision):
            async with self._changing:
                await self._use(await self.rulebook(stored))

    async def _use(self, rulebook: Rulebook) -> None:
        self._active = rulebook
        self._remember(rulebook)
        for listener in self._listeners:
            await listener()

    async def _stored_active(self) -> str | None:
        async with self.ledger.read() as connection:
            found: Any = (await connection.execute(sa.select(revisions.c.id).where(revisions.c.active))).scalar()
        return str(found) if found else None

    async def rulebook(self, identifier: str) -> Rulebook:
        """The rules of a revision, by its id or a prefix of it.

        Raises:
            NotFoundError: no such revision.
        """
        known = self._built.get(identifier)
        if known is not None:
            self._built.move_to_end(identifier)
            return known
        async with self.ledger.read() as connection:
            rows = await connection.execute(
                sa.select(revisions.c.files).where(revisions.c.id.startswith(identifier, autoescape=True)).limit(2)
            )
            found = rows.scalars().all()
        if len(found) != 1 or not identifier:
            raise NotFoundError(f"There is no revision {identifier}.", remedy="`syncd status` names the active one.")
        rulebook = await asyncio.to_thread(Rulebook.from_files, found[0])
        self._remember(rulebook)
        return rulebook

    def _remember(self, rulebook: Rulebook) -> None:
        self._built[rulebook.bundle.revision] = rulebook
        self._built.move_to_end(rulebook.bundle.revision)
        while len(self._built) > _KEPT_IN_MEMORY:
            self._built.popitem(last=False)
