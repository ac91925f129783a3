"""What went through a proxy: every exchange, and what can be asked of them."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from multidict import CIMultiDict, CIMultiDictProxy


@dataclass(frozen=True)
class Answer:
    """What the server behind the proxy answered."""

    status: int
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    body: bytes = b""

    @property
    def success(self) -> bool:
        return 200 <= self.status < 300


@dataclass
class Exchange:
    """One request that came to the proxy, and what became of it."""

    method: str
    path: str
    query: str
    headers: CIMultiDictProxy[str]
    began: float
    """Monotonic seconds of the proxy's clock."""
    body: bytes = b""
    ended: float | None = None
    fault: str = ""
    """The fault it met."""
    answers: list[Answer] = field(default_factory=list)
    """What the server answered: nothing where the request did not reach it, two where it was doubled."""
    status: int | None = None
    """What the caller got, or None if it got nothing."""
    first: int = 0
    last: int | None = None
    """The places of its beginning and its end among all beginnings and ends: a clock may stand still between them."""

    @property
    def address(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def accepted(self) -> int:
        """How often the server answered this request with success."""
        return sum(answer.success for answer in self.answers)

    @property
    def digest(self) -> str:
        """Equal for requests of the same method, address and body; the boundary of a multipart body does not count."""
        boundary = re.search(r'boundary="?([^";]+)', self.headers.get("content-type", ""))
        body = self.body.replace(boundary.group(1).encode(), b"") if boundary else self.body
        return hashlib.sha256(b"\n".join((self.method.encode(), self.address.encode(), body))).hexdigest()


class Traffic:
    """All exchanges of one proxy, in the order in which they began."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self._order = itertools.count()
        self._changed = asyncio.Condition()

    def matching(self, method: str = "", path: str = "") -> list[Exchange]:
        """The exchanges with this method, if one is given, and a path that a regular expression matches as a whole."""
        return [e for e in self.exchanges if e.method == (method or e.method) and re.fullmatch(path or ".*", e.path)]

    def repeated(self, method: str = "", path: str = "") -> list[Exchange]:
        """The exchanges that the server accepted twice, or after it had accepted their equal."""
        accepted: set[str] = set()
        found = []
        for exchange in self.matching(method, path):
            if exchange.accepted > 1 or (exchange.accepted and exchange.digest in accepted):
                found.append(exchange)
            if exchange.accepted:
                accepted.add(exchange.digest)
        return found

    def busiest(self, seconds: float, method: str = "", path: str = "") -> int:
        """The most requests that began within any span of that many seconds."""
        began = sorted(exchange.began for exchange in self.matching(method, path))
        most = first = 0
        for last, instant in enumerate(began):
            while began[first] <= instant - seconds:
                first += 1
            most = max(most, last - first + 1)
        return most

    def most_at_once(self, method: str = "", path: str = "") -> int:
        """The most requests that were under way at one time."""
        return max(
            itertools.accumulate(change for _, change in sorted(_changes(self.matching(method, path)))), default=0
        )

    async def until(self, enough: Callable[[list[Exchange]], bool], seconds: float = 30.0) -> list[Exchange]:
        """Wait until the exchanges that have ended are enough, at most so many real seconds; returns them."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(lambda: enough(self.ended))
        return self.ended

    @property
    def ended(self) -> list[Exchange]:
        return [exchange for exchange in self.exchanges if exchange.ended is not None]

    def begin(self, exchange: Exchange) -> None:
        """Note that a request has come."""
        exchange.first = next(self._order)
        self.exchanges.append(exchange)

    async def end(self, exchange: Exchange, instant: float) -> None:
        """Note that an exchange is over."""
        exchange.ended, exchange.last = instant, next(self._order)
        async with self._changed:
            self._changed.notify_all()


def _changes(exchanges: list[Exchange]) -> Iterator[tuple[int, int]]:
    """Where an exchange began (1) or ended (-1)."""
    for exchange in exchanges:
        yield exchange.first, 1
        if exchange.last is not None:
            yield exchange.last, -1
