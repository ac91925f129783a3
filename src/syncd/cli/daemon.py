"""`syncd run`: the daemon, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import structlog
import typer
from pydantic import ValidationError

from syncd.clock import SystemClock
from syncd.errors import Bug, ConfigError, SyncdError
from syncd.settings import Settings
from syncd.telemetry import logging

if TYPE_CHECKING:
    from syncd.app import App

_WATCH_EVERY = 1.0
log = structlog.get_logger("syncd")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run)


def run() -> None:
    """Run the daemon: drains on SIGTERM (a second one ends it at once), reloads on SIGHUP."""
    settings = read_settings()
    secrets = [each.get_secret_value() for each in (settings.token, settings.credentials_key) if each]
    logging.configure(
        SystemClock(), form=logging.LogFormat(settings.log_format), level=settings.log_level, secrets=secrets
    )
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_run(settings))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The faster event loop where the extra `uvloop` is installed; else Python's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def read_settings() -> Settings:
    """The process's settings.

    Raises:
        ConfigError: one of them is wrong.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(f"SYNCD_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise ConfigError(
            f"A setting is wrong: {faults}.", remedy="Correct the environment variable or the .env file."
        ) from None


async def _run(settings: Settings) -> None:
    gc.disable()  # what importing makes stays: to look through it again and again is a quarter of the start
    from syncd.app import App  # only this command needs the whole daemon

    app = App(settings)
    stopping = asyncio.Event()
    with _signals(app, stopping):
        try:
            await app.start()
        except OSError as error:
            await app.stop()
            where = f"{settings.host}:{settings.port}"
            raise ConfigError(
                f"Cannot listen on {where}: {error.strerror or error}.", remedy="Free it, or set SYNCD_PORT."
            ) from error
        except BaseException:
            await app.stop()
            raise
        spare_collector()
        failed = await _until_stopped(app, stopping)
        await app.stop()
    if failed:
        raise Bug(f"A task of the daemon ended by itself: {failed}.") from failed


def spare_collector() -> None:
    """Have Python's cyclic collector look less often, and never at what lives as long as the process.

    Measured: it takes a third of the processor time where a hundred thousand rows are read and let go again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    gc.enable()


async def _until_stopped(app: App, stopping: asyncio.Event) -> BaseException | None:
    """Wait for the signal to stop, or for a task of the daemon to fail."""
    while not await app.clock.wait(stopping, _WATCH_EVERY):
        if failed := app.failure():
            return failed
    return None


@contextlib.contextmanager
def _signals(app: App, stopping: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    reloading: set[asyncio.Task[None]] = set()

    def stop() -> None:
        if stopping.is_set():
            os._exit(1)  # asked twice: whatever hangs must not keep the process alive; the ledger survives it
        stopping.set()

    def again() -> None:
        task = asyncio.create_task(_reload(app), name="reload")
        reloading.add(task)
        task.add_done_callback(reloading.discard)

    for number, action in ((signal.SIGTERM, stop), (signal.SIGINT, stop), (signal.SIGHUP, again)):
        loop.add_signal_handler(number, action)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)


async def _reload(app: App) -> None:
    """Follow the files on disk; what is wrong with them is logged, and the revision that was active stays."""
    from syncd.flow.plan.activate import reload

    try:
        done = await reload(app.services, None, "SIGHUP")
    except SyncdError as error:
        log.error("reload refused", event_id="configuration.refused", error=error.what, remedy=error.remedy)
    else:
        log.info("reloaded", event_id="configuration.reloaded", revision=done.revision, changed=done.changed,
                 files=list(done.files))  # fmt: skip
