"""Is the index fast, and does it find what is there? Qdrant Edge against exact NumPy on the same vectors.

Photos lie in clusters, as products do; queries are new points of the same clusters. Prints the milliseconds of a
search for 10 products, payload returned, and how many of the exact ten are found; the last line is JSON.

Shapes: N photos, D numbers an embedding.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snapshelf.adapters.exact_index import ExactIndex
from snapshelf.adapters.qdrant_edge_index import QdrantEdgeIndex
from snapshelf.ports import VectorIndex
from snapshelf.types import Filters, Product, ProductPhoto

NUM_CLUSTERS = 200
TOP_K = 10
BATCH = 1024

Embeddings = NDArray[np.float32]


def clustered(num: int, dim: int, seed: int) -> Embeddings:
    """Unit vectors around the same `NUM_CLUSTERS` centres for every seed."""
    centres = np.random.default_rng(0).normal(size=(NUM_CLUSTERS, dim))
    random = np.random.default_rng(seed)
    embedding_ND = centres[random.integers(0, NUM_CLUSTERS, num)] + 0.5 * random.normal(size=(num, dim))
    unit_ND: Embeddings = (embedding_ND / np.linalg.norm(embedding_ND, axis=1, keepdims=True)).astype(np.float32)
    return unit_ND


def fill(index: VectorIndex, embedding_ND: Embeddings) -> float:
    """Put one product for each vector into an index; returns the seconds."""
    started = time.perf_counter()
    for start in range(0, len(embedding_ND), BATCH):
        numbers = range(start, min(start + BATCH, len(embedding_ND)))
        photos = [ProductPhoto(f"{n}", "", Product(f"{n}", f"Product {n}", f"{n % 50}", n / 100)) for n in numbers]
        index.upsert(photos, embedding_ND[start : start + BATCH])
    index.optimize()
    return time.perf_counter() - started


def search_all(index: VectorIndex, queries_ND: Embeddings, filters: Filters) -> tuple[Embeddings, list[set[str]]]:
    """The milliseconds of every search, and the ids that it found."""
    milliseconds, found = [], []
    for query_D in queries_ND:
        started = time.perf_counter()
        nearest = index.search(query_D, limit=TOP_K, filters=filters)
        milliseconds.append((time.perf_counter() - started) * 1000)
        found.append({near.product.id for near in nearest})
    return np.array(milliseconds, dtype=np.float32), found


def exact_matrix_ms(embedding_ND: Embeddings, queries_ND: Embeddings) -> Embeddings:
    """The limit to compare with: one matrix product and a partial sort a query, no filters and no payload."""
    milliseconds = []
    for query_D in queries_ND:
        started = time.perf_counter()
        np.argpartition(-(embedding_ND @ query_D), TOP_K)[:TOP_K]
        milliseconds.append((time.perf_counter() - started) * 1000)
    return np.array(milliseconds, dtype=np.float32)


def measure(engine: VectorIndex, exact: VectorIndex, queries_ND: Embeddings, filters: Filters) -> dict[str, float]:
    """Times of the engine's searches and the share of the exact answers among its own."""
    engine_ms, found = search_all(engine, queries_ND, filters)
    _, truth = search_all(exact, queries_ND, filters)
    recall = np.mean([len(ids & true_ids) / len(true_ids) for ids, true_ids in zip(found, truth, strict=True)])
    p50_ms, p99_ms = np.percentile(engine_ms, [50, 99])
    return {"p50_ms": round(float(p50_ms), 3), "p99_ms": round(float(p99_ms), 3), "recall": round(float(recall), 4)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=20_000)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--queries", type=int, default=200)
    options = parser.parse_args()
    embedding_ND = clustered(options.photos, options.dim, seed=1)
    queries_ND = clustered(options.queries, options.dim, seed=2)
    exact = ExactIndex(options.dim)
    fill(exact, embedding_ND)
    results: dict[str, object] = vars(options)
    with tempfile.TemporaryDirectory() as folder:
        engine = QdrantEdgeIndex.create(Path(folder) / "shard", options.dim)
        results["build_s"] = round(fill(engine, embedding_ND), 2)
        plain = measure(engine, exact, queries_ND, Filters())
        half = measure(engine, exact, queries_ND, Filters(price_max=options.photos / 200))
        engine.close()
    numpy_ms = round(float(np.median(exact_matrix_ms(embedding_ND, queries_ND))), 3)
    ratio = round(plain["p50_ms"] / numpy_ms, 3)
    print(f"Qdrant Edge, built in {results['build_s']} s: {plain}")
    print(f"Qdrant Edge with a price filter that half of the products pass: {half}")
    print(f"Bare NumPy without filter and payload: p50 {numpy_ms} ms; Qdrant Edge takes {ratio} times as long")
    results |= {"plain": plain, "price_filter": half, "numpy_p50_ms": numpy_ms, "ratio_to_numpy": ratio}
    print(json.dumps(results))


if __name__ == "__main__":
    main()
