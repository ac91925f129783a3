"""A fake server that holds what it is asked and what it answers against a contract: for daemons in other processes."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from syncd.testing.contracts.exchange import Answer, Request
from syncd.testing.contracts.violation import ContractViolation
from syncd.testing.contracts.watch import Watch


def middleware(watch: Watch) -> Middleware:
    """For `aiohttp.web.Application(middlewares=[…])`; what breaks the contract is answered with 400 and the reason."""

    @web.middleware
    async def hold(request: web.Request, handler: Handler) -> web.StreamResponse:
        asked = Request(request.method, str(request.url), request.headers, await request.read())
        try:
            watch.check_request(asked)
            response = await handler(request)
            if isinstance(response, web.Response):
                watch.check_answer(asked, _answer(response))
        except ContractViolation as violation:
            return web.Response(status=web.HTTPBadRequest.status_code, text=str(violation))
        return response

    return hold


def _answer(response: web.Response) -> Answer:
    body = response.body if isinstance(response.body, bytes) else b""
    return Answer(response.status, {"content-type": response.content_type, **response.headers}, body)
