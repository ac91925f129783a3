"""The history of the configuration: what each revision held, and how two differ."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from syncd.errors import NotFoundError
from syncd.flow.services import Services
from syncd.ledger.tables.core import revisions
from syncd.ledger.types import Row

_COLUMNS = ("id", "created_at", "activated_at", "activated_by", "active")


async def list_revisions(services: Services, after: tuple[datetime, str] | None, limit: int) -> Sequence[Row]:
    """Revisions, newest first: id, created_at, activated_at, activated_by, active; one more than `limit`."""
    query = sa.select(*(revisions.c[name] for name in _COLUMNS))
    if after is not None:
        position = sa.tuple_(sa.literal(after[0], revisions.c.created_at.type), sa.literal(after[1]))
        query = query.where(sa.tuple_(revisions.c.created_at, revisions.c.id) < position)
    order = (revisions.c.created_at.desc(), revisions.c.id.desc())
    async with services.ledger.read() as reading:
        return (await reading.execute(query.order_by(*order).limit(limit + 1))).all()


async def read_revision(services: Services, identifier: str) -> Any:
    """A revision with its files, by its id or a prefix of it that names it alone.

    Raises:
        NotFoundError: none or several.
    """
    query = sa.select(revisions).where(revisions.c.id.startswith(identifier, autoescape=True)).limit(2)
    async with services.ledger.read() as reading:
        found = (await reading.execute(query)).all()
    if len(found) != 1 or not identifier:
        remedy = "`syncd revisions` lists them."
        raise NotFoundError(f"There is {'no' if not found else 'more than one'} revision {identifier}.", remedy=remedy)
    return found[0]


async def compare(services: Services, before: str, after: str) -> str:
    """How two revisions differ, as a unified diff of all their files; "" if they are the same."""
    one, other = await read_revision(services, before), await read_revision(services, after)
    return "".join(_differences(one.files, other.files))


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> Sequence[str]:
    lines: list[str] = []
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path, ""), after.get(path, "")
        names = (path if path in before else "/dev/null", path if path in after else "/dev/null")
        found = difflib.unified_diff(old.splitlines(), new.splitlines(), *names, lineterm="")
        lines += [f"{line}\n" for line in found]
    return lines
