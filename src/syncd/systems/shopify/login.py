"""How tokens of the Admin API are had: https://shopify.dev/docs/apps/build/authentication-authorization, 2026-11."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.sdk.oauth.declaration import MAIN, Authorization, AuthorizationCode, ClientCredentials
from syncd.systems.shopify.options import ShopifyOptions

TOKEN_HEADER = "X-Shopify-Access-Token"  # noqa: S105  # a header's name
SCOPES = ("read_products", "write_products", "read_files", "write_files")


def declared(options: ShopifyOptions) -> Mapping[str, Authorization]:
    """What the connection logs in with; nothing where it was given a token that does not end."""
    if options.access_token is not None:
        return {}
    origin = f"https://{options.shop}"
    common: dict[str, Any] = {
        "token_url": f"{origin}/admin/oauth/access_token",
        "client_id": options.client_id,
        "client_secret": options.client_secret,
        "encoding": "json",
        "api": (origin,),
        "header": TOKEN_HEADER,
        "prefix": "",
    }
    if options.login == "client-credentials":
        return {MAIN: ClientCredentials(**common)}
    return {
        MAIN: AuthorizationCode(
            **common,
            authorize_url=f"{origin}/admin/oauth/authorize",
            redirect_uri=options.redirect_uri,
            scopes=SCOPES,
            scope_separator=",",
            pkce=False,
            # Offline tokens that end and are renewed, which public apps must use from 2027-01-01.
            parameters={"expiring": "1"},
        )
    }
