"""`/api/v1/backups`: a consistent copy of ledger and blobs, made while the daemon works."""

from __future__ import annotations

from pydantic import Field, RootModel

from syncd.flow.care import backup
from syncd.flow.services import Services
from syncd.web.auth import Scope
from syncd.web.models import Body, NoQuery
from syncd.web.routing import AnyRoute, Call, Route


class NewBackup(Body):
    """Where the copy goes."""

    name: str | None = Field(
        None, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="its folder in the daemon's SYNCD_BACKUPS, not there yet; default: the instant",
    )  # fmt: skip


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
        return BackupView(await self.backups.make(call.body.name or "", by=call.principal.name))
