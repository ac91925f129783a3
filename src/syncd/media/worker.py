"""One warm media worker, started as `python -m syncd.media.worker`: takes jobs on stdin, answers on stdout.

A message is four bytes of length, big-endian, and JSON. The first one holds the limits, every other one a task's name
and arguments. It serves until its input ends.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

from syncd import errors
from syncd.media import limited

Task = Callable[..., dict[str, Any]]


def tasks() -> dict[str, Task]:
    """Every task by name. Imported here, so that the decoders load in workers and never in the daemon."""
    from syncd.media import embed, image, probe, videoprobe

    return {
        "probe_image": probe.probe_task,
        "probe_video": videoprobe.probe_task,
        "render_images": image.render_task,
        "library_copy": embed.copy_task,
    }


def read_message(stream: BinaryIO) -> dict[str, Any] | None:
    """The next message, or None at the end of the input."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    message: dict[str, Any] = json.loads(stream.read(int.from_bytes(head, "big")))
    return message


def write_message(stream: BinaryIO, message: dict[str, Any]) -> None:
    data = json.dumps(message).encode()
    stream.write(len(data).to_bytes(4, "big") + data)
    stream.flush()


def answer(table: dict[str, Task], task: str, args: dict[str, Any]) -> dict[str, Any]:
    """Run one task; what it raises becomes part of the answer."""
    try:
        return {"result": table[task](**args)}
    except errors.HostileInput as error:
        data = {key: value for key, value in error.data.items() if key != "reason"}
        return {"error": "hostile", "reason": error.reason, "what": error.what, "data": data}
    except errors.RejectedError as error:
        return {"error": "rejected", "what": error.what, "data": error.data}
    except MemoryError:
        return {"error": "hostile", "reason": "memory-limit", "what": "The file needs too much memory.", "data": {}}
    except Exception as error:  # the process boundary: whatever a task raises is told to the daemon
        return {"error": "bug", "what": f"{type(error).__name__}: {error}", "data": {}}


def serve(table: dict[str, Task], jobs: BinaryIO, answers: BinaryIO) -> None:
    """Answer jobs until the input ends, each with its processor time renewed."""
    start = read_message(jobs)
    if start is None:
        return
    limits: limited.Limits = start["limits"]
    limited.apply(limits)
    write_message(answers, {"ready": True})
    while (job := read_message(jobs)) is not None:
        limited.renew_cpu(limits["cpu_seconds"])
        write_message(answers, answer(table, job["task"], job["args"]))


def main(load: Callable[[], dict[str, Task]] = tasks) -> None:
    """Keep the pipe to the daemon for answers alone: what a decoder prints goes nowhere."""
    limited.die_with_parent()
    answers = os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    serve(load(), sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
