"""AWS Signature Version 4 on requests, by botocore's signer."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime
from typing import Any

import httpx
from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_SIGNED = ("host", "content-type", "x-amz-target")


class Signature(httpx.Auth):
    """httpx's auth of one AWS user."""

    requires_request_body = True

    def __init__(self, credentials: Credentials, service: str, region: str, now: Callable[[], datetime]) -> None:
        self._signer = _Signer(credentials, service, region, now)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request as it is at this moment."""
        headers = {name: request.headers[name] for name in _SIGNED if name in request.headers}
        signed = AWSRequest(request.method, str(request.url), headers=headers, data=request.content)
        self._signer.add_auth(signed)
        request.headers.update({name: signed.headers[name] for name in ("X-Amz-Date", "Authorization")})
        yield request


class _Signer(SigV4Auth):  # type: ignore[misc]  # botocore has no types
    """botocore asks the machine for the time; syncd's comes from its clock."""

    def __init__(self, credentials: Credentials, service: str, region: str, now: Callable[[], datetime]) -> None:
        super().__init__(credentials, service, region)
        self._now = now

    def _modify_request_before_signing(self, request: Any) -> None:
        request.context["timestamp"] = self._now().strftime(SIGV4_TIMESTAMP)
        super()._modify_request_before_signing(request)
