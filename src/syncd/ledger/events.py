"""Writing events: all of a transaction in one statement, for they are the rows written most.

They travel as one JSON text, which either store unpacks by itself: one parameter instead of seven per event to convert,
and on SQLite one step that leaves Python's lock to others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.ledger import many
from syncd.ledger.trail import content_hash


class NewEvent(NamedTuple):
    """An event about to be written, as text throughout: `at` in UTC to the microsecond, `data` as JSON."""

    brand: str
    at: str
    kind: str
    subject: str
    revision: str
    data: str
    content_hash: str


_INSERT = {
    "sqlite": sa.text("""
        INSERT INTO event (brand, at, kind, subject, revision, data, content_hash)
        SELECT json_extract(value, '$[0]'), substr(json_extract(value, '$[1]'), 1, 26), json_extract(value, '$[2]'),
            json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'),
            json_extract(value, '$[6]')
        FROM json_each(:events)"""),
    "postgresql": sa.text("""
        INSERT INTO event (brand, at, kind, subject, revision, data, content_hash)
        SELECT value->>0, CAST(value->>1 AS timestamptz), value->>2, value->>3, value->>4, CAST(value->>5 AS jsonb),
            value->>6
        FROM json_array_elements(CAST(:events AS json)) AS events(value)"""),
}


def new_event(brand: str, at: datetime, kind: str, subject: str, revision: str, data: Mapping[str, Any]) -> NewEvent:
    """An event with its content's hash."""
    content = content_hash(brand, at, kind, subject, revision, data)
    return NewEvent(brand, at.isoformat(" ", "microseconds"), kind, subject, revision, json.dumps(data), content)


async def insert(connection: AsyncConnection, dialect: str, events: Sequence[NewEvent]) -> None:
    """Write events in their order."""
    text, _ = many.prepared(_INSERT[dialect], connection.dialect)
    await connection.exec_driver_sql(text, (json.dumps(events),))
