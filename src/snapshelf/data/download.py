"""A catalogue's photos from the web, within limits. A catalogue must not make this machine ask its own network."""

from __future__ import annotations

import http.client
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urljoin

from urllib3 import BaseHTTPResponse, Retry, Timeout
from urllib3.exceptions import (
    DecodeError,
    HTTPError,
    InvalidHeader,
    LocationValueError,
    SSLError,
)
from urllib3.exceptions import TimeoutError as WaitTimeoutError
from urllib3.util import parse_url

from snapshelf.data.connections import CLOCK, CheckedPools, Clock, TroubleError
from snapshelf.errors import DownloadError

CONNECTIONS_A_HOST = 6
"""So many photos are fetched from one server at a time, however many threads ask: as a browser does."""

_MAX_REDIRECTS = 5
_BLOCK_BYTES = 1 << 16
_NUM_POOLS = 64


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    """When a photo is given up. Times in seconds."""

    wait_s: float = 10.0
    """For each wait: for a connection, for the next bytes."""

    total_s: float = 60.0
    """For one photo in all, with redirects, pauses and further tries."""

    max_bytes: int = 50_000_000
    """Of its content, also after it is decompressed."""

    num_tries: int = 4
    """Where another try may help: no connection, a broken one, or an answer of 429 or 5xx."""

    backoff_s: float = 0.5
    """The second try comes at once, the third after twice this, the fourth after four times this, and a little more
    by chance. A server that asks for more with Retry-After is given it, within `total_s`."""


class Downloader:
    """Fetches photos over http and https. May be used from many threads at once; connections are kept and shared."""

    def __init__(self, allowed_hosts: frozenset[str] = frozenset(), limits: DownloadLimits = DownloadLimits()) -> None:
        """Nothing is connected yet. Proxies that the environment names are not used.

        Args:
            allowed_hosts: names or addresses, as they stand in the photos' addresses, that may be private.
            limits: when to give up.
        """
        self._allowed_hosts = allowed_hosts
        self._limits = limits
        self._pools = CheckedPools(
            allowed_hosts,
            num_pools=_NUM_POOLS,
            maxsize=CONNECTIONS_A_HOST,
            block=True,
            timeout=Timeout(connect=limits.wait_s, read=limits.wait_s),
            headers={"User-Agent": "snapshelf", "Accept": "image/*"},
        )
        self._retry = Retry(total=None, backoff_factor=limits.backoff_s, backoff_jitter=limits.backoff_s)

    def __reduce__(self) -> tuple[type[Downloader], tuple[frozenset[str], DownloadLimits]]:
        """In another process, with connections of its own."""
        return Downloader, (self._allowed_hosts, self._limits)

    def fetch(self, url: str) -> bytes:
        """One photo's bytes.

        Raises:
            DownloadError: it cannot be had, lies on a private address, is too large or too slow. Says what happened,
                and after how many tries.
        """
        clock = Clock(self._limits.total_s)
        token = CLOCK.set(clock)
        try:
            return self._fetch(url, clock)
        finally:
            CLOCK.reset(token)

    def _fetch(self, url: str, clock: Clock) -> bytes:
        # urllib3's own loop would read a refused answer to its end, however long, and knows no limit for it all.
        retry = self._retry
        while True:
            try:
                return self._try(url, clock)
            except TroubleError as trouble:
                retry = retry.increment("GET", url, error=trouble)
                num_tries = len(retry.history)
                pause_s = max(trouble.after_s, retry.get_backoff_time())
                if not trouble.again or num_tries >= self._limits.num_tries or pause_s >= clock.left_s():
                    tries = "1 try" if num_tries == 1 else f"{num_tries} tries"
                    raise DownloadError(f"{_cut(url)} cannot be downloaded ({tries}): {_cut(str(trouble))}.") from None
                time.sleep(pause_s)

    def _try(self, url: str, clock: Clock) -> bytes:
        try:
            for _ in range(_MAX_REDIRECTS + 1):
                response = self._ask(url)
                try:
                    location = response.get_redirect_location()
                    if not location:
                        return self._content(response)
                    url = urljoin(url, location)
                finally:
                    _let_go(response)
        except (HTTPError, ValueError) as error:
            raise self._in_words(error, clock) from None
        raise TroubleError(f"it is redirected more than {_MAX_REDIRECTS} times")

    def _ask(self, url: str) -> BaseHTTPResponse:
        if parse_url(url).scheme not in ("http", "https"):
            raise TroubleError(f"{url[:80]!r} does not begin with http:// or https://")
        return self._pools.urlopen("GET", url, redirect=False, retries=False, preload_content=False)

    def _content(self, response: BaseHTTPResponse) -> bytes:
        if response.status != 200:
            again = response.status == 429 or response.status >= 500
            after_s = self._retry_after_s(response) if again else 0.0
            wish = f", to be asked again after {after_s:.0f} s" if after_s else ""
            reason = f"the server answered {response.status} {http.client.responses.get(response.status, '')}".rstrip()
            raise TroubleError(reason + wish, again=again, after_s=after_s)
        content = bytearray()
        if (response.length_remaining or 0) > self._limits.max_bytes:
            raise self._too_large()
        for block in response.stream(_BLOCK_BYTES):
            content += block
            if len(content) > self._limits.max_bytes:
                raise self._too_large()
        return bytes(content)

    def _too_large(self) -> TroubleError:
        return TroubleError(f"it has more than {self._limits.max_bytes:,} bytes and was not read to its end")

    def _retry_after_s(self, response: BaseHTTPResponse) -> float:
        try:
            return self._retry.get_retry_after(response) or 0.0
        except (InvalidHeader, ValueError, OverflowError):
            return 0.0

    def _in_words(self, error: Exception, clock: Clock) -> TroubleError:
        if isinstance(error, WaitTimeoutError):
            if clock.left_s() <= 0:
                return TroubleError(f"it took longer than {self._limits.total_s:g} s in all")
            return TroubleError(f"nothing came for {self._limits.wait_s:g} s", again=True)
        if isinstance(error, SSLError):
            cause = error.args[0] if error.args else error
            again = not isinstance(cause, ssl.CertificateError)
            return TroubleError(f"there is no secure connection ({cause})", again=again)
        if isinstance(error, DecodeError):
            return TroubleError("its content cannot be decompressed")
        if isinstance(error, LocationValueError) or not isinstance(error, HTTPError):
            return TroubleError(f"that is no address that can be asked ({error})")
        return TroubleError(f"the connection broke ({error.args[-1]})", again=True)


def _cut(text: str) -> str:
    """Text that others wrote, no longer than a person reads."""
    return text if len(text) <= 500 else f"{text[:500]}…"


def _let_go(response: BaseHTTPResponse) -> None:
    """Give the connection back: one with little left to read can be used again, any other is closed."""
    if response.length_remaining is not None and response.length_remaining <= _BLOCK_BYTES:
        response.drain_conn()
    response.close()
    response.release_conn()
