"""Files of ours, told by their name: Shopify keeps it in the file's address."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

_MARK = "syncd-"
# What Shopify puts before the extension where a name is taken (FileCreateInput.duplicateResolutionMode, APPEND_UUID).
_COPY = re.compile(r"_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=\.[^.]*$|$)")


def file_name(public_name: str) -> str:
    """What a media item of ours is called among the shop's files."""
    return f"{_MARK}{public_name}"


def public_name(address: str) -> str:
    """Our public name of a file at an address or of a file name; "" if the file is not ours."""
    name = unquote(urlsplit(address).path.rpartition("/")[2])
    return _COPY.sub("", name.removeprefix(_MARK)) if name.startswith(_MARK) else ""
