"""Third act: the first plan is read and applied, and a new version takes the place of an old one."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

from demo import desk, pictures
from demo.run import CLIP, DOGS, LOUNGE, MIA, RIDGE, Run, clock, instant
from demo.shopper import Look
from demo.stage import LODGE
from demo.tale import Made, Replacement

FIRST = (LOUNGE, CLIP, RIDGE)
_LEAST = 8.0  # seconds that the dated right lasts at least


def plan_and_apply(run: Run) -> None:
    """Nothing is written before a person applied the first plan; then it is, and is read back."""
    run.voice.chapter("The first plan, read and applied")
    shown = run.shopper.look().items
    sent = [p for name in FIRST for p in run.books.placements(name) if p["state"] != "planned"]
    run.tale.check("Nothing is written before a person applied the first plan", not shown and not sent,
                   f"items in the published feed: {len(shown)}, media sent: {len(sent)}")  # fmt: skip
    run.tale.plan = run.daemon.command("plan")
    run.voice.command("syncd plan", run.tale.plan)
    plan, applied = run.books.all("/plans")[0]["id"], time.monotonic()
    run.voice.command(f"syncd apply {plan}", run.daemon.command("apply", plan))
    for name in FIRST:
        run.until_live(name)
        run.voice.item("live", name, "in the library, the catalogue and the shop, each read back")
    run.live_since = time.monotonic()
    run.live_in = run.live_since - applied
    run.shopper.watch()


def replace(run: Run) -> datetime:
    """A better version arrives, and with it a picture whose right ends in a moment.

    Returns:
        when that right ends.
    """
    run.voice.chapter("A better version, and a picture with little time")
    old = run.url_of(LOUNGE, 1)
    before = pictures.of_bytes(run.shopper.fetch(old))
    at = datetime.now(UTC)
    run.drop("lounge-2.jpg", LOUNGE, MIA, "creator-2026")
    until = _drop_dated(run)
    run.books.until("version 2 and the dated picture were checked", lambda: _second_in_review(run))
    desk.say(run, [(LOUNGE, desk.TOM, ""), (DOGS, desk.TOM, ""), (DOGS, desk.LIV, "")])
    _live_in_time(run, until)
    _replaced(run, old, before, at)
    return until


def _drop_dated(run: Run) -> datetime:
    """Its right lasts a little longer than all that this machine needed to bring the first pictures live."""
    lasts = max(_LEAST, run.reviewed_in + run.decided_in + run.live_in + 4)
    until = (datetime.now(UTC) + timedelta(seconds=lasts + 1)).replace(microsecond=0)
    fields = {"rights_until": until.isoformat()}
    run.drop("friends.jpg", DOGS, MIA, "creator-dated", brief="autumn-lodge", fields=fields)
    run.voice.item("", "", f"its right ends at {clock(until)} UTC, in {lasts:.0f} s")
    return until


def _second_in_review(run: Run) -> bool:
    second = run.books.version(LOUNGE, 2)
    return second is not None and second["status"] == "in_review" and run.books.status(DOGS) == "in_review"


def _live_in_time(run: Run, until: datetime) -> None:
    run.until_live(DOGS)
    url = run.url_of(DOGS, 1)
    listed = url in run.shopper.ours(LODGE) and run.shopper.status(url) == 200
    now = datetime.now(UTC)
    run.voice.item("live", DOGS, f"everywhere, {(until - now).total_seconds():.1f} s before its right ends")
    run.tale.check("The dated picture is live before its right ends", listed and now < until,
                   f"seen in the feed at {clock(now)}, right until {clock(until)} UTC")  # fmt: skip
    desk.matched(run, DOGS, LODGE, desk.BY_BRIEF)
    note_rendition(run, DOGS)


def note_rendition(run: Run, name: str, number: int = 1) -> None:
    """Fetch a rendition from where shoppers get it, measure it, and note it."""
    placement = next(p for p in run.books.placements(name)
                     if p["connection"] == "shop-feed" and p["version_number"] == number)  # fmt: skip
    content = run.shopper.fetch(run.url_of(name, number))
    facts = pictures.measure(content)
    made = Made(name, placement["spec"], facts.width, facts.height, len(content), facts.media_type,
                pictures.of_bytes(content))  # fmt: skip
    run.tale.made.append(made)
    said = f"{made.spec}: {made.width} × {made.height}, {made.media_type}, {made.size / 1000:,.0f} kB"
    run.voice.item("made", name, said)
    wanted = (1280, 720, "video/mp4") if name == CLIP else (1500, 1500, "image/jpeg")
    run.tale.check(f"The rendition of {name} is what the channel's spec says", facts[:3] == wanted,
                   f"{made.spec}: {made.width} × {made.height} {made.media_type}")  # fmt: skip


def _replaced(run: Run, old: str, before: str, at: datetime) -> None:
    """Version 2 stands everywhere before version 1 leaves."""
    run.until_live(LOUNGE, 2)
    run.books.until("version 1 left everywhere", lambda: set(run.books.states(LOUNGE, 1).values()) == {"gone"})
    new = run.url_of(LOUNGE, 2)
    _check_shop(run, old, new)
    _check_library(run)
    run.voice.item("replaced", LOUNGE, "version 2 stands everywhere; version 1 left only then, and is archived")
    first, second = ({p["connection"]: p for p in run.books.placements(LOUNGE) if p["version_number"] == number}
                     for number in (1, 2))  # fmt: skip
    ordered = second["shop-feed"]["live_at"] <= first["shop-feed"]["gone_at"]
    run.tale.check("The new version was read back before the old one left", ordered,
                   f"live at {clock(second['shop-feed']['live_at'])}, "
                   f"old one gone at {clock(first['shop-feed']['gone_at'])} UTC")  # fmt: skip
    steps = [
        (at, "Version 2 arrives. Version 1 stays live while people look."),
        (instant(run.books.the(LOUNGE)["approved_at"]), "Tom Berg approves version 2."),
        (instant(second["dam"]["live_at"]), "The library holds version 2; version 1 is in its archive."),
        (instant(second["shop-feed"]["live_at"]), "Version 2 is read back in the shop, beside version 1."),
        (instant(first["shop-feed"]["gone_at"]), "Version 1 is gone from the shop; its address answers 410."),
    ]
    after = pictures.of_bytes(run.shopper.fetch(new))
    told = tuple((clock(moment), words) for moment, words in sorted(steps))
    run.tale.replacement = Replacement(LOUNGE, before, after, told)


def _check_shop(run: Run, old: str, new: str) -> None:
    shown, answers = run.shopper.ours(LODGE), (run.shopper.status(new), run.shopper.status(old))
    run.tale.check("The new version took the old one's place in the shop",
                   new in shown and old not in shown and answers == (200, 410),
                   f"the new address answers {answers[0]}, the old {answers[1]}")  # fmt: skip

    def stands(look: Look) -> bool:
        return bool({old, new} & set(run.shopper.ours(LODGE, look)))

    run.tale.check("The shop was never without either in between", run.shopper.always(stands, run.live_since),
                   f"the feed was read {len(run.shopper.looks)} times meanwhile")  # fmt: skip


def _check_library(run: Run) -> None:
    folder = run.stage.dam / run.books.the(LOUNGE)["asset_id"]
    archived = sorted((folder / "archive").glob("v1-*.jpg"))
    records = [json.loads(path.read_text()) for path in folder.glob("*.jpg.json")]
    run.tale.check("The library holds version 2 and archived version 1",
                   len(archived) == 1 and [record["version"] for record in records] == [2],
                   f"dam/{folder.name}/archive/{archived[0].name if archived else '?'}")  # fmt: skip
    links = run.links_of(LOUNGE)
    run.tale.check("The catalogue links to version 2 only", len(links) == 1 and ",2," in links[0],
                   f"links in product-media.csv: {len(links)}")  # fmt: skip
