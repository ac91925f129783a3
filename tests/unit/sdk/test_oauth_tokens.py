"""What an answer says of tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.sdk.oauth.tokens import AHEAD, Tokens, of_answer
from syncd.testing.clock import START


@pytest.mark.parametrize(("life", "ahead"), [(3600, 60), (900, 60), (600, 60), (60, 6), ("86400", 60), (1.5, 0.15)])
def test_a_token_is_replaced_ahead_of_its_end(life: Any, ahead: float):
    tokens = of_answer({"access_token": "a", "expires_in": life}, {}, START)
    assert tokens
    assert tokens.expires_at == START + timedelta(seconds=float(life))
    assert tokens.renew_at == tokens.expires_at - timedelta(seconds=ahead)


@pytest.mark.parametrize("life", [None, 0, -1, "", "soon", "nan", "inf", [], {}])
def test_a_life_that_means_nothing_is_no_end(life: Any):
    tokens = of_answer({"access_token": "a", "refresh_token": None, "expires_in": life}, {}, START)
    assert tokens == Tokens("a")
    assert tokens.valid(START + timedelta(days=9999))
    assert not tokens.due(START + timedelta(days=9999))


@pytest.mark.parametrize("answer", [{}, {"access_token": ""}, {"access_token": None}, {"accessToken": "a"}])
def test_an_answer_without_an_access_token_holds_none(answer: dict[str, Any]):
    assert of_answer(answer, {}, START) is None


def test_a_vendors_own_names_are_understood():
    names = {"access_token": "accessToken", "refresh_token": "refreshToken", "expires_in": "expiresIn"}
    tokens = of_answer({"accessToken": "a", "refreshToken": "r", "expiresIn": 100}, names, START)
    assert tokens == Tokens("a", "r", START + timedelta(seconds=100), START + timedelta(seconds=90))


def test_a_refresh_token_that_is_not_replaced_holds_on():
    former = Tokens("a", "r", origin="o", version=3)
    assert Tokens("b").following(former) == Tokens("b", "r", origin="o")
    assert Tokens("b", "s").following(former) == Tokens("b", "s", origin="o")


def test_no_token_is_shown():
    assert "secret" not in repr(Tokens("secret-a", "secret-r", START))


texts = st.text(min_size=1, max_size=60)


@settings(deadline=None)
@given(texts, texts, st.one_of(st.none(), st.integers(-5, 10**12), st.floats()), st.integers(0, 10**6))
def test_what_was_understood_is_read_back_and_is_due_before_it_ends(access: str, refresh: str, life: Any, later: int):
    tokens = of_answer({"access_token": access, "refresh_token": refresh, "expires_in": life}, {}, START)
    assert tokens
    assert Tokens.from_json(tokens.as_json(), 7) == Tokens(
        access, refresh, tokens.expires_at, tokens.renew_at, tokens.origin, 7
    )
    if tokens.expires_at and tokens.renew_at:
        assert timedelta() <= tokens.expires_at - tokens.renew_at <= AHEAD
    now = START + timedelta(seconds=later)
    assert tokens.valid(now) or tokens.due(now), "one that does not hold any more is to be replaced"
