"""Is the index fast, does it find what is there, and what does it take?

    python bench/bench_search.py [--photos N …] [--filters] [--peers] [--plot FILE]

Qdrant Edge, as snapshelf uses it, beside exact NumPy on the same vectors; with `--peers` also those of faiss, usearch
and LanceDB that are installed, which return ids only. Photos lie in clusters, as products do; queries are new points of
the same clusters. Prints the milliseconds of a search for 10 products one after the other, the share of the exact ten
among those found, the seconds to build and to open, and the memory that a process that has the index open holds after
all searches: `own_mb`, which it needs, and `files_mb`, the pages of the index's files that happen to be in memory,
which the system takes back when it needs them. A line of JSON follows for each size; `--plot` draws them all, where
matplotlib is installed.

Shapes: N photos, D numbers an embedding.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from snapshelf.adapters.qdrant_edge_index import QdrantEdgeIndex
from snapshelf.types import Filters, Product, ProductPhoto

NUM_CLUSTERS = 200
TOP_K = 10
NUM_WARM_UP = 500
"""Searches for other photos before any is timed: a server runs for days, and the first ones read the index's files."""

BATCH = 1024
_SHARES = (0.01, 0.1, 0.5)

Embeddings = NDArray[np.float32]
Search = Callable[[Embeddings], set[int]]


def clustered(num: int, dim: int, seed: int) -> Embeddings:
    """Unit vectors around the same `NUM_CLUSTERS` centres for every seed."""
    centres = np.random.default_rng(0).normal(size=(NUM_CLUSTERS, dim)).astype(np.float32)
    random = np.random.default_rng(seed)
    embedding_ND = random.standard_normal((num, dim), dtype=np.float32)
    embedding_ND *= 0.5
    embedding_ND += centres[random.integers(0, NUM_CLUSTERS, num)]
    embedding_ND /= np.linalg.norm(embedding_ND, axis=1, keepdims=True)
    return embedding_ND


def price_of(number: int) -> float:
    """Prices do not follow the clusters: a share of 0.1 of all products costs less than 10."""
    return (number * 7919) % 10_000 / 100


def batches(embedding_ND: Embeddings) -> Iterator[tuple[list[ProductPhoto], Embeddings]]:
    """One product for each vector, many at a time."""
    for start in range(0, len(embedding_ND), BATCH):
        numbers = range(start, min(start + BATCH, len(embedding_ND)))
        products = [Product(f"{n}", f"Product {n}", f"{n % 50}", price_of(n)) for n in numbers]
        yield [ProductPhoto(product.id, "", product) for product in products], embedding_ND[start : start + BATCH]


def build(folder: Path, embedding_ND: Embeddings) -> float:
    """Build the index; returns the seconds."""
    started = time.perf_counter()
    index = QdrantEdgeIndex.create(folder, embedding_ND.shape[1])
    for photos, part_ND in batches(embedding_ND):
        index.upsert(photos, part_ND)
    index.optimize()
    index.close()
    return time.perf_counter() - started


def exact(embedding_ND: Embeddings, queries_QD: Embeddings, share: float) -> tuple[list[set[int]], float]:
    """The true ten of each query among the products that cost little enough, and the milliseconds of a search."""
    allowed = np.flatnonzero(np.array([price_of(n) for n in range(len(embedding_ND))]) < 100 * share)
    part_ND = embedding_ND[allowed]
    found, milliseconds = [], []
    for query_D in queries_QD:
        started = time.perf_counter()
        nearest = np.argpartition(-(part_ND @ query_D), TOP_K)[:TOP_K]
        milliseconds.append((time.perf_counter() - started) * 1000)
        found.append(set(allowed[nearest].tolist()))
    return found, float(np.median(milliseconds))


def opened(folder: Path, queries_QD: Embeddings, truths: dict[float, list[set[int]]], pipe: object) -> None:
    """In a process of its own: open the index, search, and say what it took."""
    own_mb, files_mb = resident_mb("RssAnon"), resident_mb("RssFile")
    started = time.perf_counter()
    index = QdrantEdgeIndex.open(folder)
    found: dict[str, object] = {"open_s": round(time.perf_counter() - started, 3)}
    for share, truth in truths.items():
        filters = Filters() if share == 1.0 else Filters(price_max=100 * share - 0.005)

        def search(query_D: Embeddings, filters: Filters = filters) -> set[int]:
            return {int(near.product.id) for near in index.search(query_D, limit=TOP_K, filters=filters)}

        found[f"{share:g}"] = measured(search, queries_QD, truth)
    found["own_mb"] = round(resident_mb("RssAnon") - own_mb)
    found["files_mb"] = round(resident_mb("RssFile") - files_mb)
    index.close()
    pipe.send(found)  # type: ignore[attr-defined]


def measured(
    search: Callable[[Embeddings], set[int]], queries_QD: Embeddings, truth: list[set[int]]
) -> dict[str, float]:
    """Milliseconds of a search, and the share of the exact answers among its own."""
    for query_D in clustered(NUM_WARM_UP, queries_QD.shape[1], seed=3):
        search(query_D)
    milliseconds, recalls = [], []
    for query_D, true_ids in zip(queries_QD, truth, strict=True):
        started = time.perf_counter()
        ids = search(query_D)
        milliseconds.append((time.perf_counter() - started) * 1000)
        recalls.append(len(ids & true_ids) / len(true_ids))
    p50_ms, p99_ms = np.percentile(milliseconds, [50, 99])
    return {
        "p50_ms": round(float(p50_ms), 3),
        "p99_ms": round(float(p99_ms), 3),
        "recall": round(float(np.mean(recalls)), 4),
    }


def resident_mb(kind: Literal["RssAnon", "RssFile"]) -> float:
    """The memory of this process that is in RAM: its own, or pages of files."""
    status = Path(f"/proc/{os.getpid()}/status").read_text("ascii")
    return int(status.partition(f"{kind}:")[2].split()[0]) / 1024


def faiss_hnsw(embedding_ND: Embeddings) -> Search:
    """faiss, HNSW with 32 links; it neither filters, keeps payloads nor deletes."""
    import faiss  # noqa: PLC0415 (where it is installed)

    index = faiss.IndexHNSWFlat(embedding_ND.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 100
    index.hnsw.efSearch = 128
    index.add(embedding_ND)
    return lambda query_D: set(index.search(query_D[None], TOP_K)[1][0].tolist())


def usearch_hnsw(embedding_ND: Embeddings) -> Search:
    """usearch, as it comes but for a wider search."""
    from usearch.index import Index  # noqa: PLC0415 (where it is installed)

    index = Index(ndim=embedding_ND.shape[1], metric="ip", dtype="f32", expansion_search=128)
    index.add(np.arange(len(embedding_ND)), embedding_ND)
    return lambda query_D: set(index.search(query_D, TOP_K).keys.tolist())


def lancedb_flat(embedding_ND: Embeddings) -> Search:
    """LanceDB without an index: every vector is looked at."""
    table = _lance_table(embedding_ND)
    return lambda query_D: _lance_ids(table.search(query_D).metric("cosine"))


def lancedb_ivf(embedding_ND: Embeddings) -> Search:
    """LanceDB with its IVF-PQ index, looked into deep and rescored."""
    table = _lance_table(embedding_ND)
    table.create_index(metric="cosine", num_partitions=max(1, int(len(embedding_ND) ** 0.5)), num_sub_vectors=32)
    return lambda query_D: _lance_ids(table.search(query_D).metric("cosine").nprobes(20).refine_factor(10))


PEERS: dict[str, Callable[[Embeddings], Search]] = {
    "faiss (HNSW)": faiss_hnsw,
    "usearch (HNSW)": usearch_hnsw,
    "lancedb (flat)": lancedb_flat,
    "lancedb (IVF-PQ)": lancedb_ivf,
}


def _lance_table(embedding_ND: Embeddings) -> Any:  # noqa: ANN401 (where it is installed)
    import lancedb  # noqa: PLC0415 (where it is installed)
    import pyarrow as pa  # noqa: PLC0415

    vectors = pa.FixedSizeListArray.from_arrays(pa.array(embedding_ND.ravel()), embedding_ND.shape[1])
    table = pa.table({"id": pa.array(np.arange(len(embedding_ND))), "vector": vectors})
    return lancedb.connect(tempfile.mkdtemp()).create_table("photos", table)


def _lance_ids(query: Any) -> set[int]:  # noqa: ANN401 (likewise)
    return set(query.limit(TOP_K).select(["id", "_distance"]).to_arrow()["id"].to_pylist())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, nargs="+", default=[20_000])
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--filters", action="store_true", help="also filters that keep 1, 10 and 50 of 100")
    parser.add_argument("--peers", action="store_true", help="also faiss, usearch and LanceDB, where installed")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw how it grows with the number of photos")
    options = parser.parse_args()
    sizes = [compared(num, options) for num in options.photos]
    if options.plot:
        plot(options.plot, options.photos, sizes)


def compared(num_photos: int, options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Measure with so many photos, and print; returns what was found of each engine."""
    embedding_ND = clustered(num_photos, options.dim, seed=1)
    queries_QD = clustered(options.queries, options.dim, seed=2)
    shares = (1.0, *_SHARES) if options.filters else (1.0,)
    exacts = {share: exact(embedding_ND, queries_QD, share) for share in shares}
    truths, numpy_ms = {share: found for share, (found, _) in exacts.items()}, exacts[1.0][1]
    with tempfile.TemporaryDirectory() as folder:
        build_s = build(Path(folder) / "shard", embedding_ND)
        mine, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=opened, args=(Path(folder) / "shard", queries_QD, truths, theirs)
        )
        process.start()
        engine = mine.recv() | {"build_s": round(build_s, 1)}
        process.join()
    print(f"{num_photos:,} products of {options.dim} numbers; built in {engine['build_s']} s, opened in")
    print(f"{engine['open_s']} s; {engine['own_mb']:,} MB of memory, and {engine['files_mb']:,} MB of files")
    for share in shares:
        kept = "all" if share == 1.0 else f"a filter keeps {share:.0%}"
        print(f"  Qdrant Edge, {kept:24}{engine[f'{share:g}']}")
    ratio = round(engine["1"]["p50_ms"] / numpy_ms, 3)
    print(f"  exact NumPy, no payload           p50 {numpy_ms:.3f} ms; Qdrant Edge takes {ratio} times as long")
    results = {"qdrant_edge": engine, "numpy": {"p50_ms": round(numpy_ms, 3)}}
    for name, peer in PEERS.items() if options.peers else ():
        if importlib.util.find_spec(name.partition(" ")[0]) is None:
            print(f"  {name}: not installed, skipped")
            continue
        started = time.perf_counter()
        search = peer(embedding_ND)
        build_s = time.perf_counter() - started
        results[name] = measured(search, queries_QD, truths[1.0]) | {"build_s": round(build_s, 1)}
        print(f"  {name:34}{results[name]}", flush=True)
    print(json.dumps({"photos": num_photos, "dim": options.dim, **results, "ratio_to_numpy": ratio}), flush=True)
    return results


def plot(file: Path, sizes: list[int], found: list[dict[str, dict[str, Any]]]) -> None:
    """Draw how a search, the memory and the building grow; both axes in powers of ten."""
    from matplotlib.figure import Figure  # noqa: PLC0415 (where it is installed)

    engines = [each["qdrant_edge"] for each in found]
    lines = {
        "a search, ms": {
            "exact NumPy": [each["numpy"]["p50_ms"] for each in found],
            "Qdrant Edge, 99 of 100 below": [engine["1"]["p99_ms"] for engine in engines],
            "Qdrant Edge, half of them below": [engine["1"]["p50_ms"] for engine in engines],
        },
        "memory, MB": {
            "with files that are mapped": [engine["own_mb"] + engine["files_mb"] for engine in engines],
            "its own": [engine["own_mb"] for engine in engines],
        },
        "to build and to open, s": {
            "built": [engine["build_s"] for engine in engines],
            "opened": [engine["open_s"] for engine in engines],
        },
    }
    figure = Figure(figsize=(12, 4), layout="constrained")
    for axes, (title, of_title) in zip(figure.subplots(1, len(lines)), lines.items(), strict=True):
        for name, values in of_title.items():
            axes.loglog(sizes, values, marker="o", label=name)
        axes.set(title=title, xlabel="products")
        axes.grid(alpha=0.3)
        axes.legend(loc="lower right", fontsize="small")
    figure.savefig(file)


if __name__ == "__main__":
    main()
