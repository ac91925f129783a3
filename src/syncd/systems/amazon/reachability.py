"""Whether Amazon can fetch our media: looked at before it is asked to, for it would say nothing for hours.

The head is asked for with the connection's client, which is bound to its limits and lease. The bytes come through
`Context.fetch`: it refuses private addresses at the socket, and what is no picture, as the world outside would.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from syncd.errors import ConfigError, HostileInput, SyncdError, TransientError
from syncd.sdk.context import Context
from syncd.sdk.media import Media

_NO_HEAD = (405, 501)  # who takes no HEAD is asked with GET
_NOT_OUTSIDE = frozenset({"private-address", "obscured-address"})


class Reachability:
    """Looks at addresses of ours from outside."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def require(self, media: Sequence[Media]) -> None:
        """Look at each, by HEAD and then by the first bytes of GET.

        Raises:
            ConfigError: the address is not one of the public network. TransientError: it does not answer with the
                picture now.
        """
        for item in media:
            try:
                await self._head(item.url)
                await self._first_bytes(item.url)
            except SyncdError as error:
                raise _unreachable(item.url, error) from error

    async def _head(self, url: str) -> None:
        await self._context.http.head(url, extensions={"expect": _NO_HEAD})

    async def _first_bytes(self, url: str) -> None:
        stream: AsyncIterator[bytes] = self._context.fetch(url)
        try:
            async for _ in stream:
                return
        finally:
            close = getattr(stream, "aclose", None)
            if close is not None:
                await close()
        raise TransientError(f"{url} is empty.")


def _unreachable(url: str, error: SyncdError) -> SyncdError:
    if isinstance(error, HostileInput) and error.reason in _NOT_OUTSIDE:
        return ConfigError(
            f"Amazon cannot fetch {url}: {error.what}",
            remedy="Set SYNCD_PUBLIC_URL to an address the world reaches; where only this network sees it as private, "
            "name the host under `allow_hosts`.",
        )
    return TransientError(f"Amazon could not fetch {url}, so it was not asked to: {error.what}")
