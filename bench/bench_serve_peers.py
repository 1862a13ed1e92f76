"""Photos a second of our server over those of other servers with the same model, in turns.

    python bench/bench_serve_peers.py [--store STORE] [--turns N] [--litserve-python PYTHON]

The peers (`bench/peers`) are a plain FastAPI program and, with `--litserve-python`, LitServe; both with the same ONNX
file on ONNX Runtime, Pillow, and the same products' embeddings as one matrix. Ours decides itself which engine runs the
model. All servers run all the while, and each turn asks one after the other: closed load from twice as many clients as
cores, then from one, three seconds each. What is printed are medians over the turns, and of the ratios their range.
Photos of 348 px, of 1,280 px (as the page sends them) and of 12 megapixels. Goals: at least twice the peers' throughput
on 12 megapixels, and never below them. LitServe lives in an environment of its own:

    python -m venv PATH && PATH/bin/pip install litserve==0.2.19 onnxruntime pillow numpy python-multipart

The last line is JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from bench_page import made_store
from loads import (
    CORES,
    SIZES,
    Body,
    as_form,
    as_json,
    ask,
    closed_load,
    connected,
    elsewhere,
    files,
    running,
    snapshelf,
)

from snapshelf.artifacts.store import Store
from snapshelf.settings import Settings
from snapshelf.wiring import open_shelf

PEERS = Path(__file__).parent / "peers"
SECONDS = 3.0


@dataclass
class Server:
    """One that is measured, and what came out, a value a turn."""

    name: str
    command: list[str | Path]
    body: Body
    port: int = 0
    rate: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)

    def nearest(self, photos: list[bytes]) -> list[str]:
        """The product nearest to each photo."""
        with connected(self.port) as connection:
            answers = [json.loads(ask(connection, data, self.body)) for data in photos]
        return [answer["recommendations"][0]["product"]["id"] for answer in answers]

    def turn(self, photos: list[bytes]) -> None:
        """Ask it for some seconds."""
        self.rate.append(elsewhere(closed_load, self.port, photos, 2 * CORES, SECONDS, self.body)["rate"])
        self.p50_ms.append(elsewhere(closed_load, self.port, photos, 1, SECONDS, self.body)["p50_ms"])


def servers(store: Path, products: Path, litserve_python: Path | None) -> list[Server]:
    """Ours first."""
    folder = Store(store).current("models")
    size_px = json.loads((folder / "card.json").read_text("utf-8"))["preprocess"]["size_px"]
    given: list[str | Path] = [folder / "model.onnx", products, str(size_px), "PORT"]
    found = [
        Server("snapshelf", snapshelf(store), as_form),
        Server("FastAPI", [sys.executable, PEERS / "serve_plain.py", *given], as_form),
    ]
    if litserve_python:
        found.append(Server("LitServe", [litserve_python, PEERS / "serve_litserve.py", *given], as_json))
    return found


def measured(servers: list[Server], photos: list[bytes], turns: int) -> dict[str, Any]:
    """What each server does with photos of one size."""
    ours, *_ = servers
    nearest = ours.nearest(photos)
    found: dict[str, Any] = {}
    for server in servers:
        elsewhere(closed_load, server.port, photos, 2 * CORES, SECONDS, server.body)  # warms up
        server.rate, server.p50_ms = [], []
    for _ in range(turns):
        for server in servers:
            server.turn(photos)
    for server in servers:
        ratios = [mine / theirs for mine, theirs in zip(ours.rate, server.rate, strict=True)]
        agree = np.mean([mine == theirs for mine, theirs in zip(nearest, server.nearest(photos), strict=True)])
        found[server.name] = {
            "rate": statistics.median(server.rate), "p50_ms": statistics.median(server.p50_ms),
            "ours_over_it": statistics.median(ratios), "least": min(ratios), "most": max(ratios),
            "same_nearest": float(agree),
        }  # fmt: skip
    return found


def say(size: str, found: dict[str, Any]) -> None:
    """What came out for photos of one size."""
    print(f"{size}, medians")
    for name, each in found.items():
        beside = "" if name == "snapshelf" else (
            f"   ours over it {each['ours_over_it']:.2f} ({each['least']:.2f} to {each['most']:.2f})   "
            f"same nearest product {each['same_nearest']:.0%}"
        )  # fmt: skip
        print(f"  {name:10}{each['rate']:7.1f} a second   one client, p50 {each['p50_ms']:6.1f} ms{beside}", flush=True)


def products_of(store: Path) -> dict[str, Any]:
    """The ids of the products and an embedding of each."""
    shelf = open_shelf(Store(store), Settings())
    try:
        ids = [product.id for product in shelf.index.products(offset=0, limit=100_000)]
        embeddings = shelf.index.product_embeddings(ids)
    finally:
        shelf.close()
    return {"ids": ids, "embeddings": np.stack([embeddings[each][0] for each in ids])}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--litserve-python", type=Path)
    options = parser.parse_args()
    result: dict[str, Any] = {"cores": CORES}
    with tempfile.TemporaryDirectory() as work, contextlib.ExitStack() as stack:
        store = options.store or made_store(Path(work))
        products = Path(work) / "products.npz"
        np.savez(products, **products_of(store))
        all_of_them = servers(store, products, options.litserve_python)
        for server in all_of_them:
            server.port, _, _ = stack.enter_context(running(server.command))
        for name, size in SIZES.items():
            result[name] = measured(all_of_them, files(size), options.turns)
            say(name, result[name])
    print(json.dumps(result, default=lambda value: round(value, 3)))


if __name__ == "__main__":
    main()
