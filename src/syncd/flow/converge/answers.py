"""What a system's answer to a call means for placements, whether it came at once or from a job later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from syncd.engine import operations
from syncd.flow.converge import findings, placing
from syncd.flow.converge.situation import Lane
from syncd.flow.services import Services
from syncd.ledger.among import among
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import placements
from syncd.ledger.types import Row
from syncd.sdk.media import Answer, Issue, ItemResult


async def record(
    services: Services,
    transaction: Transaction,
    lane: Lane,
    operation: str,
    wish: Mapping[str, Sequence[str]],
    answer: ItemResult,
) -> None:
    """Write an answer as state and receipts of each placement of the call, and settle its item.

    Args:
        wish: the placements the call was to `add` and to `remove`.
        answer: ACCEPTED or REJECTED; `listing` is the place. What its issues name is refused, whatever became of the
            rest; where it is refused and names nothing, all of it is.
    """
    added, removed = wish.get("add", ()), wish.get("remove", ())
    refused = _refused(await _rows(transaction, added), answer) if answer.issues else {}
    if answer.answer is Answer.REJECTED and not refused:
        refused = dict.fromkeys(added, answer.message)
    await name(transaction, lane, answer)
    for identifier in added:
        state = "rejected" if identifier in refused else _state(answer)
        await placing.set_state(transaction, lane.brand, lane.connection, [identifier], state)
    for identifier in (*added, *removed):
        said = refused.get(identifier) or answer.message or answer.answer.value
        kind = "rejected" if identifier in refused else answer.answer.value
        await placing.receipt(transaction, lane.brand, identifier, kind, said, operation)
    result = {answer.listing: (answer.answer.value, answer.message)}
    await operations.settle_items(transaction, operation, result)
    if refused or answer.answer is Answer.REJECTED:
        words = answer.message or "; ".join(dict.fromkeys(refused.values()))
        await findings.rejected(services, transaction, lane, answer.listing, words, answer.issues)


async def name(transaction: Transaction, lane: Lane, answer: ItemResult) -> None:
    """Keep what a system calls our placements from now on."""
    for identifier, external in answer.external_ids.items():
        ours = sa.update(placements).where(placements.c.id == identifier, placements.c.connection == lane.connection)
        await transaction.execute(ours.values(external_id=external))


def _state(answer: ItemResult) -> str:
    """Of what the answer does not name: taken, or to be sent again without what was refused."""
    return "accepted" if answer.answer is Answer.ACCEPTED else "planned"


async def _rows(transaction: Transaction, identifiers: Sequence[str]) -> Sequence[Row]:
    query = sa.select(placements.c.id, placements.c.name, placements.c.external_id)
    return (await transaction.execute(query.where(among(placements.c.id, list(identifiers))))).all()


def _refused(rows: Sequence[Row], answer: ItemResult) -> dict[str, str]:
    """The placements that issues name, with the system's words."""
    found: dict[str, str] = {}
    for issue in answer.issues:
        for row in rows:
            if issue.media and _names(issue, row):
                found[row.id] = "; ".join(filter(None, (found.get(row.id), issue.message)))
    return found


def _names(issue: Issue, row: Row) -> bool:
    return issue.media in (row.id, row.name, row.external_id) or bool(row.name and issue.media.endswith(f"/{row.name}"))
