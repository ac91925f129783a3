"""Media of ours as anybody outside sees them: over HTTP, under their public address."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from syncd.errors import SyncdError
from syncd.sdk.http import HttpClient


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address serves: the hash of its bytes, or why they could not be had."""

    sha256: str = ""
    issue: str = ""


async def fetch(http: HttpClient, url: str, limit: int) -> Fetched:
    """Ask with HEAD, as readers of the feed do, then read and hash the bytes; at most `limit` of them."""
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
