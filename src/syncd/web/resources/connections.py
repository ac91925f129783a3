"""`/api/v1/connections`: the configured accounts, and what an operator does with them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, RootModel

from syncd.flow import ownership
from syncd.flow.operate import control
from syncd.flow.operate.certifying import Certificate, certify
from syncd.flow.operate.checkup import Checkup, check_up
from syncd.flow.operate.control import Account
from syncd.flow.operate.trying import CallName, Trial, Tried, try_call
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


class NewTrial(Body):
    """One reading call. What it reads is shown and not stored."""

    call: CallName = Field(description="which of the system's methods")
    role: str = Field(default="", description="where several roles have this call")
    sku: list[str] = Field(default=[], description="what it is about, by SKU", max_length=100)
    listing: list[str] = Field(default=[], description="what it is about, by the system's own names", max_length=100)
    asset: list[str] = Field(default=[], description="what it is about, by asset", max_length=100)
    most: int = Field(default=20, ge=1, le=1000, description="how many results are shown")


class TriedView(RootModel[Tried]):
    """What the call gave, and what went over the wire, without secrets."""


class NewCertificate(Body):
    """Which rules may be tried: those that write only in listings that are named."""

    allow_writes: bool = Field(default=False, description="what stands in the listings may be written there again")
    listing: list[str] = Field(default=[], description="the listings that may be written to", max_length=20)


class CertificateView(RootModel[Certificate]):
    """How each rule went."""


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
            Route("POST", f"{one}/try", self.try_connection, "Make one reading call and see what goes over the wire",
                  Scope.OPERATE, {200: TriedView}, body=NewTrial, tags=tags),
            Route("POST", f"{one}/certify", self.certify_connection, "Hold its connector to the rules",
                  Scope.OPERATE, {200: CertificateView}, body=NewCertificate, tags=tags),
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

    async def try_connection(self, call: Call[NoQuery, NewTrial]) -> TriedView:
        asked = call.body
        trial = Trial(asked.call, asked.role, asked.sku, asked.listing, asked.asset, asked.most)
        return TriedView(await try_call(self.services, call.path["name"], trial))

    async def certify_connection(self, call: Call[NoQuery, NewCertificate]) -> CertificateView:
        asked = call.body
        found = await certify(self.services, call.path["name"], writes=asked.allow_writes, listings=asked.listing)
        return CertificateView(found)

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
