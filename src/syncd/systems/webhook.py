"""Submissions sent to us as JSON: `POST /hooks/{connection}`, signed; where each fact stands is declared in options."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from pydantic import Field, ValidationError, field_validator

from syncd.domain.delivery import DeliveredFile, Delivery
from syncd.errors import HookRefused, RejectedError
from syncd.sdk import hooks
from syncd.sdk.context import Context
from syncd.sdk.roles import Role
from syncd.sdk.source import HookRequest, RawItem, SourcePage, Stored, SubmissionStatus
from syncd.sdk.system import Options, System
from syncd.sdk.values import storable

_PATH = re.compile(r"(\$\.)?[^.\[\]\s$]+(\[\])?(\.[^.\[\]\s$]+(\[\])?)*")


def _checked(path: str) -> str:
    if path and not _PATH.fullmatch(path):
        raise ValueError("is no path: names joined by dots, with [] after a list, such as data.media[]")
    return path.removeprefix("$.")


class _Paths(Options):
    """Base of groups of paths: every field is one."""

    @field_validator("*", mode="after")
    @classmethod
    def _are_paths(cls, value: Any) -> Any:
        if isinstance(value, str):
            return _checked(value)
        if isinstance(value, dict):
            return {name: _checked(path) for name, path in value.items()}
        return value


class CreatorPaths(_Paths):
    """Where the creator is described."""

    reference: str = Field("creator.reference", description="The sender's stable name for the person.")
    name: str = Field("creator.name", description="Name.")
    mail: str = Field("creator.mail", description="Mail address.")
    handle: str = Field("creator.handle", description="Name on social media.")


class FilePaths(_Paths):
    """Where the files are listed, and what is said of each, relative to its entry."""

    each: str = Field("files[]", description="The list of files, such as data.media[].")
    key: str = Field("key", description="Stable name within the submission; the file name's stem if absent.")
    name: str = Field("name", description="File name; the end of the URL if absent.")
    url: str = Field("url", description="Where the file can be fetched.")
    media_type: str = Field("media_type", description="Media type.")
    sha256: str = Field("sha256", description="SHA-256 of the bytes, in hex.")


class ConsentPaths(_Paths):
    """Where consents of shown people are listed, and what is said of each, relative to its entry."""

    each: str = Field("consents[]", description="The list of consents.")
    person: str = Field("person", description="Who consents.")
    document: str = Field("document", description="The paper.")
    until: str = Field("until", description="The last day it holds.")
    withdrawn: str = Field("withdrawn", description="Whether it was taken back.")


class ApprovalPaths(_Paths):
    """Where an approval made in another system is stated."""

    by: str = Field("approval.by", description="Who approved.")
    at: str = Field("approval.at", description="When, with time zone.")
    reference: str = Field("approval.reference", description="What it is called there.")


class FieldPaths(_Paths):
    """Where each fact of a submission stands in the JSON. A list is taken with [] after its name."""

    external_id: str = Field("external_id", description="The sender's id of the submission.")
    sequence: str = Field("sequence", description="Revision number; without it the order of arrival counts.")
    withdrawn: str = Field("withdrawn", description="Whether the whole submission is taken back.")
    origin: str = Field("origin", description="Where it comes from, `creator` if absent.")
    title: str = Field("title", description="Title.")
    brief: str = Field("brief", description="The brief it answers.")
    terms: str = Field("terms", description="The terms the creator agreed to.")
    people_shown: str = Field("people_shown", description="Whether people can be recognised.")
    caption: str = Field("caption", description="Caption.")
    tags: str = Field("tags[]", description="Tags.")
    hashtags: str = Field("hashtags[]", description="Hashtags.")
    skus: str = Field("skus[]", description="SKUs of the products shown.")
    creator: CreatorPaths = Field(CreatorPaths(), description="Where the creator is described.")
    consents: ConsentPaths = Field(ConsentPaths(), description="Where consents are listed.")
    approval: ApprovalPaths = Field(ApprovalPaths(), description="Where an approval made elsewhere is stated.")
    files: FilePaths = Field(FilePaths(), description="Where the files are listed.")
    fields: dict[str, str] = Field({}, description="Further facts, by the name rules know them under.")


class WebhookOptions(Options):
    """How submissions arrive."""

    auth: hooks.HookAuth = Field(hooks.StandardAuth(), description="How requests prove where they come from.")
    fields: FieldPaths = Field(FieldPaths(), description="Where each fact stands in the JSON.")
    allow_hosts: tuple[str, ...] = Field(
        (), description="Host names media may be fetched from although their address is private."
    )
    respond_to: str = Field("", description="A URL that is told how a submission stands, signed with the first key.")


class WebhookSystem(System):
    """Submissions by webhook."""

    name: ClassVar[str] = "webhook"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.SOURCE})
    options: ClassVar[type[Options]] = WebhookOptions
    example: ClassVar[str] = """\
# Submissions as JSON: POST to /hooks/NAME, signed (Standard Webhooks).
connector: webhook
brand: acme
roles: [source]
owner: dana@acme.example
options:
  auth:
    scheme: standard
    keys: ["${CREATOR_FORM_KEY}"]      # a second one while keys are changed
  fields:                              # only what stands elsewhere than under its own name
    external_id: data.id
    skus: data.products[].sku
    files: {each: "data.media[]", name: filename, url: url}
  # allow_hosts: [media.internal.example]   # media hosts that may have a private address
"""

    def __init__(self, context: Context, options: WebhookOptions, role: Role) -> None:
        self._context = context
        self._options = options
        self.allow_hosts = options.allow_hosts

    def verify(self, request: HookRequest) -> RawItem:
        """The request as an item, if its signature holds; only POST is taken."""
        if request.method != "POST":
            raise HookRefused("bad-method", f"{request.method} is not taken here; send POST.")
        return hooks.accept(self._options.auth, request)

    async def poll(self, since: str) -> AsyncIterator[SourcePage]:
        """Nothing: this source only sends."""
        nothing: tuple[SourcePage, ...] = ()
        for page in nothing:
            yield page

    def receive(self, item: RawItem) -> Sequence[Delivery]:
        """The one submission a request states.

        Raises:
            RejectedError: it is no JSON object, or a fact is missing or of the wrong kind; names the path.
        """
        return [_delivery(_parsed(item.body), self._options.fields)]

    def open(self, file: DeliveredFile) -> AsyncIterator[bytes]:
        """Fetch a file by its URL, guarded."""
        return self._context.fetch(file.reference)

    async def stored(self, files: Sequence[Stored]) -> None:
        """Nothing: the sender keeps its files."""

    async def respond(self, status: SubmissionStatus) -> None:
        """POST the status to `respond_to`, where that is declared."""
        if not self._options.respond_to:
            return
        body = json.dumps(_statement(status), sort_keys=True).encode()
        now = self._context.clock.now()
        identifier = hashlib.sha256(body).hexdigest()[:32]
        signed = self._options.auth.sign(identifier, now, body) if self._options.auth.keys else {}
        headers = {"content-type": "application/json", "idempotency-key": identifier, **signed}
        await self._context.http.post(self._options.respond_to, content=body, headers=headers)

    async def check(self) -> str:
        """Whether requests can be verified at all."""
        count = len(self._options.auth.keys)
        if not count:
            raise HookRefused("no-key", f"{self._context.connection} has no key: every request is refused.")
        return f"waits for signed requests at /hooks/{self._context.connection} ({count} keys)"


def _statement(status: SubmissionStatus) -> dict[str, Any]:
    reasons = [
        {"code": reason.code, "say": reason.say, "fixable": reason.fixable, "file": reason.file}
        for reason in status.reasons
    ]
    files = dict(status.files)
    return {"external_id": status.external_id, "status": status.status, "files": files, "reasons": reasons}


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise RejectedError(f"The submission is no UTF-8 text (byte {error.start}).") from error
    except json.JSONDecodeError as error:
        raise RejectedError(f"The submission is no JSON: {error.msg} at {error.lineno}:{error.colno}.") from error
    except (RecursionError, ValueError) as error:
        raise RejectedError("The submission's JSON is nested too deeply or holds a number too long.") from error
    if not isinstance(data, dict):
        raise RejectedError("The submission is no JSON object.")
    return data


def _delivery(data: dict[str, Any], paths: FieldPaths) -> Delivery:
    lists = {name: _texts(data, getattr(paths, name)) for name in ("tags", "hashtags", "skus")}
    names = ("external_id", "sequence", "withdrawn", "origin", "title", "brief", "terms", "people_shown", "caption")
    facts: dict[str, Any] = {name: _scalar(data, getattr(paths, name)) for name in names}
    facts |= {"creator": _group(data, paths.creator), "approval": _group(data, paths.approval)}
    consents = [_group(entry, paths.consents) for entry in _found(data, paths.consents.each)]
    files = [_file(entry, paths.files) for entry in _found(data, paths.files.each)]
    further = {name: _scalar(data, path) for name, path in paths.fields.items()}
    stated = {name: value for name, value in facts.items() if value is not None}
    try:
        delivery = Delivery.model_validate({
            **stated, **lists, "consents": consents, "files": files,
            "fields": {name: value for name, value in further.items() if value is not None},
        })  # fmt: skip
    except ValidationError as error:
        raise RejectedError("; ".join(_fault(detail, paths) for detail in error.errors()) + ".") from error
    keys = [file.key for file in delivery.files]
    if len(set(keys)) < len(keys):
        twice = sorted({key for key in keys if keys.count(key) > 1})
        raise RejectedError(f"Files of {delivery.external_id} share a key: {', '.join(twice)}.")
    return delivery


def _fault(detail: Any, paths: FieldPaths) -> str:
    """A fault in the sender's own words: the path where the fact was looked for."""
    place: Any = paths
    for step in detail["loc"]:
        place = getattr(place, str(step), place)
    path = place if isinstance(place, str) else getattr(place, "each", ".".join(map(str, detail["loc"])))
    return f"{path}: {detail['msg'].lower() if detail['type'] == 'missing' else detail['msg']}"


def _group(data: Any, paths: _Paths) -> dict[str, Any] | None:
    names = [name for name in type(paths).model_fields if name != "each"]
    found = {name: value for name in names if (value := _scalar(data, getattr(paths, name))) is not None}
    return found or None


def _file(entry: Any, paths: FilePaths) -> dict[str, Any]:
    facts = _group(entry, paths) or {}
    url = facts.pop("url", None)
    if url is None:
        raise RejectedError(f"{paths.each}: a file has no {paths.url}.")
    name = facts.get("name") or PurePosixPath(unquote(urlsplit(url).path)).name or "file"
    return {**facts, "name": name, "reference": url, "key": facts.get("key") or PurePosixPath(name).stem}


def _found(data: Any, path: str) -> Iterator[Any]:
    """Every value under a path; [] passes through a list."""
    if not path:
        return
    head, _, rest = path.partition(".")
    name = head.removesuffix("[]")
    if not isinstance(data, dict) or data.get(name) is None:
        return
    value = data[name]
    if head.endswith("[]") != isinstance(value, list):
        raise RejectedError(f"{name} is {'a' if isinstance(value, list) else 'no'} list.")
    for inner in value if isinstance(value, list) else [value]:
        if rest:
            yield from _found(inner, rest)
        else:
            yield inner


def _scalar(data: Any, path: str) -> str | None:
    """The one value under a path as text, None if it is absent."""
    values = _texts(data, path)
    if len(values) > 1:
        raise RejectedError(f"{path} holds {len(values)} values where one belongs.")
    return values[0] if values else None


def _texts(data: Any, path: str) -> list[str]:
    texts = []
    for value in _found(data, path):
        if isinstance(value, dict | list):
            kind = "an object" if isinstance(value, dict) else "a list"
            raise RejectedError(f"{path} holds {kind} where text belongs.")
        if isinstance(value, str) and not storable(value):
            raise RejectedError(f"{path} holds a character that is none, such as NUL.")
        if value is not None:
            texts.append(str(value).lower() if isinstance(value, bool) else str(value))
    return texts
