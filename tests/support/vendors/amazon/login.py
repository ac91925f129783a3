"""Login with Amazon: tokens that live an hour, of a seller or of the application alone."""

from __future__ import annotations

from urllib.parse import parse_qs

import httpx

from syncd.clock import Clock

CLIENT, SECRET = "amzn1.application-oa2-client.test", "amzn1.oa2-cs.v1.s3cr3t-of-the-client"
REFRESH = "Atzr|s3cr3t-refresh-token"
LIFE = 3600.0


class Desk:
    """Gives out tokens, and knows which of them hold."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.given = 0
        self.closed = False
        """Whether the seller took the authorization back."""
        self.forbidden: set[str] = set()
        """Operations the application has no role for."""
        self._tokens: dict[str, tuple[str, float]] = {}

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request for a token."""
        asked = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        if (asked.get("client_id"), asked.get("client_secret")) != (CLIENT, SECRET):
            return _refusal(401, "invalid_client")
        grant = asked.get("grant_type")
        if grant == "client_credentials" and asked.get("scope") == "sellingpartnerapi::notifications":
            return self._token("application")
        if grant == "refresh_token" and asked.get("refresh_token") == REFRESH and not self.closed:
            return self._token("seller")
        return _refusal(400, "invalid_grant")

    def end_all(self) -> None:
        """Let every token end before its time."""
        self._tokens.clear()

    def refusal(self, request: httpx.Request, operation: str, *, grantless: bool) -> httpx.Response | None:
        """Why a call may not be made; None if it may."""
        kind, ends = self._tokens.get(request.headers.get("x-amz-access-token", ""), ("", 0.0))
        if not kind:
            return _denied("The access token you provided is revoked, malformed or invalid.")
        if self._clock.monotonic() >= ends:
            return _denied("The access token you provided has expired.")
        may = (kind == "application") == grantless and operation not in self.forbidden
        return None if may else _denied("")

    def _token(self, kind: str) -> httpx.Response:
        self.given += 1
        token = f"Atza|s3cr3t-{kind}-{self.given}"
        self._tokens[token] = kind, self._clock.monotonic() + LIFE
        return httpx.Response(200, json={"access_token": token, "token_type": "bearer", "expires_in": int(LIFE)})


def _refusal(status: int, error: str) -> httpx.Response:
    return httpx.Response(status, json={"error": error, "error_description": f"The request has {error}."})


def _denied(details: str) -> httpx.Response:
    error = {"code": "Unauthorized", "message": "Access to requested resource is denied.", "details": details}
    return httpx.Response(403, json={"errors": [error]})
