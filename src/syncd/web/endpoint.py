"""Between HTTP and a route's handler: authentication, strict parsing, and nothing undocumented going out."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import hdrs, web
from pydantic import BaseModel
from pydantic_core import to_json

from syncd.clock import Clock
from syncd.errors import Bug, NotFoundError
from syncd.flow.repeating import repeated
from syncd.telemetry.metrics import API_REQUESTS, API_SECONDS, Metrics
from syncd.web import problem
from syncd.web.auth import Authenticator
from syncd.web.body import parse_json, read_body, require_json, single_header
from syncd.web.query import QueryParser, validate
from syncd.web.refusals import InvalidRequest
from syncd.web.routing import ANYONE, IDEMPOTENCY_KEY, AnyRoute, Call, IdempotencyKey, Reply

KEY_HEADER = "Idempotency-Key"
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")


class Endpoint:
    """Serves one route. Whatever its handler returns or raises, only documented answers leave."""

    def __init__(self, route: AnyRoute, authenticator: Authenticator, clock: Clock, metrics: Metrics) -> None:
        self._route = route
        self._authenticator = authenticator
        self._clock = clock
        self._metrics = metrics
        self._query = QueryParser(route.query)
        self._patterns = {name: re.compile(pattern) for name, pattern in route.path_patterns.items()}

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a request (aiohttp's handler of the route)."""
        begun = self._clock.monotonic()
        try:
            answer = self._response(await self._handle(request))
        except ConnectionError:
            raise
        except Exception as error:
            answer = self._refusal(error, request)
        self._metrics.count(API_REQUESTS, operation=self._route.operation, status=str(answer.status))
        self._metrics.observe(API_SECONDS, self._clock.monotonic() - begun, operation=self._route.operation)
        return answer

    async def _handle(self, request: web.Request) -> BaseModel | Reply:
        route = self._route
        principal = await self._authenticator.authenticate(request, route.scope) if route.scope else ANYONE
        path = self._path(request)
        query = self._query.parse(request.query)
        key = self._key(request)
        raw = b""
        body: Any = None
        if route.body:
            require_json(request)
            raw = await read_body(request, route.body_limit)
            body = validate(route.body, to_json(parse_json(raw)), "body")
        idempotency = IdempotencyKey.of(key, request.method, request.raw_path, raw) if key else None
        call: Call[Any, Any] = Call(principal, path, query, body, idempotency)
        return await repeated(lambda: route.handler(call))

    def _path(self, request: web.Request) -> dict[str, str]:
        path = dict(request.match_info)
        for name, pattern in self._patterns.items():
            if not pattern.fullmatch(path[name]):
                raise NotFoundError(f"There is no {name} of this name.")
        return path

    def _key(self, request: web.Request) -> str | None:
        key = single_header(request, KEY_HEADER) if self._route.idempotent_key else None
        if key is not None and not re.fullmatch(IDEMPOTENCY_KEY, key):
            raise InvalidRequest(
                "The header is not valid.", [(["header", KEY_HEADER], f"Should match {IDEMPOTENCY_KEY}")]
            )
        return key

    def _response(self, answer: BaseModel | Reply) -> web.Response:
        reply = answer if isinstance(answer, Reply) else Reply(self._route.success, answer)
        if reply.status not in self._route.responses:
            raise Bug(f"{self._route.operation} answered {reply.status}, which its route does not name.")
        model = self._route.responses[reply.status]
        if not all(_HEADER_VALUE.fullmatch(value) for value in reply.headers.values()):
            raise Bug(f"{self._route.operation} answered a header that is not printable ASCII.")
        headers = {hdrs.CACHE_CONTROL: "no-store", **reply.headers}
        if model is None or reply.body is None:
            if model is not None or reply.body is not None:
                raise Bug(f"{self._route.operation} answered {reply.status} with or without a body unlike its route.")
            return web.Response(status=reply.status, headers=headers)
        if not isinstance(reply.body, model):
            raise Bug(f"{self._route.operation} answered a {type(reply.body).__name__}, not a {model.__name__}.")
        body = reply.body.model_dump_json(by_alias=True).encode()
        return web.Response(status=reply.status, body=body, content_type="application/json", headers=headers)

    def _refusal(self, error: Exception, request: web.Request) -> web.Response:
        answer = problem.response(error, request)
        if answer.status in self._route.problem_statuses:
            return answer
        undocumented = Bug(f"{self._route.operation} refused with {answer.status}, which its route cannot.")
        undocumented.__cause__ = error
        return problem.response(undocumented, request)
