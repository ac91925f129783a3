"""`/api/v1/connections`: the configured accounts, and what an operator does with them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, RootModel

from syncd.flow import ownership
from syncd.flow.operate import control
from syncd.flow.operate.checkup import Checkup, check_up
from syncd.flow.operate.control import Account
from syncd.flow.services import Services
from syncd.web.auth import Scope
from syncd.web.models import Body, NoQuery, View
from syncd.web.routing import AnyRoute, Call, Route


class AccountView(RootModel[Account]):
    """A connection as it stands."""


class AccountList(View):
    """Every connection of the active revision, by name."""

    items: list[Account]


class CheckupView(RootModel[Checkup]):
    """What was found when the connection was tried."""


class NewPause(Body):
    """What to stop. What a right's end or a withdrawal takes down still goes."""

    what: Literal["writes", "all"] = Field(default="all", description="writes: it is still read; all: not even that")
    takedowns_pass: bool = Field(default=False, description="with writes: every other removal goes on, too")


class Connections:
    """Connections by name."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def routes(self) -> list[AnyRoute]:
        one = "/api/v1/connections/{name}"
        tags = ["connections"]
        return [
            Route("GET", "/api/v1/connections", self.list_connections, "Connections and how they stand", Scope.READ,
                  {200: AccountList}, tags=tags),
            Route("GET", one, self.read_connection, "A connection and how it stands", Scope.READ, {200: AccountView},
                  tags=tags),
            Route("GET", f"{one}/check", self.check_connection, "Try its login, products and public media",
                  Scope.OPERATE, {200: CheckupView}, tags=tags),
            Route("POST", f"{one}/pause", self.pause_connection, "Stop writing, or reading as well", Scope.OPERATE,
                  {200: AccountView}, body=NewPause, tags=tags),
            Route("POST", f"{one}/resume", self.resume_connection, "Let it go on", Scope.OPERATE, {200: AccountView},
                  tags=tags),
            Route("POST", f"{one}/poll", self.poll_connection, "Read it now", Scope.OPERATE, {202: AccountView},
                  tags=tags),
            Route("POST", f"{one}/take-over", self.take_over_connection, "Mark the account as this ledger's own",
                  Scope.ADMIN, {200: AccountView}, tags=tags),
        ]  # fmt: skip

    async def list_connections(self, call: Call[NoQuery, None]) -> AccountList:
        return AccountList(items=await control.list_accounts(self.services))

    async def read_connection(self, call: Call[NoQuery, None]) -> AccountView:
        return await self._view(call)

    async def check_connection(self, call: Call[NoQuery, None]) -> CheckupView:
        return CheckupView(await check_up(self.services, call.path["name"]))

    async def pause_connection(self, call: Call[NoQuery, NewPause]) -> AccountView:
        name, wanted = call.path["name"], call.body
        await control.pause(
            self.services, name, wanted.what, takedowns_pass=wanted.takedowns_pass, principal=call.principal.name
        )
        return AccountView((await control.list_accounts(self.services, name))[0])

    async def resume_connection(self, call: Call[NoQuery, None]) -> AccountView:
        await control.resume(self.services, call.path["name"], principal=call.principal.name)
        return await self._view(call)

    async def poll_connection(self, call: Call[NoQuery, None]) -> AccountView:
        await control.poll_now(self.services, call.path["name"])
        return await self._view(call)

    async def take_over_connection(self, call: Call[NoQuery, None]) -> AccountView:
        await ownership.take_over(self.services, call.path["name"])
        return await self._view(call)

    async def _view(self, call: Call[NoQuery, None]) -> AccountView:
        return AccountView((await control.list_accounts(self.services, call.path["name"]))[0])
