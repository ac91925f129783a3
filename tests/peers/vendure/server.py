"""A Vendure of the test run's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import httpx

from tests.peers.installation import Installation
from tests.peers.process import PeerProcess
from tests.support.postgres import Postgres, free_port

DATABASE = "vendure"
HOOK_SECRET = "vendure-hook-secret"
NAME = PASSWORD = "superadmin"


class VendureServer(PeerProcess):
    """Vendure with its own database; assets lie in its folder. Its events are posted to `hook_port`, where a test may
    listen.
    """

    def __init__(self, installation: Installation, folder: Path, postgres: Postgres) -> None:
        super().__init__("vendure", folder, "/health")
        self._installation, self._postgres = installation, postgres
        self.hook_port = free_port()

    def create(self) -> None:
        """Make the database and start for the first time."""
        self._postgres.create(DATABASE)
        self.start()

    def command(self) -> Sequence[str]:
        return [str(self._installation.node), str(Path(__file__).with_name("server.js"))]

    def settings(self) -> dict[str, str]:
        return {
            "NODE_PATH": str(self._installation.modules),
            "PORT": str(self.port),
            "PGPORT": str(self._postgres.port),
            "PGDATABASE": DATABASE,
            "STATE": str(self.folder),
            "HOOK_URL": f"http://127.0.0.1:{self.hook_port}/vendure",
            "HOOK_SECRET": HOOK_SECRET,
            "VENDURE_DISABLE_TELEMETRY": "true",
        }

    def _answers(self) -> bool:
        """Its health is good before a new shop has its zone, without which nothing can be sold."""
        if not super()._answers():
            return False
        query = {"query": "{ activeChannel { defaultTaxZone { id } } }"}
        answer = httpx.post(f"{self.url}/shop-api", json=query, timeout=20).json()
        return bool(answer.get("data") and answer["data"]["activeChannel"]["defaultTaxZone"])

    def api_key(self) -> str:
        """A key of the administrator's that never ends, for the header `vendure-api-key`."""
        login = f'mutation {{ login(username: "{NAME}", password: "{PASSWORD}") {{ __typename }} }}'
        with httpx.Client(base_url=self.url, timeout=30) as client:
            token = client.post("/admin-api", json={"query": login}).headers["vendure-auth-token"]
            variables = {"input": {"roleIds": ["1"], "translations": [{"languageCode": "en", "name": "tests"}]}}
            query = "mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey } }"
            answer = client.post(
                "/admin-api",
                json={"query": query, "variables": variables},
                headers={"authorization": f"Bearer {token}"},
            )
        return str(answer.json()["data"]["createApiKey"]["apiKey"])
