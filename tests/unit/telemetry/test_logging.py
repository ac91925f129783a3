from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from syncd.telemetry.logging import MASK, LogFormat, SecretsFilter, configure
from syncd.testing.clock import ManualClock

TOKEN = "syncd_ab12cd34_" + "f" * 64


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.getLogger("aiohttp.access").disabled = False
    structlog.reset_defaults()


def logged(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_both_kinds_of_logger_write_the_same_shape() -> None:
    stream = io.StringIO()
    configure(ManualClock(), stream=stream)
    structlog.stdlib.get_logger("ours").info("lane.claimed", lane="shop")
    logging.getLogger("theirs").warning("odd %s", "thing")
    ours, theirs = logged(stream)
    stamp = "2026-11-22T12:00:00.000+00:00"
    assert ours == {"event": "lane.claimed", "lane": "shop", "level": "info", "logger": "ours", "timestamp": stamp}
    assert theirs == {"event": "odd thing", "level": "warning", "logger": "theirs", "timestamp": stamp}


def test_a_registered_secret_is_masked_everywhere_even_in_a_traceback() -> None:
    stream = io.StringIO()
    hide = configure(ManualClock(), stream=stream, secrets=["hunter2-hunter2"])
    hide.register("late-secret")
    log = structlog.stdlib.get_logger()
    try:
        raise ValueError("bad hunter2-hunter2")
    except ValueError:
        log.exception("it failed with late-secret", nested={"list": ["hunter2-hunter2", {"x": "a late-secret"}]})
    logging.getLogger("lib").error("said %s", {"v": "hunter2-hunter2"})
    assert "hunter2" not in stream.getvalue()
    assert "late-secret" not in stream.getvalue()
    assert logged(stream)[0]["exception"].endswith(f"ValueError: bad {MASK}")


@pytest.mark.parametrize(
    "key",
    [
        "authorization",
        "Authorization",
        "token",
        "api_key",
        "X-Api-Key",
        "client_secret",
        "password",
        "webhook-signature",
    ],
)
def test_the_value_under_a_telling_key_is_masked(key: str) -> None:
    found = SecretsFilter()(None, "info", {"event": "e", key: "anything", "deep": {key: ["a"]}})
    assert found == {"event": "e", key: MASK, "deep": {key: MASK}}


@pytest.mark.parametrize("key", ["tokens_left", "secretary", "keys", "key", "monkey", "assigned"])
def test_other_keys_are_left_alone(key: str) -> None:
    assert SecretsFilter()(None, "info", {key: "value"}) == {key: "value"}


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"used {TOKEN}", f"used syncd_ab12cd34_{MASK}"),
        ("Authorization: Bearer abcdefgh.ijkl", f"Authorization: Bearer {MASK}"),
        ("postgresql://syncd:geheim@db/x", f"postgresql://syncd:{MASK}@db/x"),
        ("https://shop.example/path:80@2x.jpg", "https://shop.example/path:80@2x.jpg"),
    ],
)
def test_what_looks_like_a_credential_is_masked(text: str, masked: str) -> None:
    assert SecretsFilter().mask(text) == masked


def test_a_secret_that_contains_another_is_masked_whole() -> None:
    assert SecretsFilter(["secret-a", "secret-a-longer"]).mask("x secret-a-longer y") == f"x {MASK} y"


def test_below_the_level_nothing_is_written_and_configuring_again_writes_once() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure(ManualClock(), stream=first)
    configure(ManualClock(), stream=second, level="warning", form=LogFormat.CONSOLE)
    structlog.stdlib.get_logger().info("quiet")
    structlog.stdlib.get_logger().warning("loud.event", reason="x")
    assert first.getvalue() == ""
    assert "quiet" not in second.getvalue()
    assert second.getvalue().count("loud.event") == 1
