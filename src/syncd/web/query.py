"""Query strings into strict models: each value is turned into its field's JSON type explicitly, then validated."""

from __future__ import annotations

import enum
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, get_args, get_origin

from multidict import MultiMapping
from pydantic import AwareDatetime, BaseModel, ValidationError
from pydantic_core import to_json

from syncd.web.body import INT64, check_text
from syncd.web.models import Query
from syncd.web.refusals import InvalidRequest

Q = TypeVar("Q", bound=Query)
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,18})?", re.ASCII)


class QueryParser(Generic[Q]):
    """Reads one model from query strings. Built once per route."""

    def __init__(self, model: type[Q]) -> None:
        """
        Raises:
            TypeError: a field has a type that a query parameter cannot have.
        """
        self._model = model
        self._fields: Mapping[str, _Field] = {
            field.alias or name: _field(name, field.annotation) for name, field in model.model_fields.items()
        }

    def parse(self, query: MultiMapping[str]) -> Q:
        """
        Args:
            query: decoded names and values.

        Raises:
            InvalidRequest: an unknown or repeated name, or a value its field refuses.
            MalformedRequest: NUL or a lone surrogate in a value.
        """
        faults: list[tuple[list[str | int], str]] = []
        values: dict[str, Any] = {}
        for name in dict.fromkeys(query):
            found = query.getall(name)
            for text in (name, *found):
                check_text(text)
            field = self._fields.get(name)
            if field is None:
                faults.append((["query", name], "Unknown parameter"))
            elif field.repeated:
                values[name] = [field.coerce(text) for text in found]
            elif len(found) > 1:
                faults.append((["query", name], "Given more than once"))
            else:
                values[name] = field.coerce(found[0])
        if faults:
            raise InvalidRequest("The query is not valid.", faults)
        return validate(self._model, to_json(values), "query")


M = TypeVar("M", bound=BaseModel)


def validate(model: type[M], raw: bytes, place: str) -> M:
    """Read a strict model from JSON.

    Raises:
        InvalidRequest: with the place and message of each fault; `place` comes first in each location.
    """
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise InvalidRequest(
            f"The {place} is not valid.", [((place, *fault["loc"]), fault["msg"]) for fault in faults]
        ) from None


@dataclass(frozen=True, slots=True)
class _Field:
    coerce: Callable[[str], Any]
    repeated: bool


def _field(name: str, annotation: Any) -> _Field:
    kind = _plain(annotation)
    if get_origin(kind) in (list, tuple):
        return _Field(_coercion(name, _plain(get_args(kind)[0])), repeated=True)
    return _Field(_coercion(name, kind), repeated=False)


def _plain(annotation: Any) -> Any:
    """The type below Annotated and Optional."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _plain(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        if len(kinds) == 1:
            return _plain(kinds[0])
    return annotation


def _coercion(name: str, kind: Any) -> Callable[[str], Any]:
    if kind is bool:
        return _boolean
    if kind is int:
        return _integer
    if kind is float:
        return _number
    texts: tuple[Any, ...] = (str, datetime, date, AwareDatetime)
    if kind in texts or (isinstance(kind, type) and issubclass(kind, enum.StrEnum)):
        return str
    if get_origin(kind) is Literal and all(isinstance(choice, str) for choice in get_args(kind)):
        return str
    raise TypeError(f"a query parameter cannot be {kind!r}: {name}")


def _boolean(text: str) -> bool | str:
    return {"true": True, "false": False}.get(text, text)


def _integer(text: str) -> int | str:
    if _INTEGER.fullmatch(text) and -INT64 <= (number := int(text)) < INT64:
        return number
    return text


def _number(text: str) -> float | str:
    return float(text) if _NUMBER.fullmatch(text) else text
