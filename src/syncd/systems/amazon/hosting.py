"""Where an image in a locator is kept: under our public address, or by Amazon, which copies what it takes in. Pure.

Assumption (not in Amazon's documents; seen in live listings that others published): a locator gives back the address
that was submitted until Amazon has taken the picture in, and Amazon's own address from then on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# `71w+9P0MvoL` in https://m.media-amazon.com/images/I/71w+9P0MvoL._SL500_.jpg
_IMAGE = re.compile(r"/images/[A-Z]/([\w+%-]+)\.")
_STAGED = "s3://selling-partner-listings-api-media-staging"  # seen in amzn/selling-partner-api-docs#2724, 2022-11-14


@dataclass(frozen=True, slots=True)
class Hosting:
    """Tells our addresses from all others by what they begin with, `https://syncd.acme.example/m/`."""

    prefix: str

    def name_of(self, location: str) -> str:
        """The public name in an address of ours, "" in any other."""
        return location.removeprefix(self.prefix) if location.startswith(self.prefix) else ""

    def id_of(self, slot: str, location: str) -> str:
        """What we call an image: by its address at Amazon; while that is still ours, by the slot it was put into."""
        return slot if self.name_of(location) else location


def is_staged(location: str) -> bool:
    """Whether Amazon has the picture, and does not show it yet."""
    return location.startswith(_STAGED)


def is_copy(location: str) -> bool:
    """Whether an address is one that Amazon gave a picture it took in."""
    return bool(image_id(location)) or is_staged(location)


def image_id(location: str) -> str:
    """Amazon's own name of an image it keeps, whatever its size; "" if it is not Amazon that keeps it."""
    found = _IMAGE.search(location)
    return found[1] if found else ""
