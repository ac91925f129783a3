"""Plain data to a model; each fault becomes a problem at the place in the file."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Collection, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from syncd.config import nodes, problems

M = TypeVar("M", bound=BaseModel)


def validate(
    model: type[M],
    document: nodes.Document,
    *,
    data: Any = None,
    below: nodes.Location = (),
    secrets: Mapping[str, str] | None = None,
    unresolved: Collection[nodes.Location] = (),
) -> tuple[M | None, list[problems.Problem]]:
    """Make a model of a document, or of the part of it that stands `below`.

    Args:
        data: validated instead of the document's own, where references were resolved first.
        secrets: values that must not be shown, each with the reference shown in its stead.
        unresolved: places whose values are not known yet; what is wrong there, or with a list or map around them, is
            left out, unless a key is missing or unknown.

    Returns:
        the model, or None and every problem.
    """
    try:
        return model.model_validate(document.data if data is None else data), []
    except ValidationError as error:
        details = _told_once(error.errors(include_url=False, include_input=secrets is None))
        return None, [
            _problem(model, document, below, detail, secrets or {})
            for detail in details
            if not _depends(detail, document, below, unresolved)
        ]


def _depends(
    detail: ErrorDetails, document: nodes.Document, below: nodes.Location, unresolved: Collection[nodes.Location]
) -> bool:
    if detail["type"] in ("missing", "extra_forbidden"):
        return False
    location = document.known(below + detail["loc"])
    return any(place[: len(location)] == location for place in unresolved)


def _told_once(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Without lists that count as too short only because their items are wrong."""
    return [
        detail
        for detail in details
        if detail["type"] != "too_short"
        or not any(other["loc"][:-1] == detail["loc"] for other in details if other["loc"])
    ]


def _problem(
    model: type[BaseModel],
    document: nodes.Document,
    below: nodes.Location,
    detail: ErrorDetails,
    secrets: Mapping[str, str],
) -> problems.Problem:
    location = below + detail["loc"]
    what, why, remedy = _words(model, detail)
    at = detail.get("ctx", {}).get("at", "") if detail["type"] == "syncd" else ""
    for secret, reference in secrets.items():
        what, why, remedy = (text.replace(secret, reference) for text in (what, why, remedy))
    on_key = detail["type"] == "extra_forbidden" or bool(at)
    return document.problem((*location, at) if at else location, what, why, remedy, key=on_key)


def _words(model: type[BaseModel], detail: ErrorDetails) -> tuple[str, str, str]:
    """what, why, remedy"""
    kind, context = detail["type"], detail.get("ctx", {})
    keys = [step for step in detail["loc"] if isinstance(step, str)]
    key = keys[-1] if keys else "the file"
    if kind == "syncd":
        return (str(context["what"]), str(context["why"]), str(context["remedy"]))
    if kind == "missing":
        return (f"`{key}` is missing", "it has no default", f"add `{key}:`")
    if kind == "extra_forbidden":
        return (f"`{key}` is not a key here", *_known_keys(model, detail["loc"]))
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return (f"`{key}` should be a map", "", "write keys with values, each on its own line")
    if kind in ("tuple_type", "list_type"):
        return (f"`{key}` should be a list", "", f"write [{_shown(detail).strip('`')}]")
    if kind == "too_short":
        return (f"`{key}` is empty", "", "name at least one")
    if kind in ("literal_error", "enum"):
        return (f"`{key}` cannot be {_shown(detail)}", "", f"write {context.get('expected')}")
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return ("the kind is missing or unknown", "", f"add `kind:` {context.get('expected_tags', 'image or video')}")
    if kind == "string_type":
        return (f"`{key}` should be text", "it is empty, a list or a map", "write a value")
    return (f"`{key}` is not right", detail["msg"].removeprefix("Value error, "), f"correct {_shown(detail)}")


def _shown(detail: ErrorDetails) -> str:
    shown = detail.get("input")
    if shown is None:
        return "the value"
    return f"`{shown}`" if isinstance(shown, str) and len(shown) <= 80 else "the value"


def _known_keys(model: type[BaseModel], location: tuple[str | int, ...]) -> tuple[str, str]:
    """Why a key is refused and what was probably meant."""
    known = sorted(_keys_at(model, location[:-1]))
    close = difflib.get_close_matches(str(location[-1]), known, 1)
    return (f"known are {', '.join(known)}", f"did you mean `{close[0]}`" if close else "remove it")


def _keys_at(model: type[BaseModel], location: tuple[str | int, ...]) -> set[str]:
    candidates: set[type[BaseModel]] = {model}
    for step in location:
        below = {
            found
            for candidate in candidates
            for name, field in candidate.model_fields.items()
            if step in (name, field.alias)
            for found in _models_in(field.annotation)
        }
        tagged = {candidate for candidate in candidates if step in _tags(candidate)}
        candidates = below or tagged or candidates
    return {field.alias or name for candidate in candidates for name, field in candidate.model_fields.items()}


def _tags(model: type[BaseModel]) -> set[Any]:
    kind = model.model_fields.get("kind")
    return {model.__name__, *(typing.get_args(kind.annotation) if kind else ())}


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from _models_in(argument)
