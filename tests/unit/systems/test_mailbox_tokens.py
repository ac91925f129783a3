"""Tokens: a reply finds its submission, and nobody else's does."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import SecretStr

from syncd.systems.mailbox import tokens

AT = st.integers(0, 2**35 - 1)
ADDRESSES = st.emails().map(str.lower)
IDS = st.text("abcdefghij0123456789.@", max_size=40)
KEYS = st.text(min_size=16, max_size=40).map(SecretStr)


@given(AT, ADDRESSES, IDS)
def test_the_instant_a_submission_began_is_in_its_name(at: int, address: str, message_id: str):
    name = tokens.submission(at, address, message_id)
    assert tokens.arrived(name) == at
    assert len(name) == 19


@given(AT, ADDRESSES, ADDRESSES, IDS)
def test_another_sender_never_has_the_same_submission(at: int, one: str, other: str, message_id: str):
    assume(one != other)
    assert tokens.submission(at, one, message_id) != tokens.submission(at, other, message_id)


@given(AT, ADDRESSES, IDS, KEYS, KEYS)
def test_a_token_is_honoured_by_its_key_also_while_another_replaces_it(at, address, message_id, key, newer):
    name = tokens.submission(at, address, message_id)
    said = tokens.token(name, address, [key])
    assert tokens.honoured(said, address, [key]) == name
    assert tokens.honoured(said, address, [newer, key]) == name
    assert tokens.honoured(said.lower().replace("0", "o").replace("1", "l"), address, [key]) == name


@given(AT, ADDRESSES, ADDRESSES, IDS, KEYS, KEYS)
def test_a_token_for_another_address_or_of_another_key_is_not(at, address, other, message_id, key, wrong):
    assume(address != other)
    assume(key != wrong)
    said = tokens.token(tokens.submission(at, address, message_id), address, [key])
    assert tokens.honoured(said, other, [key]) == ""
    assert tokens.honoured(said, address, [wrong]) == ""
    assert tokens.honoured(said, address, []) == ""


@given(AT, ADDRESSES, IDS, KEYS, st.integers(0, 28), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_a_token_with_one_character_changed_is_not(at, address, message_id, key, place: int, character: str):
    said = tokens.token(tokens.submission(at, address, message_id), address, [key])
    assume(said[place] not in ("-", character))
    forged = said[:place] + character + said[place + 1 :]
    assert tokens.honoured(forged, address, [key]) == ""


@given(AT, ADDRESSES, IDS, KEYS, st.text(max_size=40), st.text(max_size=40), st.binary(max_size=40))
def test_a_token_is_found_where_it_was_put(at, address, message_id, key, before: str, after: str, content: bytes):
    said = tokens.token(tokens.submission(at, address, message_id), address, [key])
    subject = f"{before} [syncd {said}] {after}"
    assert said in tokens.in_subject(subject)
    assert said not in tokens.without(subject)
    made = tokens.message_id(said, content, "acme.example")
    assert tokens.in_message_ids(f"<x@y> {made}", "ACME.example") == [said]
    assert tokens.in_message_ids(made, "evil.example") == []


@given(st.text(max_size=60), st.text(max_size=20), KEYS)
def test_what_is_no_token_is_none(noise: str, address: str, key: SecretStr):
    assert tokens.honoured(noise, address, [key]) == ""
    assert tokens.arrived("not a name") is None
