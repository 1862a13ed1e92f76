"""The durability bench, in short: a handful of kills, and a loss that it must see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from bench import bench_durability

from snapshelf.adapters.exact_index import ExactIndex
from snapshelf.adapters.qdrant_edge_index import QdrantEdgeIndex
from snapshelf.types import Product, ProductPhoto


def test_nothing_acknowledged_is_lost_when_its_process_is_killed(tmp_path: Path) -> None:
    found = bench_durability.run(tmp_path / "shard", num_changes=60, seed=1, longest_life=20)
    assert found["acknowledged"] >= 60
    assert found["kills"] >= 3
    assert found["lost"] == []


def test_what_is_lost_or_half_there_is_seen(tmp_path: Path) -> None:
    index, exact = QdrantEdgeIndex.create(tmp_path / "shard", bench_durability.DIM), ExactIndex(bench_durability.DIM)
    photos = [ProductPhoto(f"p{n}/0", "sha", Product(f"p{n}", "red shoe", "shoe", 5.0)) for n in range(3)]
    for made in (index, exact):
        made.upsert(photos, np.eye(3, bench_durability.DIM, dtype=np.float32))
    assert bench_durability.differences(index, exact) == []
    exact.update_products([Product("p1", "blue shoe", "shoe", 5.0)])
    assert bench_durability.differences(index, exact) == ["products", "what is said of photos", "words"]
    exact.remove(["p1"])
    assert "photos" in bench_durability.differences(index, exact)
    assert "one lead a product" in bench_durability.differences(index, exact)
    index.close()
