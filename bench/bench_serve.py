"""How much of the machine reaches the customers: the server over loopback, against what its cores could do at best.

    python bench/bench_serve.py [--store STORE] [--seconds N] [--requests N]

1. The floor: decoding photos at the scale that is needed, and the model's own time with the engine that the server
   takes, in this process, without any server: all cores on as many photos (throughput) and on one photo (latency).
2. `snapshelf serve` in a process of its own: how long until it is ready; closed load from one client, and from twice
   as many clients as cores; open load, requests that come by chance (Poisson) at 60 % of the rate that was reached.
   Photos of 348 px, of 1,280 px (as the page sends them) and of 12 megapixels, JPEG, each sent once only, so that
   nothing is known already.
3. With `--requests N`: the server's memory after a tenth of so many requests, and after all of them.

Without `--store` one is made: EfficientNet-Lite0 with its ImageNet weights over 300 drawn photos. The clients share the
cores with the server. Goals: throughput at least 0.85 of the floor's, p50 of one client at most 1.3 of it; memory
within 5 %. The last line is JSON.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from bench_page import made_store
from loads import (
    CORES,
    SIZES,
    ask,
    closed_load,
    connected,
    elsewhere,
    files,
    open_load,
    resident_mb,
    running,
    snapshelf,
)

from snapshelf.adapters.engines import open_model
from snapshelf.adapters.model_encoder import ModelEncoder
from snapshelf.artifacts.store import Store
from snapshelf.imaging.decode import DecodeLimits, decode

# The floor


def floor(folder: Path, photos: list[bytes], seconds: float) -> dict[str, float]:
    """Photos a second on all cores, and milliseconds for one photo, of nothing but decoding and looking."""
    one, each = open_model(folder, num_threads=CORES), open_model(folder, num_threads=CORES, side_by_side=True)

    def work(encoder: ModelEncoder, data: bytes) -> None:
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


# What is measured


def against_the_floor(store: Path, photos: dict[str, list[bytes]], seconds: float) -> dict[str, Any]:
    """Our server, and what the cores could do."""
    found: dict[str, Any] = {}
    folder = Store(store).current("models")
    for name, of_size in photos.items():
        least = floor(folder, of_size, seconds)
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
    options = parser.parse_args()
    photos = {name: files(size) for name, size in SIZES.items()}
    with tempfile.TemporaryDirectory() as name:
        store = options.store or made_store(Path(name))
        result: dict[str, Any] = {"cores": CORES, **against_the_floor(store, photos, options.seconds)}
        if options.requests:
            result["memory"] = memory(store, photos, options.requests)
    print(json.dumps(result, default=lambda value: round(value, 3)))


if __name__ == "__main__":
    main()
