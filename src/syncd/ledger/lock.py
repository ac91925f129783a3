"""One process at a time on an embedded ledger."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from syncd.errors import ConfigError


class LedgerInUse(ConfigError):
    """Stop the other syncd process, or move to PostgreSQL if you need several."""

    code = "ledger.in-use"


class ProcessLock:
    """A file lock the kernel releases with the process, however it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """
        Raises:
            LedgerInUse: another process holds it.
        """
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise LedgerInUse(f"another process holds the ledger ({self.path}).") from error
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
