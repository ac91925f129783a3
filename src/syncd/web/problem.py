"""The one shape of every refusal and failure (RFC 9457, application/problem+json)."""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from syncd.errors import Kind, SyncdError
from syncd.web import refusals

CONTENT_TYPE = "application/problem+json"
RETRY_SECONDS = 5

STATUS_OF_KIND: Mapping[Kind, int] = {
    Kind.CONFIG: 422,
    Kind.AUTH: 502,
    Kind.TRANSIENT: 503,
    Kind.RATE_LIMITED: 429,
    Kind.REJECTED: 422,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.BUG: 500,
}

_log = structlog.stdlib.get_logger(__name__)


class FieldError(BaseModel):
    """One fault of the request: where (`query`, `body` or `header`, then the names below it) and what."""

    model_config = ConfigDict(extra="forbid")

    loc: list[str | int]
    msg: str


class Problem(BaseModel):
    """Why a request was not carried out, and what to do about it."""

    model_config = ConfigDict(extra="forbid", title="Problem")

    type: str = Field(description="`urn:syncd:error:` and the code")
    title: str = Field(description="the kind of problem, in words")
    status: int = Field(ge=400, le=599, description="the HTTP status of this answer")
    detail: str = Field(description="what happened, and to which thing")
    code: str = Field(description="the stable name that the runbook explains")
    remedy: str = Field(description="what to do about it")
    instance: str = Field(description="the path of the request")
    data: dict[str, Any] = Field(default_factory=dict, description="facts for machines")
    errors: list[FieldError] = Field(default_factory=list, description="faults of the request, if there are any")


class _UnexpectedFailure(SyncdError):
    """Look up the incident's id in the daemon's log, and report it with what the log says there."""

    code = "bug"


def response(error: BaseException, request: web.BaseRequest) -> web.Response:
    """Turn any exception into its problem response; what nobody expected is logged under an incident id and not shown.

    Args:
        error: a SyncdError, an HTTPException of aiohttp, or anything else.
        request: names the instance and the log entry.
    """
    known = _known(error)
    status = status_of(known)
    if status == 500:
        known = _incident(error, request)
    answer = web.Response(
        status=status,
        body=to_json(_fields(known, status, request), fallback=str, inf_nan_mode="strings"),
        headers=_headers(known, error, status),
        content_type=CONTENT_TYPE,
    )
    if status in {400, 408, 413}:
        answer.force_close()
    return answer


def status_of(error: SyncdError) -> int:
    """The HTTP status that tells of this error."""
    return error.status if isinstance(error, refusals.RequestRefused) else STATUS_OF_KIND[error.kind]


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every exception of a handler, and aiohttp's own refusals, with a problem."""
    try:
        return await handler(request)
    except ConnectionError:
        raise
    except Exception as error:
        return response(error, request)


def _known(error: BaseException) -> SyncdError:
    if isinstance(error, SyncdError):
        return error
    if isinstance(error, web.HTTPMethodNotAllowed):
        return refusals.MethodRefused(f"{error.method} is not possible here.")
    if isinstance(error, web.HTTPNotFound):
        return refusals.UnknownResource("There is nothing under this path.")
    if isinstance(error, web.HTTPException) and error.status < 500:
        return refusals.MalformedRequest(f"The request was refused: {error.reason}.")
    return _UnexpectedFailure("An unexpected failure.")


def _incident(error: BaseException, request: web.BaseRequest) -> SyncdError:
    incident = secrets.token_hex(8)
    _log.error("web.failed", incident=incident, method=request.method, path=request.path, exc_info=error)
    return _UnexpectedFailure(f"The daemon failed to answer; its log has the incident {incident}.", incident=incident)


def _fields(error: SyncdError, status: int, request: web.BaseRequest) -> dict[str, Any]:
    return {
        "type": f"urn:syncd:error:{error.code}",
        "title": _title(error, status),
        "status": status,
        "detail": error.what,
        "code": error.code,
        "remedy": error.remedy,
        "instance": request.rel_url.raw_path,
        "data": error.data,
        "errors": error.errors if isinstance(error, refusals.InvalidRequest) else [],
    }


def _title(error: SyncdError, status: int) -> str:
    if isinstance(error, refusals.RequestRefused) or status == 500:
        return HTTPStatus(status).phrase
    words = re.sub(r"Error$", "", type(error).__name__)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", words).capitalize()


def _headers(error: SyncdError, cause: BaseException, status: int) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, refusals.RequestRefused):
        headers.update(error.headers)
    if isinstance(cause, web.HTTPMethodNotAllowed):
        headers["Allow"] = ", ".join(sorted(cause.allowed_methods))
    if status in {429, 503}:
        headers["Retry-After"] = str(_retry_after(error))
    return headers


def _retry_after(error: SyncdError) -> int:
    seconds = getattr(error, "retry_after", None)
    return max(1, math.ceil(RETRY_SECONDS if seconds is None else seconds))
