"""Which of Shopify's refusals pass by themselves. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from syncd.systems.shopify.shapes import UserError

TAKEN = "FILENAME_ALREADY_EXISTS"
# FilesErrorCode and MediaUserErrorCode of the Admin GraphQL schema 2026-10, and what the files' API adds to them.
# FILE_DOES_NOT_EXIST: what was read a moment ago was deleted meanwhile; looking again tells.
_PASSING = frozenset({
    "FILE_DOES_NOT_EXIST", "FILE_LOCKED", "MEDIA_CANNOT_BE_MODIFIED", "MEDIA_DOES_NOT_EXIST",
    "MEDIA_DOES_NOT_EXIST_ON_PRODUCT", "MODEL3D_THROTTLE_EXCEEDED", "NON_READY_MEDIA", "NON_READY_STATE",
    "OPERATION_IN_PROGRESS", "LIMIT_REACHED", "VIDEO_THROTTLE_EXCEEDED",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refused:
    """Why Shopify does not take a media item, in its own words."""

    message: str
    code: str = ""


def passing(error: UserError) -> bool:
    """Whether the same call may be taken in a while."""
    return error.code in _PASSING


def refusal(errors: Sequence[UserError]) -> str:
    """Shopify's words for what it refuses."""
    said = [f"{error.message} ({error.code})" if error.code else error.message for error in errors]
    return "; ".join(dict.fromkeys(said))
