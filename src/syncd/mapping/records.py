"""What conditions see: records with a typed empty value for every absent fact, so that none is ever null."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["", "image", "video", "text"]
Texts = tuple[str, ...]


class Record(BaseModel):
    """Base of records: immutable, nothing unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Asset(Record):
    """The content item. `origin` is what the source calls it: `creator`, `studio`, `agency`."""

    kind: Kind = ""
    origin: str = ""
    title: str = ""
    brand: str = ""


class File(Record):
    """The delivered file. `stem` and `extension` are the parts of `name`, the latter without its dot, in small letters;
    `folder` is where the source kept it.
    """

    name: str = ""
    stem: str = ""
    extension: str = ""
    folder: str = ""
    media_type: str = ""
    bytes: int = 0
    sha256: str = ""


class Image(Record):
    """The picture as it is seen, orientation applied; `aspect` is width / height."""

    width: int = 0
    height: int = 0
    format: str = ""
    megapixels: float = 0.0
    aspect: float = 0.0


class Video(Record):
    """The video as it is seen, rotation applied."""

    seconds: float = 0.0
    width: int = 0
    height: int = 0
    format: str = ""
    fps: float = 0.0
    aspect: float = 0.0
    has_audio: bool = False


class Submission(Record):
    """What came with the file. `source` is the connection, `terms` the terms accepted, `fields` whatever else the
    source sent, as text.
    """

    id: str = ""
    source: str = ""
    creator: str = ""
    handle: str = ""
    title: str = ""
    terms: str = ""
    people_shown: bool = False
    caption: str = ""
    tags: Texts = ()
    hashtags: Texts = ()
    skus: Texts = ()
    fields: Mapping[str, str] = Field(default_factory=dict)


class Brief(Record):
    """The brief it answers."""

    name: str = ""
    campaign: str = ""
    terms: str = ""
    skus: Texts = ()
    use: tuple[Literal["organic", "paid"], ...] = ()
    channels: Texts = ()


class Subject(Record):
    """Everything rules may ask about one version."""

    asset: Asset = Asset()
    file: File = File()
    image: Image = Image()
    video: Video = Video()
    submission: Submission = Submission()
    brief: Brief = Brief()


ROOTS: dict[str, type[Record]] = {
    name: field.annotation
    for name, field in Subject.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Record)
}
"""Record models by the name conditions use."""

FREE = "submission.fields"
"""The one record whose keys are not known beforehand."""


@lru_cache(maxsize=4096)
def type_of(path: str) -> Any:
    """The annotation of a fact: `str` for `file.name` and for any key of `submission.fields`.

    Raises:
        KeyError: no such fact; the message lists those that are near.
    """
    root, _, rest = path.partition(".")
    if root not in ROOTS:
        raise KeyError(f"known are {', '.join(ROOTS)}")
    if path.startswith(f"{FREE}.") and path.count(".") == 2:
        return str
    fields = ROOTS[root].model_fields
    if rest not in fields:
        raise KeyError(f"{root} has {', '.join(fields)}")
    return typing.get_type_hints(ROOTS[root])[rest]


def sample(*, filled: bool) -> dict[str, dict[str, Any]]:
    """A subject made from the models, as plain data: every fact empty, or every fact filled."""
    return {
        root: {
            name: _example(annotation, filled)
            for name, annotation in typing.get_type_hints(model).items()
            if name in model.model_fields
        }
        for root, model in ROOTS.items()
    }


def _example(annotation: Any, filled: bool) -> Any:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return arguments[-1] if filled else arguments[0]
    if origin is tuple:
        return [_example(arguments[0], filled)] if filled else []
    if origin is not None:
        return {}
    return {bool: filled, int: int(filled), float: float(filled), str: "x" if filled else ""}[annotation]
