"""A queue of Amazon SQS: messages are received, and deleted once what they said is safe.

Source: AWS JSON protocol of SQS, docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference, 2026-11-23.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.credentials import Credentials

from syncd.errors import AuthError, ConfigError, RejectedError
from syncd.sdk.context import Context
from syncd.systems.amazon import shape
from syncd.systems.amazon.options import QueueOptions
from syncd.systems.amazon.signing import Signature

AT_ONCE = 10
"""Messages of one answer, and of one deletion, at most."""
HIDDEN = 120
"""Seconds a message that was received is kept from others: until its change is committed, or this process is dead."""
_WAIT = 1  # seconds; with a wait all of SQS's servers are asked, without one only some of them
_REFUSED = (400, 403)
_LOGIN = ("AccessDenied", "InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClient", "InvalidSecurity")
_MISSING = ("QueueDoesNotExist", "NonExistentQueue", "InvalidAddress")


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `receipt` is what it is deleted by."""

    id: str
    receipt: str
    body: str


class Queue:
    """One queue."""

    def __init__(self, context: Context, options: QueueOptions) -> None:
        self._http, self._url = context.http, options.address
        user = Credentials(options.access_key, options.secret_key.get_secret_value())
        self._auth = Signature(user, "sqs", options.region, context.clock.now)

    async def receive(self) -> Sequence[Message]:
        """Some messages; none if the queue is empty. They are hidden for a while, and come again if not deleted."""
        asked = {"MaxNumberOfMessages": AT_ONCE, "WaitTimeSeconds": _WAIT, "VisibilityTimeout": HIDDEN}
        found = await self._call("ReceiveMessage", asked)
        return [
            Message(*(shape.member(raw, name, str, "A message") for name in ("MessageId", "ReceiptHandle", "Body")))
            for raw in found.get("Messages") or ()
        ]

    async def delete(self, messages: Sequence[Message]) -> None:
        """Delete some (10 at most). One that cannot be deleted comes again, which does no harm."""
        if messages:
            entries = [{"Id": str(number), "ReceiptHandle": m.receipt} for number, m in enumerate(messages)]
            await self._call("DeleteMessageBatch", {"Entries": entries})

    async def _call(self, action: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        response = await self._http.post(
            self._url,
            json={"QueueUrl": self._url, **asked},
            headers={"content-type": "application/x-amz-json-1.0", "x-amz-target": f"AmazonSQS.{action}"},
            auth=self._auth,
            extensions={"expect": _REFUSED, "idempotent": True},
        )
        found = shape.answer(response, f"The queue's {action}")
        if response.status_code in _REFUSED:
            raise _refusal(self._url, action, str(found.get("__type", "")), str(found.get("message", "")))
        return found


def _refusal(url: str, action: str, kind: str, message: str) -> AuthError | ConfigError | RejectedError:
    what = f"{action} was refused by {url}: {kind.rpartition('#')[2]} {message}".strip()
    if any(word in kind for word in _LOGIN):
        return AuthError(what, remedy="The queue's user needs sqs:ReceiveMessage and sqs:DeleteMessage on it.")
    if any(word in kind for word in _MISSING):
        return ConfigError(what, remedy="Correct `queue` in the connection's options.")
    return RejectedError(what)
