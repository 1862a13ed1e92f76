"""Too much, too slow, too often: refused in words, at once, and nothing is held."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
import urllib.request
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from snapshelf.settings import Settings
from snapshelf.web import connections, photo_work
from snapshelf.web.app import create_app
from snapshelf.web.guards import uploads
from snapshelf.web.guards.rate import RateLimit, client_of
from snapshelf.web.guards.uploads import UploadPace
from snapshelf.web.photo_work import PhotoWork
from snapshelf.web.telemetry import Telemetry
from snapshelf.wiring import open_shelf
from tests.serving import served
from tests.tiny_store import COLOURS, build_tiny_store, photo_bytes

FORM_HEAD = b'--x\r\nContent-Disposition: form-data; name="photo"; filename="p.png"\r\n\r\n'
RED = photo_bytes(COLOURS["red thing"], 5)


@pytest.fixture
def store_root(tmp_path: Path) -> Path:
    build_tiny_store(tmp_path)
    return tmp_path


def application(tmp_path: Path, **limits: Any) -> TestClient:
    settings = Settings(threads=1, **limits)
    return TestClient(create_app(open_shelf(build_tiny_store(tmp_path), settings), settings))


def half_a_request(address: str, length: int = 100_000) -> socket.socket:
    """A connection on which a photo is on its way and stays so."""
    host, port = address.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=30)
    connection.sendall(
        b"POST /api/v1/recommendations HTTP/1.1\r\nHost: shop\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        b"Content-Length: " + str(length).encode() + b"\r\n\r\n" + FORM_HEAD
    )
    return connection


def answer_on(connection: socket.socket) -> bytes:
    """All that comes until the server closes, or an answer is whole."""
    received = b""
    while b"}" not in received and (part := connection.recv(65_536)):
        received += part
    return received


def wait_for(address: str, line: str) -> None:
    """Until the metrics hold a line."""
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        with urllib.request.urlopen(f"{address}/metrics") as answer:
            if line in answer.read().decode().splitlines():
                return
        time.sleep(0.02)
    raise AssertionError(f"the metrics never held {line}")


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    settings = Settings(threads=1, max_in_flight=2)
    with served(open_shelf(build_tiny_store(tmp_path), settings), settings) as found:
        yield found


def test_one_request_too_many_is_sent_away_at_once_and_the_page_goes_on(address: str) -> None:
    under_way = [half_a_request(address) for _ in range(2)]
    wait_for(address, "snapshelf_requests_in_flight 2.0")
    refused = half_a_request(address)
    answer = answer_on(refused).decode()
    assert answer.startswith("HTTP/1.1 503 ")
    assert "retry-after: 1" in answer.lower()
    assert "urn:snapshelf:problem:service-unavailable" in answer
    assert "2 requests are being answered already" in answer
    wait_for(address, 'snapshelf_refusals_total{reason="service-unavailable"} 1.0')
    for connection in (*under_way, refused):
        connection.close()
    wait_for(address, "snapshelf_requests_in_flight 0.0")


def test_who_was_sent_away_may_use_the_same_connection_again(address: str) -> None:
    under_way = [half_a_request(address) for _ in range(2)]
    wait_for(address, "snapshelf_requests_in_flight 2.0")
    refused = half_a_request(address, length=len(FORM_HEAD) + 2)
    assert b" 503 " in answer_on(refused)
    for connection in under_way:
        connection.close()
    wait_for(address, "snapshelf_requests_in_flight 0.0")
    refused.sendall(b"x" * 2 + b"GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n")
    assert answer_on(refused).startswith(b"HTTP/1.1 200 ")
    refused.close()


@pytest.mark.parametrize("begun", [b"", b"POST /api/v1/recommendations HTTP/1.1\r\nHost: sh"], ids=["silent", "slow"])
def test_a_connection_that_brings_no_request_is_closed(
    address: str, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.2)
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(begun)
        assert connection.recv(100) == b""


def test_a_second_request_may_also_not_be_begun_and_left(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.2)
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n")
        assert b"200 OK" in answer_on(connection)
        connection.sendall(b"GET /heal")
        assert connection.recv(100) == b""


def apart(work: Coroutine[Any, Any, None]) -> None:
    """In a thread of its own: browser tests leave a loop running in this one."""
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(asyncio.run, work).result()


def paced(messages: list[tuple[float, Message]]) -> tuple[int, list[Message]]:
    """What an application that reads the whole body gets, and the status, where messages come after pauses."""
    got: list[Message] = []
    status = 200

    async def receive() -> Message:
        pause_s, message = messages.pop(0)
        await asyncio.sleep(pause_s)
        return message

    async def reader(_: Scope, receive: Receive, __: Send) -> None:
        while not got or got[-1].get("more_body"):
            got.append(await receive())

    async def send(_: Message) -> None:
        raise AssertionError("nothing is sent here")

    async def run() -> None:
        nonlocal status
        scope: Scope = {"type": "http", "method": "POST"}
        try:
            await UploadPace(reader)(scope, receive, send)
        except HTTPException as error:
            status = error.status_code

    apart(run())
    return status, got


def body(size: int, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": b"x" * size, "more_body": more}


def test_a_body_that_comes_in_time_is_let_through() -> None:
    status, got = paced([(0.0, body(10)), (0.01, body(10)), (0.0, body(5, more=False))])
    assert (status, sum(len(message["body"]) for message in got)) == (200, 25)


def test_a_pause_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PAUSE_S", 0.05)
    assert paced([(0.0, body(10)), (5.0, body(10))])[0] == 408


def test_so_does_a_trickle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PATIENCE_S", 0.1)
    monkeypatch.setattr(uploads, "BYTES_PER_S", 1000)
    trickle = [(0.02, body(1)) for _ in range(1000)]
    status, got = paced(trickle)
    assert status == 408
    assert 0 < len(got) < 500


def test_a_whole_body_may_take_its_time_to_be_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    async def app(_: Scope, receive: Receive, __: Send) -> None:
        await receive()
        await asyncio.wait_for(receive(), 5)  # is the client still there?

    async def run() -> None:
        messages = iter([(0.0, body(3, more=False)), (0.2, {"type": "http.disconnect"})])

        async def receive() -> Message:
            pause_s, message = next(messages)
            await asyncio.sleep(pause_s)
            return message

        async def send(_: Message) -> None: ...

        await UploadPace(app)({"type": "http", "method": "POST"}, receive, send)

    monkeypatch.setattr(uploads, "PAUSE_S", 0.05)
    apart(run())


def test_a_slow_upload_is_a_problem_that_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PAUSE_S", 0.2)
    settings = Settings(threads=1)
    with served(open_shelf(build_tiny_store(tmp_path), settings), settings) as address:
        connection = half_a_request(address)
        answer = answer_on(connection).decode()
        assert answer.startswith("HTTP/1.1 408 ")
        assert "nothing for 0.2 s" in answer
        assert "connection: close" in answer.lower()
        connection.close()
        wait_for(address, "snapshelf_requests_in_flight 0.0")


def test_who_finds_no_free_core_in_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_work, "MOST_WAIT_S", 0.05)
    finish = threading.Event()
    statuses: list[int] = []

    async def run() -> None:
        work = PhotoWork(1, Telemetry())
        before = [asyncio.create_task(work.do(lambda: finish.wait(20))) for _ in range(4)]
        await asyncio.sleep(0)
        try:
            await work.do(lambda: True)
        except HTTPException as error:
            statuses.append(error.status_code)
        finish.set()
        assert all(await asyncio.gather(*before))
        assert await work.do(lambda: True)
        work.close()

    apart(run())
    assert statuses == [503]


def test_a_form_of_too_many_fields(tmp_path: Path) -> None:
    with application(tmp_path) as client:
        fields = {f"made-up-{number}": "x" for number in range(70)}
        answer = client.post("/api/v1/recommendations", data=fields, files={"photo": RED})
        assert answer.status_code == 400
        assert "Too many fields" in answer.json()["detail"]
        two = [("photo", RED), ("photo", RED)]
        assert client.post("/api/v1/recommendations", files=two).status_code == 400
        long = client.post("/api/v1/recommendations", data={"text": "x" * 20_000}, files={"photo": RED})
        assert long.status_code == 400


def test_an_ipv6_customer_is_a_network() -> None:
    def of(host: str) -> str:
        return client_of({"type": "http", "client": (host, 1)})

    assert of("2001:db8:1:2:3::4") == of("2001:db8:1:2:ffff::9") != of("2001:db8:1:3::4")
    assert of("192.0.2.7") == of("::ffff:192.0.2.7") != of("192.0.2.8")
    assert of("fe80::1%eth0") == of("fe80::2")
    assert of("testclient") == "testclient"
    assert client_of({"type": "http"}) == "unknown"


def test_the_rate_remembers_two_numbers_a_client() -> None:
    limit = RateLimit(lambda *_: None, per_minute=1000)  # type: ignore[arg-type]
    for _ in range(500):
        assert limit.limiter.hit(limit.limit, "192.0.2.7")
    storage: Any = limit.limiter.storage
    assert len(storage.storage) <= 2  # the minute may have turned meanwhile
    assert not storage.events
