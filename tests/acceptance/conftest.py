"""What acceptance tests share: one warm nursery of daemons, and a media host."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from syncd.testing.daemon import Nursery
from tests.support import scenario


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with Nursery() as nursery:
        yield nursery


@pytest.fixture(scope="session")
def media_url() -> Iterator[str]:
    with scenario.media_host(scenario.FILES) as url:
        yield url
