"""Puts the daemon together; the only place that wires things to each other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import structlog
from aiohttp import web

from syncd import __version__
from syncd.clock import Clock, SystemClock, TrustedClock
from syncd.engine.engine import Engine, LaneSpec
from syncd.engine.handler import Handler
from syncd.engine.inbox import Inbox
from syncd.engine.lanes import Lanes
from syncd.engine.notify import Notifier
from syncd.engine.work import Due, Urgency, touch
from syncd.errors import ConfigError, SyncdError
from syncd.flow import places, touching
from syncd.flow.care import clockwatch, housekeeping
from syncd.flow.care.clockwatch import ClockHandler
from syncd.flow.catalogue.match import MatchHandler
from syncd.flow.catalogue.mirror import MirrorHandler
from syncd.flow.configuration import Configuration
from syncd.flow.connections import Connections
from syncd.flow.converge.handler import ConvergeHandler
from syncd.flow.converge.locate import LocateHandler
from syncd.flow.converge.observe import ObserveHandler
from syncd.flow.converge.settle import SettleHandler
from syncd.flow.converge.watch import SubscribeHandler, WatchHandler
from syncd.flow.documents import DocumentStore
from syncd.flow.intake.accept import IntakeHandler
from syncd.flow.intake.collect import CollectHandler
from syncd.flow.intake.poll import PollHandler
from syncd.flow.intake.reception import Reception
from syncd.flow.intake.respond import RespondHandler
from syncd.flow.keeper import Keeper
from syncd.flow.operate import authorization, tokens
from syncd.flow.renditions.render import RenderHandler
from syncd.flow.resync.mark import ResyncHandler
from syncd.flow.review.check import CheckHandler
from syncd.flow.review.rounds import ReviewHandler
from syncd.flow.services import Services
from syncd.ledger import meta
from syncd.ledger.sealer import Signer
from syncd.ledger.store import Ledger
from syncd.ledger.vault import Vault
from syncd.media.blobs import BlobStore
from syncd.media.fetch import Fetcher
from syncd.media.ffmpeg import FFmpeg
from syncd.media.studio import Studio
from syncd.media.workers import MediaWorkers, WorkerLimits
from syncd.sdk.changes import Subscribes, Watches
from syncd.sdk.registry import Registry
from syncd.sdk.roles import Role
from syncd.sdk.system import System
from syncd.settings import Settings
from syncd.telemetry.metrics import Metrics
from syncd.web import auth, sources
from syncd.web.documents import Documents
from syncd.web.health import Health
from syncd.web.hooks import Hooks
from syncd.web.media import MediaPages
from syncd.web.resources import all_routes
from syncd.web.server import WebServer, application, described

FOLLOW_EVERY = 2.0
log = structlog.get_logger("syncd")


class App:
    """One syncd process."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = TrustedClock(clock or SystemClock())
        self.metrics = Metrics(process=True)
        self.ledger = Ledger(settings.ledger_url, self.clock)
        self.lanes = Lanes(self.ledger, self.clock)
        self.blobs = self._blobs()
        self.public_url = (settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/")
        self.registry = Registry.discover(settings.root)
        self.workers = MediaWorkers(settings.workers, WorkerLimits(), self.clock)
        studio = Studio(self.blobs, self.workers, FFmpeg.find(self.clock), self.clock)
        self.configuration = Configuration(self.ledger, self.registry, self.clock, settings.root)
        self.documents = DocumentStore(self.ledger, self.blobs, self.public_url)
        self.fetcher = Fetcher(self.clock)
        self.keeper = Keeper(
            self.ledger, Vault.of(settings.credentials_keys, settings.var / "credentials.key"), self.clock
        )
        connections = Connections(
            settings, self.configuration, self.clock, self.lanes, self.blobs, self.fetcher, self.documents,
            self.public_url, self.keeper,
        )  # fmt: skip
        self.services = Services(
            settings, self.clock, self.ledger, self.blobs, studio, self.metrics, self.configuration, connections
        )
        self.inbox = Inbox(self.ledger, self.clock)
        self.reception = Reception(self.services, self.inbox)
        self.engine = self._engine()
        self.configuration.on_change(self._follow_configuration)
        self._tasks: list[asyncio.Task[None]] = []
        self._server: WebServer | None = None

    def _blobs(self) -> BlobStore:
        blobs = BlobStore.open(self.settings.blobs_url)
        if not self.ledger.embedded and not blobs.shared and not self.settings.blobs_shared:
            raise ConfigError(
                "Several processes cannot share the local blob folder of one.",
                remedy="Set SYNCD_BLOBS to s3://…, gs:// or az://…; SYNCD_BLOBS_SHARED=true if all see one folder.",
            )
        return blobs

    def _engine(self) -> Engine:
        services, lanes = self.services, self.lanes
        local: Sequence[Handler] = (
            IntakeHandler(services),
            CheckHandler(services),
            ReviewHandler(services),
            MatchHandler(services),
            LocateHandler(services),
            RenderHandler(services),
            housekeeping.SealHandler(services, Signer(self.settings.var / "anchor.key")),
            housekeeping.SweepHandler(services),
            housekeeping.GarbageHandler(services),
            housekeeping.ForecastHandler(services),
            ClockHandler(services, self.clock),
            ResyncHandler(services),
        )
        connection: Sequence[Handler] = (
            PollHandler(services),
            CollectHandler(services),
            RespondHandler(services),
            MirrorHandler(services),
            ObserveHandler(services),
            SettleHandler(services),
            WatchHandler(services),
            SubscribeHandler(services),
            *(ConvergeHandler(services, lanes, kind) for kind in (places.ARCHIVE, places.LINK, places.PUBLISH)),
        )
        return Engine(
            self.ledger, self.clock, lanes, local=local, connection=connection, owner_of=services.owner_of,
            metrics=self.metrics,
        )  # fmt: skip

    # --- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open everything and begin to work.

        Raises:
            ConfigError: there is no valid configuration, or another process holds the ledger.
        """
        self.settings.var.mkdir(parents=True, exist_ok=True)
        await self.ledger.open()
        await self._trust_time()
        await self._register_token()
        await self.keeper.reseal()
        await self.configuration.start()
        self.inbox.start()
        self._tasks = [asyncio.create_task(self.engine.run(), name="engine")]
        if not self.ledger.embedded:
            self._tasks.append(asyncio.create_task(self._follow_others(), name="configuration"))
            notifier = Notifier(self.ledger.url, self.clock, self.engine.wake)
            self.ledger.on_commit(notifier.committed)
            self._tasks.append(asyncio.create_task(notifier.run(), name="notifier"))
        self._server = WebServer(self._application())
        port = await self._server.start(self.settings.host, self.settings.port)
        log.info("syncd is running", event_id="daemon.started", version=__version__, port=port,
                 revision=self.configuration.active.bundle.short_revision)  # fmt: skip

    async def stop(self) -> None:
        """Take nothing more in, finish what runs, commit what waits, close everything."""
        log.info("draining", event_id="daemon.draining")
        await self.inbox.close()
        await self.engine.drain(self.settings.drain_seconds)  # what is read back may be served by this very daemon
        if self._server:
            await self._server.stop()
        await asyncio.gather(*self._tasks[:1], return_exceptions=True)  # the engine ends by itself
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.lanes.close()
        await self.services.connections.close()
        await self.workers.close()
        await self.ledger.close()
        log.info("syncd has stopped", event_id="daemon.stopped")

    def failure(self) -> BaseException | None:
        """What ended one of the daemon's tasks, if one ended by itself."""
        for task in self._tasks:
            if task.done() and not task.cancelled() and task.exception():
                return task.exception()
        return None

    async def _trust_time(self) -> None:
        """A clock that says less than it said before the last stop, or other than the database, is not believed."""
        async with self.ledger.read() as reading:
            last_seen = await meta.value_of(reading, meta.LAST_SEEN)
        if last_seen:
            self.clock.not_before(datetime.fromisoformat(last_seen))
        await clockwatch.compare(self.ledger, self.clock)

    async def _register_token(self) -> None:
        """Let the token in `var/token` in; on the very first start, write one."""
        path = self.settings.var / "token"
        text = await asyncio.to_thread(read_or_write_token, path)
        await tokens.register(self.ledger, auth.digest_of(text), "first", auth.Scope.ADMIN.value)

    def _application(self) -> web.Application:
        hooks = Hooks(self.reception, self.clock, self.metrics)
        media = MediaPages(sources.LedgerMedia(self.services), self.clock)
        documents = Documents(sources.LedgerDocuments(self.documents))
        health = Health(self, self.metrics)
        return application(
            described((*health.routes(), *all_routes(self.services)), version=__version__),
            (*hooks.routes(), *media.routes(), *documents.routes(), *health.plain_routes()),
            authenticator=auth.Authenticator(sources.LedgerTokens(self.services), self.clock, self.metrics),
            clock=self.clock,
            metrics=self.metrics,
        )

    async def problems(self) -> list[str]:
        """What keeps this process from working; vendors that are down do not."""
        found = [f"A task of the daemon ended: {failed}."] if (failed := self.failure()) else []
        if self.inbox.closing:
            found.append("The daemon is stopping.")
        if self.reception.disk_low():
            found.append("The disk is almost full: nothing new is taken in.")
        try:
            async with self.ledger.read():
                pass
        except Exception as error:
            found.append(f"The ledger does not answer: {error}.")
        return found

    # --- configuration -------------------------------------------------------------------------------------------

    async def _follow_others(self) -> None:
        while True:
            await self.clock.sleep(FOLLOW_EVERY)
            try:
                await self.configuration.refresh()
            except SyncdError as error:
                log.exception("cannot follow the active revision", event_id="configuration.behind", error=error.what)

    async def _follow_configuration(self) -> None:
        """Serve the lanes of the active revision, and make due what it could change."""
        bundle = self.configuration.active.bundle
        self.engine.serve(
            {name: _lane(c.brand, c.owner, self.registry.get(c.connector)) for name, c in bundle.connections.items()}
        )
        roles = (("source", touching.POLL), ("catalog", touching.MIRROR), ("channel", touching.OBSERVE))
        async with self.ledger.write() as transaction:
            for brand in bundle.brands:
                await touch(transaction, housekeeping.standing_keys(brand))
                for role, kind in roles:
                    names = touching.connections_of(bundle, brand, role)
                    await touch(transaction, [Due(brand, name, kind, "", Urgency.PUBLISH) for name in names])
            await touch(transaction, self._followed())
        await authorization.tell_missing(self.services)

    def _followed(self) -> list[Due]:
        """The keys that follow changes in targets: by asking, and by keeping their webhooks subscribed."""
        return [
            Due(config.brand, name, kind, role)
            for name, config in self.configuration.active.bundle.connections.items()
            for kind, ability in ((touching.WATCH, Watches), (touching.SUBSCRIBE, Subscribes))
            if issubclass(self.registry.get(config.connector), ability)
            for role in config.roles
            if role != Role.SOURCE.value
        ]


def _lane(brand: str, owner: str, system: type[System]) -> LaneSpec:
    return LaneSpec(brand, owner, system.call_deadline, system.linger, system.max_batch)


def read_or_write_token(path: Path) -> str:
    """The token kept in a file only its owner reads; a new one is written where there is none."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(auth.mint().text + "\n")
    return path.read_text().strip()
