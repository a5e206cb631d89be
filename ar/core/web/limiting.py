"""How often a caller may try: counted in this process's memory, over a window that slides."""

import math
import time
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from threading import Lock

from fastapi import Request
from limits import RateLimitItem, parse

from ar.core.errors import DomainError
from ar.core.kernel import Kernel

_MOST_CALLERS = 50_000


class TooOftenError(DomainError):
    """The caller tried more often than it may; `headers` say when to try again."""

    status = 429
    code = "too-often"

    def __init__(self, seconds: int) -> None:
        super().__init__(f"That was too often: try again in {seconds} seconds")
        self.headers = {"Retry-After": str(seconds)}


class Limiter:
    """Counts for one process, by a window that slides: this one's tries, and of the last one's a falling share.

    Counted here rather than by the storage of the limits package, which starts a thread for nearly every count.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: dict[tuple[str, ...], tuple[int, int, int]] = {}

    def hit(self, rate: str, *identity: str) -> None:
        """Count one try of `identity` against `rate` ('10/minute'). Raises TooOftenError."""
        limit = _parsed(rate)
        seconds, now = limit.get_expiry(), time.monotonic()
        window, into = divmod(now, seconds)
        key = (rate, *identity)
        with self._lock:
            began, tries, before = self._counts.get(key, (-2, 0, 0))
            if began != int(window):
                tries, before = 0, tries if began == int(window) - 1 else 0
            if tries + before * (1 - into / seconds) >= limit.amount:
                raise TooOftenError(max(1, math.ceil(seconds - into)))
            self._counts[key] = (int(window), tries + 1, before)
            if len(self._counts) > _MOST_CALLERS:
                self._forget(now)

    def _forget(self, now: float) -> None:
        """Drop callers whose windows are over; all of them in the worst case, so that memory stays bounded."""
        kept = {
            key: count for key, count in self._counts.items() if count[0] >= now // _parsed(key[0]).get_expiry() - 1
        }
        self._counts = kept if len(kept) < _MOST_CALLERS else {}


@lru_cache(maxsize=64)
def _parsed(rate: str) -> RateLimitItem:
    return parse(rate)


def throttle(request: Request, rate: str, *identity: str) -> None:
    """Count one try of `identity` against `rate` ('10/minute'). Raises TooOftenError (429 with Retry-After)."""
    limiter: Limiter = request.app.state.limiter
    limiter.hit(rate, *identity)


def client_address(request: Request, kernel: Kernel) -> str:
    """The caller's network address: an IPv4 address, or the /64 an IPv6 one belongs to.

    X-Forwarded-For is believed only as far as settings.trusted_proxies goes, counted from the right: whatever a caller
    writes there itself stands further left.
    """
    peer = request.client.host if request.client else "unknown"
    proxies = kernel.settings.trusted_proxies
    if proxies:
        chain = [part.strip() for value in request.headers.getlist("x-forwarded-for") for part in value.split(",")]
        if len(chain) >= proxies:
            peer = chain[-proxies]
    try:
        address = ip_address(peer)
    except ValueError:
        return peer[:64]
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))
    return str(address)
