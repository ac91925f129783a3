"""pytest: the tests of a class or module that declares `contract` are held against it, whatever their clients are.

In the top conftest: `pytest_plugins = ["syncd.testing.contracts.plugin"]`.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import httpx

from syncd.sdk.http import HttpClient
from syncd.testing.contracts import home
from syncd.testing.contracts.contract import Opened
from syncd.testing.contracts.declaration import UnderContract
from syncd.testing.contracts.needed import needed
from syncd.testing.contracts.watch import Watch

with needed("pytest"):
    import pytest

_WATCH = pytest.StashKey[Watch]()
_PATCH = pytest.StashKey[pytest.MonkeyPatch]()


class _Turn:
    """The watch of the test that runs; clients outlive tests, so they ask here."""

    watch: Watch | None = None

    async def on_request(self, request: httpx.Request) -> None:
        if self.watch is not None:
            await self.watch.on_request(request)

    async def on_response(self, response: httpx.Response) -> None:
        if self.watch is not None:
            await self.watch.on_response(response)


_turn = _Turn()


def pytest_configure(config: pytest.Config) -> None:
    """Every `HttpClient` from now on shows its requests and answers to the watch of the test that runs."""
    original = HttpClient.__init__

    def watched(client: HttpClient, *args: Any, **options: Any) -> None:
        original(client, *args, **options)
        if _turn.on_request not in client.event_hooks["request"]:  # a pytest inside pytest has this plugin too
            client.event_hooks["request"].append(_turn.on_request)
            client.event_hooks["response"].append(_turn.on_response)

    patch = config.stash[_PATCH] = pytest.MonkeyPatch()
    patch.setattr(HttpClient, "__init__", watched)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave the client as it was."""
    config.stash[_PATCH].undo()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Begin to watch before the test's fixtures make its clients."""
    if contracts := declared(item):
        opened = [_opened(contract, item.path.parent, item.config.rootpath) for contract in contracts]
        _turn.watch = item.stash[_WATCH] = Watch(opened)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """A broken contract fails the test, whatever the code under test made of it."""
    try:
        result = yield
    except Exception as error:
        _settle(item, error)
        raise
    _settle(item, None)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """Watch until the test's fixtures are gone."""
    try:
        return (yield)
    finally:
        _turn.watch = None


@pytest.fixture
def contracts(request: pytest.FixtureRequest) -> Watch:
    """The running test's watch: what it validated, and `lying` for answers no vendor would give."""
    watch: Watch | None = request.node.stash.get(_WATCH, None)
    if watch is None:
        raise pytest.UsageError(f"{request.node.nodeid} asks for contracts, but declares no `contract`.")
    return watch


def declared(item: pytest.Item) -> Sequence[UnderContract]:
    """What a test's class, or its module, declares as `contract`: one, or several in a tuple; names stand for all."""
    for owner in (getattr(item, "cls", None), getattr(item, "module", None)):
        contract = getattr(owner, "contract", None)
        if contract:
            given = contract if isinstance(contract, tuple) else (contract,)
            return [UnderContract(one) if isinstance(one, str) else one for one in given]
    return ()


def _opened(contract: UnderContract, beside: Path, root: Path) -> Opened:
    """A contract that lies beside a test's file, else in the folder of contracts. Raises FileNotFoundError."""
    if (beside / contract.name).exists():
        return Opened.at(beside / contract.name, contract)
    folder = home.find(root)
    return Opened(contract) if folder is None else Opened.at(folder / contract.name, contract)


def _settle(item: pytest.Item, error: Exception | None) -> None:
    watch = item.stash.get(_WATCH, None)
    if watch is not None and error not in watch.violations:
        try:
            watch.settle()
        except AssertionError as violation:
            raise violation from error
