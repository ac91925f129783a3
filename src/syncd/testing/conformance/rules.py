"""Rules that hold for every system, whatever its role."""

from __future__ import annotations

import abc
import asyncio
import contextlib
import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Any, ClassVar, Generic

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from syncd.errors import AuthError, Kind, RateLimited, SyncdError, TransientError
from syncd.sdk.roles import Role
from syncd.sdk.system import Options, System
from syncd.testing.clock import ManualClock
from syncd.testing.conformance.account import Account, V, exchanges, tasks
from syncd.testing.vendor import Mischief


class Conformance(abc.ABC, Generic[V]):
    """Base of the suites. A subclass names the system and its options, makes its fake, and says how it is read."""

    pytestmark = pytest.mark.asyncio
    system: ClassVar[type[System]]
    role: ClassVar[Role]
    options: ClassVar[Mapping[str, Any]]

    @abc.abstractmethod
    def make_vendor(self, clock: ManualClock) -> V:
        """A fake with an account for `options`."""

    @abc.abstractmethod
    async def read(self, vendor: V, system: Any) -> Any:
        """Something that compares equal while nothing changes: what the system reads of what stands there."""

    @pytest_asyncio.fixture
    async def account(self) -> AsyncIterator[Account[V]]:
        clock = ManualClock()
        account = Account(self.system, self.options, self.role, self.make_vendor(clock), clock)
        async with exchanges(account):
            yield account

    # --- what it states ------------------------------------------------------------------------------------------

    async def test_every_option_is_described_and_secrets_are_secret(self) -> None:
        for model in _models(self.system.options):
            for name, field in model.model_fields.items():
                assert field.description, f"{model.__name__}.{name} has no description"
        assert "s3cr3t" not in repr(self.system.options.model_validate(self.options))

    async def test_limits_name_their_source(self) -> None:
        for limit in self.system.limits(self.system.options.model_validate(self.options)):
            assert limit.source

    # --- login ---------------------------------------------------------------------------------------------------

    async def test_check_says_what_it_found(self, account: Account[V]) -> None:
        async with account.opened() as system:
            assert await account.run(system.check())
        assert account.vendor.written == 0

    async def test_check_tells_a_wrong_login_from_an_unreachable_system(self, account: Account[V]) -> None:
        for mischief, error in ((Mischief(401, on="any", times=-1), AuthError), (_silent(), TransientError)):
            account.vendor.mischief = [mischief]
            async with account.opened() as system:
                with pytest.raises(error) as raised:
                    await account.run(system.check())
            assert type(raised.value) is not SyncdError

    async def test_a_login_that_is_refused_once_is_renewed_at_most_once(self, account: Account[V]) -> None:
        async with account.opened() as system:
            wanted = await account.run(self.read(account.vendor, system))
            account.vendor.mischief = [Mischief(401, on="any", times=1)]
            with contextlib.suppress(AuthError):
                assert await account.run(self.read(account.vendor, system)) == wanted
            account.vendor.mischief = [Mischief(401, on="any", times=-1)]
            before = len(account.vendor.calls)
            with pytest.raises(AuthError):
                await account.run(self.read(account.vendor, system))
        assert len(account.vendor.calls) - before <= 6, "whoever is refused does not go on asking"

    # --- pace ----------------------------------------------------------------------------------------------------

    async def test_retry_after_is_obeyed(self, account: Account[V]) -> None:
        async with account.opened() as system:
            wanted = await account.run(self.read(account.vendor, system))
            account.vendor.mischief = [Mischief(429, on="any", times=1, headers={"retry-after": "20"})]
            refused = len(account.vendor.calls)
            found = await account.run(_outcome(self.read(account.vendor, system)))
            if isinstance(found, RateLimited):
                found = found.retry_after and round(found.retry_after)
            assert found in (wanted, 20)
            calls = account.vendor.calls[refused:]
        assert all(call.at - calls[0].at >= 19.9 for call in calls[1:])

    # --- reading -------------------------------------------------------------------------------------------------

    async def test_unknown_fields_are_tolerated(self, account: Account[V]) -> None:
        async with account.opened() as system:
            wanted = await account.run(self.read(account.vendor, system))
            account.vendor.mischief = [Mischief(on="read", times=-1, change=_with_news)]
            assert await account.run(self.read(account.vendor, system)) == wanted

    @pytest.mark.parametrize("damage", ["renamed", "nothing", "cut"])
    async def test_damaged_answers_never_look_like_less(self, account: Account[V], damage: str) -> None:
        async with account.opened() as system:
            wanted = await account.run(self.read(account.vendor, system))
            account.vendor.mischief = [_damage(damage)]
            found = await account.run(_outcome(self.read(account.vendor, system)))
        refused = isinstance(found, SyncdError) and found.kind is not Kind.BUG
        assert refused or found == wanted, "an answer that lacks something was believed"

    # --- manners -------------------------------------------------------------------------------------------------

    async def test_cancelled_it_leaves_nothing_running(self, account: Account[V]) -> None:
        async with account.opened() as system:
            before = set(tasks())
            for turns in (1, 3, 10, 30):
                task = asyncio.ensure_future(self.read(account.vendor, system))
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            for _ in range(10):
                await asyncio.sleep(0)
            left = {task for task in tasks() if task not in before and task.get_name() != "limits"}
            assert not left

    async def test_no_secret_reaches_an_error_or_the_log(self, account: Account[V]) -> None:
        assert account.secrets, "the options of a conformance test hold at least one secret"
        echo = json.dumps({"error": "bad", "sent": account.secrets})
        with capture_logs() as logs:
            for status in (400, 401, 403, 422, 500):
                account.vendor.mischief = [Mischief(status, on="any", times=-1, body=echo)]
                async with account.opened() as system:
                    error = await account.run(_outcome(self.read(account.vendor, system)))
                told = f"{error} {error.what} {error.remedy} {error.data}" if isinstance(error, SyncdError) else ""
                for secret in account.secrets:
                    assert secret not in told
        for secret in account.secrets:
            assert secret not in json.dumps(logs, default=str)


async def _outcome(work: Awaitable[Any]) -> Any:
    """What work returns or raises."""
    try:
        return await work
    except SyncdError as error:
        return error


def _silent() -> Mischief:
    return Mischief(status=0, on="any", times=-1)


def _models(options: type[Options]) -> list[type[Options]]:
    found = [options]
    for field in options.model_fields.values():
        if inspect.isclass(field.annotation) and issubclass(field.annotation, Options):
            found += _models(field.annotation)
    return found


def _with_news(value: Any) -> Any:
    """Every object gets a field that nobody knows yet."""
    if isinstance(value, dict):
        return {"somethingNew": {"of": [1, None, "x"]}, **{key: _with_news(inner) for key, inner in value.items()}}
    return [_with_news(inner) for inner in value] if isinstance(value, list) else value


def _renamed(value: Any) -> Any:
    """Every field of every object has another name."""
    if isinstance(value, dict):
        return {f"{key}_v2": _renamed(inner) for key, inner in value.items()}
    return [_renamed(inner) for inner in value] if isinstance(value, list) else value


def _damage(kind: str) -> Mischief:
    if kind == "cut":
        return Mischief(200, on="read", times=-1, body='{"data": [{"id": 1, "na')
    change = _renamed if kind == "renamed" else lambda _: {}
    return Mischief(on="read", times=-1, change=change)


def emptied(value: Any) -> Any:
    """Every list is empty."""
    return _shortened(value, 0)


def halved(value: Any) -> Any:
    """Every list has lost its second half."""
    return _shortened(value, 0.5)


def _shortened(value: Any, share: float) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(inner, share) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shortened(inner, share) for inner in value[: int(len(value) * share)]]
    return value
