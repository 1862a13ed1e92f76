"""Does indexing keep the inference engine busy?

    python bench/bench_index.py STORE PHOTOS [--rounds N]

Indexes the photos of PHOTOS (a folder or a table, with a model in use in STORE) into an index of its own, and lets the
same model look at as many photos in memory that need no decoding; in turn, so that a noisy machine troubles both alike.
Prints the photos a second of each and their ratio; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from snapshelf.adapters.model_encoder import ModelEncoder
from snapshelf.artifacts.store import Store
from snapshelf.imaging.decode import DecodeLimits
from snapshelf.pipelines.index import index
from snapshelf.settings import load_settings
from snapshelf.wiring import open_encoder

BATCH = 64


def main() -> None:
    """Measure in turn and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", nargs="?", type=Path)
    parser.add_argument("photos", nargs="?")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if not arguments.photos:
        parser.exit(message="Skipped: name a store with a model, and a folder of photos.\n")
    store, settings = Store(arguments.store), load_settings()
    encoder, worker = open_encoder(store, settings), open_encoder(store, settings, side_by_side=True)
    rates: dict[str, list[float]] = {"engine alone": [], "index": []}
    num_photos = 0
    for _ in range(arguments.rounds):
        num_photos, seconds = indexed(store, worker, arguments.photos, settings.num_threads)
        rates["index"].append(num_photos / seconds)
        rates["engine alone"].append(num_photos / looked_at(encoder, num_photos))
    found = {name: float(np.median(values)) for name, values in rates.items()}
    for name, rate in found.items():
        print(f"{name:14}{rate:8.1f} photos a second (median of {arguments.rounds} rounds)")
    ratio = float(np.median(np.array(rates["index"]) / np.array(rates["engine alone"])))
    print(f"index / engine alone, {num_photos:,} photos on {settings.num_threads} cores: {ratio:.3f}")
    print(json.dumps({"model": encoder.card.id, "num_photos": num_photos, "ratio": ratio, **found}))


def indexed(store: Store, encoder: ModelEncoder, photos: str, num_threads: int) -> tuple[int, float]:
    """Index into a store of its own; returns how many photos were embedded, and the seconds."""
    with tempfile.TemporaryDirectory() as work:
        own = Store(Path(work))
        shutil.copytree(store.current("models"), own.folder("models", encoder.card.id))
        own.use("models", encoder.card.id)
        started = time.perf_counter()
        result = index(own, encoder, encoder.card, photos, limits=DecodeLimits(), num_workers=num_threads)
        return result.embedded, time.perf_counter() - started


def looked_at(encoder: ModelEncoder, num_photos: int) -> float:
    """The seconds in which the model looks at so many photos in memory."""
    size_px = encoder.preprocess.size_px
    photos_NSSC = np.random.default_rng(0).integers(0, 256, (BATCH, size_px, size_px, 3), dtype=np.uint8)
    started = time.perf_counter()
    for start in range(0, num_photos, BATCH):
        encoder.encode(photos_NSSC[: num_photos - start])
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
