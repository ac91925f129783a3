"""Tries a connection: its login, how many products it knows, whether the world can fetch our media."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import httpx
import sqlalchemy as sa

from syncd.clock import bounded
from syncd.errors import SyncdError
from syncd.flow.services import Services
from syncd.ledger.tables.core import listing_names, listings, products, public_names
from syncd.sdk.http import open_client
from syncd.sdk.roles import Role

SECONDS = 30.0
Result = Literal["ok", "fault", "unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried: what, how it went, in words, and what to do about a fault."""

    what: str
    result: Result
    said: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Checkup:
    """What was found for one connection."""

    connection: str
    findings: list[Finding]

    @property
    def healthy(self) -> bool:
        return all(finding.result != "fault" for finding in self.findings)


async def check_up(services: Services, name: str) -> Checkup:
    """Try a connection in each of its roles.

    Raises:
        NotFoundError: no such connection.
    """
    config = services.connections.config(name)
    found = [await _login(services, name, Role(role)) for role in config.roles]
    if Role.CHANNEL.value in config.roles:
        found += [await _products(services, config.brand, name), await _public_media(services, name)]
    return Checkup(name, found)


async def _login(services: Services, name: str, role: Role) -> Finding:
    what = f"login as {role.value}"
    try:
        said = await bounded(services.clock, services.connections.get(name, role).check(), SECONDS)
    except SyncdError as error:
        return Finding(what, "fault", error.what.strip(), error.remedy)
    except TimeoutError:
        return Finding(
            what, "fault", f"no answer within {SECONDS:g} s", "Look whether the system is up, then try again."
        )
    except Exception as error:  # a connector's own fault must not hide the other connections
        return Finding(
            what, "fault", f"{type(error).__name__}: {error}", "Report it: the connector failed unexpectedly."
        )
    return Finding(what, "ok", said)


async def _products(services: Services, brand: str, name: str) -> Finding:
    """How many of the active products have a listing here."""
    active = (products.c.brand == brand, products.c.status == "active", products.c.absent_since.is_(None))
    here = (listing_names.c.brand == brand, listing_names.c.connection == name)
    by = [field for field in services.connections.config(name).products.by if field in ("sku", "gtin")]
    named = [products.c[field].in_(sa.select(listing_names.c.value).where(*here, listing_names.c.field == field))
             for field in by]  # fmt: skip
    taken = sa.select(listings.c.sku).where(listings.c.brand == brand, listings.c.connection == name)
    counted = sa.select(sa.func.count()).select_from(products)
    async with services.ledger.read() as reading:
        known = (await reading.execute(counted.where(*active))).scalar_one()
        found = (await reading.execute(counted.where(*active, sa.or_(products.c.sku.in_(taken), *named)))).scalar_one()
    said = f"{found:,} of {known:,} found"
    return Finding("products", "ok" if found == known else "unknown", said, "" if found == known else
                   f"`syncd exceptions --connection {name}` lists those that content shows.")  # fmt: skip


async def _public_media(services: Services, name: str) -> Finding:
    """Fetch one public media item by its public address."""
    query = sa.select(public_names.c.name).where(
        public_names.c.connection == name, public_names.c.withdrawn_at.is_(None)
    )
    async with services.ledger.read() as reading:
        known = (await reading.execute(query.limit(1))).scalar_one_or_none()
    what = "public media"
    if known is None:
        return Finding(what, "unknown", "nothing is published yet")
    url = f"{services.connections.public_url}/m/{known}"
    http = open_client(name, services.clock)
    try:
        answer = await http.head(url)
    except (SyncdError, httpx.HTTPError) as error:
        return Finding(
            what, "fault", f"{url} cannot be fetched: {error}", "Set SYNCD_PUBLIC_URL to what the world sees."
        )
    finally:
        await http.aclose()
    if answer.is_success:
        return Finding(what, "ok", f"{url} answers {answer.status_code}")
    remedy = "Set SYNCD_PUBLIC_URL to what the world sees, and let GET and HEAD of /m/ through."
    return Finding(what, "fault", f"{url} answers {answer.status_code}", remedy)
