"""How much of the machine reaches the customers: the server over loopback, against what its cores could do at best.

    python bench/bench_serve.py [--store STORE] [--seconds N] [--requests N] [--peers] [--litserve-python PYTHON]

1. The floor: decoding photos at the scale that is needed, and the model's own time, in this process, without any
   server: all cores on as many photos (throughput) and on one photo (latency).
2. `snapshelf serve` in a process of its own: how long until it is ready; closed load from one client, and from twice
   as many clients as cores; open load, requests that come by chance (Poisson) at 60 % of the rate that was reached.
   Photos of 348 px, of 1,280 px (as the page sends them) and of 12 megapixels, JPEG, each sent once only, so that
   nothing is known already.
3. With `--peers`: the same closed load on a plain FastAPI program and, with `--litserve-python`, on LitServe; both with
   the same ONNX file, Pillow, and the same products (`bench/peers`). LitServe lives in an environment of its own:
   python -m venv PATH && PATH/bin/pip install litserve==0.2.19 onnxruntime pillow numpy
4. With `--requests N`: the server's memory after a tenth of so many requests, and after all of them.

Without `--store` one is made: EfficientNet-Lite0 with its ImageNet weights over 300 drawn photos. The clients share the
cores with the server. Goals: throughput at least 0.85 of the floor's, p50 of one client at most 1.3 of it; at least
twice the peers' throughput on large photos and never below them; memory within 5 %. The last line is JSON.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import functools
import io
import itertools
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from bench_page import made_store, photo

from snapshelf.adapters.onnx_encoder import OnnxEncoder
from snapshelf.artifacts.store import Store
from snapshelf.imaging.decode import DecodeLimits, decode
from snapshelf.settings import Settings
from snapshelf.wiring import open_shelf

SIZES = {"348 px": (348, 261), "1280 px": (1280, 960), "12 MP": (4000, 3000)}
PHOTOS_OF_A_SIZE = 8
BOUNDARY = b"snapshelf"
PEERS = Path(__file__).parent / "peers"
CORES = len(os.sched_getaffinity(0))


def files(size: tuple[int, int]) -> list[bytes]:
    """JPEGs with the detail of photos."""
    made = []
    for number in range(PHOTOS_OF_A_SIZE):
        file = io.BytesIO()
        photo(number).resize(size).save(file, "JPEG", quality=88)
        made.append(file.getvalue())
    return made


# The floor


def floor(encoder_of: Callable[[int], OnnxEncoder], photos: list[bytes], seconds: float) -> dict[str, float]:
    """Photos a second on all cores, and milliseconds for one photo, of nothing but decoding and looking."""
    one, each = encoder_of(CORES), encoder_of(1)

    def work(encoder: OnnxEncoder, data: bytes) -> None:
        picture = decode(data, DecodeLimits(), needed_px=encoder.preprocess.size_px)
        encoder.encode(encoder.preprocess.apply(picture.image)[None])

    alone = []
    ends = time.perf_counter() + seconds / 2
    for data in itertools.cycle(photos):
        started = time.perf_counter()
        work(one, data)
        alone.append(time.perf_counter() - started)
        if time.perf_counter() > ends:
            break
    rates = [_rate_of_threads(partial(work, encoder), photos, seconds / 2) for encoder in (each, one)]
    return {"rate": max(rates), "p50_ms": statistics.median(alone[1:]) * 1000}


def _rate_of_threads(work: Callable[[bytes], None], photos: list[bytes], seconds: float) -> float:
    ends, started = time.perf_counter() + seconds, time.perf_counter()

    def many(first: int) -> int:
        done = 0
        while time.perf_counter() < ends:
            work(photos[(first + done) % len(photos)])
            done += 1
        return done

    with ThreadPoolExecutor(CORES) as threads:
        done = sum(threads.map(many, range(CORES)))
    return done / (time.perf_counter() - started)


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


# What is measured


def against_the_floor(store: Path, photos: dict[str, list[bytes]], seconds: float) -> dict[str, Any]:
    """Our server, and what the cores could do."""
    found: dict[str, Any] = {}
    folder = Store(store).current("models")
    for name, of_size in photos.items():
        least = floor(lambda num_threads: OnnxEncoder(folder, num_threads=num_threads), of_size, seconds)
        with running(snapshelf(store)) as (port, ready_s, _):
            elsewhere(closed_load, port, of_size, CORES, 2.0)  # warms up
            one = elsewhere(closed_load, port, of_size, 1, seconds)
            many = elsewhere(closed_load, port, of_size, 2 * CORES, seconds)
            by_chance = elsewhere(open_load, port, of_size, 0.6 * many["rate"], seconds)
        found[name] = {
            "ready_s": ready_s, "floor": least, "one client": one, "many clients": many, "open": by_chance,
            "throughput of floor": many["rate"] / least["rate"], "p50 of floor": one["p50_ms"] / least["p50_ms"],
        }  # fmt: skip
        say(name, found[name])
    return found


def say(name: str, found: dict[str, Any]) -> None:
    """What came out for photos of one size."""
    print(f"{name}: ready after {found['ready_s']:.2f} s")
    print(f"  the floor        {found['floor']['rate']:7.1f} a second   p50 {found['floor']['p50_ms']:6.1f} ms")
    for load in ("one client", "many clients", "open"):
        each = found[load]
        print(
            f"  {load:15}  {each['rate']:7.1f} a second   p50 {each['p50_ms']:6.1f}   p95 {each['p95_ms']:6.1f}   "
            f"p99 {each['p99_ms']:6.1f} ms"
        )
    print(
        f"  throughput {found['throughput of floor']:.2f} of the floor (goal 0.85), "
        f"p50 {found['p50 of floor']:.2f} of it (goal 1.3)",
        flush=True,
    )


def against_peers(
    store: Path, photos: dict[str, list[bytes]], seconds: float, litserve_python: Path | None
) -> dict[str, Any]:
    """Our server's closed load over that of others."""
    folder = Store(store).current("models")
    size_px = str(OnnxEncoder(folder, num_threads=1).preprocess.size_px)
    programs = {"FastAPI": (Path(sys.executable), "serve_plain.py", as_form)}
    if litserve_python:
        programs["LitServe"] = (litserve_python, "serve_litserve.py", as_json)
    found: dict[str, Any] = {}
    with tempfile.NamedTemporaryFile(suffix=".npz") as products:
        np.savez(products, **products_of(store))
        products.flush()
        for name, of_size in photos.items():
            with running(snapshelf(store)) as (port, _, _):
                ours = loads(port, of_size, seconds, as_form)
            for peer, (python, program, body) in programs.items():
                command: list[str | Path] = [
                    python,
                    PEERS / program,
                    folder / "model.onnx",
                    products.name,
                    size_px,
                    "PORT",
                ]
                with running(command) as (port, _, _):
                    theirs = loads(port, of_size, seconds, body)
                same = np.mean([mine == other for mine, other in zip(ours["nearest"], theirs["nearest"], strict=True)])
                rate = ours["many"]["rate"] / theirs["many"]["rate"]
                found[f"{peer}, {name}"] = {"rate": rate, "ours": ours["many"], "theirs": theirs["many"]}
                print(
                    f"{name}: {ours['many']['rate']:.1f} a second, {peer} {theirs['many']['rate']:.1f}: "
                    f"{rate:.2f} times; p50 of one client {ours['one']['p50_ms']:.1f} and "
                    f"{theirs['one']['p50_ms']:.1f} ms; the same nearest product for {same:.0%} of the photos",
                    flush=True,
                )
    return found


def loads(port: int, photos: list[bytes], seconds: float, body: Body) -> dict[str, Any]:
    """Closed load of many clients and of one, and the nearest product of each photo."""
    with connected(port) as connection:
        answers = [json.loads(ask(connection, data, body)) for data in photos]  # warms up
    return {
        "nearest": [answer["recommendations"][0]["product"]["id"] for answer in answers],
        "many": elsewhere(closed_load, port, photos, 2 * CORES, seconds, body),
        "one": elsewhere(closed_load, port, photos, 1, seconds, body),
    }


def products_of(store: Path) -> dict[str, Any]:
    """The ids of the products and an embedding of each."""
    shelf = open_shelf(Store(store), Settings())
    try:
        ids = [product.id for product in shelf.index.products(offset=0, limit=100_000)]
        embeddings = shelf.index.product_embeddings(ids)
    finally:
        shelf.close()
    return {"ids": ids, "embeddings": np.stack([embeddings[each][0] for each in ids])}


def memory(store: Path, photos: dict[str, list[bytes]], requests: int) -> dict[str, float]:
    """MB after a tenth of the requests and after all; every hundredth photo is a large one."""
    mixed = (photos["348 px"] * 100)[:99] + photos["12 MP"][:1]
    with running(snapshelf(store)) as (port, _, pid):
        held = []
        for num in (requests // 10, requests - requests // 10):
            elsewhere(so_many, port, mixed, 2 * CORES, num)
            held.append(resident_mb(pid))
    print(f"memory after {requests // 10:,} requests {held[0]:.1f} MB, after {requests:,} {held[1]:.1f} MB", flush=True)
    return {"early": held[0], "late": held[1], "growth": held[1] / held[0] - 1}


def so_many(port: int, photos: list[bytes], clients: int, num: int) -> dict[str, float]:
    """As many requests as wanted."""
    numbers = iter(range(num))
    lock = threading.Lock()

    def client(_: int) -> None:
        with connected(port) as connection:
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                ask(connection, photos[number % len(photos)])

    with ThreadPoolExecutor(clients) as threads:
        list(threads.map(client, range(clients)))
    return {}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--requests", type=int, default=0)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--litserve-python", type=Path)
    options = parser.parse_args()
    photos = {name: files(size) for name, size in SIZES.items()}
    with tempfile.TemporaryDirectory() as name:
        store = options.store or made_store(Path(name))
        result: dict[str, Any] = {"cores": CORES, **against_the_floor(store, photos, options.seconds)}
        if options.peers:
            result["peers"] = against_peers(store, photos, options.seconds, options.litserve_python)
        if options.requests:
            result["memory"] = memory(store, photos, options.requests)
    print(json.dumps(result, default=lambda value: round(value, 3)))


if __name__ == "__main__":
    main()
