"""A running world for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A brand whose connections may write, on SQLite."""
    world = World(tmp_path)
    await world.start()
    await world.allow()
    yield world
    await world.stop()
