from __future__ import annotations

import re

import pytest

from syncd.web.auth import Scope, digest_of, mint


def test_a_token_carries_its_id_and_only_its_digest_is_for_storing() -> None:
    token = mint()
    assert re.fullmatch(r"syncd_[0-9a-f]{8}_[0-9a-f]{64}", token.text)
    assert token.text.split("_")[1] == token.id
    assert token.digest == digest_of(token.text)
    assert token.text.split("_")[2] not in token.digest


def test_tokens_differ() -> None:
    assert len({mint().text for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("held", "may"),
    [(Scope.READ, {"read"}), (Scope.OPERATE, {"read", "operate"}), (Scope.ADMIN, {"read", "operate", "admin"})],
)
def test_each_scope_includes_those_below_it(held: Scope, may: set[str]) -> None:
    assert {scope.value for scope in Scope if held.allows(scope)} == may
