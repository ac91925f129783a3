"""Tokens: a reply finds its submission, and nobody else's does."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import SecretStr
from tests.support.message import message

from syncd.systems.mailbox import tokens

ADDRESSES = st.emails(domains=st.sampled_from(["x.example", "y.example"])).map(str.lower)
NAMES = st.builds(lambda at: tokens.begun_by(message().model_copy(update={"at": at})), st.integers(0, 2**35))
KEYS = st.text(min_size=16, max_size=40).map(SecretStr)


@given(st.integers(0, 2**35), st.sampled_from(["from", "message-id"]))
def test_another_sender_or_another_mail_begins_another_submission(at: int, header: str):
    one = message().model_copy(update={"at": at})
    other = message(said={header: "<other@creators.example>"}).model_copy(update={"at": at})
    assert tokens.begun_by(one) == tokens.begun_by(one.model_copy(update={"folder": "Stored", "validity": 2, "uid": 9}))
    assert tokens.begun_by(one) != tokens.begun_by(other)
    assert len(tokens.begun_by(one)) == 19


@given(NAMES, ADDRESSES, KEYS, KEYS)
def test_a_token_is_honoured_by_its_key_also_while_another_replaces_it(
    name: str, address: str, key: SecretStr, newer: SecretStr
):
    said = tokens.token(name, address, [key])
    assert tokens.honoured(said, address, [key]) == name
    assert tokens.honoured(said, address, [newer, key]) == name
    assert tokens.honoured(said.lower().replace("0", "o").replace("1", "l"), address, [key]) == name


@given(NAMES, ADDRESSES, ADDRESSES, KEYS, KEYS)
def test_a_token_for_another_address_or_of_another_key_is_not(
    name: str, address: str, other: str, key: SecretStr, wrong: SecretStr
):
    assume(address != other)
    assume(key != wrong)
    said = tokens.token(name, address, [key])
    assert tokens.honoured(said, other, [key]) == ""
    assert tokens.honoured(said, address, [wrong]) == ""
    assert tokens.honoured(said, address, []) == ""


@given(NAMES, ADDRESSES, KEYS, st.integers(0, 28), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_a_token_with_one_character_changed_is_not(name: str, address: str, key: SecretStr, place: int, character: str):
    said = tokens.token(name, address, [key])
    assume(said[place] not in ("-", character))
    forged = said[:place] + character + said[place + 1 :]
    assert tokens.honoured(forged, address, [key]) == ""


@given(NAMES, ADDRESSES, KEYS, st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_a_token_is_found_where_it_was_put(name: str, address: str, key: SecretStr, before: str, after: str, note: str):
    said = tokens.token(name, address, [key])
    subject = f"{before} [syncd {said}] {after}"
    assert said in tokens.in_subject(subject)
    assert said not in tokens.without(subject)
    made = tokens.message_id(said, note, "acme.example")
    assert tokens.in_message_ids(f"<x@y> {made}", "ACME.example") == [said]
    assert tokens.in_message_ids(made, "evil.example") == []


@given(st.text(max_size=60), st.text(max_size=20), KEYS)
def test_what_is_no_token_is_none(noise: str, address: str, key: SecretStr):
    assert tokens.honoured(noise, address, [key]) == ""
