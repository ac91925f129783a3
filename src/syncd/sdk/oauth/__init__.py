"""OAuth 2 for systems: declare how tokens are asked for; fetching, keeping and renewing them is the framework's."""

from syncd.sdk.oauth.declaration import (
    MAIN,
    Authorization,
    AuthorizationCode,
    ClientCredentials,
    Password,
    RefreshToken,
)

__all__ = ["MAIN", "Authorization", "AuthorizationCode", "ClientCredentials", "Password", "RefreshToken"]
