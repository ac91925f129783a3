"""How many refusals one address may cause before it is told to wait. What is valid never comes here."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

from syncd.clock import Clock


class AttemptLimit:
    """A token bucket per remote address, with bounded memory: the address heard of longest ago is forgotten first."""

    def __init__(self, clock: Clock, *, burst: int = 10, every: float = 6.0, addresses: int = 4096) -> None:
        """
        Args:
            burst: refusals an address may cause at once.
            every: seconds after which it may cause one more.
            addresses: how many are remembered.
        """
        self._clock = clock
        self._burst = burst
        self._every = every
        self._capacity = addresses
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def count(self, remote: str | None) -> float | None:
        """Count one refusal; None while the address is within its limit, else the seconds it should wait."""
        address = _network(remote or "")
        now = self._clock.monotonic()
        left, at = self._buckets.pop(address, (float(self._burst), now))
        left = min(float(self._burst), left + (now - at) / self._every)
        wait = None if left >= 1 else (1 - left) * self._every
        self._buckets[address] = (left if wait else left - 1, now)
        if len(self._buckets) > self._capacity:
            self._buckets.popitem(last=False)
        return wait

    def __len__(self) -> int:
        return len(self._buckets)


def _network(remote: str) -> str:
    """An IPv6 host owns its whole /64, so that is what is counted."""
    if ":" not in remote:
        return remote
    try:
        address = ipaddress.IPv6Address(remote.partition("%")[0])
    except ValueError:
        return remote
    return str(address.ipv4_mapped or ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
