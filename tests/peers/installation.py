"""Installs a peer once, into a folder that outlives test runs: `python -m tests.peers.installation` does it beforehand.

The folder is named by PEERS_DIR, by default `syncd-peers` in the user's cache. What is installed follows from the lock
file beside the peer's `package.json`, node itself included, so a changed lock makes an installation of its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LONGEST = 1800.0
"""Seconds that one step of an installation may take: a slow line, a slow compiler."""


class Unavailable(Exception):
    """A peer cannot run on this machine; the message says what is missing."""


@dataclass(frozen=True)
class Recipe:
    """How one peer is installed."""

    name: str
    node: int
    """The major version of node it runs on."""
    compiled: tuple[str, ...] = ()
    """Packages that must be compiled, unless their makers offer a binary for this machine."""

    @property
    def source(self) -> Path:
        return Path(__file__).parent / self.name

    @property
    def digest(self) -> str:
        return hashlib.sha256((self.source / "package-lock.json").read_bytes()).hexdigest()[:12]


RECIPES = (Recipe("directus", 22, ("isolated-vm",)), Recipe("vendure", 24))


@dataclass(frozen=True)
class Installation:
    """A peer that is ready to be started."""

    folder: Path
    node: Path

    @property
    def modules(self) -> Path:
        return self.folder / "node_modules"


def cache() -> Path:
    """The folder of all installations."""
    named = os.environ.get("PEERS_DIR")
    if named:
        return Path(named).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "syncd-peers"


def install(name: str) -> Installation:
    """The installation of a peer, made now if there is none yet.

    Raises:
        Unavailable: npm, the right node or a compiler is missing, or the installation failed.
    """
    recipe = next(recipe for recipe in RECIPES if recipe.name == name)
    folder = cache() / f"{name}-{recipe.digest}"
    with _alone(name):
        if not folder.exists():
            _install(recipe, folder)
    return Installation(folder, _node(recipe, folder))


@contextmanager
def _alone(name: str) -> Iterator[None]:
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(recipe: Recipe, folder: Path) -> None:
    partial = folder.with_suffix(".part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    for file in ("package.json", "package-lock.json"):
        shutil.copy(recipe.source / file, partial)
    print(f"Installing {recipe.name} into {folder} (once, some minutes) …", file=sys.stderr, flush=True)
    _npm(recipe, partial, "ci", "--ignore-scripts")
    node = _node(recipe, partial)
    for package in recipe.compiled:
        _npm(recipe, partial, "rebuild", package, node=node)
    partial.rename(folder)


def _npm(recipe: Recipe, folder: Path, *arguments: str, node: Path | None = None) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable(
            f"{recipe.name} was not started: npm is missing. Install Node.js with npm (any version; node"
            f" {recipe.node} comes with the peer) and type `make test-peers` again."
        )
    settings = {"npm_config_audit": "false", "npm_config_fund": "false", "npm_config_update_notifier": "false"}
    if node is not None:
        settings["PATH"] = f"{node.parent}{os.pathsep}{os.environ['PATH']}"
        settings["npm_config_nodedir"] = str(node.parent.parent)
    log = folder / "npm.log"
    with log.open("ab") as out:
        ran = subprocess.run(
            [npm, *arguments],
            cwd=folder,
            env=dict(os.environ) | settings,
            stdout=out,
            stderr=out,
            timeout=LONGEST,
            check=False,
        )
    if ran.returncode:
        raise Unavailable(_failure(recipe, arguments, log))


def _failure(recipe: Recipe, arguments: tuple[str, ...], log: Path) -> str:
    missing = [tool for tool in ("python3", "make", "c++") if arguments[0] == "rebuild" and not shutil.which(tool)]
    advice = f" Compiling it needs {', '.join(missing)}, which is missing here." if missing else ""
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    return f"{recipe.name} was not started: `npm {' '.join(arguments)}` failed.{advice} The end of {log}:\n{tail}"


def _node(recipe: Recipe, folder: Path) -> Path:
    """The node that was installed with the peer or, where there is none for this machine, the one on the PATH."""
    bundled = sorted(folder.glob("node_modules/node-*-*/bin/node"))
    if bundled:
        return bundled[0]
    found = shutil.which("node")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout if found else ""
    if not found or not version.startswith(f"v{recipe.node}."):
        raise Unavailable(
            f"{recipe.name} was not started: it runs on node {recipe.node}, and there is "
            f"{'node ' + version.strip() if version else 'no node'} on the PATH. Put node {recipe.node} on the PATH."
        )
    return Path(found)


if __name__ == "__main__":
    try:
        for recipe in RECIPES:
            print(f"{recipe.name}: {install(recipe.name).folder}")
    except Unavailable as missing:
        sys.exit(str(missing))
