"""Refresh tokens that are spent once, on both stores, at once from several processes, through failures at each step."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import sqlalchemy as sa

from syncd.engine import credentials as rows
from syncd.engine.credentials import Place
from syncd.errors import TransientError
from syncd.flow.keeper import Keeper, origin
from syncd.flow.logins import Login, open_logins
from syncd.flow.refreshing import LEASE
from syncd.ledger.store import Ledger
from syncd.ledger.vault import SealedElsewhere, Vault
from syncd.sdk.credentials import CredentialMissing, CredentialRefused
from syncd.sdk.http import HttpClient, open_client
from syncd.sdk.oauth import MAIN, Authorization, AuthorizationCode, RefreshToken
from syncd.sdk.oauth.credential import BELIEVED
from syncd.sdk.oauth.tokens import Tokens
from syncd.testing.clock import ManualClock
from tests.support.oauth import SECRET, Vendor

T = TypeVar("T")
KEY, OTHER_KEY = bytes(32), bytes(range(32))
PLACE = Place("acme", "shop", MAIN)
sqlite_only = pytest.mark.parametrize("ledger_url", ["sqlite"], indirect=True)
"""What the stores have no part in."""


class Process:
    """What one process has: its connection to the ledger, its key, and its logins of the shop."""

    def __init__(self, ledger: Ledger, clock: ManualClock, *keys: bytes) -> None:
        self.ledger, self.clock = ledger, clock
        self.keeper = Keeper(ledger, Vault(keys or [KEY]), clock)
        self.opened: list[tuple[HttpClient, Login]] = []

    def login(self, declared: Authorization) -> tuple[HttpClient, Login]:
        """A connection opened anew."""
        http = open_client("shop", self.clock)
        self.opened.append((http, open_logins(self.keeper, *PLACE[:2], lambda: {MAIN: declared}, http)[MAIN]))
        return self.opened[-1]

    async def tokens(self) -> Tokens | None:
        return (await self.keeper.read(PLACE))[1]

    async def put(self, declared: Authorization, refresh: str) -> None:
        """Keep what a sign-in brought."""
        async with self.ledger.write() as transaction:
            await self.keeper.put(transaction, PLACE, Tokens("", refresh, origin=origin(declared)))

    async def close(self) -> None:
        for http, login in self.opened:
            await login.credential.close()
            await http.aclose()


async def run(clock: ManualClock, work: Awaitable[T], seconds: float = 120.0) -> T:
    """The result of `work` while the clock runs, a quarter of a second at a time."""
    task = asyncio.ensure_future(work)
    for _ in range(int(seconds * 4)):
        done, _ = await asyncio.wait({task}, timeout=0.01)
        if done:
            break
        await clock.advance(0.25)
    return await asyncio.wait_for(task, 20)


async def until_held(vendor: Vendor) -> None:
    """Wait until the vendor has given tokens out and keeps its answer back."""
    assert await asyncio.to_thread(vendor.arrived.wait, 20)


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    async with Vendor().serving() as vendor:
        yield vendor


@pytest.fixture
def declared(vendor: Vendor) -> RefreshToken:
    return RefreshToken(
        token_url=f"{vendor.url}/token", client_id="syncd", client_secret=SECRET, api=[vendor.url],
        refresh_token=vendor.grant(),
    )  # fmt: skip


@pytest.fixture
def signed_in(vendor: Vendor) -> AuthorizationCode:
    return AuthorizationCode(
        token_url=f"{vendor.url}/token", authorize_url=f"{vendor.url}/authorize", client_id="syncd",
        client_secret=SECRET, api=[vendor.url],
    )  # fmt: skip


@pytest.fixture
async def process(ledger: Ledger, clock: ManualClock) -> AsyncIterator[Process]:
    process = Process(ledger, clock)
    yield process
    await process.close()


@pytest.fixture
async def other(process: Process, ledger: Ledger, ledger_url: str, clock: ManualClock) -> AsyncIterator[Process]:
    """Another process on PostgreSQL; on SQLite, where there is one, the same ledger opened by something else in it."""
    if ledger.embedded:
        other = Process(ledger, clock)
        other.keeper = process.keeper
        yield other
        await other.close()
        return
    own = Ledger(ledger_url, clock)
    await own.open()
    other = Process(own, clock)
    yield other
    await other.close()
    await own.close()


def me(http: HttpClient, vendor: Vendor) -> Awaitable[httpx.Response]:
    return http.get(f"{vendor.url}/api/me")


# --- kept -----------------------------------------------------------------------------------------------------------


@sqlite_only
async def test_the_first_token_is_replaced_and_its_successor_kept_sealed(
    process: Process, vendor: Vendor, declared: RefreshToken
) -> None:
    http, _ = process.login(declared)
    assert (await me(http, vendor)).status_code == 200
    kept, tokens = await process.keeper.read(PLACE)
    assert kept
    assert tokens
    assert tokens.refresh == vendor.grants[0].refresh != declared.refresh_token.get_secret_value()
    assert not any(text.encode() in kept.sealed for text in vendor.given)
    assert kept.expires_at == tokens.expires_at


async def test_who_starts_later_uses_what_is_kept(
    process: Process, other: Process, vendor: Vendor, declared: RefreshToken
) -> None:
    for each in (process, other, process):
        http, _ = each.login(declared)
        await me(http, vendor)
    assert vendor.asked["refresh_token"] == 1


@sqlite_only
async def test_a_token_the_vendor_does_not_replace_goes_on(
    process: Process, clock: ManualClock, vendor: Vendor, declared: RefreshToken
) -> None:
    vendor.rotates = False
    http, _ = process.login(declared)
    for _ in range(3):
        await me(http, vendor)
        await clock.advance(3600)
    assert vendor.asked["refresh_token"] == 3


@sqlite_only
async def test_another_first_token_begins_anew(process: Process, vendor: Vendor, declared: RefreshToken) -> None:
    http, _ = process.login(declared)
    await me(http, vendor)
    vendor.revoke()
    with pytest.raises(CredentialRefused):
        await me(http, vendor)
    renewed = declared.model_copy(update={"refresh_token": type(declared.refresh_token)(vendor.grant())})
    http, _ = process.login(renewed)
    assert (await me(http, vendor)).status_code == 200


@sqlite_only
async def test_tokens_of_another_client_or_address_are_not_used(
    process: Process, vendor: Vendor, signed_in: AuthorizationCode
) -> None:
    await process.put(signed_in, vendor.grant())
    for change in ({"client_id": "somebody"}, {"token_url": "https://elsewhere.example/token"}):
        http, _ = process.login(signed_in.model_copy(update=change))
        with pytest.raises(CredentialMissing, match="another client or address"):
            await me(http, vendor)
    assert vendor.asked == {}


@sqlite_only
async def test_without_a_sign_in_the_person_is_told_what_to_type(
    process: Process, vendor: Vendor, signed_in: AuthorizationCode
) -> None:
    http, _ = process.login(signed_in)
    with pytest.raises(CredentialMissing) as missing:
        await me(http, vendor)
    assert "syncd connect shop" in missing.value.remedy


# --- one refresher --------------------------------------------------------------------------------------------------


async def test_many_calls_of_two_processes_spend_each_refresh_token_once(
    process: Process, other: Process, clock: ManualClock, vendor: Vendor, declared: RefreshToken
) -> None:
    clients = [each.login(declared)[0] for each in (process, process, other, other)]
    for round_ in range(1, 6):
        answers = await run(clock, asyncio.gather(*(me(http, vendor) for http in clients * 3)))
        assert {answer.status_code for answer in answers} == {200}
        assert (vendor.asked["refresh_token"], vendor.reused) == (round_, 0)
        await clock.advance(3600)


async def test_two_processes_whose_token_is_refused_renew_it_once(
    process: Process, other: Process, clock: ManualClock, vendor: Vendor, declared: RefreshToken
) -> None:
    clients = [each.login(declared)[0] for each in (process, other)]
    for http in clients:
        await run(clock, me(http, vendor))
    for round_ in range(2, 5):
        vendor.end_access()
        await run(clock, asyncio.gather(*(me(http, vendor) for http in clients * 4)))
        assert (vendor.asked["refresh_token"], vendor.reused) == (round_, 0)


async def test_a_lease_of_a_process_that_died_ends_by_itself(
    process: Process, clock: ManualClock, vendor: Vendor, declared: RefreshToken
) -> None:
    http, _ = process.login(declared)
    await me(http, vendor)
    await clock.advance(3600)
    async with process.ledger.write() as transaction:
        assert await rows.lease(transaction, process.ledger, PLACE, 2, "a process that died", LEASE)
    before = clock.monotonic()
    await run(clock, me(http, vendor))
    waited = clock.monotonic() - before
    assert waited < 1 if process.ledger.embedded else LEASE < waited < LEASE + 2
    assert vendor.reused == 0


async def test_of_two_that_refresh_because_one_stood_still_both_go_on_with_what_is_kept(
    process: Process, other: Process, clock: ManualClock, vendor: Vendor, declared: RefreshToken
) -> None:
    vendor.retains = True
    (slow, _), (fast, _) = process.login(declared), other.login(declared)
    vendor.hold = threading.Event()
    waiting = asyncio.create_task(me(slow, vendor))
    await until_held(vendor)
    async with process.ledger.write() as transaction:  # as if it had stood still for longer than its lease
        await rows.release(transaction, PLACE, process.keeper.process)
    second = asyncio.create_task(me(fast, vendor))
    while vendor.asked["refresh_token"] < 2:
        await asyncio.sleep(0.005)
    vendor.hold.set()
    answers = await run(clock, asyncio.gather(waiting, second))
    assert [answer.status_code for answer in answers] == [200, 200]
    kept = await process.tokens()
    assert kept
    for _, login in (*process.opened, *other.opened):
        assert await login.credential.token() == kept.access


# --- committed before it is used -------------------------------------------------------------------------------------


async def test_new_tokens_are_not_used_before_the_ledger_has_them(
    process: Process, clock: ManualClock, vendor: Vendor, declared: RefreshToken
) -> None:
    http, _ = process.login(declared)
    await me(http, vendor)
    await clock.advance(3600)
    calls = vendor.calls.copy()
    vendor.arrived.clear()
    vendor.hold = threading.Event()
    call = asyncio.create_task(me(http, vendor))
    await until_held(vendor)
    await rename(process.ledger, "credential", "credential_away")
    vendor.hold.set()
    for _ in range(20):
        await asyncio.sleep(0.01)
        await clock.advance(1)
    assert not call.done()
    assert vendor.calls == calls, "the API has not seen the new token"
    await rename(process.ledger, "credential_away", "credential")
    assert (await run(clock, call)).status_code == 200
    tokens = await process.tokens()
    assert tokens
    assert tokens.refresh == vendor.grants[0].refresh
    assert (vendor.asked["refresh_token"], vendor.reused) == (2, 0)


async def rename(ledger: Ledger, table: str, name: str) -> None:
    async with ledger.write() as transaction:
        await transaction.execute(sa.text(f"ALTER TABLE {table} RENAME TO {name}"))


@sqlite_only
async def test_a_call_that_runs_out_of_time_loses_no_token(
    process: Process, clock: ManualClock, vendor: Vendor, declared: RefreshToken
) -> None:
    http, _ = process.login(declared)
    vendor.hold = threading.Event()
    call = asyncio.create_task(me(http, vendor))
    await until_held(vendor)
    call.cancel()
    await asyncio.wait({call})
    closing = asyncio.create_task(process.close())
    await asyncio.sleep(0.01)
    assert not closing.done()
    vendor.hold.set()
    await asyncio.wait_for(closing, 20)
    process.opened.clear()
    tokens = await process.tokens()
    assert tokens
    assert tokens.refresh == vendor.grants[0].refresh


# --- failures -------------------------------------------------------------------------------------------------------


@sqlite_only
async def test_a_failure_before_the_vendor_did_anything_is_tried_again(
    process: Process, vendor: Vendor, declared: RefreshToken
) -> None:
    vendor.fails = [503]
    http, _ = process.login(declared)
    with pytest.raises(TransientError):
        await http.post(f"{vendor.url}/api/upload")
    assert (await me(http, vendor)).status_code == 200
    assert vendor.reused == 0


@sqlite_only
@pytest.mark.parametrize("retains", [True, False])
async def test_an_answer_that_was_lost_is_mended_where_the_vendor_lets_it(
    process: Process, vendor: Vendor, declared: RefreshToken, retains: bool
) -> None:
    vendor.retains, vendor.fails = retains, [-500]
    http, _ = process.login(declared)
    with pytest.raises(TransientError):
        await http.post(f"{vendor.url}/api/upload")
    if retains:
        assert (await me(http, vendor)).status_code == 200
    else:
        with pytest.raises(CredentialRefused):
            await me(http, vendor)


@sqlite_only
async def test_a_refresh_that_is_refused_leaves_the_lease_to_who_signs_in(
    process: Process, vendor: Vendor, signed_in: AuthorizationCode
) -> None:
    await process.put(signed_in, vendor.grant())
    vendor.revoke()
    http, login = process.login(signed_in)
    with pytest.raises(CredentialRefused) as refused:
        await me(http, vendor)
    assert "syncd connect shop" in refused.value.remedy
    await process.put(signed_in, vendor.grant())
    login.credential.forget()
    assert (await me(http, vendor)).status_code == 200


@sqlite_only
async def test_a_token_without_a_refresh_token_ends_with_a_word_to_the_person(
    process: Process, clock: ManualClock, vendor: Vendor, signed_in: AuthorizationCode
) -> None:
    vendor.grant()
    async with process.ledger.write() as transaction:
        tokens = Tokens(vendor.given[-2], origin=origin(signed_in))
        await process.keeper.put(transaction, PLACE, tokens)
    http, _ = process.login(signed_in)
    await clock.advance(10**6)
    await me(http, vendor)
    vendor.end_access()
    with pytest.raises(CredentialRefused, match="gave none to refresh it with"):
        await me(http, vendor)


# --- others change what is kept ---------------------------------------------------------------------------------------


async def test_what_another_process_connected_or_took_away_is_noticed_soon(
    process: Process, other: Process, clock: ManualClock, vendor: Vendor, signed_in: AuthorizationCode
) -> None:
    await process.put(signed_in, vendor.grant())
    http, login = process.login(signed_in)
    await me(http, vendor)
    first = await login.credential.token()
    await other.put(signed_in, vendor.grant())
    assert await login.credential.token() == first
    await clock.advance(BELIEVED)
    assert await login.credential.token() != first
    async with other.ledger.write() as transaction:
        assert await rows.clear(transaction, PLACE)
        assert not await rows.clear(transaction, PLACE)
    await clock.advance(BELIEVED)
    with pytest.raises(CredentialMissing):
        await me(http, vendor)


@sqlite_only
async def test_a_sign_in_during_a_refresh_wins(process: Process, vendor: Vendor, signed_in: AuthorizationCode) -> None:
    await process.put(signed_in, vendor.grant())
    http, _ = process.login(signed_in)
    vendor.hold = threading.Event()
    call = asyncio.create_task(me(http, vendor))
    await until_held(vendor)
    mine = Tokens("mine", "my-refresh", origin=origin(signed_in))
    async with process.ledger.write() as transaction:
        await process.keeper.put(transaction, PLACE, mine)
    vendor.hold.set()
    await asyncio.wait({call})
    kept = await process.tokens()
    assert kept
    assert kept.refresh == "my-refresh"
    call.exception()


# --- keys -----------------------------------------------------------------------------------------------------------


@sqlite_only
async def test_a_process_without_the_key_says_so_for_this_connection(
    process: Process, ledger: Ledger, clock: ManualClock, vendor: Vendor, declared: RefreshToken
) -> None:
    http, _ = process.login(declared)
    await me(http, vendor)
    stranger = Process(ledger, clock, OTHER_KEY)
    http, _ = stranger.login(declared)
    with pytest.raises(SealedElsewhere, match="acme/shop/main was sealed with the key 66687aad"):
        await me(http, vendor)
    assert await stranger.keeper.reseal() == 0
    await stranger.close()


@sqlite_only
async def test_a_new_key_seals_anew_what_the_old_one_sealed(
    process: Process, ledger: Ledger, clock: ManualClock, vendor: Vendor, declared: RefreshToken
) -> None:
    http, _ = process.login(declared)
    await me(http, vendor)
    between = Process(ledger, clock, OTHER_KEY, KEY)
    assert await between.keeper.reseal() == 1
    assert await between.keeper.reseal() == 0
    after = Process(ledger, clock, OTHER_KEY)
    http, _ = after.login(declared)
    assert (await me(http, vendor)).status_code == 200
    assert vendor.asked["refresh_token"] == 1
    await after.close()


@sqlite_only
async def test_rows_of_an_older_schema_stay(ledger_url: str, clock: ManualClock, tmp_path: Path) -> None:
    older = Ledger(ledger_url, clock)
    await older.open("0001")
    async with older.write() as transaction:
        transaction.record("acme", "put", "all", number=1)
    await older.close()
    newer = Ledger(ledger_url, clock)
    await newer.open()
    async with newer.read() as reading:
        counts: list[Any] = [
            (await reading.execute(sa.text(f"SELECT count(*) FROM {table}"))).scalar_one()
            for table in ("event", "credential", "pending_authorization")
        ]
    await newer.close()
    assert counts == [1, 0, 0]
