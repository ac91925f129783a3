"""The numbered places of a listing's images, and the attributes that hold them.

Source: amzn/selling-partner-api-models 34dc93f (2026-08-05), schemas/notifications/BrandedItemContentChangeNotification
for the attributes, models/catalog-items-api-model for the slots' names.
"""

from __future__ import annotations

import re

from syncd.errors import RejectedError

MAIN = "MAIN"
ATTRIBUTES: dict[str, str] = {
    MAIN: "main_product_image_locator",
    **{f"PT0{number}": f"other_product_image_locator_{number}" for number in range(1, 9)},
}
"""Slot → attribute, in the order shoppers see them."""
SLOTS = tuple(ATTRIBUTES)
SLOT_OF = {attribute: slot for slot, attribute in ATTRIBUTES.items()}

_LIKE_OURS = re.compile(r"(main|other)_product_image")
_LATER = re.compile(r"other_product_image_locator_\d+")


def require_known(attribute: str, where: str) -> None:
    """Raises RejectedError for what could be a locator under another name: it must not look like an empty slot."""
    if attribute in SLOT_OF or not _LIKE_OURS.match(attribute) or _LATER.fullmatch(attribute):
        return
    raise RejectedError(
        f"{where} has the attribute {attribute}, which is no image locator this version knows.",
        remedy="Nothing is written until syncd knows it: look for a newer version, or report it.",
    )
