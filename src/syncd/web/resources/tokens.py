"""`/api/v1/tokens`: who may use this API."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from syncd.flow.operate import tokens
from syncd.flow.services import Services
from syncd.web.auth import Scope, mint
from syncd.web.models import Body, NoQuery, View
from syncd.web.routing import AnyRoute, Call, Route

_ID = f"^[0-9a-f]{{{tokens.ID_LENGTH}}}$"


class TokenView(View):
    """A token without its secret."""

    id: str
    name: str
    scope: Scope
    created_at: datetime
    revoked_at: datetime | None


class TokenList(View):
    """All tokens, the newest first."""

    items: list[TokenView]


class NewTokenBody(Body):
    """Whom a token is for and how much it may do."""

    name: str = Field(min_length=1, max_length=100, pattern=r"^[\w .@+-]+$")
    scope: Scope = Field(description="read < operate < admin", strict=False)


class MintedToken(View):
    """A token just made; `token` is shown this once."""

    id: str
    name: str
    scope: Scope
    token: str


class Revoked(View):
    """The token that may not be used any more."""

    id: str


class Tokens:
    """Tokens of the API."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def routes(self) -> list[AnyRoute]:
        one = "/api/v1/tokens/{id}"
        return [
            Route("GET", "/api/v1/tokens", self.list_tokens, "Tokens", Scope.ADMIN, {200: TokenList}, tags=["tokens"]),
            Route("POST", "/api/v1/tokens", self.mint_token, "Make a token", Scope.ADMIN, {201: MintedToken},
                  body=NewTokenBody, tags=["tokens"]),
            Route("DELETE", one, self.revoke_token, "Revoke a token", Scope.ADMIN, {200: Revoked},
                  parameters={"id": _ID}, tags=["tokens"]),
        ]  # fmt: skip

    async def list_tokens(self, call: Call[NoQuery, None]) -> TokenList:
        found = await tokens.listed(self.services.ledger)
        return TokenList(items=[TokenView(**{**each._asdict(), "scope": Scope(each.scope)}) for each in found])

    async def mint_token(self, call: Call[NoQuery, NewTokenBody]) -> MintedToken:
        made = mint()
        await tokens.register(self.services.ledger, made.digest, call.body.name, call.body.scope.value)
        return MintedToken(
            id=made.digest[: tokens.ID_LENGTH], name=call.body.name, scope=call.body.scope, token=made.text
        )

    async def revoke_token(self, call: Call[NoQuery, None]) -> Revoked:
        await tokens.revoke(self.services.ledger, call.path["id"])
        return Revoked(id=call.path["id"])
