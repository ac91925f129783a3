"""What convergence has to tell people: rejected, unverified, held by the brake, legally overdue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from syncd.engine.operations import Job
from syncd.flow.converge.decision import Decision
from syncd.flow.converge.situation import Lane, PlaceFacts, Situation
from syncd.flow.places import kind_of, name_of
from syncd.flow.services import Services
from syncd.ledger.exceptions import Opening, close_exceptions, open_exception
from syncd.ledger.store import Transaction
from syncd.sdk.media import Issue


async def rejected(
    services: Services, transaction: Transaction, lane: Lane, place: str, message: str, issues: Sequence[Issue]
) -> None:
    """A system refused a change; its own words become the reason."""
    await _open(
        services, transaction, lane, place, "rejected", "placement.rejected",
        f"{lane.connection} refused the change of {name_of(place)}: {message}",
        "Mend what it names (the product, the spec, the connection), then `syncd replay EXCEPTION`.",
        issues=[asdict(issue) for issue in issues],
    )  # fmt: skip


async def job_late(services: Services, transaction: Transaction, lane: Lane, job: Job) -> None:
    """A system has been working on a call for longer than it ever should."""
    names = ", ".join(name_of(item.listing) for item in job.items[:5])
    await open_exception(
        transaction,
        Opening(
            brand=lane.brand, kind="job", code="job.late", subject=f"{lane.connection}/{job.operation}",
            connection=lane.connection, owner=services.owner_of(lane.brand, lane.connection),
            reason=f"{lane.connection} has been working on job {job.external_id} since {job.prepared_at.isoformat()}: "
            f"{len(job.items)} listings wait for it ({names}).",
            remedy="Look for the job in the system. syncd asks on; in the end it believes what the listings show.",
            payload={"job": job.external_id, "listings": [name_of(item.listing) for item in job.items]},
        ),
    )  # fmt: skip


async def job_over(transaction: Transaction, lane: Lane, operation: str) -> None:
    """The job has ended, or nobody waits for it any longer."""
    await close_exceptions(
        transaction, lane.brand, by="convergence", kind="job", subjects=[f"{lane.connection}/{operation}"]
    )


async def unverified(
    services: Services, transaction: Transaction, facts: Situation, place: PlaceFacts, decision: Decision
) -> None:
    """Answered with yes, and not so when looked at: said once the patience for it is over, taken back when it is so."""
    now, patience = transaction.now, services.connections.patience(facts.connection)
    settled = {c.placed.id for c in decision.step.confirms if c.placed} | set(decision.verified)
    late = [row for row in place.placements if row.id not in settled and now - row.changed_at > patience]
    up = [row for row in late if row.state == "accepted"]
    down = [row for row in late if row.state == "withdrawing"]
    for kind, code, rows, words in (
        ("unverified", "placement.unverified", up, "accepted media that cannot be seen there"),
        ("takedown-unverified", "takedown.unverified", down, "still shows media that were taken down"),
    ):
        subject = f"{facts.connection}/{place.place}"
        if not rows:
            await close_exceptions(transaction, facts.brand, by="observation", kind=kind, subjects=[subject])
            continue
        evidence = [f"{row.key} since {row.changed_at.isoformat()}" for row in rows]
        await _open(
            services, transaction, facts.lane, place.place, kind, code,
            f"{facts.connection} {words}: {name_of(place.place)} ({', '.join(evidence)}).",
            "Look at the listing and its media URL; if the system is wrong, mend it there by hand. syncd looks on.",
            evidence=evidence, seen=place.seen,
        )  # fmt: skip


async def overdue(
    services: Services, transaction: Transaction, facts: Situation, place: PlaceFacts, decision: Decision
) -> None:
    """Content whose right has ended stands where nothing may be written yet."""
    subject = f"{facts.connection}/{place.place}"
    if not decision.overdue:
        await close_exceptions(transaction, facts.brand, by="convergence", kind="overdue", subjects=[subject])
        return
    keys = ", ".join(f"{held.key} ({held.cause})" for held in decision.overdue)
    await _open(
        services, transaction, facts.lane, place.place, "overdue", "takedown.overdue",
        f"Legally overdue on {facts.connection}: {name_of(place.place)} shows {keys}, and {decision.blocked}.",
        "Run `syncd plan` and `syncd apply PLAN`, or remove it by hand in the system.",
    )  # fmt: skip


async def braked(services: Services, transaction: Transaction, facts: Situation, decision: Decision) -> None:
    """Inferred removals beyond the share wait for a person."""
    held = [each for each in decision.step.held if each.why == "brake"]
    if not held:
        return
    await open_exception(
        transaction,
        Opening(
            brand=facts.brand, kind="brake", code="brake.removals", subject=facts.connection,
            connection=facts.connection, owner=services.owner_of(facts.brand, facts.connection),
            reason=f"{facts.connection} would lose more than its share by inferred removals in 24 hours; they wait.",
            remedy="Run `syncd plan`: it lists every removal. `syncd apply PLAN` carries them out.",
            lane=facts.connection, work_kind=kind_of(decision.place), work_key=decision.place,
        ),
    )  # fmt: skip


async def _open(
    services: Services, transaction: Transaction, lane: Lane, place: str, kind: str, code: str, reason: str,
    remedy: str, **payload: object,
) -> None:  # fmt: skip
    await open_exception(
        transaction,
        Opening(
            brand=lane.brand, kind=kind, code=code, subject=f"{lane.connection}/{place}",
            connection=lane.connection, owner=services.owner_of(lane.brand, lane.connection), reason=reason,
            remedy=remedy, payload=dict(payload), lane=lane.connection, work_kind=kind_of(place), work_key=place,
        ),
    )  # fmt: skip
