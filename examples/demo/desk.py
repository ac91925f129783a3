"""Second act: named people decide, and rules say which product each file shows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from demo.run import CLIP, CUT, EVENING, LOUNGE, PEOPLE, RIDGE, Run
from demo.stage import LODGE, OUTDOORS, PRODUCTS
from demo.tale import Decided, Matched, Waiting

TOM, NORA, LIV = "tom@acme.example", "nora@acme.example", "liv@acme.example"
BY_NAME, BY_SUBMISSION, BY_BRIEF = "SKU in file name", "submission names the product", "brief names the product"


def decide(run: Run) -> None:
    """Four approvals and one rejection, typed as commands."""
    run.voice.chapter("People decide")
    began = time.monotonic()
    say(run, [(name, TOM, "") for name in (LOUNGE, CLIP, RIDGE, EVENING)] + [(CUT, NORA, "cut-off")])
    wanted = dict.fromkeys((LOUNGE, CLIP, RIDGE, EVENING), "approved") | {CUT: "rejected"}
    run.books.until("the decisions took effect", lambda: all(run.books.status(f) == s for f, s in wanted.items()))
    run.decided_in = time.monotonic() - began
    rows = run.books.get(f"/versions/{run.books.the(CUT)['id']}")["decisions"]
    reasons = [(row["verdict"], row["reason"]) for row in rows]
    run.tale.check("One picture is rejected by a person, with a reason", reasons == [("reject", "cut-off")],
                   f"{CUT}: {', '.join(' for '.join(each) for each in reasons)}")  # fmt: skip


def say(run: Run, words: Sequence[tuple[str, str, str]]) -> None:
    """What people say about the current versions: (file, mail address, reason); a reason means no.

    Each is a command of its own; they are typed at the same time, as several people would.
    """
    with ThreadPoolExecutor(len(words)) as pool:
        outputs = list(pool.map(lambda word: _type(run, *word), words))
    for (name, mail, reason), (line, output) in zip(words, outputs, strict=True):
        run.voice.command(line, output)
        number, picture = run.books.the(name)["number"], run.arrivals[name].picture
        verdict, why = ("reject", "The product is cut off") if reason else ("approve", "")
        run.tale.decided.append(Decided(name, number, PEOPLE[mail], verdict, why, picture))


def _type(run: Run, name: str, mail: str, reason: str) -> tuple[str, str]:
    arguments = ["reject" if reason else "approve", run.books.the(name)["asset_id"], "--as", mail]
    arguments += ["--reason", reason] if reason else []
    return f"syncd {' '.join(arguments)}", run.daemon.command(*arguments)


def match(run: Run) -> None:
    """The first rule that finds exactly one product decides; two products wait for a person."""
    run.voice.chapter("Which product does it show?")
    matched(run, LOUNGE, LODGE, BY_NAME)
    matched(run, CLIP, OUTDOORS, BY_NAME)
    matched(run, RIDGE, OUTDOORS, BY_SUBMISSION)
    _ambiguous(run)


def matched(run: Run, name: str, sku: str, rule: str) -> None:
    """Wait until a file is matched, and check product and rule."""
    found = run.books.until(f"{name} was matched", lambda: run.books.matches(name))[0]
    title = PRODUCTS[sku].title
    run.voice.item(found["sku"], name, f'{title}, by rule "{found["rule"]}" ({found["location"]})')
    right = (found["sku"], found["rule"], found["status"]) == (sku, rule, "confirmed")
    run.tale.check(f"{name} is matched by its rule", right, f"{found['sku']} by “{found['rule']}”")
    run.tale.matched.append(Matched(name, sku, title, found["rule"], found["location"], run.arrivals[name].picture))


def _ambiguous(run: Run) -> None:
    asset = run.books.the(EVENING)["asset_id"]
    found = run.books.until(
        "the ambiguous match became an exception",
        lambda: [each for each in run.books.all("/exceptions", kind="ambiguous") if each["subject"] == asset],
    )[0]
    choices = tuple(found["payload"]["suggest"])
    run.voice.item("waits", EVENING, f"{found['reason']} Owner: {found['owner']}. {found['remedy']}")
    right = set(choices) == {LODGE, OUTDOORS} and not run.books.placements(EVENING)
    run.tale.check("A match that is not clear waits as an exception, with both products named", right, found["reason"])
    names = tuple(f"{sku} {PRODUCTS[sku].title}" for sku in choices)
    run.tale.waiting.append(
        Waiting(EVENING, found["reason"], found["remedy"], found["owner"], names, run.arrivals[EVENING].picture)
    )
