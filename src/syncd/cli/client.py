"""The admin API as the command line calls it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from syncd.errors import AuthError, SyncdError, TransientError
from syncd.settings import Settings

CONNECT_SECONDS = 5.0
SECONDS = 300.0
"""How long an answer may take."""


class NoToken(AuthError):
    """Set SYNCD_TOKEN, or run where var/token can be read (`syncd init` or the first `syncd run` writes it)."""

    code = "cli.no-token"


class Unreachable(TransientError):
    """Start it with `syncd run`, or name its address in SYNCD_URL."""

    code = "cli.unreachable"


class Refused(SyncdError):
    """The daemon refused; its own words say why and what to do."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        """
        Args:
            problem: the answer's body, as RFC 9457 shapes it.
        """
        faults = "".join(f"\n  {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in problem.get("errors") or ())
        super().__init__(f"{problem['detail']}{faults}", remedy=problem["remedy"], **(problem.get("data") or {}))
        self.problem = problem
        self.code = str(problem["code"])  # type: ignore[misc]  # the code of the daemon's error, not of a class
        self.status = int(problem["status"])


class Client:
    """Calls the daemon; every refusal is a `Refused`, whatever did not arrive is `Unreachable`."""

    def __init__(self, settings: Settings | None = None) -> None:
        """
        Args:
            settings: names the daemon and the token; read from the environment unless given.

        Raises:
            NoToken: neither SYNCD_TOKEN nor a readable token file.
        """
        self.settings = settings or Settings()
        headers = {"Authorization": f"Bearer {_token(self.settings)}"}
        self._http = httpx.Client(base_url=self.settings.api_url, headers=headers, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        """The JSON answer of a GET below `/api/v1`; parameters that are None are left out, lists are repeated."""
        return self._call("GET", path, query=query)

    def post(self, path: str, body: Any = None, *, idempotency_key: str = "", seconds: float | None = SECONDS) -> Any:
        """The JSON answer of a POST below `/api/v1`, or None where the answer has no body.

        Args:
            seconds: how long the answer may take; None: as long as it does.
        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self._call("POST", path, body=body, headers=headers, seconds=seconds)

    def delete(self, path: str) -> Any:
        """The JSON answer of a DELETE below `/api/v1`."""
        return self._call("DELETE", path)

    def pages(self, path: str, *, most: int | None = None, **query: Any) -> Iterator[dict[str, Any]]:
        """The items of a listing, page after page, at most `most`."""
        cursor: str | None = None
        count = 0
        while True:
            page = self.get(path, cursor=cursor, limit=200 if most is None else min(200, most - count), **query)
            yield from page["items"]
            count += len(page["items"])
            cursor = page["next"]
            if cursor is None or (most is not None and count >= most):
                return

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        seconds: float | None = SECONDS,
    ) -> Any:
        try:
            answer = self._http.request(
                method, f"/api/v1{path}", params=_given(query or {}), json=body, headers=dict(headers or {}),
                timeout=httpx.Timeout(seconds, connect=CONNECT_SECONDS),
            )  # fmt: skip
        except httpx.TransportError as error:
            what = f"The daemon does not answer at {self.settings.api_url} ({type(error).__name__})."
            raise Unreachable(what) from error
        if answer.is_success:
            return answer.json() if answer.content else None
        if answer.headers.get("content-type", "").startswith("application/problem+json"):
            raise Refused(answer.json())
        raise Unreachable(f"What answers at {self.settings.api_url} is not syncd (HTTP {answer.status_code}).")


def _given(query: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in query.items() if value is not None and value != []}
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}


def _token(settings: Settings) -> str:
    if settings.token is not None:
        return settings.token.get_secret_value()
    path = settings.var / "token"
    try:
        return path.read_text().strip()
    except OSError as error:
        raise NoToken(f"There is no API token: {path} cannot be read ({error.strerror}).") from None
