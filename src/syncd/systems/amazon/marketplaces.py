"""Amazon's marketplaces, and the hosts and AWS regions that serve them. Dated data."""

from __future__ import annotations

from dataclasses import dataclass

SOURCE = "developer-docs.amazon.com/sp-api/docs/marketplace-ids and /sp-api-endpoints"
DATED = "2026-11-23"


@dataclass(frozen=True, slots=True)
class Region:
    """A selling region: a refresh token and an endpoint belong to one."""

    name: str
    endpoint: str


NA = Region("North America", "https://sellingpartnerapi-na.amazon.com")
EU = Region("Europe", "https://sellingpartnerapi-eu.amazon.com")
FE = Region("Far East", "https://sellingpartnerapi-fe.amazon.com")

MARKETPLACES: dict[str, tuple[str, Region]] = {
    "A2EUQ1WTGCTBG2": ("CA", NA),
    "ATVPDKIKX0DER": ("US", NA),
    "A1AM78C64UM0Y8": ("MX", NA),
    "A2Q3Y263D00KWC": ("BR", NA),
    "A28R8C7NBKEWEA": ("IE", EU),
    "A1RKKUPIHCS9HS": ("ES", EU),
    "A1F83G8C2ARO7P": ("UK", EU),
    "A13V1IB3VIYZZH": ("FR", EU),
    "AMEN7PMS3EDWL": ("BE", EU),
    "A1805IZSGTT6HS": ("NL", EU),
    "A1PA6795UKMFR9": ("DE", EU),
    "APJ6JRA9NG5V4": ("IT", EU),
    "A2NODRKZP88ZB9": ("SE", EU),
    "AE08WJ6YKNBMC": ("ZA", EU),
    "A1C3SOZRARQ6R3": ("PL", EU),
    "ARBP9OOSHTCHU": ("EG", EU),
    "A33AVAJ2PDY3EV": ("TR", EU),
    "A17E79C6D8DWNP": ("SA", EU),
    "A2VIGQ35RCS4UG": ("AE", EU),
    "A21TJRUUN4KGV": ("IN", EU),
    "A19VAU5U5O7RUS": ("SG", FE),
    "A39IBJ37TRP1C6": ("AU", FE),
    "A1VC38T7YXB528": ("JP", FE),
}
"""Country and region of each marketplace, by its id."""


def region_of(marketplaces: tuple[str, ...]) -> Region | None:
    """The one region that serves all of these; None if there is no such region, or an id is not known."""
    regions = {MARKETPLACES[each][1] if each in MARKETPLACES else None for each in marketplaces}
    return regions.pop() if len(regions) == 1 else None
