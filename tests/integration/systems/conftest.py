"""What tests of the system `mailbox` share: it opened on a mailbox of its own, and a post office."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.dovecot import PASSWORD, Dovecot
from tests.support.mail import OWNER, Mailbox
from tests.support.mailbox import KEY, Open
from tests.support.post import PostOffice
from tests.support.systems import Host, context

from syncd.sdk.roles import Role
from syncd.systems.mailbox import MailboxSystem
from syncd.systems.mailbox.options import MailboxOptions
from syncd.testing.clock import ManualClock


@pytest.fixture
def post() -> Iterator[PostOffice]:
    with PostOffice() as office:
        yield office


@pytest.fixture
def opened(tmp_path: Path, clock: ManualClock, dovecot: Dovecot, mailbox: Mailbox) -> Open:
    """Opens the mailbox with these options."""

    def system(*, post: PostOffice | None = None, served: Host | None = None, imap: Any = None, **options: Any):
        server = {"host": "127.0.0.1", "port": dovecot.port, "tls": "none", "user": mailbox.user, "password": PASSWORD}
        given = {
            "address": OWNER, "imap": server | (imap or {}), "begin": "all", "authserv_id": "mx.acme.example",
            "reply_keys": [KEY], **options,
        }  # fmt: skip
        if post:
            given.setdefault("smtp", {"host": "127.0.0.1", "port": post.port, "tls": "none"})
        return MailboxSystem(context(tmp_path, clock, served=served), MailboxOptions.model_validate(given), Role.SOURCE)

    return system
