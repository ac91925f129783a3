"""Asks a token endpoint for tokens, and tells a refusal from a failure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from syncd.clock import Clock
from syncd.errors import ConfigError, TransientError
from syncd.sdk.credentials import CredentialRefused
from syncd.sdk.http import HttpClient, open_client
from syncd.sdk.oauth.declaration import Authorization, AuthorizationCode, ClientCredentials, Password
from syncd.sdk.oauth.tokens import Tokens, of_answer

DEADLINE = 20.0
"""Seconds one exchange may take."""
_ANSWERED = frozenset({400, 401, 402, 403, 404, 405, 406, 410, 415, 422})
_NOT_THERE = frozenset({404, 405, 410})
_PASSING = frozenset({"server_error", "temporarily_unavailable", "slow_down"})  # RFC 6749, 4.1.2.1; RFC 8628, 3.5
_CLIENT = frozenset({"invalid_client", "unauthorized_client"})
_ANSWER_LIMIT = 2**20
_SAID = 200  # characters of a vendor's own words


class Exchange:
    """The token endpoint of one credential."""

    def __init__(self, connection: str, clock: Clock, declare: Callable[[], Authorization], http: HttpClient) -> None:
        """
        Args:
            connection: its name, for errors.
            declare: answers the declaration with the secrets as they are now.
            http: of the connection; its redactor learns every secret and token.
        """
        self.connection, self.declare = connection, declare
        self._clock, self._redactor = clock, http.redactor
        self._http = open_client(connection, clock, deadline=DEADLINE)
        self._http.redactor = http.redactor

    async def issue(self) -> Tokens:
        """New tokens of a client that is the account, or of a user's password.

        Raises:
            CredentialRefused: the vendor does not take the secrets. ConfigError: the endpoint is not there.
            TransientError: it does not answer, or not in time.
        """
        declared = self.declare()
        if isinstance(declared, Password):
            login = {"username": declared.username, "password": declared.password.get_secret_value()}
            return await self._ask(declared, {"grant_type": "password", **login})
        assert isinstance(declared, ClientCredentials)
        return await self._ask(declared, {"grant_type": "client_credentials"})

    async def refresh(self, token: str) -> Tokens:
        """Tokens for a refresh token, which may be spent by this. Raises: as `issue`."""
        return await self._ask(self.declare(), {"grant_type": "refresh_token", "refresh_token": token}, scoped=False)

    async def redeem(self, code: str, redirect_uri: str, verifier: str) -> Tokens:
        """Tokens for the code a person's browser came back with. Raises: as `issue`.

        Args:
            redirect_uri: as it was sent with the browser.
            verifier: of PKCE, "" without.
        """
        asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return await self._ask(self.declare(), asked | ({"code_verifier": verifier} if verifier else {}), scoped=False)

    async def revoke(self, token: str) -> bool:
        """Give a token back; False where the vendor has no place for that. Raises: as `issue`."""
        declared = self.declare()
        if not isinstance(declared, AuthorizationCode) or not declared.revoke_url or not token:
            return False
        self._learn(declared, token)
        response = await self._send(declared, declared.revoke_url, {"token": token}, 0)
        self._judge(declared, response, _object(response))
        return True

    def learn(self, tokens: Tokens) -> None:
        """Keep tokens that came from elsewhere out of errors and log."""
        self._redactor.learn(tokens.access, tokens.refresh)

    async def close(self) -> None:
        """Close its session."""
        await self._http.aclose()

    async def _ask(self, declared: Authorization, asked: Mapping[str, str], *, scoped: bool = True) -> Tokens:
        """Ask with each live secret of the client, the first one first."""
        self._learn(declared, *(asked[name] for name in ("refresh_token", "code") if name in asked))
        if scoped and declared.scopes:
            asked = {**asked, "scope": declared.scope_separator.join(declared.scopes)}
        for number in range(len(declared.client_secret) or 1):
            started = self._clock.now()
            response = await self._send(declared, declared.token_url, {**asked, **declared.parameters}, number)
            answer = _object(response)
            if _says(answer, "error") not in _CLIENT and response.status_code != httpx.codes.UNAUTHORIZED:
                break
        self._judge(declared, response, answer)
        if answer is None:
            raise TransientError(f"{self._where(response)} was answered with something else than JSON.")
        tokens = of_answer(answer, declared.answer_names, started)
        if tokens is None:
            raise refusal(declared, self.connection, f"{self._where(response)} was answered without an access token.")
        self.learn(tokens)
        return tokens

    async def _send(self, declared: Authorization, url: str, asked: Mapping[str, str], number: int) -> httpx.Response:
        """
        Args:
            number: which of the client's secrets is used.
        """
        secret = declared.client_secret[number].get_secret_value() if declared.client_secret else ""
        client = {"client_id": declared.client_id, "client_secret": secret}
        basic = httpx.BasicAuth(declared.client_id, secret) if declared.client == "basic" else None
        sent = dict(asked) if basic else {**asked, **{name: value for name, value in client.items() if value}}
        named = {declared.request_names.get(name, name): value for name, value in sent.items()}
        body: dict[str, Any] = {"json": named} if declared.encoding == "json" else {"data": named}
        headers = {"Accept": "application/json", **declared.headers}
        extensions = {"expect": _ANSWERED, "limit": _ANSWER_LIMIT}
        return await self._http.post(url, headers=headers, auth=basic or httpx.Auth(), extensions=extensions, **body)

    def _judge(self, declared: Authorization, response: httpx.Response, answer: Mapping[str, Any] | None) -> None:
        """Let success pass; answers of 429 and 5xx were raised by the client already."""
        where, error = self._where(response), _says(answer, "error")
        if response.status_code in _NOT_THERE and not error:
            raise ConfigError(f"{where} was answered {response.status_code}.", remedy="Correct the token's address.")
        if error in _PASSING:
            raise TransientError(f"{where} was answered {error}.")
        if not response.is_success or error:
            words = f"{error} {_says(answer, 'error_description') or _says(answer, 'message')}".strip()
            said = self._redactor.text(" ".join(words.split()))[:_SAID]
            what = f"{where} was answered {response.status_code}{f': {said}' if said else ''}."
            raise refusal(declared, self.connection, what, of_client=error in _CLIENT)

    def _where(self, response: httpx.Response) -> str:
        return f"{self.connection}: the request for a token at {self._redactor.text(str(response.url))}"

    def _learn(self, declared: Authorization, *more: str) -> None:
        secrets = [secret.get_secret_value() for secret in declared.client_secret]
        self._redactor.learn(*declared.secrets(), *(f"{declared.client_id}:{secret}" for secret in secrets), *more)


def refusal(declared: Authorization, connection: str, what: str, *, of_client: bool = False) -> CredentialRefused:
    """The error of a credential that is good for nothing any more, with what to do about it.

    Args:
        of_client: the vendor refused the client itself, which no person's signing in would change.
    """
    if isinstance(declared, AuthorizationCode) and not of_client:
        remedy = f"Sign in once more: `syncd connect {connection}`."
        return CredentialRefused(what, remedy=remedy, connect=True)
    then = f"`syncd replay --connection {connection}`"
    remedy = f"Renew the secrets that connectors/{connection}.yaml names, then {then}."
    return CredentialRefused(what, remedy=remedy)


def _object(response: httpx.Response) -> dict[str, Any] | None:
    """The answer's JSON object; None where it is something else."""
    try:
        found = json.loads(response.content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _says(answer: Mapping[str, Any] | None, name: str) -> str:
    """A text of the answer; "" where it has none."""
    found = (answer or {}).get(name)
    return found if isinstance(found, str) else ""
