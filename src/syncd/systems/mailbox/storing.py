"""Marks and moves messages all of whose files are stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from syncd.sdk.roles import Stored
from syncd.systems.mailbox import places
from syncd.systems.mailbox.imap import Imap
from syncd.systems.mailbox.options import MailboxOptions
from syncd.systems.mailbox.places import Finder, Place


def complete(files: Iterable[Stored]) -> list[Place]:
    """The messages of which every file is among these."""
    stored: dict[Place, set[str]] = defaultdict(set)
    wanted: dict[Place, int] = {}
    for each in files:
        place, facts = places.read(each.file)
        stored[place].add(facts.get("section") or facts["url"])
        wanted[place] = int(facts["of"])
    return [place for place, found in stored.items() if len(found) >= wanted[place]]


def put_away(imap: Imap, options: MailboxOptions, done: Sequence[Place]) -> None:
    """Mark these messages, and move those that still lie in a watched folder; what is gone is left alone."""
    finder = Finder(imap, options)
    for place in done:
        uid = finder.message(place)
        if uid is None or imap.folder == options.move_to:
            continue
        folder = imap.folder
        imap.choose(folder, write=True).mark(uid, options.mark)
        if not options.move_to:
            continue
        # Interrupted between copy and removal, the copy is there already: then only the rest is done.
        copied = finder.message_in(options.move_to, place) is not None
        imap.choose(folder, write=True)
        if copied:
            imap.remove(uid)
        else:
            imap.move(uid, options.move_to)
