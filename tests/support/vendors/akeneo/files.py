"""Files as Akeneo keeps them: named by a hash and what they were called; the same file is kept once."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from tests.support.vendors.akeneo.refusal import Refusal


def parts_of(content_type: str, body: bytes) -> dict[str, Any]:
    """The fields of a form, and its `file` as (name, media type, bytes)."""
    boundary = content_type.partition("boundary=")[2].encode()
    assert body.endswith(b"\r\n--" + boundary + b"--\r\n"), "the form is cut off"
    found: dict[str, Any] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        said = head.decode()
        name = re.search(r' name="([^"]*)"', said)
        file = re.search(r' filename="([^"]*)"', said)
        kind = re.search(r"Content-Type: (\S+)", said)
        assert name is not None
        found[name[1]] = (file[1], kind[1] if kind else "", content) if file else content.decode()
    return found


class Files:
    """All files of a PIM, by the code it gave them."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, bytes]] = {}

    def keep(self, form: dict[str, Any]) -> str:
        """Store the file of a form; its code."""
        if "file" not in form:
            raise Refusal(422, 'Property "file" is required.')
        name, _, content = form["file"]
        for code, kept in self.kept.items():
            if kept == (name, content):
                return code
        return self.add(name, content)

    def add(self, name: str, content: bytes) -> str:
        """Have a file that somebody else sent; its code."""
        unique = hashlib.sha1(f"{name}{len(self.kept)}".encode(), usedforsecurity=False).hexdigest()
        clean = re.sub(r"[^A-Za-z0-9.]", "_", name)
        if len(clean) > 100:
            clean = f"{clean[:95]}.{clean.rpartition('.')[2]}"
        code = f"{unique[0]}/{unique[1]}/{unique[2]}/{unique[3]}/{unique}_{clean}"
        self.kept[code] = (name, content)
        return code
