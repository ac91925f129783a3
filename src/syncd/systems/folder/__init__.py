"""Folders on disk: one that is watched for submissions, or one that holds the assets. A connection takes one role."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field

from syncd.errors import ConfigError
from syncd.sdk import marks
from syncd.sdk.context import Context
from syncd.sdk.roles import Role
from syncd.sdk.system import Options, System
from syncd.sdk.values import Duration
from syncd.systems.folder.library import FolderLibrary
from syncd.systems.folder.source import FolderSource

_OF_ROLE = {Role.SOURCE: {"manifest", "settle"}, Role.LIBRARY: {"url"}}


class FolderOptions(Options):
    """Which folder, and how it is read."""

    path: str = Field(description="The folder, below SYNCD_ROOT or absolute.")
    manifest: Literal["auto", "required"] = Field(
        "auto", description="Source: auto takes files with or without a manifest; required leaves those without."
    )
    settle: Duration = Field(
        timedelta(seconds=2), description="Source: how long a file must be unchanged before it counts as complete."
    )
    url: str = Field("", description="Library: address under which the folder can be read; file:// without it.")


class FolderSystem(FolderSource, FolderLibrary, System):
    """A folder as the source of submissions, or as the DAM."""

    name: ClassVar[str] = "folder"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SOURCE, Role.LIBRARY})
    options: ClassVar[type[Options]] = FolderOptions
    call_deadline: ClassVar[float] = 30.0
    example: ClassVar[str] = """\
# A folder that is watched: a file is a submission, and so is a sub-folder. What is known of a file stands in
# NAME.yaml or NAME.json beside it, in submission.yaml of a sub-folder, or in a .csv with a column `file`.
# Files that were taken are in accepted/, with their status in words beside them.
connector: folder
brand: acme
roles: [source]                # or [library]: a DAM on disk, with `path` and `url`
owner: dana@acme.example
poll: 5s
options:
  path: inbox
  manifest: auto               # required: a file waits for its manifest
  settle: 2s                   # how long a file must be unchanged
"""

    def __init__(self, context: Context, options: FolderOptions, role: Role) -> None:
        foreign = options.model_fields_set - {"path"} - _OF_ROLE[role]
        if foreign:
            what = f"{context.connection}: a folder as {role} has no option {', '.join(sorted(foreign))}."
            raise ConfigError(what, remedy="Remove it, or change the role.")
        self._path = context.root / options.path
        self._role = role
        required = options.manifest == "required"
        FolderSource.__init__(self, context, self._path, options.settle.total_seconds(), required)
        FolderLibrary.__init__(self, context, self._path, options.url)

    async def check(self) -> str:
        """Whether the folder is there and can be written to."""
        return await asyncio.to_thread(self._checked)

    def _checked(self) -> str:
        if self._role is Role.LIBRARY:
            self._path.mkdir(parents=True, exist_ok=True)
        if not self._path.is_dir():
            remedy = "Create it, or correct `path` in the options."
            raise ConfigError(f"There is no folder {self._path}.", remedy=remedy)
        probe = self._path / ".syncd-check"
        try:
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            what = f"{self._path} cannot be written to: {error.strerror}."
            raise ConfigError(what, remedy="Let syncd's user write there.") from error
        count = sum(1 for item in self._path.iterdir() if not item.name.startswith("."))
        return f"{self._path} can be written to; {count} entries"

    async def claim(self, ledger: str, *, take_over: bool) -> str:
        """The mark lies in the folder, one per role."""
        return await marks.claim(self._path / f".syncd-{self._role.value}", ledger, take_over=take_over)
