"""The plugin, in a pytest of its own."""

from __future__ import annotations

import shutil

import pytest

from syncd.testing.contracts.needed import needed
from tests.unit.testing.contracts.calls import GIVEN

TESTS = """
import httpx
import pytest
import respx
from syncd.sdk.http import open_client
from syncd.testing.clock import ManualClock
from syncd.testing.contracts import UnderContract

SHOP = "https://shop.example/graphql"

@pytest.fixture
async def http():
    async with open_client("shop", ManualClock()) as client:
        yield client

class Suite:
    contract = "given"

    @respx.mock(using="httpx")
    async def test_right(self, http, contracts, respx_mock):
        respx_mock.post(SHOP).respond(json={"data": {"product": None}})
        await http.post(SHOP, json={"query": "{ product(id: 1) { title } }"})
        assert contracts.operations == ["product"]

    async def test_wrong(self, http):
        await http.post(SHOP, json={"query": "{ product(id: 1) { name } }"})

    async def test_swallowed(self, http):
        with pytest.raises(AssertionError):
            await http.post(SHOP, json={"query": "{ product(id: 1) { name } }"})

    async def test_swallowed_and_told_otherwise(self, http):
        try:
            await http.post(SHOP, json={"query": "{ product(id: 1) { name } }"})
        except AssertionError:
            raise KeyError("of the code under test") from None

class TestShop(Suite):
    pass

class TestOpen(Suite):
    contract = UnderContract("given", outside=("POST https://shop.example/*",))

    @respx.mock(using="httpx")
    async def test_outside(self, http, respx_mock):
        respx_mock.post("https://shop.example/token").respond(json={})
        await http.post("https://shop.example/token")

class TestFree:
    @respx.mock(using="httpx")
    async def test_free(self, http, respx_mock):
        respx_mock.post(SHOP).respond(json={})
        await http.post(SHOP, json={"query": "{ anything }"})

    def test_asks(self, contracts):
        pass

class TestMistyped:
    contract = "givn"

    def test_mistyped(self):
        pass
"""
UNVALIDATED = """
import respx
from syncd.sdk.http import open_client
from syncd.testing.clock import ManualClock

contract = "given"

@respx.mock(using="httpx")
async def test_anything_goes(contracts, respx_mock):
    respx_mock.post("https://shop.example/graphql").respond(json={})
    async with open_client("shop", ManualClock()) as client:
        await client.post("https://shop.example/graphql", json={"query": "{ anything }"})
    assert not contracts.validates
"""


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project far from any contracts."""
    monkeypatch.delenv("SYNCD_CONTRACTS", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    plugins = ["syncd.testing.contracts.plugin", "pytest_asyncio.plugin", "respx.plugin"]
    pytester.makeconftest(f"pytest_plugins = {plugins}")
    return pytester


def told(run: pytest.HookRecorder) -> dict[str, str]:
    """What each test came to: `passed`, or the last line of why it failed."""
    found = {}
    for report in run.getreports("pytest_runtest_logreport"):
        name = report.nodeid.partition("::")[2]
        if report.failed:
            found[name] = report.longrepr.reprcrash.message.partition("\n")[0]
        elif report.when == "call":
            found[name] = "passed"
    return found


def test_whoever_is_under_contract_keeps_it(inner: pytest.Pytester) -> None:
    shutil.copytree(GIVEN, inner.path / "shared" / "specs" / "given")
    inner.makepyfile(test_shop=TESTS)
    found = told(inner.inline_run("--tb=line"))
    broken = "syncd.testing.contracts.violation.ContractViolation: product breaks its contract:"
    for suite in ("TestShop", "TestOpen"):
        assert found.pop(f"{suite}::test_right") == "passed"
        for test in ("test_wrong", "test_swallowed", "test_swallowed_and_told_otherwise"):
            assert found.pop(f"{suite}::{test}") == broken
    assert found.pop("TestFree::test_asks").endswith("asks for contracts, but declares no `contract`.")
    assert "givn is under contract, but there is no" in found.pop("TestMistyped::test_mistyped")
    assert found == {"TestOpen::test_outside": "passed", "TestFree::test_free": "passed"}


def test_without_contracts_all_run_unvalidated(inner: pytest.Pytester) -> None:
    inner.makepyfile(test_shop=UNVALIDATED)
    assert told(inner.inline_run()) == {"test_anything_goes": "passed"}


def test_a_missing_library_is_told_with_its_remedy() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'syncd\[testing\]'"), needed("graphql-core"):
        import no_such_library  # noqa: F401
