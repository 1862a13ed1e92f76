"""Photos from the web: within limits, and never from this machine's own network."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from snapshelf.data import download as module
from snapshelf.data.download import download, is_public
from snapshelf.errors import PhotoError


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/moved.png":
            self.send_response(302)
            self.send_header("Location", "/a.png")
            self.end_headers()
            return
        self.send_response(404 if self.path == "/missing.png" else 200)
        self.end_headers()
        self.wfile.write(b"x" * (100_000 if self.path == "/large.png" else 10))

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def as_if_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine counts as the internet, so that a download can be tried without one."""
    monkeypatch.setattr(module, "is_public", lambda address: True)


def test_a_private_address_is_not_asked(address: str) -> None:
    with pytest.raises(PhotoError, match=r"127\.0\.0\.1 is not a public address"):
        download(f"{address}/a.png")


@pytest.mark.usefixtures("as_if_public")
def test_a_photo_is_fetched_and_redirects_are_followed(address: str) -> None:
    assert download(f"{address}/a.png") == download(f"{address}/moved.png") == b"x" * 10


@pytest.mark.usefixtures("as_if_public")
def test_what_is_not_there_is_said(address: str) -> None:
    with pytest.raises(PhotoError, match=r"missing.png cannot be downloaded \(Not Found\)"):
        download(f"{address}/missing.png")


@pytest.mark.usefixtures("as_if_public")
def test_too_much_is_not_read_to_its_end(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 70_000)
    with pytest.raises(PhotoError, match="more than 70,000 bytes"):
        download(f"{address}/large.png")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://shop.example/a.png", "http://[broken/a.png", "http:///"])
def test_only_http_and_https_are_known(url: str) -> None:
    with pytest.raises(PhotoError, match="cannot be downloaded"):
        download(url)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1",
     "::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"],
)  # fmt: skip
def test_private_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)
