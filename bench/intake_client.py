"""Sends signed webhooks for some seconds: 64 connections, one request at a time on each, as cheaply as Python can, so that
the server is what is measured. Prints requests per second and the 99th percentile in milliseconds.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from datetime import UTC, datetime

from pydantic import SecretStr

from syncd.sdk.hooks import StandardAuth

CONNECTIONS = 64
KEY = "whsec_" + "c3luY2QtYmVuY2gta2V5LW9mLTMyLWJ5dGVzLS0tLS0="
BODY = json.dumps(
    {
        "id": "sub-4711", "creator": {"handle": "@ada", "name": "Ada Example"}, "terms": "creator-2026",
        "caption": "Unboxing the gift box with the whole family. " * 12, "hashtags": ["#acme", "#giftbox", "#ad"],
        "files": [{"key": f"photo-{n}", "url": f"https://media.example/{n}/photo.jpg"} for n in range(6)],
    }
).encode()  # fmt: skip
_EXPECTED = b"HTTP/1.1 202"


class Sender(asyncio.Protocol):
    """One connection: sends, waits for the whole answer, sends the next."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._send()

    def _send(self) -> None:
        self.sent_at = time.perf_counter()
        self.transport.write(self.load.request())

    def data_received(self, data: bytes) -> None:
        self.answer += data
        head, found, body = self.answer.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        assert self.answer.startswith(_EXPECTED), self.answer
        self.answer = b""
        self.load.took.append(time.perf_counter() - self.sent_at)
        if time.perf_counter() < self.load.until:
            self._send()
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.load.ended(exc)


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)


class Load:
    """The requests of all connections."""

    def __init__(self, port: int, seconds: float) -> None:
        self.until = time.perf_counter() + seconds
        self.took: list[float] = []
        self._auth = StandardAuth(keys=(SecretStr(KEY),))
        self._ids = itertools.count()
        self._prefix = f"{time.time_ns()}-"
        self._head = (
            f"POST /hooks/creators HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(BODY)}\r\n"
        )
        self._open = CONNECTIONS
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def request(self) -> bytes:
        """The next request, with an id of its own."""
        proof = self._auth.sign(f"{self._prefix}{next(self._ids)}", datetime.now(UTC), BODY)
        lines = "".join(f"{name}: {value}\r\n" for name, value in proof.items())
        return f"{self._head}{lines}\r\n".encode() + BODY

    def ended(self, error: Exception | None) -> None:
        self._open -= 1
        if error is not None and not self.done.done():
            self.done.set_exception(error)
        if not self._open and not self.done.done():
            self.done.set_result(None)


async def run(port: int, seconds: float) -> tuple[float, float]:
    """Requests per second, and the 99th percentile of their times in milliseconds."""
    load = Load(port, seconds)
    started = time.perf_counter()
    for _ in range(CONNECTIONS):
        await asyncio.get_running_loop().create_connection(lambda: Sender(load), "127.0.0.1", port)
    await load.done
    rate = len(load.took) / (time.perf_counter() - started)
    return rate, sorted(load.took)[int(len(load.took) * 0.99)] * 1000


def main() -> None:
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
    asyncio.run(run(port, 0.5))  # warms up
    print(*asyncio.run(run(port, seconds)))


if __name__ == "__main__":
    main()
