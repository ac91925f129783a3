"""What Akeneo answers where it does not do what is asked (rest-api/responses.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx


class Refusal(Exception):
    """A status with its message, and what is wrong with which property."""

    def __init__(self, status: int, message: str, errors: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, list(errors)

    def body(self) -> dict[str, Any]:
        """As it is answered."""
        return {"code": self.status, "message": self.message, **({"errors": self.errors} if self.errors else {})}

    def response(self) -> httpx.Response:
        return httpx.Response(self.status, json=self.body())

    def line(self, **names: Any) -> dict[str, Any]:
        """As an item of a batch is answered."""
        told = {"message": self.message, **({"errors": self.errors} if self.errors else {})}
        return {**names, "status_code": self.status, **told}
