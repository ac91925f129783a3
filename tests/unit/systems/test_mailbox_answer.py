"""Answers: due once for what their reader needs to know, in plain words, with headers nobody else can write."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.message import OPTIONS, message

from syncd.sdk.source import Reason, SubmissionStatus
from syncd.systems.mailbox import answer, statement, tokens
from syncd.systems.mailbox.answer import Answer
from syncd.systems.mailbox.message import Message, headers

NOW = datetime(2026, 11, 22, tzinfo=UTC)
MIA = "mia@creators.example"
STATES = st.sampled_from(["received", "in_review", "held", "changes", "refused", "rejected", "approved", "withdrawn"])
STATUSES = st.tuples(STATES, st.dictionaries(st.sampled_from("ab"), STATES))
KNOWN = frozenset(
    ("From", "To", "Reply-To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
     "X-Auto-Response-Suppress", "Content-Type", "Content-Transfer-Encoding", "MIME-Version")
)  # fmt: skip


def status(asked: Message | None = None, state: str = "received", *reasons: Reason, note: str = "") -> SubmissionStatus:
    (delivery,) = statement.deliveries(asked or message(plain="brief: x"), OPTIONS)
    return SubmissionStatus(delivery.external_id, state, {"a": state}, reasons, delivery, note)


def due(asked: SubmissionStatus) -> Answer:
    found = answer.due(asked, OPTIONS, NOW)
    assert found is not None
    return found


@given(st.text(max_size=120), st.text(max_size=60))
def test_nothing_in_a_mail_gets_into_the_headers_of_its_answer(subject: str, reference: str):
    found = headers(f"Subject: {subject}\r\nReferences: {reference}\r\n\r\n".encode("utf-8", "replace"))
    asked = status(message(said=dict(found) | {"from": MIA}, plain="brief: x"))
    made = due(asked)
    head = made.wire.partition(b"\r\n\r\n")[0].decode("ascii")
    lines = [line for line in head.split("\r\n") if not line.startswith((" ", "\t"))]
    assert {line.partition(":")[0] for line in lines} <= KNOWN
    assert tokens.in_subject(made.mail["Subject"]) == [tokens.token(asked.external_id, MIA, OPTIONS.reply_keys)]


def test_a_long_message_id_is_not_encoded():
    long = f"<{'x' * 300}@creators.example>"
    made = due(status(message(said={"message-id": long}, plain="brief: x")))
    assert f"In-Reply-To: {long}\r\n".encode() in made.wire


@pytest.mark.parametrize("message_id", ["", "<no-domain>"])
def test_a_mail_that_cannot_be_referred_to_is_answered_without_reference(message_id: str):
    made = due(status(message(said={"message-id": message_id}, plain="brief: x")))
    assert "In-Reply-To" not in made.mail


@given(st.lists(STATUSES, max_size=6))
def test_whoever_was_told_is_not_told_again_and_no_two_answers_are_taken_for_one(
    those: list[tuple[str, dict[str, str]]],
):
    asked, ids = status(), []
    for state, files in those:
        asked = replace(asked, status=state, files=files)
        made = answer.due(asked, OPTIONS, NOW)
        if made is not None:
            assert due(asked).identifier == made.identifier
            ids.append(made.identifier)
            asked = replace(asked, note=made.note)
        assert answer.due(asked, OPTIONS, NOW) is None
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"a": "received", "b": "received"}, {"a": "in_review", "b": "received"}),
        ({"a": "received", "b": "received"}, {"a": "approved", "b": "in_review"}),
    ],
)
def test_progress_of_single_files_is_not_told(before: dict[str, str], after: dict[str, str]):
    asked = replace(status(), files=before)
    assert answer.due(replace(asked, files=after, note=due(asked).note), OPTIONS, NOW) is None


def test_a_new_problem_of_one_file_is_told():
    asked = replace(status(state="changes"), files={"a": "changes", "b": "received"})
    told = replace(asked, files={"a": "changes", "b": "refused"}, note=due(asked).note)
    assert "* b: cannot be used" in due(told).mail.get_content()


def test_a_reason_names_its_file_and_what_can_be_done():
    wrong = Reason("too-large", "It has\n60 MB.", file="beach")
    said = due(status(None, "refused", wrong)).mail.get_content()
    assert "* beach: It has 60 MB.\n" in said
    assert "under the same name" in said


def test_nobody_is_answered_where_nobody_is_known():
    asked = status()
    assert asked.delivery is not None
    assert answer.due(replace(asked, delivery=None), OPTIONS, NOW) is None
    assert (
        answer.due(replace(asked, delivery=asked.delivery.model_copy(update={"creator": None})), OPTIONS, NOW) is None
    )
