"""What one operation of an OpenAPI contract asks for and gives: the same for every version of the format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Schema = Mapping[str, Any] | bool


class Place(StrEnum):
    """Where a parameter stands in a request."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    COOKIE = "cookie"


class Form(StrEnum):
    """How a parameter's value is written."""

    SINGLE = "single"
    JOINED = "joined"  # one text, its values separated
    REPEATED = "repeated"  # the name once for each value
    DEEP = "deep"  # name[key]=value
    SPREAD = "spread"  # an object's keys are the names
    JSON = "json"


@dataclass(frozen=True)
class Parameter:
    """One parameter; `separator` stands between the values of a joined one."""

    name: str
    place: Place
    required: bool
    schema: Schema
    form: Form = Form.SINGLE
    separator: str = ","


@dataclass(frozen=True)
class Scheme:
    """One way to prove who calls: the header, query parameter or cookie that carries it, and how its value begins."""

    name: str
    place: Place
    carrier: str
    begins: str = ""


@dataclass(frozen=True)
class Body:
    """What a body may be: media type → schema of its content, None where the contract gives none."""

    required: bool
    content: Mapping[str, Schema | None]


@dataclass(frozen=True)
class Operation:
    """
    `answers`: status (`200`, `4XX`, `default`) → media type → schema, None where the contract gives none.
    `security`: alternatives, each a set of schemes that belong together; empty if anybody may call.
    """

    name: str
    method: str
    template: str
    bases: Sequence[str]
    parameters: Sequence[Parameter]
    body: Body | None
    answers: Mapping[str, Mapping[str, Schema | None]]
    security: Sequence[Sequence[Scheme]] = ()

    def stated(self, status: int) -> Mapping[str, Schema | None] | None:
        """What the contract says of answers with this status; None if nothing."""
        for key in (str(status), f"{status // 100}XX", f"{status // 100}xx", "default"):
            if key in self.answers:
                return self.answers[key]
        return None
