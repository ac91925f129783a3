"""A process with a real inbox on a real ledger that writes down what it has acknowledged, for the power-cut test.

    python -m tests.support.inbox_process FOLDER ITEMS [OFF]

`OFF` weakens SQLite's synchronous, so that the test can be seen to fail.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from syncd.clock import SystemClock
from syncd.engine.inbox import Arrival, Inbox
from syncd.ledger.store import Ledger
from syncd.sdk.source import RawItem

AT_ONCE = 24


async def run(folder: Path, items: int) -> None:
    clock = SystemClock()
    ledger = Ledger(f"sqlite:///{folder}/ledger.db", clock)
    await ledger.open()
    inbox = Inbox(ledger, clock, group=16)
    inbox.start()
    acknowledgements = os.open(folder / "sent.acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    turns = asyncio.Semaphore(AT_ONCE)

    async def deliver(number: int) -> None:
        async with turns:
            await inbox.put(Arrival("acme", "hook", RawItem(f"body {number} ".encode() * 200, f"m{number}")))
            os.write(acknowledgements, f"m{number}\n".encode())

    await asyncio.gather(*(deliver(number) for number in range(items)))
    await inbox.close()
    os._exit(0)  # as a process that is killed: nothing is tidied up


def _weaken(connection: Any, *_: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.close()


if __name__ == "__main__":
    if sys.argv[3:] == ["OFF"]:
        sa.event.listen(sa.pool.Pool, "checkout", _weaken)
    asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2])))
