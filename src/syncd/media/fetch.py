"""Downloads of media from URLs that strangers hand in: the guard sees the real address of every hop."""

from __future__ import annotations

import email.utils
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import PurePosixPath
from typing import TypeVar
from urllib.parse import unquote

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.connector import AddrInfoType
from pydantic import BaseModel, ConfigDict
from yarl import URL

from syncd import errors
from syncd.clock import Clock, bounded
from syncd.domain.media import MEDIA_TYPES, kind_of
from syncd.media import addresses, sniff

T = TypeVar("T")
_REDIRECTS = (301, 302, 303, 307, 308)
_TRANSIENT = (408, 425, *range(500, 600))
_UNTYPED = (
    "",
    "application/octet-stream",
    "binary/octet-stream",
    "application/x-download",
    "application/force-download",
)


class FetchLimits(BaseModel):
    """What one download may cost: bytes, hops, and seconds until the first byte, between bytes and in all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: int = 4_000_000_000
    redirects: int = 5
    first_byte: float = 30.0
    idle: float = 30.0
    total: float = 1800.0


@dataclass(frozen=True)
class Download:
    """An answer whose first bytes were seen to be a picture or video; the rest comes by `chunks`, once."""

    chunks: AsyncIterator[bytes]
    content_type: str
    filename: str
    final_url: str


class _AddressRefusedError(OSError):
    """The socket was not made: the address is not public and the host not allowed."""


class _Guard:
    """Makes the sockets of one hop, and remembers an address it refused."""

    def __init__(self, url: URL, allow_hosts: frozenset[str]) -> None:
        names = {url.host, url.raw_host}  # as written and as asked of the resolver
        self._allowed = not names.isdisjoint(each.lower() for each in allow_hosts)
        self.refused: str | None = None

    def socket(self, found: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = found
        why = None if self._allowed else addresses.refusal(str(address[0]))
        if why is not None:
            self.refused = why
            raise _AddressRefusedError(why)
        return socket.socket(family=family, type=kind, proto=protocol)


class Fetcher:
    """Streams media from the web. One session per hop: nothing is kept between two downloads."""

    def __init__(
        self, clock: Clock, limits: FetchLimits | None = None, resolver: AbstractResolver | None = None
    ) -> None:
        """
        Args:
            resolver: how names are looked up; the system's unless given. The guard does not rely on it.
        """
        self._clock = clock
        self._limits = limits or FetchLimits()
        self._resolver = resolver

    @asynccontextmanager
    async def open(self, url: str, *, allow_hosts: frozenset[str] = frozenset()) -> AsyncIterator[Download]:
        """Start one download.

        Args:
            allow_hosts: host names (or IP literals), exactly as in the URL, that may be in a private network.

        Raises:
            HostileInput: reasons `scheme`, `bad-url`, `credentials-in-url`, `obscured-address`, `private-address`,
                `downgrade`, `redirect-limit`, `encoded-answer`, `too-large`, `type-mismatch`, and those of
                `sniff.require_media`.
            NotFoundError: 404 or 410. RejectedError: other 4xx, or a bad certificate. RateLimited: 429.
            TransientError: no answer in time, no such host now, a broken connection, 5xx.
        """
        deadline = self._clock.monotonic() + self._limits.total
        async with AsyncExitStack() as stack:
            answer, final = await self._follow(_checked(url), allow_hosts, stack, deadline)
            yield await self._download(answer, final, deadline)

    async def _follow(
        self, url: URL, allow_hosts: frozenset[str], stack: AsyncExitStack, deadline: float
    ) -> tuple[aiohttp.ClientResponse, URL]:
        """Walk the redirects; every target passes every check again, by its own name."""
        for _ in range(self._limits.redirects + 1):
            hop = await stack.enter_async_context(AsyncExitStack())
            answer = await self._request(url, allow_hosts, hop, deadline)
            if answer.status not in _REDIRECTS:
                self._require_success(answer, url)
                return answer, url
            target = _redirect(url, answer.headers.get("Location"))
            await hop.aclose()
            url = target
        raise errors.HostileInput("redirect-limit", f"{_shown(url)} came after {self._limits.redirects} redirects.")

    async def _request(
        self, url: URL, allow_hosts: frozenset[str], hop: AsyncExitStack, deadline: float
    ) -> aiohttp.ClientResponse:
        guard = _Guard(url, allow_hosts)
        connector = aiohttp.TCPConnector(
            socket_factory=guard.socket, resolver=self._resolver, use_dns_cache=False, force_close=True
        )
        session = await hop.enter_async_context(
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                headers={"Accept-Encoding": "identity", "User-Agent": "syncd", "Accept": "image/*, video/*"},
            )
        )
        with_answer = session.get(url, allow_redirects=False)
        try:
            return await self._within(
                self._limits.first_byte, deadline, lambda: hop.enter_async_context(with_answer), url
            )
        except aiohttp.ClientError as error:
            if guard.refused:
                what = f"{_shown(url)} leads to an address that is not allowed: {guard.refused}."
                raise errors.HostileInput("private-address", what) from error
            raise _translated(error, url) from error

    async def _within(self, seconds: float, deadline: float, work: Callable[[], Awaitable[T]], url: URL) -> T:
        """Await `work()` at most `seconds`, and not beyond the download's deadline."""
        seconds = min(seconds, deadline - self._clock.monotonic())
        try:
            if seconds <= 0:  # a body that never pauses would slip past a deadline that is only waited for
                raise TimeoutError
            return await bounded(self._clock, work(), seconds)
        except TimeoutError as error:
            raise errors.TransientError(f"{_shown(url)} was too slow, or took too long in all.") from error

    def _require_success(self, answer: aiohttp.ClientResponse, url: URL) -> None:
        what = f"{_shown(url)} answered {answer.status}."
        if answer.status == 429:
            raise errors.RateLimited(what, retry_after=self._retry_after(answer.headers.get("Retry-After")))
        if answer.status in (404, 410):
            raise errors.NotFoundError(what, remedy="Ask the sender for a link that still works.")
        if answer.status in _TRANSIENT:
            raise errors.TransientError(what, status=answer.status)
        if answer.status != 200:
            raise errors.RejectedError(what, remedy="Ask the sender for a link that opens without a login.")
        if (encoding := answer.headers.get("Content-Encoding", "identity").strip().lower()) not in ("", "identity"):
            raise errors.HostileInput("encoded-answer", f"{_shown(url)} sent {encoding} though identity was asked.")
        if (answer.content_length or 0) > self._limits.bytes:
            raise self._too_large(url)

    def _retry_after(self, value: str | None) -> float | None:
        """Seconds of a Retry-After header: a number, or an HTTP date."""
        if value is None:
            return None
        if value.strip().isdigit():
            return float(value)
        try:
            until = email.utils.parsedate_to_datetime(value)
        except ValueError:
            return None
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        return max(0.0, (until - self._clock.now()).total_seconds())

    def _too_large(self, url: URL) -> errors.HostileInput:
        limit = self._limits.bytes
        return errors.HostileInput("too-large", f"{_shown(url)} is larger than {limit} bytes.", limit=limit)

    async def _download(self, answer: aiohttp.ClientResponse, url: URL, deadline: float) -> Download:
        """Read enough to know what it is, and hand on the rest."""
        chunks = self._chunks(answer, url, deadline)
        head = b""
        async for chunk in chunks:
            head += chunk
            if len(head) >= sniff.HEAD:
                break
        declared = answer.content_type.lower() if "Content-Type" in answer.headers else ""
        _require_type(head[: sniff.HEAD], declared, url)

        async def whole() -> AsyncIterator[bytes]:
            yield head
            async for chunk in chunks:
                yield chunk

        return Download(whole(), declared, _filename(answer, url), str(url.with_fragment(None)))

    async def _chunks(self, answer: aiohttp.ClientResponse, url: URL, deadline: float) -> AsyncIterator[bytes]:
        size = 0
        while True:
            try:
                chunk = await self._within(self._limits.idle, deadline, answer.content.readany, url)
            except (aiohttp.ClientError, OSError) as error:
                raise _translated(error, url) from error
            if not chunk:
                return
            size += len(chunk)
            if size > self._limits.bytes:
                raise self._too_large(url)
            yield chunk


def _checked(url: str) -> URL:
    """Parse a URL a stranger wrote and refuse what no honest link has."""
    if any(character <= " " or character in "\\\x7f" for character in url.strip()):
        raise errors.HostileInput("bad-url", "The URL holds spaces, control characters or a backslash.")
    try:
        parsed = URL(url.strip())
        port = parsed.port
    except ValueError as error:
        raise errors.HostileInput("bad-url", "The URL cannot be parsed.") from error
    if parsed.scheme not in ("http", "https"):
        raise errors.HostileInput("scheme", f"The URL's scheme is {parsed.scheme or 'missing'}, not http or https.")
    if parsed.raw_user is not None or parsed.raw_password is not None:
        raise errors.HostileInput("credentials-in-url", f"The URL of {parsed.host} holds a user name or password.")
    if not parsed.host or not port:
        raise errors.HostileInput("bad-url", "The URL names no host or port.")
    if addresses.obscured(parsed.host):
        raise errors.HostileInput("obscured-address", f"{parsed.host} is an IP address written to look like none.")
    return parsed


def _redirect(url: URL, location: str | None) -> URL:
    if not location:
        raise errors.RejectedError(f"{_shown(url)} redirects to nowhere.")
    try:
        joined = str(url.join(URL(location)))
    except ValueError as error:
        raise errors.HostileInput("bad-url", f"{_shown(url)} redirects to no URL.") from error
    target = _checked(joined)
    if url.scheme == "https" and target.scheme != "https":
        raise errors.HostileInput("downgrade", f"{_shown(url)} redirects from https to http.")
    return target


def _require_type(head: bytes, declared: str, url: URL) -> None:
    """The first bytes must be media, and of the kind the header says, if it says one."""
    found = sniff.require_media(head, _shown(url))
    if declared in _UNTYPED or declared.startswith(f"{kind_of(found)}/"):
        return
    what = f"{_shown(url)} says {declared} and holds {MEDIA_TYPES[found]}."
    raise errors.HostileInput("type-mismatch", what, declared=declared, found=MEDIA_TYPES[found])


def _filename(answer: aiohttp.ClientResponse, url: URL) -> str:
    """The name the server gives, else the last part of the path; without folders and control characters."""
    disposition = answer.content_disposition
    given = (disposition.filename if disposition else None) or unquote(url.raw_name)
    name = PurePosixPath(given.replace("\\", "/")).name
    return "".join(each for each in name if each.isprintable()).strip(". ")[:200] or "download"


def _shown(url: URL) -> str:
    """The URL without query and fragment, which may hold secrets."""
    return str(url.with_query(None).with_fragment(None))


def _translated(error: Exception, url: URL) -> errors.SyncdError:
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError | ssl.SSLError):
        return errors.RejectedError(f"{_shown(url)} has no valid certificate.")
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return errors.HostileInput("bad-url", f"{_shown(url)} is no URL that can be fetched.")
    if isinstance(error, aiohttp.ClientPayloadError):
        return errors.TransientError(f"{_shown(url)} broke off: {type(error).__name__}.")
    return errors.TransientError(f"{_shown(url)} could not be reached: {type(error).__name__}.")
