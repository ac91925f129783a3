"""Pages by cursor: the position of the last row shown, opaque to clients and validated when it comes back."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from syncd.web.models import Query, View
from syncd.web.refusals import InvalidRequest

LIMIT = 50
LIMIT_MOST = 200
T = TypeVar("T")
R = TypeVar("R")
P = TypeVar("P")


class PageQuery(Query):
    """The parameters every listing takes; a listing's own are added in a subclass."""

    cursor: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,600}$")] | None = Field(
        default=None, description="`next` of the page before"
    )
    limit: int = Field(default=LIMIT, ge=1, le=LIMIT_MOST, description="items at most")


class Page(View, Generic[T]):
    """Some items in order; `next` is the cursor of the page after, null on the last."""

    items: list[T]
    next: str | None = None


class Cursors(Generic[P]):
    """Writes and reads the cursors of one listing.

    It is not signed: a position only says where to go on in what the caller may read anyway.
    """

    def __init__(self, listing: str, position: TypeAdapter[P]) -> None:
        """
        Args:
            listing: stands in the cursor, so that one of another listing is refused.
            position: the values the listing is ordered by, such as `TypeAdapter(tuple[AwareDatetime, str])`.
        """
        self._prefix = f"{listing}:".encode()
        self._position = position

    def write(self, position: P) -> str:
        """The cursor of a position."""
        raw = self._prefix + self._position.dump_json(position)
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")

    def read(self, cursor: str | None) -> P | None:
        """The position to go on after; None is the beginning.

        Raises:
            InvalidRequest: it is not a cursor of this listing.
        """
        if cursor is None:
            return None
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            if not raw.startswith(self._prefix):
                raise _broken()
            position = self._position.validate_json(raw[len(self._prefix) :], strict=True)
        except (binascii.Error, ValidationError, ValueError):
            raise _broken() from None
        if self.write(position) != cursor:
            raise _broken()
        return position

    def page(
        self,
        of: type[Page[T]],
        rows: Sequence[R],
        limit: int,
        item: Callable[[R], T],
        position: Callable[[R], P],
    ) -> Page[T]:
        """Make a page.

        Args:
            of: the model, such as `Page[AssetView]`, as the route names it.
            rows: up to `limit` + 1 rows after the cursor, in order: the one too many says that there is more.
            item: what is shown of a row.
            position: where a row stands.
        """
        more = len(rows) > limit
        shown = rows[:limit]
        return of(items=[item(row) for row in shown], next=self.write(position(shown[-1])) if more else None)


def _broken() -> InvalidRequest:
    return InvalidRequest("The query is not valid.", [(["query", "cursor"], "Not a cursor of this listing")])
