"""The configured accounts, opened: one connector instance per connection and role, as the active revision has them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import structlog

from syncd.clock import Clock
from syncd.config import secrets
from syncd.config.models.connection import Connection
from syncd.engine.gate import LaneGate
from syncd.engine.lanes import Lanes
from syncd.errors import ConfigError, NotFoundError
from syncd.flow.configuration import Configuration
from syncd.flow.documents import DocumentStore
from syncd.flow.keeper import Keeper
from syncd.flow.logins import Declare, Login, open_logins
from syncd.media.blobs import BlobStore
from syncd.media.fetch import Fetcher
from syncd.sdk.catalog import Catalog
from syncd.sdk.channel import Channel
from syncd.sdk.context import Context
from syncd.sdk.http import HttpClient, open_client
from syncd.sdk.library import Library
from syncd.sdk.media import Media
from syncd.sdk.oauth.declaration import Authorization, declared_by
from syncd.sdk.redact import secrets_of
from syncd.sdk.roles import Role
from syncd.sdk.source import Source
from syncd.sdk.system import Options, System, WriteSafety
from syncd.settings import Settings

PATIENCE = timedelta(minutes=10)
"""What every system is granted, however quick it says it is, before a person is told."""
log = structlog.get_logger("syncd.connection")


@dataclass
class _Open:
    """An opened connection: instances by role, its logins, and the file text and options they were made from."""

    text: str
    options: Options
    gate: LaneGate
    http: HttpClient
    logins: dict[str, Login]
    systems: dict[Role, System] = field(default_factory=dict)


class Connections:
    """Opens connectors when first needed and closes them when their file changed."""

    def __init__(
        self,
        settings: Settings,
        configuration: Configuration,
        clock: Clock,
        lanes: Lanes,
        blobs: BlobStore,
        fetcher: Fetcher,
        documents: DocumentStore,
        public_url: str,
        keeper: Keeper,
    ) -> None:
        self.settings, self.configuration, self.clock = settings, configuration, clock
        self.lanes = lanes
        self.blobs, self.fetcher, self.documents = blobs, fetcher, documents
        self.public_url = public_url
        self.keeper = keeper
        self._open: dict[str, _Open] = {}
        self.owned: set[tuple[str, Role]] = set()
        self._secrets = secrets.Secrets(_providers(settings))
        configuration.on_change(self.close_changed)

    # --- looking up ----------------------------------------------------------------------------------------------

    def config(self, name: str) -> Connection:
        """
        Raises:
            NotFoundError: the active revision has no such connection.
        """
        connection = self.configuration.active.bundle.connections.get(name)
        if connection is None:
            raise NotFoundError(f"There is no connection {name}.")
        return connection

    def named(self, brand: str, role: Role) -> list[str]:
        """The connections of a brand that take a role, by name."""
        known = self.configuration.active.bundle.connections
        return sorted(name for name, c in known.items() if c.brand == brand and role.value in c.roles)

    def source(self, name: str) -> Source:
        return cast(Source, self.get(name, Role.SOURCE))

    def channel(self, name: str) -> Channel:
        return cast(Channel, self.get(name, Role.CHANNEL))

    def library(self, name: str) -> Library:
        return cast(Library, self.get(name, Role.LIBRARY))

    def catalog(self, name: str) -> Catalog:
        return cast(Catalog, self.get(name, Role.CATALOG))

    def options(self, name: str) -> Options:
        """A connection's options, with what its references stand for.

        Raises:
            ConfigError: one of them cannot be resolved.
        """
        system = self.system_class(name)
        return self.configuration.active.bundle.options(name, system.options, self._secrets)

    def system_class(self, name: str) -> type[System]:
        return self.configuration.registry.get(self.config(name).connector)

    def patience(self, name: str) -> timedelta:
        """How long a system may take to show what it accepted, or to stop showing what it removed."""
        return max(PATIENCE, self.system_class(name).floor)

    # --- opening -------------------------------------------------------------------------------------------------

    def get(self, name: str, role: Role) -> System:
        """The connector instance of a connection in a role, opened if need be.

        Raises:
            NotFoundError: no such connection. ConfigError: it does not take this role, or cannot be opened.
        """
        connection = self.config(name)
        if role.value not in connection.roles:
            raise ConfigError(f"Connection {name} is not a {role.value}.", remedy=f"Add it to `roles` of {name}.yaml.")
        opened = self._opened(name)
        if role not in opened.systems:
            opened.systems[role] = self._build(name, connection, role, opened)
        return opened.systems[role]

    def logins(self, name: str) -> dict[str, Login]:
        """What a connection logs in with, by the names its system declares, opened if need be.

        Raises:
            NotFoundError: no such connection. ConfigError: it cannot be opened.
        """
        return self._opened(name).logins

    def declared(self, name: str) -> Mapping[str, Authorization]:
        """What the system of a connection declares of its logins, with the secrets as they are now.

        Raises: as `logins`.
        """
        return self._declare(name)()

    def _declare(self, name: str) -> Declare:
        system, options = self.system_class(name), self._options(name)
        return lambda: declared_by(system, options())

    def _options(self, name: str) -> Callable[[], Options]:
        """Answers the options of the revision that is active now, with the secrets as they are when it is asked."""
        bundle, model = self.configuration.active.bundle, self.system_class(name).options
        return lambda: bundle.options(name, model, self._secrets)

    def _opened(self, name: str) -> _Open:
        opened = self._open.get(name)
        if opened is None:
            opened = self._open[name] = self._connect(name, self.config(name))
        return opened

    def _connect(self, name: str, connection: Connection) -> _Open:
        text = self.configuration.active.bundle.files[f"connectors/{name}.yaml"]
        system, options = self.system_class(name), self.options(name)
        gate = LaneGate(name, self.lanes, system.limits(options))
        http = open_client(
            name, self.clock, secrets_of(options), deadline=system.call_deadline, overrides=system.faults, gate=gate,
            repeatable=system.write_safety is WriteSafety.IDEMPOTENT,
        )  # fmt: skip
        logins = open_logins(self.keeper, connection.brand, name, self._declare(name), http)
        return _Open(text, options, gate, http, logins)

    def _build(self, name: str, connection: Connection, role: Role, opened: _Open) -> System:
        system, options = self.configuration.registry.get(connection.connector), opened.options
        context = Context(
            connection=name,
            brand=connection.brand,
            owner=connection.owner,
            root=self.settings.root.absolute(),
            public_url=self.public_url,
            clock=self.clock,
            http=opened.http,
            limits=opened.gate,
            fetch=self._fetch(frozenset(getattr(options, "allow_hosts", ()))),
            documents=self.documents.of(connection.brand, name),
            media=self._media,
            log=log.bind(connection=name),
            credentials={each: login.credential for each, login in opened.logins.items()},
        )
        return system(context, options, role)

    def _fetch(self, allow_hosts: frozenset[str]) -> Any:
        async def fetch(url: str) -> AsyncIterator[bytes]:
            async with self.fetcher.open(url, allow_hosts=allow_hosts) as download:
                async for chunk in download.chunks:
                    yield chunk

        return fetch

    def _media(self, media: Media) -> AsyncIterator[bytes]:
        return self.blobs.stream(media.sha256)

    # --- closing -------------------------------------------------------------------------------------------------

    async def close_changed(self) -> None:
        """Close what the new revision changed or dropped; it is opened anew when needed."""
        files = self.configuration.active.bundle.files
        for name in [
            name for name, opened in self._open.items() if files.get(f"connectors/{name}.yaml") != opened.text
        ]:
            await self._close(name)

    async def close(self) -> None:
        for name in list(self._open):
            await self._close(name)

    async def _close(self, name: str) -> None:
        opened = self._open.pop(name)
        self.owned -= {(name, role) for role in Role}
        for system in opened.systems.values():
            await system.close()
        for login in opened.logins.values():
            await login.credential.close()
        await opened.http.aclose()


def _providers(settings: Settings) -> list[secrets.Provider]:
    found: list[secrets.Provider] = [secrets.Environment(dict(os.environ))]
    if settings.secrets_dir:
        found.append(secrets.Directory(settings.secrets_dir))
    return found
