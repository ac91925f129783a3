"""Started beside what a test run starts, and does the last thing when the test run ends, however it ends.

Its standard input is a pipe whose other end only the test run holds: end of file means that the test run is over, also
when it was killed. `keep` runs a command in a session of its own and obeys the numbers of signals for it, one a line;
`then` waits, and runs a command unless it was told `free`. Used through `tests.support.leash`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


def keep(command: list[str]) -> int:
    """Run a command that ends with the test run; its output goes to standard error, its id to standard output."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True)
    print(child.pid, flush=True)
    threading.Thread(target=_obey, args=(child,), daemon=True).start()
    return child.wait()


def _obey(child: subprocess.Popen[bytes]) -> None:
    for line in sys.stdin:
        _signal(child, int(line))
        print(line, end="", flush=True)
    _signal(child, signal.SIGKILL)


def _signal(child: subprocess.Popen[bytes], number: int) -> None:
    if child.poll() is None:
        os.killpg(child.pid, number)


def then(user: str, command: list[str]) -> int:
    """Run a command, as a user if one is named, when the test run has ended without saying `free`."""
    if sys.stdin.readline().strip() == "free":
        return 0
    return subprocess.run(command, user=user or None, cwd="/", check=False).returncode


if __name__ == "__main__":
    mode, *arguments = sys.argv[1:]
    sys.exit(keep(arguments) if mode == "keep" else then(arguments[0], arguments[1:]))
