"""Media of ours as anybody outside sees them: over HTTP, under their public address."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from syncd.errors import SyncdError
from syncd.sdk.http import HttpClient
from syncd.sdk.media import Media

_REFUSED_HEAD = (405, 501)  # who takes no HEAD is asked with GET
_CLIENT_ERRORS = tuple(status for status in range(400, 500) if status != 429)
_MOVED = tuple(range(300, 400))


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address serves: the hash of its bytes, or why they could not be had."""

    sha256: str = ""
    issue: str = ""


async def fetch(http: HttpClient, url: str, limit: int) -> Fetched:
    """Ask with HEAD, as readers of feeds do, then read and hash the bytes; at most `limit` of them."""
    try:
        await http.head(url)
        answer = await http.send(http.build_request("GET", url, extensions={"limit": limit}), stream=True)
        digest = hashlib.sha256()
        try:
            async for chunk in answer.aiter_bytes():
                digest.update(chunk)
        finally:
            await answer.aclose()
    except SyncdError as error:
        return Fetched(issue=error.what)
    return Fetched(digest.hexdigest())


async def status(http: HttpClient, url: str) -> int:
    """What an address answers, after redirects; a failure of the server raises: it is not "gone"."""
    extensions = {"expect": (*_CLIENT_ERRORS, 501)}
    answer = await http.head(url, follow_redirects=True, extensions=extensions)
    if answer.status_code in _REFUSED_HEAD:
        request = http.build_request("GET", url, extensions=extensions)
        answer = await http.send(request, stream=True, follow_redirects=True)
        await answer.aclose()
    return answer.status_code


async def answering(http: HttpClient, media: Sequence[Media]) -> Mapping[str, str]:
    """Which of these still answer with success under their public address, and how, by placement id."""
    answers = await asyncio.gather(*(status(http, item.url) for item in media))
    return {
        item.placement: f"{item.url} still answers {code}"
        for item, code in zip(media, answers, strict=True)
        if 200 <= code < 300
    }


async def obstacle(http: HttpClient, media: Media) -> str:
    """Why a system that asks with HEAD and follows no redirect could not fetch this, in words; "" if it could.

    Raises:
        TransientError: whoever serves the address fails, or does not answer: that may be over soon.
    """
    extensions = {"expect": (*_CLIENT_ERRORS, *_MOVED, 501)}
    answer = await http.head(media.url, follow_redirects=False, extensions=extensions)
    if not answer.is_success:
        return f"{media.url} answers {answer.status_code} to HEAD"
    kind = answer.headers.get("content-type", "").strip().lower()
    if kind.partition("/")[0] == media.media_type.partition("/")[0]:
        return ""
    return f"{media.url} is served as {kind or 'nothing that is named'}"
