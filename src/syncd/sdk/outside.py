"""Media of ours as anybody outside sees them: over HTTP, under their public address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import httpx

from syncd.sdk.http import HttpClient
from syncd.sdk.media import Media

_REFUSED_HEAD = (405, 501)  # who takes no HEAD is asked with GET
_CLIENT_ERRORS = tuple(status for status in range(400, 500) if status != 429)


async def status(http: HttpClient, url: str) -> int:
    """What an address answers, after redirects; a failure of the server raises: it is not "gone"."""
    extensions = {"expect": (*_CLIENT_ERRORS, 501)}
    answer = await http.head(url, follow_redirects=True, auth=httpx.Auth(), extensions=extensions)
    if answer.status_code in _REFUSED_HEAD:
        request = http.build_request("GET", url, extensions=extensions)
        answer = await http.send(request, stream=True, follow_redirects=True, auth=httpx.Auth())
        await answer.aclose()
    return answer.status_code


async def answering(http: HttpClient, media: Sequence[Media]) -> Mapping[str, str]:
    """Which of these still answer with success under their public address, and how, by placement."""
    found: dict[str, str] = {}
    for item in media:
        answer = await status(http, item.url) if item.url else httpx.codes.NOT_FOUND
        if 200 <= answer < 300:
            found[item.placement] = f"{item.url} still answers {answer}"
    return found
