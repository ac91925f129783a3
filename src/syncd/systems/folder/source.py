"""The watched folder as a source: nothing is touched before its bytes are committed, nothing is taken half written."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from syncd.domain.delivery import DeliveredFile, Delivery
from syncd.errors import HookRefused, NotFoundError, RejectedError, TransientError
from syncd.sdk import files as durable
from syncd.sdk import manifest
from syncd.sdk.context import Context
from syncd.sdk.source import HookRequest, RawItem, SourcePage, Stored, SubmissionStatus
from syncd.systems.folder import status as words
from syncd.systems.folder.entries import ACCEPTED, REFUSED, Entry, scan
from syncd.systems.folder.inbox import Inbox, Unit
from syncd.systems.folder.statement import Manifest, Row, delivery, file_key, of_rows
from syncd.systems.folder.taken import Taken

_PAGE = 100  # submissions of one page
_CHUNK = 2**20


class FolderSource:
    """The methods of the role `source`."""

    def __init__(self, context: Context, folder: Path, settle: float, require_manifest: bool) -> None:
        self._context = context
        self._folder = folder
        self._settle = settle
        self._require_manifest = require_manifest
        self._first_seen: dict[str, float] = {}

    def verify(self, request: HookRequest) -> RawItem:
        """Refuses: a folder takes no webhooks."""
        raise HookRefused("no-hooks", "A folder takes no webhooks.")

    async def poll(self, since: str) -> AsyncIterator[SourcePage]:
        """Submissions with something new, oldest first; the checkpoint holds what was seen of what still lies there."""
        seen = set(json.loads(since)) if since else set()
        units = await self._units()
        new = [unit for unit in units if not seen.issuperset(unit.tokens)]
        if self._settle and any(not self._settled(unit) for unit in new):
            await self._context.clock.sleep(self._settle)
            units = await self._units()
            new = [unit for unit in units if not seen.issuperset(unit.tokens)]
        ready = [unit for unit in new if not unit.waits and self._settled(unit)]
        kept = seen & {token for unit in units for token in unit.tokens}
        for start in range(0, len(ready), _PAGE):
            page = ready[start : start + _PAGE]
            kept.update(token for unit in page for token in unit.tokens)
            yield SourcePage([RawItem(_body(unit)) for unit in page], json.dumps(sorted(kept)))
        if not ready and kept != seen:
            yield SourcePage((), json.dumps(sorted(kept)))

    def receive(self, item: RawItem) -> Sequence[Delivery]:
        """The submission; RejectedError names file, line and column of what is wrong in a manifest."""
        body = json.loads(item.body)
        if body["fault"]:
            raise RejectedError(f"{body['fault']}.", remedy="Correct the file and save it again.")
        described = Entry(**body["manifest"]) if body["manifest"] else None
        said = _said(body, described)
        if described and not said.external_id and described.path.startswith("submission."):
            why = "nothing else names the submission of a file in the folder itself"
            raise manifest.refused(described.path, 1, 1, "`external_id` is missing", why)
        submission = said.external_id or body["key"]
        prefix = f"{body['base']}/" if body["base"] else ""
        source = None if body["reused"] else described
        found = [_delivered(Entry(**entry), prefix, source, submission) for entry in body["files"]]
        # An earlier manifest's revision says nothing of this version, and times do not compare with revisions.
        sequence = None if body["reused"] and said.revision is not None else body["sequence"]
        if body["reused"]:
            said = said.model_copy(update={"revision": None})
        return [delivery(said, body["key"], sequence, found)]

    async def open(self, file: DeliveredFile) -> AsyncIterator[bytes]:
        """The bytes as delivered, from the inbox or from where they were moved.

        Raises:
            NotFoundError: the file was replaced or removed before it was read. TransientError: it changed meanwhile.
        """
        entry, _, _ = _reference(file.reference)
        path = await asyncio.to_thread(self._where, entry)
        if path is None:
            raise NotFoundError(f"{entry.path} was replaced or removed before it was read.", remedy="Deliver it again.")
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                raise RejectedError(f"{entry.path} is no ordinary file.")
            while chunk := await asyncio.to_thread(opened.read, _CHUNK):
                yield chunk
            if not entry.is_(os.fstat(opened.fileno())):
                raise TransientError(f"{entry.path} was changed while it was read.")

    async def stored(self, files: Sequence[Stored]) -> None:
        """Move the files to `accepted/DAY/`, then manifests all of whose files are there."""
        await asyncio.to_thread(self._store, files)

    async def respond(self, status: SubmissionStatus) -> None:
        """Write `NAME.status.yaml` beside the files, in `accepted/`, or in `refused/`, to where they move then."""
        await asyncio.to_thread(self._respond, status)

    async def _units(self) -> list[Unit]:
        try:
            entries = await asyncio.to_thread(scan, self._folder)
        except OSError as error:
            remedy = "Create or mount the folder, or correct `path` in the connection's options."
            raise TransientError(f"{self._folder} cannot be read: {error.strerror}.", remedy=remedy) from error
        now = self._context.clock.monotonic()
        self._first_seen = {entry.token: self._first_seen.get(entry.token, now) for entry in entries}
        inbox = Inbox(self._folder, entries, require_manifest=self._require_manifest)
        return await asyncio.to_thread(inbox.units)

    def _settled(self, unit: Unit) -> bool:
        before = self._context.clock.monotonic() - self._settle
        return all(self._first_seen.get(entry.token, before) <= before for entry in unit.entries)

    def _where(self, entry: Entry) -> Path | None:
        """Where the file with exactly this time and size is now."""
        for path in (self._folder / entry.path, *Taken(self._folder).places(entry.path)):
            if path.is_file() and entry.is_(path.stat(follow_symlinks=False)):
                return path
        return None

    def _store(self, files: Sequence[Stored]) -> None:
        for item in files:
            entry, described, submission = _reference(item.file.reference)
            self._move(entry)
            if described is not None and not self._still_needed(described):
                self._move(described)
            if "/" in entry.path:
                _remove_empty(self._folder / entry.path.split("/")[0])
            self._note(submission, item.file.key, entry.path)

    def _move(self, entry: Entry) -> None:
        """Move one file to today's folder, if it still lies there as it was delivered."""
        source = self._folder / entry.path
        try:
            unchanged = entry.is_(source.stat(follow_symlinks=False))
        except FileNotFoundError:
            return
        if unchanged:
            durable.move_new(source, self._day(ACCEPTED) / entry.path)

    def _still_needed(self, described: Entry) -> bool:
        """Whether a manifest speaks of a file that still lies in the inbox."""
        entries = scan(self._folder)
        present = {entry.path for entry in entries}
        units = Inbox(self._folder, entries, require_manifest=False).units()
        own = [unit for unit in units if unit.manifest and unit.manifest.path == described.path]
        return any(entry.path in present for unit in own for entry in unit.files) or any(unit.waits for unit in own)

    def _note(self, submission: str, key: str, path: str) -> None:
        """Say beside the stored file that it arrived, unless more is said already."""
        name = _status_name(submission)
        target = self._day(ACCEPTED) / name
        before = words.stored(target)
        if path not in before:
            arrived = SubmissionStatus(submission, "received", {key: "received"})
            durable.write_atomically(target, words.text(arrived, [*before, path]).encode())

    def _respond(self, status: SubmissionStatus) -> None:
        name = _status_name(status.external_id)
        accepted = sorted((self._folder / ACCEPTED).glob(f"*/{name}"))
        others = [*accepted, *sorted((self._folder / REFUSED).glob(f"*/{name}"))]
        stored = list(dict.fromkeys(path for file in (accepted or others) for path in words.stored(file)))
        if words.is_refused(status.status):
            target = self._day(REFUSED) / name
            for file in accepted:
                self._refuse(file, self._day(REFUSED))
        else:
            target = accepted[-1] if accepted else self._day(ACCEPTED) / name
        durable.write_atomically(target, words.text(status, stored).encode())
        for file in others:
            if file != target:
                file.unlink(missing_ok=True)

    def _refuse(self, status_file: Path, day: Path) -> None:
        """Move what a status file lists, from beside it to `day`."""
        for path in words.stored(status_file):
            beside = status_file.parent / path
            if beside.is_file():
                durable.move_new(beside, day / path)

    def _day(self, place: str) -> Path:
        return self._folder / place / self._context.clock.now().date().isoformat()


def _body(unit: Unit) -> bytes:
    rows = [{"line": row.line, "cells": dict(row.cells), "columns": dict(row.columns)} for row in unit.rows]
    body = {
        "key": unit.key,
        "base": unit.base,
        "sequence": unit.newest // 1_000_000,
        "files": [asdict(entry) for entry in unit.files],
        "manifest": asdict(unit.manifest) if unit.manifest else None,
        "text": unit.text,
        "rows": rows,
        "fault": unit.fault,
        "reused": unit.reused,
    }
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogateescape")


def _said(body: dict[str, Any], described: Entry | None) -> Manifest:
    if described is None:
        return Manifest()
    if body["rows"]:
        return of_rows([Row(**row) for row in body["rows"]], described.path)
    return manifest.read(body["text"], described.path, Manifest)


def _delivered(entry: Entry, prefix: str, described: Entry | None, submission: str) -> DeliveredFile:
    facts: dict[str, str | int] = {"at": entry.mtime_ns, "size": entry.size, "of": submission}
    if described is not None:
        facts |= {"by": described.path, "by_at": described.mtime_ns, "by_size": described.size}
    beside = entry.path.removeprefix(prefix)
    return DeliveredFile(key=file_key(beside), name=beside, reference=f"{quote(entry.path)}?{urlencode(facts)}")


def _reference(reference: str) -> tuple[Entry, Entry | None, str]:
    """The file a reference means, the manifest it came with, and the submission."""
    path, _, query = reference.partition("?")
    facts = dict(parse_qsl(query))
    plain = PurePosixPath(unquote(path))
    if plain.is_absolute() or ".." in plain.parts or "at" not in facts:
        raise RejectedError(f"{reference} names no file of this folder.")
    described = Entry(facts["by"], int(facts["by_at"]), int(facts["by_size"])) if "by" in facts else None
    return Entry(str(plain), int(facts["at"]), int(facts["size"])), described, facts["of"]


def _status_name(submission: str) -> str:
    return durable.safe_name(submission) + words.ENDING


def _remove_empty(folder: Path) -> None:
    """Remove a folder of the inbox and those inside it, as far as they are empty."""
    for path, _, _ in os.walk(folder, topdown=False):
        try:
            os.rmdir(path)
        except OSError:
            continue
