"""Login with Amazon: how access tokens are asked for, those of the seller's grant and the application's own.

A token that has ended is answered with 403, as a missing role is. Sources:
developer-docs.amazon.com/sp-api/docs/connecting-to-the-selling-partner-api and amzn/selling-partner-api-models#4122,
2026-11-23.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.sdk.oauth import MAIN, Authorization, ClientCredentials, RefreshToken
from syncd.systems.amazon.options import AmazonOptions

NOTIFICATIONS = "notifications"
"""The login for operations that need no seller's grant: those of destinations."""


def logins(options: AmazonOptions) -> Mapping[str, Authorization]:
    """What a connection logs in with, by name."""
    client: dict[str, Any] = {
        "token_url": "https://api.amazon.com/auth/o2/token",
        "client_id": options.client_id,
        "client_secret": options.client_secret,
        "api": (options.api,),
        "header": "x-amz-access-token",
        "prefix": "",
        "renew_on": (401, 403),
    }
    return {
        MAIN: RefreshToken(**client, refresh_token=options.refresh_token),
        NOTIFICATIONS: ClientCredentials(**client, scopes=("sellingpartnerapi::notifications",)),
    }
