"""The one way a connector calls its system: an `httpx.AsyncClient` whose `send()` holds deadline, retry, the
account's limits, size limit, redaction, error mapping and the log line, so that connectors only say what they want.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from typing import IO, Any

import aiohttp
import httpx
import structlog
import tenacity
from httpx_aiohttp import AiohttpTransport

from syncd import __version__
from syncd.clock import Clock, bounded
from syncd.errors import RateLimited, RejectedError, SyncdError, TransientError
from syncd.sdk import faults, trace
from syncd.sdk.limits import Gate, Open
from syncd.sdk.redact import Redactor

RETRY_SECONDS = 30.0  # in process; what takes longer is the engine's `not_before`
RETRY_ATTEMPTS = 5
ANSWER_LIMIT = 64 * 2**20  # bytes of an answer read into memory
EXCERPT = 300  # characters of an answer's body in an error
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_FAILURES = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, aiohttp.ClientError, OSError, TimeoutError)


class PreparedAuth(httpx.Auth):
    """An auth that may have to fetch something before a request can be sent."""

    async def prepare(self, request: httpx.Request) -> None:
        """Fetch it; awaited before each attempt, outside its deadline and before the permit is asked for."""


class _Body(httpx.AsyncByteStream):
    """An answer's body: counts bytes, maps failures, and frees the connection's slot when it ends or is closed."""

    def __init__(self, stream: Any, limit: int, fail: Callable[[Exception], SyncdError], release: Callable[[], None]):
        self._stream, self._limit, self._fail, self._release = stream, limit, fail, release
        self._open = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        count = 0
        try:
            async for chunk in self._stream:
                count += len(chunk)
                if count > self._limit:
                    raise RejectedError(f"An answer is longer than {self._limit} bytes.")
                yield chunk
        except _FAILURES as error:
            raise self._fail(error) from error

    async def aclose(self) -> None:
        if self._open:
            self._open = False
            self._release()
            await self._stream.aclose()


class HttpClient(httpx.AsyncClient):
    """A connection's HTTP client; use it like any `httpx.AsyncClient`.

    It raises the errors of `syncd.errors` instead of returning failed answers. Per request, `extensions` may hold:
    `expect`: statuses to hand back although they are failures; `idempotent`: True where a POST only reads (GET, HEAD,
    OPTIONS, PUT, DELETE and whatever carries an `Idempotency-Key` are repeated anyway); `deadline`: seconds;
    `limit`: bytes of the answer; `spend`: what it costs of declared limits beside one call, `{"points": 50}`;
    `unseen`: True where bytes go up that nobody sees before a later call commits them: such a call may take longer
    than the lane's lease lasts.
    """

    def __init__(
        self,
        connection: str,
        clock: Clock,
        *,
        secrets: Iterable[str] = (),
        deadline: float = 10.0,
        overrides: faults.FaultTable | None = None,
        gate: Gate | None = None,
        repeatable: bool = False,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """
        Args:
            connection: its name, for errors and log.
            clock: all waiting is by it.
            secrets: texts that must never appear in an error or in the log.
            deadline: seconds one attempt may take, its answer's body included.
            overrides: rows of the connector's fault table.
            gate: passed by each attempt; without one every call may begin.
            repeatable: every request may be sent twice, whatever its method.
            transport: aiohttp's unless given.
        """
        self.connection = connection
        self.redactor = Redactor(secrets)
        self.deadline = deadline
        self._clock = clock
        self._overrides = overrides or {}
        self._gate = gate or Open()
        self._all_repeatable = repeatable
        self._log = structlog.get_logger("syncd.http")
        super().__init__(
            transport=transport or AiohttpTransport(client=_session),
            timeout=httpx.Timeout(deadline),
            headers={"User-Agent": f"syncd/{__version__}"},
            trust_env=False,
        )

    # httpx names the types of `auth` and `follow_redirects` only in private modules.
    async def send(
        self,
        request: httpx.Request,
        *,
        stream: bool = False,
        auth: Any = httpx.USE_CLIENT_DEFAULT,
        follow_redirects: Any = httpx.USE_CLIENT_DEFAULT,
    ) -> httpx.Response:
        """Carry a request out, repeating it for up to 30 seconds where that is safe.

        Raises:
            RateLimited: with the system's `retry_after`, where that is too far away to wait in process.
            TransientError, AuthError, ConfigError, NotFoundError, ConflictError, RejectedError: by the fault table.
        """

        using = self.auth if auth is httpx.USE_CLIENT_DEFAULT else auth

        async def attempt() -> httpx.Response:
            if isinstance(using, PreparedAuth):
                await using.prepare(request)
            return await self._attempt(request, stream, auth, follow_redirects)

        if not _repeatable(request, self._all_repeatable):
            return await attempt()
        started = self._clock.monotonic()
        retrying = tenacity.AsyncRetrying(
            sleep=self._clock.sleep,
            stop=tenacity.stop_after_attempt(RETRY_ATTEMPTS) | _Patience(self._clock, started),
            wait=_pause,
            retry=tenacity.retry_if_exception_type(TransientError),
            reraise=True,
        )
        return await retrying(attempt)

    async def download(
        self,
        url: str,
        into: IO[bytes],
        *,
        limit: int,
        seconds: float | None = None,
        headers: Mapping[str, str] | None = None,
        expect: Collection[int] = (),
    ) -> httpx.Response:
        """Write a resource, whole or not at all, into a file; returns the answer without its body.

        Args:
            url: http or https.
            into: a binary file to write to.
            limit: bytes it may have, uncompressed.
            seconds: that it may take; the client's deadline unless given.
            headers: of the request.
            expect: statuses to hand back although they are failures.

        Raises:
            TransientError: it ended early or took too long. RejectedError: it is larger than `limit`.
        """
        work = self._download(url, into, limit, headers, expect)
        try:
            return await bounded(self._clock, work, seconds or self.deadline)
        except TimeoutError as error:
            call = self._name("GET", url)
            raise TransientError(f"{call} did not end within {seconds or self.deadline:g} s.") from error

    async def _download(
        self, url: str, into: IO[bytes], limit: int, headers: Mapping[str, str] | None, expect: Collection[int]
    ) -> httpx.Response:
        extensions = {"expect": expect, "limit": limit}
        request = self.build_request("GET", url, headers=dict(headers or {}), extensions=extensions)
        r = await self.send(request, stream=True, follow_redirects=True)
        try:
            written = 0
            async for chunk in r.aiter_bytes():
                written += len(chunk)
                if written > limit:
                    raise RejectedError(f"{self._name('GET', url)} is larger than {limit} bytes.")
                into.write(chunk)
            declared = r.headers.get("content-length", "")
            if declared.isdigit() and r.num_bytes_downloaded < int(declared):
                raise TransientError(
                    f"{self._name('GET', url)} ended after {r.num_bytes_downloaded} of {declared} bytes."
                )
        finally:
            await r.aclose()
        return r

    async def _attempt(self, request: httpx.Request, stream: bool, auth: Any, redirects: Any) -> httpx.Response:
        deadline = float(request.extensions.get("deadline", self.deadline))
        needed = 0.0 if request.extensions.get("unseen") else deadline
        slot = _Once(await self._gate.begin(request.extensions.get("spend", {}), needed))
        started = self._clock.monotonic()
        response: httpx.Response | None = None
        try:
            exchange = self._exchange(request, stream, auth, redirects, slot)
            response = await bounded(self._clock, exchange, deadline)
            return await self._judged(request, response)
        except _FAILURES as error:
            raise self._failed(request, error) from error
        finally:
            if response is None or not stream:
                slot()
            self._record(request, response, self._clock.monotonic() - started)

    async def _exchange(
        self, request: httpx.Request, stream: bool, auth: Any, redirects: Any, release: Callable[[], None]
    ) -> httpx.Response:
        response = await super().send(request, stream=True, auth=auth, follow_redirects=redirects)
        limit = int(request.extensions.get("limit", ANSWER_LIMIT))
        if response.is_closed:  # its body is in memory already
            release()
            if len(response.content) > limit:
                raise RejectedError(f"An answer is longer than {limit} bytes.")
            return response
        response.stream = _Body(response.stream, limit, lambda error: self._failed(request, error), release)
        if not stream:
            try:
                await response.aread()
            finally:
                await response.aclose()
        return response

    async def _judged(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        """The answer if it is none of the faults; the error it is otherwise."""
        if response.status_code in request.extensions.get("expect", ()):
            return response
        if faults.of_status(response.status_code, self._overrides) is None:
            return response
        excerpt = self.redactor.text(await _beginning(response))[:EXCERPT]
        name = self._name(request.method, str(request.url))
        fault = faults.of_response(response, self._overrides, name, excerpt, self._clock.now())
        assert fault is not None
        if isinstance(fault, RateLimited) and fault.retry_after:
            self._gate.hold(fault.retry_after)
        raise fault

    def _failed(self, request: httpx.Request, error: Exception) -> SyncdError:
        name = self._name(request.method, str(request.url))
        return faults.of_exception(error, name, self.redactor.text(str(error))[:EXCERPT])

    def _name(self, method: str, url: str) -> str:
        return f"{self.connection}: {method} {self.redactor.text(url)}"

    def _record(self, request: httpx.Request, response: httpx.Response | None, seconds: float) -> None:
        trace.note(request, response, self.redactor, seconds)
        url, status = self.redactor.text(str(request.url)), response.status_code if response else "failed"
        self._log.info(
            "call", connection=self.connection, method=request.method, url=url, status=status, seconds=round(seconds, 3)
        )


class _Once:
    """Calls a function at its first call only."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act: Callable[[], None] | None = act

    def __call__(self) -> None:
        act, self._act = self._act, None
        if act is not None:
            act()


class _Patience(tenacity.stop.stop_base):
    """Stops before a pause that would end later than 30 seconds after the first attempt, by the clock."""

    def __init__(self, clock: Clock, started: float) -> None:
        self._clock, self._started = clock, started

    def __call__(self, retry_state: tenacity.RetryCallState) -> bool:
        return self._clock.monotonic() - self._started + retry_state.upcoming_sleep > RETRY_SECONDS


def _pause(state: tenacity.RetryCallState) -> float:
    """Seconds until the next attempt: what the system asked for, else doubling from half a second, with jitter."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, RateLimited) and error.retry_after is not None:
        return error.retry_after
    return min(10.0, 0.5 * 2.0 ** (state.attempt_number - 1)) * random.uniform(0.5, 1.0)


def _repeatable(request: httpx.Request, whatever_it_is: bool) -> bool:
    """Whether the request may be sent twice: its effect is the same, and its body can be read again."""
    if not isinstance(request.stream, httpx.ByteStream):
        return False
    stated = whatever_it_is or bool(request.extensions.get("idempotent")) or "idempotency-key" in request.headers
    return stated or request.method in _IDEMPOTENT


async def _beginning(response: httpx.Response) -> str:
    """The first characters of a failed answer's body, on one line; the answer is closed."""
    content = b""
    try:
        if response.is_stream_consumed:
            content = response.content
        else:
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > 4 * EXCERPT:
                    break
    except (SyncdError, httpx.HTTPError):
        pass  # what came so far is all there is to show
    finally:
        await response.aclose()
    return " ".join(content[: 16 * EXCERPT].decode("utf-8", "replace").split())


def _session() -> aiohttp.ClientSession:
    """aiohttp's session: no cookies of its own (httpx keeps them), proxies as the environment says."""
    connector = aiohttp.TCPConnector(limit=0)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=True)


def open_client(
    connection: str,
    clock: Clock,
    secrets: Iterable[str] = (),
    *,
    deadline: float = 10.0,
    overrides: faults.FaultTable | None = None,
    gate: Gate | None = None,
    repeatable: bool = False,
) -> HttpClient:
    """A connection's client over aiohttp; `aclose()` (or `async with`) closes its session."""
    return HttpClient(
        connection,
        clock,
        secrets=secrets,
        deadline=deadline,
        overrides=overrides,
        gate=gate,
        repeatable=repeatable,
    )
