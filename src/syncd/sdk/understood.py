"""What systems answer, read into models: what is unknown is passed over, what is missing is named with a sample."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from syncd.errors import RejectedError
from syncd.sdk.redact import Redactor

SAMPLE = 200
"""Characters of an answer that an error shows."""
_NAMED = 3
_DRIFT = "The system changed what it answers, or answers for another version: update syncd, or report the sample."

M = TypeVar("M", bound="Shape")


class Shape(BaseModel):
    """Base of models of answers: further fields are passed over, those without a default must be there."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


def understood(model: type[M], value: Any, call: str, redactor: Redactor) -> M:
    """A system's answer as the model.

    Args:
        model: what is expected.
        value: parsed JSON.
        call: what was asked, for the error.
        redactor: keeps the connection's secrets out of the sample.

    Raises:
        RejectedError: naming what is missing or of another kind, with the beginning of the answer.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        named = "; ".join(f"{_path(one['loc'])}: {one['msg']}" for one in error.errors()[:_NAMED])
        raise RejectedError(
            f"{call} was answered otherwise than expected ({named}): {sample(value, redactor)}", remedy=_DRIFT
        ) from error


def sample(value: Any, redactor: Redactor) -> str:
    """The beginning of an answer, without secrets."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return redactor.text(text)[:SAMPLE]


def _path(place: tuple[int | str, ...]) -> str:
    return ".".join(map(str, place)) or "the whole"
