"""The mirror of the catalogue: products looked up by what they are called, kept up to date from the PIM."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.config.bundle import Bundle
from syncd.domain.match import Lookup
from syncd.domain.product import ProductRecord, ProductRef, ProductStatus
from syncd.engine.work import touch
from syncd.flow.touching import product_keys
from syncd.ledger.store import Transaction
from syncd.ledger.tables.core import products
from syncd.ledger.types import Row

NEAR = 3
_COLUMNS = (
    products.c.sku, products.c.title, products.c.gtin, products.c.version, products.c.status, products.c.absent_since,
)  # fmt: skip


def ref(row: Row) -> ProductRef:
    """What matching needs of a product row."""
    active = row.status == ProductStatus.ACTIVE and row.absent_since is None
    return ProductRef(row.sku, row.title, row.gtin, row.version, active)


async def look_up(
    connection: AsyncConnection, brand: str, lookups: Sequence[Lookup]
) -> dict[Lookup, tuple[ProductRef, ...]]:
    """The products a brand has under each name: SKUs as written, GTINs without leading zeros, titles in any case."""
    columns = {"sku": products.c.sku, "gtin": products.c.gtin, "name": sa.func.lower(products.c.title)}
    found: dict[Lookup, list[ProductRef]] = defaultdict(list)
    for by, column in columns.items():
        wanted: dict[str, list[Lookup]] = defaultdict(list)
        for lookup in lookups:
            if lookup[0] == by:
                for spelling in _spellings(by, lookup[1]):
                    wanted[spelling].append(lookup)
        if not wanted:
            continue
        rows = await connection.execute(
            sa.select(*_COLUMNS, column.label("called")).where(products.c.brand == brand, column.in_(list(wanted)))
        )
        for row in rows:
            for lookup in wanted[row.called]:
                found[lookup].append(ref(row))
    return {lookup: tuple(dict.fromkeys(refs)) for lookup, refs in found.items()}


def _spellings(by: str, value: str) -> list[str]:
    if by == "gtin":
        return [normal_gtin(value)]
    return [value.lower()] if by == "name" else [value]


def normal_gtin(value: str) -> str:
    """A GTIN-8, -12, -13 or -14 in one spelling: digits without leading zeros."""
    digits = "".join(character for character in value if character.isdigit())
    return digits.lstrip("0")


async def near(connection: AsyncConnection, brand: str, words: Sequence[str]) -> list[ProductRef]:
    """Products whose SKU or title resembles one of the words, best first."""
    rows = (await connection.execute(sa.select(*_COLUMNS).where(products.c.brand == brand).limit(20_000))).all()
    spoken = {name.lower(): row for row in rows for name in (row.sku, row.title) if name}
    ranked: dict[str, tuple[float, ProductRef]] = {}
    for word in {word.lower() for word in words if len(word) >= 3}:
        for close in difflib.get_close_matches(word, spoken, n=NEAR, cutoff=0.6):
            row = spoken[close]
            score = difflib.SequenceMatcher(None, word, close).ratio()
            if score > ranked.get(row.sku, (0.0, None))[0]:
                ranked[row.sku] = (score, ref(row))
    best = sorted(ranked.values(), key=lambda item: (-item[0], item[1].sku))
    return [product for _, product in best[:NEAR]]


async def take_in(
    transaction: Transaction, bundle: Bundle, brand: str, connection: str, records: Iterable[ProductRecord]
) -> int:
    """Bring the mirror up to date with what the catalogue says; what changed makes its listings due.

    Returns:
        How many products were new or different.
    """
    stated = {record.sku: record for record in records}
    known = await _known(transaction, brand, list(stated))
    changed = []
    for sku, record in stated.items():
        facts = record.model_dump(mode="json")
        before = known.get(sku)
        if before is None or before.facts != facts or before.absent_since is not None:
            changed.append(record)
            event = "product.added" if before is None else "product.changed"
            transaction.record(brand, event, sku, status=record.status.value, version=record.version)
    if changed:
        statement = transaction.insert(products)
        keep = ("connection", "gtin", "status", "version", "title", "facts", "observed_at", "absent_since")
        await transaction.execute(
            statement.on_conflict_do_update(
                index_elements=["brand", "sku"], set_={name: statement.excluded[name] for name in keep}
            ),
            [_row(brand, connection, record, transaction) for record in changed],
        )
        await touch(transaction, product_keys(bundle, brand, [record.sku for record in changed]))
    return len(changed)


async def _known(transaction: Transaction, brand: str, skus: list[str]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for start in range(0, len(skus), 500):
        rows = await transaction.execute(
            sa.select(products.c.sku, products.c.facts, products.c.absent_since).where(
                products.c.brand == brand, products.c.sku.in_(skus[start : start + 500])
            )
        )
        found |= {row.sku: row for row in rows}
    return found


def _row(brand: str, connection: str, record: ProductRecord, transaction: Transaction) -> dict[str, Any]:
    return {
        "brand": brand,
        "sku": record.sku,
        "connection": connection,
        "gtin": normal_gtin(record.gtin),
        "status": record.status.value,
        "version": record.version,
        "title": record.title,
        "facts": record.model_dump(mode="json"),
        "observed_at": transaction.now,
        "absent_since": None,
    }


async def mark_absent(transaction: Transaction, bundle: Bundle, brand: str, gone: Sequence[str]) -> None:
    """These products are no longer in the catalogue; what shows them is looked at again."""
    for start in range(0, len(gone), 500):
        await transaction.execute(
            sa.update(products)
            .where(products.c.brand == brand, products.c.sku.in_(gone[start : start + 500]))
            .values(absent_since=transaction.now)
        )
    for sku in gone:
        transaction.record(brand, "product.absent", sku)
    await touch(transaction, product_keys(bundle, brand, gone))
