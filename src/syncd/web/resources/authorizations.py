"""`/api/v1/connections/{name}/authorization`: signing in for a connection, and taking that back."""

from __future__ import annotations

from pydantic import Field, RootModel

from syncd.flow.operate import authorization, signin
from syncd.flow.operate.authorization import AuthorizationStatus, Disconnected
from syncd.flow.operate.signin import Begun, Connected
from syncd.flow.services import Services
from syncd.web.auth import Scope
from syncd.web.models import Body, NoQuery
from syncd.web.routing import AnyRoute, Call, Route


class AuthorizationView(RootModel[AuthorizationStatus]):
    """How a connection stands that a person signs in for."""


class BegunView(RootModel[Begun]):
    """Where the browser goes."""


class ConnectedView(RootModel[Connected]):
    """What was found with the new tokens."""


class DisconnectedView(RootModel[Disconnected]):
    """A connection whose tokens are forgotten."""


class NewAuthorization(Body):
    """Where the browser is to be sent back to."""

    redirect_uri: str = Field(
        default="", max_length=500, description="on the person's own machine; unused where the options name one"
    )


class NewAnswer(Body):
    """What the browser came back with."""

    answer: str = Field(min_length=1, max_length=8192, description="the address it was sent back to, or the code in it")
    state: str = Field(default="", max_length=500, description="as it was given; needed with a bare code")


class Authorizations:
    """The authorization of each connection."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def routes(self) -> list[AnyRoute]:
        one = "/api/v1/connections/{name}/authorization"
        tags = ["connections"]
        return [
            Route("GET", one, self.read_authorization, "Whether somebody signed in for it", Scope.READ,
                  {200: AuthorizationView}, tags=tags),
            Route("POST", one, self.begin_authorization, "Begin to sign in", Scope.ADMIN, {201: BegunView},
                  body=NewAuthorization, tags=tags),
            Route("POST", f"{one}/answer", self.answer_authorization, "Hand in what the browser came back with",
                  Scope.ADMIN, {200: ConnectedView}, body=NewAnswer, tags=tags),
            Route("DELETE", one, self.end_authorization, "Forget its tokens and give them back", Scope.ADMIN,
                  {200: DisconnectedView}, tags=tags),
        ]  # fmt: skip

    async def read_authorization(self, call: Call[NoQuery, None]) -> AuthorizationView:
        return AuthorizationView(await authorization.status(self.services, call.path["name"]))

    async def begin_authorization(self, call: Call[NoQuery, NewAuthorization]) -> BegunView:
        name, target = call.path["name"], call.body.redirect_uri
        return BegunView(await signin.begin(self.services, name, target, by=call.principal.name))

    async def answer_authorization(self, call: Call[NoQuery, NewAnswer]) -> ConnectedView:
        name, given = call.path["name"], call.body
        return ConnectedView(
            await signin.finish(self.services, name, given.answer, given.state, by=call.principal.name)
        )

    async def end_authorization(self, call: Call[NoQuery, None]) -> DisconnectedView:
        name = call.path["name"]
        return DisconnectedView(await authorization.disconnect(self.services, name, by=call.principal.name))
