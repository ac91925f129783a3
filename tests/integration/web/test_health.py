from __future__ import annotations

import json

from syncd.telemetry.metrics import Metrics
from syncd.web import openapi
from syncd.web.health import Health
from tests.support.web import Serve


class Facts:
    def __init__(self) -> None:
        self.found: list[str] = []

    async def problems(self) -> list[str]:
        return self.found


async def test_health_needs_no_token_and_says_what_is_in_the_way(serve: Serve, metrics: Metrics) -> None:
    facts = Facts()
    health = Health(facts, metrics)
    server = await serve(health.routes(), health.plain_routes())
    async with server.session.get("/healthz") as response:
        assert (response.status, await response.json()) == (200, {"status": "ok"})
    async with server.session.get("/readyz") as response:
        assert (response.status, await response.json()) == (200, {"ready": True, "problems": []})
    facts.found = ["The ledger does not answer."]
    async with server.session.get("/readyz") as response:
        assert response.status == 503
        assert await response.json() == {"ready": False, "problems": ["The ledger does not answer."]}


async def test_metrics_are_exported_as_text(serve: Serve, metrics: Metrics) -> None:
    health = Health(Facts(), metrics)
    server = await serve(health.routes(), health.plain_routes())
    async with server.session.get("/healthz"):
        pass
    async with server.session.get("/metrics") as response:
        assert response.status == 200
        assert response.content_type == "text/plain"
        assert 'syncd_api_requests_total{operation="is_alive",status="200"} 1.0' in await response.text()


def test_an_unready_answer_is_documented_beside_the_problem() -> None:
    document = openapi.document(Health(Facts(), Metrics()).routes(), title="t", version="1")
    content = document["paths"]["/readyz"]["get"]["responses"]["503"]["content"]
    assert set(content) == {"application/json", "application/problem+json"}
    json.dumps(document)
