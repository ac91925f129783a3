"""`/api/v1/backups`: a consistent copy of ledger and blobs, made while the daemon works."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, RootModel

from syncd.flow import backup
from syncd.flow.services import Services
from syncd.web.auth import Scope
from syncd.web.models import Body, NoQuery
from syncd.web.routing import AnyRoute, Call, Route


class NewBackup(Body):
    """Where the copy goes."""

    directory: str = Field(
        max_length=1000, pattern=r"^/[^\u0000]+$", description="an absolute path on the daemon's machine, not there yet"
    )


class BackupView(RootModel[backup.Made]):
    """The copy that was made."""


class Backups:
    """Backups of this daemon."""

    def __init__(self, services: Services) -> None:
        self.backups = backup.Backups(services)

    def routes(self) -> list[AnyRoute]:
        return [
            Route("POST", "/api/v1/backups", self.make_backup, "Copy ledger and blobs, consistently", Scope.ADMIN,
                  {201: BackupView}, body=NewBackup, tags=["backups"]),
        ]  # fmt: skip

    async def make_backup(self, call: Call[NoQuery, NewBackup]) -> BackupView:
        return BackupView(await self.backups.make(Path(call.body.directory), by=call.principal.name))
