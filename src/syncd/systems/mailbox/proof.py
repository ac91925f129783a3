"""Whether a mail comes from whom it says, by what our own mail server found (Authentication-Results, RFC 8601)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s;="]+)|(=)')
_OUTSIDE = re.compile(r'"(?:[^"\\]|\\.)*"?|[();]|[^"();]+', re.DOTALL)
_IN_COMMENT = re.compile(r"\\.|[()]|[^\\()]+|\\", re.DOTALL)
_METHODS = {"dkim-or-dmarc": ("dmarc", "dkim"), "dmarc": ("dmarc",), "dkim": ("dkim",), "spf": ("spf",)}
_PROPERTIES = {"dmarc": ("header.from",), "dkim": ("header.d", "header.i"), "spf": ("smtp.mailfrom",)}


@dataclass(frozen=True, slots=True)
class Result:
    """What one method found, with the properties it names."""

    method: str
    result: str
    properties: dict[str, str]


def missing(headers: Sequence[str], authserv_id: str, wanted: str, domain: str) -> str:
    """Why the sender is not proven, "" if it is.

    Only the topmost header of `authserv_id` counts: our server writes it above whatever came with the mail.

    Args:
        headers: every Authentication-Results, the topmost first.
        authserv_id: how our own server calls itself there.
        wanted: the option `sender_proof`.
        domain: of the From address.
    """
    if wanted == "none":
        return ""
    ours = next((found for found in map(_parsed, headers) if found[0] == authserv_id.lower()), None)
    if ours is None:
        return f"{authserv_id} did not say whether it checked the sender"
    methods = _METHODS[wanted]
    if any(_proves(result, domain) for result in ours[1] if result.method in methods):
        return ""
    said = ", ".join(f"{each.method}={each.result}" for each in ours[1] if each.method in methods)
    return f"{authserv_id} found {said or 'no ' + ' and no '.join(methods)} for {domain}"


def _proves(result: Result, domain: str) -> bool:
    """Whether it passed for this domain. DKIM and SPF count for the domain itself and for those below it; a name that
    is below the From address' domain proves nothing, as anybody may have got it there.
    """
    if result.result != "pass":
        return False
    named = [result.properties.get(name, "").rpartition("@")[2].rstrip(".").lower() for name in
             _PROPERTIES[result.method]]  # fmt: skip
    if result.method == "dmarc":
        return domain in named
    return any("." in name and (domain == name or domain.endswith(f".{name}")) for name in named)


def _parsed(header: str) -> tuple[str, list[Result]]:
    """The server's name and its results."""
    first, *rest = _parts(header)
    named = first.split()
    return (named[0].strip('"').lower() if named else ""), [found for each in rest if (found := _result(each))]


def _result(said: str) -> Result | None:
    tokens = [quoted or plain or sign for quoted, plain, sign in _TOKEN.findall(said)]
    signs = [place for place in range(1, len(tokens) - 1) if tokens[place] == "="]
    pairs = [(tokens[place - 1].lower(), tokens[place + 1]) for place in signs]
    if not pairs:
        return None
    (method, result), *properties = pairs
    facts: dict[str, str] = {}
    for name, value in properties:
        facts.setdefault(name, value)
    return Result(method.partition("/")[0], result.lower(), facts)


def _parts(text: str) -> list[str]:
    """What semicolons separate; comments, which may hold each other, are left out."""
    parts, depth, place = [""], 0, 0
    while place < len(text):
        found = (_IN_COMMENT if depth else _OUTSIDE).match(text, place)
        assert found is not None
        place = found.end()
        if found[0] in ("(", ")"):
            depth = max(0, depth + (1 if found[0] == "(" else -1))
        elif found[0] == ";" and not depth:
            parts.append("")
        elif not depth:
            parts[-1] += found[0]
    return parts
