"""A vendor on loopback: an authorization server (RFC 6749, 7009, 7636) and the API its tokens are for.

Its refresh tokens are spent once. It counts what it should never see, and fails as tests ask it to.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BasicAuth, web

SECRET = "the-secret-of-the-client-0123456789"
ACCOUNT = "Acme Shop of Mia"


@dataclass
class Grant:
    """What one sign-in gave: the refresh token that may be spent, and the access tokens that hold."""

    refresh: str = ""
    former: str = ""
    """The refresh token before, of a vendor that retains it until the new tokens are used."""
    access: set[str] = field(default_factory=set)
    dead: bool = False


class Vendor:
    """`life`: of access tokens in seconds, None: not told. `retains`: whether the former refresh token is taken until
    the tokens that replaced it are used. `fails`: HTTP statuses of the next requests for tokens, which are carried out
    all the same where the status is negative.
    """

    def __init__(self, *, life: int | None = 3600, retains: bool = False, rotates: bool = True) -> None:
        self.life, self.retains, self.rotates = life, retains, rotates
        self.secrets = [SECRET]
        self.url = ""
        self.codes: dict[str, dict[str, str]] = {}
        self.grants: list[Grant] = []
        self.given: list[str] = []
        """Every code and token it gave out, in order."""
        self.asked: Counter[str] = Counter()
        """Requests for tokens, by grant type."""
        self.reused = 0
        """How often a spent refresh token came."""
        self.calls: Counter[int] = Counter()
        """Calls of the API, by status."""
        self.fails: list[int] = []
        self.hold: threading.Event | None = None
        """While set to an event that is not set, requests for tokens are answered only once it is."""
        self.arrived = threading.Event()
        self.denies = False
        """Whether people say no."""
        self.breaks = False
        """Whether the API answers 422 and repeats the token it was called with."""
        self._numbers = itertools.count(1)

    # --- what tests do ---------------------------------------------------------------------------------------------

    def grant(self) -> str:
        """A sign-in nobody saw; its refresh token."""
        grant = Grant()
        self.grants.append(grant)
        return str(self._answer(grant)["refresh_token"])

    def end_access(self) -> None:
        """No access token given so far holds any more."""
        for grant in self.grants:
            grant.access.clear()

    def revoke(self) -> None:
        """Whoever signed in takes it back."""
        for grant in self.grants:
            grant.dead = True
            grant.access.clear()

    # --- serving ---------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Vendor]:
        """Serve in this loop."""
        app = web.Application()
        app.add_routes([
            web.get("/authorize", self._authorize), web.post("/token", self._token), web.post("/revoke", self._revoke),
            web.get("/api/me", self._me), web.post("/api/upload", self._me), web.get("/elsewhere", self._elsewhere),
        ])  # fmt: skip
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    @contextmanager
    def in_thread(self) -> Iterator[Vendor]:
        """Serve beside a test that waits for processes."""
        loop, ready, done = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

        async def serve() -> None:
            async with self.serving():
                ready.set()
                await done.wait()

        thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
        thread.start()
        assert ready.wait(20)
        try:
            yield self
        finally:
            if self.hold:
                self.hold.set()
            loop.call_soon_threadsafe(done.set)
            thread.join(20)
            loop.close()

    # --- endpoints -------------------------------------------------------------------------------------------------

    async def _authorize(self, request: web.Request) -> web.Response:
        """A person who says yes at once, or no."""
        query = request.query
        back = {"state": query["state"]}
        if self.denies:
            back |= {"error": "access_denied", "error_description": "Mia said no"}
        else:
            back["code"] = self._text("code")
            self.codes[back["code"]] = dict(query)
        return web.Response(status=302, headers={"Location": str(_url(query["redirect_uri"]).update_query(back))})

    async def _token(self, request: web.Request) -> web.Response:
        asked = dict(await request.post()) if "form" in request.content_type else await request.json()
        self.asked[asked["grant_type"]] += 1
        fail = self.fails.pop(0) if self.fails else 0
        if fail > 0:
            return web.json_response({"error": "broken"}, status=fail)
        answer = self._granted(request, asked)
        self.arrived.set()
        if self.hold:
            await asyncio.to_thread(self.hold.wait, 60)
        if fail:
            return web.json_response({"error": "broken"}, status=-fail)
        return answer

    def _granted(self, request: web.Request, asked: dict[str, Any]) -> web.Response:
        if not self._client(request, asked):
            return web.json_response({"error": "invalid_client"}, status=401)
        match asked["grant_type"]:
            case "client_credentials":
                grant: Grant | None = Grant()
            case "password":
                grant = Grant() if (asked["username"], asked["password"]) == ("mia", "mias-password") else None
            case "authorization_code":
                grant = Grant() if self._redeems(asked) else None
            case _:
                grant = self._spent(asked["refresh_token"])
        if grant is None:
            said = f"{asked.get('refresh_token', 'it')} is gone, {asked.get('client_secret', '')}"
            return web.json_response({"error": "invalid_grant", "error_description": said}, status=400)
        if grant not in self.grants:
            self.grants.append(grant)
        answer = self._answer(grant)
        if asked["grant_type"] == "client_credentials":
            del answer["refresh_token"]
        return web.json_response(answer)

    def _client(self, request: web.Request, asked: dict[str, Any]) -> bool:
        header = request.headers.get("Authorization")
        if header:
            basic = BasicAuth.decode(header)
            return basic.login == "syncd" and basic.password in self.secrets
        return asked.get("client_id") == "syncd" and asked.get("client_secret") in self.secrets

    def _redeems(self, asked: dict[str, Any]) -> bool:
        known = self.codes.pop(asked["code"], None)
        if known is None or known["redirect_uri"] != asked["redirect_uri"]:
            return False
        digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        return known.get("code_challenge") in (None, base64.urlsafe_b64encode(digest).rstrip(b"=").decode())

    def _spent(self, token: str) -> Grant | None:
        for grant in self.grants:
            if not grant.dead and token and token in (grant.refresh, grant.former if self.retains else ""):
                return grant
        self.reused += token in self.given
        for grant in self.grants:
            if token in (grant.refresh, grant.former):
                grant.dead = True  # a spent token is a stolen one: all that came of it ends
                grant.access.clear()
        return None

    def _answer(self, grant: Grant) -> dict[str, Any]:
        access = self._text("access")
        grant.access.add(access)
        if self.rotates or not grant.refresh:
            grant.former, grant.refresh = (
                grant.former if self.retains and grant.former else grant.refresh,
                self._text("refresh"),
            )
        life = {} if self.life is None else {"expires_in": self.life}
        return {"access_token": access, "token_type": "bearer", "refresh_token": grant.refresh, **life}

    def _text(self, what: str) -> str:
        text = f"{what}-{next(self._numbers):04}-of-the-vendor-{hashlib.sha256(self.url.encode()).hexdigest()[:16]}"
        self.given.append(text)
        return text

    async def _revoke(self, request: web.Request) -> web.Response:
        token = str((await request.post())["token"])
        for grant in self.grants:
            if token in (grant.refresh, *grant.access):
                grant.dead = True
                grant.access.clear()
        return web.Response()

    async def _me(self, request: web.Request) -> web.Response:
        await request.read()
        text = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.breaks:
            return web.json_response({"error": f"cannot do this with {text}"}, status=422)
        for grant in self.grants:
            if text in grant.access:
                grant.former = ""  # its tokens are in use: the refresh token before is retired
                self.calls[200] += 1
                return web.json_response({"name": ACCOUNT})
        self.calls[401] += 1
        return web.json_response({"error": f"{text or 'nothing'} is not a token"}, status=401)

    async def _elsewhere(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": request.query["to"]})


def _url(text: str) -> Any:
    from yarl import URL

    return URL(text)


# --- a system for it ------------------------------------------------------------------------------------------------

CONNECTOR = '''
"""A source that signs in as its options declare."""

from pydantic import Field

from syncd.sdk.oauth import MAIN, Authorization
from syncd.sdk.roles import Role
from syncd.sdk.system import Options, System


class VendorOptions(Options):
    url: str = Field(description="The vendor.")
    authorization: Authorization = Field(description="How to sign in.")


class Vendor(System):
    name, roles, options, example = "vendor", frozenset({Role.SOURCE}), VendorOptions, ""

    def __init__(self, context, options, role):
        self._http, self._url = context.http, options.url

    @staticmethod
    def authorization(options):
        return {MAIN: options.authorization}

    def verify(self, request): raise NotImplementedError
    def receive(self, item): return []
    def open(self, file): raise NotImplementedError
    async def stored(self, files): ...
    async def respond(self, status): ...

    async def poll(self, since):
        await self._http.get(f"{self._url}/api/me")
        return
        yield

    async def check(self):
        return "signed in as " + (await self._http.get(f"{self._url}/api/me")).json()["name"]
'''


def connection(url: str, kind: str = "authorization-code", *, poll: str = "10s", **more: str) -> str:
    """A connection file for that system."""
    ways = {"authorization-code": {"authorize_url": f"{url}/authorize"}}
    keys = {"kind": kind, "token_url": f"{url}/token", "client_id": "syncd", "client_secret": "${VENDOR_SECRET}",
            "api": f"[{url}/api]", **ways.get(kind, {}), **more}  # fmt: skip
    lines = "".join(f"    {key}: {value}\n" for key, value in keys.items())
    return (
        f"connector: vendor\nbrand: acme\nroles: [source]\nowner: dana@acme.example\npoll: {poll}\n"
        f"options:\n  url: {url}\n  authorization:\n{lines}"
    )
