"""A Directus of the test run's own, with a catalogue, and files that carry a few fields more."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.peers.directus.schema import create
from tests.peers.installation import Installation
from tests.peers.process import STARTS_WITHIN, PeerProcess
from tests.support.leash import environment
from tests.support.postgres import Postgres

TOKEN = "directus-admin-token-0123456789"
"""The administrator's static token: no rule holds for it, so unknown fields are dropped in silence."""
EDITOR_TOKEN = "directus-editor-token-0123456789"
"""The static token of a user who may do everything with files, folders and products, and nothing else."""
MAIL, PASSWORD = "admin@example.com", "Admin-pass-1"
DATABASE = "directus"


class DirectusServer(PeerProcess):
    """Directus with its own database; files lie in its folder."""

    def __init__(self, installation: Installation, folder: Path, postgres: Postgres) -> None:
        super().__init__("directus", folder, "/server/ping")
        self._installation, self._postgres = installation, postgres
        self._program = installation.modules / "@directus" / "api" / "dist" / "cli" / "run.js"

    def create(self) -> None:
        """Make the database, start for the first time, and add what tests work with."""
        self._postgres.create(DATABASE)
        (self.folder / "package.json").write_text("{}")  # where extensions would be named
        (self.folder / "uploads").mkdir()
        env = environment(**self.settings())
        with self.log.open("ab") as log:
            subprocess.run(
                [*self._run("bootstrap")],
                cwd=self.folder,
                env=env,
                stdout=log,
                stderr=log,
                check=True,
                timeout=STARTS_WITHIN,
            )
        self.start()
        create(self.url, TOKEN, EDITOR_TOKEN)

    def _run(self, command: str) -> Sequence[str]:
        return [str(self._installation.node), str(self._program), command]

    def command(self) -> Sequence[str]:
        return self._run("start")

    def settings(self) -> dict[str, str]:
        return {
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "PUBLIC_URL": self.url,
            "SECRET": "0123456789abcdef0123456789abcdef",
            "DB_CLIENT": "pg",
            "DB_CONNECTION_STRING": self._postgres.url(DATABASE),
            "ADMIN_EMAIL": MAIL,
            "ADMIN_PASSWORD": PASSWORD,
            "ADMIN_TOKEN": TOKEN,
            "STORAGE_LOCATIONS": "local",
            "STORAGE_LOCAL_ROOT": "./uploads",
            "CACHE_ENABLED": "false",
            "RATE_LIMITER_ENABLED": "false",
            "IMPORT_IP_DENY_LIST": "",
            "TELEMETRY": "false",
            "TELEMETRY_URL": "http://127.0.0.1:9",  # tests talk to nobody outside
        }
