"""Who acts: commands and API calls name a person, who must be one that the configuration knows."""

from __future__ import annotations

from syncd.config.bundle import Bundle
from syncd.errors import RejectedError


class UnknownPerson(RejectedError):
    """Give the mail address of somebody in mappings/people.yaml (`--as MAIL`)."""

    code = "person.unknown"


def acting(bundle: Bundle, mail: str, brand: str) -> str:
    """The person's mail address as the configuration writes it.

    Raises:
        UnknownPerson: the configuration knows nobody of this address, or not for this brand.
    """
    for known, person in bundle.people.items():
        if known.lower() == mail.lower() and person.brand in (None, brand):
            return known
    raise UnknownPerson(f"{mail or 'Nobody'} is not a person of {brand}.")
