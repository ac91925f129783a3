"""Declarations are fit for YAML, and each vendor's way is a few lines."""

from __future__ import annotations

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from syncd.sdk.oauth import Authorization, AuthorizationCode, ClientCredentials, Password, RefreshToken
from syncd.sdk.oauth.consent import address, answered, is_loopback
from syncd.sdk.oauth.declaration import Declared

SHOP = "https://acme.myshopify.com"
SHOPIFY = AuthorizationCode(
    authorize_url=f"{SHOP}/admin/oauth/authorize", token_url=f"{SHOP}/admin/oauth/access_token", client_id="app",
    client_secret="s3cr3t-of-the-app", scopes=("read_products", "write_files"), scope_separator=",",
    parameters={"expiring": "1"}, encoding="json", header="X-Shopify-Access-Token", prefix="", api=(SHOP,),
    redirect_uri="https://acme.example/back", pkce=False,
)  # fmt: skip


def read(text: str) -> Declared:
    return TypeAdapter(Authorization).validate_python(yaml.load(text, Loader=yaml.CBaseLoader))


def test_each_kind_is_read_from_yaml_whose_scalars_are_texts():
    common = "token_url: https://auth.example/token\nclient_id: me\nclient_secret: s3cr3t\napi: [https://api.example]\n"
    assert isinstance(read(f"kind: client-credentials\n{common}client: basic\nscopes: [a, b]"), ClientCredentials)
    assert isinstance(read(f"kind: password\n{common}username: mia\npassword: hers"), Password)
    refreshing = read(f"kind: refresh-token\n{common}refresh_token: r-1\nrenew_on: [401, 403]")
    assert isinstance(refreshing, RefreshToken)
    assert refreshing.renew_on == (401, 403)
    signing = read(f"kind: authorization-code\n{common}authorize_url: https://auth.example/a\npkce: 'false'")
    assert isinstance(signing, AuthorizationCode)
    assert not signing.pkce


@pytest.mark.parametrize("wrong", ["token_url: ftp://x", "token_url: nowhere", "api: []", "hint: x", "client: jwt"])
def test_what_is_wrong_is_refused_and_no_secret_told(wrong: str):
    lines = {"kind": "password", "token_url": "https://a.example/t", "api": "[https://b.example]", "username": "u",
             "password": "the-password"}  # fmt: skip
    key, _, value = wrong.partition(": ")
    with pytest.raises(ValidationError) as refused:
        read("\n".join(f"{name}: {text}" for name, text in {**lines, key: value}.items()))
    assert "the-password" not in str(refused.value)


def test_several_secrets_of_a_client_may_be_live():
    declared = ClientCredentials(
        token_url="https://a.example/t", client_secret=["new-secret", "old-secret"], api=["https://b.example"]
    )
    assert declared.secrets() == ["new-secret", "old-secret"]
    assert "secret" not in repr(declared).replace("client_secret", "")


def test_the_browser_is_sent_where_the_vendor_asks():
    url = address(SHOPIFY, "https://acme.example/back", "st", "v" * 50)
    assert url == (
        f"{SHOP}/admin/oauth/authorize?response_type=code&client_id=app&redirect_uri=https%3A%2F%2Facme.example%2Fback"
        "&state=st&scope=read_products%2Cwrite_files"
    )
    bound = SHOPIFY.model_copy(update={"pkce": True, "authorize": {"prompt": "consent"}})
    # The pair is that of RFC 7636, appendix B.
    url = address(bound, "http://127.0.0.1:1/", "st", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256" in url
    assert url.endswith("&prompt=consent")


@pytest.mark.parametrize(
    ("text", "code", "state"),
    [
        ("http://127.0.0.1:4711/?code=c%2F1&state=st", "c/1", "st"),
        ("  code=abc&state=st\n", "abc", "st"),
        ("?state=st&code=abc", "abc", "st"),
        ("abc==", "abc==", "given"),
        ("http://127.0.0.1:4711/?code=abc", "abc", ""),
        ("http://[oops", "", ""),
    ],
)
def test_an_answer_is_understood_as_address_query_or_bare_code(text: str, code: str, state: str):
    found = answered(SHOPIFY, text, "given")
    assert (found.code, found.state, found.error) == (code, state, "")


def test_the_vendors_own_name_of_the_code_and_its_reason_for_none_are_understood():
    amazon = SHOPIFY.model_copy(update={"code": "spapi_oauth_code"})
    assert answered(amazon, "https://x.example/?spapi_oauth_code=c-1&state=s&selling_partner_id=A1", "").code == "c-1"
    denied = answered(SHOPIFY, "http://127.0.0.1/?error=access_denied&error_description=no+way&state=s", "")
    assert (denied.code, denied.error) == ("", "access_denied no way")


@pytest.mark.parametrize(
    ("target", "own"),
    [("http://127.0.0.1:1/", True), ("http://localhost:8/x", True), ("http://[::1]:8/", True),
     ("https://127.0.0.1/", False), ("http://127.0.0.1.evil.example/", False), ("", False), ("http://[", False)],
)  # fmt: skip
def test_the_own_machine_is_told_from_others(target: str, own: bool):
    assert is_loopback(target) is own
