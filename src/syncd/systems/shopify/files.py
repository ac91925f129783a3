"""The shop's files of ours: found by name, uploaded, deleted. A file is processed before it can be used."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from syncd.errors import RejectedError, TransientError
from syncd.sdk.graphql import Document
from syncd.sdk.media import Media
from syncd.sdk.multipart import File, Form
from syncd.sdk.understood import Shape
from syncd.systems.shopify import documents
from syncd.systems.shopify.api import Api
from syncd.systems.shopify.figures import ALT_CHARACTERS, INPUTS
from syncd.systems.shopify.naming import file_name, public_name
from syncd.systems.shopify.refusals import TAKEN, Refused, passing, refusal
from syncd.systems.shopify.shapes import Kept

READY, FAILED = "READY", "FAILED"
_FILE = re.compile(r"gid://shopify/\w+/\d+")
_REMEMBERED = 10_000
_TOGETHER = 25
_UPLOAD_BYTES_A_SECOND = 500_000
_UPLOAD_SECONDS = 60.0
FOUND = 2 + 50 * 4.0
"""Points of a search."""


class _Parameter(Shape):
    name: str
    value: str


class _Target(Shape):
    url: str
    resourceUrl: str  # noqa: N815  # Shopify's name
    parameters: tuple[_Parameter, ...]


class Files:
    """Finds, makes and removes files; remembers the ids of those it made, since searches are behind."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._ids: OrderedDict[str, str] = OrderedDict()

    # --- finding -------------------------------------------------------------------------------------------------

    async def by_id(self, ids: Sequence[str]) -> dict[str, Kept]:
        """The files of these ids that the shop has."""
        found: dict[str, Kept] = {}
        known = [identifier for identifier in ids if _FILE.fullmatch(identifier)]
        for part in _parts(known, INPUTS):
            nodes = (await self._api.run(documents.FILES, {"ids": part}, points=4.0 * len(part))).get("nodes")
            if not isinstance(nodes, list) or len(nodes) != len(part):
                raise RejectedError(f"{self._api.name(documents.FILES)} was answered without nodes, one for each file.")
            kept = [self._api.read(Kept, node, documents.FILES) for node in nodes if node]
            found |= {file.id: file for file in kept}
        return found

    async def by_name(self, names: Iterable[str]) -> dict[str, Kept]:
        """The files of these public names. One that is still processed is known only to who made it."""
        wanted = dict.fromkeys(names)
        known = {name: self._ids[name] for name in wanted if name in self._ids}
        files = await self.by_id(list(known.values()))
        found = {name: files[identifier] for name, identifier in known.items() if identifier in files}
        for name in known.keys() - found.keys():
            del self._ids[name]  # somebody deleted it
        missing = [name for name in wanted if name not in found]
        for part in _parts(missing, _TOGETHER):
            found |= {name: file for name, file in await self._searched(part) if name in missing}
        return found

    async def unnamed(self, name: str, alt: str = "") -> Kept | None:
        """The file of a name that is taken. A picture tells its name only once it is ready.

        Args:
            alt: what it was made with; of what a search finds besides, others' too, ours is told by this alone.
        """
        files = await self._search(f'filename:"{file_name(name)}"')
        named = sorted((file for file in files if _name_of(file) == name), key=lambda file: file.status != READY)
        if named:
            self.remember(name, named[0].id)
            return named[0]
        return next((file for file in files if alt and file.alt == alt and file.status != READY), None)

    async def unused(self, ids: Sequence[str]) -> list[str]:
        """Those of these files that nothing in the shop uses, as far as its index knows."""
        found: list[str] = []
        for part in _parts(ids, _TOGETHER):
            query = " OR ".join(f"id:{identifier.rpartition('/')[2]}" for identifier in part)
            files = await self._search(f"({query}) used_in:none")
            found += [file.id for file in files if file.id in part]
        return found

    def remember(self, name: str, identifier: str) -> None:
        """Know a file by its name from now on."""
        self._ids[name] = identifier
        self._ids.move_to_end(name)
        while len(self._ids) > _REMEMBERED:
            self._ids.popitem(last=False)

    async def _searched(self, names: Sequence[str]) -> list[tuple[str, Kept]]:
        files = await self._search(" OR ".join(f'filename:"{file_name(name)}"' for name in names))
        # Of several copies the one that can be used counts, then the oldest.
        ordered = sorted(files, key=lambda file: (file.status == READY, -file.created_at.timestamp()))
        return [(name, file) for file in ordered if (name := _name_of(file))]

    async def _search(self, query: str) -> list[Kept]:
        document = documents.FIND_FILES
        data = await self._api.run(document, {"query": query}, points=FOUND)
        nodes = self._api.nodes(self._api.payload(data, "files", document), document)
        return [self._api.read(Kept, node, document) for node in nodes]

    # --- making --------------------------------------------------------------------------------------------------

    async def make(self, media: Sequence[Media]) -> dict[str, Kept | Refused | None]:
        """Upload these and make files of them, by public name.

        Returns:
            the file, why Shopify refuses it, or None where it has one of that name which cannot be found yet.
        """
        made: dict[str, Kept | Refused | None] = {}
        for part in _parts(media, _TOGETHER):
            staged = await self._stage(part)
            for item, target in zip(part, staged, strict=True):
                if isinstance(target, Refused):
                    made[item.name] = target
                else:
                    await self._upload(item, target)
                    made[item.name] = await self._create(item, target.resourceUrl)
        return made

    async def _stage(self, media: Sequence[Media]) -> list[_Target | Refused]:
        document = documents.STAGE
        asked = {"input": [_staged_input(item) for item in media]}
        payload = await self._api.mutate(document, "stagedUploadsCreate", asked)
        errors = {error.index: error for error in self._api.errors(payload, document)}
        targets = payload.get("stagedTargets")
        if None in errors or not isinstance(targets, list) or len(targets) != len(media):
            raise RejectedError(f"{self._api.name(document)} was refused: {refusal(list(errors.values()))}")
        return [
            Refused(errors[place].message) if place in errors else self._api.read(_Target, target, document)
            for place, target in enumerate(targets)
        ]

    async def _upload(self, item: Media, target: _Target) -> None:
        """Send the bytes where Shopify takes them in. No token of the shop's goes there."""
        content = self._api.context.media(item)
        form = Form(
            {parameter.name: parameter.value for parameter in target.parameters},
            File("file", file_name(item.name), item.media_type, item.size, content),
        )
        extensions = {"deadline": _UPLOAD_SECONDS + item.size / _UPLOAD_BYTES_A_SECOND, "unseen": True}
        await self._api.context.http.post(target.url, content=form.body(), headers=form.headers, extensions=extensions)

    async def _create(self, item: Media, source: str) -> Kept | Refused | None:
        document = documents.CREATE_FILE
        payload = await self._api.mutate(document, "fileCreate", {"files": [_file_input(item, source)]})
        errors = self._api.errors(payload, document)
        if any(error.code == TAKEN for error in errors):
            return await self.unnamed(item.name, alt_of(item))
        if errors and all(map(passing, errors)):
            raise TransientError(f"{self._api.name(document)} was put off: {refusal(errors)}")
        if errors:
            return Refused(refusal(errors), errors[0].code or "")
        files = payload.get("files")
        if not isinstance(files, list) or len(files) != 1:
            raise RejectedError(f"{self._api.name(document)} was answered without the file it made.")
        file = self._api.read(Kept, files[0], document)
        self.remember(item.name, file.id)
        return file

    # --- changing and removing -----------------------------------------------------------------------------------

    async def update(self, inputs: Sequence[Mapping[str, Any]]) -> None:
        """Change files; all or none of one call.

        Raises:
            RejectedError: Shopify refuses one of them. TransientError: one is locked or processed just now.
        """
        for part in _parts(inputs, INPUTS):
            payload = await self._api.mutate(documents.UPDATE_FILES, "fileUpdate", {"files": part})
            self._all_done(payload, documents.UPDATE_FILES)

    async def delete(self, ids: Sequence[str]) -> None:
        """Delete files and with them their place in every product; what is not there any more is deleted.

        Raises: as `update`.
        """
        there = await self.by_id(list(dict.fromkeys(ids)))
        for part in _parts(list(there), INPUTS):
            payload = await self._api.mutate(documents.DELETE_FILES, "fileDelete", {"ids": part})
            self._all_done(payload, documents.DELETE_FILES)

    def _all_done(self, payload: Mapping[str, Any], document: Document) -> None:
        errors = self._api.errors(payload, document)
        if errors and any(map(passing, errors)):
            raise TransientError(f"{self._api.name(document)} was put off: {refusal(errors)}")
        if errors:
            raise RejectedError(f"{self._api.name(document)} was refused: {refusal(errors)}")


def _name_of(file: Kept) -> str:
    return public_name(file.filename or (file.image.url if file.image else ""))


def _staged_input(item: Media) -> dict[str, str]:
    return {
        "filename": file_name(item.name),
        "mimeType": item.media_type,
        "resource": _kind(item),
        "fileSize": str(item.size),
        "httpMethod": "POST",
    }


def _file_input(item: Media, source: str) -> dict[str, str]:
    wanted = {
        "originalSource": source,
        "contentType": _kind(item),
        "filename": file_name(item.name),
        "alt": alt_of(item),
    }
    # Of a video Shopify takes no other mode than to add a copy (INVALID_DUPLICATE_MODE_FOR_TYPE).
    return wanted | ({"duplicateResolutionMode": "RAISE_ERROR"} if _kind(item) == "IMAGE" else {})


def alt_of(item: Media) -> str:
    """The alt text of a media item, as long as Shopify takes it."""
    return item.alt[:ALT_CHARACTERS]


def _kind(item: Media) -> str:
    return "VIDEO" if item.media_type.startswith("video/") else "IMAGE"


def _parts(items: Sequence[Any], size: int) -> list[list[Any]]:
    return [list(items[start : start + size]) for start in range(0, len(items), size)]
