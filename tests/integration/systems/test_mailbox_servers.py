"""A mailbox and its servers: encrypted, refused, silent, away; and that no secret is told."""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl
import threading

import pytest
from tests.support.dovecot import PASSWORD, Dovecot, free_port
from tests.support.mail import Mailbox, attach, mail
from tests.support.mailbox import KEY, Open, content, pages, polled, status, store, submitted
from tests.support.post import TOKEN, PostOffice
from tests.support.systems import token_server

from syncd.errors import AuthError, ConfigError, HookRefused, RejectedError, TransientError
from syncd.sdk.source import HookRequest
from syncd.testing.clock import ManualClock


async def test_check_says_what_is_there_and_that_answers_are_taken(opened: Open, mailbox: Mailbox, post: PostOffice):
    mailbox.deliver(mail())
    mailbox.create("Stored")
    said = await opened(post=post, move_to="Stored").check()
    assert "has INBOX (1)" in said
    assert f"127.0.0.1:{post.port} takes answers" in said


async def test_a_wrong_password_is_told_without_the_password(opened: Open):
    system = opened(imap={"password": "wrong horse"})
    for call in (system.check(), pages(system)):
        with pytest.raises(AuthError, match="refuses the login of") as refused:
            await call
        assert "wrong horse" not in f"{refused.value}{refused.value!r}{refused.value.data}"
        assert refused.value.__cause__ is None


async def test_a_server_that_is_away_is_waited_for(opened: Open, mailbox: Mailbox, post: PostOffice):
    delivery, _ = await submitted(opened(), mailbox)
    away = opened(imap={"port": free_port()})
    for call in (away.check(), pages(away), content(away, delivery), store(away, delivery)):
        with pytest.raises(TransientError, match="cannot be reached"):
            await call
    unsent = opened(smtp={"host": "127.0.0.1", "port": free_port(), "tls": "none"})
    with pytest.raises(TransientError, match="cannot be reached"):
        await unsent.respond(status(delivery))


async def test_a_connection_that_breaks_during_the_login_is_no_wrong_password(opened: Open):
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n")
        while b"AUTHENTICATE" not in (line := await reader.readline()):
            writer.write(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n" + line.split()[0] + b" OK done\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(break_off, "127.0.0.1", 0) as server:
        system = opened(imap={"port": server.sockets[0].getsockname()[1]})
        with pytest.raises(TransientError) as broken:
            await system.check()
    assert PASSWORD not in str(broken.value)


@pytest.mark.parametrize("option", ["folders", "move_to", "sent"])
async def test_a_folder_that_does_not_exist_is_named(opened: Open, option: str):
    system = opened(**{option: ["Nowhere"] if option == "folders" else "Nowhere"})
    with pytest.raises(ConfigError, match="Nowhere"):
        await system.check()


async def test_over_tls_the_certificate_is_checked(opened: Open, dovecot: Dovecot, tmp_path):
    for tls, port in (("tls", dovecot.tls_port), ("starttls", dovecot.port)):
        (tmp_path / "ca.pem").write_bytes(dovecot.certificate.path.read_bytes())
        assert "INBOX (0)" in await opened(imap={"tls": tls, "port": port, "ca_file": "ca.pem"}).check()
        with pytest.raises(ConfigError, match="not trusted"):
            await opened(imap={"tls": tls, "port": port}).check()
    with pytest.raises(ConfigError, match="does not speak"):
        await opened(imap={"tls": "tls", "port": dovecot.port}).check()


async def test_a_token_logs_in_where_a_password_would(opened: Open, dovecot: Dovecot, mailbox: Mailbox):
    async with token_server(dovecot.tokens, {"good-token": mailbox.user}):
        assert "INBOX (0)" in await opened(imap={"password": "", "token": "good-token"}).check()
        with pytest.raises(AuthError) as refused:
            await opened(imap={"password": "", "token": "bad-token-7"}).check()
        assert "bad-token-7" not in repr(refused.value)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [("451 try later", TransientError), ("421 busy", TransientError), ("550 no such user", RejectedError)],
)
async def test_what_the_post_office_refuses_is_tried_again_or_told(
    opened: Open, mailbox: Mailbox, post: PostOffice, answer: str, fault: type[Exception]
):
    system = opened(post=post)
    delivery, _ = await submitted(system, mailbox)
    post.refuse = answer
    with pytest.raises(fault, match=answer[4:]):
        await system.respond(status(delivery))
    post.refuse = ""
    await system.respond(status(delivery))
    assert len(post.taken) == 1


@pytest.mark.parametrize("tls", ["tls", "starttls"])
async def test_the_way_to_the_post_office_is_protected_and_its_certificate_checked(
    opened: Open, mailbox: Mailbox, dovecot: Dovecot, tls: str
):
    with PostOffice(dovecot.certificate, implicit=tls == "tls", login=True) as office:
        server = {"host": "127.0.0.1", "port": office.port, "tls": tls, "user": "me", "password": PASSWORD}
        trusted = server | {"ca_file": str(dovecot.certificate.path)}
        delivery, _ = await submitted(opened(), mailbox)
        await opened(smtp=trusted).respond(status(delivery))
        assert (len(office.taken), office.logins) == (1, ["PLAIN"])
        system = opened(smtp=trusted | {"password": "wrong horse"})
        for call in (system.check(), system.respond(status(delivery))):
            with pytest.raises(AuthError, match="refuses the login of me") as refused:
                await call
            assert "wrong horse" not in f"{refused.value}{refused.value!r}"
        with pytest.raises(ConfigError, match="not trusted"):
            await opened(smtp=server).check()
        if tls == "starttls":
            with pytest.raises(ConfigError, match="does not speak"):
                await opened(smtp=trusted | {"tls": "tls"}).check()


async def test_a_token_logs_in_at_the_post_office(opened: Open, dovecot: Dovecot):
    with PostOffice(dovecot.certificate, login=True) as office:
        ca_file = str(dovecot.certificate.path)
        server = {"host": "127.0.0.1", "port": office.port, "user": "me", "token": TOKEN, "ca_file": ca_file}
        assert "takes answers" in await opened(smtp=server).check()
        with pytest.raises(AuthError, match="refuses the login of me") as refused:
            await opened(smtp=server | {"token": "bad-token-7"}).check()
        assert "bad-token-7" not in repr(refused.value)
        assert office.logins == ["XOAUTH2", "XOAUTH2"]


async def test_a_post_office_without_starttls_gets_no_login(opened: Open, post: PostOffice):
    server = {"host": "127.0.0.1", "port": post.port, "user": "me", "password": PASSWORD}
    with pytest.raises(ConfigError, match="STARTTLS"):
        await opened(smtp=server).check()


async def test_secrets_are_in_no_text_of_the_options(opened: Open):
    system = opened(smtp={"host": "127.0.0.1", "tls": "none", "user": "me", "password": "secret of the post"})
    said = f"{system._options!r}{system._options}{vars(system)}"
    for secret in (PASSWORD, KEY, "secret of the post"):
        assert secret not in said


async def test_a_mailbox_takes_no_webhooks(opened: Open, clock: ManualClock):
    with pytest.raises(HookRefused):
        opened().verify(HookRequest("POST", "/", {}, b"", clock.now()))


async def test_no_secret_is_logged(opened: Open, mailbox: Mailbox, dovecot: Dovecot, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    with PostOffice(dovecot.certificate, login=True) as office:
        server = {"host": "127.0.0.1", "port": office.port, "user": "me", "ca_file": str(dovecot.certificate.path)}
        delivery, _ = await submitted(opened(), mailbox)
        await opened(smtp=server | {"password": PASSWORD}).respond(status(delivery))
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name != "mail.log")
    plain = base64.b64encode(f"\0{mailbox.user}\0{PASSWORD}".encode()).decode()
    for secret in (PASSWORD, KEY, plain, "Here it is"):
        assert secret not in ours


# --- silence ----------------------------------------------------------------------------------------------------------


class Silent:
    """An IMAP server that lets everybody in and then answers nothing; `reached` once somebody waits."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n")
        while line := await reader.readline():
            tag, command = line.split()[:2]
            if command == b"AUTHENTICATE":
                writer.write(b"+ \r\n")
                await reader.readline()
            elif command != b"CAPABILITY":
                self.reached.set()
                await reader.read()
                break
            writer.write(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n" + tag + b" OK done\r\n")
        writer.close()


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("imap")]


@pytest.mark.parametrize("tls", ["none", "tls"])
@pytest.mark.parametrize("how", ["cancelled", "closed"])
async def test_whoever_waits_for_a_silent_server_can_be_stopped(opened: Open, dovecot: Dovecot, tls: str, how: str):
    silent, context = Silent(), None
    if tls == "tls":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(dovecot.certificate.path, dovecot.certificate.key)
    async with await asyncio.start_server(silent.serve, "127.0.0.1", 0, ssl=context) as server:
        port, ca_file = server.sockets[0].getsockname()[1], str(dovecot.certificate.path)
        system = opened(imap={"port": port, "tls": tls, "ca_file": ca_file, "timeout": "1h"})
        polling = asyncio.create_task(pages(system))
        await silent.reached.wait()
        waiting = threads()
        if how == "cancelled":
            polling.cancel()
        else:
            await system.close()
        with pytest.raises(asyncio.CancelledError if how == "cancelled" else TransientError):
            await polling
        for thread in waiting:
            await asyncio.to_thread(thread.join, 30)
        assert waiting
        assert not threads()


async def test_whoever_stops_listening_leaves_nothing_open(opened: Open, mailbox: Mailbox):
    made = mail()
    attach(made, "bigbuckbunny.mp4")
    mailbox.deliver(made)
    system = opened()
    (delivery,), _ = await polled(system)
    chunks = system.open(delivery.files[0])
    await anext(chunks)
    await chunks.aclose()  # type: ignore[attr-defined]
    for thread in threads():
        await asyncio.to_thread(thread.join, 30)
    assert not threads()
