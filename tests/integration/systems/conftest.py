"""A mail server for the tests of systems that need one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.support.dovecot import Dovecot, find_dovecot
from tests.support.mail import Mailbox, Post, post_office


@pytest.fixture(scope="session")
def dovecot_program() -> str:
    program = find_dovecot()
    if program is None:
        pytest.skip("Dovecot is not installed here (no dovecot found): the mailbox was not tested against a server")
    return program


@pytest.fixture(scope="session")
def dovecot(dovecot_program: str) -> Iterator[Dovecot]:
    server = Dovecot(dovecot_program)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def mailbox(dovecot: Dovecot) -> Iterator[Mailbox]:
    """A mailbox of its own."""
    opened = Mailbox(dovecot.port, dovecot.user())
    yield opened
    opened.close()


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with post_office(asyncio.get_running_loop()) as office:
        yield office
