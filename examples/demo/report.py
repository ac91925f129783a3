"""Tells the tale on one page that needs nothing else: no script, no network, pictures inside."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape as e
from pathlib import Path

from demo.stage import PHOTOGRAPHS
from demo.tale import Check, Gallery, Replacement, Takedown, Tale

_CSS = Path(__file__).with_name("report.css")
_LEAD = (
    "syncd takes what creators deliver, refuses what cannot be used, asks people, finds the product, makes what each "
    "channel wants, and puts it live in the library, the catalogue and the shop. When a right ends, it takes it down "
    "everywhere and looks that it is gone. Below is one run of the real daemon, with real photographs."
)


def write(path: Path, tale: Tale) -> None:
    """Write the report.

    Args:
        path: of the HTML file.
        tale: what happened, complete or not.
    """
    path.write_text(_page(tale), encoding="utf-8")


def _page(tale: Tale) -> str:
    sections = [
        _delivered(tale), _refused(tale), _decided(tale), _matched(tale), _planned(tale), _made(tale), _live(tale),
        _replaced(tale.replacement), _taken_down(tale.takedown), _waiting(tale), _untouched(tale), _checks(tale.checks),
    ]  # fmt: skip
    told = "\n".join(_section(number, *section) for number, section in enumerate(filter(None, sections), 1))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>syncd: from a creator's file to the shop, and out again</title>
<style>
{_CSS.read_text()}</style>
</head>
<body>
<main>
<header>
<h1>From a creator’s file to the shop, and out again</h1>
<p class="lead">{_LEAD}</p>
{_verdict(tale)}
{_way(tale)}
</header>
{told}
{_footer(tale)}
</main>
</body>
</html>
"""


def _verdict(tale: Tale) -> str:
    held, count = sum(check.held for check in tale.checks), len(tale.checks)
    if tale.told:
        seconds = f"{tale.took:.0f} seconds"
        return f'<p class="verdict good">All of it happened: {count} of {count} checks held, in {seconds}.</p>'
    why = f" {e(tale.failure.splitlines()[0])}" if tale.failure else ""
    return f'<p class="verdict bad">Not all of it happened: {held} of {count} checks held.{why}</p>'


def _way(tale: Tale) -> str:
    ours = sum(slot.whose == "syncd" for gallery in tale.galleries for slot in gallery.slots)
    approved = sum(one.verdict == "approve" for one in tale.decided)
    counts = [
        (len(tale.delivered), "delivered", "delivered"),
        (len(tale.refused), "refused by checks", "refused"),
        (approved, "approvals by people", "decided"),
        (len(tale.decided) - approved, "rejected by a person", "decided"),
        (len(tale.made), "renditions made", "made"),
        (ours, "live in the shop", "live"),
        (int(tale.takedown is not None), "taken down, verified", "down"),
        (len(tale.waiting), "waiting for a person", "waiting"),
    ]
    items = "".join(f'<li><a href="#{at}"><b>{count}</b><span>{what}</span></a></li>' for count, what, at in counts)
    return f'<ul class="way">{items}</ul>'


def _section(number: int, anchor: str, title: str, note: str, content: str) -> str:
    return (
        f'<section id="{anchor}"><span class="number">{number}</span><h2>{title}</h2>'
        f'<p class="note">{note}</p>\n{content}</section>'
    )


_Section = tuple[str, str, str, str]


def _delivered(tale: Tale) -> _Section:
    cards = [
        _card(
            one.picture, one.file,
            f'<p class="small">{e(one.by)}<br>{e(one.way)}</p><div class="push">{_tag(one.tone, one.outcome)}</div>',
        )
        for one in tale.delivered
    ]  # fmt: skip
    note = (
        "Creators put files into a watched folder, each with a small sidecar that says who made it and on what terms. "
        "One sends a signed webhook instead, and syncd fetches the picture itself."
    )
    return "delivered", "Delivered", note, _cards(cards)


def _refused(tale: Tale) -> _Section:
    cards = [
        _card(
            one.picture, one.file,
            f"<p>{e(one.why)}</p>"
            + _facts([("Rule", f"<code>{e(one.rule)}</code>"), ("Measured", e(one.measured)), ("Limit", e(one.limit))])
            + f'<p class="small push">The creator reads: “{e(one.creator_reads)}”</p>',
        )
        for one in tale.refused
    ]  # fmt: skip
    note = "Every file is opened in a fenced-off process and checked against each channel’s spec before people look."
    return "refused", "Refused by checks, and why", note, _cards(cards, wide=True)


def _decided(tale: Tale) -> _Section:
    rows = []
    for one in tale.decided:
        tone, word = ("good", "approved") if one.verdict == "approve" else ("bad", "rejected")
        reason = f'<p class="small">{e(one.reason)}</p>' if one.reason else ""
        rows.append(
            _row(
                one.picture, one.file,
                f"<h3>{e(one.file)}, version {one.version}</h3><p>{_tag(tone, word)} by {e(one.person)}</p>{reason}",
            )
        )  # fmt: skip
    note = "A rule says who is asked. Each decision is bound to one version: a newer one has to be looked at again."
    return "decided", "Approved, or not, by named people", note, _rows(rows, two=True)


def _matched(tale: Tale) -> _Section:
    rows = [
        _row(
            one.picture, one.file,
            f"<h3>{e(one.file)}</h3><p>shows <strong>{e(one.product)}</strong> ({e(one.sku)})</p>"
            f'<p class="small">rule “{e(one.rule)}” <code>{e(one.location)}</code></p>',
        )
        for one in tale.matched
    ]  # fmt: skip
    note = (
        "The first rule in <code>mappings/match.yaml</code> that finds exactly one known product decides. No guessing."
    )
    return "matched", "Matched to a product, by which rule", note, _rows(rows, two=True)


def _planned(tale: Tale) -> _Section | None:
    if not tale.plan:
        return None
    note = "A new connection writes nothing until a person has seen its first plan and applied it."
    return "plan", "Planned, then applied", note, f"<pre>{e(tale.plan.rstrip())}</pre>"


def _made(tale: Tale) -> _Section:
    cards = [
        _card(
            one.picture, one.spec,
            f'<p class="small">{one.width} × {one.height} px, {one.size / 1000:,.0f} kB<br>{e(one.media_type)}</p>'
            f'<p class="small push">from {e(one.file)}</p>',
            square=True,
        )
        for one in tale.made
    ]  # fmt: skip
    note = (
        "What each channel wants, made once and named by its hash. Location data are dropped, rights are kept inside."
    )
    return "made", "Renditions made", note, _cards(cards)


def _live(tale: Tale) -> _Section:
    note = (
        "Read back from the published feed, as a shopper’s machine sees it. The addresses answer while the demo runs. "
        "The studio’s own picture stays first, where it was."
    )
    return "live", "What is live where", note, "".join(_gallery(gallery) for gallery in tale.galleries)


def _gallery(gallery: Gallery) -> str:
    cards = [
        _card(
            slot.picture, f"{slot.number}. {slot.caption}",
            f'<div>{_tag("good" if slot.whose == "syncd" else "other", slot.whose)}</div>'
            f'<p class="small push"><code>{e(_short(slot.url))}</code></p>',
            square=True,
        )
        for slot in gallery.slots
    ]  # fmt: skip
    library = "".join(f"<dd><code>{e(path)}</code></dd>" for path in gallery.library)
    links = "".join(f"<dd><code>{e(link)}</code></dd>" for link in gallery.links)
    return (
        f'<div class="gallery"><h3>{e(gallery.product)} <span class="small">{e(gallery.sku)}</span></h3>{_cards(cards)}'
        f'<dl class="facts"><dt>Library</dt><div>{library}</div><dt>Catalogue</dt><div>{links}</div></dl></div>'
    )


def _replaced(found: Replacement | None) -> _Section | None:
    if found is None:
        return None
    pair = (
        '<div class="pair">' + _figure(found.old_picture, f"{found.file}, version 1") + '<span class="arrow">→</span>'
        + _figure(found.new_picture, f"{found.file}, version 2") + "</div>"
    )  # fmt: skip
    note = "The same creator sends a better file of the same name. The new one stands before the old one leaves."
    return "replaced", "Replaced everywhere by a new version", note, pair + _steps(found.steps)


def _taken_down(found: Takedown | None) -> _Section | None:
    if found is None:
        return None
    caption = f"{found.file}, used under {found.document} until {found.until:%H:%M:%S} UTC"
    rows = [
        _row("", "", f"<h3>{e(place)}</h3><p>{e(what)}</p><p class=\"small\">{e(evidence)}</p>", bare=True)
        for place, what, evidence in found.places
    ]  # fmt: skip
    content = (
        f'<div class="side"><div class="gone">{_figure(found.picture, caption)}</div>{_steps(found.steps)}</div>'
        f'<p class="note">Gone means looked at again, not “the request was answered”. The receipts:</p>{_rows(rows)}'
    )
    note = "These terms ended during the demo. Nobody pressed a button."
    return "down", "Taken down when the right ended, and verified gone", note, content


def _waiting(tale: Tale) -> _Section:
    cards = [
        _card(
            one.picture, one.file,
            f"<p>{e(one.reason)}</p>"
            + _facts([("Owner", e(one.owner)), ("Choices", e(", ".join(one.choices)))])
            + f'<p class="small push">{_marked(one.remedy)}</p>',
        )
        for one in tale.waiting
    ]  # fmt: skip
    note = (
        "What cannot be decided by rule goes to its owner with a reason and what to type. It is never guessed or lost."
    )
    return "waiting", "Waiting for a person", note, _cards(cards, wide=True)


def _untouched(tale: Tale) -> _Section:
    rows = [
        _row(picture, "", f"<h3>{e(what)}</h3><p>{e(how)}</p>", bare=not picture)
        for what, how, picture in tale.untouched
    ]
    note = "Media that others placed are never moved, replaced or removed."
    return "untouched", "Untouched: what belongs to somebody else", note, _rows(rows)


def _checks(checks: Iterable[Check]) -> _Section:
    items = "".join(
        f"<li{'' if one.held else ' class=not'}>{e(one.what)}<small>{e(one.evidence)}</small></li>" for one in checks
    )
    note = "Each looked up afterwards in the published feed, over HTTP, on disk or in the API."
    return "checks", "What had to happen", note, f'<ul class="checks">{items}</ul>'


def _footer(tale: Tale) -> str:
    lines = (PHOTOGRAPHS / "ATTRIBUTION.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")][1:]
    credits = "".join(f"<li>{e(name)}: {e(by)}, {_linked(licence)}</li>" for name, _, by, licence in rows)
    return (
        f"<footer><p>Made by <code>make demo</code> on {tale.began:%d %B %Y, %H:%M} UTC. Acme, its people and products "
        "are invented. Previews are reduced in size.</p><p>Photographs and video, with thanks; some were cropped or "
        f"brightened here:</p><ul>{credits}</ul></footer>"
    )


# --- parts ------------------------------------------------------------------------------------------------------------


def _cards(cards: Iterable[str], *, wide: bool = False) -> str:
    return f'<div class="cards{" wide" if wide else ""}">{"".join(cards)}</div>'


def _card(picture: str, title: str, content: str, *, square: bool = False) -> str:
    frame = _frame(picture, title, "square whole" if square else "")
    return f'<article class="card">{frame}<div class="body"><h3>{_breakable(title)}</h3>{content}</div></article>'


def _frame(picture: str, alt: str, extra: str = "") -> str:
    inner = f'<img src="{picture}" alt="{e(alt)}">' if picture else f'<span class="none">{e(alt)}</span>'
    return f'<div class="frame {extra}">{inner}</div>'


def _figure(picture: str, caption: str) -> str:
    return f"<figure>{_frame(picture, caption, 'square whole')}<figcaption>{e(caption)}</figcaption></figure>"


def _rows(rows: Iterable[str], *, two: bool = False) -> str:
    return f'<div class="rows{" two" if two else ""}">{"".join(rows)}</div>'


def _row(picture: str, alt: str, content: str, *, bare: bool = False) -> str:
    if bare:
        return f'<div class="row" style="grid-template-columns: 1fr"><div>{content}</div></div>'
    return f'<div class="row">{_frame(picture, alt)}<div>{content}</div></div>'


def _steps(steps: Iterable[tuple[str, str]]) -> str:
    return '<ol class="steps">' + "".join(f"<li><time>{e(at)}</time>{e(what)}</li>" for at, what in steps) + "</ol>"


def _facts(pairs: Iterable[tuple[str, str]]) -> str:
    return '<dl class="facts">' + "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in pairs) + "</dl>"


def _tag(tone: str, words: str) -> str:
    return f'<span class="tag {tone}">{e(words)}</span>'


def _marked(text: str) -> str:
    """Words in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", e(text))


def _linked(text: str) -> str:
    """A Markdown link as HTML."""
    return re.sub(r"\[([^]]+)\]\(([^)]+)\)", r'<a href="\2">\1</a>', e(text))


def _short(url: str) -> str:
    """The path of an address, long names cut in the middle."""
    path = "/" + url.split("://", 1)[-1].split("/", 1)[-1]
    return path if len(path) <= 26 else f"{path[:12]}…{path[-12:]}"


def _breakable(name: str) -> str:
    """A file name that may wrap after its underscores."""
    return e(name).replace("_", "_<wbr>")
