"""What convergence has to tell people: rejected, unverified, held by the brake, legally overdue."""

from __future__ import annotations

from datetime import timedelta

from syncd.flow.converge.decision import Decision
from syncd.flow.converge.situation import PlaceFacts, Situation
from syncd.flow.places import kind_of, name_of
from syncd.flow.services import Services
from syncd.ledger.exceptions import Opening, close_exceptions, open_exception
from syncd.ledger.store import Transaction

PATIENCE = timedelta(minutes=10)
"""How long a system may take to show what it accepted, or to stop showing what it removed, before a person is told."""


async def rejected(
    services: Services, transaction: Transaction, facts: Situation, place: PlaceFacts, message: str
) -> None:
    """A system refused a change; its own words become the reason."""
    await _open(
        services, transaction, facts, place, "rejected", "placement.rejected",
        f"{facts.connection} refused the change of {name_of(place.place)}: {message}",
        "Mend what it names (the product, the spec, the connection), then `syncd replay EXCEPTION`.",
    )  # fmt: skip


async def unverified(
    services: Services, transaction: Transaction, facts: Situation, place: PlaceFacts, decision: Decision
) -> None:
    """Answered with yes, and not so when looked at: said once the patience for it is over, taken back when it is so."""
    now = transaction.now
    settled = {c.placed.id for c in decision.step.confirms if c.placed} | set(decision.verified)
    late = [row for row in place.placements if row.id not in settled and now - row.changed_at > PATIENCE]
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
            services, transaction, facts, place, kind, code,
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
        services, transaction, facts, place, "overdue", "takedown.overdue",
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
    services: Services, transaction: Transaction, facts: Situation, place: PlaceFacts, kind: str, code: str,
    reason: str, remedy: str, **payload: object,
) -> None:  # fmt: skip
    await open_exception(
        transaction,
        Opening(
            brand=facts.brand, kind=kind, code=code, subject=f"{facts.connection}/{place.place}",
            connection=facts.connection, owner=services.owner_of(facts.brand, facts.connection), reason=reason,
            remedy=remedy, payload=dict(payload), lane=facts.connection, work_kind=kind_of(place.place),
            work_key=place.place,
        ),
    )  # fmt: skip
