"""What syncd knows, read over its admin API with the token it wrote on its first start."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from demo.daemon import Daemon, DemoFailed

T = TypeVar("T")
Record = dict[str, Any]


class Books:
    """Read-only questions about submissions, versions, placements and exceptions."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        token = (daemon.root / "var" / "token").read_text().strip()
        self._http = httpx.Client(
            base_url=f"{daemon.url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=30, trust_env=False
        )

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def get(self, path: str, **query: str) -> Any:
        """The answer of a GET below `/api/v1`.

        Raises:
            DemoFailed: the API refused, in its own words, or the daemon is gone.
        """
        try:
            answer = self._http.get(path, params=query)
        except httpx.TransportError as error:
            time.sleep(0.5)  # a process that was killed takes a moment to be seen as ended
            self._daemon.require_alive()
            raise DemoFailed(f"The daemon did not answer GET {path}: {error}.") from error
        if not answer.is_success:
            self._daemon.require_alive()
            raise DemoFailed(f"GET {answer.url} answered {answer.status_code}: {answer.text[:400]}")
        return answer.json()

    def all(self, path: str, **query: str) -> list[Record]:
        """The items of a listing; a demo's listings fit on one page."""
        return list(self.get(path, limit="200", **query)["items"])

    def version(self, file: str, number: int | None = None) -> Record | None:
        """The version that a file became: the given one of its asset, else the current one."""
        for version in self.all("/versions"):
            if version["file_name"] == file and (version["current"] if number is None else version["number"] == number):
                return version
        return None

    def the(self, file: str, number: int | None = None) -> Record:
        """Like `version`, where it must be there. Raises: DemoFailed: it is not."""
        found = self.version(file, number)
        if found is None:
            raise DemoFailed(f"syncd knows no version of {file}.")
        return found

    def status(self, file: str) -> str:
        """Where the current version of a file stands, "" while it is not known."""
        found = self.version(file)
        return str(found["status"]) if found else ""

    def findings(self, file: str) -> list[Record]:
        """What checks found on the current version of a file."""
        return list(self.get(f"/versions/{self.the(file)['id']}")["findings"])

    def matches(self, file: str) -> list[Record]:
        """The products a file shows or may show."""
        found = self.version(file)
        return list(self.get(f"/assets/{found['asset_id']}")["matches"]) if found else []

    def placements(self, file: str) -> list[Record]:
        """Where a file stands or stood, in any version."""
        found = self.version(file)
        return self.all("/placements", asset=found["asset_id"]) if found else []

    def states(self, file: str, number: int | None = None) -> dict[str, str]:
        """Connection → state of the placement there, of one version or of any."""
        rows = [row for row in self.placements(file) if number in (None, row["version_number"])]
        return {row["connection"]: row["state"] for row in rows}

    def receipts(self, placement: Record) -> list[Record]:
        """What a system answered, and what looking again showed, in order."""
        return list(self.get(f"/placements/{placement['id']}")["receipts"])

    def until(self, what: str, ask: Callable[[], T], seconds: float = 120.0) -> T:
        """Ask again and again until the answer is truthy, and return it.

        Raises:
            DemoFailed: it never was, or the daemon ended; `what` says what was waited for.
        """
        deadline = time.monotonic() + seconds
        while True:
            if found := ask():
                return found
            self._daemon.require_alive()
            if time.monotonic() > deadline:
                raise DemoFailed(f"After {seconds:.0f} s this had not happened: {what}.")
            time.sleep(0.15)
