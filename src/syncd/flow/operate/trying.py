"""Tries one reading call of a connection and tells what went over the wire: for whoever writes or mends a connector.

Nothing is stored: no checkpoint moves, nothing that is read becomes known.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlalchemy as sa
from pydantic_core import to_jsonable_python

from syncd.clock import bounded
from syncd.errors import ConfigError, SyncdError
from syncd.flow import places
from syncd.flow.services import Services
from syncd.ledger.among import among
from syncd.ledger.tables.core import listing_names, listings
from syncd.sdk.catalog import CatalogPage
from syncd.sdk.changes import Watches
from syncd.sdk.roles import Role
from syncd.sdk.source import RawItem
from syncd.sdk.system import System
from syncd.sdk.trace import Exchange, tracing

SECONDS = 120.0
CallName = Literal["check", "observe", "products", "linked", "read", "poll", "changes"]
_ROLES: Mapping[str, tuple[Role, ...]] = {
    "check": tuple(Role),
    "observe": (Role.CHANNEL,),
    "products": (Role.CATALOG,),
    "linked": (Role.CATALOG,),
    "read": (Role.LIBRARY,),
    "poll": (Role.SOURCE,),
    "changes": (Role.CHANNEL, Role.CATALOG, Role.LIBRARY),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """What to try: a call, about these SKUs, listings or assets (none: whatever there is), up to `most` results."""

    call: CallName
    role: str = ""
    skus: Sequence[str] = ()
    listings: Sequence[str] = ()
    assets: Sequence[str] = ()
    most: int = 20


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the call failed."""

    code: str
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Tried:
    """What the call gave, as JSON, and what went over the wire. `more`: there was more than was asked for."""

    connection: str
    system: str
    role: str
    call: str
    seconds: float
    results: list[Any] = field(default_factory=list)
    more: bool = False
    fault: Fault | None = None
    exchanges: list[Exchange] = field(default_factory=list)


async def try_call(services: Services, name: str, trial: Trial) -> Tried:
    """Make one call.

    Raises:
        NotFoundError: no such connection.
        ConfigError: the connection does not take a role that has this call, or names what it is about in no way.
    """
    config = services.connections.config(name)
    role = _role(name, config.roles, trial)
    system = services.connections.get(name, role)
    about = await _about(services, config.brand, name, trial)
    begun = services.clock.monotonic()
    with tracing() as exchanges:
        results, fault = await _outcome(services, name, _call(system, trial, about))
    return Tried(
        connection=name, system=config.connector, role=role.value, call=trial.call,
        seconds=round(services.clock.monotonic() - begun, 3), results=results[: trial.most],
        more=len(results) > trial.most, fault=fault, exchanges=exchanges,
    )  # fmt: skip


def _role(name: str, taken: Sequence[str], trial: Trial) -> Role:
    able = [role for role in _ROLES[trial.call] if role.value in taken]
    wanted = [role for role in able if trial.role in ("", role.value)]
    if not wanted:
        calls = [call for call, roles in _ROLES.items() if {role.value for role in roles} & set(taken)]
        what = f"{name} is {', '.join(taken)}{f', not {trial.role}' if trial.role else ''}: it has no `{trial.call}`."
        raise ConfigError(what, remedy=f"Try one of {', '.join(calls)}.")
    return wanted[0]


async def _about(services: Services, brand: str, name: str, trial: Trial) -> list[str]:
    """The system's names of what the call is about."""
    if trial.call == "observe":
        known = await _listings_of(services, brand, name, trial.skus)
        return [*trial.listings, *(listing for sku in trial.skus for listing in known[sku])]
    about = list(trial.assets if trial.call == "read" else trial.skus)
    needed = {"read": "an asset (--asset)", "linked": "a SKU (--sku)"}.get(trial.call)
    if needed and not about:
        raise ConfigError(f"`{trial.call}` needs {needed}.", remedy="Name one.")
    return about


async def _listings_of(services: Services, brand: str, name: str, skus: Sequence[str]) -> dict[str, list[str]]:
    """Where the ledger knows these SKUs to be sold."""
    taken = sa.select(listings.c.sku.label("sku"), listings.c.listing).where(
        listings.c.brand == brand, listings.c.connection == name, among(listings.c.sku, skus)
    )
    named = sa.select(listing_names.c.value.label("sku"), listing_names.c.listing).where(
        listing_names.c.brand == brand, listing_names.c.connection == name, listing_names.c.field == "sku",
        among(listing_names.c.value, skus),
    )  # fmt: skip
    found: dict[str, list[str]] = {sku: [] for sku in skus}
    async with services.ledger.read() as reading:
        for row in await reading.execute(sa.union(taken, named)):
            found[row.sku].append(places.name_of(row.listing))
    unknown = [sku for sku, places_known in found.items() if not places_known]
    if unknown:
        what = f"No listing of {', '.join(unknown)} is known at {name}."
        raise ConfigError(what, remedy=f"Name it as {name} does (--listing), or read all of it: syncd poll {name}")
    return found


async def _outcome(
    services: Services, name: str, call: Callable[[], Awaitable[list[Any]]]
) -> tuple[list[Any], Fault | None]:
    try:
        found = await bounded(services.clock, call(), SECONDS)
    except SyncdError as error:
        return [], Fault(error.code, error.what, error.remedy)
    except TimeoutError:
        remedy = "Look at the last exchange; ask for fewer."
        return [], Fault("transient", f"{name} did not end within {SECONDS:g} s.", remedy)
    except Exception as error:  # the connector's own fault is what somebody who writes one looks for
        return [], Fault("bug", f"{type(error).__name__}: {error}", "Mend the connector; its log has the traceback.")
    return [_shown(each) for each in found], None


def _shown(found: Any) -> Any:
    """As JSON; what a source handed over as the text it most likely is."""
    if isinstance(found, RawItem):
        return {
            "body": found.body.decode("utf-8", "replace"),
            "vendor_id": found.vendor_id,
            "headers": dict(found.headers),
        }
    return to_jsonable_python(found, serialize_unknown=True)


def _call(system: System, trial: Trial, about: Sequence[str]) -> Callable[[], Awaitable[list[Any]]]:
    several = trial.most + 1
    found: Any = system

    async def only(answer: Awaitable[Any]) -> list[Any]:
        return [await answer]

    async def listed(answer: Awaitable[Sequence[Any]]) -> list[Any]:
        return list(await answer)

    match trial.call:
        case "check":
            return lambda: only(found.check())
        case "observe":
            return lambda: _first(found.observe(list(about) or None), several)
        case "products":
            return lambda: _products(found.products(""), several)
        case "linked":
            return lambda: listed(found.linked(list(about)))
        case "read":
            return lambda: listed(found.read(list(about)))
        case "poll":
            return lambda: _page(found.poll(""), "items")
        case "changes":
            if not isinstance(system, Watches):
                raise ConfigError(f"{system.name} cannot be asked for changes.", remedy="It is read as a whole.")
            return lambda: _page(found.changes(""), "changes")


async def _first(items: AsyncGenerator[Any, None], most: int) -> list[Any]:
    found: list[Any] = []
    async with aclosing(items):
        async for item in items:
            found.append(item)
            if len(found) == most:
                break
    return found


async def _products(pages: AsyncGenerator[CatalogPage, None], most: int) -> list[Any]:
    """The first products; no page is asked for that is not needed."""
    found: list[Any] = []
    async with aclosing(pages):
        async for page in pages:
            found += [*page.products, *page.problems]
            if len(found) >= most:
                break
    return found


async def _page(pages: AsyncGenerator[Any, None], member: str) -> list[Any]:
    """What the first page holds. To ask for the next one would say that this one is safe, and it is not stored."""
    async with aclosing(pages):
        async for page in pages:
            return list(getattr(page, member))
    return []
