"""Why a request is refused before any use case sees it; each class has its own HTTP status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from syncd.errors import RejectedError


class RequestRefused(RejectedError):
    """Correct the request as `detail` says; `/api/openapi.json` describes every operation."""

    code = "request.refused"
    status: ClassVar[int] = 400

    def __init__(self, what: str, *, headers: Mapping[str, str] | None = None, **data: Any) -> None:
        """
        Args:
            headers: further headers of the response, such as WWW-Authenticate.
        """
        super().__init__(what, **data)
        self.headers = dict(headers or {})


class MalformedRequest(RequestRefused):
    """Send well-formed HTTP and JSON: UTF-8, no duplicate keys, no NaN, no NUL, no lone surrogates."""

    code = "request.malformed"
    status = 400


class Unauthenticated(RequestRefused):
    """Send `Authorization: Bearer` with a token of this daemon; `syncd init` writes the first one."""

    code = "request.unauthenticated"
    status = 401


class ScopeTooLow(RequestRefused):
    """Use a token with the scope named."""

    code = "request.scope"
    status = 403


class UnknownResource(RequestRefused):
    """Check the path; `/api/openapi.json` lists every one."""

    code = "request.unknown-path"
    status = 404


class MethodRefused(RequestRefused):
    """Use one of the methods in the Allow header."""

    code = "request.method"
    status = 405


class RequestTooSlow(RequestRefused):
    """Send the request again over a faster connection, or in smaller parts."""

    code = "request.too-slow"
    status = 408


class Gone(RequestRefused):
    """Remove the reference: this was taken out of publication and does not come back under this name."""

    code = "request.gone"
    status = 410


class BodyTooLarge(RequestRefused):
    """Send less in one request; `limit` is in bytes."""

    code = "request.too-large"
    status = 413


class ContentTypeRefused(RequestRefused):
    """Send the body as `application/json`, in UTF-8, not compressed."""

    code = "request.content-type"
    status = 415


class RangeRefused(RequestRefused):
    """Ask for a range inside the size that Content-Range names."""

    code = "request.range"
    status = 416


class ExpectationRefused(RequestRefused):
    """Send no Expect header but `100-continue`."""

    code = "request.expectation"
    status = 417


class InvalidRequest(RequestRefused):
    """Correct the fields listed under `errors`."""

    code = "request.invalid"
    status = 422

    def __init__(self, what: str, errors: Sequence[tuple[Sequence[str | int], str]]) -> None:
        """
        Args:
            errors: place and message of each fault; a place starts with `query`, `body` or `header`.
        """
        super().__init__(what)
        self.errors = [{"loc": list(place), "msg": message} for place, message in errors]


class TooManyAttempts(RequestRefused):
    """Wait for the seconds in Retry-After, then send valid credentials."""

    code = "request.attempts"
    status = 429

    def __init__(self, what: str, retry_after: float) -> None:
        super().__init__(what)
        self.retry_after = retry_after


class Busy(RequestRefused):
    """Send the same request again after the seconds in Retry-After."""

    code = "request.busy"
    status = 503

    def __init__(self, what: str, retry_after: float) -> None:
        super().__init__(what)
        self.retry_after = retry_after
