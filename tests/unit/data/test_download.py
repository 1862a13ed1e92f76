"""Photos from the web: within limits, tried again where that may help, and never from this machine's own network."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from snapshelf.data import connections
from snapshelf.data.download import CONNECTIONS_A_HOST, Downloader, DownloadLimits
from snapshelf.errors import DownloadError

PHOTO = b"x" * 10
LIMITS = DownloadLimits(wait_s=0.2, total_s=0.4, max_bytes=70_000, num_tries=3, backoff_s=0.01)


class Handler(BaseHTTPRequestHandler):
    """Each path is a server's way to answer; `asked` has every path that was asked for, in order."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[str]]
    peers: ClassVar[set[object]]
    lock = threading.Lock()
    num_now = num_most = 0

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.peers.add(self.client_address)
        with contextlib.suppress(OSError):
            getattr(self, "_" + self.path.strip("/").partition("?")[0].partition(".")[0])()

    def send(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content_Length": str(len(content))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def begin(self, **headers: str) -> None:
        """The head of an answer that says nothing about its length."""
        self.close_connection = True
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def drip(self, block: bytes) -> None:
        for _ in range(100):
            self.wfile.write(block)
            time.sleep(0.05)

    def log_message(self, *_: object) -> None:
        pass

    def _a(self) -> None:
        self.send(200, PHOTO)

    def _moved(self) -> None:
        self.send(302, b"over there", Location="/a.png")

    def _round(self) -> None:
        self.send(301, Location="/round")

    def _inwards(self) -> None:
        self.send(302, Location=f"http://127.0.0.2:{self.connection.getsockname()[1]}/a.png")

    def _outwards(self) -> None:
        self.send(302, Location="file:///etc/passwd")

    def _nonsense(self) -> None:
        self.send(302, Location="http://[broken")

    def _missing(self) -> None:
        self.send(404, b"<html>not here</html>")

    def _nothing(self) -> None:
        self.send(204)

    def _busy(self) -> None:
        if self.asked.count(self.path) <= 2:
            self.send(503)
        else:
            self.send(200, PHOTO)

    def _down(self) -> None:
        self.send(500, b"y" * 200_000)

    def _limited(self) -> None:
        if self.asked.count(self.path) == 1:
            self.send(429, Retry_After="1")
        else:
            self.send(200, PHOTO)

    def _patience(self) -> None:
        self.send(429, Retry_After="3600")

    def _babble(self) -> None:
        if self.asked.count(self.path) == 1:
            self.send(503, Retry_After="9" * 5000)
        else:
            self.send(200, PHOTO)

    def _silent(self) -> None:
        time.sleep(0.5)

    def _drip(self) -> None:
        self.begin()
        self.drip(b"x")

    def _drippinghead(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        self.drip(b"x")

    def _drippingchunk(self) -> None:
        self.begin(Transfer_Encoding="chunked")
        self.drip(b"0")

    def _drippingmove(self) -> None:
        self.begin_move()
        self.drip(b"x")

    def begin_move(self) -> None:
        self.close_connection = True
        self.send_response(302)
        self.send_header("Location", "/a.png")
        self.end_headers()

    def _large(self) -> None:
        self.send(200, b"", Content_Length="70001")

    def _flood(self) -> None:
        self.begin()
        for _ in range(100):
            self.wfile.write(b"x" * 10_000)

    def _bomb(self) -> None:
        self.send(200, gzip.compress(bytes(10_000_000)), Content_Encoding="gzip")

    def _zipped(self) -> None:
        self.send(200, gzip.compress(PHOTO), Content_Encoding="gzip")

    def _badlyzipped(self) -> None:
        self.send(200, b"this is no gzip", Content_Encoding="gzip")

    def _cut(self) -> None:
        self.close_connection = True
        if self.asked.count(self.path) == 1:
            self.send(200, b"xx", Content_Length="10")
        else:
            self.send(200, PHOTO)

    def _hangup(self) -> None:
        self.close_connection = True

    def _crowd(self) -> None:
        cls = type(self)
        with self.lock:
            cls.num_now += 1
            cls.num_most = max(cls.num_most, cls.num_now)
        time.sleep(0.02)
        with self.lock:
            cls.num_now -= 1
        self.send(200, PHOTO)


class Shop:
    """A server on this machine, and what it was asked for."""

    def __init__(self) -> None:
        class ShopHandler(Handler):
            asked: ClassVar = []
            peers: ClassVar = set()

        self.handler = ShopHandler
        self.asked = ShopHandler.asked
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), ShopHandler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.port: int = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.server.shutdown()
    shop.server.server_close()


ALLOWED = frozenset({"127.0.0.1"})


def fetch(url: str, allowed: frozenset[str] = ALLOWED, limits: DownloadLimits = LIMITS) -> bytes:
    return Downloader(allowed, limits).fetch(url)


@pytest.mark.parametrize("path", ["/a.png", "/a.png?size=1|2#part", "/moved.png", "/zipped"])
def test_a_photo_is_fetched(shop: Shop, path: str) -> None:
    assert fetch(shop.url + path) == PHOTO


def test_connections_are_used_again_also_after_redirects_and_refusals(shop: Shop) -> None:
    downloader = Downloader(ALLOWED, LIMITS)
    for path in ("/a.png", "/moved.png", "/missing.png", "/a.png"):
        with contextlib.suppress(DownloadError):
            downloader.fetch(shop.url + path)
    assert len(shop.asked) == 5
    assert len(shop.handler.peers) == 1


def test_many_threads_share_a_few_connections_and_none_is_lost_to_failures(shop: Shop) -> None:
    downloader = Downloader(ALLOWED, DownloadLimits(num_tries=1, total_s=0.5, wait_s=0.5, max_bytes=70_000))
    paths = ["/crowd", "/missing", "/large", "/hangup", "/flood"] * 16
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda path: _outcome(downloader, shop.url + path), paths))
    assert [answer == PHOTO for answer in answers] == [path == "/crowd" for path in paths]
    assert shop.handler.num_most <= CONNECTIONS_A_HOST


def _outcome(downloader: Downloader, url: str) -> bytes | str:
    try:
        return downloader.fetch(url)
    except DownloadError as error:
        return str(error)


@pytest.mark.parametrize(
    ("path", "num_asked", "reason"),
    [
        ("/missing.png", 1, r"\(1 try\): the server answered 404 Not Found"),
        ("/nothing", 1, "answered 204 No Content"),
        ("/down", 3, r"\(3 tries\): the server answered 500"),
        ("/hangup", 3, r"\(3 tries\): the connection broke"),
        ("/patience", 1, r"\(1 try\): the server answered 429 Too Many Requests, to be asked again after 3600 s"),
        ("/round", 6, "redirected more than 5 times"),
        ("/outwards", 1, "does not begin with http"),
        ("/nonsense", 1, "no address"),
        ("/large", 1, "more than 70,000 bytes"),
        ("/flood", 1, "more than 70,000 bytes"),
        ("/bomb", 1, "more than 70,000 bytes"),
        ("/badlyzipped", 1, "cannot be decompressed"),
    ],
)
def test_what_cannot_be_had_is_said(shop: Shop, path: str, num_asked: int, reason: str) -> None:
    with pytest.raises(DownloadError, match=reason) as caught:
        fetch(shop.url + path)
    assert str(caught.value).startswith(f"{shop.url}{path} cannot be downloaded (")
    assert len(shop.asked) == num_asked


@pytest.mark.parametrize(("path", "num_asked"), [("/busy", 3), ("/cut", 2), ("/babble", 2)])
def test_what_may_go_better_is_tried_again(shop: Shop, path: str, num_asked: int) -> None:
    assert fetch(shop.url + path) == PHOTO
    assert len(shop.asked) == num_asked


def test_a_server_that_asks_for_patience_is_given_it(shop: Shop) -> None:
    began = time.monotonic()
    assert fetch(shop.url + "/limited", limits=DownloadLimits(backoff_s=0)) == PHOTO
    assert 1 <= time.monotonic() - began < 2


@pytest.mark.parametrize("path", ["/drip", "/drippinghead", "/drippingchunk"])
def test_an_endless_drip_is_cut_off(shop: Shop, path: str) -> None:
    began = time.monotonic()
    with pytest.raises(DownloadError, match=r"\(1 try\): it took longer than 0.4 s in all"):
        fetch(shop.url + path)
    assert 0.35 < time.monotonic() - began < 1.2


def test_a_redirect_with_an_endless_page_is_followed_without_reading_it(shop: Shop) -> None:
    assert fetch(shop.url + "/drippingmove") == PHOTO


def test_silence_is_tried_again_until_the_time_is_over(shop: Shop) -> None:
    with pytest.raises(DownloadError, match=r"\(2 tries\): nothing came for 0.1 s"):
        fetch(shop.url + "/silent", limits=DownloadLimits(wait_s=0.1, num_tries=2, backoff_s=0))


def test_the_time_does_not_run_while_others_have_all_connections(shop: Shop) -> None:
    downloader = Downloader(ALLOWED, DownloadLimits(wait_s=0.25, total_s=0.25, num_tries=1))
    with ThreadPoolExecutor(4 * CONNECTIONS_A_HOST) as pool:
        slow = [pool.submit(_outcome, downloader, shop.url + "/silent") for _ in range(2 * CONNECTIONS_A_HOST)]
        time.sleep(0.05)
        quick = [pool.submit(_outcome, downloader, shop.url + "/a") for _ in range(CONNECTIONS_A_HOST)]
    assert all("0.25 s" in str(answer.result()) for answer in slow)
    assert [answer.result() for answer in quick] == [PHOTO] * CONNECTIONS_A_HOST


def test_a_server_that_is_not_there_is_tried_again_and_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/a.png"
        with pytest.raises(DownloadError, match=r"\(3 tries\): 127\.0\.0\.1 port .* connected to: .*refused"):
            fetch(url)


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://shop.example/a.png", "http://[broken/a.png", "http:///", "a.png", "",
     "http://shop.example:99999/a.png", f"http:///{'a' * 100_000}", f"http://{'a' * 64}.example/", "http://a..b/", "http://\ud800/"],
)  # fmt: skip
def test_what_is_no_address_is_refused_in_words(url: str) -> None:
    with pytest.raises(DownloadError, match=r"cannot be downloaded \(1 try\)") as caught:
        fetch(url)
    assert len(str(caught.value)) < 1200


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1"])
def test_this_machine_is_not_asked_by_any_of_its_names(shop: Shop, host: str, scheme: str) -> None:
    with pytest.raises(DownloadError, match=rf"not a public address.*allowed_hosts = \[\"{host}\"\]"):
        fetch(f"{scheme}://{host}:{shop.port}/a.png", frozenset({"other.example"}))
    assert (shop.asked, shop.handler.peers) == ([], set())


def test_a_private_host_may_be_allowed_by_name(shop: Shop) -> None:
    assert fetch(f"http://LocalHost:{shop.port}/a.png", frozenset({"localhost"})) == PHOTO
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1 is at 127\.0\.0\.1, which is not a public address"):
        fetch(f"{shop.url}/a.png", frozenset({"localhost"}))


def test_a_redirect_into_the_private_network_is_refused(shop: Shop) -> None:
    with pytest.raises(DownloadError, match=r"127\.0\.0\.2 is at 127\.0\.0\.2, which is not a public address"):
        fetch(shop.url + "/inwards")
    assert shop.asked == ["/inwards"]


def test_a_public_name_at_a_private_address_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"shop.example": ["127.0.0.1"], "both.example": ["93.184.215.14", "10.0.0.1"]}
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, *_: [(2, 1, 6, "", (a, port)) for a in names[host]])
    for name, address in (("shop.example", r"127\.0\.0\.1"), ("both.example", r"10\.0\.0\.1")):
        with pytest.raises(DownloadError, match=f"{name} is at {address}, which is not"):
            fetch(f"http://{name}:{shop.port}/a.png")
    assert shop.asked == []


def test_it_is_the_peer_that_counts(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was looked up: a connection that leads to a private address is closed before anything is sent."""
    monkeypatch.setattr(
        connections, "create_connection", lambda *_, **__: socket.create_connection(("127.0.0.1", shop.port), 1)
    )
    with pytest.raises(DownloadError, match=r"93\.184\.215\.14 is at 127\.0\.0\.1, which is not a public address"):
        fetch("http://93.184.215.14/a.png")
    assert shop.asked == []


def test_proxies_of_the_environment_are_left_aside(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert fetch(shop.url + "/a.png") == PHOTO


def test_a_server_without_tls_is_said(shop: Shop) -> None:
    with pytest.raises(DownloadError, match="no secure connection"):
        fetch(f"https://127.0.0.1:{shop.port}/a.png")


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
     "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fd00::1", "ff02::1", "::127.0.0.1",
     "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "2002:a00:1::", "64:ff9b::10.0.0.1", "2001:db8::1"],
)  # fmt: skip
def test_private_addresses(address: str) -> None:
    assert not connections.is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]
)
def test_public_addresses(address: str) -> None:
    assert connections.is_public(address)
