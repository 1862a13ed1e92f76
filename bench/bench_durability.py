"""Does the index keep every change that it acknowledged, whenever its process is killed?

A child process changes a Qdrant Edge index (adds, replaces and removes photos, removes products, changes what is said
of them) and acknowledges each change on a pipe; the parent kills it with SIGKILL at a random moment, opens the index,
and compares all of it with an exact index that had the acknowledged changes: photos, embeddings, what is said, one lead
a product, facts, words, counts. The change that was under way when the kill came may be there, but only wholly. Then
the next child goes on with the same index. Prints what was found; the last line is JSON; fails where anything was lost.

SIGKILL leaves the operating system's cache as it is: power cuts are another matter, for which each change is synced.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snapshelf.adapters.exact_index import ExactIndex
from snapshelf.adapters.qdrant_edge_index import QdrantEdgeIndex
from snapshelf.adapters.qdrant_points import LEADS, Conditions
from snapshelf.ports import VectorIndex
from snapshelf.types import Filters, Product, ProductPhoto

DIM = 8
NUM_PRODUCTS = 60
MOST_PHOTOS = 4
VOCABULARY = ["red", "blue", "green", "shoe", "bag", "hat", "summer", "42", "leather", "Größe"]
LONGEST_LIFE = 80
"""A child gets at most so many changes."""
BURST = 8
"""The last changes come without waiting for an answer, so that the kill finds the child at work."""

Change = dict[str, Any]


def random_change(rng: random.Random, number: int) -> Change:
    """A change of a few products, as JSON can say it; its number makes its photos and embeddings its own."""
    what = rng.choices(["upsert", "update", "remove", "remove_photos", "optimize"], [40, 35, 8, 16, 1])[0]
    ids = rng.sample(range(NUM_PRODUCTS), rng.randint(1, 4))
    products = [
        {
            "id": f"p{n}",
            "title": " ".join(rng.choices(VOCABULARY, k=rng.randint(1, 5))),
            "category": rng.choice(VOCABULARY[3:6]),
            "price": rng.choice([None, rng.randint(0, 99) / 2]),
            "in_stock": rng.choice([None, True, False]),
            "attributes": {"size": rng.randint(1, 5), "new": rng.random() < 0.5},
        }
        for n in ids
    ]
    photos = [[f"p{n}", rng.randrange(MOST_PHOTOS)] for n in ids for _ in range(rng.randint(1, 3))]
    return {"what": what, "number": number, "products": products, "photos": photos}


def apply(index: VectorIndex, change: Change) -> None:
    """Make a change."""
    products = {said["id"]: Product(**said) for said in change["products"]}
    photo_ids = [f"{product_id}/{n}" for product_id, n in change["photos"]]
    if change["what"] == "upsert":
        sha256 = str(change["number"])
        embedding_ND = np.random.default_rng(change["number"]).normal(size=(len(photo_ids), DIM)).astype(np.float32)
        photos = [
            ProductPhoto(photo_id, sha256, products[photo_id.partition("/")[0]], (VOCABULARY[n % 3],))
            for n, photo_id in enumerate(photo_ids)
        ]
        index.upsert(photos, embedding_ND)
    elif change["what"] == "update":
        index.update_products(list(products.values()))
    elif change["what"] == "remove":
        index.remove(list(products))
    elif change["what"] == "remove_photos":
        index.remove_photos(photo_ids)
    else:
        index.optimize()


def differences(index: QdrantEdgeIndex, exact: ExactIndex) -> list[str]:
    """What an index has otherwise than the exact one."""
    products = exact.products(offset=0, limit=NUM_PRODUCTS)
    ids = [product.id for product in products]
    embeddings, true_embeddings = index.product_embeddings(ids), exact.product_embeddings(ids)
    filters = [Filters(), *(Filters(attributes={"size": frozenset({str(size)})}) for size in range(1, 6))]
    compared = {
        "photos": index.photo_hashes() == exact.photo_hashes(),
        "products": index.products(offset=0, limit=NUM_PRODUCTS) == products,
        "what is said of photos": all(index.product_photos(each) == exact.product_photos(each) for each in ids),
        "embeddings": list(embeddings) == list(true_embeddings)
        and all(_same_numbers(embeddings[each], true_embeddings[each]) for each in ids),
        "one lead a product": index._facet("product_id", Conditions((LEADS,))) == dict.fromkeys(ids, 1),  # noqa: SLF001
        "counts": (index.count_products(), index.categories()) == (len(ids), exact.categories()),
        "facts": all(index.facets(wanted) == exact.facets(wanted) for wanted in filters),
        "words": all(_same_words(index, exact, word) for word in VOCABULARY),
    }
    return [what for what, same in compared.items() if not same]


def _same_numbers(mine_PD: NDArray[np.float32], truth_PD: NDArray[np.float32]) -> bool:
    return mine_PD.shape == truth_PD.shape and bool(np.allclose(mine_PD, truth_PD, atol=1e-5))


def _same_words(index: VectorIndex, exact: VectorIndex, word: str) -> bool:
    mine, truth = (
        {match.product_id: match.score for match in made.search_words(word, limit=NUM_PRODUCTS, filters=Filters())}
        for made in (index, exact)
    )
    return mine.keys() == truth.keys() and all(abs(mine[each] - truth[each]) < 1e-3 for each in mine)


def serve(folder: Path) -> None:
    """The child: makes the changes that come on standard input, and says when each is there."""
    index = QdrantEdgeIndex.open(folder)
    print("ready", flush=True)
    for line in sys.stdin:
        apply(index, json.loads(line))
        print("done", flush=True)


def one_life(folder: Path, exact: ExactIndex, changes: list[Change], rng: random.Random) -> list[Change]:
    """Let a child make changes until it is killed, most often amidst the last `BURST`; returns what it left undone.

    The exact index gets what was acknowledged. The first of what is left may be there all the same.
    """
    child = subprocess.Popen(
        [sys.executable, __file__, "--child", str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin is not None
    assert child.stdout is not None
    took_s = [0.01]
    try:
        if child.stdout.readline() != "ready\n":
            raise SystemExit("The child could not open the index.")
        for change in changes[:-BURST]:
            sent_at = time.monotonic()
            print(json.dumps(change), file=child.stdin, flush=True)
            if child.stdout.readline() != "done\n":
                raise SystemExit(f"The child ended by itself at {change}.")
            took_s.append(time.monotonic() - sent_at)
        print(*(json.dumps(change) for change in changes[-BURST:]), sep="\n", file=child.stdin, flush=True)
        time.sleep(rng.uniform(0, BURST * statistics.median(took_s)))
    finally:
        child.kill()
        said, _ = child.communicate()
    num_done = len(changes[:-BURST]) + said.count("done\n")
    for change in changes[:num_done]:
        apply(exact, change)
    return changes[num_done:]


def run(folder: Path, num_changes: int, seed: int, longest_life: int = LONGEST_LIFE) -> dict[str, Any]:
    """Kill children until so many changes were acknowledged; returns what was found."""
    rng = random.Random(seed)
    QdrantEdgeIndex.create(folder, DIM).close()
    exact = ExactIndex(DIM)
    numbers = itertools.count()
    found: dict[str, Any] = {"acknowledged": 0, "kills": 0, "under_way": 0, "under_way_was_there": 0, "lost": []}
    while found["acknowledged"] < num_changes and not found["lost"]:
        changes = [random_change(rng, next(numbers)) for _ in range(rng.randint(BURST, longest_life))]
        undone = one_life(folder, exact, changes, rng)
        found["acknowledged"] += len(changes) - len(undone)
        found["kills"] += 1
        found["under_way"] += bool(undone)
        index = QdrantEdgeIndex.open(folder)
        wrong = differences(index, exact)
        if wrong and undone:
            with_it = copy.deepcopy(exact)
            apply(with_it, undone[0])
            if not differences(index, with_it):
                wrong, exact = [], with_it
                found["under_way_was_there"] += 1
        index.close()
        found["lost"] += [f"kill {found['kills']}: {what}" for what in wrong]
    return found | {"products": exact.count_products(), "photos": len(exact.photo_hashes())}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="Where the index is made; default: the temporary folder.")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        serve(options.child)
        return
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        found = run(Path(folder) / "shard", options.changes, options.seed)
    found["seconds"] = round(time.perf_counter() - started, 1)
    print(
        f"{found['acknowledged']:,} changes acknowledged, {found['kills']:,} kills, {found['under_way']:,} of them in "
        f"the middle of a change, which was wholly there in {found['under_way_was_there']:,} cases; "
        f"{found['products']} products with {found['photos']} photos at the end"
    )
    print(
        "\n".join(["LOST OR WRONG:", *found["lost"]]) if found["lost"] else "Nothing was lost, nothing is half there."
    )
    print(json.dumps(found))
    sys.exit(1 if found["lost"] else 0)


if __name__ == "__main__":
    main()
