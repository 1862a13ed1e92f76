"""How often one client may ask for what costs something."""

from __future__ import annotations

import ipaddress
import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.types import ASGIApp, Receive, Scope, Send

from snapshelf.web.guards import WITH_BODY
from snapshelf.web.problems import problem

_CUSTOMERS_NETWORK_BITS = 64
"""Of an IPv6 address: whoever has one of these addresses has all of them (RFC 6177)."""


class RateLimit:
    """Counts searches and changes of each client over a sliding minute: two numbers a client, however often it asks."""

    def __init__(self, app: ASGIApp, per_minute: int) -> None:
        self.app = app
        self.limit = RateLimitItemPerMinute(per_minute)
        self.limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 429 with the seconds to wait."""
        if scope["type"] == "http" and scope["method"] in WITH_BODY | {"DELETE"}:
            client = client_of(scope)
            if not self.limiter.hit(self.limit, client):
                wait_s = max(1, math.ceil(self.limiter.get_window_stats(self.limit, client).reset_time - time.time()))
                detail = f"More than {self.limit.amount} requests in a minute. Try again in {wait_s} s."
                await problem(429, "too-many-requests", detail, {"Retry-After": str(wait_s)})(scope, receive, send)
                return
        await self.app(scope, receive, send)


def client_of(scope: Scope) -> str:
    """Who asks: an IPv4 address, or the network that an IPv6 address lies in."""
    host = (scope.get("client") or ("unknown", 0))[0]
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return str(host)
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _CUSTOMERS_NETWORK_BITS), strict=False))
