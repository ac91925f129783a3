"""How a system's tokens are asked for, declared: one model per grant of OAuth 2 (RFC 6749), fit for YAML.

A system says so in a method `authorization(options)`, which answers declarations by name; the one named `main` is put
on its HTTP client.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import httpx
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from syncd.sdk.redact import secrets_of
from syncd.sdk.system import Options

MAIN = "main"
"""The name of the credential that a connection's HTTP client uses."""


def origin_of(url: httpx.URL | str) -> tuple[str, str, int | None]:
    """Scheme, host and port: what a token may be sent to."""
    known = httpx.URL(url)
    return known.scheme, known.host, known.port


def _web_address(text: str) -> str:
    scheme, host, _ = origin_of(text)
    if scheme not in ("http", "https") or not host:
        raise ValueError("this is no http or https address")
    return text


def _one_or_many(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


Url = Annotated[str, AfterValidator(_web_address)]
Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_one_or_many)]


class Declared(Options):
    """What all grants have in common."""

    token_url: Url = Field(description="Where tokens are asked for.")
    client_id: str = Field("", description="The client's name at the vendor.")
    client_secret: Secrets = Field(
        (), description="Its secret; while one replaces another both, of which the first that is taken counts."
    )
    client: Literal["body", "basic"] = Field(
        "body", description="Where client and secret stand: among the parameters, or as HTTP Basic."
    )
    encoding: Literal["form", "json"] = Field("form", description="How the parameters are sent.")
    scopes: tuple[str, ...] = Field((), description="What is asked for.")
    scope_separator: str = Field(" ", description="What stands between scopes.")
    parameters: dict[str, str] = Field({}, description="Further parameters of every request for tokens.")
    headers: dict[str, str] = Field({}, description="Further headers of every request for tokens.")
    request_names: dict[str, str] = Field({}, description="What this vendor calls OAuth's parameters of requests.")
    answer_names: dict[str, str] = Field({}, description="What this vendor calls OAuth's members of answers.")
    api: tuple[Url, ...] = Field(min_length=1, description="Origins the token is sent to, and no other.")
    header: str = Field("Authorization", description="The header that carries the token.")
    prefix: str = Field("Bearer ", description="What stands before it there.")
    renew_on: tuple[int, ...] = Field((401,), description="Statuses by which the API says that the token has ended.")

    def secrets(self) -> list[str]:
        """Every secret in it, as plain text."""
        return list(secrets_of(self))


class ClientCredentials(Declared):
    """The client is the account (RFC 6749, 4.4)."""

    kind: Literal["client-credentials"] = Field("client-credentials", description="the client is the account")


class Password(Declared):
    """A user's name and password (RFC 6749, 4.3), where the vendor knows nothing better."""

    kind: Literal["password"] = Field("password", description="a user's name and password")
    username: str = Field(description="The user's name.")
    password: SecretStr = Field(description="The user's password.")


class RefreshToken(Declared):
    """A refresh token that the vendor's console gave out (RFC 6749, 6); what replaces it is kept in the ledger."""

    kind: Literal["refresh-token"] = Field("refresh-token", description="a refresh token the vendor's console gave out")
    refresh_token: SecretStr = Field(description="The first refresh token; another one here begins anew.")


class AuthorizationCode(Declared):
    """A person signs in with a browser, by `syncd connect` (RFC 6749, 4.1; RFC 7636; RFC 8252)."""

    kind: Literal["authorization-code"] = Field("authorization-code", description="a person signs in with a browser")
    authorize_url: Url = Field(description="Where the browser is sent.")
    authorize: dict[str, str] = Field({}, description="Further parameters of that address.")
    pkce: bool = Field(True, description="Whether the code is bound to a verifier (S256).")
    redirect_uri: str = Field(
        "", description="The address registered at the vendor; by default a free port of the person's own machine."
    )
    code: str = Field("code", description="What the address the browser is sent back to calls the code.")
    revoke_url: str = Field("", description="Where a token is given back (RFC 7009), if the vendor has such a place.")


Authorization = Annotated[ClientCredentials | Password | RefreshToken | AuthorizationCode, Field(discriminator="kind")]
"""Any of them; in YAML `kind` says which."""


def declared_by(system: Any, options: Options) -> Mapping[str, Authorization]:
    """What a system declares for these options, by name; nothing if it logs in otherwise."""
    declare = getattr(system, "authorization", None)
    return {} if declare is None else dict(declare(options))
