"""Calls of Akeneo's REST API: signed in, judged, in its own words; lists page by page, batches line by line."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from syncd.errors import AuthError, ConflictError, NotFoundError, RejectedError, SyncdError, TransientError
from syncd.sdk.context import Context
from syncd.systems.akeneo import words
from syncd.systems.akeneo.limits import PAGE

ROOT = "/api/rest/v1"
COLLECTION = "application/vnd.akeneo.collection+json"
_TOLD = frozenset({400, 401, 403, 404, 405, 406, 409, 413, 415, 422})
"""Refusals that Akeneo explains in its answer (rest-api/responses.md, 2026-08-18)."""
_ACL = "Access forbidden"
"""How a refusal begins that is about the connection's role. Others of 403 are about one product: the user group may
see it but not change it (rest-api/permissions.md, 2026-08-18)."""

Search = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Page:
    """Some items of a list, and when the PIM answered, by its own clock."""

    items: Sequence[dict[str, Any]]
    at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one item of a batch: `said` is Akeneo's word where it was refused, "" where it was taken."""

    name: str
    status: int
    said: str = ""


def path(*parts: str) -> str:
    """A resource's path below the API's root."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)


class Api:
    """One connection's calls."""

    def __init__(self, context: Context, address: str, token: str) -> None:
        """
        Args:
            address: the PIM's, without a slash at its end.
            token: of an App, "" where the connection's credential signs in.
        """
        self._context, self._address = context, address
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    # --- reading ----------------------------------------------------------------------------------------------------

    async def get(self, resource: str, **parameters: str | int) -> Any:
        """A resource's JSON. Raises NotFoundError where there is none."""
        response = await self._call("GET", resource, {"params": parameters or None})
        return words.json_of(response, self._context.connection)

    async def find(self, resource: str) -> dict[str, Any] | None:
        """A resource's JSON object, None where there is none."""
        try:
            found = await self.get(resource)
        except NotFoundError:
            return None
        return found if isinstance(found, dict) else None

    async def count(self, resource: str, search: Search) -> int:
        """How many items a list has; only its pages by number tell that."""
        answer = await self.get(resource, pagination_type="page", with_count="true", limit=1, **_searched(search))
        return int(words.field(answer, "items_count", int, f"the list {resource}"))

    async def pages(self, resource: str, search: Search, **parameters: str | int) -> AsyncIterator[Page]:
        """A list's pages to its end, by Akeneo's own links.

        Raises:
            RejectedError: an answer is no page. TransientError: its links lead nowhere.
        """
        asked: dict[str, Any] = {**parameters, **_searched(search)}
        following: str | None = ROOT + resource
        seen: set[str] = set()
        while following is not None:
            target = following
            if target in seen:
                raise TransientError(f"{self._context.connection}: the pages of {resource} lead back to {target}.")
            seen.add(target)
            response = await self._call("GET", target, {"params": asked or None}, rooted=True)
            answer = words.json_of(response, self._context.connection)
            embedded = words.field(answer, "_embedded", dict, f"a page of {resource}")
            # Akeneo's contract calls the items of assets `_items`, its servers call them `items`.
            name = "_items" if "_items" in embedded else "items"
            yield Page(words.field(embedded, name, list, f"a page of {resource}"), self._time_of(response))
            following, asked = _next(answer), {}

    # --- writing ----------------------------------------------------------------------------------------------------

    async def patch(self, resource: str, body: Mapping[str, Any], *, idempotent: bool = False) -> bool:
        """Change a resource, or make it where there is none.

        Args:
            idempotent: nothing but this body decides what is there afterwards, so it may be sent again.

        Returns:
            Whether it was made.
        """
        response = await self._call("PATCH", resource, {"json": body}, idempotent=idempotent)
        return response.status_code == httpx.codes.CREATED

    async def patch_objects(self, resource: str, objects: Sequence[Mapping[str, Any]]) -> list[Line]:
        """Change several assets, each named by its `code`; one line for each, in any order."""
        lines: list[Line] = []
        for start in range(0, len(objects), PAGE):
            part = objects[start : start + PAGE]
            response = await self._call("PATCH", resource, {"json": part}, idempotent=True)
            lines += _lines(words.json_of(response, self._context.connection), "code")
        return lines

    async def patch_lines(self, resource: str, key: str, objects: Sequence[Mapping[str, Any]]) -> list[Line]:
        """Change several products or models, each named by its `key`; one line for each, in any order."""
        lines: list[Line] = []
        for start in range(0, len(objects), PAGE):
            body = "\n".join(json.dumps(each) for each in objects[start : start + PAGE])
            sent = {"content": body.encode(), "headers": {"Content-Type": COLLECTION}}
            response = await self._call("PATCH", resource, sent, idempotent=True)
            try:
                lines += _lines([json.loads(line) for line in response.text.splitlines() if line.strip()], key)
            except ValueError as error:
                what = f"{self._context.connection}: a line of the answer to PATCH {resource} is no JSON."
                raise TransientError(what) from error
        return lines

    async def upload(self, resource: str, sent: Mapping[str, Any], seconds: float) -> httpx.Headers:
        """Send a file.

        Args:
            sent: body and headers of the request.
            seconds: it may take.

        Returns:
            the headers of the answer.
        """
        return (await self._call("POST", resource, sent, deadline=seconds)).headers

    # --- one call ---------------------------------------------------------------------------------------------------

    async def _call(
        self,
        method: str,
        resource: str,
        sent: Mapping[str, Any],
        *,
        rooted: bool = False,
        idempotent: bool = False,
        deadline: float | None = None,
    ) -> httpx.Response:
        url = self._address + (resource if rooted else ROOT + resource)
        extensions: dict[str, Any] = {"expect": _TOLD, "idempotent": idempotent}
        if deadline is not None:  # an upload: nobody sees the file before a later call links it
            extensions |= {"deadline": deadline, "unseen": True}
        given = dict(sent)
        headers = {**given.pop("headers", {}), **self._headers}
        response = await self._context.http.request(method, url, headers=headers, extensions=extensions, **given)
        if response.is_success:
            return response
        raise self._refusal(method, resource, response)

    def _refusal(self, method: str, resource: str, response: httpx.Response) -> SyncdError:
        said = self._context.http.redactor.text(words.of(response))
        what = f"{self._context.connection}: Akeneo refuses {method} {resource.partition('?')[0]}: {said}"
        kind: type[SyncdError] = RejectedError
        match response.status_code:
            case 401:
                kind = AuthError
            case 403 if said.startswith(_ACL):
                remedy = "Give the connection's role that permission (System, Roles, Web API permissions)."
                return AuthError(what, remedy=remedy, status=403)
            case 404:
                kind = NotFoundError
            case 409:
                kind = ConflictError
        return kind(what, status=response.status_code)

    def _time_of(self, response: httpx.Response) -> datetime:
        """When an answer was given, by the PIM's clock: changes are asked for by the same one."""
        try:
            moment = parsedate_to_datetime(response.headers.get("date", ""))
        except ValueError:
            return self._context.clock.now()
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _searched(search: Search) -> dict[str, str]:
    return {"search": json.dumps(search, separators=(",", ":"))} if search else {}


def _next(answer: Any) -> str | None:
    """Path and query of the next page: whatever host the PIM believes to have, it is asked where it was before."""
    links = answer.get("_links") if isinstance(answer, dict) else None
    following = links.get("next") if isinstance(links, dict) else None
    href = following.get("href") if isinstance(following, dict) else None
    if not isinstance(href, str):
        return None
    parts = urlsplit(href)
    at = parts.path.find(f"{ROOT}/")
    if at < 0:
        raise RejectedError(f"The link to the next page leads elsewhere: {href}.")
    return f"{parts.path[at:]}?{parts.query}"


def _lines(found: Any, key: str) -> list[Line]:
    """The answers to the items of a batch."""
    lines = []
    for each in found if isinstance(found, list) else [found]:
        status = words.field(each, "status_code", int, "the answer to a batch")
        said = words.of_error(each) if status >= 400 else ""
        lines.append(Line(str(each.get(key) or each.get("identifier") or ""), status, said))
    return lines
