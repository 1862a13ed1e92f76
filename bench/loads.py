"""Photos, clients and servers for the benches of serving."""

from __future__ import annotations

import base64
import contextlib
import functools
import io
import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from bench_page import photo

SIZES = {"348 px": (348, 261), "1280 px": (1280, 960), "12 MP": (4000, 3000)}
PHOTOS_OF_A_SIZE = 8
BOUNDARY = b"snapshelf"
CORES = len(os.sched_getaffinity(0))


def files(size: tuple[int, int]) -> list[bytes]:
    """JPEGs with the detail of photos."""
    made = []
    for number in range(PHOTOS_OF_A_SIZE):
        file = io.BytesIO()
        photo(number).resize(size).save(file, "JPEG", quality=88)
        made.append(file.getvalue())
    return made


# Clients


def as_form(data: bytes) -> tuple[bytes, list[bytes]]:
    """The content type and the body of a request with a photo. Behind a JPEG's end anything may stand."""
    head = b'--%b\r\nContent-Disposition: form-data; name="photo"; filename="p.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    tail = os.urandom(9) + b"\r\n--%b--\r\n" % BOUNDARY
    return b"multipart/form-data; boundary=%b" % BOUNDARY, [head % BOUNDARY, data, tail]


def as_json(data: bytes) -> tuple[bytes, list[bytes]]:
    """The same as LitServe has it."""
    return b"application/json", [b'{"photo": "', _base64(data), base64.b64encode(os.urandom(9)), b'"}']


@functools.cache
def _base64(data: bytes) -> bytes:
    """So that more may be added to it."""
    return base64.b64encode(data + b"\0" * (-len(data) % 3))


Body = Callable[[bytes], tuple[bytes, list[bytes]]]


def ask(connection: socket.socket, data: bytes, body: Body = as_form) -> bytes:
    """Send a photo that nobody sent before; the answer, which must be 200."""
    content_type, parts = body(data)
    connection.sendall(
        b"POST /api/v1/recommendations HTTP/1.1\r\nHost: shop\r\nContent-Length: %d\r\nContent-Type: %b\r\n\r\n"
        % (sum(map(len, parts)), content_type)
    )
    for part in parts:
        connection.sendall(part)
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _some(connection)
    fields, received = received[:end].lower(), received[end + 4 :]
    assert fields.split(b" ")[1] == b"200", received
    length = int(fields.partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(received) < length:
        received += _some(connection)
    return received


def _some(connection: socket.socket) -> bytes:
    part = connection.recv(65_536)
    if not part:
        raise ConnectionError("the server closed the connection")
    return part


def closed_load(port: int, photos: list[bytes], clients: int, seconds: float, body: Body = as_form) -> dict[str, float]:
    """Clients of which each asks again as soon as it was answered: requests a second, and their milliseconds."""
    took: list[float] = []
    ends = time.perf_counter() + seconds

    def client(number: int) -> None:
        with connected(port) as connection:
            for data in itertools.islice(itertools.cycle(photos), number, None):
                started = time.perf_counter()
                if started >= ends:
                    return
                ask(connection, data, body)
                took.append(time.perf_counter() - started)

    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        list(threads.map(client, range(clients)))
    return {"rate": len(took) / (time.perf_counter() - started), **percentiles(took)}


def open_load(port: int, photos: list[bytes], rate: float, seconds: float) -> dict[str, float]:
    """Requests that come by chance, whether others are answered or not; counted from when each should have come."""
    draw, took, pool = random.Random(0), [], [connected(port) for _ in range(64)]
    due = time.perf_counter()
    threads = ThreadPoolExecutor(64)

    def one(data: bytes, due: float) -> None:
        connection = pool.pop()
        ask(connection, data)
        took.append(time.perf_counter() - due)
        pool.append(connection)

    for number in range(int(rate * seconds)):
        due += draw.expovariate(rate)
        time.sleep(max(0.0, due - time.perf_counter()))
        threads.submit(one, photos[number % len(photos)], due)
    threads.shutdown()
    for connection in pool:
        connection.close()
    return {"rate": rate, **percentiles(took)}


def connected(port: int) -> socket.socket:
    """A connection on which nothing waits to be joined."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def percentiles(seconds: list[float]) -> dict[str, float]:
    """In milliseconds."""
    p50, p95, p99 = np.percentile(np.array(seconds) * 1000, [50, 95, 99]).tolist()
    return {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99}


def elsewhere(load: Callable[..., dict[str, float]], *arguments: object) -> dict[str, float]:
    """A load from a process of its own, as customers are."""
    with get_context("spawn").Pool(1) as process:
        return process.apply(load, arguments)


# Servers


@contextlib.contextmanager
def running(command: list[str | Path]) -> Iterator[tuple[int, float, int]]:
    """The port of a server, the seconds until it was ready, and its process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    started = time.perf_counter()
    server = subprocess.Popen(
        [part if part != "PORT" else str(port) for part in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # some have processes of their own
    )
    try:
        while time.perf_counter() - started < 120:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                break
            if server.poll() is not None:
                sys.exit(f"{command} ended")
            time.sleep(0.02)
        yield port, time.perf_counter() - started, server.pid
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)


def snapshelf(store: Path) -> list[str | Path]:
    """Our server."""
    return [sys.executable, "-m", "snapshelf", "serve", "--store", store, "--port", "PORT"]


def resident_mb(pid: int) -> float:
    """What a process holds in memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1000
    raise AssertionError
