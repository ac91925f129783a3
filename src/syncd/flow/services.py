"""What use cases work with: the ledger, time, media, configuration and connections of one daemon."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.clock import TrustedClock
from syncd.flow.configuration import Configuration
from syncd.flow.connections import Connections
from syncd.ledger.store import Ledger
from syncd.media.blobs import BlobStore
from syncd.media.studio import Studio
from syncd.settings import Settings
from syncd.telemetry.metrics import Metrics


@dataclass(frozen=True)
class Services:
    """Handed to every use case; made once, by `app`."""

    settings: Settings
    clock: TrustedClock
    ledger: Ledger
    blobs: BlobStore
    studio: Studio
    metrics: Metrics
    configuration: Configuration
    connections: Connections

    def owner_of(self, brand: str, lane: str) -> str:
        """Who is told when something of this lane needs a person: the connection's owner, else the brand's."""
        bundle = self.configuration.active.bundle
        if lane in bundle.connections:
            return bundle.connections[lane].owner
        return bundle.brands[brand].owner if brand in bundle.brands else ""
