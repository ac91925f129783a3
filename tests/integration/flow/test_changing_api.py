"""The changing operations over HTTP: scopes, statuses and shapes."""

from __future__ import annotations

import httpx
import pytest

from syncd.flow.operate import tokens
from syncd.web import auth
from tests.support.world import World


async def client(world: World, scope: auth.Scope) -> httpx.AsyncClient:
    """A client with a token of a scope."""
    token = auth.mint()
    await tokens.register(world.services.ledger, token.digest, f"a {scope} token", scope.value)
    headers = {"Authorization": f"Bearer {token.text}"}
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{world.port}/api/v1", headers=headers)


@pytest.mark.parametrize(
    ("method", "path", "body", "scope"),
    [
        ("GET", "/plans", None, "read"), ("GET", "/revisions", None, "read"), ("GET", "/connections", None, "read"),
        ("POST", "/plans", {}, "operate"), ("POST", "/resyncs", {"all": True}, "operate"),
        ("POST", "/connections/shop/pause", {"what": "writes"}, "operate"),
        ("POST", "/connections/shop/resume", None, "operate"), ("POST", "/connections/shop/poll", None, "operate"),
        ("POST", "/reload", {}, "admin"),
    ],
)  # fmt: skip
async def test_each_operation_asks_for_its_scope(
    world: World, method: str, path: str, body: dict[str, object] | None, scope: str
) -> None:
    scopes = list(auth.Scope)
    lower = scopes[max(0, scopes.index(auth.Scope(scope)) - 1)]
    async with await client(world, auth.Scope(scope)) as allowed, await client(world, lower) as refused:
        assert (await allowed.request(method, path, json=body)).is_success
        if lower.value != scope:
            assert (await refused.request(method, path, json=body)).status_code == 403


async def test_a_plan_over_http_is_made_read_and_applied_once(world: World) -> None:
    await world.publish("GL-0001.jpg")
    files = dict(world.services.configuration.read_disk())
    files["mappings/specs.yaml"] = files["mappings/specs.yaml"].replace("width: 200", "width: 220")
    async with await client(world, auth.Scope.ADMIN) as api:
        made = await api.post("/plans", json={"files": files})
        assert (made.status_code, made.json()["because"]) == (201, ["mappings/specs.yaml"])
        plan = made.headers["location"].removeprefix("/api/v1")
        lines = (await api.get(f"{plan}/lines", params={"action": "replace"})).json()["items"]
        assert [(line["connection"], line["listing"]) for line in lines] == [("shop", "listing:GL-0001")]
        assert (await world.fetch(lines[0]["image"])).status_code == 200
        applied = await api.post(f"{plan}/apply", json={})
        assert applied.json()["applied_by"] == "a admin token"
        again = await api.post(f"{plan}/apply", json={"only": [{"connection": "nowhere"}]})
        assert again.json()["applied_at"] == applied.json()["applied_at"]
        assert (await api.get("/plans")).json()["items"][0]["id"] == made.json()["id"]
        assert (await api.post("/plans/0000/apply", json={})).status_code == 404


async def test_a_drifted_plan_is_a_conflict_that_names_what_differs(world: World) -> None:
    await world.publish("GL-0001.jpg")
    files = dict(world.services.configuration.read_disk())
    files["mappings/specs.yaml"] = files["mappings/specs.yaml"].replace("width: 200", "width: 220")
    async with await client(world, auth.Scope.ADMIN) as api:
        plan = (await api.post("/plans", json={"files": files})).json()["id"]
        await world.publish("GL-0002.jpg", colour="green")
        refused = await api.post(f"/plans/{plan}/apply", json={})
        assert (refused.status_code, refused.json()["code"]) == (409, "plan.drift")
        assert any("nothing → replace" in told for told in refused.json()["data"]["differences"])
        assert (await api.get(f"/plans/{plan}")).json()["applied_at"] is None


async def test_invalid_files_are_refused_with_their_places(world: World) -> None:
    async with await client(world, auth.Scope.ADMIN) as api:
        for path in ("/plans", "/reload"):
            refused = await api.post(path, json={"files": {"mappings/specs.yaml": "specs: [{name: a}]\n"}})
            assert (refused.status_code, refused.json()["code"]) == (422, "config.invalid")
            assert any(told.startswith("mappings/specs.yaml:1:") for told in refused.json()["data"]["problems"])
        refused = await api.post("/reload", json={"files": {"../etc/passwd": "x"}})
        assert (refused.status_code, refused.json()["code"]) == (422, "request.invalid")


async def test_a_resync_is_accepted_as_a_job_and_one_key_is_one_request(world: World) -> None:
    async with await client(world, auth.Scope.OPERATE) as api:
        headers = {"Idempotency-Key": "monday"}
        first = await api.post("/resyncs", json={"all": True}, headers=headers)
        assert (first.status_code, first.headers["location"]) == (202, f"/api/v1/jobs/{first.json()['id']}")
        again = await api.post("/resyncs", json={"all": True}, headers=headers)
        assert again.json()["id"] == first.json()["id"]
        other = await api.post("/resyncs", json={"sku": ["GL-0001"]}, headers=headers)
        assert (other.status_code, other.json()["code"]) == (409, "idempotency.reused")
        empty = await api.post("/resyncs", json={})
        assert (empty.status_code, empty.json()["code"]) == (422, "resync.no-selection")
