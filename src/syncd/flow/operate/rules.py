"""The rules of `syncd certify`: each is one coroutine that says what it found, or asserts."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from syncd.errors import HookRefused, SyncdError
from syncd.flow.services import Services
from syncd.sdk.channel import GalleryChange, GalleryItem, ObservedGallery
from syncd.sdk.redact import secrets_of
from syncd.sdk.roles import Role
from syncd.sdk.source import HookRequest
from syncd.sdk.system import Options
from syncd.sdk.trace import Exchange

MOST = 200
"""Listings or products that are read of an account; all rules that need some share them."""


class NotApplicable(Exception):
    """Why a rule says nothing about this connection."""


class Broken(Exception):
    """Why a rule does not hold."""


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Broken(otherwise)


def _doubled(names: Sequence[str]) -> str:
    """The first name that stands twice, "" if none does."""
    return next((name for place, name in enumerate(names) if name in names[:place]), "")


class Subject:
    """A connection in a role, and what was read of it so far."""

    def __init__(
        self, services: Services, name: str, role: Role, exchanges: Sequence[Exchange], writable: Sequence[str]
    ) -> None:
        self.services, self.name, self.role = services, name, role
        self.exchanges, self.writable = exchanges, writable
        self.system: Any = services.connections.get(name, role)
        self.options: Options = services.connections.options(name)
        self._galleries: list[ObservedGallery] | None = None

    async def galleries(self) -> list[ObservedGallery]:
        """The first listings of a channel."""
        if self._galleries is None:
            self._galleries = await _first(self.system.observe(None), MOST)
        return self._galleries

    async def observed(self, listings: Sequence[str]) -> dict[str, ObservedGallery]:
        return {gallery.listing: gallery for gallery in await _first(self.system.observe(list(listings)), MOST)}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule in words, and what tries it: answers what it found, raises where it does not hold."""

    name: str
    holds: Callable[[Subject], Awaitable[str]]


def of(role: Role) -> Sequence[Rule]:
    """The rules of a role, in the order in which they are tried."""
    return (*_ALL, *_OF_ROLE[role], *_LAST)


async def _first(items: Any, most: int) -> list[Any]:
    found: list[Any] = []
    async with aclosing(items):
        async for item in items:
            found.append(item)
            if len(found) == most:
                break
    return found


# --- every role -------------------------------------------------------------------------------------------------------


async def _options_described(subject: Subject) -> str:
    fields = type(subject.options).model_fields
    bare = [name for name, option in fields.items() if not option.description]
    _require(not bare, f"No description: {', '.join(bare)}.")
    return f"{len(fields)} options"


async def _limits_sourced(subject: Subject) -> str:
    limits = type(subject.system).limits(subject.options)
    _require(all(limit.source for limit in limits), "A limit names no source.")
    return f"{len(limits)} limits" if limits else "it declares none"


async def _check_answers(subject: Subject) -> str:
    said = await subject.system.check()
    _require(bool(said), "The check says nothing.")
    return str(said)


async def _no_secret_is_shown(subject: Subject) -> str:
    known = [secret for secret in secrets_of(subject.options) if len(secret) >= 8]
    shown = [text for each in subject.exchanges for text in _texts(each)]
    _require(not any(secret in text for secret in known for text in shown), "A secret stands in a trace.")
    return f"{len(known)} secrets, {len(subject.exchanges)} calls"


def _texts(exchange: Exchange) -> tuple[str, ...]:
    return (
        exchange.url, exchange.request, exchange.answer, *exchange.request_headers.values(),
        *exchange.answer_headers.values(),
    )  # fmt: skip


async def _within_limits(subject: Subject) -> str:
    refused = sum(each.status == 429 for each in subject.exchanges)
    _require(
        not refused, f"{refused} of {len(subject.exchanges)} calls were answered 429: the declared limits are wrong."
    )
    return f"{len(subject.exchanges)} calls, none refused as too many"


# --- channel ----------------------------------------------------------------------------------------------------------


async def _each_listing_once(subject: Subject) -> str:
    galleries = await subject.galleries()
    names = [gallery.listing for gallery in galleries]
    _require(not _doubled(names), f"Listed twice: {_doubled(names)}.")
    _require(all(names), "A listing has no name.")
    return f"{len(names)} listings{' (the first)' if len(names) == MOST else ''}"


async def _each_medium_once(subject: Subject) -> str:
    count = 0
    for gallery in await subject.galleries():
        named = [media.external_id for media in gallery.media if media.external_id]
        _require(not _doubled(named), f"{gallery.listing} names a medium twice: {_doubled(named)}.")
        count += len(gallery.media)
    return f"{count} media"


async def _one_is_as_in_all(subject: Subject) -> str:
    wanted = {gallery.listing: gallery for gallery in (await subject.galleries())[:3]}
    if not wanted:
        raise NotApplicable("the account has no listing")
    for listing, gallery in (await subject.observed(list(wanted))).items():
        _require(listing in wanted, f"{listing} was not asked for.")
        one, other = gallery.media, wanted[listing].media
        _require([each.external_id for each in one] == [each.external_id for each in other], f"{listing} differs.")
    return ", ".join(wanted)


async def _unknown_is_said(subject: Subject) -> str:
    name = f"syncd-certify-{secrets.token_hex(6)}"
    found = await _raised_or(subject.observed([name]))
    if isinstance(found, SyncdError):
        raise NotApplicable(f"names of that shape are refused: {found.what}")
    _require(name in found, "Nothing was said of it.")
    _require(not found[name].exists, "It is said to exist.")
    return "exists=False"


async def _raised_or(work: Awaitable[dict[str, ObservedGallery]]) -> dict[str, ObservedGallery] | SyncdError:
    try:
        return await work
    except SyncdError as error:
        return error


async def _writes_what_stands(subject: Subject) -> str:
    if not subject.writable:
        raise NotApplicable("writing is not allowed (--allow-writes --listing)")
    before = await subject.observed(subject.writable)
    changes = [
        GalleryChange(name, [GalleryItem(theirs=media) for media in gallery.media])
        for name, gallery in before.items()
        if gallery.exists
    ]
    _require(len(changes) == len(subject.writable), "One of the listings does not exist.")
    for change in changes:  # one by one: not every system takes several
        await subject.system.apply([change])
    after = await subject.observed(subject.writable)
    for name, gallery in before.items():
        kept = [media.external_id or media.url for media in after[name].media]
        _require(kept == [media.external_id or media.url for media in gallery.media], f"{name} was changed by it.")
    return f"{len(changes)} listings"


# --- catalog, library, source -----------------------------------------------------------------------------------------


async def _products_once(subject: Subject) -> str:
    pages = await _first(subject.system.products(""), 3)
    skus = [product.sku for page in pages for product in page.products]
    _require(not _doubled(skus), f"Listed twice: {_doubled(skus)}.")
    _require(bool(skus), "No product was listed, and no error said why.")
    problems = sum(len(page.problems) for page in pages)
    return f"{len(skus)} products on {len(pages)} pages{f', {problems} not understood' if problems else ''}"


async def _links_are_told(subject: Subject) -> str:
    pages = await _first(subject.system.products(""), 1)
    skus = [product.sku for page in pages for product in page.products][:3]
    found = await subject.system.linked(skus)
    _require([each.sku for each in found] == skus, "Not exactly what was asked for was answered.")
    return f"{sum(len(each.observed) for each in found)} media of {', '.join(skus)}"


async def _unknown_asset_is_said(subject: Subject) -> str:
    name = f"CERTIFY{secrets.token_hex(3).upper()}"
    (found,) = await subject.system.read([name])
    _require(found.asset == name, "Another asset was answered.")
    _require(not found.exists, "It is said to be in use.")
    return "exists=False"


async def _polls_alike(subject: Subject) -> str:
    one, other = [await _first(subject.system.poll(""), 1) for _ in range(2)]
    bodies = [[item.body for page in pages for item in page.items] for pages in (one, other)]
    _require(bodies[0] == bodies[1], "The same checkpoint gave another page.")
    return f"{len(bodies[0])} items on the first page"


async def _forged_is_refused(subject: Subject) -> str:
    request = HookRequest("POST", f"/hooks/{subject.name}", {}, b"{}", subject.services.clock.now())
    try:
        subject.system.verify(request)
    except HookRefused as refused:
        return refused.reason
    raise Broken("An unsigned webhook was accepted.")


_ALL = (
    Rule("every option is described", _options_described),
    Rule("limits name their source", _limits_sourced),
    Rule("the cheap check answers", _check_answers),
)
_OF_ROLE: Mapping[Role, Sequence[Rule]] = {
    Role.CHANNEL: (
        Rule("each listing is listed once", _each_listing_once),
        Rule("each medium stands once in its listing", _each_medium_once),
        Rule("a listing asked for is as in the whole", _one_is_as_in_all),
        Rule("a listing that does not exist is said to", _unknown_is_said),
        Rule("writing what stands there changes nothing", _writes_what_stands),
    ),
    Role.CATALOG: (
        Rule("each product is listed once", _products_once),
        Rule("what products show is told", _links_are_told),
    ),
    Role.LIBRARY: (Rule("an asset it does not hold is said to", _unknown_asset_is_said),),
    Role.SOURCE: (
        Rule("the same checkpoint gives the same page", _polls_alike),
        Rule("an unsigned webhook is refused", _forged_is_refused),
    ),
}
_LAST = (
    Rule("declared limits suffice", _within_limits),
    Rule("no secret is shown", _no_secret_is_shown),
)
