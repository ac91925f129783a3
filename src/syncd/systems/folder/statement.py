"""What a manifest may say of a submission, in YAML, JSON or as rows of a CSV, and the delivery that follows from it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from pydantic import Field, ValidationError, field_validator

from syncd.domain.delivery import ApprovalElsewhere, ConsentGiven, Creator, DeliveredFile, Delivery, Frozen
from syncd.errors import RejectedError
from syncd.sdk import manifest

_FACTS = ("origin", "title", "brief", "terms", "people_shown", "consents", "caption", "tags", "hashtags", "skus")
_LISTS = ("tags", "hashtags", "skus")
_CREATOR = {"creator": "reference", "creator_name": "name", "creator_mail": "mail", "creator_handle": "handle"}
_CELLS = frozenset(
    ("external_id", "revision", "withdrawn", "origin", "title", "brief", "terms", "people_shown", "caption", *_LISTS)
)


class NamedFile(Frozen):
    """A file a manifest names: its path beside the manifest, and what it is called in the submission."""

    file: str
    key: str = ""
    media_type: str = ""
    sha256: str = ""


class Manifest(Frozen):
    """What a manifest says."""

    external_id: str = ""
    revision: int | None = None
    withdrawn: bool = False
    creator: Creator | None = None
    origin: str = "creator"
    title: str = ""
    brief: str = ""
    terms: str = ""
    people_shown: bool = False
    consents: tuple[ConsentGiven, ...] = ()
    caption: str = ""
    tags: tuple[str, ...] = ()
    hashtags: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()
    fields: dict[str, str] = Field(default_factory=dict)
    approval: ApprovalElsewhere | None = None
    files: tuple[NamedFile, ...] = ()

    @field_validator("creator", mode="before")
    @classmethod
    def _named_creator(cls, value: Any) -> Any:
        return {"reference": value} if isinstance(value, str) else value

    @field_validator(*_LISTS, mode="before")
    @classmethod
    def _separated(cls, value: Any) -> Any:
        return [part for part in re.split(r"\s*[;,]\s*", value.strip()) if part] if isinstance(value, str) else value

    @field_validator("files", mode="before")
    @classmethod
    def _named_files(cls, value: Any) -> Any:
        entries = [value] if isinstance(value, str) else value
        if not isinstance(entries, list):
            return entries
        return [{"file": entry} if isinstance(entry, str) else entry for entry in entries]

    @field_validator("files")
    @classmethod
    def _beside(cls, files: tuple[NamedFile, ...]) -> tuple[NamedFile, ...]:
        for named in files:
            path = PurePosixPath(named.file)
            if path.is_absolute() or ".." in path.parts or not path.parts or "\\" in named.file:
                raise ValueError(f"{named.file} is no path beside the manifest")
        return files


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a CSV manifest: its line, its cells, and the character column of each."""

    line: int
    cells: Mapping[str, str]
    columns: Mapping[str, int]


def of_rows(rows: Sequence[Row], file: str) -> Manifest:
    """The submission that rows of one CSV state together, one file a row.

    Raises:
        RejectedError: with `file:line:column`: a cell is wrong, or two rows say different things of the submission.
    """
    facts: dict[str, Any] = {}
    for row in rows:
        for name, value in _facts(row).items():
            if facts.setdefault(name, value) != value:
                column = row.columns.get(name, 1)
                what = f"`{name}` differs from an earlier row of the submission"
                raise manifest.refused(file, row.line, column, what)
    names = [row.cells["file"] for row in rows if row.cells.get("file")]
    try:
        return Manifest.model_validate({**facts, "files": names})
    except ValidationError as error:
        detail = error.errors()[0]
        name = str(detail["loc"][0])
        column = rows[0].columns.get("file" if name == "files" else name, 1)
        line = rows[int(detail["loc"][1])].line if name == "files" and len(detail["loc"]) > 1 else rows[0].line
        raise manifest.refused(file, line, column, f"`{name}` is not right", detail["msg"]) from error


def _facts(row: Row) -> dict[str, Any]:
    cells = {name: value.strip() for name, value in row.cells.items() if value.strip() and name != "file"}
    facts: dict[str, Any] = {name: value for name, value in cells.items() if name in _CELLS}
    creator = {key: cells[name] for name, key in _CREATOR.items() if name in cells}
    further = {name: value for name, value in cells.items() if name not in _CELLS and name not in _CREATOR}
    return facts | ({"creator": creator} if creator else {}) | ({"fields": further} if further else {})


def file_key(path: str) -> str:
    """A file's name within its submission: its path without extension, with the kind for what is no picture."""
    plain = PurePosixPath(path)
    kind = {".mp4": ".video", ".mov": ".video", ".m4v": ".video", ".webm": ".video", ".txt": ".text", ".md": ".text"}
    return str(plain.with_suffix("")) + kind.get(plain.suffix.lower(), "")


def delivery(said: Manifest, submission: str, sequence: int | None, files: Sequence[DeliveredFile]) -> Delivery:
    """
    Args:
        said: the manifest, or an empty one.
        submission: name of the submission where the manifest gives none.
        sequence: used where the manifest has no revision.
        files: as found, `name` being the path beside the manifest.

    Raises:
        RejectedError: two files share a key.
    """
    named = {entry.file: entry for entry in said.files}
    stated = []
    for file in files:
        entry = named.get(file.name, NamedFile(file=file.name))
        update = {"key": entry.key or file.key, "media_type": entry.media_type, "sha256": entry.sha256.lower()}
        stated.append(file.model_copy(update={**update, "name": PurePosixPath(file.name).name}))
    keys = [file.key for file in stated]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise RejectedError(f"{submission}: several files are called {', '.join(twice)}.", remedy="Rename one of them.")
    return Delivery(
        external_id=said.external_id or submission,
        sequence=said.revision if said.revision is not None else sequence,
        withdrawn=said.withdrawn,
        creator=said.creator,
        fields=said.fields,
        approval=said.approval,
        files=tuple(stated),
        **{name: getattr(said, name) for name in _FACTS},
    )
