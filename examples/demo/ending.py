"""Last act: a right ends and nobody does anything; then everything is looked at once more."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from demo import pictures, shelf
from demo.run import CLIP, COFFEE, CONNECTIONS, CUT, DOGS, EVENING, LOUNGE, RIDGE, VOUCHER, Run, clock, instant
from demo.stage import LODGE, OUTDOORS, PRODUCTS, stranger_link_stands, studio_url
from demo.tale import Delivered, Gallery, Slot, Takedown

_OUTCOMES = {
    LOUNGE: ("live, version 2", "good"), CLIP: ("live", "good"), RIDGE: ("live", "good"),
    COFFEE: ("refused: too small", "bad"), VOUCHER: ("refused: hostile", "bad"), CUT: ("rejected", "bad"),
    EVENING: ("waits for a person", "wait"), DOGS: ("was live, taken down", "wait"),
}  # fmt: skip


def end_of_right(run: Run, until: datetime) -> None:
    """Wait for the end of the right, and until the picture is verified gone everywhere."""
    run.voice.chapter("A right ends, and nobody types anything")
    url = run.url_of(DOGS, 1)
    run.shopper.may_break.add(url)
    picture = next(made.picture for made in run.tale.made if made.file == DOGS)
    run.voice.say(f"{DOGS} may be shown until {clock(until)} UTC.", indent=2)
    left, wanted = (until - datetime.now(UTC)).total_seconds(), dict.fromkeys(CONNECTIONS, "gone")
    run.books.until(f"{DOGS} is gone everywhere", lambda: run.books.states(DOGS) == wanted, max(left, 0) + 120)
    rows = {p["connection"]: p for p in run.books.placements(DOGS)}
    receipts = {name: run.books.receipts(row)[-1] for name, row in rows.items()}
    places = []
    for name, title in CONNECTIONS.items():
        at, evidence = instant(rows[name]["gone_at"]), receipts[name]["evidence"]
        words = f"gone at {clock(at)}, {(at - until).total_seconds():.1f} s after the end"
        places.append((title, words, f"Receipt: {evidence}"))
        run.voice.item("gone", title, f"{words}; receipt: {evidence}")
    _check_gone(run, url)
    _check_reasons(run, until, rows, receipts)
    last = max(row["gone_at"] for row in rows.values())
    steps = ((clock(rows["shop-feed"]["live_at"]), "Live in the shop, read back."), (clock(until), "The right ends."),
             (clock(last), "Gone everywhere, and looked at again."))  # fmt: skip
    run.tale.takedown = Takedown(DOGS, picture, "mappings/terms/creator-2026.pdf", until, steps, tuple(places))


def _check_gone(run: Run, url: str) -> None:
    """What anybody can see from outside."""
    check, status = run.tale.check, run.shopper.status(url)
    check("After its right ended it is not in the feed", url not in run.shopper.ours(LODGE), "the feed, parsed again")
    check("Its address answers 410 Gone", status == 410, f"HTTP {status}: {url}")
    folder = run.stage.dam / run.books.the(DOGS)["asset_id"]
    current, archived = sorted(folder.glob("*.jpg")), sorted((folder / "archive").glob("*.jpg"))
    check("The library shows it no more", not current and len(archived) == 1,
          f"current: {len(current)}, archived: {len(archived)}")  # fmt: skip
    links = run.links_of(DOGS)
    check("The catalogue links to it no more", not links, f"links in product-media.csv: {len(links)}")


def _check_reasons(
    run: Run, until: datetime, rows: dict[str, dict[str, str]], receipts: dict[str, dict[str, str]]
) -> None:
    """What the ledger says of it."""
    check, kinds = run.tale.check, {name: receipt["kind"] for name, receipt in receipts.items()}
    check("Every place has a receipt of its being gone", set(kinds.values()) == {"gone"},
          ", ".join(f"{name}: {kind}" for name, kind in kinds.items()))  # fmt: skip
    causes = {row["cause"] for row in rows.values()}
    check("The recorded cause is the end of the grant", causes == {"grant_ended"}, ", ".join(sorted(causes)))
    first = min(instant(row["gone_at"]) for row in rows.values())
    check("It did not leave before its right ended", first >= until, f"{clock(first)} against {clock(until)} UTC")


# --- everything once more ---------------------------------------------------------------------------------------------


def look_again(run: Run) -> None:
    """What stands where at the end, what was never touched, and whether the trail holds."""
    run.voice.chapter("What is live where")
    for name in (LOUNGE, CLIP, RIDGE):
        shelf.note_rendition(run, name, 2 if name == LOUNGE else 1)
    for sku in (LODGE, OUTDOORS):
        _gallery(run, sku)
    run.voice.say(f"Feed: {run.shopper.feed_url} (and .tsv), open while this runs.", indent=2)
    _untouched(run)
    run.voice.command("syncd status", run.daemon.command("status"))
    run.voice.command("syncd audit verify", run.daemon.command("audit", "verify"))
    run.tale.check("The trail of events verifies", bool(run.books.get("/audit/verification")["intact"]),
                   "syncd audit verify")  # fmt: skip
    for name, arrival in run.arrivals.items():
        outcome, tone = _OUTCOMES[name]
        run.tale.delivered.append(Delivered(name, arrival.by, arrival.way, outcome, tone, arrival.picture))


def _gallery(run: Run, sku: str) -> None:
    item = run.shopper.look().items[sku]
    ours = {run.url_of(name, 2 if name == LOUNGE else 1): name for name in (LOUNGE, CLIP, RIDGE)}
    slots = []
    for number, url in enumerate(item.media, 1):
        whose, caption = ("syncd", ours[url]) if url in ours else ("the studio", "studio picture")
        slots.append(Slot(number, whose, caption, url, pictures.of_bytes(run.shopper.fetch(url))))
        run.voice.item(f"slot {number}", f"{sku}, by {whose}", f"{caption}  {url}")
    wanted = [url for url, name in ours.items() if (name == LOUNGE) == (sku == LODGE)]
    right = set(item.media) == {studio_url(run.media_url, sku), *wanted}
    run.tale.check(f"{sku} shows exactly what it should", right, f"{len(slots)} media in the published feed")
    names = [name for name in ours.values() if (name == LOUNGE) == (sku == LODGE)]
    library = [f"dam/{p['external_id']}" for n in names for p in run.books.placements(n)
               if p["connection"] == "dam" and p["state"] == "live"]  # fmt: skip
    links = [",".join(line.split(",")[:2]) for name in names for line in run.links_of(name)]
    held = all((run.stage.root / path).is_file() for path in library)
    run.tale.check(f"Library and catalogue hold the media of {sku}", held and len(library) == len(links) == len(names),
                   f"files in dam/: {len(library)}, links in product-media.csv: {len(links)}")  # fmt: skip
    run.tale.galleries.append(Gallery(sku, PRODUCTS[sku].title, tuple(slots), tuple(library), tuple(links)))


def _untouched(run: Run) -> None:
    """What others own: in the feed, on their server, in the library and in the catalogue."""
    first = [(sku, studio_url(run.media_url, sku)) for sku in (LODGE, OUTDOORS)]
    kept = run.shopper.always(lambda look: all(look.items[s].images[0] == url for s, url in first), run.live_since)
    run.tale.check("The studio's pictures stood first at every look", kept, f"{len(run.shopper.looks)} looks")
    for sku, url in first:
        same = run.shopper.fingerprint(url) == run.stage.studio_hashes[sku]
        run.tale.check(f"The studio's picture of {sku} is the same to the byte", same, url)
        picture = pictures.of_file(run.stage.studio_picture(sku))
        run.tale.untouched.append((f"The studio’s picture of {PRODUCTS[sku].title}", "First in the shop’s gallery, "
                                   "before and after, with the same address and the same bytes.", picture))  # fmt: skip
    link, note = stranger_link_stands(run.stage), run.stage.stranger_in_dam
    run.tale.check("A link somebody else made stands in the catalogue", link, "product-media.csv, to the byte")
    run.tale.untouched.append(
        ("A link in the catalogue’s media file", "Made by the studio; the row stands as it was.", "")
    )
    unchanged = note.is_file() and hashlib.sha256(note.read_bytes()).hexdigest() == run.stage.stranger_hash
    run.tale.check("A file somebody else put into the library is still there", unchanged, f"dam/{note.name}")
    run.tale.untouched.append(
        (f"A file in the library: {note.name}", "Put there by the archive team; still there.", "")
    )
    run.tale.check("Whatever the shop listed could be fetched, at every look", not run.shopper.broken,
                   run.shopper.broken[0] if run.shopper.broken else f"{len(run.shopper.looks)} looks")  # fmt: skip
    run.voice.item("untouched", "media of others", "studio pictures, a link, a file in the library: as they were")
