"""A catalogue's photo from the web, within limits. A catalogue must not make this machine ask its own network."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import time
import urllib.error
import urllib.request

from snapshelf.errors import PhotoError

TIMEOUT_S = 10
"""For each wait; the whole download may take three times as long."""

MAX_BYTES = 50_000_000
_BLOCK_BYTES = 1 << 16


def download(url: str) -> bytes:
    """Fetch a photo over http or https, redirects followed, proxies left aside.

    Raises:
        PhotoError: it cannot be had, lies on a private address, is too large or too slow.
    """
    deadline = time.monotonic() + 3 * TIMEOUT_S
    try:
        with _OPENER.open(urllib.request.Request(url), timeout=TIMEOUT_S) as answer:  # noqa: S310 (the opener has only these two schemes)
            content = bytearray()
            while block := answer.read(_BLOCK_BYTES):
                content += block
                if len(content) > MAX_BYTES:
                    raise PhotoError(f"{url} has more than {MAX_BYTES:,} bytes; it was not read to its end.")
                if time.monotonic() > deadline:
                    raise PhotoError(f"{url} took longer than {3 * TIMEOUT_S} s; download the photo first.")
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise PhotoError(f"{url} cannot be downloaded ({reason}).") from None
    return bytes(content)


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the internet at large."""
    parsed = ipaddress.ip_address(address)
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_global


def _refuse_private(connection: socket.socket) -> None:
    # Checked on the open connection and before anything is sent: a name could resolve otherwise a second time.
    address = connection.getpeername()[0]
    if not is_public(address):
        connection.close()
        raise OSError(f"{address} is not a public address")


class _Connection(http.client.HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _refuse_private(self.sock)


class _SecureConnection(http.client.HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _refuse_private(self.sock)


class _Handler(urllib.request.HTTPHandler):
    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Connection, request)


class _SecureHandler(urllib.request.HTTPSHandler):
    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_SecureConnection, request)


def _opener() -> urllib.request.OpenerDirector:
    opener = urllib.request.OpenerDirector()
    for handler in (
        _Handler(),
        _SecureHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


_OPENER = _opener()
