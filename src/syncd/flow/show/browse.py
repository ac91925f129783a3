"""Reading the ledger in pages and by name: what the API shows of each noun."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from syncd.errors import ConflictError, NotFoundError
from syncd.flow.services import Services
from syncd.ledger.tables import (
    Asset,
    Consent,
    Decision,
    Event,
    ExceptionRecord,
    Finding,
    Grant,
    Match,
    Placement,
    Receipt,
    Submission,
    SubmissionFile,
    Version,
)
from syncd.ledger.tables.base import SQLModel, table
from syncd.ledger.tables.core import versions

__all__ = [
    "SHORTEST",
    "Ambiguous",
    "Asset",
    "Consent",
    "Decision",
    "Event",
    "ExceptionRecord",
    "Finding",
    "Grant",
    "Match",
    "Placement",
    "Receipt",
    "Submission",
    "SubmissionFile",
    "Version",
    "belonging",
    "current_version",
    "numbered",
    "one",
    "page",
]  # fmt: skip

M = TypeVar("M", bound=SQLModel)
SHORTEST = 4
"""Characters of an id that are enough where no other begins with them."""


class Ambiguous(ConflictError):
    """Give more of the id's characters."""

    code = "id.ambiguous"


async def page(
    services: Services,
    model: type[M],
    *,
    by: Sequence[str],
    after: Sequence[Any] | None,
    limit: int,
    equal: Mapping[str, Any] | None = None,
    where: Sequence[sa.ColumnElement[bool]] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    newest_first: bool = False,
) -> Sequence[M]:
    """Rows in the order of the columns `by`.

    Args:
        by: columns that together name a row.
        after: their values in the last row already shown, None for the beginning.
        equal: the values some columns must have; None and "" ask for nothing. `where`: further conditions.
        since, until: bounds of the column `at`, the second one not included.
        newest_first: the other way round.

    Returns:
        up to `limit` + 1 rows: the one too many says that there is more.
    """
    known = table(model).c
    columns = [known[name] for name in by]
    given = {name: value for name, value in (equal or {}).items() if value not in (None, "")}
    query = sa.select(model).where(*(known[name] == value for name, value in given.items()), *where)
    if since is not None:
        query = query.where(known.at >= since)
    if until is not None:
        query = query.where(known.at < until)
    if after is not None:
        position = sa.tuple_(*(sa.literal(value, c.type) for value, c in zip(after, columns, strict=True)))
        query = query.where(sa.tuple_(*columns) < position if newest_first else sa.tuple_(*columns) > position)
    order = [column.desc() if newest_first else column for column in columns]
    async with services.ledger.reading() as session:
        return (await session.execute(query.order_by(*order).limit(limit + 1))).scalars().all()


async def one(services: Services, model: type[M], identifier: str) -> M:
    """The row with this id, or whose id alone begins so.

    Raises:
        NotFoundError: none. Ambiguous: several begin so.
    """
    wanted, column, noun = identifier.upper(), table(model).c.id, table(model).name.replace("_", " ")
    like = column == wanted
    if len(wanted) >= SHORTEST:
        like = column.startswith(wanted, autoescape=True)
    async with services.ledger.reading() as session:
        ids = (await session.execute(sa.select(column).where(like).order_by(column).limit(5))).scalars().all()
        if len(ids) > 1 and wanted not in ids:
            raise Ambiguous(f"{identifier} begins several ids: {', '.join(ids)}.", found=list(ids))
        found = await session.get(model, ids[0]) if ids else None
    if found is None:
        raise NotFoundError(f"There is no {noun} {identifier}.")
    return found


async def numbered(services: Services, name: str) -> Version:
    """A version by its id, or as `ASSET:NUMBER`.

    Raises:
        NotFoundError: none. Ambiguous: the asset's id is too short.
    """
    asset, _, number = name.partition(":")
    if not number:
        return await one(services, Version, name)
    identifier = (await one(services, Asset, asset)).id
    wanted = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
    async with services.ledger.reading() as session:
        query = sa.select(Version).where(versions.c.asset_id == identifier, versions.c.number == wanted)
        found = (await session.execute(query)).scalars().first()
    if found is None:
        raise NotFoundError(f"Asset {identifier} has no version {number}.")
    return found


async def current_version(services: Services, asset: str) -> Version | None:
    """The current version of an asset, by the asset's full id."""
    async with services.ledger.reading() as session:
        query = sa.select(Version).where(versions.c.asset_id == asset, versions.c.current)
        return (await session.execute(query)).scalars().first()


async def belonging(services: Services, model: type[M], *, order: str = "id", **where: Any) -> Sequence[M]:
    """All rows with these values, in the order of a column: for the few things that belong to one other."""
    columns = table(model).c
    query = sa.select(model).where(*(columns[name] == value for name, value in where.items()))
    async with services.ledger.reading() as session:
        return (await session.execute(query.order_by(columns[order]))).scalars().all()
