from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import respx
from aiohttp import web
from aiohttp.test_utils import TestServer

from syncd.errors import RejectedError
from syncd.sdk.http import HttpClient, open_client
from syncd.testing.clock import ManualClock
from syncd.testing.contracts import ContractViolation, UnderContract
from syncd.testing.contracts.contract import Opened, open_contracts
from syncd.testing.contracts.exchange import Request
from syncd.testing.contracts.serving import middleware
from syncd.testing.contracts.watch import Watch
from tests.unit.testing.contracts.calls import GIVEN

DECLARED = UnderContract(
    "given", outside=("POST */oauth/token",), documents={"PUT https://feeds.example/*": "note.schema.json"}
)
SHOP = "https://shop.example/graphql.json"
SEE = {"query": "{ product(id: 1) { title } }"}
ITEM = "https://depot.example/api/items/GL-1"


@pytest.fixture
def watch() -> Watch:
    return Watch([Opened.at(GIVEN, DECLARED)])


@pytest.fixture
async def http(watch: Watch, clock: ManualClock):
    async with open_client("shop", clock) as client:
        watch.attach(client)
        yield client


def test_a_folder_holds_every_contract_that_speaks_of_requests() -> None:
    names = {contract.name for contract in open_contracts(GIVEN, DECLARED)}  # type: ignore[attr-defined]
    assert names == {"depot.json", "gallery.yaml", "shop.graphql"}


def test_a_folder_without_any(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(ValueError, match="neither OpenAPI nor GraphQL"):
        open_contracts(tmp_path, DECLARED)
    with pytest.raises(FileNotFoundError, match="given is under contract"):
        open_contracts(tmp_path / "b", DECLARED)


@respx.mock(using="httpx")
async def test_requests_and_answers_that_fit(http: HttpClient, watch: Watch, respx_mock: respx.Router) -> None:
    respx_mock.post(SHOP).respond(json={"data": {"product": {"title": "Sun"}}})
    respx_mock.delete("https://depot.example/api/items/all").respond(204)
    respx_mock.post("https://depot.example/oauth/token").respond(json={})
    assert (await http.post(SHOP, json=SEE)).json()["data"]["product"] == {"title": "Sun"}
    await http.delete("https://depot.example/api/items/all")
    await http.post("https://depot.example/oauth/token", data={"any": "thing"})
    assert watch.operations == ["product", "clear"]
    watch.settle()


@respx.mock(using="httpx", assert_all_called=False)
async def test_a_request_that_breaks_the_contract_is_not_sent(
    http: HttpClient, watch: Watch, respx_mock: respx.Router
) -> None:
    route = respx_mock.post(SHOP).respond(json={"data": None})
    with pytest.raises(ContractViolation, match="Cannot query field 'name'"):
        await http.post(SHOP, json={"query": "{ product(id: 1) { name } }"})
    assert route.call_count == 0
    assert watch.operations == []
    with pytest.raises(ContractViolation, match="Cannot query field 'name'"):
        watch.settle()


@respx.mock(using="httpx")
async def test_an_answer_that_breaks_the_contract_is_refused(
    http: HttpClient, watch: Watch, respx_mock: respx.Router
) -> None:
    respx_mock.post(SHOP).respond(json={"data": {"product": {"title": "Sun", "titel": "Sun"}}})
    with pytest.raises(ContractViolation, match="titel: is not selected"):
        await http.post(SHOP, json=SEE)
    with watch.lying("a name the connector does not know"):
        assert (await http.post(SHOP, json=SEE)).status_code == 200
    with pytest.raises(ValueError, match="Say what the lie is for"), watch.lying(""):
        pass
    assert len(watch.violations) == 1


@respx.mock(using="httpx")
async def test_failures_are_looked_at_where_the_contract_speaks_of_them(
    http: HttpClient, watch: Watch, respx_mock: respx.Router
) -> None:
    pictures = httpx.Request("GET", f"{ITEM}/pictures?markets=us", headers={"X-Depot-Key": "k", "X-Depot-Version": "7"})
    route = respx_mock.get(url__startswith=ITEM)
    for status, body in ((500, b"<html>"), (401, b"<html>"), (404, b'{"code": "none"}')):
        route.respond(status, content=body, headers={"Content-Type": "application/json"})
        pictures.extensions["expect"] = (status,)
        assert (await http.send(pictures)).status_code == status
    route.respond(404, json={"code": "lost"})
    with pytest.raises(ContractViolation, match="'lost' is not one of"):
        await http.send(pictures)


@respx.mock(using="httpx")
async def test_what_is_in_no_contract_must_be_declared(
    http: HttpClient, watch: Watch, respx_mock: respx.Router
) -> None:
    with pytest.raises(ContractViolation, match="in no contract of given, and not declared outside") as raised:
        await http.get("https://depot.example/api/things", params={"secret": "s"})
    assert "secret" not in str(raised.value)
    respx_mock.put(url__startswith="https://feeds.example/").respond(200)

    async def feed():
        yield b'{"messageId"'
        yield b": 1}"

    await http.put("https://feeds.example/1", content=feed())
    for content, told in ((b'{"messageId": 0}', "document.messageId"), (b"<feed/>", "is no JSON")):
        with pytest.raises(ContractViolation, match=told):
            await http.put("https://feeds.example/1", content=content)


@respx.mock(using="httpx")
async def test_a_redirect_is_a_request_too(http: HttpClient, watch: Watch, respx_mock: respx.Router) -> None:
    respx_mock.post("https://depot.example/oauth/token").respond(307, headers={"Location": "https://other.example/"})
    with pytest.raises(ContractViolation, match=r"POST https://other\.example/"):
        await http.post("https://depot.example/oauth/token", follow_redirects=True)


async def test_long_answers_and_torn_ones_are_the_clients_matter(clock: ManualClock, watch: Watch) -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(204, content=b"x" * 100)

    async with HttpClient("shop", clock, transport=httpx.MockTransport(answer)) as client:
        watch.attach(client)
        with pytest.raises(RejectedError, match="longer than 10 bytes"):
            await client.delete("https://depot.example/api/items/all", extensions={"limit": 10})


async def test_without_contracts_nothing_is_looked_at(clock: ManualClock) -> None:
    async with HttpClient("shop", clock, transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
        watch = Watch([Opened(DECLARED)])
        watch.attach(client)
        await client.put("https://feeds.example/1", content=b"?")
        await client.get("https://any.example/")
    assert (watch.validates, watch.operations, watch.violations) == (False, [], [])


@respx.mock(using="httpx")
async def test_each_request_is_held_against_its_own_of_several_contracts(
    clock: ManualClock, respx_mock: respx.Router
) -> None:
    shop = Opened.at(GIVEN / "shop.graphql", UnderContract("shop", outside=("GET https://shop.example/media/*",)))
    depot = Opened.at(GIVEN / "depot.json", UnderContract("depot"))
    respx_mock.delete("https://depot.example/api/items/all").respond(204)
    respx_mock.get(url__startswith="https://shop.example/").respond(200)
    both, one = Watch([shop, depot]), Watch([shop, Opened(UnderContract("depot"))])
    for watch, operations in ((both, ["clear"]), (one, [])):
        async with open_client("shop", clock) as client:
            watch.attach(client)
            await client.delete("https://depot.example/api/items/all")
            await client.get("https://shop.example/media/1")
        assert watch.operations == operations
    asked = Request("GET", "https://any.example/")
    one.check_request(asked)
    with pytest.raises(ContractViolation, match="in no contract of shop, depot"):
        both.check_request(asked)


async def test_a_fake_server_holds_its_requests_and_answers(watch: Watch, clock: ManualClock) -> None:
    answers = iter([{"data": {"product": {"title": "Sun"}}}, {"data": {"product": {}}}])

    async def handle(request: web.Request) -> web.Response:
        return web.json_response(next(answers))

    app = web.Application(middlewares=[middleware(watch)])
    app.router.add_post("/graphql.json", handle)
    async with TestServer(app) as server, open_client("shop", clock) as client:
        url = str(server.make_url("/graphql.json"))
        assert (await client.post(url, json=SEE)).status_code == 200
        for body in (SEE, {"query": "{ products }"}):
            with pytest.raises(RejectedError, match="breaks its contract"):
                await client.post(url, json=body)
    assert watch.operations == ["product", "product"]
    told = [str(violation.breaches[0]) for violation in watch.violations]
    assert [line.partition(":")[0] for line in told] == ["answer.data.product.title", "document 1"]
