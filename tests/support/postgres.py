"""A private PostgreSQL on loopback, started for the test run and stopped with it."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from tests.support.leash import LastWill


def find_binaries() -> Path | None:
    """The folder of initdb and pg_ctl, or None."""
    on_path = shutil.which("pg_ctl")
    if on_path:
        return Path(on_path).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda p: int(p.parts[-3]))
    return found[-1].parent if found else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postgres:
    """One server with trust authentication on 127.0.0.1; under root it runs as user postgres, which it insists on."""

    def __init__(self, binaries: Path) -> None:
        self.binaries = binaries
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="syncd-pg-"))
        self._user = self._unprivileged_user()

    def _unprivileged_user(self) -> str | None:
        if os.geteuid() != 0:
            return None
        try:
            entry = pwd.getpwnam("postgres")
        except KeyError:
            entry = pwd.getpwnam("nobody")
        os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        return entry.pw_name

    def _run(self, *command: str) -> None:
        subprocess.run(
            [str(self.binaries / command[0]), *command[1:]],
            check=True,
            capture_output=True,
            user=self._user,
            cwd=self.folder,
            timeout=60,
        )

    def start(self) -> None:
        data = str(self.folder / "data")
        self._run("initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync")
        settings = (
            "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}", "max_connections=200",
            "fsync=off", "full_page_writes=off",  # the machine goes on when a daemon is killed
        )  # fmt: skip
        options = " ".join([f"-p {self.port}", *(f"-c {setting}" for setting in settings)])
        stop = '"$0" -D "$1/data" -m immediate stop; rm -rf "$1"'
        program = str(self.binaries / "pg_ctl")
        self._will = LastWill(["sh", "-c", stop, program, str(self.folder)], user=self._user)
        self._run("pg_ctl", "-w", "-D", data, "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)
        self._will.release()

    def create(self, database: str) -> None:
        """An empty database of this name."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", database)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"
