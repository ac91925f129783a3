"""Structured logs: one chain for structlog and the standard library, stable event names, secrets masked."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from syncd.clock import Clock

MASK = "***"
SHORTEST = 6
_KEYS = re.compile(
    r"(?i)(^|[_\-. ])(authorization|cookie|credentials?|passwd|passwords?|passphrase|secrets?|signatures?|tokens?"
    r"|(api|private|access|signing)[_-]?keys?)$"
)
_PATTERNS = (
    (re.compile(r"(syncd_[0-9a-z]{4,32}_)[0-9A-Za-z]{32,128}"), rf"\1{MASK}"),
    (re.compile(r"((?i:bearer|basic)\s+)[A-Za-z0-9+/=._~-]{8,}"), rf"\1{MASK}"),
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+(@)"), rf"\1{MASK}\2"),
)


class LogFormat(StrEnum):
    """How entries are written: one JSON object a line, or for a person."""

    JSON = "json"
    CONSOLE = "console"


class SecretsFilter:
    """Masks registered secret values, values under telling keys, and anything that looks like a credential."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._values: re.Pattern[str] | None = None
        self.register(*secrets)

    def register(self, *secrets: str) -> None:
        """Mask these values from now on; shorter ones than SHORTEST characters would mask ordinary words."""
        self._secrets.update(secret for secret in secrets if len(secret) >= SHORTEST)
        longest_first = sorted(self._secrets, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def mask(self, text: str) -> str:
        """The text without secrets."""
        if self._values:
            text = self._values.sub(MASK, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        """structlog's processor."""
        return {self.mask(key): self._masked(key, value) for key, value in event.items()}

    def _masked(self, key: str, value: Any) -> Any:
        if value is not None and not isinstance(value, bool) and _KEYS.search(key):
            return MASK
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, bool | int | float | type(None)):
            return value
        if isinstance(value, Mapping):
            return {self.mask(str(name)): self._masked(str(name), item) for name, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._masked("", item) for item in value]
        return self.mask(str(value))


def configure(
    clock: Clock,
    *,
    form: LogFormat = LogFormat.JSON,
    level: str = "INFO",
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
) -> SecretsFilter:
    """Send all logging of the process through one chain; may be called again.

    Args:
        clock: stamps the entries.
        level: the least severe level written.
        secrets: values never to be written.
        stream: where to write; standard error unless given.

    Returns:
        the filter, to register secrets that become known later.
    """
    hide = SecretsFilter(secrets)
    shared = _shared(clock)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_last(form, hide)))
    root = logging.getLogger()
    for present in [found for found in root.handlers if getattr(found, "_of_syncd", False)]:
        root.removeHandler(present)
    handler._of_syncd = True  # type: ignore[attr-defined]  # marks our handler, so that a second call replaces it
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.getLogger("aiohttp.access").disabled = True
    for chatty in ("httpx", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    return hide


def _shared(clock: Clock) -> list[Processor]:
    def stamp(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        event["timestamp"] = clock.now().isoformat(timespec="milliseconds")
        return event

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        stamp,
    ]


def _last(form: LogFormat, hide: SecretsFilter) -> list[Processor]:
    first: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        hide,
    ]
    if form is LogFormat.CONSOLE:
        return [*first, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    return [*first, structlog.processors.JSONRenderer(default=str)]
