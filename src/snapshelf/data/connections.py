"""Connections for photos from the web: never into this machine's own network, and never for longer than allowed."""

from __future__ import annotations

import http.client
import io
import ipaddress
import socket
import time
from contextvars import ContextVar
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.connection import allowed_gai_family, create_connection

_MAX_ADDRESSES = 4
"""Of those that a name has, so many are tried; they share the time."""

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""Where networks without IPv4 put its addresses (RFC 6052): the last 32 bits."""


class TroubleError(Exception):
    """Why one try came to nothing; `again` where another may go better, though not before `after_s` seconds."""

    def __init__(self, reason: str, *, again: bool = False, after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.again = again
        self.after_s = after_s


class Clock:
    """How long one photo may still take. It starts when a connection is had: waiting for one is no photo's fault."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._end_s: float | None = None

    def left_s(self) -> float:
        """Seconds, 0 or less when the time is over."""
        if self._end_s is None:
            self._end_s = time.monotonic() + self._limit_s
        return self._end_s - time.monotonic()


CLOCK: ContextVar[Clock] = ContextVar("CLOCK")
"""That of the photo that this thread is fetching."""


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the internet at large. Of an IPv4 address within IPv6, that one decides."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour
        if parsed in _NAT64:
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        parsed = inner or parsed
    return parsed.is_global and not (parsed.is_multicast or parsed.is_reserved)


class CheckedPools(PoolManager):
    """Pools of connections that refuse private addresses, except of hosts that are allowed by name."""

    def __init__(self, allowed_hosts: frozenset[str], **options: Any) -> None:  # noqa: ANN401 (passed on)
        super().__init__(**options)
        self._allowed_hosts = frozenset(host.lower().strip("[]") for host in allowed_hosts)
        self.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def _new_pool(
        self, scheme: str, host: str, port: int, request_context: dict[str, Any] | None = None
    ) -> HTTPConnectionPool:
        pool = super()._new_pool(scheme, host, port, request_context)
        pool.conn_kw["allowed_hosts"] = self._allowed_hosts
        return pool


class _TimedReader(io.RawIOBase):
    """What comes in on a socket until the clock runs out: a limit for each wait never ends a drip of single bytes."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock
        self._wait_s = sock.gettimeout()
        self._clock = CLOCK.get()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 (any buffer, as in io.RawIOBase)
        left_s = self._clock.left_s()
        if left_s <= 0:
            raise TimeoutError("the time is over")
        self._sock.settimeout(left_s if self._wait_s is None else min(left_s, self._wait_s))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    """An answer whose head, too, must be complete before the clock runs out."""

    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self.fp = io.BufferedReader(_TimedReader(self.fp.detach(), sock))


class _Connection(HTTPConnection):
    response_class = _TimedResponse

    def __init__(self, *args: Any, allowed_hosts: frozenset[str], **options: Any) -> None:  # noqa: ANN401 (passed on)
        super().__init__(*args, **options)
        self._allowed_hosts = allowed_hosts

    def _new_conn(self) -> socket.socket:
        # The name is looked up once, and what was checked is what is connected to. The peer of the open connection is
        # checked again before anything is sent: it is the one that counts.
        addresses = self._addresses()
        for address in addresses:
            self._refuse_private(address)
        share_s = max(0.001, min(self.timeout or 0, CLOCK.get().left_s()) / len(addresses))
        problem: OSError | None = None
        for address in addresses:
            try:
                sock = create_connection((address, self.port), share_s, socket_options=self.socket_options)
            except OSError as error:
                problem = error
                continue
            try:
                self._refuse_private(sock.getpeername()[0])
            except (TroubleError, OSError):
                sock.close()
                raise
            sock.settimeout(self.timeout)
            return sock
        reason = getattr(problem, "strerror", None) or problem
        raise TroubleError(f"{self.host} port {self.port} cannot be connected to: {reason}", again=True)

    def _addresses(self) -> list[str]:
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, allowed_gai_family(), socket.SOCK_STREAM)
        except socket.gaierror as error:
            reason = f"the name {self.host} cannot be looked up: {error.strerror}"
            raise TroubleError(reason, again=error.errno == socket.EAI_AGAIN) from None
        except (UnicodeError, ValueError, OverflowError):
            raise TroubleError(f"{self.host[:80]!r} cannot be the name of a host") from None
        return list(dict.fromkeys(str(address[0]) for *_, address in found))[:_MAX_ADDRESSES]

    def _refuse_private(self, address: str) -> None:
        if self.host.lower() not in self._allowed_hosts and not is_public(address):
            raise TroubleError(
                f"{self.host} is at {address}, which is not a public address; if photos are to come from there, say "
                f'so in snapshelf.toml under [prepare]: allowed_hosts = ["{self.host.lower()}"]'
            )


class _SecureConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection
