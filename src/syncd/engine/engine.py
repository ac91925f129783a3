"""The engine: for every lane this process may work in, claim what is due, have it done, finish it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
import tenacity
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.clock import Clock
from syncd.engine import failure, work
from syncd.engine.doing import DOING, Doing
from syncd.engine.handler import Handler, Outcome
from syncd.engine.lanes import RENEW_EVERY, Lanes
from syncd.engine.work import LOCAL, Claim, Finish, Urgency
from syncd.errors import Kind, SyncdError
from syncd.ledger.exceptions import Opening, close_exceptions, open_exception
from syncd.ledger.store import Ledger, Transaction
from syncd.telemetry.metrics import WORK_FINISHED, Metrics

HEARTBEAT_EVERY = 3.0
POLL_EMBEDDED = 30.0
FINISH_ATTEMPTS = 4
POLL_SHARED = 1.0
_CONNECTION_FAULTS = frozenset({Kind.TRANSIENT, Kind.RATE_LIMITED})

log = structlog.get_logger("syncd.engine")


@dataclass(frozen=True, slots=True)
class LaneSpec:
    """A lane this process should serve: whose it is, who is told of faults, the longest call in seconds, and how long
    keys wait for others to come until `fill` of them are due."""

    brand: str
    owner: str
    call_deadline: float = 10.0
    linger: timedelta = timedelta()
    fill: int = 1


@dataclass
class _Group:
    """Batches of one kind in one lane that are being worked on."""

    handler: Handler
    running: int = 0


class Engine:
    """Runs handlers over lanes until told to drain."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        lanes: Lanes,
        *,
        local: Sequence[Handler],
        connection: Sequence[Handler],
        owner_of: Callable[[str, str], str],
        metrics: Metrics,
        rng: random.Random | None = None,
    ) -> None:
        """
        Args:
            local: handlers of the lane `local`; `connection`: those of each connection's lane.
            owner_of: (brand, lane) → mail of who is told when a key fails for good.
        """
        self.ledger, self.clock, self.lanes = ledger, clock, lanes
        self.owner_of, self.metrics = owner_of, metrics
        self._handlers = {True: {h.kind: h for h in local}, False: {h.kind: h for h in connection}}
        self._rng = rng or random.Random()
        self._wake: dict[str, asyncio.Event] = {}
        self._loops: dict[str, asyncio.Task[None]] = {}
        self._batches: set[asyncio.Task[None]] = set()
        self._tokens: set[str] = set()
        self._wanted: dict[str, LaneSpec] = {}
        self._stopping = False
        self._drained = asyncio.Event()
        ledger.on_commit(self.wake)

    # --- lanes ---------------------------------------------------------------------------------------------------

    def serve(self, lanes: Mapping[str, LaneSpec]) -> None:
        """Work in these connection lanes from now on (and always in `local`)."""
        self._wanted = dict(lanes)

    @property
    def busy(self) -> bool:
        """Whether any batch is being worked on."""
        return bool(self._batches)

    def wake(self, lanes: Collection[str]) -> None:
        """Look for work in these lanes now; `*` is all of them."""
        for lane in self._wake if "*" in lanes else lanes:
            if lane in self._wake:
                self._wake[lane].set()

    async def run(self) -> None:
        """Serve until `drain` is called."""
        self._start_loop(LOCAL)
        claims = asyncio.create_task(self._keep_claims(), name="claims")
        try:
            await self._keep_leases()
        finally:
            claims.cancel()

    async def _keep_leases(self) -> None:
        """Hold the lanes until the last batch is done: a call may only start under a lease."""
        while not self._drained.is_set():
            try:
                await self.refresh_leases()
            except Exception as error:  # a ledger that is away for a moment must not end the engine
                log.exception("leases could not be renewed", event_id="engine.leases", error=str(error))
            await self.clock.wait(self._drained, RENEW_EVERY)

    async def refresh_leases(self) -> None:
        """Renew what is held, give up what is no longer wanted, take what is free."""
        for lane in await self.lanes.renew():
            log.warning("lane lost to another process", event_id="lane.lost", lane=lane)
        await self.lanes.release([lane for lane in self.lanes.held() if lane not in self._wanted])
        if self._stopping:
            return
        wanted = {lane: (spec.brand, spec.call_deadline) for lane, spec in self._wanted.items()}
        for lease in await self.lanes.acquire(wanted):
            log.info("lane taken", event_id="lane.taken", lane=lease.lane, epoch=lease.epoch)
        for lane in self.lanes.held():  # also where a lease lapsed for a moment and its loop ended with it
            self._start_loop(lane)

    def _start_loop(self, lane: str) -> None:
        running = self._loops.get(lane)
        if running is None or running.done():
            self._wake[lane] = asyncio.Event()
            self._loops[lane] = asyncio.create_task(self._serve_lane(lane), name=f"lane {lane}")

    async def _keep_claims(self) -> None:
        """Keep the claims of running batches alive."""
        while not await self.clock.wait(self._drained, HEARTBEAT_EVERY):
            try:
                await self._extend_claims()
            except Exception as error:
                log.exception("claims could not be extended", event_id="engine.claims", error=str(error))

    async def _extend_claims(self) -> None:
        if self._tokens:
            tokens = sorted(self._tokens)
            await self.ledger.transact(lambda transaction: work.heartbeat(transaction, self.ledger, tokens))

    # --- one lane ------------------------------------------------------------------------------------------------

    async def _serve_lane(self, lane: str) -> None:
        groups = {kind: _Group(handler) for kind, handler in self._handlers[lane == LOCAL].items()}
        wake = self._wake[lane]
        while not self._stopping and (lane == LOCAL or self.lanes.get(lane)):
            wake.clear()
            try:
                pause = await self._dispatch(lane, groups)
            except Exception as error:
                log.exception("dispatch failed", event_id="engine.dispatch", lane=lane, error=str(error))
                pause = RENEW_EVERY
            if pause > 0:
                await self.clock.wait(wake, pause)

    async def _dispatch(self, lane: str, groups: Mapping[str, _Group]) -> float:
        """Start batches for what is due; returns seconds until there may be more."""
        longest = POLL_EMBEDDED if self.ledger.embedded else POLL_SHARED
        free = [kind for kind, group in groups.items() if group.running < group.handler.parallel]
        admitted = self._admitted(lane)
        if not free or admitted == 0:
            return min(longest, RENEW_EVERY if admitted == 0 else longest)
        async with self.ledger.read() as connection:
            upcoming = await work.upcoming(connection, lane, free)
            upcoming = [await self._lingering(connection, lane, groups, *each) for each in upcoming]
        now = self.clock.now()
        started = 0
        for kind, urgency, at in upcoming:
            if at > now:
                longest = min(longest, (at - now).total_seconds())
            elif groups[kind].running < groups[kind].handler.parallel and (admitted is None or not started):
                started += await self._start_batch(lane, groups[kind], urgency, admitted)
        return 0 if started and admitted is None else longest

    async def _lingering(
        self, connection: AsyncConnection, lane: str, groups: Mapping[str, _Group], kind: str, urgency: Urgency,
        at: datetime,
    ) -> tuple[str, Urgency, datetime]:  # fmt: skip
        """When a kind's keys are to be taken: when they are due, or later where a fuller call is worth waiting for."""
        spec = self._wanted.get(lane)
        if spec is None or not spec.linger or not groups[kind].handler.lingers or at > self.clock.now():
            return kind, urgency, at
        full = await work.due(connection, lane, kind, urgency, self.clock.now(), spec.fill) >= spec.fill
        return kind, urgency, at if full else at + spec.linger

    def _admitted(self, lane: str) -> int | None:
        lease = self.lanes.get(lane)
        return lease.breaker.admits(self.clock.now()) if lease else None

    async def _start_batch(self, lane: str, group: _Group, urgency: Urgency, admitted: int | None) -> int:
        limit = min(group.handler.batch, admitted or group.handler.batch)
        lease = self.lanes.get(lane)
        kind, epoch = group.handler.kind, lease.epoch if lease else 0
        claims = await self.ledger.transact(
            lambda transaction: work.claim(transaction, self.ledger, lane, kind, urgency, limit, epoch)
        )
        if claims:
            group.running += 1
            task = asyncio.create_task(self._work(group, claims), name=f"{lane} {group.handler.kind}")
            self._batches.add(task)
            task.add_done_callback(self._batches.discard)
        return len(claims)

    async def _work(self, group: _Group, claims: Sequence[Claim]) -> None:
        token = claims[0].token
        self._tokens.add(token)
        DOING.set(Doing(claims[0].lane, claims[0].urgency))
        try:
            outcomes = await self._run(group.handler, claims)
            await self.finish(outcomes)
        except Exception as error:
            log.exception(
                "batch could not be finished", event_id="engine.finish", kind=group.handler.kind, error=str(error)
            )
        finally:
            self._tokens.discard(token)
            group.running -= 1
            self.wake([claims[0].lane])

    async def _run(self, handler: Handler, claims: Sequence[Claim]) -> list[Outcome]:
        """Have a batch done; where a batch fails as a whole, each key alone, so that one cannot hold up the others."""
        try:
            return list(await handler.run(claims))
        except Exception as error:
            if len(claims) == 1 or failure.as_syncd_error(error).kind in _CONNECTION_FAULTS:
                return [Outcome(claim, error=error) for claim in claims]
        outcomes: list[Outcome] = []
        for claim in claims:
            outcomes += await self._run(handler, [claim])
        return outcomes

    # --- finishing -----------------------------------------------------------------------------------------------

    async def finish(self, outcomes: Sequence[Outcome]) -> None:
        """Write results and finish keys in one transaction; if a result cannot be written, each in its own."""
        try:
            await self._finish_persistently(outcomes)
        except Exception as error:
            if len(outcomes) == 1:
                await self._finish_together([Outcome(outcomes[0].claim, error=error, payload=outcomes[0].payload)])
                return
            for outcome in outcomes:
                await self.finish([outcome])

    async def _finish_persistently(self, outcomes: Sequence[Outcome]) -> None:
        """An answer already received is worth another try when the database chose this transaction to give way."""
        async for attempt in tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(FINISH_ATTEMPTS),
            retry=tenacity.retry_if_exception(lambda error: failure.as_syncd_error(error).kind is Kind.TRANSIENT),
            sleep=self.clock.sleep,
            wait=tenacity.wait_random(0, 0.05),
            reraise=True,
        ):
            with attempt:
                await self._finish_together(outcomes)

    async def _finish_together(self, outcomes: Sequence[Outcome]) -> None:
        async with self.ledger.write() as transaction:
            held = await work.still_held(transaction, [outcome.claim for outcome in outcomes])
            finishes = [await self._conclude(transaction, outcome) for outcome in outcomes if outcome.claim.id in held]
            await work.finish(transaction, finishes, held)
        self._count(outcomes, len(finishes))

    async def _conclude(self, transaction: Transaction, outcome: Outcome) -> Finish:
        claim = outcome.claim
        if outcome.error is not None:
            return await self._fail(transaction, outcome, failure.as_syncd_error(outcome.error))
        if outcome.effects:
            await outcome.effects(transaction)
        if claim.failed_before:
            await close_exceptions(transaction, claim.brand, by="success", work=(claim.lane, claim.kind, claim.key))
        return Finish(claim, due_at=outcome.due_at, urgency=outcome.urgency)

    async def _fail(self, transaction: Transaction, outcome: Outcome, error: SyncdError) -> Finish:
        claim = outcome.claim
        verdict = failure.judge(error, claim.attempts, transaction.now, self._rng.random())
        log.warning(
            "work failed",
            event_id="work.failed",
            lane=claim.lane,
            kind=claim.kind,
            key=claim.key,
            code=error.code,
            error=error.what,
            attempts=claim.attempts,
            not_before=verdict.not_before and verdict.not_before.isoformat(),
            exc_info=outcome.error if error.kind is Kind.BUG else None,
        )
        if verdict.tell:
            await open_exception(transaction, self._dead_letter(claim, error, outcome.payload or {}))
        return Finish(
            claim,
            not_before=verdict.not_before,
            due_at=verdict.not_before,
            parked=verdict.not_before is None,
            error=error.what,
        )

    def _dead_letter(self, claim: Claim, error: SyncdError, payload: dict[str, object]) -> Opening:
        connection = "" if claim.lane == LOCAL else claim.lane
        kind = "connection" if error.kind in (Kind.CONFIG, Kind.AUTH) and connection else "dead-letter"
        subject = connection if kind == "connection" else f"{claim.lane}/{claim.kind}/{claim.key}"
        return Opening(
            brand=claim.brand,
            kind=kind,
            code=error.code,
            subject=subject,
            connection=connection,
            owner=self.owner_of(claim.brand, claim.lane),
            reason=error.what,
            remedy=error.remedy,
            payload={**error.data, **payload},
            lane=claim.lane,
            work_kind=claim.kind,
            work_key=claim.key,
        )

    def _count(self, outcomes: Sequence[Outcome], finished: int) -> None:
        for (kind, failed), number in Counter((o.claim.kind, o.error is not None) for o in outcomes).items():
            self.metrics.count(WORK_FINISHED, number, kind=kind, result="failed" if failed else "done")
        lease = self.lanes.get(outcomes[0].claim.lane)
        if lease is None:
            return
        faults = [
            fault for o in outcomes if o.error and (fault := failure.as_syncd_error(o.error)).kind is Kind.TRANSIENT
        ]
        now = self.clock.now()
        if faults and lease.breaker.failed(now, faults[0].what):
            log.warning("connection unavailable", event_id="connection.down", lane=lease.lane, reason=faults[0].what)
        if not faults and finished and lease.breaker.succeeded():
            log.info("connection available again", event_id="connection.up", lane=lease.lane)
            self.wake([lease.lane])

    # --- stopping ------------------------------------------------------------------------------------------------

    async def drain(self, timeout: float) -> None:
        """Take no more work, let what runs finish, give the lanes up.

        Args:
            timeout: real seconds, as whoever stops a process counts them.
        """
        self._stopping = True
        self.wake(list(self._wake))
        await asyncio.gather(*self._loops.values(), return_exceptions=True)  # from here on no batch begins
        if self._batches:
            _, late = await asyncio.wait(self._batches, timeout=timeout)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        self._drained.set()
        await self.lanes.release()
