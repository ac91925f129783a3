"""What a test gets in its hand: a running peer, and those who use it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.peers.directus.api import DirectusApi
from tests.peers.directus.server import EDITOR_TOKEN, TOKEN, DirectusServer
from tests.peers.vendure.api import VendureApi
from tests.peers.vendure.server import VendureServer


@dataclass(frozen=True)
class Directus:
    """Directus, and those who use it."""

    server: DirectusServer
    api: DirectusApi
    """The administrator."""
    editor: DirectusApi
    """A user who may do everything with files, folders and products, and nothing else."""
    public: DirectusApi
    """Anybody."""
    token: str = TOKEN
    editor_token: str = EDITOR_TOKEN

    @property
    def url(self) -> str:
        return self.server.url


@dataclass(frozen=True)
class Vendure:
    """Vendure, its staff and its shoppers."""

    server: VendureServer
    api: VendureApi
    key: str
    """The administrator's key for the header `vendure-api-key`."""

    @property
    def url(self) -> str:
        return self.server.url
